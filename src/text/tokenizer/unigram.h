/* unigram.h - the unigram language model (Kudo 2018, arXiv:1804.10959): a text is cut where the sum of the pieces' log probabilities is
 * greatest (Viterbi). A character that no piece covers costs 10 more than the rarest piece. */
#ifndef TEXT_UNIGRAM_H
#define TEXT_UNIGRAM_H

#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/trie.h"
#include "base/json.h"

struct Unigram {
    double *scores;  /* log probability of each id */
    int32_t n, capacity;
    bool single_precision;  /* path sums are rounded to float, as SentencePiece does; tokenizers carries doubles */
    uint8_t *user_defined;  /* by id: always preferred; NULL: none */
    uint8_t *hidden;        /* by id: never matched (control, unknown, unused, byte); NULL: none */
    double min_score, max_score;
    Trie trie;
};

Unigram *unigram_new(void);
void unigram_push(Unigram *unigram, double score);
/* Of a piece of that many bytes where it matches, and of a character that no piece covers. */
double unigram_score(const Unigram *unigram, int32_t id, size_t n_bytes);
double unigram_unknown_score(const Unigram *unigram);
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
