/* document_test.c - every format gives its documents, plain or compressed, and what is broken is counted. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/document.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* Writes `text` to the test's folder and reads its documents, joined by '|'. */
static const char *read_all(Arena *arena, const char *name, const char *text, size_t n_bytes, DocumentOptions options,
                            DocumentCounts *counts, Err *err)
{
    const char *path = arena_printf(arena, "%s/%s", test_dir(), name);
    CHECK_OK(file_write(path, text, n_bytes));
    DocumentReader *reader;
    char *joined = arena_strdup(arena, "");
    if ((*err = document_reader_open(&reader, path, &options)) != OK)
        return joined;
    Document document;
    while (document_reader_next(reader, &document, err)) {
        CHECK_EQUAL(strlen(document.text), document.n_bytes);
        if (document_reader_counts(reader)->n_documents <= 300)
            joined = arena_printf(arena, "%s%s|", joined, document.text);
    }
    if (counts)
        *counts = *document_reader_counts(reader);
    document_reader_free(reader);
    return joined;
}

static const char *read_text(Arena *arena, const char *name, const char *text, DocumentFormat format, const char *field)
{
    DocumentOptions options = document_options_default();
    options.format = (int)format;
    if (field)
        options.field = field;
    Err err;
    const char *joined = read_all(arena, name, text, strlen(text), options, NULL, &err);
    CHECK_OK(err);
    return joined;
}

TEST(document, each_format_gives_its_documents)
{
    Arena *arena = arena_new();
    CHECK_STRING(read_text(arena, "a.txt", "one\r\ntwo\n\nthree", DOCUMENT_AUTO, NULL), "one\ntwo\n\nthree\n|");
    CHECK_STRING(read_text(arena, "a.txt", "one\n\n  \ntwo", DOCUMENT_LINES, NULL), "one|two|");
    CHECK_STRING(read_text(arena, "a.txt", "one\nmore\n\n\ntwo\n", DOCUMENT_PARAGRAPHS, NULL), "one\nmore|two|");
    CHECK_STRING(read_text(arena, "a.jsonl", "{\"text\":\"가\\n나\"}\n\n{\"id\":1,\"text\":\"b\"}\n", DOCUMENT_AUTO, NULL), "가\n나|b|");
    CHECK_STRING(read_text(arena, "a.json", "{\"body\":\"x\",\"text\":\"y\"}\n", DOCUMENT_AUTO, "body"), "x|");
    CHECK_STRING(read_text(arena, "a.tsv", "id\tdocument\n1\ta \"b\"\n2\tc\n", DOCUMENT_AUTO, "document"), "a \"b\"|c|");
    CHECK_STRING(read_text(arena, "a.tsv", "1\ta\n2\tc\n", DOCUMENT_AUTO, "2"), "a|c|");
    CHECK_STRING(read_text(arena, "a.csv", "id,text\n1,\"a,\"\"b\"\"\nc\"\n2,d\n", DOCUMENT_AUTO, NULL), "a,\"b\"\nc|d|");
    CHECK_STRING(read_text(arena, "a.txt", "\xef\xbb\xbfone\n", DOCUMENT_TEXT, NULL), "one\n|");
    CHECK_STRING(read_text(arena, "a.txt", "", DOCUMENT_TEXT, NULL), "");
    arena_free(arena);
}

TEST(document, what_is_broken_is_skipped_and_counted)
{
    Arena *arena = arena_new();
    DocumentOptions options = document_options_default();
    options.bytes_max = 100;
    char text[600];
    int n = snprintf(text, sizeof text, "{\"text\":\"a\"}\n{\"text\":\n{\"title\":\"b\"}\n{\"text\":\"%0150d\"}\n{\"text\":\"\\ud800\xff\"}\n[1]\n{\"text\":\"z\"}", 1);
    DocumentCounts counts;
    Err err;
    CHECK_STRING(read_all(arena, "b.jsonl", text, (size_t)n, options, &counts, &err), "a|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|z|");
    CHECK_OK(err);
    CHECK_EQUAL(counts.n_documents, 3);
    CHECK_EQUAL(counts.n_skipped, 4);
    CHECK_EQUAL(counts.n_repaired, 1);
    CHECK(strstr(counts.reason, "b.jsonl:2:") != NULL);
    CHECK_STRING(read_all(arena, "c.tsv", "a\tb\n1\n2\t3\n", 10, (DocumentOptions){.format = DOCUMENT_TSV, .field = "b", .bytes_max = 99},
                          &counts, &err), "3|");
    CHECK_EQUAL(counts.n_skipped, 1);
    read_all(arena, "d.tsv", "a\tb\n1\t2\n", 8, options, &counts, &err);
    CHECK(err == ERR_FORMAT && strstr(err_message(), "no column \"text\""));
    arena_free(arena);
}

