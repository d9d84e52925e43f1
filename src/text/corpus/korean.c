/* korean.c - particles and numerals. */
#include "text/corpus/korean.h"

#include "text/unicode/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Digits as read in Sino-Korean: 영 일 이 삼 사 오 육 칠 팔 구. */
static const FinalSound digit_sounds[10] = {
    FINAL_OTHER, FINAL_RIEUL, FINAL_NONE, FINAL_OTHER, FINAL_NONE, FINAL_NONE, FINAL_OTHER, FINAL_RIEUL, FINAL_RIEUL, FINAL_NONE,
};

static const char *last_character(const char *text, const char *end)
{
    const char *at = end - 1;
    while (at > text && ((unsigned char)*at & 0xC0) == 0x80)
        at--;
    return at;
}

static bool is_passed_over(uint32_t c)
{
    return c == '"' || c == '\'' || c == ')' || c == ']' || c == 0x2019 || c == 0x201D || c == 0x300B || c == 0x300D || c == 0x300F;
}

/* 0 read after a digit is part of 십, 백, 천, 만, 억, which all end in a consonant but not in ㄹ; so is a lone 0, 영. */
FinalSound korean_final_sound(const char *text, size_t n_bytes)
{
    const char *end = text + n_bytes;
    while (end > text) {
        const char *at = last_character(text, end);
        uint32_t c;
        utf8_decode(&c, at, end);
        if (is_passed_over(c)) {
            end = at;
            continue;
        }
        if (c >= 0xAC00 && c <= 0xD7A3) {
            uint32_t final = (c - 0xAC00) % 28;
            return final == 0 ? FINAL_NONE : final == 8 ? FINAL_RIEUL : FINAL_OTHER;
        }
        if (c >= '0' && c <= '9')
            return digit_sounds[c - '0'];
        if (c < 128 && strchr("lrLR", (int)c))
            return FINAL_RIEUL;
        return c < 128 && strchr("mnMN", (int)c) ? FINAL_OTHER : FINAL_NONE;
    }
    return FINAL_NONE;
}

const char *korean_particle(const char *particle, FinalSound sound)
{
    static const char *const pairs[][2] = {
        {"은", "는"}, {"이", "가"}, {"을", "를"}, {"과", "와"}, {"아", "야"}, {"이나", "나"}, {"이랑", "랑"}, {"이라고", "라고"},
    };
    if (strcmp(particle, "으로") == 0)
        return sound == FINAL_OTHER ? particle : "로";
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (strcmp(particle, pairs[i][0]) == 0)
            return pairs[i][sound == FINAL_NONE];
    return particle;
}

void korean_numeral(char out[32], int n)
{
    static const char *const ones[10] = {"", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉"};
    static const char *const tens[10] = {"", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"};
    assert(1 <= n && n <= 99);
    if (n == 20)
        strcpy(out, "스무");
    else
        snprintf(out, 32, "%s%s", tens[n / 10], ones[n % 10]);
}
