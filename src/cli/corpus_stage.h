/* corpus_stage.h - what the command line of every stage has in common: inputs, --out, --field, --format, --json, and the report. */
#ifndef CLI_CORPUS_STAGE_H
#define CLI_CORPUS_STAGE_H

#include "base/options.h"
#include "cli/command_line.h"
#include "text/corpus/stage.h"

/* First member of each stage's settings. */
typedef struct {
    const char *out, *field;
    int format;
    int64_t document_bytes_max;
    bool keep_dropped, json;
} StageSettings;

StageSettings stage_settings_default(void);

#define STAGE_ROWS                                                                                                               \
    OPTION_TEXT("out", StageSettings, out, "NAME.jsonl or NAME.txt, with .zst or .gz behind to compress; - is stdout"),          \
    OPTION_CHOICE("format", StageSettings, format, DOCUMENT_FORMAT_CHOICES, "how a file falls into documents"),                  \
    OPTION_TEXT("field", StageSettings, field, "jsonl: the field that holds the text; tsv, csv: the column"),                    \
    OPTION_INT("document-bytes-max", StageSettings, document_bytes_max, 1, 1e12, "longer documents are skipped and counted"),    \
    OPTION_BOOL("keep-dropped", StageSettings, keep_dropped, "write dropped documents too, tagged with the rule"),               \
    OPTION_BOOL("json", StageSettings, json, "one JSON object as the last line of stdout")

/* Runs the stage over the words of the line and prints the report. `extra` (members without braces, or NULL) goes into the JSON. */
Err corpus_stage_run(const Stage *stage, const StageSettings *settings, const CommandWords *words, StageReport *report);
void corpus_stage_print(const Stage *stage, const StageSettings *settings, const StageReport *report, const char *extra);

#endif
