/* generate_test.c - from prompts to text: streaming, several at once, and the ways a text ends. */
#include "learn/generate/generate.h"

#include "base/file.h"
#include "base/parallel.h"
#include "base/test.h"

enum { CONTEXT = 48, N_PROMPTS = 3 };

typedef struct {
    Arena *arena;
    ModelConfig config;
    Tokenizer *tok;
    Store *store;
    Generator *gen;
    int n_threads;
    TokenSpan prompts[N_PROMPTS];
    char streamed[N_PROMPTS][4096];  /* text may hold NUL bytes: the vocabulary has all */
    size_t n_streamed[N_PROMPTS];
} World;

static void collect(void *context, int64_t sequence, const char *text, size_t n_bytes)
{
    World *w = context;
    REQUIRE(n_bytes > 0 && w->n_streamed[sequence] + n_bytes <= 4096);
    memcpy(w->streamed[sequence] + w->n_streamed[sequence], text, n_bytes);
    w->n_streamed[sequence] += n_bytes;
}

static bool world_generator(World *w, int64_t chunk)
{
    generator_free(w->gen);
    w->gen = NULL;
    GeneratorOptions options = {.n_sequences = N_PROMPTS, .context = CONTEXT, .chunk = chunk, .dtype = DTYPE_F32, .backend = BACKEND_CPU};
    return CHECK_OK(generator_new(&w->gen, &w->config, w->store, &options)) && CHECK_OK(store_allocate(w->store)) &&
           CHECK_OK(generator_bind(w->gen));
}

/* A random model over a small byte-level vocabulary: its text is nonsense, but nonsense of its own. */
static bool world_open(World *w)
{
    static const char text[] = "the cat sat on the mat. the dog sat on the log. 고양이가 집에 있다. 강아지가 집에 있다. <|endoftext|>";
    *w = (World){.arena = arena_new(), .store = store_new(), .n_threads = parallel_threads()};
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 280;
    options.quiet = true;
    if (!CHECK_OK(tokenizer_train_text(&w->tok, &options, text, sizeof text - 1)))
        return false;
    const char *json = arena_printf(w->arena, "{\"model_type\": \"llama\", \"hidden_size\": 16, \"num_hidden_layers\": 1, \"num_attention_heads\": 2,"
                                    " \"intermediate_size\": 24, \"max_position_embeddings\": %d, \"vocab_size\": %lld,"
                                    " \"initializer_range\": 0.3}", CONTEXT, (long long)tokenizer_vocab_size(w->tok));
    const char *path = arena_printf(w->arena, "%s/config.json", test_dir());
    if (!CHECK_OK(file_write(path, json, strlen(json))) || !CHECK_OK(model_config_read(&w->config, w->arena, path)))
        return false;
    model_declare(&w->config, w->store, &(ModelDeclareOptions){DTYPE_F32, false});
    if (!CHECK_OK(store_allocate(w->store)))
        return false;
    model_init(&w->config, w->store, 2);
    static const char *const prompts[N_PROMPTS] = {"the cat sat", "고양이가", "t"};
    for (int i = 0; i < N_PROMPTS; i++)
        w->prompts[i] = tokenizer_encode(w->tok, w->arena, prompts[i], strlen(prompts[i]));
    parallel_set_threads(1);  /* the work is tiny */
    return world_generator(w, 16);
}

static void world_close(World *w)
{
    parallel_set_threads(w->n_threads);
    generator_free(w->gen);
    store_free(w->store);
    tokenizer_free(w->tok);
    arena_free(w->arena);
}

static Err world_generate(World *w, int64_t n_prompts, const GenerateOptions *options, Generated *results)
{
    memset(w->n_streamed, 0, sizeof w->n_streamed);
    return generate(w->gen, w->tok, w->prompts, n_prompts, options, &(GenerateSink){collect, w}, w->arena, results);
}

static bool same_text(const Generated *a, const Generated *b)
{
    return a->n_bytes == b->n_bytes && memcmp(a->text, b->text, a->n_bytes) == 0 && a->n_tokens == b->n_tokens && a->reason == b->reason;
}

static bool was_streamed(const World *w, int64_t sequence, const Generated *result)
{
    return w->n_streamed[sequence] == result->n_bytes && memcmp(w->streamed[sequence], result->text, result->n_bytes) == 0;
}

