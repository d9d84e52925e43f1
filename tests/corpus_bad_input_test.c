/* corpus_bad_input_test.c - what the world's files do to a build: bombs, endless lines, deep nesting, bytes that are no text, files that break
 * off. Good documents beside and around them all arrive; what is bad is counted; memory stays bounded. */
#include "base/file.h"
#include "base/json.h"
#include "base/test.h"
#include "text/corpus/document.h"
#include "text/corpus/part.h"
#include "text/corpus/warc_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A file in DIR/in; `name` of a good document is its only word "good-NAME". */
static FILE *create(Arena *arena, const char *name)
{
    FILE *file = fopen(arena_printf(arena, "%s/in/%s", test_dir(), name), "wb");
    CHECK(file != NULL);
    return file;
}

static const char *good_line(Arena *arena, const char *name)
{
    return arena_printf(arena, "{\"id\":\"%s\",\"text\":\"good-%s 좋은 문서\"}\n", name, name);
}

/* n_bytes of one letter as the text of a document, between good ones, as one gzip member. */
static void write_bomb(Arena *arena, const char *name, int64_t n_bytes)
{
    FILE *file = popen(arena_printf(arena, "gzip -1 > %s/in/%s", test_dir(), name), "w");
    char *block = arena_alloc(arena, 1 << 20);
    memset(block, 'a', 1 << 20);
    fputs(good_line(arena, "before-bomb"), file);
    fputs("{\"text\":\"", file);
    for (int64_t i = 0; i < n_bytes; i += 1 << 20)
        fwrite(block, 1, 1 << 20, file);
    fputs("\"}\n", file);
    fputs(good_line(arena, "after-bomb"), file);
    CHECK_EQUAL(pclose(file), 0);
}

/* A line that never seems to end: a hole in a file. */
static void write_endless_line(Arena *arena, const char *name, int64_t n_bytes)
{
    FILE *file = create(arena, name);
    fputs(good_line(arena, "before-line"), file);
    fflush(file);
    CHECK(ftruncate(fileno(file), (off_t)n_bytes) == 0);
    fseek(file, 0, SEEK_END);
    fputs("\n", file);
    fputs(good_line(arena, "after-line"), file);
    fclose(file);
}

static void write_nested(Arena *arena)
{
    FILE *file = create(arena, "nested.html");
    fputs("<html><body><article><p>good-nested</p>", file);
    for (int i = 0; i < 100000; i++)
        fputs("<div><b>", file);
    fputs("<p>deep</p></body></html>", file);
    fclose(file);
}

static void write_ill_formed(Arena *arena)
{
    FILE *file = create(arena, "ill-formed.jsonl");
    fputs(good_line(arena, "before-ill-formed"), file);
    fputs("{\"text\":\"good-bytes \xff\xfe\xc0\x80\xed\xa0\x80 end\"}\n", file);
    fputs("{\"text\":\"good-surrogate \\ud800 \\udc00\\ud800 end\"}\n", file);
    fputs("{\"text\":\"not closed\n", file);
    fputs("{\"text\":7}\n[1,2]\nnot json\n{\"other\":\"x\"}\n{}\n", file);
    for (int i = 0; i < 2000; i++)
        fputs("[", file);
    fputs("\n", file);
    fputs(good_line(arena, "after-ill-formed"), file);
    fclose(file);
}

/* Compressed files that break off in the middle, and with a bit turned. Random text keeps the good lines at the front out of the damage. */
static void write_cut(Arena *arena)
{
    Bytes lines = {0};
    const char *good = good_line(arena, "before-cut");
    bytes_add(&lines, good, strlen(good));
    for (uint32_t i = 1; i < 40000; i++) {
        const char *line = arena_printf(arena, "{\"text\":\"filler %x %x %x\"}\n", i * 2654435761u, i * 40503u * i, i ^ (i << 13));
        bytes_add(&lines, line, strlen(line));
    }
    FILE *whole = popen(arena_printf(arena, "gzip > %s/whole.gz", test_dir()), "w");
    fwrite(lines.bytes, 1, lines.n, whole);
    CHECK_EQUAL(pclose(whole), 0);
    const char *bytes;
    size_t n;
    CHECK_OK(file_read(&bytes, &n, arena, arena_printf(arena, "%s/whole.gz", test_dir())));
    FILE *file = create(arena, "cut.jsonl.gz");
    fwrite(bytes, 1, n * 2 / 3, file);
    fclose(file);
    bytes_compress(&lines, 3);
    lines.bytes[lines.n * 2 / 3] ^= 0x10;
    file = create(arena, "flipped.jsonl.zst");
    fwrite(lines.bytes, 1, lines.n, file);
    fclose(file);
    bytes_free(&lines);
}

