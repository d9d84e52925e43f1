/* batch_mix_test.c - mixtures: shares as asked, every row of a part once an epoch, the same rows however the steps are cut. */
#include "base/test.h"
#include "text/corpus/batch.h"

#include <stdlib.h>
#include <string.h>

enum { T = 8, VOCAB = 30000 };

/* A shard whose tokens tell where they stand: part * 10000 + place. */
static const char *write_part(Arena *arena, int part, int64_t n_tokens)
{
    const char *prefix = arena_printf(arena, "%s/part-%d", test_dir(), part);
    ShardWriter *writer;
    int32_t *tokens = ARENA_ARRAY(arena, int32_t, n_tokens);
    for (int64_t i = 0; i < n_tokens; i++)
        tokens[i] = part * 10000 + (int32_t)i;
    CHECK_OK(shard_writer_open(&writer, prefix, VOCAB));
    CHECK_OK(shard_writer_add(writer, tokens, n_tokens / 2));
    CHECK_OK(shard_writer_add(writer, tokens + n_tokens / 2, n_tokens - n_tokens / 2));
    CHECK_OK(shard_writer_commit(writer, NULL));
    return prefix;
}

static BatchSource *open_mix(Arena *arena, const double *weights, int n, int64_t batch_size, uint64_t seed)
{
    static const int64_t sizes[] = {4001, 801, 1601};
    const char **prefixes = ARENA_ARRAY(arena, const char *, n);
    BatchMixPart *parts = ARENA_ARRAY(arena, BatchMixPart, n);
    for (int i = 0; i < n; i++) {
        prefixes[i] = write_part(arena, i, sizes[i]);
        parts[i] = (BatchMixPart){&prefixes[i], 1, weights[i]};
    }
    BatchOptions options = batch_options_default();
    options.seq_len = T, options.batch_size = batch_size, options.vocab_size = VOCAB, options.seed = seed;
    BatchSource *source = NULL;
    CHECK_OK(batch_source_open_mix(&source, parts, n, &options));
    return source;
}

TEST(batch_mix, shares_are_exact_in_every_cycle_and_each_part_comes_once_an_epoch)
{
    static const double weights[] = {5, 1.5, 0.77};
    Arena *arena = arena_new();
    BatchSource *source = open_mix(arena, weights, 3, 1, 3);
    Batch batch = batch_alloc(arena, T);
    int counts[3] = {0}, *seen = ARENA_ARRAY(arena, int, VOCAB);
    for (int64_t step = 0; step < 2 * BATCH_MIX_CYCLE; step++) {
        int part = batch_source_part(source, step);
        batch_source_fill(source, step, 0, 1, &batch);
        if (step < BATCH_MIX_CYCLE)
            counts[part]++;
        CHECK(batch.tokens[0] / 10000 == part && batch.labels[T - 1] == batch.tokens[T - 1] + 1);
        seen[batch.tokens[0]]++;
    }
    for (int i = 0; i < 3; i++)
        CHECK(fabs(counts[i] - weights[i] / 7.27 * BATCH_MIX_CYCLE) < 1.0);
    CHECK_EQUAL(counts[0] + counts[1] + counts[2], BATCH_MIX_CYCLE);
    /* Each window of a part came as often as any other of it, give or take the epoch that is not over. */
    static const int n_rows[] = {500, 100, 200};
    for (int part = 0; part < 3; part++) {
        int least = 1 << 30, most = 0;
        for (int row = 0; row < n_rows[part]; row++) {
            int n = seen[part * 10000 + row * T];
            least = n < least ? n : least, most = n > most ? n : most;
        }
        CHECK(least > 0 && most - least <= 1);
    }
    batch_source_free(source);
    arena_free(arena);
}

/* Goal: the global order does not know of ranks, and resuming in the middle of an epoch needs the step alone. Method: rows one by one against batches
 * of 12 filled in slices of 3, from another source that begins at step 50. */
TEST(batch_mix, the_order_is_the_same_for_any_ranks_and_after_a_resume)
{
    static const double weights[] = {0.7, 0.3};
    Arena *arena = arena_new();
    BatchSource *one = open_mix(arena, weights, 2, 1, 9), *many = open_mix(arena, weights, 2, 12, 9), *other = open_mix(arena, weights, 2, 1, 10);
    Batch single = batch_alloc(arena, T), slice = batch_alloc(arena, 3 * T);
    int n_other = 0;
    for (int64_t step = 50; step < 400; step++)
        for (int rank = 0; rank < 4; rank++) {
            batch_source_fill(many, step, rank * 3, 3, &slice);
            for (int row = 0; row < 3; row++) {
                batch_source_fill(one, step * 12 + rank * 3 + row, 0, 1, &single);
                CHECK(memcmp(single.tokens, slice.tokens + row * T, T * sizeof *single.tokens) == 0);
                n_other += batch_source_part(other, step * 12 + rank * 3 + row) != batch_source_part(one, step * 12 + rank * 3 + row);
            }
        }
    CHECK(n_other > 500);
    CHECK(batch_source_cursor(one, 5).source_hash != batch_source_cursor(other, 5).source_hash);
    CHECK_EQUAL(batch_source_eval_n_rows(one), 600);
    int64_t n_targets = 0;
    for (int64_t row = 0; row < 602; row += 3) {
        batch_source_eval_fill(one, row, 3, &slice);
        n_targets += slice.n_targets;
    }
    CHECK_EQUAL(n_targets, batch_source_eval_n_targets(one));
    CHECK_EQUAL(n_targets, 4000 + 800);
    batch_source_free(one);
    batch_source_free(many);
    batch_source_free(other);
    arena_free(arena);
}

TEST(batch_mix, weights_that_say_nothing_are_refused)
{
    Arena *arena = arena_new();
    const char *prefix = write_part(arena, 0, 100);
    BatchMixPart parts[] = {{&prefix, 1, 1.0}, {&prefix, 1, 1e-9}};
    BatchOptions options = batch_options_default();
    BatchSource *source;
    CHECK(batch_source_open_mix(&source, parts, 2, &options) == ERR_USAGE);
    CHECK(batch_source_open_mix(&source, parts, 0, &options) == ERR_USAGE);
    arena_free(arena);
}
