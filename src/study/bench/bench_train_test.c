/* bench_train_test.c - the yardstick and the measured training hang together. */
#include "study/bench/bench_decode.h"
#include "study/bench/bench_weights.h"
#include "study/bench/bench_train.h"

#include "base/test.h"

static const char tiny_json[] = "{\"model_type\": \"llama\", \"vocab_size\": 50, \"max_position_embeddings\": 16, \"hidden_size\": 16,"
                                " \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"intermediate_size\": 24, \"tie_word_embeddings\": true}";

static bool tiny(ModelConfig *config, Arena *arena)
{
    return CHECK_OK(model_config_parse(config, arena, "tiny", tiny_json, strlen(tiny_json)));
}

/* Goal: the presets are the models that their names promise. */
TEST(bench_preset, has_the_parameters_of_its_name)
{
    Arena *arena = arena_new();
    ModelConfig config;
    BenchTrainOptions options = bench_train_options_default();
    REQUIRE(bench_preset(&config, &options, arena, "gpt2-124m"));
    CHECK_EQUAL(model_n_params(&config), 124439808);
    CHECK(options.batch_size * options.seq_len >= 4096);
    REQUIRE(bench_preset(&config, &options, arena, "llama-110m"));
    CHECK_CLOSE((double)model_n_params(&config), 110e6, 1e6);
    REQUIRE(bench_preset(&config, &options, arena, "nano"));
    CHECK(options.batch_size * options.seq_len >= 4096);
    CHECK(!bench_preset(&config, &options, arena, "other"));
    arena_free(arena);
}

/* Goal: the matrices that are timed are those that are counted: 6 FLOPs a weight and token. */
TEST(bench_train, matrices_are_those_that_the_necessary_flops_count)
{
    Arena *arena = arena_new();
    ModelConfig config;
    ModelMatrix *matrices;
    REQUIRE(tiny(&config, arena));
    int n = model_matrices(&matrices, &config, arena);
    double weights = 0, attention = 6.0 * 16 * 16;
    CHECK_EQUAL(n, 8);  /* q k v o, gate up down, the head */
    for (int i = 0; i < n; i++)
        weights += (double)(matrices[i].n_in * matrices[i].n_out);
    CHECK_EQUAL(weights, 4 * 16 * 16 + 3 * 16 * 24 + 50 * 16);
    CHECK_EQUAL(model_train_flops_per_token(&config, 16), 6 * weights + attention);
    arena_free(arena);
}

/* Seconds of all products, each by its best library. */
static double best_seconds(const MatmulRate *rate, double *flops)
{
    double seconds = 0;
    *flops = 0;
    for (int i = 0; i < rate->n_shapes; i++) {
        const MatmulShape *s = &rate->shape[i];
        double best = 0, work = 2.0 * (double)s->count * (double)s->m * (double)s->n * (double)s->k;
        for (int p = 0; p < GEMM_PEER_COUNT; p++)
            best = fmax(best, s->flops_per_second[p]);
        seconds += work / best;
        *flops += work;
    }
    return seconds;
}

TEST(matmul_rate, best_is_not_below_any_library)
{
    Arena *arena = arena_new();
    ModelConfig config;
    MatmulRate rate;
    REQUIRE(tiny(&config, arena));
    for (int dtype = DTYPE_F32; dtype <= DTYPE_BF16; dtype++) {
        REQUIRE_OK(matmul_rate_measure(&rate, &config, 64, (DType)dtype, &(MatmulRateOptions){.n_tokens_max = 64, .vocab_max = 32}, arena));
        CHECK(rate.flops_per_second > 0 && isfinite(rate.flops_per_second) && rate.seconds > 0);
        for (int p = 0; p < GEMM_PEER_COUNT; p++)
            CHECK(rate.peer_flops_per_second[p] <= rate.flops_per_second * (1 + 1e-9));
        CHECK(rate.peer_flops_per_second[GEMM_PEER_OURS] > 0);
        double flops, seconds = best_seconds(&rate, &flops);
        CHECK_CLOSE(flops / seconds, rate.flops_per_second, rate.flops_per_second * 1e-9);
    }
    CHECK(measured_matmul_rate(&config, 64, DTYPE_F32) > 0);
    arena_free(arena);
}

static uint64_t hash_of_leaf(int64_t grad_leaf, int64_t *used, Arena *arena)
{
    ModelConfig config;
    BenchTrainOptions options = bench_train_options_default();
    BenchTrainReport *report = ARENA_NEW(arena, BenchTrainReport);
    options.seq_len = 16, options.batch_size = options.micro_batch_size = 4;
    options.n_rounds = 1, options.round_seconds = 0, options.grad_leaf = grad_leaf;
    CHECK(tiny(&config, arena) && CHECK_OK(bench_train(report, &config, &options, arena)));
    *used = report->grad_leaf;
    return report->first_step_hash;
}

/* Goal: what is measured sums gradients as a recipe says, by a sequence unless it says so. */
TEST(bench_train, gradients_are_summed_by_the_leaf_that_is_set)
{
    Arena *arena = arena_new();
    int64_t used[3];
    uint64_t usual = hash_of_leaf(0, &used[0], arena), same = hash_of_leaf(16, &used[1], arena), other = hash_of_leaf(64, &used[2], arena);
    CHECK(used[0] == 16 && used[1] == 16 && used[2] == 64);
    CHECK(usual == same && usual != other);
    arena_free(arena);
}

