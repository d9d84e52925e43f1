/* corpus_recipe.c - a recipe of stages: read, opened, run on all ranks, told. */
#include "cli/corpus_recipe.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/command_line.h"
#include "text/corpus/stage_when.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const Option rows[] = {
    OPTION_ITEMS("inputs", CorpusRecipe, inputs, "files, folders, patterns, - for standard input; each with a format and field of its own or none"),
    OPTION_TEXT("out", CorpusRecipe, out, "folder for all that the build makes"),
    OPTION_CHOICE("format", CorpusRecipe, build.documents.format, DOCUMENT_FORMAT_CHOICES, "how a file falls into documents"),
    OPTION_TEXT("field", CorpusRecipe, build.documents.field, "jsonl: the field that holds the text; tsv, csv: the column"),
    OPTION_ITEMS("stages", CorpusRecipe, stages, "what happens to a document, in order; each with its own settings (jikji corpus STAGE --help)"),
    OPTION_BOOL("documents", CorpusRecipe, build.write_documents, "write documents.jsonl.zst: what stayed, with tags"),
    OPTION_BOOL("dropped", CorpusRecipe, build.write_dropped, "write dropped.jsonl.zst: what did not, with the rule"),
    OPTION_TEXT("shards.tokenizer", CorpusRecipe, tokenizer, "a tokenizer's folder or file; none: no shards"),
    OPTION_CHOICE("shards.format", CorpusRecipe, build.shard_format, SHARD_FORMAT_CHOICES, "whose files to write"),
    OPTION_REAL("shards.split", CorpusRecipe, build.split, 0.0, 1.0, "share of the train side; 1: no validation side"),
    OPTION_CHOICE("shards.split_by", CorpusRecipe, build.split_by, SPLIT_BY_CHOICES, "each document by its hash, or the first bytes of the whole"),
    OPTION_BOOL("shards.eos", CorpusRecipe, build.append_eos, "end each document with the tokenizer's end token, if it has one"),
    OPTION_REAL("shards.dropout", CorpusRecipe, dropout, 0.0, 1.0, "BPE dropout of the train side: merges are passed over with this probability"),
    OPTION_REAL("shards.sample", CorpusRecipe, sample, -1.0, 1e6, "unigram: the train side's cuts are drawn by probability to this power; below 0: the best"),
    OPTION_INT("shards.seed", CorpusRecipe, seed, 0, 9e15, "of dropout and sample; a draw depends on it, the text and its line alone"),
    OPTION_INT("limits.document_bytes", CorpusRecipe, build.documents.bytes_max, 1, 1e12, "longer documents are skipped and counted"),
    OPTION_REAL("limits.document_seconds", CorpusRecipe, build.document_seconds, 0, 1e6, "documents that take longer are dropped; 0: no limit"),
    OPTION_INT("limits.document_memory", CorpusRecipe, build.document_memory_bytes, 0, 1e15, "documents that take more are dropped; 0: no limit"),
    OPTION_INT("limits.memory", CorpusRecipe, build.memory_bytes, 1e6, 1e15, "bytes that a first pass (dedup) may hold"),
    OPTION_INT("unit_bytes", CorpusRecipe, build.batch_bytes, 1, 1e12, "text in a unit of work: what a kill may cost"),
    OPTION_BOOL("keep_units", CorpusRecipe, build.keep_units, "leave OUT/units: another recipe with the same first stages goes on from there"),
    OPTION_BOOL("json", CorpusRecipe, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "corpus build RECIPE.yaml [settings]",
    .examples = "    jikji corpus build recipes/corpus.yaml\n"
                "    jikji corpus build web.yaml --out web-ko --shards.tokenizer tok/\n"
                "    mpirun -n 8 jikji corpus build web.yaml\n\n"
                "    version: 1\n"
                "    inputs:\n"
                "      - crawl/\n"
                "      - reviews.tsv.zst: {field: document}\n"
                "    out: web-ko\n"
                "    stages:\n"
                "      - extract: {chars_min: 200}\n"
                "      - normalize\n"
                "      - langid: {model: lid.lid}\n"
                "      - quality: {rules: [fineweb2-ko], when: language=ko}\n"
                "      - quality: {rules: [gopher, fineweb], when: language=en}\n"
                "      - dedup\n"
                "      - pii: {policy: mask}\n"
                "    shards: {tokenizer: tok/, split: 0.99}\n",
    .about = "Threads and ranks share the work; a killed build goes on where it was, also with another number of them. The result depends\n"
             "on inputs and settings alone. With `when` (language=ko|ja, language!=en, langid.confidence>=0.8, or a list of such) a stage is for\n"
             "documents with these tags alone; others pass by it.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n > m && strcmp(text + n - m, ending) == 0;
}

