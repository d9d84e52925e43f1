/* minhash_datatrove_test.c - signatures equal to the bit (tests/golden/minhash/make.py). */
#include "base/test.h"
#include "text/corpus/minhash.h"
#include "text/corpus/stage.h"

#include <stdlib.h>
#include <string.h>

TEST(minhash, signatures_equal_datatroves)
{
    Arena *arena = arena_new();
    DocumentOptions documents = document_options_default();
    DocumentReader *reader;
    REQUIRE_OK(document_reader_open(&reader, test_source_path("tests/golden/minhash/signatures.jsonl"), &documents));
    Document document;
    Err err;
    int n = 0, n_values = 0;
    MinHash *minhash = ARENA_NEW(arena, MinHash);
    for (; document_reader_next(reader, &document, &err); n++) {
        StageDocument fields = {.record = document.record, .n_record_bytes = document.n_record_bytes, .tags = ""};
        int n_bands = (int)stage_tag_number(arena, &fields, "bands"), n_rows = (int)stage_tag_number(arena, &fields, "rows");
        minhash_init_datatrove(minhash, n_bands, n_rows, (uint32_t)stage_tag_number(arena, &fields, "seed"));
        ShingleSet set = shingle_set(arena, document.text, document.n_bytes, SHINGLE_DATATROVE, (int)stage_tag_number(arena, &fields, "n"));
        const char *golden = stage_tag_text(arena, &fields, "signature");
        uint64_t signature[MINHASH_MAX];
        minhash_signature(minhash, &set, signature);
        CHECK((set.n == 0) == (golden[0] == '\0'));
        for (int i = 0; i < n_bands * n_rows && set.n > 0; i++, n_values++)
            CHECK_EQUAL((long long)signature[i], (long long)strtoull(golden, (char **)&golden, 10));
    }
    CHECK_OK(err);
    CHECK_EQUAL(n, 20);
    test_note("%d values", n_values);
    document_reader_free(reader);
    arena_free(arena);
}
