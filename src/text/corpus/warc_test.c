/* warc_test.c - archives of every version, whole and broken. */
#include "base/file.h"
#include "base/log.h"
#include "base/test.h"
#include "text/corpus/warc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char *record_text(Arena *arena, int number, const char *payload)
{
    char *http = arena_printf(arena, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=EUC-KR\r\n\r\n%s", payload);
    return arena_printf(arena, "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.b/%d\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"
                               "Content-Type: application/http\r\nContent-Length: %zu\r\n\r\n%s\r\n\r\n", number, strlen(http), http);
}

static void gzip_append(const char *path, const void *bytes, size_t n)
{
    gzFile file = gzopen(path, "ab");
    gzwrite(file, bytes, (unsigned)n);
    gzclose(file);
}

/* Payloads of all records joined by '|'. */
static const char *read_payloads(Arena *arena, const char *path, size_t bytes_max, WarcCounts *counts)
{
    WarcReader *reader;
    char *joined = arena_strdup(arena, "");
    if (!CHECK_OK(warc_reader_open(&reader, path, bytes_max)))
        return joined;
    WarcRecord record;
    Err err;
    while (warc_reader_next(reader, &record, &err))
        joined = arena_printf(arena, "%s%.*s|", joined, (int)record.n_payload_bytes, record.payload);
    CHECK_OK(err);
    *counts = *warc_reader_counts(reader);
    warc_reader_free(reader);
    return joined;
}

TEST(warc, plain_and_gzip_records_are_read)
{
    Arena *arena = arena_new();
    const char *plain = arena_printf(arena, "%s/a.warc", test_dir()), *packed = arena_printf(arena, "%s/a.warc.gz", test_dir());
    const char *first = record_text(arena, 1, "one"), *second = record_text(arena, 2, "two");
    const char *both = arena_printf(arena, "%s%s", first, second);
    REQUIRE_OK(file_write(plain, both, strlen(both)));
    gzip_append(packed, first, strlen(first));
    gzip_append(packed, second, strlen(second));
    WarcCounts counts;
    CHECK_STRING(read_payloads(arena, plain, 1000, &counts), "one|two|");
    CHECK_EQUAL(counts.n_broken, 0);
    CHECK_STRING(read_payloads(arena, packed, 1000, &counts), "one|two|");
    CHECK_EQUAL(counts.n_records, 2);
    bool is;
    CHECK(warc_is_archive(&is, packed) == OK && is);
    CHECK(warc_is_archive(&is, __FILE__) != OK || !is);
    WarcReader *reader;
    REQUIRE_OK(warc_reader_open(&reader, plain, 1000));
    WarcRecord record;
    Err err;
    REQUIRE(warc_reader_next(reader, &record, &err));
    CHECK_STRING(record.uri, "http://a.b/1");
    CHECK_STRING(record.media_type, "text/html");
    CHECK_STRING(record.charset, "euc-kr");
    CHECK_EQUAL(record.http_status, 200);
    CHECK_EQUAL(record.type, WARC_RESPONSE);
    warc_reader_free(reader);
    arena_free(arena);
}

/* Goal: one damaged member costs one record. Method: a byte in the middle of the second of three members is turned over. */
TEST(warc, a_damaged_member_loses_only_itself)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/a.warc.gz", test_dir());
    int64_t begin, end;
    char body[400];
    for (int i = 0; i < 399; i++)
        body[i] = (char)('a' + i * i % 23);
    body[399] = '\0';
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            REQUIRE_OK(file_size(&begin, path));
        const char *record = record_text(arena, i, i == 1 ? body : "good");
        gzip_append(path, record, strlen(record));
        if (i == 1)
            REQUIRE_OK(file_size(&end, path));
    }
    const char *bytes;
    size_t n;
    REQUIRE_OK(file_read(&bytes, &n, arena, path));
    char *copy = arena_alloc(arena, n);
    for (int64_t at = begin + 20; at < end; at += 7) {
        memcpy(copy, bytes, n);
        copy[at] ^= 0x55;
        REQUIRE_OK(file_write(path, copy, n));
        WarcCounts counts;
        const char *payloads = read_payloads(arena, path, 1000, &counts);
        CHECK(strncmp(payloads, "good|", 5) == 0);
        CHECK(strlen(payloads) >= 10 && strcmp(payloads + strlen(payloads) - 5, "good|") == 0);
    }
    arena_free(arena);
}

TEST(warc, broken_records_are_counted_and_passed_over)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/a.warc", test_dir());
    const char *good = record_text(arena, 1, "good");
    const char *bad[] = {
        "WARC/1.0\r\nWARC-Type: response\r\n\r\nno length\r\n\r\n", "WARC/1.0\r\nContent-Length: many\r\n\r\n\r\n\r\n", "rubbish\nmore rubbish\n",
        "WARC/1.0\r\nContent-Length: -5\r\n\r\n\r\n\r\n", "WARC/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *text = arena_printf(arena, "%s%s%s", good, bad[i], good);
        REQUIRE_OK(file_write(path, text, strlen(text)));
        WarcCounts counts;
        CHECK_STRING(read_payloads(arena, path, 1000, &counts), "good|good|");
        CHECK(counts.n_broken >= 1 && counts.reason[0]);
    }
    const char *cut = arena_strndup(arena, good, strlen(good) - 8), *text = arena_printf(arena, "%s%s", good, cut);
    REQUIRE_OK(file_write(path, text, strlen(text)));
    WarcCounts counts;
    CHECK_STRING(read_payloads(arena, path, 1000, &counts), "good|");
    CHECK_EQUAL(counts.n_broken, 1);
    arena_free(arena);
}

