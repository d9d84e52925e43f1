/* corpus_memory_test.c - the stages with a first pass keep the whole process below the memory given, on ten times as much text. */
#include "base/file.h"
#include "base/philox.h"
#include "base/test.h"
#include "text/corpus/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SENTENCES = 4000, SENTENCES_A_DOCUMENT = 40, SENTENCE_BYTES = 240, COPIES_ONE_IN = 5 };

/* Sentences of words of both languages. */
static char **make_sentences(Arena *arena)
{
    static const char *const words[] = {"the", "river", "keeps", "Seoul", "market", "opened", "early", "and", "people", "walked", "서울", "시장은", "아침", "일찍", "문을",
                                        "열었고", "사람들이", "강가를", "걸었다", "오늘도"};
    char **sentences = ARENA_ARRAY(arena, char *, N_SENTENCES);
    for (int i = 0; i < N_SENTENCES; i++) {
        char *text = sentences[i] = arena_alloc(arena, SENTENCE_BYTES);
        int n = 0;
        for (int k = 0; k < 12; k++)
            n += snprintf(text + n, (size_t)(SENTENCE_BYTES - n), "%s ", words[philox_below(3, 1, (uint64_t)(12 * i + k), 20)]);
        snprintf(text + n, (size_t)(SENTENCE_BYTES - n), "%d. ", i);
    }
    return sentences;
}

/* Documents of 5 kB until there are n_bytes: sentences drawn anew, in lines of four; every fifth is a copy. */
static bool write_documents(const char *path, int64_t n_bytes)
{
    Arena *arena = arena_new();
    char **sentences = make_sentences(arena);
    FILE *file = fopen(path, "wb");
    int64_t n = 0;
    for (uint64_t i = 0; file && n < n_bytes; i++) {
        uint64_t what = i % COPIES_ONE_IN == 0 ? i / 100 * 100 : i;
        n += fprintf(file, "{\"id\": %llu, \"text\": \"", (unsigned long long)i);
        for (uint64_t k = 0; k < SENTENCES_A_DOCUMENT; k++)
            n += fprintf(file, "%s%llu%s", sentences[philox_below(4, 2, SENTENCES_A_DOCUMENT * what + k, N_SENTENCES)], (unsigned long long)(what * k % 1000003),
                         k % 4 == 3 ? ".\\n" : ". ");
        n += fprintf(file, "\"}\n");
    }
    arena_free(arena);
    return file && fclose(file) == 0;
}

/* A whole number of the JSON on stdout; -1: not there. */
static int64_t number_of(Arena *arena, const char *path, const char *name)
{
    const char *text;
    size_t n;
    if (file_read(&text, &n, arena, path) != OK)
        return -1;
    StageDocument fields = {.record = text, .n_record_bytes = strcspn(text, "\n"), .tags = ""};
    return (int64_t)stage_tag_number(arena, &fields, name);
}

static void check_peak(const char *stage, int64_t memory_bytes)
{
    Arena *arena = arena_new();
    const char *dir = test_dir(), *in = arena_printf(arena, "%s/in.jsonl", dir), *out = arena_printf(arena, "%s/stdout", dir);
    int status = system(arena_printf(arena, "TMPDIR=%s OMP_NUM_THREADS=2 %s corpus %s --memory %lld --out %s/out.jsonl --json > %s 2> %s/stderr", dir, JIKJI_BINARY,
                                     arena_printf(arena, stage, in), (long long)memory_bytes, dir, out, dir));
    CHECK_EQUAL(status, 0);
    int64_t peak = number_of(arena, out, "peak_bytes"), n_in = number_of(arena, out, "documents_in"), n_out = number_of(arena, out, "documents_out"),
            n_changed = number_of(arena, out, "changed");
    test_note("%s: %lld documents, %lld stay, %lld changed, peak %.1f MB of %.1f", stage, (long long)n_in, (long long)n_out, (long long)n_changed, (double)peak / 1e6,
              (double)memory_bytes / 1e6);
    CHECK(n_in > 0 && (n_out < n_in || n_changed > 0) && peak > 0);
    CHECK(TEST_IS_SANITIZED || peak < memory_bytes);
    arena_free(arena);
}

static void check_peaks(int64_t memory_bytes, int64_t input_bytes)
{
    static const char *const stages[] = {"dedup %s --method exact", "parts %s", "parts %s --unit sentence", "dedup %s", "dedup %s --shingle syllables",
                                         "dedup %s --shingle datatrove"};
    Arena *arena = arena_new();
    REQUIRE(write_documents(arena_printf(arena, "%s/in.jsonl", test_dir()), input_bytes));
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
        check_peak(stages[i], memory_bytes);
    arena_free(arena);
}

TEST(corpus_memory, smallest_limit_holds)
{
    check_peaks((int64_t)STAGE_MEMORY_MIN, 6000000);
}

SLOW_TEST(corpus_memory, limit_holds_on_ten_times_as_much_text)
{
    check_peaks((int64_t)STAGE_MEMORY_MIN, 10 * (int64_t)STAGE_MEMORY_MIN);
}

/* Goal: a limit that cannot be kept is refused by its name, with the least that can. */
TEST(corpus_memory, smaller_limits_are_refused)
{
    Arena *arena = arena_new();
    const char *dir = test_dir(), *text;
    size_t n;
    REQUIRE_OK(file_write(arena_printf(arena, "%s/in.jsonl", dir), "{\"text\":\"a\"}\n", 13));
    CHECK(system(arena_printf(arena, "%s corpus dedup %s/in.jsonl --memory 23M --out %s/out.jsonl > %s/stdout 2> %s/stderr", JIKJI_BINARY, dir, dir, dir, dir)) != 0);
    REQUIRE_OK(file_read(&text, &n, arena, arena_printf(arena, "%s/stderr", dir)));
    CHECK(strstr(text, "--memory") && strstr(text, "24000000"));
    arena_free(arena);
}
