/* bench_weights_command.c - `jikji bench weights`. */
#include "cli/bench.h"

#include "base/cpu_level.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/command_line.h"
#include "cli/model_dir.h"
#include "study/bench/bench_weights.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    const char *text;
    int64_t tokens, window;
    bool json;
} WeightsSettings;

static const Option rows[] = {
    OPTION_TEXT("text", WeightsSettings, text, "a file with the text to predict"),
    OPTION_INT("tokens", WeightsSettings, tokens, 2, 1e9, "of the text, at most"),
    OPTION_INT("window", WeightsSettings, window, 0, 1e9, "tokens of a piece; 0: the model's context, 256 at most"),
    OPTION_BOOL("json", WeightsSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "bench weights DIR --text FILE [settings]",
    .examples = "    jikji bench weights DIR --text held-out.txt\n"
                "    jikji bench weights runs/nano --text input.txt --tokens 4096 --json\n",
    .about = "What `generate --weights int8`, int4 and `--cache bf16` lose: perplexity of the text, the Kullback-Leibler divergence of the\n"
             "next token from f32 (mean and worst, nats), and how often the likeliest token is the same. DIR is a Hugging Face directory or a run.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

static void print_report(const char *dir, const BenchWeightsReport *r, Arena *arena)
{
    printf("%s: %lld tokens predicted, %s\n\n%-18s%14s%14s%14s%14s%14s\n", dir, (long long)r->n_tokens, cpu_level_name(cpu_level()), "weights",
           "bytes a token", "perplexity", "mean KL", "worst KL", "same top");
    for (int w = 0; w < N_BENCH_WEIGHTS_WAYS; w++) {
        const BenchWeightsRow *row = &r->row[w];
        printf("%-18s%14s%14.5f%14.3g%14.3g%12.2f %%\n", bench_weights_ways[w].name,
               format_bytes(arena, (double)row->weight_bytes), exp(row->loss), row->kl, row->kl_max, 100 * row->same_top);
    }
}

static void print_json(const char *dir, const BenchWeightsReport *r)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "model", dir);
    json_field_int(json, "tokens", r->n_tokens);
    json_field_string(json, "cpu_level", cpu_level_name(cpu_level()));
    for (int w = 0; w < N_BENCH_WEIGHTS_WAYS; w++) {
        const BenchWeightsRow *row = &r->row[w];
        json_write_key(json, bench_weights_ways[w].name);
        json_write_object_begin(json);
        json_field_int(json, "weight_bytes", row->weight_bytes);
        json_field_double(json, "loss", row->loss);
        json_field_double(json, "perplexity", exp(row->loss));
        json_field_double(json, "kl_mean", row->kl);
        json_field_double(json, "kl_max", row->kl_max);
        json_field_double(json, "same_top", row->same_top);
        json_write_object_end(json);
    }
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

typedef struct {
    ModelConfig config;
    Tokenizer *tok;
    Store *store;
    TokenSpan ids;
} Loaded;

static Err load(Loaded *l, const char *dir, const WeightsSettings *s, Arena *arena)
{
    const char *text;
    size_t n_bytes;
    if (!s->text)
        return err_set(ERR_USAGE, "--text is missing: the file whose text is predicted");
    TRY(model_config_read(&l->config, arena, dir));
    TRY(tokenizer_load(&l->tok, dir));
    if (tokenizer_vocab_size(l->tok) > l->config.vocab_size)
        return err_set(ERR_FORMAT, "%s: the tokenizer has %lld tokens, the model %lld: they do not belong together", dir,
                       (long long)tokenizer_vocab_size(l->tok), (long long)l->config.vocab_size);
    TRY(file_read(&text, &n_bytes, arena, s->text));
    l->ids = tokenizer_encode(l->tok, arena, text, n_bytes);
    return model_dir_load(&l->store, &l->config, dir, &(ModelDeclareOptions){DTYPE_F32, false});
}

static Err run_bench(Loaded *l, const char *dir, const WeightsSettings *s, Arena *arena)
{
    BenchWeightsReport report;
    TRY(load(l, dir, s, arena));
    int64_t window = s->window ? s->window : l->config.seq_len_max < 256 ? l->config.seq_len_max : 256;
    TRY(bench_weights(&report, &l->config, l->store, l->ids.ids, l->ids.n < s->tokens ? l->ids.n : s->tokens, window));
    if (s->json)
        print_json(dir, &report);
    else
        print_report(dir, &report, arena);
    return OK;
}

Err bench_weights_command(int argc, char **argv)
{
    Arena *arena = arena_new();
    WeightsSettings settings = {.tokens = 2048};
    Loaded loaded = {0};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        err = run_bench(&loaded, model_dir_find(words.word[0], arena), &settings, arena);
    }
    store_free(loaded.store);
    tokenizer_free(loaded.tok);
    arena_free(arena);
    return err;
}
