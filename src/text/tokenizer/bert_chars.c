/* bert_chars.c - see bert_chars.h. */
#include "text/tokenizer/bert_chars.h"
#include "text/unicode/char_props.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef enum {
    CHAR_NOT_KNOWN,
    CHAR_IN_WORD,  /* `n_bytes` of the pool at `value` stand for it, `n_chars` characters; none: it is dropped, perhaps not before accents are */
    CHAR_ALONE,    /* it is a word of its own, whose token is `value`; -1: none */
    CHAR_COUNTED,  /* it stays in the word as `n_chars` characters, but only the steps tell which, or in what order */
    CHAR_ENDS,     /* white space */
    CHAR_HARD,     /* only the steps themselves tell */
} CharKind;
typedef struct {
    uint8_t kind, n_bytes, n_chars;
    bool is_late;
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
    if (n == 0)
        return (BertChar){.kind = CHAR_IN_WORD, .is_late = true};
    if (n > CHAR_ROOM || (is_reordered && holds_marks(bytes, n)))
        return (BertChar){.kind = utf8_count(bytes, n) <= UINT8_MAX ? CHAR_COUNTED : CHAR_HARD, .n_chars = (uint8_t)utf8_count(bytes, n)};
    if (chars->n_pool + 2 * CHAR_ROOM > chars->pool_capacity) {
        chars->pool_capacity = chars->pool_capacity * 2 + 4096;
        chars->pool = mem_realloc(chars->pool, chars->pool_capacity);
    }
    memcpy(chars->pool + chars->n_pool, bytes, n);
    memset(chars->pool + chars->n_pool + n, 0, CHAR_ROOM);
    BertChar found = {CHAR_IN_WORD, (uint8_t)n, (uint8_t)utf8_count(bytes, n), false, (int32_t)chars->n_pool};
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

/* A syllable whose accents are taken off becomes its jamo, which no later step changes. */
static BertChar put_jamo(BertChars *chars, uint32_t syllable)
{
    enum { JAMO_MAX = 3 };
    int jamo[JAMO_MAX];
    char bytes[JAMO_MAX * UTF8_BYTES_MAX];
    size_t n_bytes = 0;
    for (int i = 0, n = hangul_decompose(syllable, jamo); i < n; i++)
        n_bytes += (size_t)utf8_encode(bytes + n_bytes, hangul_jamo_char(jamo[i]));
    return put_in_word(chars, true, bytes, n_bytes);
}

/* Most characters are kept as they are, or dropped, and need no steps. */
static BertChar learn(const Tokenizer *tok, EncodeScratch *scratch, BertChars *chars, uint32_t c)
{
    char text[UTF8_BYTES_MAX + 2] = "a";
    size_t n = (size_t)utf8_encode(text + 1, c);
    text[1 + n] = 'a';
    BertFate fate = normalizer_bert_fate(tok->normalizers, c);
    if (fate == BERT_DROPS)
        return (BertChar){.kind = CHAR_IN_WORD, .is_late = normalizer_bert_is_clean(tok->normalizers, c)};
    if (fate == BERT_REWRITES && tok->normalizers->strip_accents && hangul_is_syllable(c))
        return put_jamo(chars, c);
    if (fate == BERT_REWRITES)
        return learn_by_steps(tok, scratch, text, n + 2);
    if (fate == BERT_SETS_APART || char_is_punctuation(c))
        return stand_alone(tok, scratch, (Piece){.bytes = text + 1, .n = n});
    return put_in_word(chars, tok->normalizers->strip_accents, text + 1, n);
}

/* A word while it is put together. What it ends with, broken and dropped characters, is kept in mind: when what stood between them is dropped, broken
 * ones may become whole. Broken ones that a whole one follows stay broken: where no token holds such, all of the word is lost. */
typedef struct {
    size_t n_bytes;
    int64_t n_chars;
    bool is_lost;                   /* it will be unk, whatever else it holds: nothing is put into it any more */
    bool is_counted;                /* its bytes are not known; unless it will be unk, the steps must tell */
    bool in_ruin, is_open, is_cut;  /* at such an end; the last of the broken ones is not finished; and something was dropped behind it, */
    bool is_cut_late;               /* not before accents were */
    size_t ruin_at, ruin_bytes;     /* where it begins in the text, and in the word */
    char open[UTF8_BYTES_MAX];      /* what is not finished */
    size_t n_open;
    int64_t ruin_chars;
} Word;

static bool is_too_hard(const Tokenizer *tok, const Word *word)
{
    return word->is_counted && !word->is_lost && word->n_chars <= tok->max_word_chars;
}

static void word_end(const Tokenizer *tok, EncodeScratch *scratch, Word *word, TokenBuffer *out)
{
    bool is_unk = word->is_lost || word->n_chars > tok->max_word_chars;
    assert(!is_too_hard(tok, word));
    if (is_unk && tok->unk_id >= 0)
        token_buffer_push(out, tok->unk_id, 0, 0);
    else if (!is_unk && word->n_bytes > 0)
        model_encode(tok, scratch, (Piece){.bytes = scratch->bert->word, .n = word->n_bytes}, out);
    *word = (Word){0};
}

/* Of a word that is too long anyway only the number of characters matters. Reads CHAR_ROOM bytes when `roomy`. */
static inline void word_put(const Tokenizer *tok, BertChars *chars, Word *word, const char *bytes, size_t n_bytes, int n_chars, bool roomy)
{
    word->n_chars += n_chars;
    if (word->is_lost || word->n_chars > tok->max_word_chars)
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

static inline const BertChar *of_char(const Tokenizer *tok, EncodeScratch *scratch, uint32_t c)
{
    BertChar *of = &scratch->bert->of[c];
    if (__builtin_expect(of->kind == CHAR_NOT_KNOWN, 0))
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
    word->is_open = word->is_cut = word->is_cut_late = false;
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

/* A broken character of `n` bytes, which may go on. */
static void ruin_put(const Tokenizer *tok, BertChars *chars, Word *word, const char *bytes, size_t n)
{
    word->is_open = utf8_length_of((unsigned char)bytes[0]) > (int)n;
    word->is_cut = word->is_cut_late = false;
    memcpy(word->open, bytes, n);
    word->n_open = n;
    word_put(tok, chars, word, bytes, n, 1, false);
}

/* A byte that may go on with what is open, what stood between being dropped. JOIN_UNKNOWN, and nothing is done, when the two become a character of which
 * only the steps can tell; JOIN_ALONE when it is a word of its own, whose token is *alone, behind what is now the end of this one. */
typedef enum { JOIN_DONE, JOIN_ALONE, JOIN_UNKNOWN } Join;
static Join ruin_join(const Tokenizer *tok, EncodeScratch *scratch, Word *word, char byte, int32_t *alone)
{
    BertChars *chars = scratch->bert;
    size_t n = word->n_open;
    uint32_t c;
    word->open[n] = byte;
    size_t length = (size_t)utf8_decode_quick(&c, word->open, word->open + n + 1);
    if (c == UTF8_ILL_FORMED) {
        bool goes_on = length == n + 1;  /* and is still not finished */
        word->n_open += goes_on;
        if (goes_on)
            word_put(tok, chars, word, &byte, 1, 0, false);
        else
            ruin_put(tok, chars, word, &byte, 1);
        return JOIN_DONE;
    }
    const NormalizerStep *step = tok->normalizers;
    BertChar of = {CHAR_IN_WORD, (uint8_t)(n + 1), 1, false, 0};
    bool is_kept = !char_is_punctuation(c) && (word->is_cut_late ? normalizer_bert_keeps_late(step, c) : normalizer_bert_fate(step, c) == BERT_KEEPS);
    if (!is_kept && (word->is_cut_late || !normalizer_bert_is_clean(step, c)))
        return JOIN_UNKNOWN;
    if (!is_kept)
        of = *of_char(tok, scratch, c);
    if (of.kind != CHAR_ALONE && (of.kind != CHAR_IN_WORD || of.n_bytes == 0))
        return JOIN_UNKNOWN;
    word->n_bytes -= word->is_lost || word->n_chars > tok->max_word_chars ? 0 : n;
    word->n_chars--;
    word->in_ruin = false;
    *alone = of.value;
    if (of.kind == CHAR_IN_WORD)
        word_put(tok, chars, word, is_kept ? word->open : chars->pool + of.value, of.n_bytes, of.n_chars, false);
    return of.kind == CHAR_IN_WORD ? JOIN_DONE : JOIN_ALONE;
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

/* Goes over what changes nothing in a word that is lost, broken characters and those that stay in it, and returns where that ends. */
static size_t skip_lost(const Tokenizer *tok, BertChars *chars, Word *word, Piece text, size_t at)
{
    size_t whole_end = at, broken_at = at, broken_end = at;
    for (size_t length = 1; at < text.n; at += length) {
        unsigned char first = (unsigned char)text.bytes[at];
        uint32_t c = first < 0x80 ? first : UTF8_ILL_FORMED;
        length = 1;
        if (first >= 0xC2 && at + 1 < text.n && ((unsigned char)text.bytes[at + 1] & 0xC0) == 0x80)
            length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
        if (c == UTF8_ILL_FORMED) {
            broken_at = at;
            broken_end = at + length;
            continue;
        }
        const BertChar *of = &chars->of[c];
        if (of->kind != CHAR_IN_WORD || of->n_bytes == 0)
            break;
        whole_end = at + length;
        word->in_ruin = false;
    }
    if (broken_end > whole_end) {
        ruin_begin(word, whole_end);
        ruin_put(tok, chars, word, text.bytes + broken_at, broken_end - broken_at);
    }
    return at;
}

/* A word ends, and a token that stands alone follows; -1: none. */
static inline void put_alone(const Tokenizer *tok, EncodeScratch *scratch, Word *word, int32_t alone, TokenBuffer *out)
{
    word_end(tok, scratch, word, out);
    if (alone >= 0)
        token_buffer_push(out, alone, 0, 0);
}

/* Encodes up to the first character, or the end of the first word, of which only the steps themselves can tell, or the end, and returns where that is. *n_sure ids belong to
 * the text before *sure, where what stands alone ended all words. */
static size_t encode_easy(const Tokenizer *tok, EncodeScratch *scratch, Piece text, size_t at, TokenBuffer *out, size_t *sure, int64_t *n_sure)
{
    BertChars *chars = scratch->bert;
    bool may_be_lost = model_fast(tok)->tokens_are_text;
    Word word = {0};
    *sure = at;
    *n_sure = out->n;
    while (at < text.n) {
        uint32_t c;
        bool may_join = word.in_ruin && word.is_open && word.is_cut;
        if (word.is_lost && !may_join && (at = skip_lost(tok, chars, &word, text, at)) == text.n)
            break;
        size_t length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
        if (c == UTF8_ILL_FORMED) {
            if (may_join && ((unsigned char)text.bytes[at] & 0xC0) == 0x80) {
                int32_t alone;
                Join join = ruin_join(tok, scratch, &word, text.bytes[at], &alone);
                size_t end = join == JOIN_UNKNOWN ? ruin_mend(tok, scratch, &word, text, at) : at + 1;
                if (end == at || (join == JOIN_ALONE && is_too_hard(tok, &word)))
                    return at;
                at = end;
                if (join == JOIN_ALONE) {
                    put_alone(tok, scratch, &word, alone, out);
                    *sure = at;
                    *n_sure = out->n;
                }
                continue;
            }
            ruin_begin(&word, at);
            ruin_put(tok, chars, &word, text.bytes + at, length);
            at += length;
            continue;
        }
        const BertChar *of = of_char(tok, scratch, c);
        bool is_end = of->kind == CHAR_ALONE || of->kind == CHAR_ENDS;
        if (of->kind == CHAR_HARD || (is_end && is_too_hard(tok, &word)))
            return at;
        at += length;
        if (of->kind == CHAR_COUNTED) {
            word.is_counted = true;
            word.is_lost |= may_be_lost && word.in_ruin && word.n_chars > word.ruin_chars;
            word.n_chars += of->n_chars;
            word.in_ruin = false;
        } else if (is_end) {
            put_alone(tok, scratch, &word, of->kind == CHAR_ALONE ? of->value : -1, out);
            *sure = at;
            *n_sure = out->n;
        } else if (of->n_bytes > 0) {
            word.is_lost |= may_be_lost && word.in_ruin && word.n_chars > word.ruin_chars;
            word_put(tok, chars, &word, chars->pool + of->value, of->n_bytes, of->n_chars, true);
            word.in_ruin = false;
        } else {
            ruin_begin(&word, at - length);
            word.is_cut = true;
            word.is_cut_late |= of->is_late;
        }
    }
    if (is_too_hard(tok, &word))
        return *sure;
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
