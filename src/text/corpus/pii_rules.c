/* pii_rules.c - what a number may be, by its runs of digits. */
#include "text/corpus/pii_internal.h"

#include <stdlib.h>
#include <string.h>

#define CUE_RRN "주민|등록번호|resident|RRN"
#define CUE_BUSINESS "사업자|business"
#define CUE_CORPORATE "법인"
#define CUE_DRIVER "면허|licen"
#define CUE_BANK "은행|계좌|뱅크|입금|송금|농협|수협|신협|새마을금고|우체국|account|bank|예금주"
#define CUE_PHONE "전화|연락|휴대|핸드폰|문의|팩스|번호는|☎|tel|phone|call|fax|mobile|cell|contact|reach|dial|text me"
#define CUE_CARD "카드|card|결제"

/* Do the first runs have these lengths, divided by one and the same separator out of `separators`, with the number ending there? A
 * further run behind a blank is another number; behind a hyphen it means that this is something longer. */
static bool runs_are(const NumberRuns *number, const char *lengths, const char *separators)
{
    int n = (int)strlen(lengths);
    if (number->n_runs < n)
        return false;
    for (int i = 0; i < n; i++) {
        if (number->runs[i].n != lengths[i] - '0')
            return false;
        char separator = number->runs[i].separator;
        bool is_last = i + 1 == n;
        if (!is_last && (!strchr(separators, separator) || (i > 0 && separator != number->runs[0].separator && number->runs[0].separator != ')')))
            return false;
        if (is_last && number->n_runs > n && separator != ' ')
            return false;
    }
    return true;
}

static bool is_single(const NumberRuns *number, int n_digits)
{
    return number->runs[0].n == n_digits && (number->n_runs == 1 || number->runs[0].separator == ' ');
}

static int two(const char *digits)
{
    return (digits[0] - '0') * 10 + digits[1] - '0';
}

