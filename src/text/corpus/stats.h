/* stats.h - what a corpus is made of: lengths, words, languages, places, copies, personal data, and signs of how it is written.
 *
 * Words are runs between white space, in lower case, without punctuation at their ends (an eojeol is a word). Of the tags that stages left the
 * language, the drop and its rule are read; what no stage found (copies, personal data) is looked for here. */
#ifndef CORPUS_STATS_H
#define CORPUS_STATS_H

#include "base/arena.h"
#include "base/err.h"
#include "text/corpus/pii.h"
#include "text/corpus/stage.h"

enum { STATS_BINS = 40, STATS_TOP = 20, STATS_WORD_LENGTHS = 24, STATS_RANKS = 64, STATS_TERMS = 16, STATS_LANGUAGES = 32, STATS_VERSION = 3 };

/* A text and how often it came. */
typedef struct {
    const char *name;
    int64_t n;
    const char *example;  /* or NULL */
} StatsCount;

/* Documents of one language. */
typedef struct {
    const char *name;
    int64_t n_documents, n_bytes, n_chars, n_words, n_sentences, n_sentences_ended;
} StatsLanguage;

/* A stage of the build that made the corpus. */
typedef struct {
    const char *name;
    int64_t n_in, n_out, n_passed_by, n_changed, n_bytes_in, n_bytes_out;
    int64_t n_tokens_in, n_tokens_out;  /* by a sample; 0: pages, or no tokenizer */
    StatsCount *drops;                  /* by rule, falling */
    int n_drops;
} StatsStage;

typedef struct {
    int64_t n_documents, n_bytes, n_chars, n_words;  /* of documents that were kept */
    int64_t chars_min, chars_max;
    double chars_mean, chars_median;
    double length_edges[STATS_BINS + 1];             /* characters a document, logarithmic */
    double length_counts[STATS_BINS];
    int64_t n_vocabulary, n_once;                    /* different words; those met once */
    double word_lengths[STATS_WORD_LENGTHS];         /* words of 1, 2, ... characters; the last bin holds the longer ones too */
    int n_ranks;
    double rank[STATS_RANKS], frequency[STATS_RANKS], cumulative[STATS_RANKS];  /* at ranks 1, 2, 3, 5, ...; cumulative: share of all words up to it */
    StatsCount *words, *languages, *domains, *drops; /* falling, at most STATS_TOP; languages and drops: all there are, at most 64 */
    StatsLanguage by_language[STATS_LANGUAGES];      /* in the order of `languages`; those beyond the last are in none */
    int n_top_words, n_languages, n_domains, n_drops;
    int64_t n_domains_all, n_dropped;
    double n_domains_even;                           /* balance: as many places with equal shares have this entropy */
    int64_t n_copies;                                /* documents whose text came before to the byte */
    int64_t n_pii[N_PII], n_pii_documents;           /* in the texts as they stand */
    int64_t n_pii_tagged[N_PII];                     /* that a stage found, by its tags: masked ones too */
    int64_t n_pii_tagged_documents;
    int64_t n_sentences, n_sentences_ended;          /* ended: by a mark. A sign of grammar */
    double sentence_words;                           /* mean */
    int64_t n_korean_plain, n_korean_polite, n_korean_mixed;  /* documents whose sentences end in -다, in -요 or -습니다, or in both in earnest */
    StatsCount terms[STATS_TERMS];                   /* words for groups of people: how often, and the first places */
    int n_terms;
    StatsStage *stages;                              /* of the build, when it was read */
    int n_stages;
    double seconds;
} Stats;

/* Reads all documents once. Everything in `arena`. */
Err stats_gather(Stats *stats, Arena *arena, const StageOptions *options);

/* What the stages of the build in this folder did, beside what stats_gather found. ERR_IO, ERR_FORMAT: no build.json of ours. */
Err stats_read_build(Stats *stats, Arena *arena, const char *folder);

/* One JSON object; `before`, the same corpus before it was cleaned, is its member "before", or NULL. */
const char *stats_json(Arena *arena, const Stats *stats, const Stats *before);
/* A page with pictures. */
Err stats_page(const Stats *stats, const Stats *before, const char *title, const char *path);

#endif
