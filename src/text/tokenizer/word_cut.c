/* word_cut.c - see word_cut.h. */
#include "text/tokenizer/word_cut.h"
#include "text/tokenizer/bert_chars.h"
#include "text/tokenizer/bpe_chars.h"
#include "text/tokenizer/bpe_words.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/clumps.h"
#include "text/tokenizer/lone_chars.h"
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_words.h"
#include "base/scan.h"
#include "text/unicode/char_run.h"

#include <string.h>

static const char space_mark[] = "\xE2\x96\x81";
enum { SPACE_MARK_BYTES = 3 };

static bool begins_with_space(const char *text, size_t n)
{
    return n >= SPACE_MARK_BYTES && memcmp(text, space_mark, SPACE_MARK_BYTES) == 0;
}

static bool ends_with_space(const char *text, size_t n)
{
    return n >= SPACE_MARK_BYTES && memcmp(text + n - SPACE_MARK_BYTES, space_mark, SPACE_MARK_BYTES) == 0;
}

/* A space mark behind something else. */
static bool holds_seam(const char *text, size_t n)
{
    for (size_t i = 1; i + SPACE_MARK_BYTES <= n; i++)
        if (begins_with_space(text + i, n - i) && !ends_with_space(text, i))
            return true;
    return false;
}

static const char *piece_text(const Tokenizer *tok, int32_t id, size_t *n)
{
    const char *text = id < tok->vocab.n_ids ? vocab_text(&tok->vocab, id, n) : vocab_text(&tok->phantoms, id - tok->vocab.n_ids, n);
    *n = text ? *n : 0;
    return text;
}

static bool merges_cross_spaces(const Tokenizer *tok)
{
    for (uint32_t i = 0; i < tok->merges.n_slots; i++) {
        int32_t left = (int32_t)(tok->merges.slots[i].pair >> 32), right = (int32_t)(uint32_t)tok->merges.slots[i].pair;
        size_t n_left, n_right;
        if (left < 0)
            continue;
        const char *a = piece_text(tok, left, &n_left), *b = piece_text(tok, right, &n_right);
        if (begins_with_space(b, n_right) && !ends_with_space(a, n_left))
            return true;
    }
    return false;
}

static bool pieces_cross_spaces(const Tokenizer *tok)
{
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        size_t n;
        const char *text = piece_text(tok, id, &n);
        if (!(tok->unigram->hidden && tok->unigram->hidden[id]) && holds_seam(text, n))
            return true;
    }
    return false;
}

/* SentencePiece: one normalizer, no pre-tokenizer, and a space mark that is a piece of its own, so that no run of unknown text spans words. */
static WordCut cut_of_sentencepiece(const Tokenizer *tok)
{
    const NormalizerStep *step = tok->normalizers;
    if (tok->n_normalizers != 1 || step->kind != NORMALIZER_SENTENCEPIECE || tok->n_pretokenizers || !step->add_dummy_prefix ||
        step->spaces_behind || !step->escape_spaces || charsmap_has_symbols(step->charsmap) || charsmap_joins(step->charsmap, ' ') ||
        tokenizer_find_model(tok, space_mark, SPACE_MARK_BYTES) < 0)
        return WORD_CUT_NONE;
    bool crosses = true;
    if (tok->model == MODEL_UNIGRAM)
        crosses = tok->unigram->user_defined || pieces_cross_spaces(tok);
    else if (tok->model == MODEL_BPE)
        crosses = !tok->by_pieces || merges_cross_spaces(tok);
    return crosses ? WORD_CUT_NONE : step->remove_extra_spaces ? WORD_CUT_SPACES : WORD_CUT_ONE_SPACE;
}

