/* bert_chars.c - see bert_chars.h. */
#include "text/tokenizer/bert_chars.h"
#include "text/unicode/char_props.h"

#include <stdlib.h>
#include <string.h>

typedef enum {
    CHAR_NOT_KNOWN,
    CHAR_IN_WORD,  /* `n_bytes` of the pool at `value` stand for it, `n_chars` characters; none: it is dropped */
    CHAR_ALONE,    /* it is a word of its own, whose token is `value`; -1: none */
    CHAR_ENDS,     /* white space */
    CHAR_HARD,     /* only the steps themselves tell */
} CharKind;
typedef struct {
    uint8_t kind, n_bytes, n_chars;
    int32_t value;
} BertChar;
enum { CHAR_ROOM = 16 };  /* the pool is read this many bytes at a time */

struct BertChars {
    BertChar of[UNICODE_MAX + 1];  /* most of it is never touched */
    char *pool;
    size_t n_pool, pool_capacity;
    char *word;  /* normal form of the word so far */
    size_t word_capacity;
};

void bert_chars_free(BertChars *chars)
{
    if (!chars)
        return;
    free(chars->pool);
    free(chars->word);
    free(chars);
}

static BertChar put_in_word(BertChars *chars, bool is_reordered, const char *bytes, size_t n)
{
    if (n > CHAR_ROOM)
        return (BertChar){.kind = CHAR_HARD};
    for (size_t at = 0; at < n && is_reordered;) {
        uint32_t c;
        at += (size_t)utf8_decode(&c, bytes + at, bytes + n);
        if (char_combining_class(c))
            return (BertChar){.kind = CHAR_HARD};
    }
    if (chars->n_pool + 2 * CHAR_ROOM > chars->pool_capacity) {
        chars->pool_capacity = chars->pool_capacity * 2 + 4096;
        chars->pool = mem_realloc(chars->pool, chars->pool_capacity);
    }
    memcpy(chars->pool + chars->n_pool, bytes, n);
    memset(chars->pool + chars->n_pool + n, 0, CHAR_ROOM);
    BertChar found = {CHAR_IN_WORD, (uint8_t)n, (uint8_t)utf8_count(bytes, n), (int32_t)chars->n_pool};
    chars->n_pool += n;
    return found;
}

/* Between two letters, which keep their word or lose it. */
static BertChar learn(const Tokenizer *tok, EncodeScratch *scratch, BertChars *chars, uint32_t c)
{
    char text[UTF8_BYTES_MAX + 2] = "a";
    size_t n = 1 + (size_t)utf8_encode(text + 1, c);
    text[n++] = 'a';
    Pieces pieces = {0};
    Piece normal = normalizer_run(tok->normalizers, tok->n_normalizers, scratch->word_arena, (Piece){.bytes = text, .n = n});
    pretokenizer_run(tok->pretokenizers, tok->n_pretokenizers, scratch->word_arena, normal, &pieces);
    BertChar found = {.kind = CHAR_HARD};
    const Piece *first = pieces.items;
    if (pieces.n == 1 && first->n >= 2)
        found = put_in_word(chars, tok->normalizers->strip_accents, first->bytes + 1, first->n - 2);
    else if (pieces.n == 2 && first[0].n == 1 && first[1].n == 1)
        found.kind = CHAR_ENDS;
    else if (pieces.n == 3 && first[0].n == 1 && first[2].n == 1) {
        TokenBuffer ids = {0};
        model_encode(tok, scratch, first[1], &ids);
        if (ids.n <= 1)
            found = (BertChar){.kind = CHAR_ALONE, .value = ids.n ? ids.ids[0] : -1};
        free(ids.ids);
    }
    arena_reset(scratch->word_arena);
    return found;
}

/* A word while it is put together. */
typedef struct {
    size_t n_bytes;
    int64_t n_chars;
    bool is_cut;  /* dropped characters stand between the last byte and what comes */
} Word;

