/* pipeline.c - what there is to do, who it belongs to, and the passes. */
#include "text/corpus/pipeline.h"

#include "base/file.h"
#include "base/log.h"
#include "text/corpus/hash.h"
#include "text/corpus/pipeline_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIPELINE_VERSION = 4, BATCHES_AN_ITEM = 2, ITEM_PATHS_MAX = 4096 };

PipelineOptions pipeline_options_default(void)
{
    return (PipelineOptions){
        .documents = document_options_default(), .write_documents = true, .split = 1.0, .append_eos = true, .document_seconds = 60,
        .document_memory_bytes = INT64_C(4000000000), .memory_bytes = INT64_C(1000000000), .batch_bytes = 8 << 20,
    };
}

const char *pipeline_path(const Pipeline *p, Arena *arena, const char *name)
{
    return arena_printf(arena, "%s/%s", p->options->out, name);
}

bool pipeline_draws(const PipelineOptions *options)
{
    return options->tokenizer && (options->sampling.dropout > 0.0 || options->sampling.draws_cut);
}

/* Of settings that change what a unit holds: stages up to the end of the pass. */
static uint64_t settings_key(const Pipeline *p, int pass)
{
    const PipelineOptions *o = p->options;
    Arena *arena = arena_new();
    int end = p->passes[pass].end_stage;
    bool is_last = pass == p->n_passes - 1;
    const char *text = arena_printf(arena, "%d %d %s %" PRId64 " %" PRId64 " %d %.17g %" PRId64 "\n", PIPELINE_VERSION, o->documents.format,
                                    o->documents.field, o->documents.bytes_max, o->batch_bytes, p->reads_pages,
                                    o->document_seconds, o->document_memory_bytes);
    for (int i = 0; i < end; i++)
        text = arena_printf(arena, "%s%s %d %016" PRIx64 " %s\n", text, o->stages[i].name, o->versions[i], o->stages[i].identity, o->settings[i]);
    if (!is_last)
        text = arena_printf(arena, "%sand then %s %d %016" PRIx64 " %s\n", text, o->stages[end].name, o->versions[end], o->stages[end].identity,
                            o->settings[end]);
    else
        text = arena_printf(arena, "%s%d %d %.17g %d", text, o->write_documents, o->split_by, o->split, p->eos);
    const TokenizerSampling *s = &o->sampling;
    if (is_last && pipeline_draws(o))
        text = arena_printf(arena, "%s sampled %.17g %d %.17g %" PRId64 " %" PRIu64, text, s->dropout, s->draws_cut, s->alpha, s->n_best, s->seed);
    text = arena_printf(arena, "%s %d %016" PRIx64, text, o->write_dropped, o->tokenizer ? tokenizer_hash(o->tokenizer) : 0);
    uint64_t key = hash64(text, strlen(text), (uint64_t)pass);
    arena_free(arena);
    return key;
}

/* Later passes depend on every input: verdicts do. item < 0: the key of the whole pass. */
uint64_t unit_key(const Pipeline *p, int pass, int item, int64_t batch)
{
    if (pass == 0 && item >= 0)
        return p->items[item].key;
    uint64_t key = settings_key(p, pass);
    for (int i = 0; i < p->n_items; i++)
        key = hash64(&p->items[i].key, sizeof p->items[i].key, key);
    (void)batch;
    return key;
}

/* batch < 0: what is known when the item was read to its end. */
const char *unit_path(const Pipeline *p, Arena *arena, int pass, int item, int64_t batch)
{
    const char *name = batch < 0 ? "end.json" : arena_printf(arena, "%" PRId64 ".part", batch);
    return arena_printf(arena, "%s/units/%d-%016" PRIx64 "-%d/%s", p->options->out, pass, p->pass_keys[pass] ? p->pass_keys[pass] : p->items[item].key,
                        pass > 0 ? item : 0, name);
}

/* Sizes and hashes of all files, read by all ranks together. */
static Err learn_files(Pipeline *p)
{
    Comm *group = p->options->group;
    Err err = OK;
    p->file_facts = ARENA_ARRAY(p->arena, int64_t, 2 * p->n_paths);
    for (int i = comm_rank(group); i < p->n_paths && err == OK; i += comm_size(group)) {
        uint64_t hash;
        err = file_size(&p->file_facts[2 * i], p->paths[i]);
        if (err == OK)
            err = file_hash(&hash, p->paths[i]);
        if (err == OK)
            p->file_facts[2 * i + 1] = (int64_t)hash;
    }
    TRY(comm_agree(group, err));
    return comm_sum_i64(group, p->file_facts, 2 * p->n_paths);
}

