/* corpus_stage.c - one command for every kind of stage: its rows behind those that all have. */
#include "cli/corpus_stage.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "text/corpus/stage_when.h"

#include <stdio.h>
#include <string.h>

StageSettings stage_settings_default(void)
{
    DocumentOptions documents = document_options_default();
    return (StageSettings){.field = documents.field, .format = documents.format, .document_bytes_max = documents.bytes_max,
                           .memory = 1000000000};
}

StageOptions corpus_stage_options(const StageSettings *settings, const char *const *inputs, int n_inputs)
{
    return (StageOptions){
        .inputs = inputs, .n_inputs = n_inputs,
        .documents = {.format = settings->format, .field = settings->field, .bytes_max = settings->document_bytes_max},
        .out = settings->out, .keep_dropped = settings->keep_dropped, .memory_bytes = settings->memory,
    };
}

static void write_counts(JsonWriter *json, const char *name, const StageRuleCount *counts, int n)
{
    json_write_key(json, name);
    json_write_object_begin(json);
    for (int i = 0; i < n; i++)
        json_field_int(json, counts[i].rule, counts[i].n);
    json_write_object_end(json);
}

static void print_json(const Stage *stage, const StageSettings *settings, const StageReport *r, const char *extra)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "stage", stage->name);
    json_field_string(json, "out", settings->out);
    json_field_int(json, "documents_in", r->n_in);
    json_field_int(json, "documents_out", r->n_out);
    json_field_int(json, "bytes_in", r->n_bytes_in);
    json_field_int(json, "bytes_out", r->n_bytes_out);
    json_field_int(json, "changed", r->n_changed);
    json_field_int(json, "passed_by", r->n_passed_by);
    json_field_int(json, "skipped", r->n_skipped);
    json_field_int(json, "repaired", r->n_repaired);
    json_field_int(json, "broken_records", r->n_broken_records);
    write_counts(json, "drops", r->drops, r->n_drops);
    write_counts(json, "changes", r->changes, r->n_changes);
    json_field_double(json, "seconds", r->seconds);
    json_field_int(json, "peak_bytes", memory_resident_peak_bytes());
    size_t n;
    const char *text = json_writer_text(json, &n);
    printf("%s%s%s}\n", text, extra ? "," : "", extra ? extra : "");
    json_writer_free(json);
}

static void print_report(const Stage *stage, const StageSettings *settings, const StageReport *r, const char *extra)
{
    if (r->n_skipped + r->n_broken_records > 0)
        log_warn("%lld records were skipped, %lld were broken; the first: %s", (long long)r->n_skipped, (long long)r->n_broken_records, r->reason);
    log_info("%s: %lld of %lld documents kept, %.1f of %.1f MB, %.1f MB/s", stage->name, (long long)r->n_out, (long long)r->n_in,
             (double)r->n_bytes_out / 1e6, (double)r->n_bytes_in / 1e6, (double)r->n_bytes_in / 1e6 / r->seconds);
    for (int i = 0; i < r->n_drops; i++)
        log_info("    %8lld  %s", (long long)r->drops[i].n, r->drops[i].rule);
    if (settings->json && strcmp(settings->out, "-") != 0)
        print_json(stage, settings, r, extra);
}

static Err run(const StageKind *kind, const StageSettings *settings, const void *own, const CommandWords *words, Arena *arena)
{
    if (!settings->out)
        return err_set(ERR_USAGE, "corpus %s: --out is missing", kind->name);
    Stage stage;
    StageReport report;
    StageOptions options = corpus_stage_options(settings, words->word, words->n);
    const StageWhen *when;
    TRY(stage_when_read(&when, arena, "--when", &settings->when));
    TRY(stage_open(&stage, kind, own, arena));
    stage.when = when;
    interrupt_install();
    Err err = stage_run(&report, &stage, &options);
    if (err == OK)
        print_report(&stage, settings, &report, stage.report ? stage.report(stage.context, arena) : NULL);
    stage_close(&stage);
    return err;
}

Err corpus_stage_command(const StageKind *kind, int argc, char **argv)
{
    static const Option common[] = {STAGE_ROWS};
    enum { N_COMMON = N_ELEMENTS(common) };
    Arena *arena = arena_new();
    Option *rows = ARENA_ARRAY(arena, Option, N_COMMON + kind->table.n_rows);
    memcpy(rows, common, sizeof common);
    for (int i = 0; i < kind->table.n_rows; i++) {
        rows[N_COMMON + i] = kind->table.rows[i];
        rows[N_COMMON + i].offset += sizeof(StageSettings);
    }
    StageSettings *settings = arena_alloc(arena, sizeof *settings + kind->settings_bytes);
    *settings = stage_settings_default();
    if (kind->defaults)
        kind->defaults(settings + 1);
    CommandHelp help = {
        .synopsis = arena_printf(arena, "corpus %s IN... --out FILE [settings]", kind->name),
        .examples = kind->examples, .about = kind->about,
        .table = {rows, N_COMMON + kind->table.n_rows}, .n_words_min = 1, .n_words_max = COMMAND_WORDS_MAX,
    };
    CommandWords words;
    Err err = command_line_read(&words, &help, settings, arena, argc, argv);
    if (err == OK && !words.helped)
        err = run(kind, settings, settings + 1, &words, arena);
    arena_free(arena);
    return err;
}
