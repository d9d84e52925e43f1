/* event_histogram.h - how large the values of a tensor are, in fine buckets that grow by a tenth, as TensorBoard's own writers use. */
#ifndef LEARN_TRAIN_EVENT_HISTOGRAM_H
#define LEARN_TRAIN_EVENT_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { EVENT_HISTOGRAM_SIDE = 774, EVENT_HISTOGRAM_BUCKETS = 2 * EVENT_HISTOGRAM_SIDE + 1 };  /* limits: 1e-12 to past 1e20, on both sides of 0 */

typedef struct EventHistogram EventHistogram;
EventHistogram *event_histogram_new(void);
void event_histogram_free(EventHistogram *histogram);  /* NULL is fine */
void event_histogram_clear(EventHistogram *histogram);

/* Where values come from: `read` gives values[0 .. n-1] of the tensor from `first` on, n <= EVENT_HISTOGRAM_PIECE; any thread may call it. */
enum { EVENT_HISTOGRAM_PIECE = 4096 };
typedef struct {
    void (*read)(const void *context, int64_t first, int64_t n, float *values);
    const void *context;
    int64_t n;
} EventValues;
/* All values times `scale`, on all threads, the same sums on any number of them; what is not finite is left out. */
void event_histogram_add(EventHistogram *histogram, const EventValues *values, double scale);

typedef struct {
    double min, max, sum, sum_squares, n;  /* of what was added; zeros when that is nothing */
} EventHistogramSums;
EventHistogramSums event_histogram_sums(const EventHistogram *histogram);
/* Upper limits and counts of the buckets that say something, at most EVENT_HISTOGRAM_BUCKETS; returns how many. */
size_t event_histogram_buckets(const EventHistogram *histogram, double *limits, double *counts);

#endif