static uint64_t hash_name(const char *name, uint64_t seed)
{
    return hash64(name, strlen(name), seed);
}

static bool are_alike(const DocumentOptions *a, const DocumentOptions *b)
{
    return a->format == b->format && a->bytes_max == b->bytes_max && strcmp(a->field, b->field) == 0;
}

/* Small files that are read alike go together until they are large enough. */
static void make_items(Pipeline *p)
{
    p->items = ARENA_ARRAY(p->arena, Item, p->n_paths);
    const PipelineOptions *o = p->options;
    uint64_t settings = settings_key(p, 0);
    for (int i = 0; i < p->n_paths; i++) {
        Item *item = p->n_items > 0 ? &p->items[p->n_items - 1] : NULL;
        if (!item || !are_alike(item->documents, p->path_documents[i]) || item->n_bytes + p->file_facts[2 * i] > BATCHES_AN_ITEM * o->batch_bytes || item->n_paths == ITEM_PATHS_MAX) {
            item = &p->items[p->n_items++];
            *item = (Item){.first_path = i, .documents = p->path_documents[i], .key = settings, .n_batches = -1};
            if (o->input_documents)
                item->key = hash_name(item->documents->field, hash64(&item->documents->format, sizeof item->documents->format, item->key));
        }
        item->n_paths++;
        item->n_bytes += p->file_facts[2 * i];
        item->key = hash_name(pipeline_input_name(p, p->paths[i]), item->key);
        item->key = hash64(&p->file_facts[2 * i], 2 * sizeof *p->file_facts, item->key);
    }
}

static void make_passes(Pipeline *p)
{
    const PipelineOptions *o = p->options;
    p->n_passes = 1;
    p->passes[0].first_stage = 0;
    for (int i = 0; i < o->n_stages; i++) {
        p->reads_pages = p->reads_pages || o->stages[i].reads_pages;
        if (!o->stages[i].look)
            continue;
        p->passes[p->n_passes - 1].end_stage = i;
        p->passes[p->n_passes++].first_stage = i;
    }
    p->passes[p->n_passes - 1].end_stage = o->n_stages;
}

const char *pipeline_input_name(const Pipeline *p, const char *path)
{
    return p->standard_input && strcmp(path, p->standard_input) == 0 ? "-" : path;
}

/* A build reads its inputs more than once, and again after a kill: standard input becomes a file first. Units are known by contents, so the same
 * bytes given again find what was done. */
static Err keep_standard_input(Pipeline *p)
{
    for (int i = 0; i < p->n_paths; i++)
        if (strcmp(p->paths[i], "-") == 0) {
            p->standard_input = pipeline_path(p, p->arena, "units/standard-input");
            p->paths[i] = (char *)(uintptr_t)p->standard_input;
        }
    if (!p->standard_input || comm_rank(p->options->group) != 0)
        return OK;
    enum { PIECE = 1 << 20 };
    FileWriter *out;
    TRY(file_make_dirs(pipeline_path(p, p->arena, "units")));
    TRY(file_writer_open(&out, p->standard_input));
    char *piece = mem_alloc(PIECE);
    Err err = OK;
    for (size_t n; err == OK && (n = fread(piece, 1, PIECE, stdin)) > 0;)
        err = interrupt_requested() ? err_set(ERR_INTERRUPTED, "interrupted while standard input was read") : file_writer_write(out, piece, n);
    if (err == OK && ferror(stdin))
        err = err_set(ERR_IO, "standard input cannot be read");
    free(piece);
    if (err == OK)
        return file_writer_commit(out);
    file_writer_abort(out);
    return err;
}

/* The files of all inputs, in order, and how each is read. */
static Err list_inputs(Pipeline *p)
{
    const PipelineOptions *o = p->options;
    int n_paths[OPTION_ITEMS_MAX];
    char **paths[OPTION_ITEMS_MAX];
    int n_groups = o->input_documents ? o->n_inputs : 1;
    assert(n_groups <= OPTION_ITEMS_MAX);
    for (int i = 0; i < n_groups; i++) {
        TRY(document_list_files(&paths[i], &n_paths[i], p->arena, o->inputs + i, o->input_documents ? 1 : o->n_inputs));
        p->n_paths += n_paths[i];
    }
    p->paths = ARENA_ARRAY(p->arena, char *, p->n_paths);
    p->path_documents = ARENA_ARRAY(p->arena, const DocumentOptions *, p->n_paths);
    for (int i = 0, at = 0; i < n_groups; i++)
        for (int k = 0; k < n_paths[i]; k++, at++) {
            p->paths[at] = paths[i][k];
            p->path_documents[at] = o->input_documents ? &o->input_documents[i] : &o->documents;
        }
    return OK;
}