/* The same in tokenizer.json's words: a mark before the text, and marks for spaces. */
bool word_cut_marks_spaces(const Tokenizer *tok)
{
    return tok->n_normalizers == 2 && tok->normalizers[0].kind == NORMALIZER_PREPEND && strcmp(tok->normalizers[0].content, space_mark) == 0 &&
           tok->normalizers[1].kind == NORMALIZER_REPLACE && !tok->normalizers[1].regex && strcmp(tok->normalizers[1].pattern, " ") == 0 &&
           strcmp(tok->normalizers[1].content, space_mark) == 0;
}

bool word_cut_splits_marks(const Tokenizer *tok)
{
    const PretokenizerStep *first = tok->pretokenizers;
    return tok->n_pretokenizers > 0 && first->kind == PRETOKENIZER_SPLIT && first->literal && strcmp(first->literal, space_mark) == 0 &&
           first->behavior == SPLIT_MERGED_WITH_NEXT && !first->invert;
}

static WordCut cut_of_marked_spaces(const Tokenizer *tok)
{
    if (word_cut_splits_marks(tok))
        return WORD_CUT_ONE_SPACE;
    bool is_whole = tok->n_pretokenizers == 0 && tok->model == MODEL_BPE && !tok->prefix && !tok->suffix && !tok->ignore_merges &&
                    tokenizer_find_model(tok, space_mark, SPACE_MARK_BYTES) >= 0;
    return is_whole && !merges_cross_spaces(tok) ? WORD_CUT_ONE_SPACE : WORD_CUT_NONE;
}

WordCut word_cut_of(const Tokenizer *tok)
{
    for (int i = 0; i < tok->n_added; i++)
        if (tok->added[i].normalized)
            return WORD_CUT_NONE;  /* found in normalised text, perhaps across spaces */
    bool is_bert = tok->n_normalizers == 1 && tok->normalizers[0].kind == NORMALIZER_BERT && tok->normalizers[0].clean_text &&
                   tok->n_pretokenizers == 1 && tok->pretokenizers[0].kind == PRETOKENIZER_BERT;
    return is_bert ? WORD_CUT_WHITE_SPACE : word_cut_marks_spaces(tok) ? cut_of_marked_spaces(tok) : cut_of_sentencepiece(tok);
}

/* A word that ends in a mark, or in what may become a space, would lose marks of its own by trimming. */
bool word_cut_may_end(const char *text, size_t end)
{
    if (end == 0)
        return false;
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != ' ')
        begin--;
    unsigned char last = (unsigned char)text[end - 1];
    bool is_plain = (last > ' ' && last < 0x7F) || (end >= SYLLABLE_BYTES && is_syllable(text + end - SYLLABLE_BYTES, SYLLABLE_BYTES));
    return is_plain && end > begin && !memmem(text + begin, end - begin, space_mark, SPACE_MARK_BYTES);
}

/* Where words may end, found for a stretch of the text at a time. */
enum { STRETCH_BYTES = 4096 };
typedef struct {
    const char *text;
    size_t n, begin, end;  /* of the text; of the stretch */
    bool white_space;
    uint64_t masks[STRETCH_BYTES / 64];
} WordEnds;

static void find_ends(WordEnds *ends, size_t at)
{
    ends->begin = at;
    ends->end = at + STRETCH_BYTES < ends->n ? at + STRETCH_BYTES : ends->n;
    scan_spaces(ends->text + at, ends->end - at, ends->white_space, ends->masks);
}

static inline size_t word_end(WordEnds *ends, size_t at)
{
    while (at < ends->n) {
        if (at >= ends->end)
            find_ends(ends, at);
        size_t place = at - ends->begin;
        uint64_t mask = ends->masks[place / 64] >> place % 64;
        if (mask)
            return at + (size_t)__builtin_ctzll(mask);
        at += 64 - place % 64;
    }
    return ends->n;
}

enum { WORDS_AT_ONCE = BPE_WORDS_MAX };

