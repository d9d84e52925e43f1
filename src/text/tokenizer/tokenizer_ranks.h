/* tokenizer_ranks.h - rank files, in and out, and what may be wrong between ranks, ids and merges. */
#ifndef TEXT_TOKENIZER_RANKS_H
#define TEXT_TOKENIZER_RANKS_H

#include "text/tokenizer/tokenizer_internal.h"

bool tokenizer_is_llmc(const char *bytes, size_t n_bytes);
Err tokenizer_read_llmc(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes, const char *pattern);
/* ERR_UNSUPPORTED: a rule that a rank file cannot say, by name. The split pattern and special tokens stand outside such files: stderr says them. */
Err tokenizer_write_tiktoken(const Tokenizer *tok, const char *path);
Err tokenizer_write_llmc(const Tokenizer *tok, const char *path);

/* Of a BPE model with a list of merges. */
typedef struct {
    int64_t n_diverging;     /* tokens whose place in the list of merges is not that of their ids */
    int32_t first_diverging; /* -1: none */
    int64_t n_unmergeable;   /* tokens that merging their own start symbols does not give: no text becomes them */
    int32_t first_unmergeable;
    int64_t n_bypassed;      /* of those, reached all the same, because whole pieces are looked up first (ignore_merges) */
} TokenizerFaults;
void tokenizer_find_faults(const Tokenizer *tok, TokenizerFaults *faults);

#endif
