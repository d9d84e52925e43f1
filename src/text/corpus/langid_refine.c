/* langid_refine.c - close examples kept with their features; rounds of coordinate descent over pairs of languages. */
#include "text/corpus/langid_refine.h"

#include "base/arena.h"
#include "base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a feature's mean difference in nats; how far one pair may pull; chosen by cross-validation inside four fifths of lid-lingua. */
#define MARGIN 0.05
#define PULL_MAX (0.3 * MARGIN)
enum { EXAMPLES_MAX = 300000, RIVALS_MAX = 8 };

typedef struct {
    int64_t first;  /* of its features */
    int n, n_rivals;
    float n_all;    /* features with repetitions */
    int16_t own, rivals[RIVALS_MAX];
    float lead[RIVALS_MAX], pull[RIVALS_MAX];  /* left-out score of own less the rival's, a feature; the dual variable */
} Close;

typedef struct {
    uint32_t row;
    float value;
} Feature;

struct LangidRefiner {
    const LangidScript *script;
    float *rows;
    const float *means;
    const double *totals;
    double smoothing;
    uint32_t *n_with;  /* [row] examples that have it */
    int64_t n_examples;
    Close *close;
    int64_t n_close, close_room;
    Feature *features;
    int64_t n_features, features_room;
    double *scores;  /* scratch [n_languages] */
};

LangidRefiner *langid_refiner_new(const LangidScript *script, float *rows, const float *means, const double *totals, double smoothing)
{
    LangidRefiner *r = mem_alloc(sizeof *r);
    *r = (LangidRefiner){.script = script, .rows = rows, .means = means, .totals = totals, .smoothing = smoothing};
    r->n_with = mem_alloc(((size_t)script->n_rows + 1) * sizeof *r->n_with);
    r->scores = mem_alloc((size_t)script->n_languages * sizeof *r->scores);
    return r;
}

