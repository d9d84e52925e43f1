/* road_train.c - the later stages of a road: training, and text from the model. */
#include "cli/road_stages.h"

#include "base/file.h"
#include "base/log.h"
#include "cli/model_dir.h"
#include "cli/train_recipe.h"
#include "learn/generate/generate.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- the recipe ---- */

/* Steps of the built-in road; no text is read more than ten times. */
static int64_t steps_for(const Road *road, const Recipe *r)
{
    enum { STEPS = 700, STEPS_LEAST = 20, PASSES = 10 };
    if (r->train.steps > 0)
        return r->train.steps;
    double n_tokens = record_value(&road->record[ROAD_SHARDS], "train_tokens");
    int64_t steps = (int64_t)ceil(PASSES * n_tokens / (double)(r->train.batch_size * r->data.seq_len));
    return steps > STEPS ? STEPS : steps < STEPS_LEAST ? STEPS_LEAST : steps;
}

Err road_recipe(Road *road, Recipe *r)
{
    *r = road->settings.recipe;
    r->data.train = (OptionTexts){1, {road_path(road, "shards/train")}};
    if (record_value(&road->record[ROAD_SHARDS], "val_tokens") >= 2)
        r->data.val = (OptionTexts){1, {road_path(road, "shards/val")}};
    r->data.tokenizer = road_path(road, "tokenizer");
    if (!r->model.config)
        r->model.config = road_path(road, "model.json");
    r->out = road->out;
    r->train.steps = steps_for(road, r);
    if (r->schedule.warmup_steps > r->train.steps / 2)
        r->schedule.warmup_steps = r->train.steps / 2;
    return recipe_check(r, road->arena);
}

/* A llama as Hugging Face's config.json says it. */
static const char *model_json(const Road *road, Arena *arena)
{
    const RoadSettings *s = &road->settings;
    return arena_printf(arena,
                        "{\n  \"model_type\": \"llama\",\n  \"hidden_size\": %" PRId64 ",\n  \"intermediate_size\": %" PRId64
                        ",\n  \"num_hidden_layers\": %" PRId64 ",\n  \"num_attention_heads\": %" PRId64
                        ",\n  \"num_key_value_heads\": %" PRId64 ",\n  \"max_position_embeddings\": %" PRId64
                        ",\n  \"rms_norm_eps\": 1e-05,\n  \"rope_theta\": 10000.0,\n  \"tie_word_embeddings\": true\n}\n",
                        s->model.d_model, s->model.d_ff, s->model.n_layer, s->model.n_head, s->model.n_kv_head, s->recipe.data.seq_len);
}

/* ---- training ---- */

static Err train_describe(Road *road, StageRecord *record)
{
    static const char *const inputs[] = {"tokenizer/tokenizer.json", "shards/train.bin", "shards/train.idx", "shards/val.bin", "shards/val.idx"};
    Arena *arena = road->arena;
    Recipe r;
    TRY(road_recipe(road, &r));
    record_add(&record->settings, arena, "train.steps", arena_printf(arena, "%" PRId64, r.train.steps));
    const char *config = road->settings.recipe.model.config;
    if (config)
        TRY(record_add_file(&record->inputs, arena, ".", config));
    else
        record_add(&record->settings, arena, "the model's shape", model_json(road, arena));
    for (int i = 0; i < N_ELEMENTS(inputs); i++)
        TRY(record_add_file(&record->inputs, arena, road->out, inputs[i]));
    r.data.train.n = r.data.val.n = 0;  /* known by their bytes, not by where they lie */
    r.data.tokenizer = r.model.config = NULL;
    record_add(&record->settings, arena, "the recipe", arena_printf(arena, "%016" PRIx64, recipe_hash(&r)));
    record_add(&record->outputs, arena, "checkpoints/last/model.safetensors", NULL);
    return OK;
}

/* A run that is begun anew leaves the former one where it can be found. */
static Err put_aside(Road *road)
{
    static const char *const names[] = {"checkpoints", "log.jsonl", "recipe.yaml", "model.json"};
    if (!file_exists(road_path(road, "checkpoints")))
        return OK;
    int n = 1;
    while (file_exists(road_path(road, arena_printf(road->arena, "earlier-%d", n))))
        n++;
    const char *dir = arena_printf(road->arena, "earlier-%d", n);
    TRY(file_make_dirs(road_path(road, dir)));
    for (int i = 0; i < N_ELEMENTS(names); i++)
        if (file_exists(road_path(road, names[i])))
            TRY(file_rename(road_path(road, names[i]), road_path(road, arena_printf(road->arena, "%s/%s", dir, names[i]))));
    log_info("the former run was moved to %s", road_path(road, dir));
    return OK;
}

