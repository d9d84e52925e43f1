/* stage.h - one pass over documents: read in order, worked on by all threads, written in order.
 *
 * A stage looks at one document at a time and says what becomes of it: new text, tags beside it, or a drop with its reason. Results
 * do not depend on the number of threads. Records keep all fields they came with; the text's field is replaced, tags are added (a tag
 * of the same name is replaced). Documents that came without a record get {"id": "path:line", "text": ...}. */
#ifndef CORPUS_STAGE_H
#define CORPUS_STAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "text/corpus/document.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a stage sees; lives during the call. */
typedef struct {
    const char *text;  /* UTF-8, but a page's own bytes when is_page */
    size_t n_bytes;
    const char *record;  /* JSON object or NULL */
    size_t n_record_bytes;
    const char *path;
    int64_t line;
    bool is_page;
    const char *charset;  /* pages: what HTTP said; "" */
} StageDocument;

/* What it decides; texts live in the arena of the call. */
typedef struct {
    const char *text;  /* NULL: unchanged */
    size_t n_bytes;
    const char *tags;  /* members without braces: "\"quality\":{...}"; NULL: none. Each top-level name replaces the record's */
    const char *drop_rule;  /* NULL: kept; else the name of the rule */
    double drop_value;
} StageResult;

typedef struct {
    const char *name;  /* for progress */
    void (*work)(void *context, Arena *arena, const StageDocument *document, StageResult *result);
    /* Called in order on one thread, after `work` of this document and of all before it; may change the result. May be NULL. */
    void (*gather)(void *context, Arena *arena, const StageDocument *document, StageResult *result);
    void *context;
    bool reads_pages;  /* archives and .html files give pages; other stages read the text of archives of text (WET) */
} Stage;

enum { STAGE_RULES_MAX = 64 };
typedef struct {
    int64_t n_in, n_out, n_bytes_in, n_bytes_out, n_changed;
    int64_t n_skipped, n_repaired, n_broken_records;
    char reason[160];  /* of the first skipped or broken record */
    int n_rules;
    struct {
        const char *rule;  /* the stage's own string */
        int64_t n;
    } drops[STAGE_RULES_MAX];
    double seconds;
} StageReport;

typedef struct {
    const char *const *inputs;
    int n_inputs;
    DocumentOptions documents;
    const char *out;  /* document_writer.h; NULL: nothing is written */
    bool keep_dropped;  /* dropped documents are written too, with a tag "dropped": {"stage", "rule", "value"} */
} StageOptions;

Err stage_run(StageReport *report, const Stage *stage, const StageOptions *options);

#endif