void langid_refiner_free(LangidRefiner *r)
{
    if (!r)
        return;
    free(r->n_with);
    free(r->close);
    free(r->features);
    free(r->scores);
    free(r);
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Adds the features of a sorted list, each once with its count; they stay only when the example turns out to be close. */
static int gather(LangidRefiner *r, const uint32_t *features, int n)
{
    if (r->n_features + n > r->features_room) {
        r->features_room = 2 * (r->n_features + n) + 4096;
        r->features = mem_realloc(r->features, (size_t)r->features_room * sizeof *r->features);
    }
    Feature *to = r->features + r->n_features;
    int n_to = 0;
    for (int i = 0; i < n; i++)
        if (n_to > 0 && to[n_to - 1].row == features[i])
            to[n_to - 1].value += 1.0f;
        else
            to[n_to++] = (Feature){features[i], 1.0f};
    return n_to;
}

/* Scores of all languages; that of `own` as if the example had not been counted. */
static void left_out_scores(LangidRefiner *r, int own, const Feature *features, int n, int n_all)
{
    int n_languages = r->script->n_languages;
    double total = r->totals[own] - n_all + r->smoothing * (double)r->script->n_rows, total_with = r->totals[own] + r->smoothing * (double)r->script->n_rows;
    memset(r->scores, 0, (size_t)n_languages * sizeof *r->scores);
    double own_score = 0;
    for (int i = 0; i < n; i++) {
        const float *row = r->rows + (int64_t)features[i].row * n_languages;
        double v = (double)features[i].value;
        for (int k = 0; k < n_languages; k++)
            r->scores[k] += v * (double)row[k];
        double mean = (double)r->means[features[i].row];
        double count = rint(exp((double)row[own] + mean) * total_with - r->smoothing);
        own_score += v * (log((fmax(count - v, 0) + r->smoothing) / total) - mean);
    }
    r->scores[own] = own_score;
}

void langid_refiner_add(LangidRefiner *r, int own, uint32_t *features, int n)
{
    if (n == 0)
        return;
    qsort(features, (size_t)n, sizeof *features, compare_rows);
    int n_kinds = gather(r, features, n);
    const Feature *kinds = r->features + r->n_features;
    r->n_examples++;
    for (int i = 0; i < n_kinds; i++)
        r->n_with[kinds[i].row]++;
    left_out_scores(r, own, kinds, n_kinds, n);
    Close close = {.first = r->n_features, .n = n_kinds, .n_all = (float)n, .own = (int16_t)own};
    for (int k = 0; k < r->script->n_languages && close.n_rivals < RIVALS_MAX; k++) {
        double lead = (r->scores[own] - r->scores[k]) / n;
        if (k == own || lead > 2 * MARGIN)
            continue;
        close.rivals[close.n_rivals] = (int16_t)k;
        close.lead[close.n_rivals++] = (float)lead;
    }
    if (close.n_rivals == 0 || r->n_close == EXAMPLES_MAX)
        return;
    if (r->n_close == r->close_room) {
        r->close_room = 2 * r->close_room + 1024;
        r->close = mem_realloc(r->close, (size_t)r->close_room * sizeof *r->close);
    }
    r->close[r->n_close++] = close;
    r->n_features += n_kinds;
}

/* Rarity of each feature, over the mean length of an example in these terms: then an example is about one long. */
static float *feature_scales(LangidRefiner *r)
{
    float *scales = mem_alloc(((size_t)r->script->n_rows + 1) * sizeof *scales);
    for (int64_t row = 0; row <= r->script->n_rows; row++)
        scales[row] = (float)log(1.0 + (double)r->n_examples / (1.0 + r->n_with[row]));
    double length = 0;
    for (int64_t i = 0; i < r->n_close; i++) {
        double square = 0;
        for (int k = 0; k < r->close[i].n; k++) {
            Feature f = r->features[r->close[i].first + k];
            double x = (double)(f.value * scales[f.row] / r->close[i].n_all);
            square += x * x;
        }
        length += sqrt(square) / (double)r->n_close;
    }
    for (int64_t row = 0; row <= r->script->n_rows; row++)
        scales[row] /= (float)(length > 0 ? length : 1);
    return scales;
}

/* moves[row's place][language] is what is added to the weights in the end. */
typedef struct {
    float *moves;
    const uint32_t *place;  /* of a row among those that occur */
    const float *scales;
    int n_languages;
} Moving;

static void improve(const LangidRefiner *r, Close *c, const Moving *m)
{
    const Feature *features = r->features + c->first;
    double square = 0;
    for (int i = 0; i < c->n; i++) {
        double x = (double)(features[i].value * m->scales[features[i].row] / c->n_all);
        square += x * x;
    }
    for (int k = 0; k < c->n_rivals; k++) {
        double moved = 0;
        for (int i = 0; i < c->n; i++) {
            const float *row = m->moves + (int64_t)m->place[features[i].row] * m->n_languages;
            moved += (double)(features[i].value * (row[c->own] - row[c->rivals[k]]));
        }
        double lead = (double)c->lead[k] + moved / (double)c->n_all;
        double pull = fmin(fmax((double)c->pull[k] + (MARGIN - lead) / (2 * square), 0), PULL_MAX), change = pull - (double)c->pull[k];
        c->pull[k] = (float)pull;
        for (int i = 0; i < c->n && change != 0; i++) {
            float *row = m->moves + (int64_t)m->place[features[i].row] * m->n_languages, scale = m->scales[features[i].row];
            float by = (float)change * features[i].value * scale * scale / c->n_all;
            row[c->own] += by;
            row[c->rivals[k]] -= by;
        }
    }
}

/* A fixed order that is another in each round. */
static void shuffle(int64_t *order, int64_t n, int round)
{
    for (int64_t i = n - 1; i > 0; i--) {
        Philox random = philox(5, 1, (uint64_t)round, (uint32_t)i);
        int64_t k = (int64_t)(random.word[0] % (uint64_t)(i + 1)), swap = order[i];
        order[i] = order[k];
        order[k] = swap;
    }
}

int64_t langid_refiner_run(LangidRefiner *r, int n_rounds)
{
    int64_t n_rows = r->script->n_rows, n_places = 0;
    int n_languages = r->script->n_languages;
    uint32_t *place = mem_alloc(((size_t)n_rows + 1) * sizeof *place);
    for (int64_t i = 0; i < r->n_features; i++)
        if (place[r->features[i].row] == 0)
            place[r->features[i].row] = (uint32_t)++n_places;
    float *scales = feature_scales(r), *moves = mem_alloc((size_t)(n_places + 1) * (size_t)n_languages * sizeof *moves);
    int64_t *order = mem_alloc(((size_t)r->n_close + 1) * sizeof *order);
    for (int64_t i = 0; i < r->n_close; i++)
        order[i] = i;
    Moving moving = {moves, place, scales, n_languages};
    for (int round = 0; round < n_rounds; round++) {
        shuffle(order, r->n_close, round);
        for (int64_t i = 0; i < r->n_close; i++)
            improve(r, &r->close[order[i]], &moving);
    }
    for (int64_t row = 1; row <= n_rows; row++)
        for (int k = 0; place[row] && k < n_languages; k++)
            r->rows[row * n_languages + k] += moves[(int64_t)place[row] * n_languages + k];
    free(order);
    free(moves);
    free(scales);
    free(place);
    return r->n_close;
}
