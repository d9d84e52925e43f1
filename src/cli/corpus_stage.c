/* corpus_stage.c - runs a stage from the command line and says what it did. */
#include "cli/corpus_stage.h"

#include "base/json.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

StageSettings stage_settings_default(void)
{
    DocumentOptions documents = document_options_default();
    return (StageSettings){.field = documents.field, .format = documents.format, .document_bytes_max = documents.bytes_max};
}

Err corpus_stage_run(const Stage *stage, const StageSettings *settings, const CommandWords *words, StageReport *report)
{
    if (!settings->out)
        return err_set(ERR_USAGE, "corpus %s: --out is missing", stage->name);
    StageOptions options = {
        .inputs = words->word, .n_inputs = words->n,
        .documents = {.format = settings->format, .field = settings->field, .bytes_max = settings->document_bytes_max},
        .out = settings->out, .keep_dropped = settings->keep_dropped,
    };
    interrupt_install();
    return stage_run(report, stage, &options);
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
    json_field_int(json, "skipped", r->n_skipped);
    json_field_int(json, "repaired", r->n_repaired);
    json_field_int(json, "broken_records", r->n_broken_records);
    json_write_key(json, "drops");
    json_write_object_begin(json);
    for (int i = 0; i < r->n_rules; i++)
        json_field_int(json, r->drops[i].rule, r->drops[i].n);
    json_write_object_end(json);
    json_field_double(json, "seconds", r->seconds);
    size_t n;
    const char *text = json_writer_text(json, &n);
    printf("%s%s%s}\n", text, extra ? "," : "", extra ? extra : "");
    json_writer_free(json);
}

void corpus_stage_print(const Stage *stage, const StageSettings *settings, const StageReport *r, const char *extra)
{
    if (r->n_skipped + r->n_broken_records > 0)
        log_warn("%lld records were skipped, %lld were broken; the first: %s", (long long)r->n_skipped, (long long)r->n_broken_records, r->reason);
    log_info("%s: %lld of %lld documents kept, %.1f of %.1f MB, %.1f MB/s", stage->name, (long long)r->n_out, (long long)r->n_in,
             (double)r->n_bytes_out / 1e6, (double)r->n_bytes_in / 1e6, (double)r->n_bytes_in / 1e6 / r->seconds);
    for (int i = 0; i < r->n_rules; i++)
        log_info("    %8lld  %s", (long long)r->drops[i].n, r->drops[i].rule);
    if (settings->json && strcmp(settings->out, "-") != 0)
        print_json(stage, settings, r, extra);
}