TEST(warc, chunks_and_encodings_are_undone_within_the_limit)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/a.warc", test_dir());
    const char *http = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\n\r\n";
    const char *text = arena_printf(arena, "WARC/1.1\r\nWARC-Type: response\r\nContent-Length: %zu\r\n\r\n%s\r\n\r\n", strlen(http), http);
    REQUIRE_OK(file_write(path, text, strlen(text)));
    WarcCounts counts;
    CHECK_STRING(read_payloads(arena, path, 1000, &counts), "abcdefgh|");

    enum { BOMB = 4000000 };
    char *zeros = arena_alloc(arena, BOMB);
    const char *packed = arena_printf(arena, "%s/bomb.gz", test_dir()), *bytes;
    memset(zeros, 'z', BOMB);
    gzip_append(packed, zeros, BOMB);
    size_t n;
    REQUIRE_OK(file_read(&bytes, &n, arena, packed));
    const char *head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    FILE *file = fopen(path, "wb");
    fprintf(file, "WARC/1.1\r\nWARC-Type: response\r\nContent-Length: %zu\r\n\r\n%s", strlen(head) + n, head);
    fwrite(bytes, 1, n, file);
    fputs("\r\n\r\n", file);
    fclose(file);
    WarcReader *reader;
    REQUIRE_OK(warc_reader_open(&reader, path, 100000));
    WarcRecord record;
    Err err;
    REQUIRE(warc_reader_next(reader, &record, &err));
    CHECK(record.is_cut && record.n_payload_bytes == 100000 && record.payload[99999] == 'z');
    warc_reader_free(reader);
    arena_free(arena);
}

/* The files of the set: how many records are good is known from their sources. */
TEST(warc, real_archives_give_their_records)
{
    if (!test_data_dir())
        SKIP("no data");
    Arena *arena = arena_new();
    const struct { const char *path; int64_t n_min; int64_t n_broken_max; } cases[] = {
        {"aut/example.arc.gz", 300, 0}, {"aut/example.warc.gz", 822, 0}, {"warcio/example.warc", 6, 0}, {"warcio/example.warc.gz", 6, 0},
        {"warcio/example.arc", 2, 0}, {"warcio/example.arc.gz", 2, 0}, {"commoncrawl-whirlwind/whirlwind.warc.gz", 4, 0},
        {"commoncrawl-whirlwind/whirlwind.warc.wet", 2, 0}, {"warcio/bad.arc", 1, 9}, {"warcio/example-bad.warc.gz.bad", 1, 9},
        {"warcio/example-trunc.warc", 3, 9}, {"warcio/example-wrong-chunks.warc.gz", 2, 0}, {"warcio/example-space-in-url.arc", 1, 1},
        {"aut/badexample.arc.gz", 0, 9}, {"jwarc/gzip_extra_sl.warc.gz", 1, 9}, {"warcio/example-iana.org-chunked.warc", 3, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        WarcReader *reader;
        REQUIRE_OK(warc_reader_open(&reader, arena_printf(arena, "%s/web-warc/%s", test_data_dir(), cases[i].path), 1 << 24));
        WarcRecord record;
        Err err;
        while (warc_reader_next(reader, &record, &err))
            continue;
        CHECK_OK(err);
        const WarcCounts *counts = warc_reader_counts(reader);
        bool good = CHECK(counts->n_records >= cases[i].n_min) && CHECK(counts->n_broken <= cases[i].n_broken_max);
        if (!good)
            test_note("%s: %lld records, %lld broken: %s", cases[i].path, (long long)counts->n_records, (long long)counts->n_broken, counts->reason);
        warc_reader_free(reader);
    }
    arena_free(arena);
}

BENCH(warc, records_per_second)
{
    const char *path = getenv("JIKJI_BENCH_WARC");
    if (!path)
        SKIP("JIKJI_BENCH_WARC names no archive");
    WarcReader *reader;
    WarcRecord record;
    Err err;
    int64_t n = 0, n_bytes = 0;
    REQUIRE_OK(warc_reader_open(&reader, path, 1 << 24));
    double start = clock_seconds();
    while (warc_reader_next(reader, &record, &err))
        n++, n_bytes += (int64_t)record.n_payload_bytes;
    double seconds = clock_seconds() - start;
    test_note("%.0f records/s, %.1f MB/s of payload", (double)n / seconds, (double)n_bytes / seconds / 1e6);
    warc_reader_free(reader);
}
