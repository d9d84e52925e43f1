/* bench_attention_test.c - the three ways compute the same, and what is counted before they run is what they need. */
#include "study/bench/bench_attention.h"
#include "study/bench/bench_ops.h"

#include "base/test.h"

static BenchAttentionOptions small(int64_t n_tokens, DType dtype)
{
    BenchAttentionOptions o = bench_attention_options_default();
    o.n_tokens = n_tokens;
    o.n_head = 4;
    o.n_kv_head = 2;
    o.head_dim = 20;
    o.chunk = 16;
    o.n_rounds = 2;
    o.dtype = dtype;
    return o;
}

/* Goal: plain, chunked and fused are one function, also where heads share keys and a chunk is cut short. Bound: sums of 70 terms in f32 reach
 * some 1e-5 of the largest; y, dq, dk, dv of the fused way are rounded to bf16, half a step of which is 2^-9, and so is what it makes dq of. */
TEST(bench_attention, three_ways_agree)
{
    BenchAttentionReport report;
    BenchAttentionOptions o = small(70, DTYPE_F32);
    REQUIRE_OK(bench_attention(&report, &o));
    CHECK(report.difference > 0 && report.difference < 2e-5);
    for (int way = 0; way < N_ATTENTION_WAYS; way++) {
        const BenchAttentionWay *w = &report.way[way];
        CHECK(w->was_run && w->seconds[0] > 0 && w->seconds[1] > 0 && w->seconds_min <= w->seconds_max);
    }
    o = small(70, DTYPE_BF16);
    REQUIRE_OK(bench_attention(&report, &o));
    CHECK(report.difference > 0 && report.difference < 2e-2);
}

/* Goal: memory of the fused way is linear in the tokens, of the chunked one too, of the plain one square; bytes moved by hand for one head of
 * plain: forward S = q k^T, softmax in place, y = P v. */
TEST(bench_attention, memory_and_bytes_are_those_of_the_plan)
{
    BenchAttentionReport short_one, long_one;
    BenchAttentionOptions o = small(2048, DTYPE_F32), twice = small(4096, DTYPE_F32);
    o.bytes_max = twice.bytes_max = 0;
    o.n_rounds = twice.n_rounds = 1;
    REQUIRE_OK(bench_attention(&short_one, &o));
    REQUIRE_OK(bench_attention(&long_one, &twice));
    double growth[N_ATTENTION_WAYS];
    for (int way = 0; way < N_ATTENTION_WAYS; way++)
        growth[way] = (double)long_one.way[way].memory_bytes / (double)short_one.way[way].memory_bytes;
    CHECK(growth[ATTENTION_FUSED] < 2.05);
    CHECK(growth[ATTENTION_CHUNKED] < 2.05);
    CHECK(growth[ATTENTION_PLAIN] > 3);
    CHECK(!long_one.way[ATTENTION_PLAIN].was_run && long_one.way[ATTENTION_FUSED].was_run);
    CHECK(long_one.way[ATTENTION_FUSED].memory_bytes < long_one.way[ATTENTION_PLAIN].memory_bytes / 10);
    double T = 2048, D = 20, scores = T * T * 4, rows = T * D * 4;
    CHECK_EQUAL(short_one.way[ATTENTION_PLAIN].bytes[0], 4 * ((2 * rows + scores) + 2 * scores + (scores + 2 * rows)));
    CHECK_EQUAL(short_one.flops[0], 4 * T * (T + 1) / 2 * D * 4);
    o.n_kv_head = 3;
    CHECK(bench_attention(&short_one, &o) == ERR_USAGE);
}

static const char tiny_json[] = "{\"model_type\": \"llama\", \"vocab_size\": 50, \"max_position_embeddings\": 16, \"hidden_size\": 16,"
                                " \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"intermediate_size\": 24, \"tie_word_embeddings\": true}";

/* Goal: operators are counted once a step, shares add up to one, and attention's FLOPs are those of visible pairs. By hand: two heads of 8 over
 * 16 tokens, 136 pairs a sequence, two sequences a micro batch and two of those a step: 4 x 136 x 2 x (4 x 8 + 4) forward. */
TEST(bench_ops, sums_up_a_step)
{
    Arena *arena = arena_new();
    ModelConfig config;
    REQUIRE_OK(model_config_parse(&config, arena, "tiny", tiny_json, strlen(tiny_json)));
    BenchTrainOptions options = bench_train_options_default();
    options.seq_len = 16;
    options.batch_size = 4;
    options.micro_batch_size = 2;
    options.n_rounds = 2;
    options.round_seconds = 0;
    BenchOpsReport *report = ARENA_NEW(arena, BenchOpsReport);
    REQUIRE_OK(bench_ops(report, &config, &options));
    double shares = 0, seen = 0;
    for (int i = 0; i < report->n; i++) {
        const BenchOp *op = &report->op[i];
        shares += op->share;
        CHECK(op->seconds > 0 && op->roofline_seconds >= 0 && (i == 0 || op->seconds <= report->op[i - 1].seconds));
        if (strcmp(op->op, "attention") == 0) {
            seen = op->flops;
            CHECK_EQUAL(op->n_runs, 2);
        }
    }
    CHECK_CLOSE(shares, 1, 1e-9);
    CHECK_CLOSE(seen, 4 * 136 * 2 * (4 * 8 + 4), 1e-6);
    /* weights, gradients and two moments, each read and written; a parameter more would be 32 bytes more, a slab's padding is less than a twentieth here */
    double bytes = 32.0 * (double)model_n_params(&config);
    CHECK(report->update.bytes >= bytes && report->update.bytes < 1.05 * bytes);
    CHECK(report->update.share > 0 && report->update.share_min <= report->update.share && report->update.share <= report->update.share_max);
    arena_free(arena);
}
