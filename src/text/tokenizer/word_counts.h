/* word_counts.h - the first half of every trainer: documents in, distinct pretokens with their counts out.
 *
 * Counts have 64 bits. Words come in order of their bytes, so nothing downstream depends on how the work was shared out. */
#ifndef TEXT_WORD_COUNTS_H
#define TEXT_WORD_COUNTS_H

#include "text/tokenizer/tokenizer_internal.h"

typedef struct {
    uint64_t offset;  /* in pool */
    uint32_t n_bytes;
    int64_t count;
} Word;
typedef struct {
    char *pool;
    Word *words;
    int64_t n;
    int64_t n_text_bytes;  /* read */
    bool is_repaired;      /* some document was not well-formed */
} WordCounts;

typedef struct {
    const Tokenizer *rules;   /* its normalizer and pre-tokenizer steps cut the documents; the model is not used */
    bool repair;              /* ill-formed bytes become U+FFFD: for models whose symbols are characters */
    int n_threads;
    int64_t memory_bytes_max; /* 0: none */
    const char *work_dir;     /* folder for what does not fit, from which a killed run goes on; NULL: none */
    uint64_t identity;        /* of the settings, for that folder */
    int64_t total_bytes;      /* for progress; 0: unknown */
    bool quiet;
} WordCountOptions;

/* ERR_MEMORY: the distinct words do not fit into the bound; with a work_dir only their final list must. ERR_INTERRUPTED. */
Err word_counts_read(WordCounts *counts, const WordCountOptions *options, TokenizerSource source);
void word_counts_release(WordCounts *counts);

#endif
