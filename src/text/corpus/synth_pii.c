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
static bool luhn16(const char *d) { return pii_luhn_checks(d, 16); }

const char *synth_pii_value(Arena *arena, Dice *dice, PiiClass class)
{
    char d[32];
    put_digits(dice, d, 20);
    const char *separator = (const char *[]){"-", "-", ".", " "}[dice_below(dice, 4)];
    int month = 1 + dice_below(dice, 12), day = 1 + dice_below(dice, 28), year = dice_below(dice, 100);
    switch (class) {
    case PII_EMAIL: return arena_printf(arena, "%c%.4s_%c@%s.%s", 'a' + d[0] - '0', d, 'k' + d[1] - '0', dice_chance(dice, 50) ? "naver" : "my-mail",
                                        dice_chance(dice, 50) ? "com" : "co.kr");
    case PII_PHONE:
        if (dice_chance(dice, 20))
            return arena_printf(arena, "+82%s10%s%.4s%s%.4s", dice_chance(dice, 50) ? " " : "-", "-", d, "-", d + 4);
        return dice_chance(dice, 60) ? arena_printf(arena, "010%s%.4s%s%.4s", separator, d, separator, d + 4)
                                     : arena_printf(arena, "0%d%s%.3s%s%.4s", 31 + dice_below(dice, 3), separator, d, separator, d + 3);
    case PII_RRN: return arena_printf(arena, "%02d%02d%02d-%d%.6s", year, month, day, 1 + dice_below(dice, 4), d);
    case PII_FRN: return arena_printf(arena, "%02d%02d%02d-%d%.6s", year, month, day, 5 + dice_below(dice, 4), d);
    case PII_BUSINESS: with_last(d, 10, business); return arena_printf(arena, "%.3s-%.2s-%.5s", d, d + 3, d + 5);
    case PII_CORPORATE:
        memcpy(d, "1101", 4);
        d[4] = '9', d[5] = '9';
        with_last(d, 13, corporate);
        return arena_printf(arena, "%.6s-%.7s", d, d + 6);
    case PII_PASSPORT: return arena_printf(arena, "%c%.3s%c%.4s", "MSROD"[dice_below(dice, 5)], d, 'A' + dice_below(dice, 26), d + 3);
    case PII_DRIVER: return arena_printf(arena, "%d-%.2s-%.6s-%.2s", 11 + dice_below(dice, 16), d, d + 2, d + 8);
    case PII_CARD:
        d[0] = '4';
        with_last(d, 16, luhn16);
        return dice_chance(dice, 30) ? arena_printf(arena, "%.16s", d) : arena_printf(arena, "%.4s-%.4s-%.4s-%.4s", d, d + 4, d + 8, d + 12);
    case PII_ACCOUNT: return arena_printf(arena, "%.6s-%.2s-%.6s", d, d + 6, d + 8);
    case PII_IP: return arena_printf(arena, "%d.%d.%d.%d", 1 + dice_below(dice, 126), dice_below(dice, 256), dice_below(dice, 256), dice_below(dice, 256));
    case N_PII: break;
    }
    return "";
}

const char *synth_pii_phrase(Arena *arena, Dice *dice, PiiClass class, const char *value, bool is_english)
{
    static const char *const korean[N_PII][2] = {
        {"메일은 %s로 보내 주세요", "문의: %s (평일만)"}, {"%s로 연락 주세요.", "전화번호는 %s입니다"}, {"주민번호 %s를 적었다", "%s입니다"},
        {"외국인등록번호 %s이다", "번호는 %s인데"}, {"사업자번호 %s의 상호", "(%s) 주식회사"}, {"법인등록번호는 %s이다", "법인 %s와 계약"},
        {"여권 %s을 분실했다", "번호 %s"}, {"운전면허 %s으로 확인", "면허번호 %s"}, {"카드 %s로 결제", "%s 카드"}, {"신한은행 %s 홍길동", "계좌는 %s입니다"},
        {"접속 %s에서", "IP %s가 차단"},
    };
    static const char *const english[N_PII][2] = {
        {"write to %s for more", "mail: %s"}, {"call %s after six", "the phone number is %s"}, {"resident number %s", "the number %s was on the form"},
        {"foreigner number %s", "it said %s there"}, {"business number %s", "registered as %s"}, {"corporate number %s", "the company %s"},
        {"passport %s was lost", "passport number %s"}, {"driver's licence %s", "licence %s"}, {"paid with card %s", "card number %s"},
        {"Shinhan Bank %s", "bank account %s"}, {"from the address %s", "IP %s was blocked"},
    };
    const char *const *frames = (is_english ? english : korean)[class];
    char *format = arena_strdup(arena, frames[dice_below(dice, 2)]);
    char *at = strstr(format, "%s");
    *at = '\0';
    return arena_printf(arena, "%s%s%s", format, value, at + 2);
}