static void word_end(const Tokenizer *tok, EncodeScratch *scratch, Word *word, TokenBuffer *out)
{
    if (word->n_chars > tok->max_word_chars && tok->unk_id >= 0)
        token_buffer_push(out, tok->unk_id, 0, 0);
    else if (word->n_chars <= tok->max_word_chars && word->n_bytes > 0)
        model_encode(tok, scratch, (Piece){.bytes = scratch->bert->word, .n = word->n_bytes}, out);
    *word = (Word){0};
}

/* Of a word that is too long anyway only the number of characters matters. Reads CHAR_ROOM bytes when `roomy`. */
static inline void word_put(const Tokenizer *tok, BertChars *chars, Word *word, const char *bytes, size_t n_bytes, int n_chars, bool roomy)
{
    word->is_cut = false;
    word->n_chars += n_chars;
    if (word->n_chars > tok->max_word_chars)
        return;
    if (word->n_bytes + CHAR_ROOM > chars->word_capacity) {
        chars->word_capacity = chars->word_capacity * 2 + 256;
        chars->word = mem_realloc(chars->word, chars->word_capacity);
    }
    if (roomy)
        memcpy(chars->word + word->n_bytes, bytes, CHAR_ROOM);
    else
        for (size_t i = 0; i < n_bytes; i++)
            chars->word[word->n_bytes + i] = bytes[i];
    word->n_bytes += n_bytes;
}

/* Would bytes that stand here and continue a character complete what the word ends with? */
static bool word_is_open(const Tokenizer *tok, const BertChars *chars, const Word *word)
{
    return word->is_cut && (word->n_chars > tok->max_word_chars || utf8_incomplete_tail(chars->word, word->n_bytes) > 0);
}

static const BertChar *of_char(const Tokenizer *tok, EncodeScratch *scratch, uint32_t c)
{
    BertChar *of = &scratch->bert->of[c];
    if (of->kind == CHAR_NOT_KNOWN)
        *of = learn(tok, scratch, scratch->bert, c);
    return of;
}

static bool is_sign(char c)
{
    return (unsigned char)c < 0x80 && char_is_punctuation((unsigned char)c);
}

/* Encodes up to the first character of which only the steps themselves can tell, or the end, and returns where that is. *n_sure ids belong to
 * the text before *sure, where what stands alone ended all words. */
static size_t encode_easy(const Tokenizer *tok, EncodeScratch *scratch, Piece text, size_t at, TokenBuffer *out, size_t *sure, int64_t *n_sure)
{
    BertChars *chars = scratch->bert;
    Word word = {0};
    *sure = at;
    *n_sure = out->n;
    while (at < text.n) {
        uint32_t c;
        size_t length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
        if (c == UTF8_ILL_FORMED) {
            if (((unsigned char)text.bytes[at] & 0xC0) == 0x80 && word_is_open(tok, chars, &word))
                return at;
            word_put(tok, chars, &word, text.bytes + at, length, 1, false);
            at += length;
            continue;
        }
        const BertChar *of = of_char(tok, scratch, c);
        if (of->kind == CHAR_HARD)
            return at;
        at += length;
        if (of->kind != CHAR_IN_WORD) {
            word_end(tok, scratch, &word, out);
            if (of->kind == CHAR_ALONE && of->value >= 0)
                token_buffer_push(out, of->value, 0, 0);
            *sure = at;
            *n_sure = out->n;
        } else if (of->n_bytes > 0) {
            word_put(tok, chars, &word, chars->pool + of->value, of->n_bytes, of->n_chars, true);
        } else {
            word.is_cut = true;
        }
    }
    word_end(tok, scratch, &word, out);
    return at;
}

/* The steps themselves need not see more than lies between two characters that stand alone, at which all order of marks ends, too. */
void bert_chars_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece text, TokenBuffer *out)
{
    if (!scratch->bert)
        scratch->bert = mem_alloc(sizeof *scratch->bert);
    for (size_t at = 0; at < text.n;) {
        size_t sure;
        int64_t n_sure;
        at = encode_easy(tok, scratch, text, at, out, &sure, &n_sure);
        if (at == text.n)
            return;
        while (at < text.n && !is_sign(text.bytes[at]))
            at++;
        out->n = n_sure;
        encode_word(tok, scratch, piece_part(text, sure, at), out);
    }
}
