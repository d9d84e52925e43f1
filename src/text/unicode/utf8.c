/* utf8.c - see utf8.h. */
#include "text/unicode/utf8.h"

#include "base/scan.h"

#include <assert.h>
#include <string.h>

int utf8_length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xC2)
        return 0;
    if (first < 0xE0)
        return 2;
    if (first < 0xF0)
        return 3;
    return first < 0xF5 ? 4 : 0;
}

/* The second byte alone tells overlong forms, surrogates and too large code points apart (table 3-7). */
static bool second_is_valid(unsigned char first, unsigned char second)
{
    unsigned char low = 0x80, high = 0xBF;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    return second >= low && second <= high;
}

/* Bytes of the maximal subpart at `at`; *whole says whether it is a well-formed character. */
static int subpart_length(const unsigned char *at, size_t n_bytes, bool *whole)
{
    int length = utf8_length_of(at[0]);
    *whole = length == 1;
    if (length <= 1)
        return 1;
    if (n_bytes < 2 || !second_is_valid(at[0], at[1]))
        return 1;
    int n = 2;
    while (n < length && (size_t)n < n_bytes && (at[n] & 0xC0) == 0x80)
        n++;
    *whole = n == length;
    return n;
}

int utf8_decode_valid(uint32_t *code_point, const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    if (b[0] < 0x80) {
        *code_point = b[0];
        return 1;
    }
    if (b[0] < 0xE0) {
        *code_point = (uint32_t)(b[0] & 0x1F) << 6 | (b[1] & 0x3F);
        return 2;
    }
    if (b[0] < 0xF0) {
        *code_point = (uint32_t)(b[0] & 0x0F) << 12 | (uint32_t)(b[1] & 0x3F) << 6 | (b[2] & 0x3F);
        return 3;
    }
    *code_point = (uint32_t)(b[0] & 0x07) << 18 | (uint32_t)(b[1] & 0x3F) << 12 | (uint32_t)(b[2] & 0x3F) << 6 |
                  (b[3] & 0x3F);
    return 4;
}

int utf8_decode(uint32_t *code_point, const char *at, const char *end)
{
    assert(at < end);
    if ((unsigned char)*at < 0x80) {
        *code_point = (unsigned char)*at;
        return 1;
    }
    bool whole;
    int length = subpart_length((const unsigned char *)at, (size_t)(end - at), &whole);
    if (whole)
        return utf8_decode_valid(code_point, at);
    *code_point = UTF8_ILL_FORMED;
    return length;
}

int utf8_encode(char out[UTF8_BYTES_MAX], uint32_t c)
{
    assert(c <= UNICODE_MAX && (c < 0xD800 || c > 0xDFFF));
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

size_t utf8_valid_prefix(const char *text, size_t n_bytes)
{
    enum { FIRST_WINDOW = 64, WINDOW_GROWTH = 4 };
    size_t at = 0;
    for (size_t window = FIRST_WINDOW; at < n_bytes; window *= WINDOW_GROWTH) {  /* no further than the prefix may be worth */
        size_t n = n_bytes - at;
        if (n > window)
            n = window - utf8_incomplete_tail(text + at, window);
        if (!scan_is_utf8(text + at, n))
            break;
        at += n;
    }
    bool whole = true;
    for (int length = 0; at < n_bytes && whole; at += whole ? (size_t)length : 0)
        length = subpart_length((const unsigned char *)text + at, n_bytes - at, &whole);
    return at;
}

bool utf8_is_valid(const char *text, size_t n_bytes)
{
    return utf8_valid_prefix(text, n_bytes) == n_bytes;
}

size_t utf8_incomplete_tail(const char *text, size_t n_bytes)
{
    for (size_t back = 1; back <= 3 && back <= n_bytes; back++) {
        const unsigned char *at = (const unsigned char *)text + n_bytes - back;
        if ((*at & 0xC0) == 0x80)
            continue;
        bool whole;
        int length = subpart_length(at, back, &whole);
        return !whole && (size_t)length == back && utf8_length_of(*at) > (int)back ? back : 0;
    }
    return 0;
}

int64_t utf8_count(const char *text, size_t n_bytes)
{
    int64_t n = 0;
    const char *end = text + n_bytes;
    uint32_t c;
    for (const char *at = text; at < end; n++)
        at += utf8_decode_quick(&c, at, end);
    return n;
}

const char *utf8_repair(Arena *arena, const char *text, size_t n_bytes, size_t *n_out_bytes)
{
    size_t good = utf8_valid_prefix(text, n_bytes);
    if (good == n_bytes) {
        *n_out_bytes = n_bytes;
        return text;
    }
    char *copy = arena_alloc(arena, good + 3 * (n_bytes - good) + 1);
    memcpy(copy, text, good);
    size_t n = good;
    const char *end = text + n_bytes;
    for (const char *at = text + good; at < end;) {
        uint32_t c;
        at += utf8_decode_quick(&c, at, end);
        n += (size_t)utf8_encode(copy + n, c == UTF8_ILL_FORMED ? 0xFFFD : c);
    }
    *n_out_bytes = n;
    return copy;
}
