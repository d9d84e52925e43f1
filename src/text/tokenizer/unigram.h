/* unigram.h - the unigram language model (Kudo 2018, arXiv:1804.10959): a text is cut where the sum of the pieces' log probabilities is
 * greatest (Viterbi). A character that no piece covers costs 10 more than the rarest piece. */
#ifndef TEXT_UNIGRAM_H
#define TEXT_UNIGRAM_H

#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/trie.h"
#include "base/json.h"

#include <math.h>

struct Unigram {
    double *scores;  /* log probability of each id */
    int32_t n, capacity;
    bool single_precision;  /* path sums are rounded to float, as SentencePiece does; tokenizers carries doubles */
    uint8_t *user_defined;  /* by id: always preferred; NULL: none */
    uint8_t *hidden;        /* by id: never matched (control, unknown, unused, byte); NULL: none */
    double min_score, max_score;
    Trie trie;
};

/* Words behind one another, summed in float as one text. A word's best path is the same wherever it stands as long as rounding cannot decide
 * between two ways: each of its sums, at most one a character, errs by at most 2^-24 of its size, so two ways that differ by more than 2 (n + 1)
 * such errors stay in their order. A note is the least difference found, in double from 0, divided by 2 (n + 1). */
#define UNIGRAM_FLOAT_ERROR 0x1p-24
#define UNIGRAM_UNKNOWN_PENALTY 10.0
#define UNIGRAM_PLAIN_CHAR 0x80000000u  /* of a value of ModelFast's table of labels: normalising leaves this character alone */
enum { NOTED_CHARS_MAX = WORD_BYTES_MAX + 1 };
static inline double unigram_largest_sum(const Unigram *unigram, double from, size_t n_chars)
{
    return fabs(from) + (double)n_chars * (UNIGRAM_UNKNOWN_PENALTY - unigram->min_score);
}
/* Does a word of at most NOTED_CHARS_MAX characters with this note keep its cut behind a text of this score? */
static inline bool unigram_is_sure(const Unigram *unigram, double path_score, float note)
{
    return note > UNIGRAM_FLOAT_ERROR * unigram_largest_sum(unigram, path_score, NOTED_CHARS_MAX);
}
/* The note of a word whose best cut surpasses all others by `gap`, in sums of floats from 0; of any number of characters. */
static inline float unigram_note_of_gap(const Unigram *unigram, float gap, uint32_t n_chars)
{
    uint32_t n_more = n_chars > NOTED_CHARS_MAX ? n_chars - NOTED_CHARS_MAX : 0;
    float largest = (float)(n_chars + n_more) * (float)(UNIGRAM_UNKNOWN_PENALTY - unigram->min_score);
    return gap / (float)(2 * (n_chars + 1)) - 2.5f * (float)UNIGRAM_FLOAT_ERROR * largest;
}

Unigram *unigram_new(void);
void unigram_push(Unigram *unigram, double score);
/* Of a piece of that many bytes where it matches, and of a character that no piece covers. */
double unigram_score(const Unigram *unigram, int32_t id, size_t n_bytes);
double unigram_unknown_score(const Unigram *unigram);
/* Pieces that text may become; `keys` has room for all ids. Returns how many. */
size_t unigram_keys(const Unigram *unigram, const Vocab *vocab, TrieKey *keys);
/* The tokens of a cut of a piece, from its start on; id = tok->unk_id for a character that no piece covers. */
typedef struct {
    int32_t id;
    uint32_t begin, end;
} UnigramPart;
void unigram_put_parts(const Tokenizer *tok, Piece piece, const UnigramPart *parts, size_t n, TokenBuffer *out);
/* After the last piece: bounds and trie. */
void unigram_finish(Unigram *unigram, const Vocab *vocab);
/* [["piece", score], ...] */
Err unigram_read_vocab(Unigram **out, JsonReader *reader, Arena *arena, Vocab *vocab);

#endif
