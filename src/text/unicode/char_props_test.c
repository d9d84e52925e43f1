/* char_props_test.c - what is answered without ICU is what ICU says, for each character that takes the short way. */
#include "text/unicode/char_props.h"
#include "base/test.h"

#include <unicode/uchar.h>

TEST(char_props, short_answers_are_those_of_icu)
{
    int n_wrong = 0;
    for (uint32_t c = 0; c <= 0xD7FF; c++) {
        if (c >= 0x300 && c < 0x4E00)
            continue;
        uint32_t mask = U_GET_GC_MASK((UChar32)c);
        bool is_old = c < 0x80 || (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0xAC00 && c <= 0xD7A3);
        n_wrong += is_old && char_is_space(c) != (u_hasBinaryProperty((UChar32)c, UCHAR_WHITE_SPACE) != 0);
        n_wrong += is_old && char_is_control(c) != ((mask & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0);
        n_wrong += is_old && char_lower(c) != (uint32_t)u_tolower((UChar32)c);
        n_wrong += is_old && c >= 0x80 && char_is_punctuation(c) != ((mask & U_GC_P_MASK) != 0);
        n_wrong += (is_old || c < 0x300) && char_is_mark(c) != ((mask & U_GC_M_MASK) != 0);
        n_wrong += (is_old || c < 0x300) && char_is_nonspacing(c) != ((mask & U_GC_MN_MASK) != 0);
    }
    CHECK_EQUAL(n_wrong, 0);
}
