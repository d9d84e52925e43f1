/* pii_stage.h - the stage `pii`: finds personal data and does with it what the policy says.
 *
 *   mask        each letter and digit of the value becomes *; what a class needs to be read as such stays (010-****-****)
 *   pseudonym   another value of the same form, the same for the same value and key; it meets no check digit on purpose
 *   drop        the document is dropped: rule "pii.CLASS"
 *   tag         the text stays as it is
 * Documents with findings get the tag "pii": {"version", "policy", "spans": [[class, begin, end] ...]}, bytes of the text written.
 *
 * The audit log has one line a finding: {n, id, class, begin, end, policy, version, value_hmac, previous, hash}. It never holds a value, only its
 * HMAC under the key; `hash` is over the line before it and the previous hash, so that a line taken out or changed is seen. */
#ifndef CORPUS_PII_STAGE_H
#define CORPUS_PII_STAGE_H

#include "text/corpus/pii.h"
#include "text/corpus/stage.h"

typedef enum { PII_MASK, PII_PSEUDONYM, PII_DROP, PII_TAG } PiiPolicy;
#define PII_POLICY_CHOICES "mask|pseudonym|drop|tag"

typedef struct {
    int policy;       /* PiiPolicy */
    const char *key;  /* of pseudonyms and the log */
    const char *audit;  /* path of the log, NULL: none */
    bool is_on[N_PII];
} PiiOptions;
PiiOptions pii_options_default(void);  /* mask, every class, key "jikji" */

typedef struct {
    PiiOptions options;
    int64_t n_found[N_PII];  /* after `finish` */
} PiiStage;

/* `state` lives as long as the stage. */
void pii_stage_new(Stage *stage, PiiStage *state, const PiiOptions *options);
/* The text after the policy, in `arena`; moves the spans along. */
const char *pii_apply(Arena *arena, const PiiOptions *options, const char *text, size_t n_bytes, PiiSpans *spans, size_t *n_out_bytes);
/* Reads a log and checks its chain. ERR_FORMAT names the first line that does not follow. */
Err pii_audit_check(const char *path, int64_t *n_lines);

#endif
