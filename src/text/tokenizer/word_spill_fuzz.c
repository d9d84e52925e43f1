/* word_spill_fuzz.c - any bytes as two runs of counted words: refused, or merged into words in memory's own bounds. */
#include "text/tokenizer/word_spill.h"
#include "base/file.h"
#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes < 1)
        return 0;
    log_set_level(LOG_QUIET);
    Arena *arena = arena_new();
    const char *dir = arena_printf(arena, "/tmp/jikji-word-spill-fuzz-%d", (int)getpid());
    size_t n_first = 1 + (n_bytes - 1) * bytes[0] / 255;
    Err err = file_make_dirs(dir);
    assert(err == OK);
    err = file_write(arena_printf(arena, "%s/run-000000.words", dir), (const char *)bytes + 1, n_first - 1);
    assert(err == OK);
    if (n_first < n_bytes)
        err = file_write(arena_printf(arena, "%s/run-000001.words", dir), (const char *)bytes + n_first, n_bytes - n_first);
    assert(err == OK);
    WordSpill *spill = NULL;
    WordSpillPlace place;
    WordCounts counts;
    if (word_spill_open(&spill, dir, 7, &place) == OK) {
        if (word_spill_merge(spill, &counts, 1 << 20) == OK) {
            size_t n_pool = 0;
            for (int64_t w = 0; w < counts.n; w++) {
                assert(counts.words[w].count > 0 && counts.words[w].offset == n_pool);
                n_pool += counts.words[w].n_bytes;
            }
            assert(n_pool <= n_bytes);
            word_counts_release(&counts);
        }
        word_spill_free(spill);
    }
    err = file_remove_tree(dir);
    assert(err == OK);
    arena_free(arena);
    return 0;
}
