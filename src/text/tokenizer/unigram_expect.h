/* unigram_expect.h - how often a unigram model uses each of its pieces in the words it learns from: over all cuts (forward-backward), or
 * along the best one.
 *
 * Which pieces fit where is found once, by a trie, and kept: 4 bytes for each place a piece fits, in memory, or in files where the counted words
 * are on disk. Pruning only ever takes pieces away, so from then on every pass reads that list from front to end, and pruning goes through it
 * once. ERR_IO from any of them: those files. */
#ifndef TEXT_UNIGRAM_EXPECT_H
#define TEXT_UNIGRAM_EXPECT_H

#include "text/tokenizer/unigram_seed.h"
#include "text/tokenizer/word_file.h"

#include <stdbool.h>

enum { UNIGRAM_N_BLOCKS = 8 };  /* words are shared out and sums are taken in so many blocks, added in order: threads do not show */

typedef struct {
    SeedPiece *pieces;  /* in order of their bytes; every character of the words is one, and stays one */
    int64_t n;
    Arena *texts;       /* of the pieces, where they are not in the words' pool */
    double *scores;     /* log probability of each; unigram_expect reads both */
    double *weights;    /* its exponential */
    const WordCounts *counts;
    double *expected;   /* [n_rooms][n]; the sums are in the first n */
    int n_rooms;        /* one for the sums, and one for each thread behind the first */
    int64_t longest;    /* bytes of the longest word or piece */
    WordFile *of_words[UNIGRAM_N_BLOCKS], *of_pieces[UNIGRAM_N_BLOCKS];  /* edges of blocks of words, and of pieces, cut in their turn */
    size_t piece_begin[UNIGRAM_N_BLOCKS + 1];  /* of the blocks of pieces */
} UnigramModel;

/* Room for the n pieces there are, and their edges. The caller has set pieces, n and counts; files of edges are in `dir`, with blocks of some
 * block_bytes each, where the counted words are on disk. */
Err unigram_model_open(UnigramModel *model, const char *dir, size_t block_bytes);
void unigram_model_release(UnigramModel *model);  /* the pieces too */

/* expected[i]: how often piece i is used over all cuts of all words, weighted by their probability; and the log likelihood. */
Err unigram_expect(UnigramModel *model, double *likelihood);
/* expected[i]: how often piece i is used in the best cut of each word; and its log likelihood. */
Err unigram_count_best(UnigramModel *model, double *likelihood);

/* The best cut of each piece without itself: calls `take` with its parts, last first, from several threads at once, once for each piece.
 * A character has none. */
typedef void (*UnigramTakeParts)(void *context, int64_t piece, const int32_t *parts, int n_parts);
Err unigram_cut_pieces(UnigramModel *model, UnigramTakeParts take, void *context);

/* Leaves only the pieces with kept[i], in their order; all characters are among them. Scores, weights and sums of the others are the caller's. */
Err unigram_keep_pieces(UnigramModel *model, const uint8_t *kept);

#endif
