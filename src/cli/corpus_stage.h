/* corpus_stage.h - what the command line of every stage has in common: inputs, --out, --field, --format, --json, and the report. */
#ifndef CLI_CORPUS_STAGE_H
#define CLI_CORPUS_STAGE_H

#include "base/options.h"
#include "cli/command_line.h"
#include "text/corpus/stage.h"

/* Stands before the stage's own settings in one object. */
typedef struct {
    const char *out, *field;
    int format;
    int64_t document_bytes_max, memory;
    OptionTexts when;
    bool keep_dropped, json;
} StageSettings;

StageSettings stage_settings_default(void);

#define STAGE_ROWS                                                                                                               \
    OPTION_TEXT("out", StageSettings, out, "NAME.jsonl or NAME.txt, with .zst or .gz behind to compress; - is stdout"),          \
    OPTION_CHOICE("format", StageSettings, format, DOCUMENT_FORMAT_CHOICES, "how a file falls into documents"),                  \
    OPTION_TEXT("field", StageSettings, field, "jsonl: the field that holds the text; tsv, csv: the column"),                    \
    OPTION_INT("document-bytes-max", StageSettings, document_bytes_max, 1, 1e12, "longer documents are skipped and counted"),    \
    OPTION_INT("memory", StageSettings, memory, STAGE_MEMORY_MIN, 1e15, "dedup, parts: bytes of the process, 24M at least; the rest goes to files in TMPDIR"), \
    OPTION_TEXTS("when", StageSettings, when, "only documents with these tags: language=ko|en, langid.confidence>=0.8; others pass by"),   \
    OPTION_BOOL("keep-dropped", StageSettings, keep_dropped, "write dropped documents too, tagged with the rule"),               \
    OPTION_BOOL("json", StageSettings, json, "one JSON object as the last line of stdout")

StageOptions corpus_stage_options(const StageSettings *settings, const char *const *inputs, int n_inputs);

/* `jikji corpus NAME IN... --out OUT`: argv[0] is the kind's name. */
Err corpus_stage_command(const StageKind *kind, int argc, char **argv);

#endif
