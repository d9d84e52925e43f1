/* flat_shard_test.c - byte by byte what llm.c and nanoGPT read. tests/oracle/check_shards.py reads the same with their own rules. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/flat_shard.h"

#include <string.h>

static const char *write_ids(Arena *arena, const char *name, bool is_llmc, int64_t vocab_size, const int32_t *ids, int64_t n, size_t *n_bytes)
{
    FlatShard *shard;
    const char *path = arena_printf(arena, "%s/%s", test_dir(), name), *bytes = "";
    if (!CHECK_OK(flat_shard_open(&shard, path, is_llmc, vocab_size, n)))
        return "";
    CHECK_OK(flat_shard_add(shard, ids, n / 2));
    CHECK_OK(flat_shard_add(shard, ids + n / 2, n - n / 2));
    uint64_t hash = flat_shard_hash(shard), again = 0;
    CHECK_OK(flat_shard_commit(shard));
    CHECK_OK(file_hash(&again, path));
    CHECK_EQUAL(hash, again);
    CHECK_OK(file_read(&bytes, n_bytes, arena, path));
    return bytes;
}

TEST(flat_shard, bytes_are_those_of_the_formats)
{
    enum { N = 5 };
    static const int32_t ids[N] = {0, 1, 258, 50256, 7}, wide[N] = {0, 1, 258, 100000, 7};
    static const unsigned char narrow_bytes[] = {0, 0, 1, 0, 2, 1, 0x50, 0xC4, 7, 0};
    Arena *arena = arena_new();
    size_t n;
    const char *bytes = write_ids(arena, "nanogpt.bin", false, 50257, ids, N, &n);
    CHECK(n == sizeof narrow_bytes && memcmp(bytes, narrow_bytes, n) == 0);
    int32_t header[256];
    bytes = write_ids(arena, "llmc.bin", true, 50257, ids, N, &n);
    REQUIRE(n == sizeof header + sizeof narrow_bytes && memcmp(bytes + sizeof header, narrow_bytes, sizeof narrow_bytes) == 0);
    memcpy(header, bytes, sizeof header);
    CHECK(header[0] == 20240520 && header[1] == 1 && header[2] == N && header[3] == 0 && header[255] == 0);
    bytes = write_ids(arena, "llmc-wide.bin", true, 128256, wide, N, &n);
    REQUIRE(n == sizeof header + sizeof wide && memcmp(bytes + sizeof header, wide, sizeof wide) == 0);
    memcpy(header, bytes, sizeof header);
    CHECK(header[0] == 20240801 && header[1] == 7 && header[2] == N);
    arena_free(arena);
}

TEST(flat_shard, what_the_formats_cannot_say_is_refused)
{
    Arena *arena = arena_new();
    FlatShard *shard;
    const char *path = arena_printf(arena, "%s/x.bin", test_dir());
    CHECK(flat_shard_open(&shard, path, false, 65537, 10) == ERR_UNSUPPORTED);
    CHECK(flat_shard_open(&shard, path, true, 1000, INT64_C(1) << 31) == ERR_UNSUPPORTED);
    REQUIRE_OK(flat_shard_open(&shard, path, true, 1000, 2));
    CHECK(flat_shard_add(shard, (const int32_t[]){999, 1000}, 2) == ERR_FORMAT);
    flat_shard_abort(shard);
    CHECK(!file_exists(path));
    arena_free(arena);
}