static Err plan(Pipeline *p)
{
    const PipelineOptions *o = p->options;
    Comm *group = o->group;
    assert(o->n_stages <= PIPELINE_STAGES_MAX + 1 && o->batch_bytes > 0);
    Err err = o->tokenizer ? tokenizer_sampling_check(o->tokenizer, &o->sampling) : OK;
    if (err == OK)
        err = list_inputs(p);
    if (err == OK)
        err = keep_standard_input(p);
    TRY(comm_agree(group, err));
    make_passes(p);
    p->eos = o->tokenizer && o->append_eos ? tokenizer_special_id(o->tokenizer, SPECIAL_EOS) : -1;
    TRY(learn_files(p));
    make_items(p);
    for (int pass = 1; pass < p->n_passes; pass++)
        p->pass_keys[pass] = unit_key(p, pass, -1, -1);
    p->key = unit_key(p, p->n_passes - 1, -1, -1) + (uint64_t)o->shard_format;
    return OK;
}

/* One pass over all units. */
static Err run_pass(Pipeline *p, int pass)
{
    Comm *group = p->options->group;
    CommCounter *counter;
    TRY(comm_counter_new(&counter, group));
    Err err = pass == 0 ? pipeline_read(p, counter) : pipeline_next(p, counter, pass);
    err = comm_agree(group, err);
    comm_counter_free(counter);
    TRY(err);
    if (pass == 0)
        for (int i = 0; i < p->n_items && err == OK; i++)
            err = item_read_end(p, i);
    return comm_agree(group, err);
}

/* Folders of the units, so that nobody has to make them in the middle of the work. */
static Err make_folders(Pipeline *p)
{
    TRY(file_make_dirs(pipeline_path(p, p->arena, "units")));
    for (int pass = 0; pass < p->n_passes; pass++)
        for (int item = 0; item < p->n_items; item++) {
            char *path = (char *)(uintptr_t)unit_path(p, p->arena, pass, item, 0);
            *strrchr(path, '/') = '\0';
            TRY(file_make_dirs(path));
        }
    return OK;
}

/* What a killed build left half-written beside its files. */
static Err remove_leftovers(Pipeline *p)
{
    char **names;
    int n_names;
    TRY(file_list_dir(&names, &n_names, p->arena, p->options->out));
    for (int i = 0; i < n_names; i++)
        if (strstr(names[i], ".tmp-"))
            TRY(file_remove_tree(pipeline_path(p, p->arena, names[i])));
    return OK;
}

static Err run(Pipeline *p)
{
    const PipelineOptions *o = p->options;
    bool is_first = comm_rank(o->group) == 0;
    TRY(plan(p));
    bool is_there = false;
    Err err = is_first ? pipeline_look(p, &is_there) : OK;
    int64_t found = is_there;
    TRY(comm_agree(o->group, err));
    TRY(comm_sum_i64(o->group, &found, 1));
    if (found) {
        p->report->up_to_date = true;
        return is_first && !o->keep_units ? file_remove_tree(pipeline_path(p, p->arena, "units")) : OK;
    }
    if (is_first) {
        err = make_folders(p);
        if (err == OK)
            err = remove_leftovers(p);
        if (err == OK)
            err = file_remove_tree(pipeline_path(p, p->arena, "build.json"));
    }
    TRY(comm_agree(o->group, err));
    for (int pass = 0; pass < p->n_passes; pass++) {
        TRY(run_pass(p, pass));
        if (p->report->n_in == 0)
            return err_set(ERR_FORMAT, "%s: no documents%s%s", pipeline_input_name(p, p->paths[0]),
                           p->report->reason[0] ? "; the first that was skipped: " : "", p->report->reason);
    }
    TRY(comm_sum_i64(o->group, &p->n_found, 1));
    p->report->n_units_done_before = p->n_found;
    return comm_agree(o->group, is_first ? pipeline_join(p) : OK);
}

Err pipeline_run(PipelineReport *report, Arena *arena, const PipelineOptions *options)
{
    double start = clock_seconds();
    memset(report, 0, sizeof *report);
    PipelineOptions own = *options;
    if (!own.documents.field)
        own.documents.field = document_options_default().field;
    if (own.tokenizer && own.split_by == SPLIT_BY_POSITION)
        pipeline_add_split(&own, arena);
    Pipeline p = {.options = &own, .report = report, .arena = arena};
    Err err = run(&p);
    report->seconds = clock_seconds() - start;
    return err;
}
