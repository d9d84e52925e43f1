/* generator_test.c - a token's logits have the same bits packed, padded, alone, by prefill in any chunks, or by decode. */
#include "base/file.h"
#include "base/parallel.h"
#include "base/test.h"
#include "engine/op/op.h"
#include "engine/pass/autocast.h"
#include "learn/generate/generate.h"

enum { N = 64, LEN_A = 23, LEN_B = 41, VOCAB = 101 };

static const char *const configs[] = {
    "{\"model_type\": \"gpt2\", \"n_embd\": 48, \"n_layer\": 2, \"n_head\": 4, \"n_positions\": 64, \"vocab_size\": 101, \"initializer_range\": 0.2}",
    "{\"model_type\": \"llama\", \"hidden_size\": 40, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2,"
    " \"intermediate_size\": 52, \"max_position_embeddings\": 64, \"vocab_size\": 101, \"initializer_range\": 0.2}",
    "{\"model_type\": \"mistral\", \"hidden_size\": 30, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 3, \"head_dim\": 14,"
    " \"intermediate_size\": 37, \"max_position_embeddings\": 32, \"vocab_size\": 101, \"initializer_range\": 0.2, \"sliding_window\": 7,"
    " \"rope_parameters\": {\"rope_type\": \"dynamic\", \"rope_theta\": 100.0, \"factor\": 2.0}}",
    "{\"model_type\": \"qwen2\", \"hidden_size\": 30, \"num_hidden_layers\": 2, \"num_attention_heads\": 5, \"num_key_value_heads\": 5,"
    " \"intermediate_size\": 37, \"max_position_embeddings\": 64, \"vocab_size\": 101, \"initializer_range\": 0.2, \"tie_word_embeddings\": true,"
    " \"rope_parameters\": {\"rope_type\": \"yarn\", \"rope_theta\": 100.0, \"factor\": 4.0, \"original_max_position_embeddings\": 16}}",
    "{\"model_type\": \"gemma\", \"hidden_size\": 18, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 1,"
    " \"head_dim\": 14, \"intermediate_size\": 23, \"max_position_embeddings\": 64, \"vocab_size\": 101, \"initializer_range\": 0.2}",
    "{\"model_type\": \"qwen3\", \"hidden_size\": 20, \"num_hidden_layers\": 2, \"num_attention_heads\": 5, \"num_key_value_heads\": 1, \"head_dim\": 6,"
    " \"intermediate_size\": 52, \"max_position_embeddings\": 64, \"vocab_size\": 101, \"initializer_range\": 0.2}",
    "{\"model_type\": \"gemma2\", \"hidden_size\": 18, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 3, \"head_dim\": 10,"
    " \"intermediate_size\": 23, \"max_position_embeddings\": 64, \"vocab_size\": 101, \"initializer_range\": 0.2, \"sliding_window\": 9,"
    " \"query_pre_attn_scalar\": 7, \"attn_logit_softcapping\": 2.0, \"final_logit_softcapping\": 3.0}",
    "{\"model_type\": \"opt\", \"hidden_size\": 30, \"num_hidden_layers\": 2, \"num_attention_heads\": 5, \"ffn_dim\": 41,"
    " \"max_position_embeddings\": 64, \"vocab_size\": 101, \"init_std\": 0.2}",
    "{\"model_type\": \"bloom\", \"hidden_size\": 36, \"n_layer\": 2, \"n_head\": 6, \"seq_length\": 64, \"vocab_size\": 101, \"initializer_range\": 0.2}",
};

typedef struct {
    Arena *arena;
    ModelConfig config;
    Store *store;
    DType dtype;
    int32_t a[LEN_A], b[LEN_B];
    char *logits_a, *logits_b;  /* each sequence alone, by the program that trains */
} Bits;

static int64_t row_bytes(const Bits *t)
{
    return VOCAB * dtype_bytes(t->dtype);
}

/* Logits of tokens that lie in sequences of the given lengths, end to end, without a cache; the program has room for N. */
static char *forward(Bits *t, const int32_t *const *ids, const int64_t *lengths, int n_sequences)
{
    Graph *g = graph_new(t->store);
    ModelInputs inputs = model_inputs(g, N, false);
    graph_output(g, "logits", model_logits(g, &t->config, model_hidden(g, &t->config, &inputs)));
    if (dtype_is_half(t->dtype))
        pass_autocast(g, t->dtype);
    Program *program = NULL;
    char *logits = arena_alloc(t->arena, (size_t)(N * row_bytes(t)));
    if (CHECK_OK(graph_compile(&program, g, &(CompileOptions){BACKEND_CPU})) && CHECK_OK(program_bind(program))) {
        int32_t *tokens = program_input(program, "tokens")->data, *positions = program_input(program, "positions")->data;
        int32_t *ranges = program_input(program, "ranges")->data;
        int64_t n = 0;
        for (int s = 0; s < n_sequences; s++) {
            const int64_t first = n;
            for (int64_t i = 0; i < lengths[s]; i++, n++) {
                tokens[n] = ids[s][i];
                positions[n] = (int32_t)i;
                ranges[2 * n] = (int32_t)first;
                ranges[2 * n + 1] = (int32_t)n + 1;
            }
        }
        program_set_bound(program, "n_tokens", n);
        program_run_all(program);
        memcpy(logits, program_output(program, "logits")->data, (size_t)(n * row_bytes(t)));
    }
    program_free(program);
    graph_free(g);
    return logits;
}