static Err train_run(Road *road, StageRecord *record, bool resume)
{
    Arena *arena = road->arena;
    Recipe r;
    TrainOutcome outcome;
    TRY(road_recipe(road, &r));
    if (!resume)
        TRY(put_aside(road));
    if (!road->settings.recipe.model.config)
        TRY(file_write(road_path(road, "model.json"), model_json(road, arena), strlen(model_json(road, arena))));
    double n_tokens = record_value(&road->record[ROAD_SHARDS], "train_tokens");
    log_info("%" PRId64 " steps of %" PRId64 " tokens: %.1f passes over the text", r.train.steps, r.train.batch_size * r.data.seq_len,
             (double)(r.train.steps * r.train.batch_size * r.data.seq_len) / n_tokens);
    TRY(train_recipe(&r, resume, &outcome));
    const TrainResult *t = &outcome.result;
    record_set_value(record, "parameters", (double)outcome.plan.n_params);
    record_set_value(record, "steps", (double)t->steps);
    record_set_value(record, "tokens", (double)t->n_tokens);
    record_set_value(record, "train_loss", t->train_loss);
    record_set_value(record, "val_loss", t->eval.loss);
    record_set_value(record, "bits_per_byte", t->eval.bits_per_byte);
    record_set_value(record, "tokens_per_second", t->tokens_per_second);
    record->result = arena_printf(arena, "%s parameters, %" PRId64 " steps, %s tokens/s", format_count(arena, (double)outcome.plan.n_params), t->steps,
                                  format_count(arena, t->tokens_per_second));
    if (isfinite(t->eval.loss))
        record->result = arena_printf(arena, "%s, validation loss %.3f, %.3f bits per byte", record->result, t->eval.loss, t->eval.bits_per_byte);
    return OK;
}

const RoadStage road_train = {"train", true, train_describe, train_run};

/* ---- text from the model ---- */

static Err generate_describe(Road *road, StageRecord *record)
{
    static const char *const names[] = {"generate.prompts", "generate.max_tokens", "generate.temperature", "generate.top_p", "generate.seed"};
    Arena *arena = road->arena;
    OptionTable table = road_table(arena);
    for (int i = 0; i < N_ELEMENTS(names); i++)
        record_add(&record->settings, arena, names[i], options_get(&table, &road->settings, arena, names[i]));
    const char *best = "checkpoints/best/model.safetensors";
    TRY(record_add_file(&record->inputs, arena, road->out, file_exists(road_path(road, best)) ? best : "checkpoints/last/model.safetensors"));
    record_add(&record->outputs, arena, "samples.jsonl", NULL);
    return OK;
}

/* The first words of a text, at most 40 bytes of them. */
static const char *first_words(Arena *arena, const char *text, size_t n_bytes)
{
    enum { WORDS = 3, BYTES_MAX = 40 };
    size_t begin = 0, end = 0;
    while (begin < n_bytes && strchr(" \t\r\n", text[begin]))
        begin++;
    end = begin;
    for (int word = 0; word < WORDS && end < n_bytes; word++) {
        size_t next = end + 1;
        while (next < n_bytes && !strchr(" \t\r\n", text[next]))
            next++;
        if (word > 0 && (next - begin > BYTES_MAX || strchr("\r\n", text[end])))
            break;
        end = next;
    }
    if (end - begin > BYTES_MAX)  /* one very long word, or a script without spaces */
        for (end = begin + BYTES_MAX; end > begin && ((unsigned char)text[end] & 0xC0) == 0x80;)
            end--;
    return arena_strndup(arena, text + begin, end - begin);
}

/* The text from its first line after the middle on. */
static const char *second_half(const char *text, size_t n_bytes)
{
    const char *line = memchr(text + n_bytes / 2, '\n', n_bytes - n_bytes / 2);
    return line ? line : text + n_bytes;
}