bool corpus_recipe_is_meant(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--", 2) != 0 && (ends_with(argv[i], ".yaml") || ends_with(argv[i], ".yml")))
            return true;
    return false;
}

/* Stages. */

typedef struct {
    Stage stages[PIPELINE_STAGES_MAX];
    const char *settings[PIPELINE_STAGES_MAX];
    int versions[PIPELINE_STAGES_MAX];
    int n;
} Chain;

/* `when` is every stage's, so it stands in none of their tables. */
typedef struct {
    OptionTexts when;
} CommonSettings;
static const Option common_rows[] = {OPTION_TEXTS("when", CommonSettings, when, "documents that the stage is for")};
static const OptionTable common_table = {common_rows, N_ELEMENTS(common_rows)};

static Err set_settings(const StageKind *kind, void *settings, const StageWhen **when, const OptionItem *item, Arena *arena)
{
    CommonSettings common = {.when = {0}};
    const char *where = item->where;
    for (int i = 0; i < item->n; i++) {
        const OptionSetting *s = &item->settings[i];
        bool is_common = strcmp(s->name, "when") == 0;
        TRY(options_set(is_common ? &common_table : &kind->table, is_common ? (void *)&common : settings, arena, s->where, s->name, s->value));
        where = is_common ? s->where : where;
    }
    return stage_when_read(when, arena, arena_printf(arena, "%s: when", where), &common.when);
}

static Err open_stage(Chain *chain, const OptionItem *item, Arena *arena)
{
    const StageKind *kind = stage_kind_find(item->name);
    if (!kind)
        return err_set(ERR_USAGE, "%s: no stage \"%s\"; `jikji corpus` lists them", item->where, item->name);
    if (chain->n == PIPELINE_STAGES_MAX)
        return err_set(ERR_USAGE, "%s: more than %d stages", item->where, PIPELINE_STAGES_MAX);
    void *settings = stage_settings_new(kind, arena);
    const StageWhen *when;
    TRY(set_settings(kind, settings, &when, item, arena));
    Err err = stage_open(&chain->stages[chain->n], kind, settings, arena);
    if (err != OK)
        return err_prefix(err, "%s: %s", item->where, item->name);
    chain->stages[chain->n].when = when;
    const char *yaml = options_to_yaml(&kind->table, settings, arena);
    chain->settings[chain->n] = when ? arena_printf(arena, "%swhen: [%s]\n", yaml, stage_when_text(arena, when)) : yaml;
    chain->versions[chain->n++] = kind->version;
    return OK;
}

/* Report. */

static void write_stage(JsonWriter *json, const Stage *stage, const PipelineStage *s, Arena *arena)
{
    const StageReport *c = &s->counts;
    json_write_object_begin(json);
    json_field_string(json, "stage", stage->name);
    json_field_int(json, "documents_in", c->n_in);
    json_field_int(json, "documents_out", c->n_out);
    json_field_int(json, "bytes_in", c->n_bytes_in);
    json_field_int(json, "bytes_out", c->n_bytes_out);
    json_field_int(json, "changed", c->n_changed);
    json_field_int(json, "passed_by", c->n_passed_by);
    json_field_int(json, "tokens_in_estimated", pipeline_stage_tokens(s, 0));
    json_field_int(json, "tokens_out_estimated", pipeline_stage_tokens(s, 1));
    json_write_key(json, "drops");
    json_write_object_begin(json);
    for (int i = 0; i < c->n_drops; i++)
        json_field_int(json, c->drops[i].rule, c->drops[i].n);
    json_write_object_end(json);
    const char *extra = stage->report ? stage->report(stage->context, arena) : NULL;
    if (extra) {
        extra = arena_printf(arena, "{%s}", extra);
        json_write_key(json, "report");
        json_write_raw(json, extra, strlen(extra));
    }
    json_write_object_end(json);
}

