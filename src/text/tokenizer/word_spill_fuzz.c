/* word_spill_fuzz.c - any bytes as two runs of counted words: refused, or merged into words no longer than they are. */
#include "text/tokenizer/word_spill.h"
#include "base/file.h"
#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static Err add_bytes(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    (void)bytes;
    assert(count > 0);
    *(size_t *)context += n_bytes;
    return OK;
}

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
    if (word_spill_open(&spill, dir, 7, &place) == OK) {
        size_t n_all = 0;
        if (word_spill_each(spill, add_bytes, &n_all) == OK)
            assert(n_all <= n_bytes);
        word_spill_free(spill);
    }
    err = file_remove_tree(dir);
    assert(err == OK);
    arena_free(arena);
    return 0;
}
