/* stage.h - what a stage of the corpus is, and one pass of a stage over documents.
 *
 * A stage looks at one document at a time and says what becomes of it: new text, tags beside it, or a drop with its rule and value. It is
 * found by its StageKind: a name, a version, settings in an option table (the recipe's group, the command line's flags) and `open`. All kinds
 * stand in stage_kinds.c; a row there gives the stage to `jikji corpus build` and as `jikji corpus NAME`.
 *
 * A stage that must see all documents before it can judge one (copies) has a first pass: `look` leaves a note of each document, `decide` turns
 * all notes into one verdict a document, and `work` finds its verdict in the document. A stage that keeps a record of what it did (the log of
 * personal data) leaves a note in its result, and `finish` reads all of them.
 *
 * What one document may take is a limit of the arena (arena_limit.h): work that may be long asks arena_is_spent at natural points and returns what it has; the document is
 * dropped then, rule "limit.seconds" or "limit.memory". A look has no limit: its time grows with the text and no faster.
 *
 * work and look are called from many threads, in no order, on one machine or many, and may be called again after a kill: what they return follows
 * from the document, its tags, its verdict and the settings. Notes, verdicts and outputs are in the order of the documents, so nothing depends
 * on threads, ranks or kills. */
#ifndef CORPUS_STAGE_H
#define CORPUS_STAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/options.h"
#include "text/corpus/document.h"
#include "text/corpus/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a stage sees; lives during the call. */
typedef struct {
    const char *text;  /* UTF-8, but a page's own bytes when is_page */
    size_t n_bytes;
    const char *record;  /* JSON object as it came, or NULL */
    size_t n_record_bytes;
    const char *tags;  /* of the stages before this one: members without braces; "" */
    const char *path;
    int64_t line;
    bool is_page, is_sampled;  /* sampled: the build counts its tokens before and after each stage */
    const char *charset;  /* pages: what HTTP said; "" */
    const void *verdict;  /* of `decide`; NULL in stages without a first pass */
    size_t n_verdict_bytes;
} StageDocument;

/* A tag of an earlier stage, or a field of the record, by name ("language", "quality.words"): a text, or a number as text. NULL: none. */
const char *stage_tag_text(Arena *arena, const StageDocument *document, const char *name);
double stage_tag_number(Arena *arena, const StageDocument *document, const char *name);  /* NAN: none, or no number */

/* What it decides; everything lives in the arena of the call. */
typedef struct {
    const char *text;  /* NULL: unchanged */
    size_t n_bytes;
    const char *tags;  /* members without braces: "\"quality\":{...}"; NULL: none. Each name replaces an earlier tag or field of that name */
    const char *drop_rule;  /* NULL: kept; else the name of the rule, "gopher.words_min": a string that outlives the stage's calls */
    double drop_value;      /* what broke it */
    const char *change_rule;  /* why the text changed, counted like drops; NULL: the stage's name says it */
    double change_value;
    const void *note;  /* for `finish`; NULL: none */
    size_t n_note_bytes;
} StageResult;

/* A result's tags: members written between these two, in `arena`; the second frees the writer. */
JsonWriter *stage_tags_begin(void);
const char *stage_tags_end(JsonWriter *json, Arena *arena);
/* [name, begin, end]: a place of the text, in bytes. */
void stage_tags_place(JsonWriter *json, const char *name, size_t begin, size_t end);

typedef struct StageWhen StageWhen;  /* stage_when.h */

typedef struct {
    int64_t memory_bytes;  /* a first pass keeps what it holds below this, and the rest in files */
    const char *folder;    /* for those files */
} StageRoom;

/* An open stage: the functions of a kind over its own state. `context` is not changed by work and look. */
typedef struct {
    const char *name;
    void *context;
    void (*work)(void *context, Arena *arena, const StageDocument *document, StageResult *result);
    /* First pass; both or none. A note may have no bytes. */
    void (*look)(void *context, Arena *arena, const StageDocument *document, const void **note, size_t *n_note_bytes);
    Err (*decide)(void *context, Spool *notes, Spool *verdicts, const StageRoom *room);  /* as many verdicts as notes, in their order */
    /* Once, after the last document: all notes that `work` left, in the order of the documents. May be NULL. */
    Err (*finish)(void *context, Spool *notes);
    /* After finish, for people and programs: members without braces, or NULL. May be NULL. */
    const char *(*report)(void *context, Arena *arena);
    void (*close)(void *context);  /* may be NULL */
    const StageWhen *when;  /* set by who opened it: documents for which it does not hold pass by; NULL: the stage is for all */
    uint64_t identity;  /* hash of what it read beside its settings (a model, a list of words): part of every key. 0: nothing */
    bool looks_at_text; /* `look` asks for the text alone: its document may lack the record */
    bool reads_pages;   /* archives and .html files give pages (longer than 16 MB, or the limit: skipped); other stages read the text of archives of text (WET) */
} Stage;

typedef struct {
    const char *name, *help;   /* help: one line, for the list of stages */
    const char *examples, *about;  /* for --help: lines, examples indented by four */
    int version;  /* changes when the same document may come out differently: part of every key */
    OptionTable table;  /* over the settings; names with '_' ("chars_min"), which flags may write with '-' */
    size_t settings_bytes;
    void (*defaults)(void *settings);
    /* Checks the settings, loads what they name. Settings and arena outlive the stage. ERR_USAGE names the setting. */
    Err (*open)(Stage *stage, const void *settings, Arena *arena);
} StageKind;

int stage_n_kinds(void);
const StageKind *stage_kind(int i);
const StageKind *stage_kind_find(const char *name);  /* NULL: none */
/* What the kind's settings are by default, in `arena`. */
void *stage_settings_new(const StageKind *kind, Arena *arena);
/* Opens the stage with its name and kind filled in. */
Err stage_open(Stage *stage, const StageKind *kind, const void *settings, Arena *arena);
void stage_close(Stage *stage);  /* a zeroed stage is fine */

/* A stage alone over files. */

enum { STAGE_RULES_MAX = 64 };
typedef struct {
    const char *rule;  /* the stage's own string */
    int64_t n;
} StageRuleCount;
typedef struct {
    int64_t n_in, n_out, n_bytes_in, n_bytes_out, n_changed;
    int64_t n_passed_by;  /* among n_in and n_out: documents that the stage is not for */
    int64_t n_skipped, n_repaired, n_broken_records;
    char reason[160];  /* of the first skipped or broken record */
    int n_drops, n_changes;
    StageRuleCount drops[STAGE_RULES_MAX], changes[STAGE_RULES_MAX];
    double seconds;
} StageReport;

typedef struct {
    const char *const *inputs;
    int n_inputs;
    DocumentOptions documents;
    const char *out;  /* document_writer.h; NULL: nothing is written */
    bool keep_dropped;  /* dropped documents are written too, with a tag "dropped": {"stage", "rule", "value"} */
    int64_t memory_bytes;  /* of the process in a stage with a first pass, from STAGE_MEMORY_MIN on; 0: 1 GB */
} StageOptions;
/* Below this the limit cannot be kept: the program and a batch of documents need as much. Documents longer than a fiftieth of the limit need more, too. */
#define STAGE_MEMORY_MIN 24e6

/* Reads, works on all threads, writes in order. Records keep the fields they came with; the text's field is replaced, tags are added. Documents
 * that came without a record get {"id": "path:line", "text": ...}. ERR_USAGE: standard input for a stage with a first pass. */
Err stage_run(StageReport *report, const Stage *stage, const StageOptions *options);

#endif