/* Goal: compression is seen through, also several members, and a cut file is an error after its good part. */
TEST(document, compressed_files_are_the_same_documents)
{
    Arena *arena = arena_new();
    char *lines = arena_alloc(arena, 400000);
    size_t n = 0;
    for (int i = 0; i < 20000; i++)
        n += (size_t)sprintf(lines + n, "line %d\n", i * 7919);
    DocumentOptions options = document_options_default();
    options.format = DOCUMENT_LINES;
    Err err;
    DocumentCounts counts;
    const char *plain = arena_strndup(arena, lines, 2000);
    plain = read_all(arena, "a.txt", plain, 2000, options, NULL, &err);

    char *packed = arena_alloc(arena, 500000);
    size_t n_first = ZSTD_compress(packed, 500000, lines, 1000, 3);
    size_t n_packed = n_first + ZSTD_compress(packed + n_first, 400000, lines + 1000, 1000, 3);
    CHECK_STRING(read_all(arena, "a.zst", packed, n_packed, options, &counts, &err), plain);
    CHECK_OK(err);
    read_all(arena, "cut.zst", packed, n_packed - 5, options, &counts, &err);
    CHECK(err == ERR_FORMAT);

    gzFile file = gzopen(arena_printf(arena, "%s/a.gz", test_dir()), "wb");
    gzwrite(file, lines, 1000);
    gzclose(file);
    file = gzopen(arena_printf(arena, "%s/a.gz", test_dir()), "ab");
    gzwrite(file, lines + 1000, 1000);
    gzclose(file);
    const char *bytes;
    REQUIRE_OK(file_read(&bytes, &n_packed, arena, arena_printf(arena, "%s/a.gz", test_dir())));
    CHECK_STRING(read_all(arena, "b.gz", bytes, n_packed, options, &counts, &err), plain);
    CHECK_OK(err);
    read_all(arena, "cut.gz", bytes, n_packed - 5, options, &counts, &err);
    CHECK(err == ERR_FORMAT);
    CHECK(strstr(err_message(), "cut.gz") != NULL);

    n_packed = ZSTD_compress(packed, 500000, lines, n, 3);
    read_all(arena, "all.zst", packed, n_packed, options, &counts, &err);
    CHECK_EQUAL(counts.n_documents, 20000);
    arena_free(arena);
}

TEST(document, folders_and_patterns_become_sorted_files)
{
    Arena *arena = arena_new();
    const char *dir = test_dir();
    REQUIRE_OK(file_make_dirs(arena_printf(arena, "%s/in/b", dir)));
    const char *names[] = {"in/c.txt", "in/a.txt", "in/b/x.txt", "in/.hidden"};
    for (int i = 0; i < 4; i++)
        REQUIRE_OK(file_write(arena_printf(arena, "%s/%s", dir, names[i]), "x", 1));
    char **paths;
    int n;
    const char *folder = arena_printf(arena, "%s/in", dir);
    REQUIRE_OK(document_list_files(&paths, &n, arena, &folder, 1));
    CHECK_EQUAL(n, 3);
    for (int i = 0; i < 3 && n == 3; i++)
        CHECK_STRING(paths[i], arena_printf(arena, "%s/%s", dir, (const char *[]){"in/a.txt", "in/b/x.txt", "in/c.txt"}[i]));
    const char *pattern = arena_printf(arena, "%s/in/*.txt", dir);
    REQUIRE_OK(document_list_files(&paths, &n, arena, &pattern, 1));
    CHECK_EQUAL(n, 2);
    const char *missing = "no/such/file";
    CHECK(document_list_files(&paths, &n, arena, &missing, 1) == ERR_IO);
    arena_free(arena);
}

/* Real files of each kind, against counts known from their sources. */
TEST(document, real_sets_have_their_known_sizes)
{
    if (!test_data_dir())
        SKIP("no data");
    Arena *arena = arena_new();
    const struct { const char *path, *field; DocumentFormat format; int64_t n; } cases[] = {
        {"en-names/names.txt", NULL, DOCUMENT_LINES, 32033},
        {"en-tinyshakespeare/input.txt.zst", NULL, DOCUMENT_TEXT, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DocumentOptions options = document_options_default();
        options.format = (int)cases[i].format;
        DocumentReader *reader;
        REQUIRE_OK(document_reader_open(&reader, arena_printf(arena, "%s/%s", test_data_dir(), cases[i].path), &options));
        Document document;
        Err err;
        while (document_reader_next(reader, &document, &err))
            continue;
        CHECK_OK(err);
        CHECK_EQUAL(document_reader_counts(reader)->n_documents, cases[i].n);
        document_reader_free(reader);
    }
    arena_free(arena);
}
