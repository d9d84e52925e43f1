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
    OptionTexts prompts;
    const char *prompt_file;
    int64_t samples, max_tokens, top_k, seed, context, log_probs;
    double temperature, top_p, min_p, repetition_penalty, frequency_penalty, presence_penalty;
    OptionTexts stop;
    bool ignore_eos, slide, echo, json;
    int dtype, backend, weights, cache;
} GenerateSettings;

static const Option rows[] = {
    OPTION_TEXTS("prompt", GenerateSettings, prompts, "the text to continue; without one the model begins by itself; may be given more than once"),
    OPTION_TEXT("prompt-file", GenerateSettings, prompt_file, "a file that holds it"),
    OPTION_INT("samples", GenerateSettings, samples, 1, 1024, "texts for each prompt"),
    OPTION_INT("max-tokens", GenerateSettings, max_tokens, 1, 1e9, "new tokens at most"),
    OPTION_REAL("temperature", GenerateSettings, temperature, 0.0, 1e3, "0 takes the most likely token, more is wilder"),
    OPTION_INT("top-k", GenerateSettings, top_k, 0, 1e9, "draw among the k most likely tokens; 0 is off"),
    OPTION_REAL("top-p", GenerateSettings, top_p, 0.0, 1.0, "draw among the most likely tokens of this total probability; 1 is off"),
    OPTION_REAL("min-p", GenerateSettings, min_p, 0.0, 1.0, "drop tokens less likely than this share of the likeliest; 0 is off"),
    OPTION_REAL("repetition-penalty", GenerateSettings, repetition_penalty, 0.01, 100.0, "above 1: less of what the text holds already; 1 is off"),
    OPTION_REAL("frequency-penalty", GenerateSettings, frequency_penalty, -100.0, 100.0, "off the logit for each time the model wrote a token"),
    OPTION_REAL("presence-penalty", GenerateSettings, presence_penalty, -100.0, 100.0, "off the logit if the model wrote a token at all"),
    OPTION_INT("log-probs", GenerateSettings, log_probs, -1, LOG_PROBS_MAX, "with --json: of each token, and of this many likeliest ones; -1 is off"),
    OPTION_INT("seed", GenerateSettings, seed, 0, 9e15, "same seed, same text"),
    OPTION_TEXTS("stop", GenerateSettings, stop, "end before this text; may be given more than once"),
    OPTION_BOOL("ignore-eos", GenerateSettings, ignore_eos, "go on when the model ends its text"),
    OPTION_INT("context", GenerateSettings, context, 0, 2e9, "tokens kept in memory, prompt included; 0: what the model was made for"),
    OPTION_BOOL("slide", GenerateSettings, slide, "when the context is full, go on from its later half"),
    OPTION_BOOL("echo", GenerateSettings, echo, "print the prompt first"),
    OPTION_BOOL("json", GenerateSettings, json, "one JSON object instead of the text"),
    OPTION_CHOICE("dtype", GenerateSettings, dtype, "f32|bf16|fp16", "of weights, products and cache; bf16 and fp16 halve their memory"),
    OPTION_CHOICE("weights", GenerateSettings, weights, GENERATOR_WEIGHTS_CHOICES,
                  "stored: read where they lie; packed: the same bits, laid out for speed; int8, int4: in fewer bits, with a loss"),
    OPTION_CHOICE("cache", GenerateSettings, cache, GENERATOR_CACHE_CHOICES,
                  "keys and values of earlier tokens: in the dtype, or in bf16, half the bytes of f32 and a loss of its own"),
    OPTION_CHOICE("backend", GenerateSettings, backend, "reference|cpu", "plain kernels or fast ones"),
};