/* How the first document begins, and how its second half does. */
static Err prompts_of_text(Road *road, OptionTexts *prompts)
{
    char **paths;
    int n_paths;
    DocumentOptions options = road_document_options(road);
    DocumentReader *reader;
    Document document;
    Err err = OK;
    TRY(road_text_files(road, &paths, &n_paths));
    TRY(document_reader_open(&reader, paths[0], &options));
    if (document_reader_next(reader, &document, &err)) {
        const char *end = document.text + document.n_bytes, *half = second_half(document.text, document.n_bytes);
        const char *words[] = {first_words(road->arena, document.text, document.n_bytes), first_words(road->arena, half, (size_t)(end - half))};
        for (int i = 0; i < 2; i++)
            if (words[i][0])
                prompts->value[prompts->n++] = words[i];
    }
    document_reader_free(reader);
    return err;
}

static Err choose_prompts(Road *road, OptionTexts *prompts)
{
    *prompts = road->settings.generate.prompts;
    if (prompts->n > 0)
        return OK;
    if (road->settings.text.n > 0)
        return prompts_of_text(road, prompts);
    *prompts = (OptionTexts){4, {"어느 월요일 아침,", "첫눈이 오던 날이었다.", "One Friday morning,", "On the first day of spring,"}};
    return OK;
}

typedef struct {
    Tokenizer *tok;
    Store *store;
    Generator *gen;
    ModelConfig config;
} Writer;

static Err writer_open(Writer *w, Arena *arena, const char *dir, int64_t n_sequences)
{
    TRY(model_config_read(&w->config, arena, dir));
    TRY(tokenizer_load(&w->tok, dir));
    TRY(model_dir_load(&w->store, &w->config, dir, &(ModelDeclareOptions){DTYPE_F32, false}));
    GeneratorOptions options = generator_options_default(&w->config);
    options.n_sequences = n_sequences;
    TRY(generator_new(&w->gen, &w->config, w->store, &options));
    TRY(store_allocate(w->store));
    return generator_bind(w->gen);
}

static void writer_close(Writer *w)
{
    generator_free(w->gen);
    store_free(w->store);
    tokenizer_free(w->tok);
}

static Err write_samples(Road *road, const OptionTexts *prompts, const Generated *results)
{
    FileWriter *file;
    TRY(file_writer_open(&file, road_path(road, "samples.jsonl")));
    for (int i = 0; i < prompts->n; i++) {
        JsonWriter *json = json_writer_new(0);
        json_write_object_begin(json);
        json_field_string(json, "prompt", prompts->value[i]);
        json_write_key(json, "text");
        json_write_string_bytes(json, results[i].text, results[i].n_bytes);
        json_field_string(json, "finish_reason", finish_reason_name(results[i].reason));
        json_write_object_end(json);
        file_writer_printf(file, "%s\n", json_writer_text(json, NULL));  /* errors stick until the commit */
        json_writer_free(json);
    }
    return file_writer_commit(file);
}

static Err generate_samples(Road *road, StageRecord *record, Writer *w, const OptionTexts *prompts)
{
    const RoadSettings *s = &road->settings;
    Arena *arena = road->arena;
    TRY(writer_open(w, arena, model_dir_find(road->out, arena), prompts->n));
    TokenSpan spans[OPTION_LIST_MAX];
    Generated results[OPTION_LIST_MAX];
    for (int i = 0; i < prompts->n; i++)
        spans[i] = tokenizer_encode(w->tok, arena, prompts->value[i], strlen(prompts->value[i]));
    const GenerateOptions options = {
        .sample = {.temperature = s->generate.temperature, .top_p = s->generate.top_p, .seed = (uint64_t)s->generate.seed},
        .max_tokens = s->generate.max_tokens};
    double start = clock_seconds();
    TRY(generate(w->gen, w->tok, spans, prompts->n, &options, NULL, arena, results));
    double seconds = clock_seconds() - start;
    int64_t n_tokens = 0;
    for (int i = 0; i < prompts->n; i++)
        n_tokens += results[i].n_tokens;
    record_set_value(record, "tokens", (double)n_tokens);
    record_set_value(record, "tokens_per_second", (double)n_tokens / seconds);
    record->result = arena_printf(arena, "%d samples, %" PRId64 " tokens, %s tokens/s", prompts->n, n_tokens,
                                  format_count(arena, (double)n_tokens / seconds));
    return write_samples(road, prompts, results);
}

static Err generate_run(Road *road, StageRecord *record, bool resume)
{
    (void)resume;
    OptionTexts prompts;
    Writer w = {0};
    TRY(choose_prompts(road, &prompts));
    Err err = generate_samples(road, record, &w, &prompts);
    writer_close(&w);
    return err;
}

const RoadStage road_generate = {"generate", false, generate_describe, generate_run};
