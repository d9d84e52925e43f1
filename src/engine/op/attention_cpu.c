/* attention_cpu.c - the forward of attention; attention.c has the formula and what is promised about bits.
 *
 * A task is a tile of up to 64 rows that share a key head. Scores are made transposed, [key][row], so that a register holds sixteen rows
 * and maximum, exponential and sum go through the keys one by one, each lane a row of its own:
 *
 *     scores^T = K q^T         q^T packed once, K read where it lies
 *     m = max, p = exp(scores - m), l = sum of p    over the keys, in their order
 *     y = (p V) / l            p^T is the left side of the product as it stands
 *
 * The maximum is known before the first exponential: scores of SCORES_MAX / 64 keys are held, and when a tile sees more keys than that
 * they are computed a second time rather than corrected. So nothing is ever rescaled, and neither the place of a tile nor its size
 * can be seen in the result. */
#include "engine/op/attention_tile.h"
#include "engine/op/kernel.h"

#include <omp.h>

enum { SCORES_MAX = 2048 * ATTENTION_LANES, VECS = ATTENTION_LANES / 16 };

typedef struct {
    const Tensor *q, *k, *v, *ranges, *y, *lse;
    int64_t heads_a_key_head, width, v_width;
    float scale;
} Forward;

/* Rows of one tile, in lanes. Row r is query token + r / heads_a_key_head, head r % heads_a_key_head of the key head's. */
typedef struct {
    int64_t kv_head, token, first, n_rows, n_vecs, stride; /* stride: lanes, whole vectors */
    I16 begin[VECS], end[VECS];                           /* visible keys */
    V16 max[VECS], sum[VECS];
    float q[ATTENTION_WIDTH_MAX * ATTENTION_LANES]; /* [width][stride], scaled */
    float y[ATTENTION_LANES * ATTENTION_WIDTH_MAX]; /* [n_rows][padded v_width] */
    float scores[SCORES_MAX];                       /* [keys][stride] */
    float buffer[ATTENTION_KEYS * ATTENTION_WIDTH_MAX];
} Rows;

static int64_t row_token(const Forward *f, const Rows *rows, int64_t r)
{
    return rows->token + (rows->first + r) / f->heads_a_key_head;
}

static int64_t row_head(const Forward *f, const Rows *rows, int64_t r)
{
    return rows->kv_head * f->heads_a_key_head + (rows->first + r) % f->heads_a_key_head;
}

static void rows_begin(const Forward *f, Rows *rows)
{
    rows->n_vecs = (rows->n_rows + 15) / 16;
    rows->stride = 16 * rows->n_vecs;
    memset(rows->q, 0, (size_t)(f->width * rows->stride) * sizeof *rows->q);
    memset(rows->y, 0, (size_t)(rows->n_rows * tile_padded(f->v_width)) * sizeof *rows->y);
    for (int v = 0; v < VECS; v++) {
        rows->begin[v] = rows->end[v] = (I16){};
        rows->max[v] = v16_set1(-INFINITY);
        rows->sum[v] = v16_zero();
    }
    for (int64_t r = 0; r < rows->n_rows; r++) {
        float q[ATTENTION_WIDTH_MAX];
        int64_t token = row_token(f, rows, r);
        tile_row_load(q, f->q, token, row_head(f, rows, r), f->scale);
        for (int64_t i = 0; i < f->width; i++)
            rows->q[i * rows->stride + r] = q[i];
        const int32_t *range = (const int32_t *)f->ranges->data + 2 * token;
        rows->begin[r / 16][r % 16] = range[0];
        rows->end[r / 16][r % 16] = range[1];
    }
}

/* Every row sees all of the keys [begin, end). */
static bool rows_see_all(const Rows *rows, int64_t begin, int64_t end)
{
    for (int64_t r = 0; r < rows->n_rows; r++)
        if (rows->begin[r / 16][r % 16] > begin || rows->end[r / 16][r % 16] < end)
            return false;
    return true;
}

/* Scores of the keys [begin, end) into `scores`, and their maximum over what is visible. */
static void rows_score(const Forward *f, Rows *rows, float *scores, int64_t begin, int64_t end)
{
    Left k = left_of(tile_rows_of(f->k, begin, end - begin, rows->kv_head, rows->buffer));
    tile_product(scores, rows->stride, k, (Right){rows->q, rows->stride}, end - begin, rows->n_vecs, f->width, false);
    bool all = rows_see_all(rows, begin, end);
    for (int64_t v = 0; v < rows->n_vecs; v++) {
        V16 max = rows->max[v];
        for (int64_t j = begin; j < end; j++) {
            V16 score = v16_load(scores + (j - begin) * rows->stride + 16 * v);
            if (!all) {
                I16 key = i16_set1((int32_t)j);
                score = v16_select((key >= rows->begin[v]) & (key < rows->end[v]), score, v16_set1(-INFINITY));
            }
            max = v16_max(score, max);
        }
        rows->max[v] = max;
    }
}

