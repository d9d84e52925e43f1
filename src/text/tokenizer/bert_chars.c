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

/* Is there a mark that may change places with what stands beside it? */
static bool holds_marks(const char *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        uint32_t c;
        at += (size_t)utf8_decode(&c, bytes + at, bytes + n);
        if (c != UTF8_ILL_FORMED && char_combining_class(c))
            return true;
    }
    return false;
}

static BertChar put_in_word(BertChars *chars, bool is_reordered, const char *bytes, size_t n)
{
    if (n > CHAR_ROOM || (is_reordered && holds_marks(bytes, n)))
        return (BertChar){.kind = CHAR_HARD};
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

/* The token of a character that is a word of its own, if it is one token. */
static BertChar stand_alone(const Tokenizer *tok, EncodeScratch *scratch, Piece word)
{
    BertChar found = {.kind = CHAR_HARD};
    TokenBuffer ids = {0};
    model_encode(tok, scratch, word, &ids);
    if (ids.n <= 1)
        found = (BertChar){.kind = CHAR_ALONE, .value = ids.n ? ids.ids[0] : -1};
    free(ids.ids);
    return found;
}

/* Between two letters, which keep their word or lose it. */
static BertChar learn_by_steps(const Tokenizer *tok, EncodeScratch *scratch, const char *text, size_t n)
{
    Pieces pieces = {0};
    Piece normal = normalizer_run(tok->normalizers, tok->n_normalizers, scratch->word_arena, (Piece){.bytes = text, .n = n});
    pretokenizer_run(tok->pretokenizers, tok->n_pretokenizers, scratch->word_arena, normal, &pieces);
    BertChar found = {.kind = CHAR_HARD};
    const Piece *first = pieces.items;
    if (pieces.n == 1 && first->n >= 2)
        found = put_in_word(scratch->bert, tok->normalizers->strip_accents, first->bytes + 1, first->n - 2);
    else if (pieces.n == 2 && first[0].n == 1 && first[1].n == 1)
        found.kind = CHAR_ENDS;
    else if (pieces.n == 3 && first[0].n == 1 && first[2].n == 1)
        found = stand_alone(tok, scratch, first[1]);
    arena_reset(scratch->word_arena);
    return found;
}

/* Most characters are kept as they are, or dropped, and need no steps. */
static BertChar learn(const Tokenizer *tok, EncodeScratch *scratch, BertChars *chars, uint32_t c)
{
    char text[UTF8_BYTES_MAX + 2] = "a";
    size_t n = (size_t)utf8_encode(text + 1, c);
    text[1 + n] = 'a';
    BertFate fate = normalizer_bert_fate(tok->normalizers, c);
    if (fate == BERT_DROPS)
        return put_in_word(chars, false, "", 0);
    if (fate == BERT_REWRITES)
        return learn_by_steps(tok, scratch, text, n + 2);
    if (fate == BERT_SETS_APART || char_is_punctuation(c))
        return stand_alone(tok, scratch, (Piece){.bytes = text + 1, .n = n});
    return put_in_word(chars, tok->normalizers->strip_accents, text + 1, n);
}

/* A word while it is put together. What it ends with, broken and dropped characters, is kept in mind: when what stood between them is dropped, broken
 * ones may become whole. */
typedef struct {
    size_t n_bytes;
    int64_t n_chars;
    bool in_ruin, is_open, is_cut;  /* at such an end; the last of the broken ones is not finished; and something was dropped behind it */
    size_t ruin_at, ruin_bytes;     /* where it begins in the text, and in the word */
    size_t open_at, n_open;         /* what is not finished, in the text */
    int64_t ruin_chars;
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

static const BertChar *of_char(const Tokenizer *tok, EncodeScratch *scratch, uint32_t c)
{
    BertChar *of = &scratch->bert->of[c];
    if (of->kind == CHAR_NOT_KNOWN)
        *of = learn(tok, scratch, scratch->bert, c);
    return of;
}

/* The first character from `at` on that stands alone, or the end. */
static size_t next_alone(const Tokenizer *tok, EncodeScratch *scratch, Piece text, size_t at)
{
    while (at < text.n) {
        uint32_t c;
        size_t length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
        if (c != UTF8_ILL_FORMED && of_char(tok, scratch, c)->kind == CHAR_ALONE)
            return at;
        at += length;
    }
    return text.n;
}

/* A broken character, or a dropped one. */
static void ruin_begin(Word *word, size_t at)
{
    if (word->in_ruin)
        return;
    word->in_ruin = true;
    word->is_open = word->is_cut = false;
    word->ruin_at = at;
    word->ruin_bytes = word->n_bytes;
    word->ruin_chars = word->n_chars;
}

/* Where the broken and the dropped characters from `at` on end. */
static size_t end_of_broken(const Tokenizer *tok, EncodeScratch *scratch, Piece text, size_t at)
{
    while (at < text.n) {
        uint32_t c;
        size_t length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
        const BertChar *of = c == UTF8_ILL_FORMED ? NULL : of_char(tok, scratch, c);
        if (of && (of->kind != CHAR_IN_WORD || of->n_bytes > 0))
            break;
        at += length;
    }
    return at;
}

/* The bytes from `at` on that finish the character that is open, if then all steps keep it, whichever of them sees it first. Returns where it ends; `at`,
 * and nothing is done, when there is no such character. */
static size_t ruin_close(const Tokenizer *tok, EncodeScratch *scratch, Word *word, Piece text, size_t at)
{
    char bytes[UTF8_BYTES_MAX];
    size_t n = word->n_open, n_wanted = (size_t)utf8_length_of((unsigned char)text.bytes[word->open_at]), end = at;
    memcpy(bytes, text.bytes + word->open_at, n);
    uint32_t c;
    for (size_t length; n < n_wanted && end < text.n; end += length) {
        length = (size_t)utf8_decode_quick(&c, text.bytes + end, text.bytes + text.n);
        if (c == UTF8_ILL_FORMED && length == 1)
            bytes[n++] = text.bytes[end];
        else if (c == UTF8_ILL_FORMED || of_char(tok, scratch, c)->kind != CHAR_IN_WORD || of_char(tok, scratch, c)->n_bytes > 0)
            return at;
    }
    if (n < n_wanted || utf8_decode_quick(&c, bytes, bytes + n) != (int)n || c == UTF8_ILL_FORMED ||
        normalizer_bert_fate(tok->normalizers, c) != BERT_KEEPS || char_is_punctuation(c))
        return at;
    word->n_bytes -= word->n_chars > tok->max_word_chars ? 0 : word->n_open;
    word->n_chars--;
    word->in_ruin = false;
    word_put(tok, scratch->bert, word, bytes, n, 1, false);
    return end;
}

/* The steps see all that is broken or dropped round `at`. Returns where that ends; where it is more than a part of a word, `at`, and nothing is done. */
static size_t ruin_mend(const Tokenizer *tok, EncodeScratch *scratch, Word *word, Piece text, size_t at)
{
    Arena *arena = scratch->word_arena;
    size_t end = end_of_broken(tok, scratch, text, at), n = end - word->ruin_at;
    char *around = arena_alloc_unset(arena, n + 2);
    around[0] = around[n + 1] = 'a';
    memcpy(around + 1, text.bytes + word->ruin_at, n);
    Pieces pieces = {0};
    Piece normal = normalizer_run(tok->normalizers, tok->n_normalizers, arena, (Piece){.bytes = around, .n = n + 2});
    pretokenizer_run(tok->pretokenizers, tok->n_pretokenizers, arena, normal, &pieces);
    const Piece *all = pieces.items;
    bool is_in_word = pieces.n == 1 && !(tok->normalizers->strip_accents && holds_marks(all->bytes, all->n));
    if (is_in_word) {
        word->n_bytes = word->ruin_bytes;
        word->n_chars = word->ruin_chars;
        word->in_ruin = false;
        for (size_t i = 1, length; i + 1 < all->n; i += length) {
            uint32_t c;
            length = (size_t)utf8_decode_quick(&c, all->bytes + i, all->bytes + all->n);
            word_put(tok, scratch->bert, word, all->bytes + i, length, 1, false);
        }
    }
    arena_reset(arena);
    return is_in_word ? end : at;
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
            if (word.in_ruin && word.is_open && word.is_cut && ((unsigned char)text.bytes[at] & 0xC0) == 0x80) {
                size_t end = ruin_close(tok, scratch, &word, text, at);
                end = end > at ? end : ruin_mend(tok, scratch, &word, text, at);
                if (end == at)
                    return at;
                at = end;
                continue;
            }
            ruin_begin(&word, at);
            word.is_open = utf8_length_of((unsigned char)text.bytes[at]) > (int)length;
            word.is_cut = false;
            word.open_at = at;
            word.n_open = length;
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
            word.in_ruin = false;
        } else {
            ruin_begin(&word, at - length);
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
        at = next_alone(tok, scratch, text, at);
        out->n = n_sure;
        encode_word(tok, scratch, piece_part(text, sure, at), out);
    }
}
