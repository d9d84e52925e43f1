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
typedef struct WordSpill WordSpill;
typedef struct {
    char *pool;
    Word *words;           /* NULL when the words stay on disk */
    int64_t n;             /* distinct words */
    int64_t n_word_bytes;  /* of all of them */
    int64_t n_text_bytes;  /* read */
    WordSpill *spill;      /* where they are then */
} WordCounts;

typedef struct {
    const Tokenizer *rules;   /* its normalizer and pre-tokenizer steps cut the documents; the model is not used */
    bool repair;              /* ill-formed bytes become U+FFFD: for models whose symbols are characters */
    int n_threads;
    int64_t memory_bytes_max; /* 0: none */
    double use_per_word, use_per_byte;  /* memory that the caller will need for a distinct word and for each of its bytes, besides the list */
    const char *work_dir;     /* folder for what does not fit, which stays there; from it a killed run goes on; NULL: none */
    uint64_t identity;        /* of the settings, for that folder */
    int64_t total_bytes;      /* for progress; 0: unknown */
    bool quiet;
} WordCountOptions;

/* ERR_MEMORY: the distinct words, and what the caller does with them, do not fit into the bound, and there is no work_dir. ERR_INTERRUPTED. */
Err word_counts_read(WordCounts *counts, const WordCountOptions *options, TokenizerSource source);
void word_counts_release(WordCounts *counts);
/* Every word in order of its bytes. An error of `visit` ends it. */
typedef Err (*WordVisitor)(void *context, const char *bytes, uint32_t n_bytes, int64_t count);
Err word_counts_each(const WordCounts *counts, WordVisitor visit, void *context);

#endif
