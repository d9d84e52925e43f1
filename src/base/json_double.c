/* json_double.c - the shortest text that reads back equal.
 *
 * 15 digits give back any decimal of at most 15 digits, so for normal numbers the first precision from 15 on that reads back equal is the
 * shortest. Between 1e-4 and 1e15 everything fits in 128 bits: with value = f / 2^s and q digits behind the point, digits D are the rounded quotient
 * of f 10^q and 2^s, and D reads back equal when |D 2^s - f 10^q| is at most half a unit in f's last place, 10^q / 2. */
#include "base/json_internal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 Wide;

enum { PRECISION_MIN = 15, PRECISION_MAX = 17 };

/* Behind "3": so that readers see a real number. */
static size_t end_whole(char *text, size_t n)
{
    memcpy(text + n, ".0", 3);
    return n + 2;
}

size_t json_double_text_plain(char text[JSON_DOUBLE_BYTES], double value)
{
    int n, precision = fabs(value) < DBL_MIN ? 1 : PRECISION_MIN;  /* below DBL_MIN are fewer digits to begin with */
    do
        n = snprintf(text, JSON_DOUBLE_BYTES, "%.*g", precision, value);
    while (strtod(text, NULL) != value && precision++ < PRECISION_MAX);
    return strpbrk(text, ".e") ? (size_t)n : end_whole(text, (size_t)n);
}

static size_t put_digits(char *text, uint64_t value)
{
    char digits[24];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    for (size_t i = 0; i < n; i++)
        text[i] = digits[n - 1 - i];
    return n;
}

/* D with the point in front of its last q digits. */
static size_t put_decimal(char *text, uint64_t d, int q)
{
    char digits[24];
    for (; q > 0 && d % 10 == 0; q--)
        d /= 10;
    int n_digits = (int)put_digits(digits, d);
    size_t n = 0;
    if (q >= n_digits) {
        text[n++] = '0', text[n++] = '.';
        for (int i = n_digits; i < q; i++)
            text[n++] = '0';
        memcpy(text + n, digits, (size_t)n_digits);
        return n + (size_t)n_digits;
    }
    memcpy(text, digits, (size_t)(n_digits - q));
    n = (size_t)(n_digits - q);
    if (q == 0)
        return end_whole(text, n);
    text[n++] = '.';
    memcpy(text + n, digits + n_digits - q, (size_t)q);
    return n + (size_t)q;
}

/* Digits before the point of a value from 1e-4 on: 0 for 0.5, -1 for 0.05. */
static int places(double value)
{
    static const double small[] = {1e-1, 1e-2, 1e-3};
    int n = 0;
    if (value >= 1.0) {
        for (double power = 1.0; value >= power; power *= 10.0)
            n++;
        return n;
    }
    while (n < 3 && value < small[n])
        n++;
    return -n;
}

size_t json_double_text(char text[JSON_DOUBLE_BYTES], double value)
{
    double size = fabs(value);
    size_t n = 0;
    if (signbit(value))
        text[n++] = '-';
    if (size < 1e15 && size == (double)(uint64_t)size)
        return end_whole(text, n + put_digits(text + n, (uint64_t)size));
    if (!(size >= 1e-4 && size < 1e15))
        return json_double_text_plain(text, value);
    int exponent;
    uint64_t f = (uint64_t)ldexp(frexp(size, &exponent), DBL_MANT_DIG);
    int s = DBL_MANT_DIG - exponent, q = PRECISION_MIN - places(size);
    Wide power = 1;
    for (int i = 0; i < q; i++)
        power *= 10;
    for (int precision = PRECISION_MIN;; precision++, q++, power *= 10) {
        Wide exact = f * power, half = (Wide)1 << (s - 1), d = (exact + half) >> s;
        if (((d << s) - exact) == half && (d & 1))
            d--;  /* a tie goes to the even */
        Wide read = d << s, off = read > exact ? read - exact : exact - read;
        bool is_narrow = f == UINT64_C(1) << (DBL_MANT_DIG - 1) && read < exact;  /* below a power of two lie twice as many numbers */
        if ((is_narrow ? 4 * off : 2 * off) < power || precision == PRECISION_MAX || ((is_narrow ? 4 : 2) * off == power && !(f & 1)))
            return n + put_decimal(text + n, (uint64_t)d, q);
    }
}
