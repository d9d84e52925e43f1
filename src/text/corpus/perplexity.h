/* perplexity.h - how expected a text is by a model of character runs: interpolated Kneser-Ney (Kneser & Ney 1995; Chen & Goodman 1998, section 2.7).
 *
 * Characters are lower case, digits are 0, white space is one blank; a line is a sequence of its own. With D = 0.75 and a run h of k - 1 characters:
 *     p_k(c | h) = max(n(hc) - D, 0) / n(h) + D kinds(h) / n(h) * p_{k-1}(c | h without its first)
 * where n counts texts at the highest order and different characters before at lower ones, kinds(h) is how many characters follow h, and p_0 is
 * uniform over 2^16 characters. The value of a text is exp of its mean -log p a character. Limits of the buckets are the 30th and 60th
 * percentile over the corpus that is to be judged (as in CCNet, Wenzek et al. 2019, arXiv:1911.00359), or, when none was named, over texts
 * that training set aside: then most of a corpus that is not like them is tail.
 *
 * A model's file, little-endian: "jikjippl", u32 format 2, u32 order, f64 limits[2], u64 n, then n entries, a run each, rising by key: u64 key, u32 n, and as
 * what comes before others u32 kinds, u32 total; u32 0. */
#ifndef CORPUS_PERPLEXITY_H
#define CORPUS_PERPLEXITY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/options.h"
#include "text/corpus/document.h"

#include <stddef.h>
#include <stdint.h>

enum { PERPLEXITY_VERSION = 1, PERPLEXITY_ORDER_MAX = 8 };

typedef struct PerplexityModel PerplexityModel;

Err perplexity_open(PerplexityModel **out, const char *path);
void perplexity_close(PerplexityModel *model);  /* NULL is fine */
uint64_t perplexity_identity(const PerplexityModel *model);
/* 1 for a text without characters. Ends early when `limit` is spent (arena_limit.h); NULL: no limit. */
double perplexity_of(const PerplexityModel *model, const Arena *limit, const char *text, size_t n_bytes);
int perplexity_bucket(const PerplexityModel *model, double value);  /* 0 head, 1 middle, 2 tail */

typedef struct {
    int64_t order;       /* 1 to PERPLEXITY_ORDER_MAX */
    int64_t entries_max; /* runs held; longer ones are no longer added when it is reached */
    int64_t hold;        /* every hold-th text, by hash, sets the limits instead of being learnt */
    OptionTexts limits_from;  /* files whose documents set the limits; then none is set aside */
} PerplexityTrainOptions;
PerplexityTrainOptions perplexity_train_options_default(void);  /* 5, 20,000,000, 50 */

typedef struct {
    int64_t n_texts, n_held, n_chars, n_entries;  /* held: texts that set the limits */
    double limits[2];
} PerplexityTrainReport;
Err perplexity_train(PerplexityTrainReport *report, const PerplexityTrainOptions *options, const char *const *inputs, int n_inputs, const DocumentOptions *documents,
                     const char *out);

#endif