void word_cut_encode_fresh(const Tokenizer *tok, EncodeScratch *scratch, Piece word, TokenBuffer *out)
{
    bool is_long = word.n > PLAIN_WORD_BYTES_MAX;
    char room[PLAIN_WORD_ROOM], *normal = is_long ? arena_alloc(scratch->word_arena, word.n + PLAIN_WORD_ROOM) : room;
    size_t n_normal = plain_word_write(&scratch->plain, word.bytes, word.n, normal);
    if (n_normal)
        plain_word_encode(tok, scratch, normal, n_normal, out);
    if (is_long)
        arena_reset(scratch->word_arena);
    if (!n_normal && tok->model == MODEL_WORDPIECE && scratch->cut == WORD_CUT_WHITE_SPACE)
        bert_chars_encode(tok, scratch, word, out);
    else if (!n_normal)
        encode_word(tok, scratch, word, out);
}

/* The same, remembered. */
static void encode_new(const Tokenizer *tok, EncodeScratch *scratch, Piece text, const CutWord *place, TokenBuffer *out)
{
    Piece word = {.bytes = text.bytes + place->begin, .n = place->end - place->begin};
    int64_t before = out->n;
    int32_t note = 0;
    if (tok->model == MODEL_UNIGRAM && tok->unigram->single_precision)
        note = unigram_encode_word(tok, scratch, word, true, out);
    else
        word_cut_encode_fresh(tok, scratch, word, out);
    if (note >= 0)
        word_cache_put(&scratch->words, *place, text.bytes, text.n, out->ids + before, out->n - before, note);
}

/* False when the word is not known, or its place in the text matters. */
static inline bool encode_known(const Tokenizer *tok, EncodeScratch *scratch, Piece text, const CutWord *word, bool noted, TokenBuffer *out)
{
    int32_t note;
    token_buffer_reserve(out, WORD_IDS_ROOM);
    int n = word_cache_find(&scratch->words, word, text.bytes, text.n, out->ids + out->n, &note);
    if (n == 0 || (noted && !unigram_follows(tok, scratch, out->ids + out->n, n, note)))
        return false;
    out->n += n;
    return true;
}

/* How words are told apart in one text. */
typedef struct {
    WordCut cut;
    bool white_space;  /* all of it, not only spaces, ends a word and leaves no trace */
    bool is_marked;    /* the text has space marks of its own: a word goes on behind the space until it ends safely */
} WordRule;

/* The next word: a space that stands for the dummy prefix of the word behind it is dropped, and so is white space that leaves no trace. False at the
 * end of the text. */
static inline bool next_word(WordRule rule, WordEnds *ends, Piece text, size_t *at, CutWord *word)
{
    bool white_space = rule.white_space, is_marked = rule.is_marked;
    while (*at < text.n) {
        size_t begin = *at, end = begin;
        do {
            while (!white_space && end < text.n && text.bytes[end] == ' ')
                end++;
            end = word_end(ends, end);
        } while (!white_space && end < text.n && is_marked && !word_cut_may_end(text.bytes, end));
        if (rule.cut == WORD_CUT_ONE_SPACE && end + 1 == text.n)
            end = text.n;  /* a space at the very end has no word behind it */
        *at = end + 1;
        word->begin = begin;
        word->end = end;
        if (end > begin)
            return true;
    }
    return false;
}

static int next_words(const WordCache *cache, WordRule rule, WordEnds *ends, Piece text, size_t *at, CutWord *words)
{
    int n = 0;
    for (; n < WORDS_AT_ONCE && next_word(rule, ends, text, at, &words[n]); n++)
        word_cache_place(cache, &words[n], text.bytes, text.n);
    return n;
}

/* A word that no batch takes. */
static void encode_one(const Tokenizer *tok, EncodeScratch *scratch, Piece text, const CutWord *word, bool noted, TokenBuffer *out)
{
    Piece piece = piece_part(text, word->begin, word->end);
    if (noted && unigram_words_starts_line(tok, piece))
        unigram_encode_word(tok, scratch, piece, true, out);
    else if (!encode_known(tok, scratch, text, word, noted, out))
        encode_new(tok, scratch, text, word, out);
}