static bool is_date(const char *digits)
{
    int month = two(digits + 2), day = two(digits + 4);
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static PiiClass take(const NumberRuns *number, int n_runs, PiiClass class, size_t *end)
{
    *end = number->runs[n_runs - 1].end;
    return class;
}

/* 6-7: resident, foreigner or company. */
static PiiClass classify_six_seven(const PlainView *view, const NumberRuns *number, size_t *end)
{
    bool split = runs_are(number, "67", "-");
    bool loose = !split && runs_are(number, "67", " .");
    if (!split && !loose && !is_single(number, 13))
        return N_PII;
    const char *d = number->digits;
    int n_runs = split || loose ? 2 : 1;
    size_t begin = number->runs[0].begin, stop = number->runs[n_runs - 1].end;
    char sex = d[6];
    if (is_date(d)) {
        bool common = sex >= '1' && sex <= '8', foreign = sex >= '5' && sex <= '8';
        bool checks = foreign ? pii_frn_checks(d) || pii_rrn_checks(d) : pii_rrn_checks(d);
        bool cue = view_has_cue(view, begin, stop, CUE_RRN, 40, 12);
        bool is_company = pii_corporate_checks(d) && view_has_cue(view, begin, stop, CUE_CORPORATE, 30, 6);
        if (!is_company && ((split && common) || checks || cue))
            return take(number, n_runs, foreign ? PII_FRN : PII_RRN, end);
    }
    bool cue = view_has_cue(view, begin, stop, CUE_CORPORATE, 30, 6);
    if (cue || (split && pii_corporate_checks(d)))
        return take(number, n_runs, PII_CORPORATE, end);
    return N_PII;
}

static bool has_issuer(const char *d, int n)
{
    char four[5] = {d[0], d[1], d[2], d[3], 0};
    int head = atoi(four), head2 = two(d);
    if (d[0] == '4')
        return n == 13 || n == 16 || n == 19;
    if ((head2 >= 51 && head2 <= 55) || (head >= 2221 && head <= 2720))
        return n == 16;
    if (head2 == 34 || head2 == 37)
        return n == 15;
    if (head >= 3528 && head <= 3589)
        return n == 16;
    if (head == 2131 || head == 1800)
        return n == 15;
    if (head2 == 36 || head2 == 38 || head2 == 39 || (head2 == 30 && d[2] <= '5'))
        return n == 14 || n == 16;
    if (head == 6011 || head2 == 65 || (head2 == 64 && d[2] >= '4') || head2 == 62)
        return n >= 16;
    if (head2 == 50 || (head2 >= 56 && head2 <= 58) || head2 == 63 || head2 == 67)
        return n >= 12;
    return d[0] == '9' && n == 16;  /* Korean domestic */
}

static PiiClass classify_card(const PlainView *view, const NumberRuns *number, size_t *end)
{
    static const char *const forms[] = {"4444", "465", "464", "44443", "4441"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        int n = 0, n_runs = (int)strlen(forms[i]);
        for (int k = 0; k < n_runs; k++)
            n += forms[i][k] - '0';
        if (runs_are(number, forms[i], "- .") && has_issuer(number->digits, n) && pii_luhn_checks(number->digits, n))
            return take(number, n_runs, PII_CARD, end);
    }
    int n = number->runs[0].n;
    if (n < 12 || n > 19 || !is_single(number, n) || !pii_luhn_checks(number->digits, n))
        return N_PII;
    bool is_unknown = !has_issuer(number->digits, n);
    bool is_doubtful = n == 13 || number->digits[0] == '9' || is_unknown;  /* product codes, order numbers */
    if (is_unknown && n != 16)
        return N_PII;
    if (is_doubtful && !view_has_cue(view, number->runs[0].begin, number->runs[0].end, CUE_CARD, 60, 20))
        return N_PII;
    return take(number, 1, PII_CARD, end);
}

static PiiClass classify_registrations(const PlainView *view, const NumberRuns *number, size_t *end)
{
    const char *d = number->digits;
    size_t begin = number->runs[0].begin;
    if (runs_are(number, "325", "-")) {
        bool cue = view_has_cue(view, begin, number->runs[2].end, CUE_BUSINESS, 30, 6);
        if (cue || pii_business_checks(d))
            return take(number, 3, PII_BUSINESS, end);
    }
    if (runs_are(number, "325", " .") && pii_business_checks(d) && view_has_cue(view, begin, number->runs[2].end, CUE_BUSINESS, 30, 6))
        return take(number, 3, PII_BUSINESS, end);
    if (is_single(number, 10) && pii_business_checks(d) && view_has_cue(view, begin, number->runs[0].end, CUE_BUSINESS, 30, 6))
        return take(number, 1, PII_BUSINESS, end);
    int region = two(d);
    bool known_region = (region >= 11 && region <= 26) || region == 28;
    if (runs_are(number, "2262", "-") && known_region)
        return take(number, 4, PII_DRIVER, end);
    if ((is_single(number, 12) || runs_are(number, "2262", " ")) && known_region &&
        view_has_cue(view, begin, number->runs[0].end, CUE_DRIVER, 30, 6))
        return take(number, is_single(number, 12) ? 1 : 4, PII_DRIVER, end);
    return N_PII;
}

/* Korean numbers with their leading 0: by prefix, then 3 or 4 and 4 digits. */
static int korean_prefix(const char *d, int n)
{
    if (n >= 3 && d[0] == '0' && d[1] == '1' && strchr("016789", d[2]))
        return 3;
    if (n >= 4 && d[0] == '0' && d[1] == '5' && d[2] == '0')
        return 4;
    if (n >= 3 && (strncmp(d, "070", 3) == 0 || strncmp(d, "080", 3) == 0))
        return 3;
    if (n >= 3 && d[0] == '0' && d[1] >= '3' && d[1] <= '6' && d[2] >= '1' && d[2] <= '5')
        return 3;
    return n >= 2 && d[0] == '0' && d[1] == '2' ? 2 : 0;
}

static PiiClass classify_korean_phone(const PlainView *view, const NumberRuns *number, size_t *end)
{
    int n0 = number->runs[0].n, prefix = korean_prefix(number->digits, n0);
    if (prefix == n0 && number->n_runs >= 3 && (number->runs[1].n == 3 || number->runs[1].n == 4) && number->runs[2].n == 4 &&
        (number->n_runs == 3 || number->runs[2].separator == ' ' || number->runs[2].separator == ')'))
        return take(number, 3, PII_PHONE, end);
    int rest = n0 - prefix;
    bool mobile = prefix == 3 && number->digits[1] == '1';
    if (prefix > 0 && is_single(number, n0) && (rest == 7 || rest == 8) && (mobile || view_has_cue(view, number->runs[0].begin, number->runs[0].end, CUE_PHONE, 40, 12)))
        return take(number, 1, PII_PHONE, end);
    if (prefix > 0 && prefix < n0 && number->n_runs >= 2 && (rest == 3 || rest == 4) && number->runs[1].n == 4 && number->runs[0].separator == '-' &&
        (number->n_runs == 2 || number->runs[1].separator == ' '))
        return take(number, 2, PII_PHONE, end);  /* 0101234-5678 */
    int head = two(number->digits);
    bool service = n0 == 4 && (head == 15 || head == 16 || head == 18) && number->n_runs >= 2 && number->runs[1].n == 4 &&
                   number->runs[0].separator == '-' && (number->n_runs == 2 || number->runs[1].separator == ' ');
    bool years = service && number->digits[0] == '1' && number->digits[4] <= '2' && number->digits[1] == '8' && number->digits[2] != '0' &&
                 !view_has_cue(view, number->runs[0].begin, number->runs[1].end, CUE_PHONE, 40, 12);  /* 1868-1912 */
    return service && !years ? take(number, 2, PII_PHONE, end) : N_PII;
}

/* Digits of the leading runs up to the last that belongs to a number of other countries: 7 to 15 digits in all. */
static int world_runs(const NumberRuns *number, int *n_digits)
{
    int n_runs = 0;
    *n_digits = 0;
    while (n_runs < number->n_runs && *n_digits + number->runs[n_runs].n <= 15) {
        *n_digits += number->runs[n_runs].n;
        if (number->runs[n_runs++].separator == 0)
            break;
    }
    return n_runs;
}

static bool is_calendar_date(const NumberRuns *number)
{
    return (runs_are(number, "422", "-.") && two(number->digits) >= 15 && two(number->digits) <= 21) || runs_are(number, "224", "-.") ||
           runs_are(number, "222", "-.");
}

static bool is_postal_code(const NumberRuns *number)
{
    return runs_are(number, "54", "-");  /* ZIP+4 */
}

static PiiClass classify_world_phone(const PlainView *view, const NumberRuns *number, size_t *end)
{
    int n_digits, n_runs = world_runs(number, &n_digits);
    if (n_runs == 0)
        return N_PII;  /* more digits in one run than any telephone number has */
    if (n_runs < number->n_runs && number->runs[n_runs - 1].separator != ' ')
        return N_PII;
    if (number->has_plus && n_digits >= 8 && n_digits <= 15)
        return take(number, n_runs, PII_PHONE, end);
    if (is_calendar_date(number) || is_postal_code(number))
        return N_PII;
    if (strncmp(number->digits, "82", 2) == 0 && number->runs[0].n == 2 && number->n_runs >= 4 && number->runs[0].separator == '-' && n_digits >= 11)
        return take(number, n_runs, PII_PHONE, end);
    if (runs_are(number, "334", "-.") || (number->has_parenthesis && runs_are(number, "334", ") -.")))
        return take(number, 3, PII_PHONE, end);
    bool grouped = n_runs >= 3 || number->has_parenthesis;
    if (number->digits[0] == '0' && grouped && n_digits >= 9 && n_digits <= 11 && number->runs[0].n >= 2)
        return take(number, n_runs, PII_PHONE, end);
    bool plain = n_runs == 1 && n_digits >= 9 && n_digits <= 11;
    if (n_digits < 7 || n_digits > 12 || (n_runs < 2 && !plain))
        return N_PII;
    bool cue = view_has_cue(view, number->runs[0].begin, number->runs[n_runs - 1].end, CUE_PHONE, 48, 16);
    return cue ? take(number, n_runs, PII_PHONE, end) : N_PII;
}

static PiiClass classify_account(const PlainView *view, const NumberRuns *number, size_t *end)
{
    int n_digits = 0, n_runs = 0;
    while (n_runs < number->n_runs) {
        n_digits += number->runs[n_runs].n;
        if (number->runs[n_runs++].separator != '-')
            break;
    }
    bool fits = n_digits >= 10 && n_digits <= 14 && (n_runs == 1 || (n_runs >= 2 && n_runs <= 5));
    if (!fits || (n_runs == 3 && is_calendar_date(number)))
        return N_PII;
    bool cue = view_has_cue(view, number->runs[0].begin, number->runs[n_runs - 1].end, CUE_BANK, 45, 15);
    return cue ? take(number, n_runs, PII_ACCOUNT, end) : N_PII;
}

static PiiClass classify_ip(const PlainView *view, const NumberRuns *number, size_t *end)
{
    if (number->n_runs < 4)
        return N_PII;
    int at = 0;
    for (int i = 0; i < 4; i++) {
        int n = number->runs[i].n;
        if (n > 3 || (i < 3 && number->runs[i].separator != '.') || (n > 1 && number->digits[at] == '0'))
            return N_PII;
        char octet[4] = {0};
        memcpy(octet, number->digits + at, (size_t)n);
        if (atoi(octet) > 255 || (i == 0 && (atoi(octet) == 0 || atoi(octet) == 127)))
            return N_PII;
        at += n;
    }
    bool longer = number->n_runs > 4 && number->runs[3].separator == '.';
    if (longer || view_has_cue(view, number->runs[0].begin, number->runs[3].end, "ersion|버전|ver.", 12, 0))
        return N_PII;
    return take(number, 4, PII_IP, end);
}

PiiClass pii_classify(const PlainView *view, const NumberRuns *number, size_t *end)
{
    PiiClass (*const rules[])(const PlainView *, const NumberRuns *, size_t *) = {
        classify_ip, classify_six_seven, classify_card, classify_registrations, classify_korean_phone, classify_account, classify_world_phone,
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (number->has_plus && i + 1 < sizeof rules / sizeof rules[0])
            continue;
        PiiClass class = rules[i](view, number, end);
        if (class != N_PII)
            return class;
    }
    return N_PII;
}
