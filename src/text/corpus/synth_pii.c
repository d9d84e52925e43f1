/* synth_pii.c - digits, separators, check digits. */
#include "text/corpus/synth_pii.h"

#include <string.h>

static void put_digits(Dice *dice, char *out, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (char)('0' + dice_below(dice, 10));
    out[n] = '\0';
}

static void with_last(char *digits, int n, bool (*checks)(const char *))
{
    for (char c = '0'; c <= '9'; c++) {
        digits[n - 1] = c;
        if (checks(digits))
            return;
    }
}

static bool corporate(const char *d) { return pii_corporate_checks(d); }
static bool business(const char *d) { return pii_business_checks(d); }
static bool resident(const char *d) { return pii_rrn_checks(d); }
static bool foreigner(const char *d) { return pii_frn_checks(d); }
static bool luhn16(const char *d) { return pii_luhn_checks(d, 16); }
static bool luhn15(const char *d) { return pii_luhn_checks(d, 15); }

static const char *one_of(Dice *dice, const char *const *choices, int n)
{
    return choices[dice_below(dice, n)];
}
#define ONE_OF(dice, ...) one_of(dice, (const char *const[]){__VA_ARGS__}, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

/* The digits in groups of these lengths ("344"). */
static const char *in_groups(Arena *arena, const char *digits, const char *lengths, const char *separator)
{
    const char *text = "";
    for (; *lengths; digits += *lengths++ - '0')
        text = arena_printf(arena, "%s%s%.*s", text, text[0] ? separator : "", *lengths - '0', digits);
    return text;
}

/* Mobile, area, Seoul, 070, 0505, a service number, international. */
static const char *phone_value(Arena *arena, Dice *dice, const char *d)
{
    const char *separator = ONE_OF(dice, "-", "-", "-", ".", " ", ")", " - ");
    const char *plain = strcmp(separator, ")") == 0 ? "-" : separator;
    switch (dice_below(dice, 10)) {
    case 0: return arena_printf(arena, "+82%s10-%.4s-%.4s", ONE_OF(dice, " ", "-", ""), d, d + 4);
    case 1: return arena_printf(arena, "0%d%s%.3s%s%.4s", 31 + dice_below(dice, 3), separator, d, plain, d + 3);
    case 2: return arena_printf(arena, "02%s%.4s%s%.4s", separator, d, plain, d + 4);
    case 3: return arena_printf(arena, "(0%d) %.3s-%.4s", 51 + dice_below(dice, 5), d, d + 3);
    case 4: return arena_printf(arena, "0%s-%.4s-%.4s", ONE_OF(dice, "70", "80", "505", "502"), d, d + 4);
    case 5: return arena_printf(arena, "%s%.2s-%.4s", ONE_OF(dice, "15", "16"), d, d + 2);
    case 6: return arena_printf(arena, "010%.8s", d);
    default: return arena_printf(arena, "01%s%s%.4s%s%.4s", ONE_OF(dice, "0", "0", "0", "1", "6", "9"), separator, d, plain, d + 4);
    }
}

/* YYMMDD-GNNNNNN. Numbers since October 2020 have no check digit; without hyphen only older ones can be told. */
static const char *resident_value(Arena *arena, Dice *dice, char *d, bool is_foreign)
{
    const char *head = arena_printf(arena, "%02d%02d%02d%d", dice_below(dice, 100), 1 + dice_below(dice, 12), 1 + dice_below(dice, 28), (is_foreign ? 5 : 1) + dice_below(dice, 4));
    memcpy(d, head, 7);
    bool is_old = dice_chance(dice, 50);
    if (is_old)
        for (d[7] = '0'; d[7] <= '9'; d[7]++) {  /* no digit checks for one remainder in eleven */
            with_last(d, 13, is_foreign ? foreigner : resident);
            if (is_foreign ? pii_frn_checks(d) : pii_rrn_checks(d))
                break;
        }
    return is_old ? in_groups(arena, d, "67", ONE_OF(dice, "-", "-", "", " ", " - ")) : in_groups(arena, d, "67", ONE_OF(dice, "-", "-", " - "));
}

static const char *card_value(Arena *arena, Dice *dice, char *d)
{
    if (dice_chance(dice, 15)) {
        memcpy(d, dice_chance(dice, 50) ? "34" : "37", 2);
        with_last(d, 15, luhn15);
        return in_groups(arena, d, "465", ONE_OF(dice, "-", " ", ""));
    }
    const char *issuer = ONE_OF(dice, "4", "4", "51", "55", "2221", "2720", "3528", "3589", "62", "6011", "65", "94");
    memcpy(d, issuer, strlen(issuer));
    with_last(d, 16, luhn16);
    return in_groups(arena, d, "4444", ONE_OF(dice, "-", "-", " ", "", "."));
}