static bool bits_open(Bits *t, const char *config, DType dtype)
{
    *t = (Bits){.arena = arena_new(), .store = store_new(), .dtype = dtype};
    const char *path = arena_printf(t->arena, "%s/config.json", test_dir());
    if (!CHECK_OK(file_write(path, config, strlen(config))) || !CHECK_OK(model_config_read(&t->config, t->arena, path)))
        return false;
    if (!CHECK_OK(model_config_set_context(&t->config, N)))
        return false;
    model_declare(&t->config, t->store, &(ModelDeclareOptions){dtype, false});
    if (!CHECK_OK(store_allocate(t->store)))
        return false;
    model_init(&t->config, t->store, 5);
    for (int i = 0; i < LEN_A; i++)
        t->a[i] = (7 * i + 3) % VOCAB;
    for (int i = 0; i < LEN_B; i++)
        t->b[i] = (11 * i * i + 1) % VOCAB;
    t->logits_a = forward(t, (const int32_t *[]){t->a}, (int64_t[]){LEN_A}, 1);
    t->logits_b = forward(t, (const int32_t *[]){t->b}, (int64_t[]){LEN_B}, 1);
    return true;
}

static void bits_close(Bits *t)
{
    store_free(t->store);
    arena_free(t->arena);
}

static bool same(const Bits *t, const void *x, const void *y, int64_t n_rows)
{
    return hash_bytes(x, (size_t)(n_rows * row_bytes(t))) == hash_bytes(y, (size_t)(n_rows * row_bytes(t)));
}

/* Each model in each dtype. */
static void for_each_model(void (*check)(Bits *t))
{
    static const DType dtypes[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++)
        for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
            Bits t;
            REQUIRE(bits_open(&t, configs[i], dtypes[d]));
            check(&t);
            bits_close(&t);
        }
}

static void check_packing(Bits *t)
{
    const int n_threads = parallel_threads();
    parallel_set_threads(1);  /* nor does it depend on their number; and small runs are quicker so */
    CHECK(!same(t, t->logits_a, t->logits_b, 1));
    const char *packed = forward(t, (const int32_t *[]){t->b, t->a}, (int64_t[]){LEN_B, LEN_A}, 2);
    CHECK(same(t, packed, t->logits_b, LEN_B));
    CHECK(same(t, packed + LEN_B * row_bytes(t), t->logits_a, LEN_A));
    const int32_t padding[N - LEN_A] = {0};
    const char *padded = forward(t, (const int32_t *[]){t->a, padding}, (int64_t[]){LEN_A, N - LEN_A}, 2);
    CHECK(same(t, padded, t->logits_a, LEN_A));
    for (int n = 2; n <= 4; n++) {
        parallel_set_threads(n);
        CHECK(same(t, forward(t, (const int32_t *[]){t->b, t->a}, (int64_t[]){LEN_B, LEN_A}, 2), packed, LEN_B + LEN_A));
    }
    parallel_set_threads(n_threads);
}

TEST(generator, forward_values_are_the_same_packed_padded_or_alone)
{
    for_each_model(check_packing);
}

/* Feeds n tokens of a sequence in runs of `chunk`; true when all logits equal `want`. */
static bool prefill_equals(const Bits *t, Generator *gen, int64_t sequence, const int32_t *ids, int64_t n, int64_t chunk, const char *want)
{
    bool equal = true;
    generator_truncate(gen, sequence, 0);
    for (int64_t first = 0; first < n; first += chunk) {
        GeneratorToken tokens[N];
        int64_t n_run = n - first < chunk ? n - first : chunk;
        for (int64_t i = 0; i < n_run; i++)
            tokens[i] = (GeneratorToken){sequence, ids[first + i], true};
        const Tensor *logits = generator_run(gen, tokens, n_run);
        equal = equal && same(t, logits->data, want + first * row_bytes(t), n_run);
    }
    return equal && generator_length(gen, sequence) == n;
}

/* One token of each sequence a run, as far as they go. */
static bool decode_equals(const Bits *t, Generator *gen)
{
    bool equal = true;
    generator_truncate(gen, 1, 0);
    generator_truncate(gen, 2, 0);
    for (int64_t i = 0; i < LEN_B; i++) {
        GeneratorToken tokens[2] = {{1, t->b[i], true}, {2, t->a[i % LEN_A], true}};
        const Tensor *logits = generator_run(gen, tokens, i < LEN_A ? 2 : 1);
        equal = equal && same(t, logits->data, t->logits_b + i * row_bytes(t), 1);
        if (i < LEN_A)
            equal = equal && same(t, (const char *)logits->data + row_bytes(t), t->logits_a + i * row_bytes(t), 1);
    }
    return equal;
}

