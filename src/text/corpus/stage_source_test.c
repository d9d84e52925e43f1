/* stage_source_test.c - every kind of input gives its documents: plain, gzip and Zstandard; from files and from standard input. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/stage_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define WARC_RECORD(version, type, head, block)                                                                                    \
    version "\r\nWARC-Type: " type "\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Date: 2020-01-01T00:00:00Z\r\nWARC-Target-URI: http://a.b/\r\n" head \
            "\r\n\r\n" block "\r\n\r\n"
#define PAGE_HTTP "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>one</p>"  /* 54 bytes */

typedef struct {
    const char *name, *content, *want;  /* want: texts, each with a '|' behind */
    const char *field;
    bool pages;
} Case;

static const Case cases[] = {
    {"a.txt", "one\ntwo\n", "one\ntwo\n|", NULL, false},
    {"a.jsonl", "{\"text\":\"one\"}\n{\"text\":\"two\"}\n", "one|two|", NULL, false},
    {"b.jsonl", "{\"body\":\"one\",\"text\":\"x\"}\n", "one|", "body", false},
    {"a.csv", "id,text\n1,\"one, \"\"two\"\"\"\n2,three\n", "one, \"two\"|three|", NULL, false},
    {"a.tsv", "id\ttext\n1\tone \"\n2\ttwo\n", "one \"|two|", NULL, false},
    {"b.tsv", "1\tone\n2\ttwo\n", "one|two|", "2", false},
    {"new.warc", WARC_RECORD("WARC/1.1", "response", "Content-Type: application/http; msgtype=response\r\nContent-Length: 54", PAGE_HTTP), "<p>one</p>|", NULL, true},
    {"usual.warc", WARC_RECORD("WARC/1.0", "response", "Content-Type: application/http; msgtype=response\r\nContent-Length: 54", PAGE_HTTP), "<p>one</p>|", NULL, true},
    {"early.warc", WARC_RECORD("WARC/0.17", "response", "Content-Type: application/http; msgtype=response\r\nContent-Length: 54", PAGE_HTTP), "<p>one</p>|", NULL, true},
    {"words.warc.wet", WARC_RECORD("WARC/1.0", "conversion", "Content-Type: text/plain\r\nContent-Length: 7", "one two"), "one two|", NULL, false},
    {"old.arc",
     "filedesc://a.arc 0.0.0.0 20200101000000 text/plain 68\n1 0 Made up\nURL IP-address Archive-date Content-type Archive-length\n"
     "\nhttp://a.b/ 1.2.3.4 20200101000000 text/html 54\n" PAGE_HTTP "\n", "<p>one</p>|", NULL, true},
};

static void write_plain(const char *path, const char *content) { CHECK_OK(file_write(path, content, strlen(content))); }

static void write_gzip(const char *path, const char *content)
{
    gzFile file = gzopen(path, "wb");
    gzwrite(file, content, (unsigned)strlen(content));
    gzclose(file);
}

static void write_zstd(const char *path, const char *content)
{
    char packed[4096];
    size_t n = ZSTD_compress(packed, sizeof packed, content, strlen(content), 3);
    CHECK(!ZSTD_isError(n) && file_write(path, packed, n) == OK);
}

static const char *read_all(Arena *arena, const char *path, const Case *c)
{
    StageOptions options = {.inputs = &path, .n_inputs = 1, .documents = document_options_default()};
    options.documents.field = c->field ? c->field : "text";
    StageSource *source;
    StageDocument document;
    Err err;
    const char *all = "";
    if (!CHECK_OK(stage_source_open(&source, &options, c->pages)))
        return all;
    while (stage_source_next(source, &document, &err)) {
        CHECK_EQUAL(document.is_page, c->pages);
        all = arena_printf(arena, "%s%.*s|", all, (int)document.n_bytes, document.text);
    }
    CHECK_OK(err);
    stage_source_free(source);
    return all;
}

TEST(stage_source, every_format_is_recognised_plain_and_compressed)
{
    static const struct { const char *ending; void (*write)(const char *path, const char *content); } packings[] = {{"", write_plain}, {".gz", write_gzip}, {".zst", write_zstd}};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t k = 0; k < sizeof packings / sizeof packings[0]; k++) {
            const char *path = arena_printf(arena, "%s/%s%s", test_dir(), cases[i].name, packings[k].ending);
            packings[k].write(path, cases[i].content);
            const char *got = read_all(arena, path, &cases[i]);
            if (!CHECK(strcmp(got, cases[i].want) == 0))
                test_note("%s%s: \"%s\"", cases[i].name, packings[k].ending, got);
        }
    arena_free(arena);
}

/* By content: standard input has no name. */
TEST(stage_source, standard_input_is_a_file_like_others)
{
    Arena *arena = arena_new();
    const char *dir = test_dir(), *text;
    size_t n;
    write_gzip(arena_printf(arena, "%s/in", dir), "{\"text\":\"one\"}\n{\"text\":\"two\"}\n");
    CHECK_EQUAL(system(arena_printf(arena, "%s corpus normalize - --out %s/out.txt < %s/in > %s/log 2>&1", JIKJI_BINARY, dir, dir, dir)), 0);
    REQUIRE_OK(file_read(&text, &n, arena, arena_printf(arena, "%s/out.txt", dir)));
    CHECK_STRING(text, "one\n\ntwo\n");
    write_plain(arena_printf(arena, "%s/recipe.yaml", dir), "version: 1\ninputs: ['-']\nstages: [normalize]\n");
    for (int again = 0; again < 2; again++)
        CHECK_EQUAL(system(arena_printf(arena, "%s corpus build %s/recipe.yaml --out %s/built --json < %s/in > %s/json 2> %s/log", JIKJI_BINARY, dir, dir, dir, dir, dir)), 0);
    REQUIRE_OK(file_read(&text, &n, arena, arena_printf(arena, "%s/json", dir)));
    CHECK(strstr(text, "\"up_to_date\":true") && strstr(text, "\"documents_out\":2"));
    REQUIRE_OK(file_read(&text, &n, arena, arena_printf(arena, "%s/built/build.json", dir)));
    CHECK(strstr(text, "\"path\": \"-\""));
    CHECK(!file_exists(arena_printf(arena, "%s/built/units", dir)));
    arena_free(arena);
}
