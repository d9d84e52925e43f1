/* tokenizer_compare.h - what `jikji tokenizer compare` has measured, handed from the measuring to the report. */
#ifndef CLI_TOKENIZER_COMPARE_H
#define CLI_TOKENIZER_COMPARE_H

#include "text/tokenizer/compare.h"
#include "text/tokenizer/survey.h"

typedef struct {
    const char *domain, *path;
    const char *bytes;
    size_t n_bytes;
} ComparedText;

typedef struct {
    const char *name, *path, *type;
    uint64_t hash;
    int64_t vocab_size;
    double load_seconds;  /* until the first token: reading the file, checking it, making tables; the quickest of the loads */
    TokenizerReport report;
    SyllableCoverage coverage;
    NfdHazard nfd;
    int64_t scripts[N_TOKEN_SCRIPTS];
    TokenLength mean_length;
    TextNumbers *texts;  /* [n_texts] */
    TextNumbers all;
    const char *sample;  /* the first lines cut into tokens */
} ComparedTokenizer;

typedef struct {
    int64_t vocab_size;
    double tokens_per_eojeol, tokens_per_word, bytes_per_token, renyi_efficiency;
} SweepPoint;
enum { SWEEP_POINTS = 7 };  /* 1k, 2k, ... 64k */

/* The same words merged by count and by likelihood. */
typedef struct {
    int64_t vocab_size, n_shared;
    const char *only_count, *only_likelihood;  /* the first tokens that the other lacks */
} MergeComparison;

typedef struct {
    ComparedText *texts;
    int n_texts;
    ComparedTokenizer *tokenizers;
    int n_tokenizers;
    SweepPoint sweep[SWEEP_POINTS];
    int n_sweep;  /* 0: not asked for */
    MergeComparison merges;
} Comparison;

/* The page with its pictures, in English and Korean; and everything as one JSON object. */
Err tokenizer_compare_page(const Comparison *comparison, const char *path);
Err tokenizer_compare_json(const Comparison *comparison, const char *path);  /* "-": stdout */

/* Ratios, 0 where there is nothing to divide by. */
double compare_ratio(double a, double b);

#endif
