/* shingle_datatrove.c - shingles as datatrove 0.10 hashes them, words being runs between white space.
 *
 * Its normal form, in this order: lower case; numbers (digits of any script, with one separator inside) to 0; punctuation and controls to blanks;
 * white space to one blank; NFD without nonspacing marks. A shingle is n words joined by blanks, hashed by XXH64; texts with fewer words have none. */
#include "text/corpus/hash.h"
#include "text/corpus/shingle.h"
#include "text/unicode/char_props.h"
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SIGMA = 0x3A3, FINAL_SIGMA = 0x3C2 };

/* What datatrove's list makes a blank of. */
static bool is_punctuation(uint32_t c)
{
    static const uint32_t wide[] = {
        0x2014, 0x201D, 0xFF1A, 0xFF05, 0xFF11, 0x3008, 0x3001, 0x2501, 0x3010, 0x300C, 0x300D, 0xFF0C, 0x3011, 0xFF1B, 0x201C, 0x300A, 0x201E, 0x2019, 0x2236, 0x00B4,
        0xFF0E, 0xFF08, 0x2013, 0xFF1F, 0xFF01, 0xFF04, 0x00AB, 0x3009, 0x300B, 0xFF09, 0x3002, 0x2026, 0x25BA, 0x00BB,
    };
    if (c < 0x80)
        return c < 0x20 || c == 0x7F || (c > ' ' && strchr("!/:%&(\\[#+^]~;'{|=-`*?,><)$@_.\"}", (int)c));
    if (c < 0xA0)
        return true;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (wide[i] == c)
            return true;
    return false;
}

static bool is_separator(uint32_t c)
{
    return c == '.' || c == ',' || c == 0x060C || c == 0x066B || (c >= 0x2396 && c <= 0x2398);
}

static uint32_t peek(const char *at, const char *end)
{
    uint32_t c = 0;
    if (at < end)
        utf8_decode(&c, at, end);
    return c;
}

static const char *skip_digits(const char *at, const char *end)
{
    uint32_t c;
    while (at < end && char_is_digit(peek(at, end)))
        at += utf8_decode(&c, at, end);
    return at;
}

static const char *skip_number(const char *at, const char *end)
{
    uint32_t c;
    at = skip_digits(at, end);
    if (at < end && is_separator(peek(at, end))) {
        const char *behind = at + utf8_decode(&c, at, end);
        if (char_is_digit(peek(behind, end)))
            return skip_digits(behind, end);
    }
    return at;
}

static bool starts_with_digit(const char *at, const char *end)
{
    return (unsigned char)*at < 0x80 ? *at >= '0' && *at <= '9' : char_is_digit(peek(at, end));
}

static bool is_blank(uint32_t c)
{
    return is_punctuation(c) || (c < 0x80 ? c == ' ' : char_is_space(c));  /* below 0x20 all are punctuation here */
}

static bool is_letter(uint32_t c)
{
    return c < 0x80 ? (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') : char_is_letter(c);
}

static uint32_t lower(uint32_t c)
{
    return c >= 0x80 ? char_lower(c) : c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Lower case, numbers and blanks. */
static char *simplify(Arena *arena, const char *text, size_t n_bytes, size_t *n_out)
{
    char *out = arena_alloc_unset(arena, 3 * n_bytes + 8);
    const char *end = text + n_bytes;
    size_t n = 0;
    bool after_letter = false;
    for (const char *at = text; at < end;) {
        uint32_t c;
        if (utf8_is_syllable(at, end)) {
            memcpy(out + n, at, 3);
            n += 3, at += 3;
            after_letter = true;
            continue;
        }
        if (starts_with_digit(at, end)) {
            at = skip_number(at, end);
            out[n++] = '0';
            after_letter = false;
            continue;
        }
        at += utf8_decode(&c, at, end);
        bool blank = is_blank(c);
        if (c == SIGMA && after_letter && !is_letter(peek(at, end)))
            c = FINAL_SIGMA;
        after_letter = is_letter(c);
        if (!blank)
            n += (size_t)utf8_encode(out + n, lower(c));
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    *n_out = n > 0 && out[n - 1] == ' ' ? n - 1 : n;
    return out;
}

static size_t drop_marks(char *out, const char *text, size_t n_bytes)
{
    size_t n = 0;
    for (const char *at = text, *end = text + n_bytes; at < end;) {
        uint32_t c;
        const unsigned char *b = (const unsigned char *)at;
        bool jamo = end - at >= 3 && b[0] == 0xE1 && b[1] >= 0x84 && b[1] <= 0x87;  /* U+1100 to U+11FF */
        if (*b < 0x80 || jamo) {
            memmove(out + n, at, jamo ? 3 : 1);
            n += jamo ? 3 : 1, at += jamo ? 3 : 1;
            continue;
        }
        int step = utf8_decode(&c, at, end);
        if (!char_is_nonspacing(c)) {
            memmove(out + n, at, (size_t)step);
            n += (size_t)step;
        }
        at += step;
    }
    return n;
}

ShingleSet shingle_list_datatrove(Arena *arena, const char *text, size_t n_bytes, int n)
{
    size_t n_plain, n_norm;
    char *plain = simplify(arena, text, n_bytes, &n_plain);
    const char *norm = normalize(arena, NORMALIZE_NFD, plain, n_plain, &n_norm);
    char *words = arena_alloc(arena, n_norm + 1);
    size_t n_words_bytes = drop_marks(words, norm, n_norm);
    size_t *begins = ARENA_ARRAY(arena, size_t, n_words_bytes / 2 + 2), *ends = ARENA_ARRAY(arena, size_t, n_words_bytes / 2 + 2);
    int64_t n_words = 0;
    for (size_t i = 0; i < n_words_bytes;) {
        size_t end = i;
        while (end < n_words_bytes && words[end] != ' ')
            end++;
        if (end > i)
            begins[n_words] = i, ends[n_words++] = end;
        i = end + 1;
    }
    ShingleSet set = {.hashes = ARENA_ARRAY(arena, uint64_t, n_words + 1)};
    for (int64_t i = 0; i + n <= n_words; i++)
        set.hashes[set.n++] = hash64_xxh64(words + begins[i], ends[i + n - 1] - begins[i]);
    return set;
}
