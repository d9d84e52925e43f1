/* clean_text.c - a pass for each kind of change. */
#include "text/corpus/clean_text.h"

#include "base/arena_limit.h"
#include "text/unicode/char_props.h"
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"

#include <stdint.h>
#include <string.h>

CleanOptions clean_options_default(void)
{
    return (CleanOptions){.mojibake = true, .nfc = true, .controls = true, .spaces = true};
}

/* Mojibake. */

/* The windows-1252 byte of a character, -1: none. The five bytes it leaves open stand for themselves, as browsers have it. */
static int cp1252_byte(uint32_t c)
{
    static const uint16_t high[32] = {0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
                                      0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178};
    if (c >= 0xA0 && c <= 0xFF)
        return (int)c;
    for (int i = 0; i < 32; i++)
        if (high[i] == c)
            return 0x80 + i;
    return -1;
}

/* If the characters at `at` are the bytes of one character of UTF-8: that character, and how far they reach. Phonetic letters are not
 * believed: the capital and the quote of «CAFÉ» would make one. */
static size_t mojibake_at(const char *at, const char *end, uint32_t *c)
{
    char bytes[UTF8_BYTES_MAX];
    const char *from = at;
    int n = 0, wanted = 1;
    for (; n < wanted && at < end; n++) {
        uint32_t one;
        at += utf8_decode(&one, at, end);
        int byte = cp1252_byte(one);
        if (byte < 0)
            return 0;
        bytes[n] = (char)byte;
        wanted = n == 0 ? utf8_length_of((unsigned char)byte) : wanted;
    }
    if (n < 2 || n != wanted || utf8_decode(c, bytes, bytes + n) != n || *c == UTF8_ILL_FORMED)
        return 0;
    bool believed = *c >= 0xA0 && (*c < 0x180 || *c >= 0x300);
    return believed ? (size_t)(at - from) : 0;
}

/* Believed when most of the text's characters that could be bytes fit; no-break blanks, which become blanks, do not count. */
static bool is_mojibake(const char *text, size_t n_bytes)
{
    const char *end = text + n_bytes;
    int64_t n_good = 0, n_bad = 0;
    if (!memchr(text, 0xC3, n_bytes))
        return false;  /* bytes that begin a character of more than one byte, 0xC2 to 0xF4, are U+00C2 to U+00F4 */
    for (const char *at = text; at < end;) {
        uint32_t c;
        size_t n = (unsigned char)*at < 0x80 ? 0 : mojibake_at(at, end, &c);
        n_good += n > 0;
        if (n == 0) {
            n = (size_t)utf8_decode(&c, at, end);
            n_bad += c != 0xA0 && cp1252_byte(c) >= 0;
        }
        at += n;
    }
    return n_good > 0 && n_bad <= n_good / 3;
}

static const char *repair_mojibake(Arena *arena, const char *text, size_t n_bytes, size_t *n_out)
{
    *n_out = n_bytes;
    if (!is_mojibake(text, n_bytes))
        return text;
    char *out = arena_alloc(arena, n_bytes + 1);
    const char *end = text + n_bytes;
    size_t n_written = 0;
    for (const char *at = text; at < end;) {
        uint32_t c;
        size_t n = (unsigned char)*at < 0x80 ? 0 : mojibake_at(at, end, &c);
        if (n > 0) {
            n_written += (size_t)utf8_encode(out + n_written, c);
        } else {
            n = (size_t)utf8_decode(&c, at, end);
            memcpy(out + n_written, at, n);
            n_written += n;
        }
        at += n;
    }
    *n_out = n_written;
    return out;
}

/* Controls and quotes. */

