/* synth_web_test.c - pages are a pure function of their number, hold what their truth says, and read back from the archive. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/charset.h"
#include "text/corpus/synth_web.h"
#include "text/corpus/warc.h"

#include <string.h>

TEST(synth_web, a_page_holds_what_its_truth_says)
{
    Arena *arena = arena_new();
    int n_copies = 0, n_pii = 0, n_other = 0;
    for (uint64_t k = 0; k < 300; k++) {
        WebPage page = synth_web_page(5, k, arena), again = synth_web_page(5, k, arena);
        CHECK(page.n_html_bytes == again.n_html_bytes && memcmp(page.html, again.html, page.n_html_bytes) == 0);
        CharsetText utf8 = charset_decode(arena, page.html, page.n_html_bytes, page.charset, "");
        for (int i = 0; i < page.n_pii; i++)
            CHECK(strstr(page.text, page.pii[i].value) && memmem(utf8.text, utf8.n_bytes, page.pii[i].value, strlen(page.pii[i].value)));
        if (page.copy_of >= 0)
            CHECK_STRING(synth_web_page(5, (uint64_t)page.copy_of, arena).text, page.text);
        if (page.near_of >= 0)
            CHECK(strncmp(synth_web_page(5, (uint64_t)page.near_of, arena).text, page.text, 100) == 0);
        n_copies += page.copy_of >= 0 || page.near_of >= 0;
        n_pii += page.n_pii;
        n_other += strcmp(page.language, "ko") != 0 && strcmp(page.language, "en") != 0;
    }
    CHECK(n_copies > 30 && n_pii > 60 && n_other > 30);
    arena_free(arena);
}

TEST(synth_web, the_archive_reads_back)
{
    Arena *arena = arena_new();
    for (int packed = 0; packed < 2; packed++) {
        const char *path = arena_printf(arena, "%s/web.warc%s", test_dir(), packed ? ".gz" : "");
        WebReport report;
        REQUIRE_OK(synth_web_write(&report, 5, 200000, path));
        WarcReader *reader;
        WarcRecord record;
        Err err;
        uint64_t k = 0;
        REQUIRE_OK(warc_reader_open(&reader, path, 1 << 24));
        while (warc_reader_next(reader, &record, &err)) {
            if (record.type != WARC_RESPONSE)
                continue;
            WebPage page = synth_web_page(5, k++, arena);
            CHECK_STRING(record.uri, page.url);
            CHECK(record.n_payload_bytes == page.n_html_bytes && memcmp(record.payload, page.html, page.n_html_bytes) == 0);
        }
        CHECK_OK(err);
        CHECK_EQUAL(k, report.n_pages);
        CHECK_EQUAL(warc_reader_counts(reader)->n_broken, 0);
        warc_reader_free(reader);
    }
    WebReport report;
    CHECK(synth_web_write(&report, 5, 1000, arena_printf(arena, "%s/web.jsonl", test_dir())) == ERR_USAGE);
    arena_free(arena);
}
