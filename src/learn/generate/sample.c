/* sample.c - the choice of the next token (top-k: Fan et al. 2018; top-p: Holtzman et al. 2020, arXiv:1904.09751).
 *
 * Only tokens that may stay are put in order: a heap gives them one by one, most likely first. */
#include "base/philox.h"
#include "learn/generate/generate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
    double *logit;  /* [V], divided by the temperature */
    int32_t *heap;  /* ids, the most likely at 0 */
    int64_t n_heap;
    int32_t *kept;
    int64_t n_kept;
} Sampler;

size_t sample_scratch_bytes(int64_t vocab_size)
{
    return (size_t)vocab_size * (sizeof(double) + 2 * sizeof(int32_t));
}

static bool is_before(const Sampler *s, int32_t a, int32_t b)
{
    return s->logit[a] > s->logit[b] || (s->logit[a] == s->logit[b] && a < b);
}

static void heap_sift(Sampler *s, int64_t i)
{
    const int32_t id = s->heap[i];
    for (int64_t child = 2 * i + 1; child < s->n_heap; child = 2 * i + 1) {
        if (child + 1 < s->n_heap && is_before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (!is_before(s, s->heap[child], id))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = id;
}

static void heap_fill(Sampler *s, const int32_t *ids, int64_t n)
{
    s->n_heap = n;
    for (int64_t i = 0; i < n; i++)
        s->heap[i] = ids ? ids[i] : (int32_t)i;
    for (int64_t i = n / 2 - 1; i >= 0; i--)
        heap_sift(s, i);
}

static int32_t heap_pop(Sampler *s)
{
    int32_t id = s->heap[0];
    s->heap[0] = s->heap[--s->n_heap];
    if (s->n_heap > 0)
        heap_sift(s, 0);
    return id;
}

/* The k most likely, and whatever equals the last of them. */
static void keep_top_k(Sampler *s, int64_t k)
{
    s->n_kept = 0;
    while (s->n_heap > 0 && (s->n_kept < k || s->logit[s->heap[0]] == s->logit[s->kept[s->n_kept - 1]]))
        s->kept[s->n_kept++] = heap_pop(s);
}

static double weight(const Sampler *s, int32_t id, double max)
{
    return exp(s->logit[id] - max);
}

/* From the n candidates of the heap, whose weights sum to `total`. */
static void keep_top_p(Sampler *s, double top_p, double max, double total)
{
    double before = 0;
    s->n_kept = 0;
    while (s->n_heap > 0 && (s->n_kept == 0 || before < top_p * total)) {
        int32_t id = heap_pop(s);
        before += weight(s, id, max);
        s->kept[s->n_kept++] = id;
    }
}

static int compare_ids(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

static double uniform(uint64_t seed, uint64_t sequence, uint64_t position)
{
    Philox random = philox(seed, philox_stream("generate"), sequence, position);
    uint64_t bits = (uint64_t)random.word[0] << 32 | random.word[1];
    return (double)(bits >> 11) * 0x1p-53;
}

static double total_weight(const Sampler *s, double max)
{
    double total = 0;
    for (int64_t i = 0; i < s->n_kept; i++)
        total += weight(s, s->kept[i], max);
    return total;
}

static int32_t draw(const Sampler *s, double max, double u)
{
    double target = u * total_weight(s, max), sum = 0;
    for (int64_t i = 0; i < s->n_kept; i++) {
        sum += weight(s, s->kept[i], max);
        if (sum > target)
            return s->kept[i];
    }
    return s->kept[s->n_kept - 1];
}

Err sample_token(int32_t *id, const Tensor *logits_row, const SampleOptions *options, uint64_t sequence, uint64_t position,
                 void *scratch)
{
    const int64_t V = tensor_count(logits_row);
    const double temperature = options->temperature > 0 ? options->temperature : 1;
    Sampler s = {.logit = scratch, .n_kept = V};
    s.heap = (int32_t *)(s.logit + V);
    s.kept = s.heap + V;
    int32_t best = 0;
    for (int64_t i = 0; i < V; i++) {
        s.logit[i] = tensor_get(logits_row, i) / temperature;
        s.kept[i] = (int32_t)i;
        if (!isfinite(s.logit[i]))
            return err_set(ERR_NUMERIC, "the logit of token %lld at position %llu is %g", (long long)i, (unsigned long long)position, s.logit[i]);
        if (s.logit[i] > s.logit[best])
            best = (int32_t)i;
    }
    *id = best;
    if (options->temperature == 0)
        return OK;

    const double max = s.logit[best];
    const bool cut_k = options->top_k > 0 && options->top_k < V, cut_p = options->top_p < 1;
    if (cut_k) {
        heap_fill(&s, NULL, V);
        keep_top_k(&s, options->top_k);
        qsort(s.kept, (size_t)s.n_kept, sizeof *s.kept, compare_ids);
    }
    if (cut_p) {
        double total = total_weight(&s, max);
        heap_fill(&s, s.kept, s.n_kept);
        keep_top_p(&s, options->top_p, max, total);
        qsort(s.kept, (size_t)s.n_kept, sizeof *s.kept, compare_ids);
    }
    *id = draw(&s, max, uniform(options->seed, sequence, position));
    return OK;
}
