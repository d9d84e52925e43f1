/* shard_test.c - shards are Megatron's bytes, read back exactly, and a damaged one is refused with one line. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/shard.h"
#include "text/corpus/shard_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The documents of tests/golden/megatron/make.py. */
static int golden_document(int32_t *tokens, int document, int scale)
{
    for (int i = 0; i <= document; i++)
        tokens[i] = (37 * document + 11 * i) % 300 * scale;
    return document + 1;
}

static bool same_bytes(const char *path_a, const char *path_b)
{
    Arena *arena = arena_new();
    const char *a, *b;
    size_t n_a, n_b;
    bool same = CHECK_OK(file_read(&a, &n_a, arena, path_a)) && CHECK_OK(file_read(&b, &n_b, arena, path_b)) && n_a == n_b &&
                memcmp(a, b, n_a) == 0;
    arena_free(arena);
    return same;
}

static Err write_golden(const char *prefix, int64_t vocab_size, int scale)
{
    ShardWriter *writer;
    TRY(shard_writer_open(&writer, prefix, vocab_size));
    for (int d = 0; d < 20; d++) {
        int32_t tokens[20];
        int n = golden_document(tokens, d, scale);
        TRY(shard_writer_add(writer, tokens, n));
    }
    return shard_writer_commit(writer, "{\"tokenizer\": \"none\"}");
}

/* Goal: other trainers read our files. Method: byte equality with pairs that numpy wrote from the format's description. */
TEST(shard, bytes_equal_megatrons)
{
    Arena *arena = arena_new();
    const struct { const char *name; int64_t vocab_size; int scale; } cases[] = {{"u16", 300, 1}, {"i32", 65500, 211}};
    for (int i = 0; i < 2; i++) {
        const char *prefix = arena_printf(arena, "%s/%s", test_dir(), cases[i].name);
        REQUIRE_OK(write_golden(prefix, cases[i].vocab_size, cases[i].scale));
        for (int part = 0; part < 2; part++) {
            const char *ending = part ? "idx" : "bin";
            const char *golden = test_source_path(arena_printf(arena, "tests/golden/megatron/%s.%s", cases[i].name, ending));
            CHECK(same_bytes(arena_printf(arena, "%s.%s", prefix, ending), golden));
        }
    }
    arena_free(arena);
}

TEST(shard, reads_back_what_was_written)
{
    Arena *arena = arena_new();
    const char *prefix = arena_printf(arena, "%s/a", test_dir());
    REQUIRE_OK(write_golden(prefix, 70000, 211));
    Shard *shard;
    REQUIRE_OK(shard_open(&shard, prefix));
    CHECK_EQUAL(shard_n_documents(shard), 20);
    CHECK_EQUAL(shard_n_tokens(shard), 210);
    CHECK_EQUAL(shard_token_bytes(shard), 4);
    for (int d = 0; d < 20; d++) {
        int32_t want[20], got[20];
        int n = golden_document(want, d, 211);
        int64_t begin = shard_document_begin(shard, d);
        CHECK_EQUAL(shard_document_begin(shard, d + 1) - begin, n);
        shard_read(shard, begin, n, got);
        CHECK(memcmp(want, got, (size_t)n * sizeof *want) == 0);
    }
    CHECK_OK(shard_check_tokens(shard, 299 * 211 + 1));
    CHECK(shard_check_tokens(shard, 1000) == ERR_FORMAT);
    bool has_sum;
    CHECK_OK(shard_check_sum(prefix, &has_sum));
    CHECK(has_sum);
    shard_free(shard);
    arena_free(arena);
}

/* Megatron allows several sequences a document, none, wider types, and a byte a sequence at the end. */
TEST(shard, reads_every_shape_that_megatron_writes)
{
    Shard *shard;
    char prefix[4096];
    snprintf(prefix, sizeof prefix, "%s", test_source_path("tests/golden/megatron/several"));
    REQUIRE_OK(shard_open(&shard, prefix));
    CHECK_EQUAL(shard_n_documents(shard), 3);
    int64_t begins[] = {0, 4, 4, 6};
    for (int d = 0; d < 4; d++)
        CHECK_EQUAL(shard_document_begin(shard, d), begins[d]);
    int32_t tokens[6];
    shard_read(shard, 0, 6, tokens);
    for (int i = 0; i < 6; i++)
        CHECK_EQUAL(tokens[i], i + 1);
    CHECK(shard_check_tokens(shard, 6) == ERR_FORMAT);
    CHECK_OK(shard_check_tokens(shard, 7));
    shard_free(shard);
}

