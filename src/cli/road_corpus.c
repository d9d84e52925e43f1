/* road_corpus.c - the first stages of a road: text, tokenizer, shards. */
#include "cli/road_stages.h"

#include "base/file.h"
#include "base/log.h"
#include "text/corpus/pipeline.h"
#include "text/corpus/synth_write.h"
#include "text/tokenizer/tokenizer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SYNTH_FILE "corpus/synth.jsonl"

/* ---- text ---- */

DocumentOptions road_document_options(const Road *road)
{
    DocumentOptions options = document_options_default();
    options.format = road->settings.text_format;
    options.field = road->settings.text_field;
    options.bytes_max = INT64_C(4) << 30;
    return options;
}

Err road_text_files(Road *road, char ***paths, int *n_paths)
{
    const RoadSettings *s = &road->settings;
    if (s->text.n > 0)
        return document_list_files(paths, n_paths, road->arena, s->text.value, s->text.n);
    *paths = ARENA_NEW(road->arena, char *);
    **paths = (char *)road_path(road, SYNTH_FILE);
    *n_paths = 1;
    return OK;
}

Err road_add_text_inputs(Road *road, StageRecord *record)
{
    char **paths;
    int n_paths;
    if (road->settings.text.n == 0)
        return record_add_file(&record->inputs, road->arena, road->out, SYNTH_FILE);
    TRY(road_text_files(road, &paths, &n_paths));
    for (int i = 0; i < n_paths; i++) {
        char *absolute = realpath(paths[i], NULL);
        if (!absolute)
            return err_set(ERR_IO, "%s: cannot be read; a road reads its text more than once", paths[i]);
        const char *name = arena_strdup(road->arena, absolute);
        free(absolute);
        TRY(record_add_file(&record->inputs, road->arena, road->out, name));
    }
    record_add(&record->settings, road->arena, "format", arena_printf(road->arena, "%d", road->settings.text_format));
    record_add(&record->settings, road->arena, "field", road->settings.text_field ? road->settings.text_field : "");
    return OK;
}

static void add_setting(Road *road, StageRecord *record, const char *name)
{
    OptionTable table = road_table(road->arena);
    record_add(&record->settings, road->arena, name, options_get(&table, &road->settings, road->arena, name));
}

static Err corpus_describe(Road *road, StageRecord *record)
{
    if (road->settings.text.n > 0)
        return road_add_text_inputs(road, record);
    add_setting(road, record, "synth.bytes");
    add_setting(road, record, "synth.seed");
    add_setting(road, record, "synth.languages");
    record_add(&record->outputs, road->arena, SYNTH_FILE, NULL);
    return OK;
}

static Err synth_languages(int *set, const OptionTexts *names)
{
    static const struct {
        const char *name;
        int language;
    } known[] = {{"ko", SYNTH_KO}, {"en", SYNTH_EN}, {"parallel", SYNTH_PARALLEL}};
    *set = 0;
    for (int i = 0; i < names->n; i++) {
        int language = 0;
        for (int k = 0; k < N_ELEMENTS(known); k++)
            if (strcmp(names->value[i], known[k].name) == 0)
                language = known[k].language;
        if (!language)
            return err_set(ERR_USAGE, "synth.languages: \"%s\" is none of ko, en, parallel", names->value[i]);
        *set |= language;
    }
    return OK;
}

static Err make_text(Road *road, int64_t *n_documents, int64_t *n_bytes)
{
    const RoadSettings *s = &road->settings;
    SynthOptions options = {.seed = (uint64_t)s->synth.seed};
    SynthReport report;
    TRY(synth_languages(&options.languages, &s->synth.languages));
    TRY(file_make_dirs(road_path(road, "corpus")));
    TRY(synth_write(&report, &options, s->synth.bytes, road_path(road, SYNTH_FILE)));
    *n_documents = report.n_documents;
    *n_bytes = report.n_bytes;
    return OK;
}

/* Documents of all files, one after another; also what the tokenizer learns from. */
typedef struct {
    char **paths;
    int n_paths, at;
    DocumentOptions options;
    DocumentReader *reader;
    DocumentCounts counts;  /* of the files that are finished */
} RoadText;