static void print_json(const CorpusRecipe *settings, const Chain *chain, const PipelineReport *r, Arena *arena)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "out", settings->out);
    json_field_bool(json, "up_to_date", r->up_to_date);
    json_field_int(json, "documents_in", r->n_in);
    json_field_int(json, "bytes_in", r->n_bytes_in);
    json_field_int(json, "documents_out", r->n_out);
    json_field_int(json, "bytes_out", r->n_bytes_out);
    json_field_int(json, "train_documents", r->n_documents[0]);
    json_field_int(json, "train_tokens", r->n_tokens[0]);
    json_field_int(json, "val_documents", r->n_documents[1]);
    json_field_int(json, "val_tokens", r->n_tokens[1]);
    json_field_int(json, "train_bytes", r->n_side_bytes[0]);
    json_field_int(json, "val_bytes", r->n_side_bytes[1]);
    json_field_int(json, "skipped", r->n_skipped);
    json_field_int(json, "repaired", r->n_repaired);
    json_field_int(json, "broken", r->n_broken);
    json_field_int(json, "units", r->n_units);
    json_field_int(json, "units_done_before", r->n_units_done_before);
    json_write_key(json, "stages");
    json_write_array_begin(json);
    for (int i = 0; i < chain->n && !r->up_to_date; i++)
        write_stage(json, &chain->stages[i], &r->stages[i], arena);
    json_write_array_end(json);
    json_field_double(json, "seconds", r->seconds);
    json_field_int(json, "peak_bytes", memory_resident_peak_bytes());
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static void print_table(const Chain *chain, const PipelineReport *r, Arena *arena)
{
    printf("%-12s %12s %12s %10s %10s  %s\n", "stage", "documents", "kept", "bytes", "kept", "tokens kept (about)");
    for (int i = 0; i < chain->n; i++) {
        const StageReport *c = &r->stages[i].counts;
        printf("%-12s %12" PRId64 " %12" PRId64 " %10s %10s  %s\n", chain->stages[i].name, c->n_in, c->n_out,
               format_bytes(arena, (double)c->n_bytes_in), format_bytes(arena, (double)c->n_bytes_out),
               r->stages[i].sample_bytes[1] ? format_count(arena, (double)pipeline_stage_tokens(&r->stages[i], 1)) : "");
        for (int k = 0; k < c->n_drops; k++)
            printf("    %8" PRId64 "  %s\n", c->drops[k].n, c->drops[k].rule);
    }
}

static void print_report(const CorpusRecipe *settings, const Chain *chain, const PipelineReport *r, Arena *arena)
{
    if (r->n_skipped + r->n_broken > 0)
        log_warn("%" PRId64 " records were skipped, %" PRId64 " were broken; the first: %s", r->n_skipped, r->n_broken, r->reason);
    if (!r->up_to_date && chain->n > 0)
        print_table(chain, r, arena);
    int64_t n_tokens = r->n_tokens[0] + r->n_tokens[1];
    const char *tokens = !settings->tokenizer ? "" : arena_printf(arena, "; train %" PRId64 " documents, %" PRId64 " tokens; val %" PRId64 ", %" PRId64 "; %.2f bytes a token",
                                                                  r->n_documents[0], r->n_tokens[0], r->n_documents[1], r->n_tokens[1],
                                                                  (double)(r->n_side_bytes[0] + r->n_side_bytes[1]) / (double)(n_tokens ? n_tokens : 1));
    log_info("%s: %" PRId64 " of %" PRId64 " documents%s%s", settings->out, r->n_out, r->n_in, tokens,
             r->up_to_date ? "; already there" : arena_printf(arena, "; %.1f s, %.1f MB/s", r->seconds, (double)r->n_bytes_in / 1e6 / r->seconds));
    if (settings->json)
        print_json(settings, chain, r, arena);
}

/* The run. */