/* Words that have their places in the cache. */
static void encode_batch(const Tokenizer *tok, EncodeScratch *scratch, Piece text, const CutWord *words, int n_words, bool noted, TokenBuffer *out)
{
    const BpeChars *plain = model_fast(tok)->plain;
    if (plain && n_words > 0)
        bpe_words_encode(tok, scratch, text, words, n_words, out);
    for (int i = 0; i < n_words && !plain; i++)
        encode_one(tok, scratch, text, &words[i], noted, out);
}

/* Words that begin with a lone character need no place in the cache. */
static void encode_lone_words(const Tokenizer *tok, EncodeScratch *scratch, WordRule rule, WordEnds *ends, Piece text, TokenBuffer *out)
{
    const ModelFast *fast = model_fast(tok);
    CutWord words[WORDS_AT_ONCE], *word = words;  /* those before `word` wait for their batch */
    for (size_t at = 0; next_word(rule, ends, text, &at, word);) {
        const char *bytes = text.bytes + word->begin;
        size_t n_bytes = word->end - word->begin;
        if (lone_chars_may_begin(fast->lone, bytes, n_bytes)) {
            CutWord last = *word;
            encode_batch(tok, scratch, text, words, (int)(word - words), false, out);
            word = words;
            if (lone_chars_encode(fast->lone, tok, scratch, bytes, n_bytes, out))
                continue;
            *word = last;
        }
        word_cache_place(&scratch->words, word++, text.bytes, text.n);
        if (word == words + WORDS_AT_ONCE) {
            encode_batch(tok, scratch, text, words, WORDS_AT_ONCE, false, out);
            word = words;
        }
    }
    encode_batch(tok, scratch, text, words, (int)(word - words), false, out);
}

void word_cut_encode_words(const Tokenizer *tok, EncodeScratch *scratch, WordCut cut, Piece text, TokenBuffer *out)
{
    WordCache *cache = &scratch->words;
    bool noted = tok->model == MODEL_UNIGRAM && tok->unigram->single_precision;
    const LoneChars *lone = model_fast(tok)->lone;
    const BpeChars *plain = model_fast(tok)->plain;
    WordRule rule = {.cut = cut};
    rule.is_marked = cut != WORD_CUT_WHITE_SPACE && scan_holds_three(text.bytes, text.n, space_mark);
    rule.white_space = cut == WORD_CUT_WHITE_SPACE || (cut == WORD_CUT_SPACES && scratch->plain.lines_are_spaces && !rule.is_marked);
    if (cut == WORD_CUT_SPACES && !rule.is_marked && model_fast(tok)->walk) {
        unigram_words_encode(tok, scratch, text, out);
        return;
    }
    if (cut == WORD_CUT_SPACES && !rule.is_marked && plain && !lone) {
        bpe_words_encode_all(tok, scratch, scratch->plain.lines_are_spaces, text, out);
        return;
    }
    WordEnds ends = {.text = text.bytes, .n = text.n, .white_space = rule.white_space};
    if (lone) {
        encode_lone_words(tok, scratch, rule, &ends, text, out);
        return;
    }
    CutWord words[WORDS_AT_ONCE];
    size_t at = 0;
    for (int n; (n = next_words(cache, rule, &ends, text, &at, words)) > 0;)
        encode_batch(tok, scratch, text, words, n, noted, out);
}

void word_cut_encode(const Tokenizer *tok, EncodeScratch *scratch, WordCut cut, Piece text, TokenBuffer *out)
{
    const ClumpRules *clumps = model_fast(tok)->clumps;
    if (!scratch->words.block) {
        word_cache_init(&scratch->words, tok->vocab.n_ids);
        if (clumps && tok->model == MODEL_UNIGRAM)
            clumps_preload(clumps, tok, scratch);
    }
    if (clumps && !scan_holds_three(text.bytes, text.n, space_mark))
        clumps_encode(clumps, tok, scratch, cut, text, out);
    else
        word_cut_encode_words(tok, scratch, cut, text, out);
}
