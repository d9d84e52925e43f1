/* cmd_generate.c - `jikji generate DIR`: continues a text with a trained model. */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/model_dir.h"
#include "learn/generate/generate.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *prompt, *prompt_file;
    int64_t max_tokens, top_k, seed, context;
    double temperature, top_p;
    OptionTexts stop;
    bool ignore_eos, slide, echo, json;
    int dtype, backend;
} GenerateSettings;

static const Option rows[] = {
    OPTION_TEXT("prompt", GenerateSettings, prompt, "the text to continue; without one the model begins by itself"),
    OPTION_TEXT("prompt-file", GenerateSettings, prompt_file, "a file that holds it"),
    OPTION_INT("max-tokens", GenerateSettings, max_tokens, 1, 1e9, "new tokens at most"),
    OPTION_REAL("temperature", GenerateSettings, temperature, 0.0, 1e3, "0 takes the most likely token, more is wilder"),
    OPTION_INT("top-k", GenerateSettings, top_k, 0, 1e9, "draw among the k most likely tokens; 0 is off"),
    OPTION_REAL("top-p", GenerateSettings, top_p, 0.0, 1.0, "draw among the most likely tokens of this total probability; 1 is off"),
    OPTION_INT("seed", GenerateSettings, seed, 0, 9e15, "same seed, same text"),
    OPTION_TEXTS("stop", GenerateSettings, stop, "end before this text; may be given more than once"),
    OPTION_BOOL("ignore-eos", GenerateSettings, ignore_eos, "go on when the model ends its text"),
    OPTION_INT("context", GenerateSettings, context, 0, 2e9, "tokens kept in memory, prompt included; 0: what the model was made for"),
    OPTION_BOOL("slide", GenerateSettings, slide, "when the context is full, go on from its later half"),
    OPTION_BOOL("echo", GenerateSettings, echo, "print the prompt first"),
    OPTION_BOOL("json", GenerateSettings, json, "one JSON object instead of the text"),
    OPTION_CHOICE("dtype", GenerateSettings, dtype, "f32|bf16", "of weights, products and cache; bf16 halves their memory"),
    OPTION_CHOICE("backend", GenerateSettings, backend, "reference|cpu", "plain kernels or fast ones"),
};