static const Option input_rows[] = {
    OPTION_CHOICE("format", DocumentOptions, format, DOCUMENT_FORMAT_CHOICES, "how its files fall into documents"),
    OPTION_TEXT("field", DocumentOptions, field, "jsonl: the field that holds the text; tsv, csv: the column"),
};
static const OptionTable input_table = {input_rows, N_ELEMENTS(input_rows)};

/* Inputs of the recipe; what one does not set for itself is as the recipe says for all. */
static Err take_inputs(PipelineOptions *o, const OptionItems *inputs, Arena *arena)
{
    const char **paths = ARENA_ARRAY(arena, const char *, inputs->n);
    DocumentOptions *documents = ARENA_ARRAY(arena, DocumentOptions, inputs->n);
    bool do_differ = false;
    for (int i = 0; i < inputs->n; i++) {
        const OptionItem *item = &inputs->item[i];
        paths[i] = item->name;
        documents[i] = o->documents;
        for (int k = 0; k < item->n; k++)
            TRY(options_set(&input_table, &documents[i], arena, item->settings[k].where, item->settings[k].name, item->settings[k].value));
        if (!documents[i].field)
            documents[i].field = document_options_default().field;
        do_differ = do_differ || item->n > 0;
    }
    o->inputs = paths, o->n_inputs = inputs->n;
    o->input_documents = do_differ ? documents : NULL;
    return OK;
}

static Err build(CorpusRecipe *recipe, Chain *chain, Comm *group, Arena *arena)
{
    PipelineOptions *o = &recipe->build;
    if (o->n_inputs == 0)
        TRY(take_inputs(o, &recipe->inputs, arena));
    if (o->n_inputs == 0 || !recipe->out)
        return err_set(ERR_USAGE, "corpus build: the recipe has no %s", recipe->out ? "inputs" : "out");
    for (int i = 0; i < recipe->stages.n; i++)
        TRY(open_stage(chain, &recipe->stages.item[i], arena));
    Tokenizer *tok = NULL;
    if (recipe->tokenizer)
        TRY(tokenizer_load(&tok, recipe->tokenizer));
    o->out = recipe->out;
    o->stages = chain->stages, o->settings = chain->settings, o->versions = chain->versions, o->n_stages = chain->n;
    o->tokenizer = tok;
    o->sampling = (TokenizerSampling){
        .dropout = recipe->dropout, .draws_cut = recipe->sample >= 0.0, .alpha = recipe->sample, .seed = (uint64_t)recipe->seed};
    o->group = group;
    PipelineReport *report = ARENA_NEW(arena, PipelineReport);
    Err err = pipeline_run(report, arena, o);
    if (err == OK && comm_rank(group) == 0)
        print_report(recipe, chain, report, arena);
    tokenizer_free(tok);
    return err;
}

Err corpus_recipe_run(CorpusRecipe *recipe, Arena *arena)
{
    Comm *group;
    TRY(comm_open(&group, COMM_AUTO));
    interrupt_install();
    Chain *chain = ARENA_NEW(arena, Chain);
    Err err = build(recipe, chain, group, arena);
    if (err != OK && comm_size(group) > 1)
        comm_abort(group, err == ERR_INTERRUPTED ? 130 : 1);
    comm_close(group);
    for (int i = 0; i < chain->n; i++)
        stage_close(&chain->stages[i]);
    return err;
}

CorpusRecipe corpus_recipe_default(void)
{
    return (CorpusRecipe){.sample = -1.0, .build = pipeline_options_default()};
}

static Err read_recipe(CorpusRecipe *settings, CommandWords *words, Arena *arena, int argc, char **argv)
{
    TRY(command_line_read(words, &help, settings, arena, argc, argv));
    if (words->helped)
        return OK;
    CorpusRecipe fresh = corpus_recipe_default();
    *settings = fresh;
    TRY(options_read_yaml(&help.table, settings, arena, words->word[0]));
    return command_line_read(words, &help, settings, arena, argc, argv);
}

Err corpus_recipe_command(int argc, char **argv)
{
    Arena *arena = arena_new();
    CorpusRecipe recipe = corpus_recipe_default();
    CommandWords words;
    Err err = read_recipe(&recipe, &words, arena, argc, argv);
    if (err == OK && !words.helped)
        err = corpus_recipe_run(&recipe, arena);
    arena_free(arena);
    return err;
}
