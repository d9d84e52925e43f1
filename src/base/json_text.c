/* json_text.c - strings between their quotes: escapes resolved. */
#include "base/json.h"

#include <string.h>

static uint32_t hex_4(const char *p)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10;
        value = value << 4 | (uint32_t)digit;
    }
    return value;
}

/* A lone surrogate takes its three bytes like any other code point: that is WTF-8. */
static int put_code_point(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* Resolves the escape at *at (just behind the backslash) and moves behind it. The reader has checked the grammar. */
static uint32_t take_escape(const char **at, const char *end)
{
    char kind = *(*at)++;
    switch (kind) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': break;
    default: return (unsigned char)kind;
    }
    uint32_t c = hex_4(*at);
    *at += 4;
    if (c >= 0xD800 && c < 0xDC00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        uint32_t low = hex_4(*at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            *at += 6;
            return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return c;
}

/* The next piece of the resolved string: one escape, or one plain byte. */
static int take_piece(char *out, const char **at, const char *end)
{
    if (**at != '\\') {
        out[0] = *(*at)++;
        return 1;
    }
    (*at)++;
    return put_code_point(out, take_escape(at, end));
}

const char *json_text_value(JsonText text, Arena *arena, size_t *n_bytes)
{
    size_t n = text.n_raw_bytes;  /* resolving never makes a string longer */
    char *value;
    if (!text.has_escape) {
        value = arena_strndup(arena, text.raw, n);
    } else {
        value = arena_alloc_unset(arena, n + 1);
        const char *at = text.raw, *end = text.raw + n;
        for (n = 0; at < end;) {
            const char *escape = *at == '\\' ? at : memchr(at, '\\', (size_t)(end - at));
            size_t n_plain = (size_t)((escape ? escape : end) - at);
            memcpy(value + n, at, n_plain);
            n += n_plain;
            at += n_plain;
            if (at < end)
                n += (size_t)take_piece(value + n, &at, end);
        }
        value[n] = '\0';
    }
    if (n_bytes)
        *n_bytes = n;
    return value;
}

bool json_text_is(JsonText text, const char *plain)
{
    size_t n = strlen(plain);
    if (!text.has_escape)
        return text.n_raw_bytes == n && memcmp(text.raw, plain, n) == 0;
    const char *at = text.raw, *end = text.raw + text.n_raw_bytes;
    size_t matched = 0;
    while (at < end) {
        char piece[4];
        size_t n_piece = (size_t)take_piece(piece, &at, end);
        if (n_piece > n - matched || memcmp(piece, plain + matched, n_piece) != 0)
            return false;
        matched += n_piece;
    }
    return matched == n;
}
