/* sample.c - the choice of the next token (top-k: Fan et al. 2018; top-p: Holtzman et al. 2020, arXiv:1904.09751), and how likely it was.
 *
 * Only tokens that may stay are put in order: a heap gives them one by one, most likely first. */
#include "base/philox.h"
#include "learn/generate/generate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    double *logit;  /* [V], divided by the temperature */
    int32_t *heap;  /* ids, the most likely at 0 */
    int64_t n_heap;
    int32_t *kept;
    int64_t n_kept;
    int32_t *n_seen;  /* [V] */
} Sampler;

size_t sample_scratch_bytes(int64_t vocab_size)
{
    return (size_t)vocab_size * (sizeof(double) + 3 * sizeof(int32_t));
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

/* Probabilities are those of the temperature, as logits already are. */
static void keep_min_p(Sampler *s, double min_p, double max)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->n_kept; i++)
        if (weight(s, s->kept[i], max) >= min_p)
            s->kept[n++] = s->kept[i];
    s->n_kept = n;
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

/* On logits before the temperature. */
static void penalize(Sampler *s, int64_t vocab_size, const SampleOptions *o, const SampleHistory *history)
{
    const bool repetition = o->repetition_penalty > 0 && o->repetition_penalty != 1;
    const int64_t first_new = history->n - history->n_new;
    memset(s->n_seen, 0, sizeof *s->n_seen * (size_t)vocab_size);
    for (int64_t i = 0; i < history->n && repetition; i++) {
        double *logit = &s->logit[history->ids[i]];
        if (s->n_seen[history->ids[i]]++ == 0)
            *logit = *logit > 0 ? *logit / o->repetition_penalty : *logit * o->repetition_penalty;
    }
    memset(s->n_seen, 0, sizeof *s->n_seen * (size_t)vocab_size);
    for (int64_t i = first_new; i < history->n; i++) {
        bool is_first = s->n_seen[history->ids[i]]++ == 0;
        s->logit[history->ids[i]] -= o->frequency_penalty + (is_first ? o->presence_penalty : 0);
    }
}

static bool has_penalty(const SampleOptions *o)
{
    return (o->repetition_penalty > 0 && o->repetition_penalty != 1) || o->frequency_penalty != 0 || o->presence_penalty != 0;
}

Err sample_token(int32_t *id, const Tensor *logits_row, const SampleOptions *options, const SampleHistory *history, uint64_t sequence,
                 uint64_t position, void *scratch)
{
    const int64_t V = tensor_count(logits_row);
    const double temperature = options->temperature > 0 ? options->temperature : 1;
    Sampler s = {.logit = scratch, .n_kept = V};
    s.heap = (int32_t *)(s.logit + V);
    s.kept = s.heap + V;
    s.n_seen = s.kept + V;
    int32_t best = 0;
    for (int64_t i = 0; i < V; i++) {
        s.logit[i] = tensor_get(logits_row, i);
        s.kept[i] = (int32_t)i;
        if (!isfinite(s.logit[i]))
            return err_set(ERR_NUMERIC, "the logit of token %lld at position %llu is %g", (long long)i, (unsigned long long)position, s.logit[i]);
    }
    if (history && has_penalty(options))
        penalize(&s, V, options, history);
    for (int64_t i = 0; i < V; i++) {
        s.logit[i] /= temperature;
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
    if (options->min_p > 0)
        keep_min_p(&s, options->min_p, max);
    *id = draw(&s, max, uniform(options->seed, sequence, position));
    return OK;
}

/* The scores stay in order: what is likelier moves in, the last falls off. */
void sample_log_probs(TokenScore *scores, const Tensor *logits_row, int32_t id, int n_top)
{
    const int64_t V = tensor_count(logits_row);
    assert(n_top >= 0 && n_top <= LOG_PROBS_MAX && n_top <= V);
    double max = -INFINITY, sum = 0;
    int n = 0;
    for (int64_t i = 0; i < V; i++) {
        double logit = tensor_get(logits_row, i);
        max = fmax(max, logit);
        int at = n;
        for (; at > 0 && scores[at].log_prob < logit; at--)
            if (at < n_top)
                scores[at + 1] = scores[at];
        if (at < n_top) {
            scores[at + 1] = (TokenScore){(int32_t)i, logit};
            n += n < n_top;
        }
    }
    for (int64_t i = 0; i < V; i++)
        sum += exp(tensor_get(logits_row, i) - max);
    scores[0] = (TokenScore){id, tensor_get(logits_row, id)};
    for (int k = 0; k <= n_top; k++)
        scores[k].log_prob -= max + log(sum);
}
