/* char_props.c - see char_props.h. */
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <assert.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

static bool in_category(uint32_t c, uint32_t mask)
{
    return c <= UNICODE_MAX && (U_GET_GC_MASK((UChar32)c) & mask) != 0;
}

static bool known_to_unicode(uint32_t c, int version)
{
    UVersionInfo age;
    u_charAge((UChar32)c, age);
    return age[0] <= version;
}

enum { ASCII_END = 0x80, FIRST_MARK = 0x300 };

/* Most of what is asked about: Hangul syllables and the first block of Han are letters since Unicode 2, and nothing else. */
static inline bool is_old_letter(uint32_t c)
{
    return c - 0xAC00u < 11172u || c - 0x4E00u <= 0x9FA5u - 0x4E00u;
}

bool char_is_space(uint32_t c)
{
    if (c < ASCII_END || is_old_letter(c))
        return c == ' ' || c - '\t' <= (uint32_t)('\r' - '\t');
    return c <= UNICODE_MAX && u_hasBinaryProperty((UChar32)c, UCHAR_WHITE_SPACE);
}

/* Numbers that Unicode 15.1 to 17 added. */
bool char_is_number(uint32_t c)
{
    static const uint32_t added[][2] = {
        {0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9}, {0x11DE0, 0x11DE9}, {0x16130, 0x16139},
        {0x16D70, 0x16D79}, {0x16FF4, 0x16FF6}, {0x1CCF0, 0x1CCF9}, {0x1E5F1, 0x1E5FA},
    };
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        if (c >= added[i][0] && c <= added[i][1])
            return true;
    return in_category(c, U_GC_N_MASK);
}

int char_combining_class(uint32_t c)
{
    return c <= UNICODE_MAX ? u_getCombiningClass((UChar32)c) : 0;
}

bool char_is_letter(uint32_t c)
{
    return in_category(c, U_GC_L_MASK);
}

bool char_is_digit(uint32_t c)
{
    return in_category(c, U_GC_ND_MASK);
}

int char_script(uint32_t c)
{
    UErrorCode error = U_ZERO_ERROR;
    return c <= UNICODE_MAX ? uscript_getScript((UChar32)c, &error) : SCRIPT_COMMON;
}

const char *char_script_name(int script)
{
    return uscript_getShortName((UScriptCode)script);
}

static_assert(SCRIPT_BOPOMOFO == (int)USCRIPT_BOPOMOFO && SCRIPT_HAN == (int)USCRIPT_HAN && SCRIPT_HANGUL == (int)USCRIPT_HANGUL &&
              SCRIPT_HIRAGANA == (int)USCRIPT_HIRAGANA && SCRIPT_KATAKANA == (int)USCRIPT_KATAKANA && SCRIPT_LATIN == (int)USCRIPT_LATIN,
              "numbers of scripts are ICU's");

bool char_is_mark(uint32_t c)
{
    if (c < FIRST_MARK || is_old_letter(c))
        return false;
    if (c == 0x1CF2 || c == 0x1CF3)  /* letters since Unicode 12 */
        return true;
    return in_category(c, U_GC_M_MASK) && known_to_unicode(c, 9);
}

bool char_is_nonspacing(uint32_t c)
{
    if (c < FIRST_MARK || is_old_letter(c))
        return false;
    if (c == 0x1734)  /* spacing since Unicode 14 */
        return true;
    bool is_newer = c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9;  /* nonspacing since 9 to 11 */
    return in_category(c, U_GC_MN_MASK) && known_to_unicode(c, 8) && !is_newer;
}

bool char_is_punctuation(uint32_t c)
{
    if (c < 128)
        return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
    if (is_old_letter(c))
        return false;
    if (c == 0x166D || c == 0x111C9)  /* a symbol since Unicode 12, a mark since 11 */
        return true;
    return in_category(c, U_GC_P_MASK) && known_to_unicode(c, 8);
}

bool char_is_control(uint32_t c)
{
    if (c < ASCII_END || is_old_letter(c))
        return c < ' ' || c == 0x7F;
    return in_category(c, U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK) && known_to_unicode(c, 8);
}

bool char_is_private(uint32_t c)
{
    return in_category(c, U_GC_CO_MASK);
}

bool char_is_word(uint32_t c)
{
    return in_category(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) ||
           (c <= UNICODE_MAX &&
            (u_hasBinaryProperty((UChar32)c, UCHAR_ALPHABETIC) || u_hasBinaryProperty((UChar32)c, UCHAR_JOIN_CONTROL)));
}

/* Capitals that Unicode 16 and 17 added: singles, then the Garay and Beria Erfe alphabets. */
uint32_t char_lower(uint32_t c)
{
    if (c < ASCII_END || is_old_letter(c))
        return c - 'A' < 26u ? c + ('a' - 'A') : c;
    static const uint32_t added[][2] = {
        {0x1C89, 0x1C8A}, {0xA7CB, 0x264}, {0xA7CC, 0xA7CD}, {0xA7CE, 0xA7CF}, {0xA7D2, 0xA7D3}, {0xA7D4, 0xA7D5},
        {0xA7DA, 0xA7DB}, {0xA7DC, 0x19B},
    };
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        if (c == added[i][0])
            return added[i][1];
    if (c >= 0x10D50 && c <= 0x10D65)
        return c + 0x20;
    if (c >= 0x16EA0 && c <= 0x16EB8)
        return c + 0x1B;
    return (uint32_t)u_tolower((UChar32)c);
}

size_t *grapheme_ends(Arena *arena, const char *text, size_t n_bytes, size_t *n_clusters)
{
    UErrorCode status = U_ZERO_ERROR;
    UText units = UTEXT_INITIALIZER;
    utext_openUTF8(&units, text, (int64_t)n_bytes, &status);
    UBreakIterator *breaks = ubrk_open(UBRK_CHARACTER, "en", NULL, 0, &status);
    ubrk_setUText(breaks, &units, &status);
    assert(U_SUCCESS(status));
    size_t *ends = ARENA_ARRAY(arena, size_t, n_bytes + 1), n = 0;
    for (int32_t end = ubrk_next(breaks); end != UBRK_DONE; end = ubrk_next(breaks))
        ends[n++] = (size_t)end;
    if (n == 0 || ends[n - 1] != n_bytes)
        ends[n++] = n_bytes;
    ubrk_close(breaks);
    utext_close(&units);
    *n_clusters = n;
    return ends;
}
