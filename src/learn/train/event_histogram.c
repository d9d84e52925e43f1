/* event_histogram.c - a bucket is found by the leading bits of a value: a table says the last limit at or below all values that share them, and at
 * most one more limit lies among these. */
#include "learn/train/event_histogram.h"

#include "base/arena.h"
#include "base/parallel.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = EVENT_HISTOGRAM_SIDE, N_BUCKETS = EVENT_HISTOGRAM_BUCKETS };
#define LIMIT_FIRST 1e-12
#define LIMIT_GROWTH 1.1

/* Sign, 11 bits of exponent, and of the mantissa the first six: values of one cell differ by less than 2 %, limits by 10 %. */
enum { CELL_SHIFT = 52 - 6, N_CELLS = 1 << 17 };

enum { PIECES_A_TURN = 64, TURNS_A_ROUND = 16 };  /* a turn: what one thread adds up alone */

typedef struct {
    double counts[N_BUCKETS];  /* the middle one is [0, first limit) of both signs */
    double min, max, sum, sum_squares, n;
} Tally;

struct EventHistogram {
    Tally all, turn[TURNS_A_ROUND];
    double limits[SIDE + 1];    /* from LIMIT_FIRST on; all that is larger shares the last bucket */
    uint16_t below[N_CELLS];    /* how many limits are at or below the least value of a cell */
};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void make_table(EventHistogram *h)
{
    for (int i = 0; i <= SIDE; i++)
        h->limits[i] = LIMIT_FIRST * pow(LIMIT_GROWTH, i);
    uint16_t below = 0;
    for (uint64_t cell = 0; cell < N_CELLS; cell++) {
        while (below < SIDE && bits_of(h->limits[below]) <= cell << CELL_SHIFT)
            below++;
        h->below[cell] = below;
    }
}

static void tally_clear(Tally *tally)
{
    *tally = (Tally){.min = INFINITY, .max = -INFINITY};
}

EventHistogram *event_histogram_new(void)
{
    EventHistogram *histogram = mem_alloc(sizeof *histogram);
    make_table(histogram);
    event_histogram_clear(histogram);
    return histogram;
}

void event_histogram_free(EventHistogram *histogram)
{
    free(histogram);
}

void event_histogram_clear(EventHistogram *histogram)
{
    tally_clear(&histogram->all);
}

static int bucket_of(const EventHistogram *h, double value)
{
    double size = fabs(value);
    int n_below = h->below[bits_of(size) >> CELL_SHIFT];
    n_below += n_below < SIDE && size >= h->limits[n_below];
    return value < 0 ? SIDE - n_below : SIDE + n_below;
}

static void tally_add(Tally *tally, const EventHistogram *h, const float *values, int64_t n, double scale)
{
    for (int64_t i = 0; i < n; i++) {
        double value = (double)values[i] * scale;
        if (!isfinite(value))
            continue;
        tally->counts[bucket_of(h, value)]++;
        tally->n++;
        tally->sum += value;
        tally->sum_squares += value * value;
        tally->min = value < tally->min ? value : tally->min;
        tally->max = value > tally->max ? value : tally->max;
    }
}

static void tally_join(Tally *into, const Tally *from)
{
    for (int i = 0; i < N_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->n += from->n;
    into->sum += from->sum;
    into->sum_squares += from->sum_squares;
    into->min = fmin(into->min, from->min);
    into->max = fmax(into->max, from->max);
}

typedef struct {
    EventHistogram *histogram;
    const EventValues *values;
    double scale;
    int64_t first;  /* of the round */
} Round;

static void add_turn(void *context, int64_t turn)
{
    enum { N = PIECES_A_TURN * EVENT_HISTOGRAM_PIECE };
    const Round *round = context;
    const EventValues *v = round->values;
    Tally *tally = &round->histogram->turn[turn];
    float piece[EVENT_HISTOGRAM_PIECE];
    tally_clear(tally);
    int64_t first = round->first + turn * N, stop = first + N < v->n ? first + N : v->n;
    for (int64_t at = first; at < stop; at += EVENT_HISTOGRAM_PIECE) {
        int64_t n = stop - at < EVENT_HISTOGRAM_PIECE ? stop - at : EVENT_HISTOGRAM_PIECE;
        v->read(v->context, at, n, piece);
        tally_add(tally, round->histogram, piece, n, round->scale);
    }
}

void event_histogram_add(EventHistogram *histogram, const EventValues *values, double scale)
{
    enum { A_TURN = PIECES_A_TURN * EVENT_HISTOGRAM_PIECE };
    Round round = {histogram, values, scale, 0};
    for (; round.first < values->n; round.first += TURNS_A_ROUND * A_TURN) {
        int64_t left = values->n - round.first, n_turns = (left + A_TURN - 1) / A_TURN;
        n_turns = n_turns < TURNS_A_ROUND ? n_turns : TURNS_A_ROUND;
        parallel_for(n_turns, add_turn, &round);
        for (int64_t i = 0; i < n_turns; i++)
            tally_join(&histogram->all, &histogram->turn[i]);
    }
}

EventHistogramSums event_histogram_sums(const EventHistogram *histogram)
{
    const Tally *all = &histogram->all;
    if (all->n == 0)
        return (EventHistogramSums){0};
    return (EventHistogramSums){all->min, all->max, all->sum, all->sum_squares, all->n};
}

/* The upper limit of bucket i. */
static double bucket_limit(const EventHistogram *h, int i)
{
    int side = i - SIDE;
    return side >= 0 ? h->limits[side] : -h->limits[-side - 1];
}

size_t event_histogram_buckets(const EventHistogram *histogram, double *limits, double *counts)
{
    const double *all = histogram->all.counts;
    size_t n = 0;
    for (int i = 0; i < N_BUCKETS; i++) {  /* one empty bucket below each full one bounds it, further ones say nothing */
        bool bounds = i + 1 < N_BUCKETS && all[i + 1] > 0;
        if (all[i] == 0 && !bounds)
            continue;
        limits[n] = bucket_limit(histogram, i);
        counts[n++] = all[i];
    }
    return n;
}