/* Opens a pair whose index is `bytes` beside the golden .bin of 420 bytes. */
static Err open_damaged(const char *bytes, size_t n_bytes)
{
    char prefix[4096], path[4200];
    snprintf(prefix, sizeof prefix, "%s/damaged", test_dir());
    snprintf(path, sizeof path, "%s.idx", prefix);
    TRY(file_write(path, bytes, n_bytes));
    Shard *shard;
    Err err = shard_open(&shard, prefix);
    shard_free(shard);
    return err;
}

/* Goal: no index, however broken, lets a read leave the file. Method: truncation at every length, and every 64-bit or 32-bit field
 * replaced by hostile values. Only the modes-free original may open. */
TEST(shard, a_damaged_index_is_refused)
{
    Arena *arena = arena_new();
    const char *bin, *idx;
    size_t n_bin, n_idx;
    REQUIRE_OK(file_read(&bin, &n_bin, arena, test_source_path("tests/golden/megatron/u16.bin")));
    REQUIRE_OK(file_read(&idx, &n_idx, arena, test_source_path("tests/golden/megatron/u16.idx")));
    REQUIRE_OK(file_write(arena_printf(arena, "%s/damaged.bin", test_dir()), bin, n_bin));
    CHECK_OK(open_damaged(idx, n_idx));
    for (size_t n = 0; n < n_idx; n += n < 40 ? 1 : 13)
        CHECK(open_damaged(idx, n) == ERR_FORMAT);

    char *copy = arena_alloc(arena, n_idx + 8);
    const int64_t hostile[] = {-1, INT64_MIN, INT64_MAX, 1, (int64_t)1 << 32, 0x7fffffff};
    for (size_t at = 0; at < n_idx; at += at < 34 ? 1 : 10) {
        for (int i = 0; i < 6; i++) {
            memcpy(copy, idx, n_idx);
            memcpy(copy + at, &hostile[i], sizeof hostile[i]);
            if (memcmp(copy, idx, n_idx) != 0)
                CHECK(open_damaged(copy, n_idx) != OK);
        }
    }
    memcpy(copy, idx, n_idx);
    CHECK(open_damaged(copy, n_idx + 3) == ERR_FORMAT);
    CHECK(strstr(err_message(), "damaged.idx") != NULL);
    arena_free(arena);
}

TEST(shard, an_id_outside_the_vocabulary_is_refused_and_nothing_stays)
{
    Arena *arena = arena_new();
    const char *prefix = arena_printf(arena, "%s/b", test_dir());
    ShardWriter *writer;
    REQUIRE_OK(shard_writer_open(&writer, prefix, 100));
    int32_t tokens[] = {5, 100};
    CHECK(shard_writer_add(writer, tokens, 2) == ERR_FORMAT);
    shard_writer_abort(writer);
    char **names;
    int n_names;
    REQUIRE_OK(file_list_dir(&names, &n_names, arena, test_dir()));
    CHECK_EQUAL(n_names, 0);
    arena_free(arena);
}

TEST(shard, the_sum_finds_a_flipped_bit)
{
    Arena *arena = arena_new();
    const char *prefix = arena_printf(arena, "%s/c", test_dir());
    REQUIRE_OK(write_golden(prefix, 300, 1));
    const char *path = arena_printf(arena, "%s.bin", prefix), *bytes;
    size_t n_bytes;
    REQUIRE_OK(file_read(&bytes, &n_bytes, arena, path));
    char *copy = arena_strndup(arena, bytes, n_bytes);
    memcpy(copy, bytes, n_bytes);
    copy[100] ^= 4;
    REQUIRE_OK(file_write(path, copy, n_bytes));
    bool has_sum;
    CHECK(shard_check_sum(prefix, &has_sum) == ERR_FORMAT);
    CHECK(strstr(err_message(), "c.bin") != NULL);
    arena_free(arena);
}
