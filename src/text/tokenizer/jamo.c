/* jamo.c - the alphabet of bytes and jamo: text into start symbols, tokens into text. */
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/byte_level.h"

#include <string.h>

bool jamo_ids_of(const Tokenizer *tok, uint32_t syllable, int32_t ids[3], int *n_ids)
{
    int jamo[3];
    *n_ids = hangul_decompose(syllable, jamo);
    for (int i = 0; i < *n_ids; i++) {
        ids[i] = tok->jamo_id[jamo[i]];
        if (ids[i] < 0)
            return false;
    }
    return true;
}

size_t jamo_symbols(const Tokenizer *tok, const char *bytes, size_t n, BpeSymbol *symbols)
{
    size_t n_symbols = 0;
    for (size_t at = 0; at < n;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode(&c, bytes + at, bytes + n), end = at + length;
        int32_t ids[3];
        int n_ids;
        if (hangul_is_syllable(c) && jamo_ids_of(tok, c, ids, &n_ids)) {
            for (int i = 0; i < n_ids; i++)
                symbols[n_symbols++] = (BpeSymbol){ids[i], (uint32_t)at + (uint32_t)i,
                                                   i + 1 == n_ids ? (uint32_t)end : (uint32_t)at + (uint32_t)i + 1};
            at = end;
        }
        for (; at < end; at++) {
            int32_t id = tok->byte_id[(unsigned char)bytes[at]];
            id = id < 0 ? tok->unk_id : id;
            if (id >= 0)
                symbols[n_symbols++] = (BpeSymbol){id, (uint32_t)at, (uint32_t)at + 1};
        }
    }
    return n_symbols;
}

size_t jamo_fallback_text(char *out, int jamo)
{
    out[0] = '<';
    int n = utf8_encode(out + 1, hangul_jamo_char(jamo));
    out[n + 1] = '>';
    return (size_t)n + 2;
}

int jamo_of_fallback(const char *text, size_t n)
{
    uint32_t c;
    if (n != 5 || text[0] != '<' || text[4] != '>' || utf8_decode(&c, text + 1, text + 4) != 3 || c == UTF8_ILL_FORMED)
        return -1;
    return hangul_jamo_number(c);
}

static void put_char(ByteBuffer *out, uint32_t c)
{
    char bytes[UTF8_BYTES_MAX];
    byte_buffer_put(out, bytes, (size_t)utf8_encode(bytes, c));
}

void jamo_decode_flush(DecodeState *state, ByteBuffer *out)
{
    if (state->n_jamo == 1)
        put_char(out, hangul_jamo_char(state->jamo[0]));
    else if (state->n_jamo == 2)
        put_char(out, hangul_compose(state->jamo[0], state->jamo[1], -1));
    state->n_jamo = 0;
}

void jamo_decode_one(DecodeState *state, int jamo, ByteBuffer *out)
{
    if (hangul_is_lead(jamo)) {
        jamo_decode_flush(state, out);
        state->jamo[state->n_jamo++] = jamo;
    } else if (!hangul_is_tail(jamo) && state->n_jamo == 1) {
        state->jamo[state->n_jamo++] = jamo;
    } else if (hangul_is_tail(jamo) && state->n_jamo == 2) {
        put_char(out, hangul_compose(state->jamo[0], state->jamo[1], jamo));
        state->n_jamo = 0;
    } else {
        jamo_decode_flush(state, out);
        put_char(out, hangul_jamo_char(jamo));
    }
}

/* A character outside the alphabet: an added token, which is as it is written. */
static bool in_alphabet(const char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        uint32_t c;
        at += (size_t)utf8_decode(&c, text + at, text + n);
        if (byte_level_byte(c) < 0 && hangul_jamo_number(c) < 0)
            return false;
    }
    return true;
}

void jamo_decode(DecodeState *state, const char *text, size_t n, ByteBuffer *out)
{
    if (!in_alphabet(text, n)) {
        jamo_decode_flush(state, out);
        byte_buffer_put(out, text, n);
        return;
    }
    for (size_t at = 0; at < n;) {
        uint32_t c;
        at += (size_t)utf8_decode(&c, text + at, text + n);
        int byte = byte_level_byte(c);
        if (byte < 0) {
            jamo_decode_one(state, hangul_jamo_number(c), out);
            continue;
        }
        char one = (char)byte;
        jamo_decode_flush(state, out);
        byte_buffer_put(out, &one, 1);
    }
}
