/* quality_ngrams.c - repetition of 2 to 10 words.
 *
 * A run of n words that comes twice contains a run of n - 1 words that does: only places whose shorter run came again are looked at for the
 * longer one. Most texts have few of them left after the first round. */
#include "text/corpus/quality_internal.h"

#include "base/arena_limit.h"

#include <string.h>

enum { TOP_MIN = 2, TOP_MAX = 4, DUPLICATE_MAX = 10 };

HashCounts hash_counts_new(Arena *arena, int n)
{
    uint64_t room = 16;
    while (room < 2 * (uint64_t)n)
        room *= 2;
    return (HashCounts){ARENA_ARRAY(arena, HashCount, room), room - 1};
}

/* A place where a run of words begins. */
typedef struct {
    uint64_t hash;
    int at;
    uint32_t slot;
} Place;

static uint64_t add_to_hash(uint64_t hash, uint64_t word)
{
    return (hash ^ word) * 0x9FB21C651E98DF25u + 0x2545F4914F6CDD1Du;
}

/* Lengthens all runs to n words, those that still fit, and counts them. */
static int count_runs(HashCounts *counts, Place *places, int n_places, const QualityWords *words, int n)
{
    int n_fit = 0;
    for (int i = 0; i < n_places && places[i].at + n <= words->n; i++) {
        Place *place = &places[n_fit++];
        place->hash = add_to_hash(place->hash, words->hash[place->at + n - 1]);
        place->slot = hash_counts_slot(counts, place->hash);
        counts->slots[place->slot].count++;
    }
    return n_fit;
}

static int64_t run_chars(const QualityWords *words, int at, int n)
{
    int64_t n_chars = 0;
    for (int k = 0; k < n; k++)
        n_chars += words->n_chars[at + k];
    return n_chars;
}

/* Characters of the most frequent run (blanks between its words counted) times how often it comes; of equals the first. Where none comes again that
 * is the run at the beginning. */
static int64_t top_run_chars(const HashCounts *counts, const Place *places, int n_places, const QualityWords *words, int n)
{
    if (words->n < n)
        return 0;
    uint32_t best = 1;
    int best_at = 0;
    for (int i = 0; i < n_places; i++) {
        uint32_t count = counts->slots[places[i].slot].count;
        if (count > best)
            best = count, best_at = places[i].at;
    }
    return (run_chars(words, best_at, n) + n - 1) * best;
}

/* Characters of runs seen before, none counted twice. */
static int64_t duplicate_run_chars(HashCounts *counts, const Place *places, int n_places, const QualityWords *words, int n)
{
    int64_t n_chars = 0;
    int free_from = 0;
    for (int i = 0; i < n_places; i++) {
        if (places[i].at < free_from)
            continue;
        HashCount *slot = &counts->slots[places[i].slot];
        if (slot->first++ == 0)
            continue;
        n_chars += run_chars(words, places[i].at, n);
        free_from = places[i].at + n;
    }
    return n_chars;
}

static int keep_repeated(const HashCounts *counts, Place *places, int n_places)
{
    int n = 0;
    for (int i = 0; i < n_places; i++)
        if (counts->slots[places[i].slot].count > 1)
            places[n++] = places[i];
    return n;
}

void quality_measure_ngrams(QualityFigures *figures, Arena *arena, const QualityWords *words, double n_chars)
{
    Place *places = arena_alloc_unset(arena, (size_t)words->n * sizeof *places);
    int n_places = words->n;
    for (int i = 0; i < n_places; i++)
        places[i] = (Place){.hash = add_to_hash(0, words->hash[i]), .at = i};
    for (int n = TOP_MIN; n <= DUPLICATE_MAX && !arena_is_spent(arena); n++) {
        HashCounts counts = hash_counts_new(arena, n_places);
        n_places = count_runs(&counts, places, n_places, words, n);
        int64_t found = n <= TOP_MAX ? top_run_chars(&counts, places, n_places, words, n)
                                     : duplicate_run_chars(&counts, places, n_places, words, n);
        figures->value[QUALITY_TOP_2 + n - TOP_MIN] = (double)found / n_chars;
        n_places = keep_repeated(&counts, places, n_places);
    }
}