/* Goal: a text depends on its prompt, its index and the settings only. Method: alone and together, in other chunks, again. */
TEST(generate, a_text_does_not_depend_on_what_is_generated_beside_it)
{
    World w;
    REQUIRE(world_open(&w));
    const GenerateOptions options = {.sample = {.temperature = 1, .top_k = 50, .top_p = 0.95, .seed = 4}, .max_tokens = 25, .ignore_eos = true};
    GenerateOptions other = options;
    other.sample.seed = 5;
    Generated together[N_PROMPTS], again[N_PROMPTS];
    REQUIRE_OK(world_generate(&w, N_PROMPTS, &options, together));
    for (int i = 0; i < N_PROMPTS; i++) {
        CHECK_EQUAL(together[i].n_tokens, 25);
        CHECK(together[i].reason == FINISH_LENGTH);
        CHECK(was_streamed(&w, i, &together[i]));
    }
    REQUIRE_OK(world_generate(&w, 1, &options, again));
    CHECK(same_text(&again[0], &together[0]));
    REQUIRE(world_generator(&w, 4));
    REQUIRE_OK(world_generate(&w, N_PROMPTS, &options, again));
    for (int i = 0; i < N_PROMPTS; i++)
        CHECK(same_text(&again[i], &together[i]));
    REQUIRE_OK(world_generate(&w, 1, &other, again));
    CHECK(!same_text(&again[0], &together[0]));
    world_close(&w);
}

/* The same by the definition: everything computed anew for each token. Ids of `max_tokens` new tokens into `chosen`. */
static void generate_plainly(World *w, int64_t sequence, const GenerateOptions *options, int32_t *chosen)
{
    int32_t window[CONTEXT];
    int64_t n = w->prompts[sequence].n;
    void *scratch = arena_alloc(w->arena, sample_scratch_bytes(w->config.vocab_size));
    memcpy(window, w->prompts[sequence].ids, sizeof *window * (size_t)n);
    for (int64_t t = 0; t < options->max_tokens; t++) {
        const Tensor *logits = NULL;
        generator_truncate(w->gen, sequence, 0);
        for (int64_t k = 0; k < n; k++)
            logits = generator_run(w->gen, &(GeneratorToken){sequence, window[k], k == n - 1}, 1);
        Tensor row = tensor_contiguous(DTYPE_F32, shape_1(w->config.vocab_size), logits->data);
        REQUIRE_OK(sample_token(&chosen[t], &row, &options->sample, NULL, (uint64_t)sequence, (uint64_t)(w->prompts[sequence].n + t), scratch));
        window[n++] = chosen[t];
        if (n == CONTEXT) {
            n = CONTEXT / 2;
            memmove(window, window + CONTEXT - n, sizeof *window * (size_t)n);
        }
    }
}

TEST(generate, text_is_what_the_definition_gives_also_when_the_context_slides)
{
    World w;
    REQUIRE(world_open(&w));
    const GenerateOptions options = {.sample = {.temperature = 1, .top_p = 0.9, .seed = 8}, .max_tokens = 70, .ignore_eos = true, .slide = true};
    int32_t chosen[70];
    Generated results[2];
    REQUIRE_OK(world_generate(&w, 2, &options, results));
    for (int64_t i = 0; i < 2; i++) {
        generate_plainly(&w, i, &options, chosen);
        TokenText want = tokenizer_decode(w.tok, w.arena, chosen, 70, false);
        CHECK(want.n_bytes == results[i].n_bytes && memcmp(want.bytes, results[i].text, want.n_bytes) == 0);
    }
    world_close(&w);
}

