/* added.c - added tokens found in text before it is normalised or cut: the leftmost, and of those at one place the longest. */
#include "text/tokenizer/tokenizer_internal.h"
#include "text/unicode/char_props.h"

#include <string.h>

static void segments_push(Segments *list, Arena *arena, Piece text, int32_t id)
{
    if (text.n == 0 && id < 0)
        return;
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        Segment *items = ARENA_ARRAY(arena, Segment, capacity);
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] = (Segment){text, id};
}

static uint32_t char_before(Piece text, size_t at)
{
    size_t start = at;
    while (start > 0 && at - start < UTF8_BYTES_MAX && ((unsigned char)text.bytes[start - 1] & 0xC0) == 0x80)
        start--;
    start -= start > 0;
    uint32_t c = UTF8_ILL_FORMED;
    if (start < at)
        utf8_decode(&c, text.bytes + start, text.bytes + at);
    return c;
}

static bool stands_alone(Piece text, size_t begin, size_t end)
{
    uint32_t after = UTF8_ILL_FORMED;
    if (end < text.n)
        utf8_decode(&after, text.bytes + end, text.bytes + text.n);
    return !char_is_word(char_before(text, begin)) && !char_is_word(after);
}

static bool is_space_at(Piece text, size_t at, size_t *length)
{
    uint32_t c;
    *length = (size_t)utf8_decode(&c, text.bytes + at, text.bytes + text.n);
    return char_is_space(c);
}

static bool takes_part(const AddedToken *token, bool normalized, bool parse_special)
{
    return token->normalized == normalized && (!token->special || parse_special) && token->n_bytes > 0;
}

/* A special token is not spelt by a byte that came from data. */
static bool is_forged(const AddedToken *token, Piece text, size_t at, const uint8_t *data)
{
    for (size_t i = at; data && token->special && i < at + token->n_bytes; i++)
        if (data[text.source[i]])
            return true;
    return false;
}

static const AddedToken *longest_at(const Tokenizer *tok, Piece text, size_t at, bool normalized, bool parse_special, const uint8_t *data)
{
    const AddedToken *best = NULL;
    for (int i = 0; i < tok->n_added; i++) {
        const AddedToken *token = &tok->added[i];
        if (takes_part(token, normalized, parse_special) && token->content[0] == text.bytes[at] && token->n_bytes <= text.n - at &&
            (!best || token->n_bytes > best->n_bytes) && memcmp(token->content, text.bytes + at, token->n_bytes) == 0 && !is_forged(token, text, at, data))
            best = token;
    }
    return best;
}

void added_split(const Tokenizer *tok, Arena *arena, Piece text, bool normalized, bool parse_special, const uint8_t *data, Segments *out)
{
    bool opens[256] = {false};
    bool any = false;
    for (int i = 0; i < tok->n_added; i++)
        if (takes_part(&tok->added[i], normalized, parse_special))
            any = opens[(unsigned char)tok->added[i].content[0]] = true;
    size_t begin = 0;
    for (size_t at = 0; any && at < text.n;) {
        const AddedToken *token = opens[(unsigned char)text.bytes[at]] ? longest_at(tok, text, at, normalized, parse_special, data) : NULL;
        if (!token) {
            at++;
            continue;
        }
        size_t end = at + token->n_bytes, start = at, length;
        if (token->single_word && !stands_alone(text, at, end)) {
            at = end;
            continue;
        }
        if (token->lstrip)
            for (size_t i = begin, run = begin; i < at; i += length) {
                if (!is_space_at(text, i, &length))
                    run = i + length;
                start = run;
            }
        while (token->rstrip && end < text.n && is_space_at(text, end, &length))
            end += length;
        segments_push(out, arena, piece_part(text, begin, start), -1);
        segments_push(out, arena, piece_part(text, start, end), token->id);
        begin = at = end;
    }
    segments_push(out, arena, piece_part(text, begin, text.n), -1);
}
