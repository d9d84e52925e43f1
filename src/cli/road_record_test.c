/* road_record_test.c - records of stages: what is written is read, damage is survived, differences are named. */
#include "cli/road_record.h"

#include "base/file.h"
#include "base/test.h"

static StageRecord example(Arena *arena)
{
    StageRecord r = {.stage = "tokenizer", .done = true, .seconds = 1.5, .result = "4096 tokens"};
    record_add(&r.settings, arena, "tokenizer.vocab_size", "4096");
    record_add(&r.inputs, arena, "corpus/synth.jsonl", "xxh3 0123456789abcdef");
    record_set_value(&r, "vocab_size", 4096);
    record_set_value(&r, "val_loss", NAN);
    return r;
}

TEST(road_record, reads_what_it_wrote)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/tokenizer.json", test_dir());
    StageRecord wrote = example(arena), read;
    bool exists;
    REQUIRE_OK(record_read(&read, &exists, arena, path));
    CHECK(!exists);
    REQUIRE_OK(record_write(&wrote, path));
    REQUIRE_OK(record_read(&read, &exists, arena, path));
    REQUIRE(exists && read.done);
    CHECK_STRING(read.stage, "tokenizer");
    CHECK_STRING(read.result, "4096 tokens");
    CHECK(read.seconds == 1.5 && record_value(&read, "vocab_size") == 4096);
    CHECK(isnan(record_value(&read, "val_loss")) && isnan(record_value(&read, "other")));
    CHECK(!record_difference(&wrote.settings, &read.settings, arena) && !record_difference(&wrote.inputs, &read.inputs, arena));
    arena_free(arena);
}

/* Goal: a record cut short, of another format, or no record at all, means that the stage is done again, not that the road ends. */
TEST(road_record, a_damaged_record_counts_as_none)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/x.json", test_dir()), *const damaged[] = {"{\"format\":1,\"stage\":", "{\"format\":2}", "[]", ""};
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        StageRecord read;
        bool exists = true;
        REQUIRE_OK(file_write(path, damaged[i], strlen(damaged[i])));
        CHECK_OK(record_read(&read, &exists, arena, path));
        CHECK(!exists);
    }
    arena_free(arena);
}

TEST(road_record, says_what_changed)
{
    Arena *arena = arena_new();
    RecordPairs was = {0}, is = {0};
    record_add(&was, arena, "a", "1");
    record_add(&is, arena, "a", "2");
    CHECK_STRING(record_difference(&was, &is, arena), "a was 1, is 2");
    is.text[0] = "1";
    CHECK(!record_difference(&was, &is, arena));
    record_add(&is, arena, "text.txt", "xxh3 0000000000000001");
    CHECK_STRING(record_difference(&was, &is, arena), "text.txt is new");
    record_add(&was, arena, "text.txt", "xxh3 0000000000000002");
    CHECK_STRING(record_difference(&was, &is, arena), "text.txt changed");
    is.text[1] = "absent";
    CHECK_STRING(record_difference(&was, &is, arena), "text.txt is gone");
    arena_free(arena);
}