/* Scores become exponentials, which are summed and weigh the values. */
static void rows_weigh(const Forward *f, Rows *rows, float *scores, int64_t begin, int64_t end)
{
    bool all = rows_see_all(rows, begin, end);
    for (int64_t v = 0; v < rows->n_vecs; v++) {
        V16 sum = rows->sum[v], max = rows->max[v];
        for (int64_t j = begin; j < end; j++) {
            float *score = scores + (j - begin) * rows->stride + 16 * v;
            V16 p = v16_exp(v16_load(score) - max);
            v16_store(score, p);
            if (!all) {
                I16 key = i16_set1((int32_t)j);
                p = v16_select((key >= rows->begin[v]) & (key < rows->end[v]), p, v16_zero());
            }
            sum += p;
        }
        rows->sum[v] = sum;
    }
    Right values = tile_rows_of(f->v, begin, end - begin, rows->kv_head, rows->buffer);
    Left p = {scores, 1, rows->stride};
    int64_t padded = tile_padded(f->v_width);
    if (all) {
        tile_product(rows->y, padded, p, values, rows->n_rows, padded / 16, end - begin, true);
    } else {
        uint64_t mask[ATTENTION_LANES];
        for (int64_t r = 0; r < rows->n_rows; r++)
            mask[r] = tile_seen(rows->begin[r / 16][r % 16], rows->end[r / 16][r % 16], begin, end);
        tile_product_masked(rows->y, padded, p, values, rows->n_rows, padded / 16, end - begin, mask);
    }
}

static void rows_finish(const Forward *f, Rows *rows)
{
    int64_t padded = tile_padded(f->v_width), n_heads = tensor_dim(f->y, 1);
    for (int64_t r = 0; r < rows->n_rows; r++) {
        int64_t token = row_token(f, rows, r), head = row_head(f, rows, r), lane = r % 16;
        bool empty = rows->begin[r / 16][lane] >= rows->end[r / 16][lane];
        float sum = rows->sum[r / 16][lane], max = rows->max[r / 16][lane], *y = rows->y + r * padded;
        for (int64_t i = 0; i < padded && !empty; i += 16)
            v16_store(y + i, v16_load(y + i) / sum);
        tile_row_store(f->y, token, head, y);
        ((float *)f->lse->data)[token * n_heads + head] = empty ? -INFINITY : (float)((double)max + log((double)sum));
    }
}

static void rows_run(const Forward *f, Rows *rows, int64_t key_begin, int64_t key_end)
{
    rows_begin(f, rows);
    int64_t held = SCORES_MAX / rows->stride / ATTENTION_KEYS * ATTENTION_KEYS;
    bool again = key_end - key_begin > held;
    for (int64_t j = key_begin; j < key_end; j += ATTENTION_KEYS) {
        int64_t end = key_end - j < ATTENTION_KEYS ? key_end : j + ATTENTION_KEYS;
        rows_score(f, rows, rows->scores + (again ? 0 : (j - key_begin) * rows->stride), j, end);
    }
    for (int64_t j = key_begin; j < key_end; j += ATTENTION_KEYS) {
        int64_t end = key_end - j < ATTENTION_KEYS ? key_end : j + ATTENTION_KEYS;
        float *scores = rows->scores + (again ? 0 : (j - key_begin) * rows->stride);
        if (again)
            rows_score(f, rows, scores, j, end);
        rows_weigh(f, rows, scores, j, end);
    }
    rows_finish(f, rows);
}

static void forward_task(const Forward *f, const AttentionTile *tile, int64_t kv_head)
{
    Rows rows;
    int64_t n_rows = (tile->token_end - tile->token_begin) * f->heads_a_key_head;
    for (int64_t first = 0; first < n_rows; first += ATTENTION_LANES) {
        rows.kv_head = kv_head;
        rows.token = tile->token_begin;
        rows.first = first;
        rows.n_rows = n_rows - first < ATTENTION_LANES ? n_rows - first : ATTENTION_LANES;
        rows_run(f, &rows, tile->key_begin, tile->key_end);
    }
}

void KERNEL(attention)(const KernelCall *call)
{
    const AttentionAttr *attr = call->attr;
    Forward f = {.q = &call->in[0], .k = &call->in[1], .v = &call->in[2], .ranges = &call->in[3], .y = &call->out[0],
                 .lse = &call->out[1], .scale = (float)attr->scale};
    int64_t kv_heads = f.k->shape.dim[1];
    f.heads_a_key_head = f.q->shape.dim[1] / kv_heads;
    f.width = f.q->shape.dim[2];
    f.v_width = f.v->shape.dim[2];
    int64_t tokens_max = f.heads_a_key_head < ATTENTION_LANES ? ATTENTION_LANES / f.heads_a_key_head : 1;
    AttentionTile *tiles = call->workspace;
    int64_t n_tiles = attention_cut(f.ranges, f.k->shape.dim[0], tokens_max, tiles), n_tasks = n_tiles * kv_heads;
    /* Late tiles see more keys than early ones: the long tasks go first. */
#pragma omp parallel for schedule(dynamic)
    for (int64_t task = 0; task < n_tasks; task++)
        forward_task(&f, &tiles[n_tiles - 1 - task % n_tiles], task / n_tiles);
}