static const CommandHelp help = {
    .synopsis = "generate DIR [--prompt TEXT] [settings]",
    .examples = "    jikji generate runs/nano --prompt \"Once upon a time\"\n"
                "    jikji generate DIR --prompt \"옛날 옛적에\" --temperature 0.8 --top-p 0.95 --seed 7 --max-tokens 200\n"
                "    jikji generate DIR --prompt \"Q: 2+2?\\nA:\" --temperature 0 --stop $'\\n' --json\n"
                "    jikji generate DIR --prompt \"One day\" --prompt \"어느 날\" --samples 3 --min-p 0.1 --repetition-penalty 1.2\n"
                "    jikji generate DIR --prompt \"The capital is\" --temperature 0 --max-tokens 1 --log-probs 5 --json\n"
                "    jikji generate DIR --prompt \"Once upon a time\" --weights int8 --cache bf16\n",
    .about = "DIR is a Hugging Face directory with its tokenizer, or a run. Repetition penalty, temperature, top-k, top-p and min-p mean what\n"
             "they mean in transformers, in that order; frequency and presence penalty are OpenAI's. All texts are written at once, each until\n"
             "its own end; several are printed when all are done. Log-probabilities are the model's own, in nats. When the context is full\n"
             "the text ends and the command says so, unless --slide.\n",
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
    TokenSpan *prompts;  /* [n_texts]: each prompt settings.samples times, side by side */
    int64_t n_texts;
    char last;  /* byte written to stdout */
} Job;

/* ---- setting up ---- */

/* Nothing to begin with: a text begins after the sign that begins or ends one. */
static Err first_token(const Job *job, TokenSpan *prompt)
{
    int32_t *first = ARENA_NEW(job->arena, int32_t);
    *first = (int32_t)job->config.bos_id;
    if (*first < 0)
        *first = tokenizer_special_id(job->tok, SPECIAL_BOS);
    if (*first < 0)
        *first = job->config.n_eos > 0 ? (int32_t)job->config.eos_id[0] : tokenizer_special_id(job->tok, SPECIAL_EOS);
    *prompt = (TokenSpan){first, 1};
    return *first >= 0 ? OK : err_set(ERR_USAGE, "this model has no token that begins a text: give a --prompt");
}

static Err read_prompt(const Job *job, TokenSpan *prompt, const char *text, size_t n_bytes)
{
    *prompt = tokenizer_encode_with(job->tok, job->arena, text, n_bytes, TOKENIZER_ADD_SPECIAL, NULL);
    return prompt->n > 0 ? OK : first_token(job, prompt);
}

static Err read_prompts(Job *job)
{
    const GenerateSettings *s = &job->settings;
    const int64_t n_prompts = s->prompts.n > 0 ? s->prompts.n : 1;
    if (s->prompts.n > 0 && s->prompt_file)
        return err_set(ERR_USAGE, "--prompt and --prompt-file exclude each other");
    job->n_texts = n_prompts * s->samples;
    job->prompts = ARENA_ARRAY(job->arena, TokenSpan, job->n_texts);
    for (int64_t i = 0; i < n_prompts; i++) {
        const char *text = s->prompts.n > 0 ? s->prompts.value[i] : "";
        size_t n_bytes = strlen(text);
        if (s->prompt_file)
            TRY(file_read(&text, &n_bytes, job->arena, s->prompt_file));
        TokenSpan *of_prompt = job->prompts + i * s->samples;
        TRY(read_prompt(job, of_prompt, text, n_bytes));
        for (int64_t k = 1; k < s->samples; k++)
            of_prompt[k] = of_prompt[0];
    }
    return OK;
}

static Err load(Job *job, const char *dir)
{
    const GenerateSettings *s = &job->settings;
    TRY(model_config_read(&job->config, job->arena, dir));
    TRY(tokenizer_load(&job->tok, dir));
    if (tokenizer_vocab_size(job->tok) > job->config.vocab_size)
        return err_set(ERR_FORMAT, "%s: the tokenizer has %lld tokens, the model %lld: they do not belong together", dir,
                       (long long)tokenizer_vocab_size(job->tok), (long long)job->config.vocab_size);
    TRY(read_prompts(job));
    GeneratorOptions options = generator_options_default(&job->config);
    static const DType dtypes[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};  /* in the order of the choices */
    options.n_sequences = job->n_texts;
    if (options.chunk < job->n_texts)
        options.chunk = job->n_texts;
    options.dtype = dtypes[s->dtype];
    TRY(model_dir_load(&job->store, &job->config, dir, &(ModelDeclareOptions){options.dtype, false}));
    options.backend = s->backend ? BACKEND_CPU : BACKEND_REFERENCE;
    options.weights = (GeneratorWeights)s->weights;
    options.cache = (GeneratorCache)s->cache;
    if (s->context > 0)
        options.context = s->context;
    TRY(generator_new(&job->gen, &job->config, job->store, &options));
    TRY(store_allocate(job->store));
    return generator_bind(job->gen);
}