static const char *ip_value(Arena *arena, Dice *dice, const char *d)
{
    if (dice_chance(dice, 25))
        return arena_printf(arena, dice_chance(dice, 50) ? "2001:db8:%.3s:%.2s::%.1s" : "2001:db8:1%.3s:1%.2s:0:0:1%.1s:ab", d, d + 3, d + 5);
    return arena_printf(arena, "%d.%d.%d.%d", 1 + dice_below(dice, 126), dice_below(dice, 256), dice_below(dice, 256), dice_below(dice, 256));
}

static const char *email_value(Arena *arena, Dice *dice, const char *d)
{
    const char *local = arena_printf(arena, "%c%.4s%s%c", 'a' + d[0] - '0', d, ONE_OF(dice, "_", ".", "-", "+", ""), 'k' + d[1] - '0');
    return arena_printf(arena, "%s@%s.%s", local, ONE_OF(dice, "naver", "my-mail", "mail.example"), ONE_OF(dice, "com", "co.kr", "org"));
}

/* The digits of other people's keyboards. */
static const char *widen(Arena *arena, const char *value)
{
    const char *wide = "";
    for (; *value; value++)
        wide = *value >= '0' && *value <= '9' ? arena_printf(arena, "%s\xEF\xBC%c", wide, 0x90 + *value - '0')
               : *value == '-'                ? arena_printf(arena, "%s\xEF\xBC\x8D", wide)
                                              : arena_printf(arena, "%s%c", wide, *value);
    return wide;
}

static const char *plain_value(Arena *arena, Dice *dice, PiiClass class)
{
    char d[32];
    put_digits(dice, d, 20);
    switch (class) {
    case PII_EMAIL: return email_value(arena, dice, d);
    case PII_PHONE: return phone_value(arena, dice, d);
    case PII_RRN: return resident_value(arena, dice, d, false);
    case PII_FRN: return resident_value(arena, dice, d, true);
    case PII_BUSINESS: with_last(d, 10, business); return in_groups(arena, d, "325", ONE_OF(dice, "-", "-", " ", "."));
    case PII_CORPORATE:
        memcpy(d, "110199", 6);  /* no date, and no G of a person behind it */
        with_last(d, 13, corporate);
        return in_groups(arena, d, "67", "-");
    case PII_PASSPORT:
        return dice_chance(dice, 50) ? arena_printf(arena, "%c%.8s", "MSROD"[dice_below(dice, 5)], d)
                                     : arena_printf(arena, "%c%.3s%c%.4s", "MSROD"[dice_below(dice, 5)], d, 'A' + dice_below(dice, 26), d + 3);
    case PII_DRIVER: return in_groups(arena, arena_printf(arena, "%d%.10s", 11 + dice_below(dice, 16), d), "2262", ONE_OF(dice, "-", "-", " ", ""));
    case PII_CARD: return card_value(arena, dice, d);
    case PII_ACCOUNT: return in_groups(arena, d, ONE_OF(dice, "626", "336", "436", "3443", "427", "66"), ONE_OF(dice, "-", "-", "-", ""));
    case PII_IP: return ip_value(arena, dice, d);
    case N_PII: break;
    }
    return "";
}

const char *synth_pii_value(Arena *arena, Dice *dice, PiiClass class)
{
    const char *value = plain_value(arena, dice, class);
    bool is_number = class != PII_EMAIL && class != PII_PASSPORT && class != PII_IP;
    return is_number && dice_chance(dice, 8) ? widen(arena, value) : value;
}

const char *synth_pii_phrase(Arena *arena, Dice *dice, PiiClass class, const char *value, bool is_english)
{
    static const char *const korean[N_PII][2] = {
        {"메일은 %s로 보내 주세요", "문의: %s (평일만)"}, {"%s로 연락 주세요.", "전화번호는 %s입니다"}, {"주민번호 %s를 적었다", "%s입니다"},
        {"외국인등록번호 %s이다", "번호는 %s인데"}, {"사업자번호 %s의 상호", "(사업자등록번호 %s) 주식회사"}, {"법인등록번호는 %s이다", "법인 %s와 계약"},
        {"여권 %s을 분실했다", "여권번호는 %s이다"}, {"운전면허 %s으로 확인", "면허번호 %s"}, {"카드 %s로 결제", "%s 카드"}, {"신한은행 %s 홍길동", "계좌는 %s입니다"},
        {"접속 %s에서", "IP %s가 차단"},
    };
    static const char *const english[N_PII][2] = {
        {"write to %s for more", "mail: %s"}, {"call %s after six", "the phone number is %s"}, {"resident number %s", "the number %s was on the form"},
        {"foreigner number %s", "it said %s there"}, {"business number %s", "registered as business %s"}, {"corporate number %s", "the company %s"},
        {"passport %s was lost", "passport number %s"}, {"driver's licence %s", "licence %s"}, {"paid with card %s", "card number %s"},
        {"Shinhan Bank %s", "bank account %s"}, {"from the address %s", "IP %s was blocked"},
    };
    const char *const *frames = (is_english ? english : korean)[class];
    char *format = arena_strdup(arena, frames[dice_below(dice, 2)]);
    char *at = strstr(format, "%s");
    *at = '\0';
    return arena_printf(arena, "%s%s%s", format, value, at + 2);
}
