/* dedup_stage.h - the stage `dedup`: a first pass that finds copies, and then leaves them out.
 *
 *   exact    documents whose text is the same to the byte (128-bit hash)
 *   minhash  documents that are likely more similar than the bands' threshold (minhash.h)
 * Rule "dedup.exact" or "dedup.minhash"; the value is the size of the cluster. Who stays gets the tag "copies". */
#ifndef CORPUS_DEDUP_STAGE_H
#define CORPUS_DEDUP_STAGE_H

#include "text/corpus/minhash.h"
#include "text/corpus/stage.h"

typedef enum { DEDUP_EXACT, DEDUP_MINHASH } DedupMethod;
#define DEDUP_METHOD_CHOICES "exact|minhash"

typedef struct {
    int method;  /* DedupMethod */
    int shingle; /* ShingleUnit */
    int64_t n, n_bands, n_rows, seed;
} DedupOptions;
DedupOptions dedup_options_default(void);  /* minhash, 5 words, 14 bands of 8 rows: nominal threshold 0.72 */

/* Against every pair compared by its Jaccard similarity, the naive way: for choosing bands. Both ways begin at the texts: the naive one makes every set of
 * shingles, keeps it and merges it with every other; MinHash makes signatures, keeps the keys of their bands and sorts them. Memory is what each keeps. */
typedef struct {
    int64_t n_documents, n_pairs_true, n_pairs_found, n_pairs_both;  /* pairs of at least the threshold; pairs that share a band */
    double precision, recall, expected_recall;  /* expected: mean of 1 - (1 - s^r)^b over the true pairs */
    double recall_sigma;                        /* of the expected recall, were the pairs independent */
    double seconds_brute, seconds_minhash;
    int64_t bytes_brute, bytes_minhash;
} DedupCompare;
Err dedup_compare(DedupCompare *result, const DedupOptions *dedup, const StageOptions *options, double threshold, int64_t n_documents_max);

#endif
