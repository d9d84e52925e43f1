/* shingle.c - plain words and syllables. */
#include "text/corpus/shingle_internal.h"

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

/* Words end in a blank in the plain text, so that "ab c" and "a bc" differ. */
static void end_word(ShingleRuns *runs)
{
    runs->bytes[runs->n_bytes++] = ' ';
    shingle_runs_end_unit(runs);
}

/* A letter that is neither ASCII nor a syllable, or a border; false for a border. Where text has no blanks, words end at once. */
static bool take_other(ShingleRuns *runs, uint32_t c, bool words, bool in_word)
{
    bool word = is_word(c), alone = word && words && is_word_alone(c);
    if (in_word && words && (alone || !word))
        end_word(runs);
    if (word)
        runs->n_bytes += (size_t)utf8_encode(runs->bytes + runs->n_bytes, lower(c));
    if (alone)
        end_word(runs);
    else if (word && !words)
        shingle_runs_end_unit(runs);
    return word && !alone;
}

static void each_plain(ShingleRuns *runs, const char *text, size_t n_bytes, bool words)
{
    const char *end = text + n_bytes;
    bool in_word = false, in_number = false;
    for (const char *at = text; at < end && shingle_runs_have_room(runs);) {
        if ((unsigned char)*at < 0x80) {
            char plain = shingle_plain_ascii((unsigned char)*at++);
            bool digit = plain == '0';
            if (digit && in_number)
                continue;  /* a run of digits is one 0 */
            if (plain) {
                runs->bytes[runs->n_bytes++] = plain;
                if (!words)
                    shingle_runs_end_unit(runs);
            } else if (in_word && words) {
                end_word(runs);
            }
            in_word = plain != '\0', in_number = digit;
        } else if (utf8_is_syllable(at, end)) {
            memcpy(runs->bytes + runs->n_bytes, at, 3);
            runs->n_bytes += 3, at += 3;
            if (!words)
                shingle_runs_end_unit(runs);
            in_word = true, in_number = false;
        } else {
            uint32_t c;
            at += utf8_decode(&c, at, end);
            in_word = take_other(runs, c, words, in_word);
            in_number = false;
        }
    }
    if (in_word && words)
        end_word(runs);
}

void shingle_each(Arena *arena, const char *text, size_t n_bytes, ShingleUnit unit, int n, ShingleVisit *visit, void *context)
{
    if (unit == SHINGLE_DATATROVE) {
        shingle_each_datatrove(arena, text, n_bytes, n, visit, context);
        return;
    }
    ShingleRuns runs = shingle_runs_new(arena, n, false, visit, context);
    each_plain(&runs, text, n_bytes, unit == SHINGLE_WORDS);
    shingle_runs_end(&runs, true);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

typedef struct {
    Arena *arena;
    ShingleSet set;
    int64_t room;
} Growing;

static void keep(void *context, const uint64_t *hashes, int64_t n)
{
    Growing *g = context;
    if (g->set.n + n > g->room) {
        g->room = 2 * (g->set.n + n);
        uint64_t *more = arena_alloc_unset(g->arena, (size_t)g->room * sizeof *more);
        if (g->set.n > 0)
            memcpy(more, g->set.hashes, (size_t)g->set.n * sizeof *more);
        g->set.hashes = more;
    }
    memcpy(g->set.hashes + g->set.n, hashes, (size_t)n * sizeof *hashes);
    g->set.n += n;
}

ShingleSet shingle_set(Arena *arena, const char *text, size_t n_bytes, ShingleUnit unit, int n)
{
    Growing all = {.arena = arena};
    shingle_each(arena, text, n_bytes, unit, n, keep, &all);
    if (all.set.n == 0)
        return all.set;
    qsort(all.set.hashes, (size_t)all.set.n, sizeof *all.set.hashes, compare_hashes);
    ShingleSet set = {.hashes = all.set.hashes};
    for (int64_t i = 0; i < all.set.n; i++)
        if (i == 0 || all.set.hashes[i] != set.hashes[set.n - 1])
            set.hashes[set.n++] = all.set.hashes[i];
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
