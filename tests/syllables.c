/* syllables.c - see syllables.h. */
#include "syllables.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/philox.h"
#include "text/unicode/utf8.h"

enum { N_SYLLABLES = 11000, WORD_SYLLABLES = 4, FIRST_SYLLABLE = 0xAC00 };

Err syllables_write(const char *path, int64_t n_words)
{
    Arena *arena = arena_new();
    char *text = arena_alloc_unset(arena, (size_t)n_words * (WORD_SYLLABLES * UTF8_BYTES_MAX + 1));
    size_t n = 0;
    for (int64_t w = 0; w < n_words; w++) {
        Philox r = philox(33, 0, (uint64_t)w, 0);
        for (int i = 0; i < WORD_SYLLABLES; i++)
            n += (size_t)utf8_encode(text + n, FIRST_SYLLABLE + r.word[i] % N_SYLLABLES);
        text[n++] = w % 20 == 19 ? '\n' : ' ';
    }
    Err err = file_write(path, text, n);
    arena_free(arena);
    return err;
}
