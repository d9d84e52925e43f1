/* korean_test.c - particles after every final sound, and numerals. */
#include "base/test.h"
#include "text/corpus/korean.h"
#include "text/unicode/utf8.h"

#include <stdio.h>

/* Goal: the rule holds for all 11,172 syllables. Method: the final consonant is the code point's remainder; ㄹ is number 8. */
TEST(korean, particles_follow_the_final_consonant_of_every_syllable)
{
    for (uint32_t c = 0xAC00; c <= 0xD7A3; c++) {
        char text[UTF8_BYTES_MAX];
        size_t n = (size_t)utf8_encode(text, c);
        uint32_t final = (c - 0xAC00) % 28;
        FinalSound sound = korean_final_sound(text, n);
        bool holds = sound == (final == 0 ? FINAL_NONE : final == 8 ? FINAL_RIEUL : FINAL_OTHER);
        holds = holds && strcmp(korean_particle("은", sound), final ? "은" : "는") == 0;
        holds = holds && strcmp(korean_particle("이", sound), final ? "이" : "가") == 0;
        holds = holds && strcmp(korean_particle("을", sound), final ? "을" : "를") == 0;
        holds = holds && strcmp(korean_particle("과", sound), final ? "과" : "와") == 0;
        holds = holds && strcmp(korean_particle("아", sound), final ? "아" : "야") == 0;
        holds = holds && strcmp(korean_particle("으로", sound), final && final != 8 ? "으로" : "로") == 0;
        if (!holds) {
            CHECK(!"a particle is right");
            return;
        }
    }
    CHECK_STRING(korean_particle("에서", FINAL_OTHER), "에서");
}

TEST(korean, particles_follow_what_is_read_aloud)
{
    const struct { const char *text, *topic, *way; } cases[] = {
        {"3", "은", "으로"}, {"7", "은", "로"}, {"2", "는", "로"}, {"10", "은", "으로"}, {"1,500", "은", "으로"}, {"책", "은", "으로"},
        {"'서울'", "은", "로"}, {"\"학교\"", "는", "로"}, {"공원(公園)", "는", "로"}, {"API", "는", "로"}, {"HTML", "은", "로"}, {"", "는", "로"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FinalSound sound = korean_final_sound(cases[i].text, strlen(cases[i].text));
        CHECK_STRING(korean_particle("은", sound), cases[i].topic);
        CHECK_STRING(korean_particle("으로", sound), cases[i].way);
    }
}

TEST(korean, numerals_stand_before_counters)
{
    const struct { int n; const char *word; } cases[] = {
        {1, "한"}, {3, "세"}, {5, "다섯"}, {10, "열"}, {12, "열두"}, {20, "스무"}, {21, "스물한"}, {34, "서른네"}, {99, "아흔아홉"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char word[32];
        korean_numeral(word, cases[i].n);
        CHECK_STRING(word, cases[i].word);
    }
}