static const CommandHelp help = {
    .synopsis = "generate DIR [--prompt TEXT] [settings]",
    .examples = "    jikji generate runs/nano --prompt \"Once upon a time\"\n"
                "    jikji generate DIR --prompt \"옛날 옛적에\" --temperature 0.8 --top-p 0.95 --seed 7 --max-tokens 200\n"
                "    jikji generate DIR --prompt \"Q: 2+2?\\nA:\" --temperature 0 --stop $'\\n' --json\n",
    .about = "DIR is a Hugging Face directory with its tokenizer, or a run. Temperature, top-k and top-p mean what they mean in\n"
             "transformers, in that order. When the context is full the text ends and the command says so, unless --slide.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

typedef struct {
    GenerateSettings settings;
    Arena *arena;
    ModelConfig config;
    Tokenizer *tok;
    Store *store;
    Generator *gen;
    char last;  /* byte written to stdout */
} Job;

/* ---- setting up ---- */

static Err read_prompt(Job *job, TokenSpan *prompt)
{
    const GenerateSettings *s = &job->settings;
    const char *text = s->prompt ? s->prompt : "";
    size_t n_bytes = strlen(text);
    if (s->prompt && s->prompt_file)
        return err_set(ERR_USAGE, "--prompt and --prompt-file exclude each other");
    if (s->prompt_file)
        TRY(file_read(&text, &n_bytes, job->arena, s->prompt_file));
    *prompt = tokenizer_encode_with(job->tok, job->arena, text, n_bytes, TOKENIZER_ADD_SPECIAL, NULL);
    if (prompt->n > 0)
        return OK;
    /* Nothing to begin with: a text begins after the sign that begins or ends one. */
    int32_t *first = ARENA_NEW(job->arena, int32_t);
    *first = (int32_t)job->config.bos_id;
    if (*first < 0)
        *first = tokenizer_special_id(job->tok, SPECIAL_BOS);
    if (*first < 0)
        *first = job->config.n_eos > 0 ? (int32_t)job->config.eos_id[0] : tokenizer_special_id(job->tok, SPECIAL_EOS);
    *prompt = (TokenSpan){first, 1};
    return *first >= 0 ? OK : err_set(ERR_USAGE, "this model has no token that begins a text: give a --prompt");
}

static Err load(Job *job, const char *dir)
{
    const GenerateSettings *s = &job->settings;
    TRY(model_config_read(&job->config, job->arena, dir));
    TRY(tokenizer_load(&job->tok, dir));
    if (tokenizer_vocab_size(job->tok) > job->config.vocab_size)
        return err_set(ERR_FORMAT, "%s: the tokenizer has %lld tokens, the model %lld: they do not belong together", dir,
                       (long long)tokenizer_vocab_size(job->tok), (long long)job->config.vocab_size);
    GeneratorOptions options = generator_options_default(&job->config);
    options.dtype = s->dtype ? DTYPE_BF16 : DTYPE_F32;
    TRY(model_dir_load(&job->store, &job->config, dir, &(ModelDeclareOptions){options.dtype, false}));
    options.backend = s->backend ? BACKEND_CPU : BACKEND_REFERENCE;
    if (s->context > 0)
        options.context = s->context;
    TRY(generator_new(&job->gen, &job->config, job->store, &options));
    TRY(store_allocate(job->store));
    return generator_bind(job->gen);
}

static GenerateOptions generate_options(const GenerateSettings *s)
{
    GenerateOptions options = {
        .sample = {.temperature = s->temperature, .top_k = s->top_k, .top_p = s->top_p, .seed = (uint64_t)s->seed},
        .max_tokens = s->max_tokens,
        .n_stops = s->stop.n,
        .ignore_eos = s->ignore_eos,
        .slide = s->slide,
    };
    for (int i = 0; i < s->stop.n; i++)
        options.stops[i] = s->stop.value[i];
    return options;
}

/* ---- output ---- */

static void write_text(void *context, int64_t sequence, const char *text, size_t n_bytes)
{
    Job *job = context;
    (void)sequence;  /* there is one */
    if (n_bytes == 0)
        return;
    fwrite(text, 1, n_bytes, stdout);
    fflush(stdout);
    job->last = text[n_bytes - 1];
}

static void write_json(const Job *job, const TokenSpan *prompt, const Generated *result, double seconds)
{
    JsonWriter *w = json_writer_new(0);
    json_write_object_begin(w);
    json_write_key(w, "text");
    json_write_string_bytes(w, result->text, result->n_bytes);
    json_field_string(w, "finish_reason", finish_reason_name(result->reason));
    json_field_int(w, "prompt_tokens", prompt->n);
    json_field_int(w, "completion_tokens", result->n_tokens);
    json_field_int(w, "seed", job->settings.seed);
    json_field_double(w, "seconds", seconds);
    json_field_double(w, "tokens_per_second", (double)result->n_tokens / seconds);
    json_write_object_end(w);
    printf("%s\n", json_writer_text(w, NULL));
    json_writer_free(w);
}

static Err continue_text(Job *job, const char *dir)
{
    const GenerateSettings *s = &job->settings;
    TokenSpan prompt;
    TRY(load(job, dir));
    TRY(read_prompt(job, &prompt));
    if (s->echo && !s->json) {
        TokenText text = tokenizer_decode(job->tok, job->arena, prompt.ids, prompt.n, false);
        write_text(job, 0, text.bytes, text.n_bytes);
    }
    const GenerateOptions options = generate_options(s);
    const GenerateSink sink = {write_text, job};
    Generated result;
    double start = clock_seconds();
    TRY(generate(job->gen, job->tok, &prompt, 1, &options, s->json ? NULL : &sink, job->arena, &result));
    double seconds = clock_seconds() - start;
    if (s->json)
        write_json(job, &prompt, &result, seconds);
    else if (job->last != '\n')
        putchar('\n');
    if (result.reason == FINISH_CONTEXT)
        log_warn("the context of %lld tokens is full: the text ends here; --slide goes on", (long long)generator_options(job->gen)->context);
    log_info("%lld tokens in %.2f s, %.1f a second; ended by %s", (long long)result.n_tokens, seconds, (double)result.n_tokens / seconds,
             finish_reason_name(result.reason));
    return OK;
}

Err cmd_generate(int argc, char **argv)
{
    Job job = {.arena = arena_new(),
               .settings = {.max_tokens = 128, .temperature = 0.8, .top_p = 0.95, .seed = 1, .backend = BACKEND_CPU}};
    CommandWords words;
    Err err = command_line_read(&words, &help, &job.settings, job.arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        err = continue_text(&job, model_dir_find(words.word[0], job.arena));
    }
    generator_free(job.gen);
    store_free(job.store);
    tokenizer_free(job.tok);
    arena_free(job.arena);
    return err;
}
