/* shingle.c - plain words and syllables, hashed in runs. */
#include "text/corpus/shingle.h"

#include "text/corpus/hash.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c >= 0xAC00 && c <= 0xD7A3)
        return true;
    return c != UTF8_ILL_FORMED && char_is_word(c);
}

static uint32_t lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return c >= 0x1100 && c <= 0xD7A3 ? c : char_lower(c);  /* no case between Hangul jamo and syllables, kana and ideographs included */
}

/* Han and kana are written without blanks: each character is a word. */
static bool is_word_alone(uint32_t c)
{
    return (c >= 0x3041 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* Units of the text: begin and end of each word, or of each character, in the plain text at `plain`. */
typedef struct {
    char *plain;
    uint32_t *ends;  /* of unit i; it begins at ends[i - 1] */
    int64_t n;
} Units;

static void end_word(Units *units, uint32_t *n)
{
    units->plain[(*n)++] = ' ';
    units->ends[units->n++] = *n;
}

/* Words end in a blank in the plain text, so that "ab c" and "a bc" differ. */
static Units units_of(Arena *arena, const char *text, size_t n_bytes, ShingleUnit unit)
{
    Units units = {.plain = arena_alloc_unset(arena, 2 * n_bytes + 8)};
    units.ends = arena_alloc_unset(arena, (n_bytes + 1) * sizeof *units.ends);
    const char *end = text + n_bytes;
    uint32_t n = 0;
    bool in_word = false, in_number = false;
    for (const char *at = text; at < end;) {
        uint32_t c;
        if (utf8_is_syllable(at, end)) {
            memcpy(units.plain + n, at, 3);
            n += 3, at += 3;
            if (unit == SHINGLE_SYLLABLES)
                units.ends[units.n++] = n;
            in_word = true, in_number = false;
            continue;
        }
        at += utf8_decode(&c, at, end);
        bool word = is_word(c), digit = c >= '0' && c <= '9', alone = word && unit == SHINGLE_WORDS && is_word_alone(c);
        if (word && digit && in_number)
            continue;  /* a run of digits is one 0 */
        if (alone && in_word)
            end_word(&units, &n);
        if (word) {
            n += (uint32_t)utf8_encode(units.plain + n, digit ? '0' : lower(c));
            if (unit == SHINGLE_SYLLABLES)
                units.ends[units.n++] = n;
        } else if (in_word && unit == SHINGLE_WORDS) {
            end_word(&units, &n);
        }
        if (alone)
            end_word(&units, &n);
        in_word = word && !alone;
        in_number = word && digit;
    }
    if (in_word && unit == SHINGLE_WORDS)
        end_word(&units, &n);
    return units;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

ShingleSet shingle_list(Arena *arena, const char *text, size_t n_bytes, ShingleUnit unit, int n)
{
    if (unit == SHINGLE_DATATROVE)
        return shingle_list_datatrove(arena, text, n_bytes, n);
    Units units = units_of(arena, text, n_bytes, unit);
    int64_t n_shingles = units.n == 0 ? 0 : units.n < n ? 1 : units.n - n + 1;
    ShingleSet set = {.hashes = ARENA_ARRAY(arena, uint64_t, n_shingles + 1)};
    for (int64_t i = 0; i < n_shingles; i++) {
        uint32_t begin = i > 0 ? units.ends[i - 1] : 0, end = units.ends[i + n <= units.n ? i + n - 1 : units.n - 1];
        set.hashes[i] = hash64(units.plain + begin, end - begin, 0);
    }
    set.n = n_shingles;
    return set;
}

ShingleSet shingle_set(Arena *arena, const char *text, size_t n_bytes, ShingleUnit unit, int n)
{
    ShingleSet set = shingle_list(arena, text, n_bytes, unit, n);
    int64_t n_all = set.n;
    qsort(set.hashes, (size_t)n_all, sizeof *set.hashes, compare_hashes);
    set.n = 0;
    for (int64_t i = 0; i < n_all; i++)
        if (i == 0 || set.hashes[i] != set.hashes[set.n - 1])
            set.hashes[set.n++] = set.hashes[i];
    return set;
}

double shingle_jaccard(const ShingleSet *a, const ShingleSet *b)
{
    int64_t both = 0;
    for (int64_t i = 0, k = 0; i < a->n && k < b->n;) {
        uint64_t x = a->hashes[i], y = b->hashes[k];
        both += x == y;
        i += x <= y;
        k += y <= x;
    }
    int64_t any = a->n + b->n - both;
    return any ? (double)both / (double)any : 1.0;
}