/* Pages that are bombs and garbage, between good ones. */
static void write_archive(Arena *arena, int64_t bomb_bytes)
{
    WarcWriter *warc;
    const char *date = "2026-01-01T00:00:00Z", *path = arena_printf(arena, "%s/in/pages.warc.gz", test_dir());
    if (!CHECK_OK(warc_writer_open(&warc, path, date)))
        return;
    char *big = mem_alloc((size_t)bomb_bytes + 1);
    memset(big, 'z', (size_t)bomb_bytes);
    for (int i = 0; i < 3; i++) {
        const char *page = arena_printf(arena, "<html><body><p>good-page-%d</p></body></html>", i);
        CHECK_OK(warc_writer_add_response(warc, arena_printf(arena, "%08d-0000-4000-8000-000000000000", i), arena_printf(arena, "http://a.example/%d", i),
                                          date, "text/html", page, strlen(page)));
        CHECK_OK(warc_writer_add_response(warc, "ffffffff-0000-4000-8000-000000000000", "http://a.example/bomb", date, i == 1 ? "text/html; charset=utf-16" : "text/html",
                                          big, (size_t)bomb_bytes));
    }
    free(big);
    CHECK_OK(warc_writer_commit(warc));
}

static bool is_there(const char *text, Arena *arena, const char *name)
{
    bool found = strstr(text, arena_printf(arena, "good-%s", name)) != NULL;
    if (!found)
        test_note("good-%s is lost", name);
    return found;
}

static void check_build(int64_t bomb_bytes, int64_t rss_max)
{
    static const char *const good[] = {"before-bomb", "after-bomb", "before-line", "after-line", "nested", "before-ill-formed", "bytes", "surrogate",
                                       "after-ill-formed", "before-cut", "page-0", "page-1", "page-2"};
    Arena *arena = arena_new();
    const char *dir = test_dir(), *web_warc = test_data_dir() ? arena_printf(arena, ", %s/web-warc", test_data_dir()) : "";
    REQUIRE_OK(file_make_dirs(arena_printf(arena, "%s/in", dir)));
    write_bomb(arena, "bomb.jsonl.gz", bomb_bytes);
    write_endless_line(arena, "line.jsonl", bomb_bytes);
    write_nested(arena);
    write_ill_formed(arena);
    write_cut(arena);
    write_archive(arena, bomb_bytes / 16);
    const char *yaml = arena_printf(arena, "version: 1\ninputs: [%s/in%s]\nout: %s/out\nlimits: {document_bytes: 4M}\nstages:\n  - extract\n  - normalize\n"
                                    "  - quality: {rules: []}\n  - dedup: {method: exact}\n  - pii\n", dir, web_warc, dir);
    REQUIRE_OK(file_write(arena_printf(arena, "%s/bad.yaml", dir), yaml, strlen(yaml)));
    int status = system(arena_printf(arena, "OMP_NUM_THREADS=2 %s corpus build %s/bad.yaml --json > %s/stdout 2> %s/stderr", JIKJI_BINARY, dir, dir, dir));
    const char *text = "", *lines = "";
    size_t n;
    file_read(&text, &n, arena, arena_printf(arena, "%s/stderr", dir));
    if (!CHECK_EQUAL(status, 0))
        test_note("%s", text);
    REQUIRE(status == 0);
    const char *packed;
    Bytes all = {0};
    DocumentReader *reader;
    DocumentOptions options = document_options_default();
    Document document;
    Err err;
    packed = arena_printf(arena, "%s/out/documents.jsonl.zst", dir);
    REQUIRE_OK(document_reader_open(&reader, packed, &options));
    while (document_reader_next(reader, &document, &err))
        bytes_add(&all, document.text, document.n_bytes + 1);
    CHECK_OK(err);
    document_reader_free(reader);
    for (size_t i = 0; i < all.n; i++)
        all.bytes[i] = all.bytes[i] ? all.bytes[i] : '\n';
    bytes_add(&all, "", 1);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK(is_there(all.bytes, arena, good[i]));
    bytes_free(&all);
    REQUIRE_OK(file_read(&lines, &n, arena, arena_printf(arena, "%s/stdout", dir)));
    const char *skipped = strstr(lines, "\"skipped\":"), *broken = strstr(lines, "\"broken\":"), *repaired = strstr(lines, "\"repaired\":"),
               *peak = strstr(lines, "\"peak_bytes\":");
    REQUIRE(skipped && broken && repaired && peak);
    test_note("%ld skipped, %ld broken, %ld repaired", atol(skipped + 10), atol(broken + 9), atol(repaired + 11));
    CHECK(atol(skipped + 10) >= 9 && atol(broken + 9) >= 2 && atol(repaired + 11) >= 2);
    /* As the build itself tells it: getrusage here would also know the tests before this one. */
    test_note("peak memory %.0f MB", (double)atol(peak + 13) / 1e6);
    CHECK(TEST_IS_SANITIZED || (atol(peak + 13) > 0 && atol(peak + 13) < rss_max));
    arena_free(arena);
}

TEST(corpus_bad_input, good_documents_arrive_and_bad_ones_are_counted)
{
    check_build(16 << 20, 400 << 20);
}

SLOW_TEST(corpus_bad_input, bombs_and_lines_of_a_gigabyte_take_no_more_memory)
{
    check_build(1 << 30, 400 << 20);
}