static GenerateOptions generate_options(const GenerateSettings *s)
{
    GenerateOptions options = {
        .sample = {.temperature = s->temperature, .top_k = s->top_k, .top_p = s->top_p, .min_p = s->min_p,
                   .repetition_penalty = s->repetition_penalty, .frequency_penalty = s->frequency_penalty,
                   .presence_penalty = s->presence_penalty, .seed = (uint64_t)s->seed},
        .max_tokens = s->max_tokens,
        .n_stops = s->stop.n,
        .ignore_eos = s->ignore_eos,
        .slide = s->slide,
        .log_probs = s->log_probs >= 0,
        .n_top_log_probs = s->log_probs > 0 ? (int)s->log_probs : 0,
    };
    for (int i = 0; i < s->stop.n; i++)
        options.stops[i] = s->stop.value[i];
    return options;
}

/* ---- output ---- */

static void write_bytes(Job *job, const char *text, size_t n_bytes)
{
    if (n_bytes == 0)
        return;
    fwrite(text, 1, n_bytes, stdout);
    fflush(stdout);
    job->last = text[n_bytes - 1];
}

/* A text alone is printed as it comes. */
static void write_text(void *context, int64_t sequence, const char *text, size_t n_bytes)
{
    (void)sequence;
    write_bytes(context, text, n_bytes);
}

static void end_line(Job *job)
{
    if (job->last != '\n')
        write_bytes(job, "\n", 1);
}

static void write_prompt(Job *job, int64_t text)
{
    TokenText prompt = tokenizer_decode(job->tok, job->arena, job->prompts[text].ids, job->prompts[text].n, false);
    if (job->settings.echo)
        write_bytes(job, prompt.bytes, prompt.n_bytes);
}

static void write_texts(Job *job, const Generated *results)
{
    for (int64_t i = 0; i < job->n_texts; i++) {
        const char *head = arena_printf(job->arena, "--- prompt %lld, text %lld: ended by %s\n", (long long)(i / job->settings.samples + 1),
                                        (long long)(i % job->settings.samples + 1), finish_reason_name(results[i].reason));
        write_bytes(job, head, strlen(head));
        write_prompt(job, i);
        write_bytes(job, results[i].text, results[i].n_bytes);
        end_line(job);
    }
}

static void write_score(JsonWriter *w, const Job *job, const TokenScore *score)
{
    TokenText text = tokenizer_decode(job->tok, job->arena, &score->id, 1, false);
    json_field_int(w, "id", score->id);
    json_write_key(w, "text");
    json_write_string_bytes(w, text.bytes, text.n_bytes);
    json_field_double(w, "log_prob", score->log_prob);
}