/* Goal: the trainer really trains in a bench, and a round's share is what its two figures say. */
TEST(bench_train, measures_a_trainer_that_trains)
{
    Arena *arena = arena_new();
    ModelConfig config;
    REQUIRE(tiny(&config, arena));
    BenchTrainOptions options = bench_train_options_default();
    options.seq_len = 16;
    options.batch_size = 4;
    options.micro_batch_size = 2;
    options.n_rounds = 3;
    options.round_seconds = 0;
    options.profile = true;
    BenchTrainReport *report = ARENA_NEW(arena, BenchTrainReport);
    REQUIRE_OK(bench_train(report, &config, &options, arena));
    CHECK_EQUAL(report->n_rounds, 3);
    CHECK_EQUAL(report->n_steps, 4);
    CHECK_CLOSE(report->loss, log(50), 0.3);
    for (int i = 0; i < 3; i++)
        CHECK_CLOSE(report->round[i].share, report->round[i].tokens_per_second * report->flops_per_token / report->round[i].flops_per_second, 1e-9);
    double low = fmin(report->round[0].share, fmin(report->round[1].share, report->round[2].share));
    double high = fmax(report->round[0].share, fmax(report->round[1].share, report->round[2].share));
    CHECK(report->median.share >= low && report->median.share <= high);
    CHECK(strstr(report->profile, "linear") && strstr(report->profile, "adamw"));
    options.micro_batch_size = 3;
    CHECK(bench_train(report, &config, &options, arena) == ERR_USAGE);
    options.seq_len = 17;
    CHECK(bench_train(report, &config, &options, arena) == ERR_USAGE);
    arena_free(arena);
}

/* Goal: what decode is measured against: every weight and every cached number once. By hand: 16-wide llama, two heads of 8, a layer. */
TEST(bench_decode, needs_what_a_token_reads)
{
    Arena *arena = arena_new();
    ModelConfig config;
    BenchDecodeReport *report = ARENA_NEW(arena, BenchDecodeReport);
    REQUIRE(tiny(&config, arena));
    BenchDecodeOptions options = {.prompt = 8, .new_tokens = 4, .dtype = DTYPE_BF16, .n_rounds = 2};
    REQUIRE_OK(bench_decode(report, &config, &options, arena));
    double body = 4 * 16 * 16 + 3 * 16 * 24, head = 50 * 16, cached = 2 * 16 * (8 + 2);
    CHECK_EQUAL(report->bytes_per_token, 2 * (body + head + cached));
    CHECK_EQUAL(report->prefill_flops_per_token, 2 * body + 2 * 16 * 8);
    CHECK_EQUAL(report->n_rounds, 2);
    const BenchDecodeRound *m = &report->median;
    CHECK_CLOSE(m->share, 0.5 * (report->round[0].share + report->round[1].share), 1e-12);
    CHECK(m->tokens_per_second > 0 && m->prefill_per_second > 0 && m->read_bytes_per_second > 0 && m->prefill_share > 0);
    /* Groups of 32 inputs and panels of 64 outputs, whole: five matrices of 16 inputs, one of 24; 34 bytes a group and output. */
    options.new_tokens = 4;
    options.weights = WEIGHTS_INT8;
    options.profile = true;
    REQUIRE_OK(bench_decode(report, &config, &options, arena));
    CHECK_EQUAL(report->bytes_per_token, 8 * 64 * 34 + 2 * cached);
    CHECK(strstr(report->profile, "linear_packed") != NULL);
    options.new_tokens = 9;
    CHECK(bench_decode(report, &config, &options, arena) == ERR_USAGE);
    arena_free(arena);
}

/* Goal: packed weights lose nothing, eight bits less than four, and f32's own divergence is zero. */
TEST(bench_weights, fewer_bits_lose_more)
{
    Arena *arena = arena_new();
    ModelConfig config;
    BenchWeightsReport r;
    REQUIRE(tiny(&config, arena));
    config.init_std = 0.3;
    Store *store = store_new();
    model_declare(&config, store, &(ModelDeclareOptions){DTYPE_F32, false});
    REQUIRE_OK(store_allocate(store));
    model_init(&config, store, 7);
    int32_t ids[40];
    for (int i = 0; i < 40; i++)
        ids[i] = i * 7 % 50;
    REQUIRE_OK(bench_weights(&r, &config, store, ids, 40, 16));
    CHECK_EQUAL(r.n_tokens, 15 + 15 + 7);
    CHECK(r.row[WEIGHTS_STORED].kl == 0 && r.row[WEIGHTS_STORED].same_top == 1);
    CHECK(r.row[WEIGHTS_PACKED].loss == r.row[WEIGHTS_STORED].loss && r.row[WEIGHTS_PACKED].kl == 0);
    CHECK(r.row[WEIGHTS_INT8].kl > 0 && r.row[WEIGHTS_INT8].kl < 1e-3);
    CHECK(r.row[WEIGHTS_INT4].kl > 10 * r.row[WEIGHTS_INT8].kl && r.row[WEIGHTS_INT4].kl_max >= r.row[WEIGHTS_INT4].kl);
    const BenchWeightsRow *cache = &r.row[N_GENERATOR_WEIGHTS];
    CHECK_STRING(bench_weights_ways[N_GENERATOR_WEIGHTS].name, "f32_cache_bf16");
    CHECK(cache->kl > 0 && cache->kl < 1e-3 && cache->weight_bytes == r.row[WEIGHTS_PACKED].weight_bytes);
    CHECK(bench_weights(&r, &config, store, ids, 1, 16) == ERR_USAGE);
    CHECK(bench_weights(&r, &config, store, ids, 40, 17) == ERR_USAGE);
    store_free(store);
    arena_free(arena);
}
