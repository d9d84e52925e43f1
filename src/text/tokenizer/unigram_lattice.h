/* unigram_lattice.h - all cuts of a text under a unigram model: one drawn by its probability, or the best ones in order. */
#ifndef TEXT_UNIGRAM_LATTICE_H
#define TEXT_UNIGRAM_LATTICE_H

#include "text/tokenizer/unigram.h"

/* Draws a cut of the piece with probability proportional to P(cut)^alpha among all cuts: backward sums, then a walk forward (the
 * forward-filtering backward-sampling of Kudo 2018, section 3.1, from the other end, which needs no stored lattice). */
void unigram_sample(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out);

/* A way to a place: the piece (or, with `is_token`, the ready token) that ends there, and the way to where it begins. */
typedef struct UnigramWay {
    double score;
    const struct UnigramWay *before;  /* NULL at the start */
    int32_t id;
    bool is_token;
    Piece piece;                      /* the text it lies in, [begin, end) of it */
    uint32_t begin, end;
} UnigramWay;
/* The best ways, best first; of equals the one found first. */
typedef struct {
    const UnigramWay **items;
    int64_t n;
} UnigramWays;
/* The n_best ways through a piece, each behind one of the ways so far. All in `arena`. */
UnigramWays unigram_ways(const Tokenizer *tok, Arena *arena, Piece piece, UnigramWays so_far, int64_t n_best);
/* The tokens of a way from the start on. */
void unigram_put_way(const Tokenizer *tok, EncodeScratch *scratch, const UnigramWay *way, TokenBuffer *out);

#endif