/* What this generator says of a sequence in one run. */
static char *logits_of(const Bits *t, Generator *gen, const int32_t *ids, int64_t n)
{
    GeneratorToken tokens[N];
    generator_truncate(gen, 0, 0);
    for (int64_t i = 0; i < n; i++)
        tokens[i] = (GeneratorToken){0, ids[i], true};
    char *logits = arena_alloc(t->arena, (size_t)(n * row_bytes(t)));
    memcpy(logits, generator_run(gen, tokens, n)->data, (size_t)(n * row_bytes(t)));
    return logits;
}

/* Weights or caches in fewer bits have bits of their own: those of one run are then what the other ways must give. */
static void check_weights(Bits *t, GeneratorWeights weights, GeneratorCache cache)
{
    Generator *gen;
    const int n_threads = parallel_threads();
    GeneratorOptions options = generator_options_default(&t->config);
    options.n_sequences = N;
    options.context = options.chunk = N;
    options.dtype = t->dtype;
    options.weights = weights;
    options.cache = cache;
    REQUIRE_OK(generator_new(&gen, &t->config, t->store, &options));
    REQUIRE_OK(store_allocate(t->store));
    REQUIRE_OK(generator_bind(gen));
    parallel_set_threads(1);
    if (weights >= WEIGHTS_INT8 || cache != CACHE_SAME) {
        const char *whole = t->logits_a;
        t->logits_a = logits_of(t, gen, t->a, LEN_A);
        t->logits_b = logits_of(t, gen, t->b, LEN_B);
        CHECK(!same(t, t->logits_a, whole, LEN_A));
    }
    for (int64_t chunk = 1; chunk <= N; chunk = chunk * 3 + 2)
        CHECK(prefill_equals(t, gen, 3, t->b, LEN_B, chunk, t->logits_b));
    CHECK(prefill_equals(t, gen, 3, t->a, LEN_A, LEN_A, t->logits_a));
    for (int n = 1; n <= 3; n++) {  /* threads: more than one stay together for a token alone (crew.h) */
        parallel_set_threads(n);
        CHECK(decode_equals(t, gen));
        CHECK(prefill_equals(t, gen, 3, t->a, LEN_A, 1, t->logits_a));
    }
    /* Going back and on again changes nothing. */
    generator_truncate(gen, 1, 10);
    const Tensor *logits = generator_run(gen, &(GeneratorToken){1, t->b[10], true}, 1);
    CHECK(same(t, logits->data, t->logits_b + 10 * row_bytes(t), 1));
    parallel_set_threads(n_threads);
    generator_free(gen);
}

static void check_prefill_and_decode(Bits *t)
{
    check_weights(t, WEIGHTS_STORED, CACHE_SAME);
    check_weights(t, WEIGHTS_PACKED, CACHE_SAME);
}

TEST(generator, weights_in_fewer_bits_keep_the_promise_about_bits)
{
    for (int weights = WEIGHTS_INT8; weights <= WEIGHTS_INT4; weights++)
        for (int i = 0; i < 2; i++) {
            Bits t;
            REQUIRE(bits_open(&t, configs[i], i ? DTYPE_BF16 : DTYPE_F32));
            check_weights(&t, (GeneratorWeights)weights, CACHE_SAME);
            bits_close(&t);
        }
}

TEST(generator, a_cache_in_fewer_bits_keeps_the_promise_about_bits)
{
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        Bits t;
        REQUIRE(bits_open(&t, configs[i], DTYPE_F32));
        check_weights(&t, WEIGHTS_PACKED, CACHE_BF16);
        bits_close(&t);
    }
}

TEST(generator, logits_are_the_same_by_prefill_in_any_chunks_or_by_decode)
{
    for_each_model(check_prefill_and_decode);
}

TEST(generator, options_out_of_bounds_are_usage_errors)
{
    Bits t;
    Generator *gen;
    REQUIRE(bits_open(&t, configs[0], DTYPE_F32));
    GeneratorOptions good = generator_options_default(&t.config), bad = good;
    bad.context = t.config.seq_len_max + 1;
    CHECK(generator_new(&gen, &t.config, t.store, &bad) == ERR_USAGE);
    bad = good;
    bad.n_sequences = bad.chunk + 1;
    CHECK(generator_new(&gen, &t.config, t.store, &bad) == ERR_USAGE);
    bad = good;
    bad.dtype = DTYPE_F16;
    bad.cache = CACHE_BF16;
    CHECK(generator_new(&gen, &t.config, t.store, &bad) == ERR_USAGE);
    bits_close(&t);
}