static bool is_dropped(uint32_t c)
{
    if (c < 0x20)
        return c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != '\v';
    return c == 0x7F || (c >= 0x80 && c < 0xA0 && c != 0x85) || c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F || c == 0x2060 || c == 0xFEFF ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static uint32_t plain_quote(uint32_t c)
{
    if ((c >= 0x2018 && c <= 0x201B) || c == 0x2032 || c == 0x02BC)
        return '\'';
    return (c >= 0x201C && c <= 0x201F) || c == 0x2033 ? '"' : c;
}

/* How many bytes stand before the next whose character is_dropped or plain_quote may touch. */
static size_t untouched(const char *at, const char *end)
{
    static const bool touched[256] = {[0x00 ... 0x08] = true, [0x0E ... 0x1F] = true, [0x7F] = true, [0xC2] = true, [0xCA] = true, [0xE2] = true, [0xEF] = true};
    const char *begin = at;
    while (at < end && !touched[(unsigned char)*at])
        at++;
    return (size_t)(at - begin);
}

static const char *map_characters(Arena *arena, const CleanOptions *options, const char *text, size_t n_bytes, size_t *n_out)
{
    char *out = arena_alloc_unset(arena, n_bytes + 1);
    const char *end = text + n_bytes;
    size_t n = 0;
    for (const char *at = text; at < end;) {
        size_t n_plain = untouched(at, end);
        memcpy(out + n, at, n_plain);
        n += n_plain, at += n_plain;
        if (at == end)
            break;
        uint32_t c;
        int step = utf8_decode(&c, at, end);
        at += step;
        if (options->controls && is_dropped(c))
            continue;
        uint32_t mapped = options->quotes ? plain_quote(c) : c;
        if (mapped != c)
            out[n++] = (char)mapped;
        else
            memcpy(out + n, at - step, (size_t)step), n += (size_t)step;
    }
    *n_out = n;
    return out;
}

/* White space. */

/* How many bytes stand before the next that may begin white space. */
static size_t unspaced(const char *at, const char *end)
{
    static const bool spaced[256] = {['\t' ... '\r'] = true, [' '] = true, [0xC2] = true, [0xE1 ... 0xE3] = true};
    const char *begin = at;
    while (at < end && !spaced[(unsigned char)*at])
        at++;
    return (size_t)(at - begin);
}

static const char *settle_spaces(Arena *arena, const CleanOptions *options, const char *text, size_t n_bytes, size_t *n_out)
{
    char *out = arena_alloc_unset(arena, n_bytes + 2);
    const char *end = text + n_bytes;
    size_t n = 0, n_blanks = 0;
    int n_breaks = 0;  /* wanted before the next character */
    bool in_line = false;
    for (const char *at = text; at < end;) {
        uint32_t c;
        int step = utf8_decode(&c, at, end);
        if (c == '\r' && at + 1 < end && at[1] == '\n') {
            at++;
            continue;
        }
        bool is_break = c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029 || c == '\f' || c == '\v';
        if (is_break) {
            n_breaks += n > 0;
            n_blanks = 0;
            in_line = false;
        } else if (c != UTF8_ILL_FORMED && (c < 0x80 ? c == ' ' || c == '\t' : char_is_space(c))) {
            n_blanks++;
        } else {
            n_breaks = n_breaks > 2 ? 2 : n_breaks;
            memset(out + n, '\n', (size_t)n_breaks);
            n += (size_t)n_breaks;
            size_t wanted = in_line ? n_blanks > 0 : options->keep_indents ? n_blanks : 0;
            memset(out + n, ' ', wanted);
            n += wanted;
            size_t n_copied = (size_t)step + unspaced(at + step, end);
            memcpy(out + n, at, n_copied);
            n += n_copied, at += n_copied;
            n_breaks = 0, n_blanks = 0;
            in_line = true;
            continue;
        }
        at += step;
    }
    *n_out = n;
    return out;
}

/* Putting one thing right may show the next: mojibake of mojibake, letters that were apart and now compose. Each round that changes
 * anything shortens the text or brings it to its normal form, so it ends; the bound is for the reader. */
const char *clean_text(Arena *arena, const CleanOptions *options, const char *text, size_t n_bytes, size_t *n_out_bytes)
{
    const char *clean = text;
    size_t n = n_bytes;
    for (int round = 0; round < 32 && !arena_is_spent(arena); round++) {
        const char *before = clean;
        size_t n_before = n;
        if (options->mojibake)
            clean = repair_mojibake(arena, clean, n, &n);
        if (options->controls || options->quotes)
            clean = map_characters(arena, options, clean, n, &n);
        if (options->nfc)
            clean = normalize(arena, NORMALIZE_NFC, clean, n, &n);
        if (n == n_before && memcmp(clean, before, n) == 0)
            break;
    }
    if (options->spaces)
        clean = settle_spaces(arena, options, clean, n, &n);
    *n_out_bytes = n;
    if (n == n_bytes && memcmp(clean, text, n) == 0)
        return text;
    return arena_strndup(arena, clean, n);
}
