/* synth_write_test.c - files of synth: the same bytes for any number of threads, readable in every form. */
#include "base/file.h"
#include "base/parallel.h"
#include "base/test.h"
#include "text/corpus/document.h"
#include "text/corpus/synth_write.h"

TEST(synth_write, bytes_do_not_depend_on_threads)
{
    Arena *arena = arena_new();
    SynthOptions options = {.seed = 3};
    uint64_t hashes[2];
    int n_threads = parallel_threads();
    for (int i = 0; i < 2; i++) {
        parallel_set_threads(i == 0 ? 1 : 4);
        const char *path = arena_printf(arena, "%s/%d.jsonl.zst", test_dir(), i);
        SynthReport report;
        REQUIRE_OK(synth_write(&report, &options, 400000, path));
        CHECK(report.n_bytes >= 400000 && report.n_bytes < 410000);
        REQUIRE_OK(file_hash(&hashes[i], path));
    }
    parallel_set_threads(n_threads);
    CHECK_EQUAL(hashes[0], hashes[1]);
    arena_free(arena);
}

/* Goal: what is written is what the readers give. Method: the texts of each form, and documents made anew, are the same. */
TEST(synth_write, every_form_reads_back)
{
    Arena *arena = arena_new();
    SynthOptions options = {.seed = 8};
    const char *names[] = {"a.jsonl", "a.jsonl.gz", "a.jsonl.zst"};
    for (int i = 0; i < 3; i++) {
        const char *path = arena_printf(arena, "%s/%s", test_dir(), names[i]);
        SynthReport report;
        REQUIRE_OK(synth_write(&report, &options, 50000, path));
        DocumentOptions how = document_options_default();
        DocumentReader *reader;
        REQUIRE_OK(document_reader_open(&reader, path, &how));
        Document document;
        Err err;
        uint64_t k = 0;
        while (document_reader_next(reader, &document, &err))
            CHECK_STRING(document.text, synth_document(&options, k++, arena).text);
        CHECK_OK(err);
        CHECK_EQUAL(k, report.n_documents);
        CHECK_EQUAL(document_reader_counts(reader)->n_text_bytes, report.n_bytes);
        document_reader_free(reader);
    }
    SynthReport report;
    CHECK(synth_write(&report, &options, 1000, arena_printf(arena, "%s/a.doc", test_dir())) == ERR_USAGE);
    arena_free(arena);
}
