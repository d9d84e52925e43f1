/* shingle.c - plain words and syllables, hashed in runs. */
#include "text/corpus/shingle_internal.h"

#include "text/corpus/hash.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(uint32_t c)
{
    return c != UTF8_ILL_FORMED && char_is_word(c);
}

static uint32_t lower(uint32_t c)
{
    return c >= 0x1100 && c <= 0xD7A3 ? c : char_lower(c);  /* no case between Hangul jamo and syllables, kana and ideographs included */
}

/* Han and kana are written without blanks: each character is a word. */
static bool is_word_alone(uint32_t c)
{
    return (c >= 0x3041 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* Units of the text: where each word, or each character, ends in the plain text at `plain`; it begins where the one before ends. ends[0] = 0 is the
 * beginning of the first. */
typedef struct {
    char *plain;
    uint32_t *ends;
    int64_t n;
    uint32_t n_plain;
    bool words;
} Units;

static void end_unit(Units *units)
{
    units->ends[++units->n] = units->n_plain;
}

/* Words end in a blank in the plain text, so that "ab c" and "a bc" differ. */
static void end_word(Units *units)
{
    units->plain[units->n_plain++] = ' ';
    end_unit(units);
}

/* A letter that is neither ASCII nor a syllable, or a border; false for a border. Where text has no blanks, words end at once. */
static bool take_other(Units *units, uint32_t c, bool in_word)
{
    bool word = is_word(c), alone = word && units->words && is_word_alone(c);
    if (in_word && units->words && (alone || !word))
        end_word(units);
    if (word)
        units->n_plain += (uint32_t)utf8_encode(units->plain + units->n_plain, lower(c));
    if (alone)
        end_word(units);
    else if (word && !units->words)
        end_unit(units);
    return word && !alone;
}

static Units units_of(Arena *arena, const char *text, size_t n_bytes, bool words)
{
    Units units = {.plain = arena_alloc_unset(arena, 2 * n_bytes + 8), .words = words};
    units.ends = arena_alloc_unset(arena, (n_bytes + 2) * sizeof *units.ends);
    units.ends[0] = 0;
    const char *end = text + n_bytes;
    bool in_word = false, in_number = false;
    for (const char *at = text; at < end;) {
        if ((unsigned char)*at < 0x80) {
            char plain = shingle_plain_ascii((unsigned char)*at++);
            bool digit = plain == '0';
            if (digit && in_number)
                continue;  /* a run of digits is one 0 */
            if (plain) {
                units.plain[units.n_plain++] = plain;
                if (!words)
                    end_unit(&units);
            } else if (in_word && words) {
                end_word(&units);
            }
            in_word = plain != '\0', in_number = digit;
        } else if (utf8_is_syllable(at, end)) {
            memcpy(units.plain + units.n_plain, at, 3);
            units.n_plain += 3, at += 3;
            if (!words)
                end_unit(&units);
            in_word = true, in_number = false;
        } else {
            uint32_t c;
            at += utf8_decode(&c, at, end);
            in_word = take_other(&units, c, in_word);
            in_number = false;
        }
    }
    if (in_word && words)
        end_word(&units);
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
    Units units = units_of(arena, text, n_bytes, unit == SHINGLE_WORDS);
    int64_t run = units.n < n ? units.n : n, n_shingles = units.n == 0 ? 0 : units.n - run + 1;
    ShingleSet set = {.hashes = arena_alloc_unset(arena, (size_t)n_shingles * sizeof *set.hashes), .n = n_shingles};
    hash64_pieces(set.hashes, units.plain, units.ends, units.ends + run, n_shingles);
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