static Err text_next(void *context, const char **text, size_t *n_bytes)
{
    RoadText *t = context;
    for (;;) {
        Document document;
        Err err = OK;
        if (t->reader && document_reader_next(t->reader, &document, &err)) {
            *text = document.text;
            *n_bytes = document.n_bytes;
            return OK;
        }
        if (t->reader)
            document_counts_add(&t->counts, document_reader_counts(t->reader));
        document_reader_free(t->reader);
        t->reader = NULL;
        TRY(err);
        *text = NULL;
        if (interrupt_requested())
            return err_set(ERR_INTERRUPTED, "interrupted; the same command goes on");
        if (t->at == t->n_paths)
            return OK;
        TRY(document_reader_open(&t->reader, t->paths[t->at++], &t->options));
    }
}

static Err count_text(Road *road, int64_t *n_documents, int64_t *n_bytes)
{
    RoadText t = {.options = road_document_options(road)};
    const char *text = "";
    size_t n;
    Err err = road_text_files(road, &t.paths, &t.n_paths);
    while (err == OK && text)
        err = text_next(&t, &text, &n);
    document_reader_free(t.reader);
    TRY(err);
    if (t.counts.n_skipped)
        log_warn("%lld records were skipped, first: %s", (long long)t.counts.n_skipped, t.counts.reason);
    if (t.counts.n_documents == 0)
        return err_set(ERR_FORMAT, "%s: no text in it", t.paths[0]);
    *n_documents = t.counts.n_documents;
    *n_bytes = t.counts.n_text_bytes;
    return OK;
}

static Err corpus_run(Road *road, StageRecord *record, bool resume)
{
    (void)resume;
    Arena *arena = road->arena;
    int64_t n_documents, n_bytes;
    TRY(road->settings.text.n > 0 ? count_text(road, &n_documents, &n_bytes) : make_text(road, &n_documents, &n_bytes));
    record_set_value(record, "documents", (double)n_documents);
    record_set_value(record, "bytes", (double)n_bytes);
    record->result = arena_printf(arena, "%s, %lld document%s", format_bytes(arena, (double)n_bytes), (long long)n_documents,
                                  n_documents == 1 ? "" : "s");
    return OK;
}

const RoadStage road_corpus = {"corpus", false, corpus_describe, corpus_run};

/* ---- tokenizer ---- */

/* Halved as often as the text is four times shorter than 8 MB: 1 MB gives 1024 tokens, 100 kB 512. */
int64_t road_vocab_size(const Road *road)
{
    enum { FULL = 4096, LEAST = 512 };
    if (road->settings.tokenizer.vocab_size > 0)
        return road->settings.tokenizer.vocab_size;
    int64_t vocab_size = FULL;
    for (double n_bytes = record_value(&road->record[ROAD_CORPUS], "bytes"); n_bytes < 4e6 && vocab_size > LEAST; n_bytes *= 4)
        vocab_size /= 2;
    return vocab_size;
}

static Err tokenizer_describe(Road *road, StageRecord *record)
{
    TRY(road_add_text_inputs(road, record));
    add_setting(road, record, "tokenizer.type");
    add_setting(road, record, "tokenizer.pattern");
    record_add(&record->settings, road->arena, "tokenizer.vocab_size", arena_printf(road->arena, "%" PRId64, road_vocab_size(road)));
    record_add(&record->outputs, road->arena, "tokenizer/tokenizer.json", NULL);
    return OK;
}

static TokenizerTrainOptions tokenizer_options(const Road *road)
{
    static const TokenizerType types[] = {TOKENIZER_BYTE_BPE, TOKENIZER_CHAR, TOKENIZER_BYTE};
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.type = types[road->settings.tokenizer.type];
    options.pattern = road->settings.tokenizer.pattern;
    options.vocab_size = road_vocab_size(road);
    options.total_bytes = (int64_t)record_value(&road->record[ROAD_CORPUS], "bytes");
    if (options.type == TOKENIZER_BYTE_BPE)
        return options;
    options.vocab_size = 0x110000;  /* as many as there are */
    options.n_specials = 0;
    options.bos = options.eos = options.pad = options.unk = options.mask = NULL;
    return options;
}

