/* pii_checks.c - check digits. */
#include "text/corpus/pii.h"

static int weighted_sum(const char *digits, const char *weights)
{
    int sum = 0;
    for (int i = 0; weights[i]; i++)
        sum += (digits[i] - '0') * (weights[i] - '0');
    return sum;
}

bool pii_rrn_checks(const char digits[13])
{
    return (11 - weighted_sum(digits, "234567892345") % 11) % 10 == digits[12] - '0';
}

bool pii_frn_checks(const char digits[13])
{
    return (13 - weighted_sum(digits, "234567892345") % 11) % 10 == digits[12] - '0';
}

bool pii_business_checks(const char digits[10])
{
    int sum = weighted_sum(digits, "137137135") + (digits[8] - '0') * 5 / 10;
    return (10 - sum % 10) % 10 == digits[9] - '0';
}

bool pii_corporate_checks(const char digits[13])
{
    return (10 - weighted_sum(digits, "121212121212") % 10) % 10 == digits[12] - '0';
}

bool pii_luhn_checks(const char *digits, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++) {
        int d = digits[n - 1 - i] - '0';
        d = i % 2 ? 2 * d : d;
        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}
