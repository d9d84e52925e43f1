/* pipeline_report.c - what the stages did, as JSON in each unit and in build.json. */
#include "base/file.h"
#include "text/corpus/hash.h"
#include "text/corpus/pipeline_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void write_rules(JsonWriter *json, const char *name, const StageRuleCount *counts, int n)
{
    json_write_key(json, name);
    json_write_object_begin(json);
    for (int i = 0; i < n; i++)
        json_field_int(json, counts[i].rule, counts[i].n);
    json_write_object_end(json);
}

void counts_write(JsonWriter *json, const char *name, const PipelineStage *stage)
{
    const StageReport *c = &stage->counts;
    json_write_object_begin(json);
    json_field_string(json, "stage", name);
    json_field_int(json, "documents_in", c->n_in);
    json_field_int(json, "documents_out", c->n_out);
    json_field_int(json, "bytes_in", c->n_bytes_in);
    json_field_int(json, "bytes_out", c->n_bytes_out);
    json_field_int(json, "changed", c->n_changed);
    json_field_int(json, "passed_by", c->n_passed_by);
    json_field_int(json, "page_bytes_in", stage->n_page_bytes);
    json_field_int(json, "sample_bytes_in", stage->sample_bytes[0]);
    json_field_int(json, "sample_tokens_in", stage->sample_tokens[0]);
    json_field_int(json, "sample_bytes_out", stage->sample_bytes[1]);
    json_field_int(json, "sample_tokens_out", stage->sample_tokens[1]);
    write_rules(json, "drops", c->drops, c->n_drops);
    write_rules(json, "changes", c->changes, c->n_changes);
    json_write_key(json, "examples");
    json_write_array_begin(json);
    for (int i = 0; i < stage->n_examples; i++) {
        const PipelineExample *e = &stage->examples[i];
        json_write_object_begin(json);
        json_field_string(json, "rule", e->rule);
        json_field_double(json, "value", e->value);
        json_field_string(json, "id", e->id);
        json_field_string(json, "text", e->text);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
}

void example_add(PipelineStage *stage, PipelineExample example)
{
    int n_same = 0;
    for (int i = 0; i < stage->n_examples; i++)
        n_same += strcmp(stage->examples[i].rule, example.rule) == 0;
    if (n_same < PIPELINE_EXAMPLES_A_RULE && stage->n_examples < PIPELINE_EXAMPLES_MAX)
        stage->examples[stage->n_examples++] = example;
}

static Err read_rules(JsonReader *json, Arena *arena, StageRuleCount *counts, int *n)
{
    JsonText key;
    TRY(json_object_begin(json));
    while (json_object_next(json, &key)) {
        int64_t count;
        TRY(json_int(json, &count));
        stage_count_rule(counts, n, json_text_value(key, arena, NULL), count);
    }
    return OK;
}

static Err read_examples(JsonReader *json, Arena *arena, PipelineStage *stage)
{
    TRY(json_array_begin(json));
    while (json_array_next(json)) {
        PipelineExample e = {.rule = "", .id = "", .text = ""};
        JsonText key;
        TRY(json_object_begin(json));
        while (json_object_next(json, &key)) {
            if (json_text_is(key, "value"))
                TRY(json_double(json, &e.value));
            else
                TRY(json_string(json, arena, json_text_is(key, "rule") ? &e.rule : json_text_is(key, "id") ? &e.id : &e.text, NULL));
        }
        example_add(stage, e);
    }
    return OK;
}

Err counts_add(PipelineStage *stage, const char **name, JsonReader *json, Arena *arena)
{
    StageReport *c = &stage->counts;
    const struct {
        const char *name;
        int64_t *sum;
    } figures[] = {
        {"documents_in", &c->n_in}, {"documents_out", &c->n_out}, {"bytes_in", &c->n_bytes_in}, {"bytes_out", &c->n_bytes_out},
        {"changed", &c->n_changed}, {"passed_by", &c->n_passed_by}, {"page_bytes_in", &stage->n_page_bytes}, {"sample_bytes_in", &stage->sample_bytes[0]}, {"sample_tokens_in", &stage->sample_tokens[0]},
        {"sample_bytes_out", &stage->sample_bytes[1]}, {"sample_tokens_out", &stage->sample_tokens[1]},
    };
    JsonText key;
    TRY(json_object_begin(json));
    while (json_object_next(json, &key)) {
        int i = 0;
        while (i < N_ELEMENTS(figures) && !json_text_is(key, figures[i].name))
            i++;
        if (i < N_ELEMENTS(figures)) {
            int64_t value;
            TRY(json_int(json, &value));
            *figures[i].sum += value;
        } else if (json_text_is(key, "drops")) {
            TRY(read_rules(json, arena, c->drops, &c->n_drops));
        } else if (json_text_is(key, "changes")) {
            TRY(read_rules(json, arena, c->changes, &c->n_changes));
        } else if (json_text_is(key, "examples")) {
            TRY(read_examples(json, arena, stage));
        } else if (json_text_is(key, "stage")) {
            TRY(json_string(json, arena, name, NULL));
        } else {
            TRY(json_skip(json));
        }
    }
    return OK;
}

/* build.json */

static void write_settings(const Pipeline *p, JsonWriter *json)
{
    const PipelineOptions *o = p->options;
    json_write_key(json, "settings");
    json_write_object_begin(json);
    json_write_key(json, "stages");
    json_write_array_begin(json);
    for (int i = 0; i < o->n_stages; i++) {
        json_write_object_begin(json);
        json_field_string(json, "stage", o->stages[i].name);
        json_field_int(json, "version", o->versions[i]);
        json_field_string(json, "settings", o->settings[i]);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_field_string(json, "field", o->documents.field);
    json_field_int(json, "document_bytes_max", o->documents.bytes_max);
    if (o->tokenizer) {
        json_field_string(json, "tokenizer_hash", arena_printf(p->arena, "%016" PRIx64, tokenizer_hash(o->tokenizer)));
        json_field_int(json, "vocab_size", tokenizer_vocab_size(o->tokenizer));
        json_field_bool(json, "append_eos", p->eos >= 0);
        if (pipeline_draws(o)) {
            json_field_double(json, "dropout", o->sampling.dropout);
            json_field_double(json, "sample", o->sampling.draws_cut ? o->sampling.alpha : -1.0);
            json_field_int(json, "seed", (int64_t)o->sampling.seed);
        }
        json_field_double(json, "split", o->split);
        json_field_string(json, "split_by", o->split_by == SPLIT_BY_HASH ? "hash" : "position");
    }
    json_write_object_end(json);
    json_write_key(json, "inputs");
    json_write_array_begin(json);
    for (int i = 0; i < p->n_paths; i++) {
        json_write_object_begin(json);
        json_field_string(json, "path", pipeline_input_name(p, p->paths[i]));
        if (o->input_documents)
            json_field_string(json, "field", p->path_documents[i]->field);
        json_field_int(json, "bytes", p->file_facts[2 * i]);
        json_field_string(json, "xxh3_64", arena_printf(p->arena, "%016" PRIx64, (uint64_t)p->file_facts[2 * i + 1]));
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

/* The totals, under the names by which pipeline_look finds them. */
typedef struct {
    const char *name;
    int64_t *value;
} Total;
enum { N_TOTALS = 14 };
static void totals_of(PipelineReport *r, Total totals[N_TOTALS])
{
    const Total list[N_TOTALS] = {
        {"documents_in", &r->n_in}, {"bytes_in", &r->n_bytes_in}, {"documents_out", &r->n_out}, {"bytes_out", &r->n_bytes_out},
        {"train_documents", &r->n_documents[TRAIN]}, {"train_tokens", &r->n_tokens[TRAIN]}, {"val_documents", &r->n_documents[VAL]},
        {"val_tokens", &r->n_tokens[VAL]}, {"train_bytes", &r->n_side_bytes[TRAIN]}, {"val_bytes", &r->n_side_bytes[VAL]}, {"skipped", &r->n_skipped}, {"repaired", &r->n_repaired}, {"broken", &r->n_broken},
        {"units", &r->n_units},
    };
    memcpy(totals, list, sizeof list);
}

Err pipeline_write_json(const Pipeline *p)
{
    PipelineReport *r = p->report;
    Total totals[N_TOTALS];
    totals_of(r, totals);
    JsonWriter *json = json_writer_new(2);
    json_write_object_begin(json);
    json_field_string(json, "key", arena_printf(p->arena, "%016" PRIx64, p->key));
    for (int i = 0; i < N_TOTALS; i++)
        json_field_int(json, totals[i].name, *totals[i].value);
    if (r->reason[0])
        json_field_string(json, "first_skipped", r->reason);
    json_write_key(json, "stages");
    json_write_array_begin(json);
    for (int i = 0; i < p->options->n_stages; i++)
        counts_write(json, p->options->stages[i].name, &r->stages[i]);
    json_write_array_end(json);
    write_settings(p, json);
    json_write_object_end(json);
    size_t n;
    const char *text = json_writer_text(json, &n);
    Err err = file_write(pipeline_path(p, p->arena, "build.json"), text, n);
    json_writer_free(json);
    return err;
}

int64_t pipeline_stage_tokens(const PipelineStage *stage, int side)
{
    double n_bytes = (double)(side ? stage->counts.n_bytes_out : stage->counts.n_bytes_in - stage->n_page_bytes);
    return stage->sample_bytes[side] ? (int64_t)(n_bytes * (double)stage->sample_tokens[side] / (double)stage->sample_bytes[side]) : 0;
}

static Err read_stages(PipelineReport *report, const char **names, int *n, JsonReader *json, Arena *arena)
{
    TRY(json_array_begin(json));
    while (json_array_next(json)) {
        if (*n > PIPELINE_STAGES_MAX)
            return err_set(ERR_FORMAT, "build.json: more than %d stages", PIPELINE_STAGES_MAX + 1);
        TRY(counts_add(&report->stages[*n], &names[*n], json, arena));
        (*n)++;
    }
    return OK;
}

/* `key`: of the build; texts live in `arena`. */
static Err read_build(PipelineReport *report, const char **names, int *n_stages, const char **key, Arena *arena, const char *path)
{
    const char *bytes;
    size_t n_bytes;
    TRY(file_read(&bytes, &n_bytes, arena, path));
    Total totals[N_TOTALS];
    totals_of(report, totals);
    JsonReader json;
    JsonText name;
    json_reader_init(&json, path, bytes, n_bytes);
    TRY(json_object_begin(&json));
    while (json_object_next(&json, &name)) {
        int i = 0;
        while (i < N_TOTALS && !json_text_is(name, totals[i].name))
            i++;
        if (i < N_TOTALS)
            TRY(json_int(&json, totals[i].value));
        else if (json_text_is(name, "key"))
            TRY(json_string(&json, arena, key, NULL));
        else if (json_text_is(name, "stages"))
            TRY(read_stages(report, names, n_stages, &json, arena));
        else
            TRY(json_skip(&json));
    }
    return json_reader_end(&json);
}

Err pipeline_read_report(PipelineReport *report, const char ***names, int *n_stages, Arena *arena, const char *out)
{
    const char *key;
    memset(report, 0, sizeof *report);
    *names = ARENA_ARRAY(arena, const char *, PIPELINE_STAGES_MAX + 1);
    *n_stages = 0;
    return read_build(report, *names, n_stages, &key, arena, arena_printf(arena, "%s/build.json", out));
}

Err pipeline_look(Pipeline *p, bool *found)
{
    *found = false;
    const char *path = pipeline_path(p, p->arena, "build.json"), *key = "", *names[PIPELINE_STAGES_MAX + 1];
    bool has_shards = !p->options->tokenizer || file_exists(pipeline_path(p, p->arena, "train.bin"));
    if (!file_exists(path) || !has_shards)
        return OK;
    PipelineReport *there = ARENA_NEW(p->arena, PipelineReport);
    int n_stages = 0;
    TRY(read_build(there, names, &n_stages, &key, p->arena, path));
    *found = strtoull(key, NULL, 16) == p->key;
    if (*found)
        *p->report = *there;
    return OK;
}
