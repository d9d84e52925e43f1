/* build.h - from files of text to token shards with a train and a validation side.
 *
 * Documents are encoded in the order in which they are read, so the result depends on the inputs and the settings alone, not on the
 * number of threads. OUT/train and OUT/val are shards (shard.h) whose .sum tells where they come from; build.json, written last, holds
 * the whole of it with a key over inputs, settings and tokenizer. A build whose key is already there is up to date and does nothing, so
 * a killed build is simply started again. */
#ifndef CORPUS_BUILD_H
#define CORPUS_BUILD_H

#include "text/corpus/document.h"
#include "text/tokenizer/tokenizer.h"

typedef enum {
    SPLIT_BY_HASH,      /* each document by a hash of its text: the side of a text never changes, copies of it stay together */
    SPLIT_BY_POSITION,  /* the first `split` of the bytes; a document on the border is cut between two characters */
} SplitBy;
#define SPLIT_BY_CHOICES "hash|position"

typedef struct {
    const char *const *inputs;  /* files, folders, patterns, "-" (not with SPLIT_BY_POSITION, which reads twice) */
    int n_inputs;
    DocumentOptions documents;
    const Tokenizer *tokenizer;
    const char *out;  /* folder */
    double split;     /* share of the train side, 0 to 1; 1: no validation side */
    int split_by;     /* SplitBy */
    bool append_eos;  /* where the tokenizer has an end-of-sequence token */
} BuildOptions;
BuildOptions build_options_default(void);  /* split 0.9 by hash, eos appended */

typedef struct {
    bool up_to_date;  /* nothing was done; the figures are those of the build that is there */
    int64_t n_documents[2], n_tokens[2], n_bytes[2];  /* train, val */
    int64_t n_skipped, n_repaired;
    double seconds;
    char reason[160];  /* of the first skipped record */
} BuildReport;

/* ERR_INTERRUPTED after Ctrl-C: nothing half-made stays. ERR_FORMAT: no documents. */
Err corpus_build(BuildReport *report, const BuildOptions *options);

#endif