/* Goal: each way to end is told from the others. Method: settings that make it the first to come. */
TEST(generate, a_text_ends_as_the_settings_say)
{
    World w;
    REQUIRE(world_open(&w));
    GenerateOptions options = {.sample = {.temperature = 1, .top_p = 1}, .max_tokens = 1000, .ignore_eos = true};
    Generated full, result;
    REQUIRE_OK(world_generate(&w, 1, &options, &full));
    CHECK(full.reason == FINISH_CONTEXT);
    CHECK_EQUAL(full.n_tokens, CONTEXT - w.prompts[0].n);

    /* Sliding changes nothing before the context is full, and goes on after it. */
    options.slide = true;
    options.max_tokens = 3 * CONTEXT;
    REQUIRE_OK(world_generate(&w, 1, &options, &result));
    CHECK(result.reason == FINISH_LENGTH);
    CHECK_EQUAL(result.n_tokens, 3 * CONTEXT);
    CHECK(result.n_bytes > full.n_bytes && memcmp(result.text, full.text, full.n_bytes - 4) == 0);  /* a character may be cut at the end */
    CHECK(was_streamed(&w, 0, &result));
    options.slide = false;
    options.max_tokens = 1000;

    /* Some seed meets the end of text before the context is full: 37 tokens, 280 ids. */
    options.ignore_eos = false;
    bool met = false;
    for (options.sample.seed = 0; options.sample.seed < 100 && !met; options.sample.seed++) {
        REQUIRE_OK(world_generate(&w, 1, &options, &result));
        met = result.reason == FINISH_EOS;
        CHECK(!met || (result.n_tokens < full.n_tokens && !memmem(result.text, result.n_bytes, "endoftext", 9)));
        CHECK(was_streamed(&w, 0, &result));
    }
    CHECK(met);

    /* Any piece of the text as stop string ends it right before. */
    options.sample.seed = 0;
    options.ignore_eos = true;
    for (size_t at = 1; at + 3 < full.n_bytes; at += 7) {
        const char *stop = arena_strndup(w.arena, full.text + at, 3);
        if (strlen(stop) == 0)
            continue;
        options.n_stops = 1;
        options.stops[0] = stop;
        REQUIRE_OK(world_generate(&w, 1, &options, &result));
        CHECK(result.reason == FINISH_STOP);
        CHECK_EQUAL(result.n_bytes, (const char *)memmem(full.text, full.n_bytes, stop, strlen(stop)) - full.text);
        CHECK(memcmp(result.text, full.text, result.n_bytes) == 0);
        CHECK(was_streamed(&w, 0, &result));
    }
    world_close(&w);
}

TEST(generate, prompts_that_cannot_be_are_usage_errors)
{
    World w;
    REQUIRE(world_open(&w));
    const GenerateOptions options = {.sample = {.temperature = 0, .top_p = 1}, .max_tokens = 3};
    int32_t ids[CONTEXT] = {0};
    Generated result;
    w.prompts[0] = (TokenSpan){ids, CONTEXT - 1};
    REQUIRE_OK(world_generate(&w, 1, &options, &result));
    CHECK(result.n_tokens <= 1);
    w.prompts[0].n = CONTEXT;
    CHECK(world_generate(&w, 1, &options, &result) == ERR_USAGE);
    w.prompts[0].n = 0;
    CHECK(world_generate(&w, 1, &options, &result) == ERR_USAGE);
    w.prompts[0].n = 2;
    ids[1] = (int32_t)w.config.vocab_size;
    CHECK(world_generate(&w, 1, &options, &result) == ERR_USAGE);
    ids[1] = -1;
    CHECK(world_generate(&w, 1, &options, &result) == ERR_USAGE);
    world_close(&w);
}

/* Goal: log-probabilities are told for every token, and of greedy text the chosen one is the likeliest. A penalty keeps it from saying the
 * same again. */
TEST(generate, log_probabilities_and_penalties_follow_the_text)
{
    World w;
    REQUIRE(world_open(&w));
    GenerateOptions options = {.sample = {.temperature = 0, .top_p = 1}, .max_tokens = 20, .ignore_eos = true, .log_probs = true, .n_top_log_probs = 3};
    Generated results[N_PROMPTS];
    REQUIRE_OK(world_generate(&w, N_PROMPTS, &options, results));
    for (int i = 0; i < N_PROMPTS; i++)
        for (int64_t t = 0; t < results[i].n_tokens; t++) {
            const TokenScore *s = results[i].scores + 4 * t;
            CHECK(s[0].id == s[1].id && s[0].log_prob == s[1].log_prob);
            CHECK(s[1].log_prob < 0 && s[1].log_prob >= s[2].log_prob && s[2].log_prob >= s[3].log_prob);
        }
    options.sample.frequency_penalty = 1e6;
    REQUIRE_OK(world_generate(&w, 1, &options, results));
    for (int64_t t = 0; t < results[0].n_tokens; t++)
        for (int64_t before = 0; before < t; before++)
            CHECK(results[0].scores[4 * t].id != results[0].scores[4 * before].id);
    options.log_probs = false;
    REQUIRE_OK(world_generate(&w, 1, &options, results));
    CHECK(!results[0].scores);
    world_close(&w);
}