static Err tokenizer_run(Road *road, StageRecord *record, bool resume)
{
    (void)resume;
    Tokenizer *tok = NULL;
    TokenizerTrainOptions options = tokenizer_options(road);
    RoadText text = {.options = road_document_options(road)};
    Err err = road_text_files(road, &text.paths, &text.n_paths);
    if (err == OK)
        err = tokenizer_train(&tok, &options, (TokenizerSource){text_next, &text});
    document_reader_free(text.reader);
    TRY(err);
    err = file_make_dirs(road_path(road, "tokenizer"));
    if (err == OK)
        err = tokenizer_save(tok, road_path(road, "tokenizer"));
    int64_t vocab_size = tokenizer_vocab_size(tok);
    tokenizer_free(tok);
    record_set_value(record, "vocab_size", (double)vocab_size);
    record->result = arena_printf(road->arena, "%" PRId64 " tokens", vocab_size);
    return err;
}

const RoadStage road_tokenizer = {"tokenizer", false, tokenizer_describe, tokenizer_run};

/* ---- shards ---- */

static Err shards_describe(Road *road, StageRecord *record)
{
    static const char *const outputs[] = {"shards/train.bin", "shards/train.idx", "shards/val.bin", "shards/val.idx"};
    TRY(road_add_text_inputs(road, record));
    TRY(record_add_file(&record->inputs, road->arena, road->out, "tokenizer/tokenizer.json"));
    add_setting(road, record, "shards.split");
    for (int i = 0; i < N_ELEMENTS(outputs); i++)
        record_add(&record->outputs, road->arena, outputs[i], NULL);
    return OK;
}

/* Few documents are split by place, for a hash might leave nothing to evaluate on. */
static PipelineOptions build_options(Road *road, const Tokenizer *tok, char **paths, int n_paths)
{
    enum { MANY = 100 };
    PipelineOptions options = pipeline_options_default();
    options.inputs = (const char *const *)paths;
    options.n_inputs = n_paths;
    options.documents = road_document_options(road);
    options.document_seconds = 0;
    options.document_memory_bytes = 0;
    options.tokenizer = tok;
    options.out = road_path(road, "shards");
    options.split = road->settings.recipe.data.split;
    options.split_by = record_value(&road->record[ROAD_CORPUS], "documents") < MANY ? SPLIT_BY_POSITION : SPLIT_BY_HASH;
    options.write_documents = false;
    return options;
}

static Err build_shards(Road *road, PipelineReport *report)
{
    Tokenizer *tok;
    char **paths;
    int n_paths;
    TRY(road_text_files(road, &paths, &n_paths));
    TRY(file_remove_tree(road_path(road, "shards")));
    TRY(tokenizer_load(&tok, road_path(road, "tokenizer")));
    PipelineOptions options = build_options(road, tok, paths, n_paths);
    Err err = comm_open(&options.group, COMM_ALONE);
    if (err == OK) {
        err = pipeline_run(report, road->arena, &options);
        comm_close(options.group);
    }
    tokenizer_free(tok);
    return err;
}

static Err shards_run(Road *road, StageRecord *record, bool resume)
{
    (void)resume;
    Arena *arena = road->arena;
    PipelineReport *r = ARENA_NEW(arena, PipelineReport);
    TRY(build_shards(road, r));
    double n_bytes = (double)(r->n_side_bytes[0] + r->n_side_bytes[1]), n_tokens = (double)(r->n_tokens[0] + r->n_tokens[1]);
    record_set_value(record, "train_tokens", (double)r->n_tokens[0]);
    record_set_value(record, "val_tokens", (double)r->n_tokens[1]);
    record_set_value(record, "bytes_per_token", n_tokens > 0 ? n_bytes / n_tokens : NAN);
    record->result = arena_printf(arena, "%s tokens to train on, %s to evaluate, %.2f bytes each", format_count(arena, (double)r->n_tokens[0]),
                                  format_count(arena, (double)r->n_tokens[1]), n_bytes / n_tokens);
    return OK;
}

const RoadStage road_shards = {"shards", false, shards_describe, shards_run};
