/* bench_passes_test.c - the table of passes on a small model. */
#include "study/bench/bench_passes.h"

#include "base/test.h"

#include <math.h>

/* Goal: the table says what each pass saves, that plan and memory agree, and that bits stay; precisions differ. */
TEST(bench_passes, recompute_saves_memory_and_keeps_the_bits)
{
    static const char json[] = "{\"model_type\": \"llama\", \"vocab_size\": 50, \"hidden_size\": 48, \"num_hidden_layers\": 6, \"num_attention_heads\": 3,"
                               " \"num_key_value_heads\": 1, \"intermediate_size\": 80, \"max_position_embeddings\": 64}";
    Arena *arena = arena_new();
    ModelConfig config;
    REQUIRE_OK(model_config_parse(&config, arena, "test", json, sizeof json - 1));
    BenchTrainOptions options = bench_train_options_default();
    options.seq_len = 64;
    options.batch_size = options.micro_batch_size = 8;
    options.n_rounds = 1;
    options.round_seconds = 0;
    options.memory.offload = test_dir();
    BenchPass *pass = ARENA_ARRAY(arena, BenchPass, BENCH_PASSES);
    REQUIRE_OK(bench_passes(pass, &config, &options, arena));
    CHECK(pass[0].report.first_step_hash != pass[7].report.first_step_hash && pass[7].report.first_step_hash != pass[10].report.first_step_hash);
    for (int i = 0; i < BENCH_PASSES; i++) {
        const BenchTrainReport *r = &pass[i].report;
        CHECK_EQUAL(r->mapped_bytes, r->program_bytes);
        CHECK(r->median.tokens_per_second > 0);
        bool repeats = pass[i].memory.recompute != RECOMPUTE_NONE;
        CHECK(repeats == (r->recompute_planned > 0) && repeats == (r->recompute_share > 0));
    }
    CHECK(pass[1].report.program_bytes < pass[3].report.program_bytes && pass[3].report.program_bytes < pass[0].report.program_bytes);
    CHECK(pass[9].report.program_bytes < pass[7].report.program_bytes && pass[4].report.program_bytes < pass[0].report.program_bytes);
    CHECK(pass[6].report.program_bytes > pass[0].report.program_bytes && pass[8].report.program_bytes > pass[7].report.program_bytes);
    arena_free(arena);
}