static void write_scores(JsonWriter *w, const Job *job, const Generated *result)
{
    const int64_t n_top = job->settings.log_probs;
    json_write_key(w, "tokens");
    json_write_array_begin(w);
    for (int64_t t = 0; t < result->n_tokens; t++) {
        const TokenScore *scores = result->scores + t * (1 + n_top);
        json_write_object_begin(w);
        write_score(w, job, &scores[0]);
        json_write_key(w, "top");
        json_write_array_begin(w);
        for (int64_t k = 1; k <= n_top; k++) {
            json_write_object_begin(w);
            write_score(w, job, &scores[k]);
            json_write_object_end(w);
        }
        json_write_array_end(w);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void write_result(JsonWriter *w, const Job *job, const Generated *result, int64_t text)
{
    json_write_key(w, "text");
    json_write_string_bytes(w, result->text, result->n_bytes);
    json_field_string(w, "finish_reason", finish_reason_name(result->reason));
    json_field_int(w, "prompt_tokens", job->prompts[text].n);
    json_field_int(w, "completion_tokens", result->n_tokens);
    if (job->settings.log_probs >= 0)
        write_scores(w, job, result);
}

/* One text is the object itself; several stand in "texts". */
static void write_json(const Job *job, const Generated *results, int64_t n_tokens, double seconds)
{
    JsonWriter *w = json_writer_new(0);
    json_write_object_begin(w);
    if (job->n_texts == 1) {
        write_result(w, job, results, 0);
    } else {
        json_write_key(w, "texts");
        json_write_array_begin(w);
        for (int64_t i = 0; i < job->n_texts; i++) {
            json_write_object_begin(w);
            json_field_int(w, "prompt", i / job->settings.samples);
            json_field_int(w, "sample", i % job->settings.samples);
            write_result(w, job, &results[i], i);
            json_write_object_end(w);
        }
        json_write_array_end(w);
    }
    json_field_int(w, "seed", job->settings.seed);
    json_field_double(w, "seconds", seconds);
    json_field_double(w, "tokens_per_second", (double)n_tokens / seconds);
    json_write_object_end(w);
    printf("%s\n", json_writer_text(w, NULL));
    json_writer_free(w);
}

static void report(const Job *job, const Generated *results, int64_t n_tokens, double seconds)
{
    bool is_full = false;
    for (int64_t i = 0; i < job->n_texts; i++)
        is_full = is_full || results[i].reason == FINISH_CONTEXT;
    if (is_full)
        log_warn("the context of %lld tokens is full: the text ends here; --slide goes on", (long long)generator_options(job->gen)->context);
    const char *ending = job->n_texts == 1 ? arena_printf(job->arena, "; ended by %s", finish_reason_name(results[0].reason)) : "";
    log_info("%lld tokens in %.2f s, %.1f a second%s", (long long)n_tokens, seconds, (double)n_tokens / seconds, ending);
}

static Err continue_texts(Job *job, const char *dir)
{
    const GenerateSettings *s = &job->settings;
    if (s->log_probs >= 0 && !s->json)
        return err_set(ERR_USAGE, "--log-probs goes with --json");
    TRY(load(job, dir));
    const bool is_streamed = job->n_texts == 1 && !s->json;
    if (is_streamed)
        write_prompt(job, 0);
    const GenerateOptions options = generate_options(s);
    const GenerateSink sink = {write_text, job};
    Generated *results = ARENA_ARRAY(job->arena, Generated, job->n_texts);
    double start = clock_seconds();
    TRY(generate(job->gen, job->tok, job->prompts, job->n_texts, &options, is_streamed ? &sink : NULL, job->arena, results));
    double seconds = clock_seconds() - start;
    int64_t n_tokens = 0;
    for (int64_t i = 0; i < job->n_texts; i++)
        n_tokens += results[i].n_tokens;
    if (s->json)
        write_json(job, results, n_tokens, seconds);
    else if (is_streamed)
        end_line(job);
    else
        write_texts(job, results);
    report(job, results, n_tokens, seconds);
    return OK;
}

Err cmd_generate(int argc, char **argv)
{
    Job job = {.arena = arena_new(),
               .settings = {.samples = 1, .max_tokens = 128, .temperature = 0.8, .top_p = 0.95, .repetition_penalty = 1, .seed = 1,
                            .log_probs = -1, .backend = BACKEND_CPU, .weights = WEIGHTS_PACKED}};
    CommandWords words;
    Err err = command_line_read(&words, &help, &job.settings, job.arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        err = continue_texts(&job, model_dir_find(words.word[0], job.arena));
    }
    generator_free(job.gen);
    store_free(job.store);
    tokenizer_free(job.tok);
    arena_free(job.arena);
    return err;
}
