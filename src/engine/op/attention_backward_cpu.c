/* attention_backward_cpu.c - the gradients of attention; attention.c has the derivation and what is promised about bits.
 *
 * A task is a query head and a group of tiles (attention_group): nobody else sees its keys, so it adds to their dk and dv alone, row
 * after row. For each tile of 64 rows, for each 64 keys, five products, transposed as in the forward ([key][row]):
 *
 *     S^T = K q^T      dP^T = V dy^T      P^T = exp(S^T - lse)      dS^T = scale P^T (dP^T - delta) (times a soft-cap's slope)
 *     dv += P^T dy     dk += dS^T q       dq += dS K
 *
 * Where several query heads share a key head, or k is not f32 in whole vectors, a head's dk and dv are summed in the workspace,
 * [head][key][padded width], and the heads are added in their order at the end. */
#include "engine/op/attention_tile.h"
#include "base/kernel.h"

#include <omp.h>

enum { TILE = ATTENTION_KEYS * ATTENTION_WIDTH_MAX };

/* Where dk or dv of one query head is summed: key j at data + head*head_stride + j*key_stride. */
typedef struct {
    float *data;
    int64_t head_stride, key_stride;
} Sums;

typedef struct {
    const Tensor *q, *ranges, *y, *lse, *dy, *dq;
    KeyRows k, v;
    Sums dk, dv;
    int64_t heads_a_key_head, width, v_width;
    const AttentionOptions *options;
    const DropoutAttr *dropout;
    const int32_t *draws;  /* NULL: nothing is dropped */
} Backward;

/* Groups of tiles (attention_group): no key is seen from two of them. */
typedef struct {
    const AttentionTile *tiles;
    const int32_t *group;
    int64_t n_groups, n_keys;
} Groups;

/* The first key whose sums are a group's: groups have their keys in order, and each takes what nobody sees before the next one's. */
static int64_t group_first_key(const Groups *g, int64_t group)
{
    int64_t first = group == 0 ? 0 : g->n_keys;
    for (; group < g->n_groups && first == g->n_keys; group++)
        for (int32_t t = g->group[group]; t < g->group[group + 1]; t++)
            if (g->tiles[t].key_begin < g->tiles[t].key_end && g->tiles[t].key_begin < first)
                first = g->tiles[t].key_begin;
    return first;
}

typedef struct {
    int64_t head, token;
    Lanes lanes;
    Scoring scoring;
    V16 lse[TILE_VECS], delta[TILE_VECS];
    Right q_rows, dy_rows;
    float q[TILE], dy[TILE];  /* [padded width][stride]; q is scaled */
    float dq[TILE];           /* [n_rows][padded width] */
    float p[ATTENTION_KEYS * ATTENTION_LANES], ds[ATTENTION_KEYS * ATTENTION_LANES];  /* [key][stride] */
    float left[ATTENTION_KEYS * ATTENTION_LANES];  /* [key][stride] what dropout leaves of a weight */
    float q_buffer[TILE], dy_buffer[TILE], k_buffer[TILE], v_buffer[TILE];
} Rows;

/* delta = sum over the width of dy * y. */
static void rows_delta(const Backward *b, Rows *rows)
{
    Right y = tile_rows_of(b->y, rows->token, rows->lanes.n_rows, rows->head, rows->v_buffer);
    for (int64_t r = 0; r < rows->lanes.n_rows; r++) {
        V16 sum = v16_zero();
        for (int64_t i = 0; i < y.stride; i += 16)
            sum = v16_fma(v16_load(y.data + r * y.stride + i), v16_load(rows->dy_rows.data + r * y.stride + i), sum);
        rows->delta[r / 16][r % 16] = v16_sum(sum);
    }
}

static void rows_begin(const Backward *b, Rows *rows, int64_t n_rows)
{
    int64_t padded = tile_padded(b->width), v_padded = tile_padded(b->v_width);
    lanes_init(&rows->lanes, n_rows);
    memset(rows->dq, 0, (size_t)(n_rows * padded) * sizeof *rows->dq);
    rows->scoring = (Scoring){.alibi = b->options->alibi, .softcap = (float)b->options->softcap};
    float slope = b->options->alibi ? (float)attention_alibi_slope(rows->head, tensor_dim(b->q, 1)) : 0.0f;
    for (int v = 0; v < TILE_VECS; v++) {
        rows->lse[v] = rows->delta[v] = v16_zero();
        rows->scoring.slope[v] = v16_set1(slope);
    }
    for (int64_t r = 0; r < n_rows; r++) {
        int64_t token = rows->token + r;
        lanes_set(&rows->lanes, r, (const int32_t *)b->ranges->data + 2 * token, b->options->window);
        rows->lse[r / 16][r % 16] = ((const float *)b->lse->data)[token * b->lse->shape.dim[1] + rows->head];
    }
    rows->q_rows = tile_rows_of(b->q, rows->token, n_rows, rows->head, rows->q_buffer);
    rows->dy_rows = tile_rows_of(b->dy, rows->token, n_rows, rows->head, rows->dy_buffer);
    tile_transpose(rows->q, rows->lanes.stride, rows->q_rows, n_rows, padded, (float)b->options->scale);
    tile_transpose(rows->dy, rows->lanes.stride, rows->dy_rows, n_rows, v_padded, 1.0f);
    rows_delta(b, rows);
}

/* P, as dropout left it, and dS in the places of S and dP: one vector of rows, the keys [from, to). */
SIMD_INLINE void rows_weigh_vector(const Backward *b, Rows *rows, int64_t v, int64_t from, int64_t to, const bool drops, const bool caps)
{
    const float scale = (float)b->options->scale, cap = (float)b->options->softcap;
    const V16 lse = rows->lse[v], delta = rows->delta[v];
    for (int64_t j = from; j < to; j++) {
        int64_t at = j * rows->lanes.stride + 16 * v;
        V16 s = v16_load(rows->p + at), p = weight_exp(s - lse), dp = v16_load(rows->ds + at);
        V16 left = drops ? v16_load(rows->left + at) : v16_zero();
        V16 ds = scale * p * ((drops ? dp * left : dp) - delta);
        v16_store(rows->p + at, drops ? p * left : p);
        v16_store(rows->ds + at, caps ? ds * (1.0f - s / cap * (s / cap)) : ds);
    }
}

static void rows_weigh(const Backward *b, Rows *rows, int64_t begin, int64_t end)
{
    for (int64_t r = 0; r < rows->lanes.n_rows && b->draws; r++)
        row_dropout(rows->left, &rows->lanes, r, b->dropout, b->draws + 3 * (rows->token + r), rows->head, begin, end);
    const bool drops = b->draws != NULL, caps = b->options->softcap > 0.0;
    for (int64_t v = 0, from, to; v < rows->lanes.n_vecs; v++) {
        lanes_hull(&rows->lanes, v, begin, end, &from, &to);
        if (!drops && !caps)
            rows_weigh_vector(b, rows, v, from, to, false, false);
        else if (!drops)
            rows_weigh_vector(b, rows, v, from, to, false, true);
        else
            rows_weigh_vector(b, rows, v, from, to, true, caps);
    }
}

static void rows_keys(const Backward *b, Rows *rows, int64_t begin, int64_t end)
{
    const Lanes *lanes = &rows->lanes;
    int64_t n_keys = end - begin, stride = lanes->stride, kv_head = rows->head / b->heads_a_key_head;
    int64_t n_vecs = tile_padded(b->width) / 16, v_vecs = tile_padded(b->v_width) / 16;
    Right k = key_rows_at(&b->k, begin, n_keys, kv_head, rows->k_buffer);
    Right v = key_rows_at(&b->v, begin, n_keys, kv_head, rows->v_buffer);
    lanes_product(lanes, rows->p, left_of(k), rows->q, b->width, begin, end);
    lanes_product(lanes, rows->ds, left_of(v), rows->dy, b->v_width, begin, end);
    lanes_score(lanes, &rows->scoring, rows->p, begin, end);
    rows_weigh(b, rows, begin, end);

    float *dk = b->dk.data + rows->head * b->dk.head_stride + begin * b->dk.key_stride;
    float *dv = b->dv.data + rows->head * b->dv.head_stride + begin * b->dv.key_stride;
    Left p_by_key = {rows->p, stride, 1}, ds_by_key = {rows->ds, stride, 1}, ds_by_row = {rows->ds, 1, stride};
    uint64_t of_row[ATTENTION_LANES], of_key[ATTENTION_KEYS] = {0};
    if (lanes_see_all(lanes, begin, end)) {
        tile_product(dv, b->dv.key_stride, p_by_key, rows->dy_rows, n_keys, v_vecs, lanes->n_rows, true);
        tile_product(dk, b->dk.key_stride, ds_by_key, rows->q_rows, n_keys, n_vecs, lanes->n_rows, true);
        tile_product(rows->dq, 16 * n_vecs, ds_by_row, k, lanes->n_rows, n_vecs, n_keys, true);
    } else {
        lanes_mask(lanes, of_row, begin, end);
        for (int64_t r = 0; r < lanes->n_rows; r++)
            for (uint64_t left = of_row[r]; left; left &= left - 1)
                of_key[__builtin_ctzll(left)] |= (uint64_t)1 << r;
        tile_product_masked(dv, b->dv.key_stride, p_by_key, rows->dy_rows, n_keys, v_vecs, lanes->n_rows, of_key);
        tile_product_masked(dk, b->dk.key_stride, ds_by_key, rows->q_rows, n_keys, n_vecs, lanes->n_rows, of_key);
        tile_product_masked(rows->dq, 16 * n_vecs, ds_by_row, k, lanes->n_rows, n_vecs, n_keys, of_row);
    }
}

/* The sums of keys [begin, end) of one head start from zero. */
static void sums_clear(const Sums *s, int64_t head, int64_t begin, int64_t end, int64_t width)
{
    for (int64_t j = begin; j < end; j++)
        memset(s->data + head * s->head_stride + j * s->key_stride, 0, (size_t)tile_padded(width) * sizeof *s->data);
}

static void backward_task(const Backward *b, const Groups *groups, int64_t group, int64_t head)
{
    Rows rows;
    rows.head = head;
    int64_t key_begin = group_first_key(groups, group), key_end = group + 1 < groups->n_groups ? group_first_key(groups, group + 1) : groups->n_keys;
    sums_clear(&b->dk, head, key_begin, key_end, b->width);
    sums_clear(&b->dv, head, key_begin, key_end, b->v_width);
    for (int32_t t = groups->group[group]; t < groups->group[group + 1]; t++) {
        const AttentionTile *tile = &groups->tiles[t];
        rows.token = tile->token_begin;
        rows_begin(b, &rows, tile->token_end - tile->token_begin);
        for (int64_t j = tile->key_begin; j < tile->key_end; j += ATTENTION_KEYS)
            rows_keys(b, &rows, j, tile->key_end - j < ATTENTION_KEYS ? tile->key_end : j + ATTENTION_KEYS);
        for (int64_t r = 0; r < rows.lanes.n_rows; r++)
            tile_row_store(b->dq, rows.token + r, head, rows.dq + r * tile_padded(b->width));
    }
}

/* Where dk or dv is summed: in the output itself, or at *workspace, which moves on. */
static Sums sums_begin(const Tensor *d, int64_t n_heads, float **workspace)
{
    int64_t n_keys = d->shape.dim[0], kv_heads = d->shape.dim[1], padded = tile_padded(d->shape.dim[2]);
    if (attention_sums_in_place(d->dtype, n_heads, kv_heads, d->shape.dim[2]))
        return (Sums){d->data, padded, kv_heads * padded};
    Sums s = {*workspace, n_keys * padded, padded};
    *workspace += n_heads * n_keys * padded;
    return s;
}

static void sums_end(const Tensor *d, const Sums *s, int64_t n_heads)
{
    int64_t n_keys = d->shape.dim[0], kv_heads = d->shape.dim[1], padded = tile_padded(d->shape.dim[2]);
    if (s->data == d->data)
        return;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n_keys * kv_heads; i++) {
        int64_t key = i / kv_heads, kv_head = i % kv_heads, group = n_heads / kv_heads;
        float sum[ATTENTION_WIDTH_MAX];
        for (int64_t c = 0; c < padded; c += 16) {
            V16 total = v16_load(s->data + kv_head * group * s->head_stride + key * padded + c);
            for (int64_t g = 1; g < group; g++)
                total += v16_load(s->data + (kv_head * group + g) * s->head_stride + key * padded + c);
            v16_store(sum + c, total);
        }
        tile_row_store(d, key, kv_head, sum);
    }
}

void KERNEL(attention_backward)(const KernelCall *call)
{
    const Tensor *in = call->in;
    const AttentionAttr *attr = call->attr;
    Backward b = {.q = &in[0], .ranges = &in[3], .y = &in[5], .lse = &in[6], .dy = &in[7], .dq = &call->out[0],
                  .options = &attr->options, .dropout = &attr->dropout, .draws = in[ATTENTION_DRAWS].data};
    int64_t n_heads = b.q->shape.dim[1], n_queries = b.q->shape.dim[0];
    b.heads_a_key_head = n_heads / in[1].shape.dim[1];
    b.width = in[1].shape.dim[2];
    b.v_width = in[2].shape.dim[2];
    float *workspace = call->workspace;
    b.dk = sums_begin(&call->out[1], n_heads, &workspace);
    b.dv = sums_begin(&call->out[2], n_heads, &workspace);
    int64_t n_keys = in[1].shape.dim[0], k_room = attr->is_self ? key_rows_room(&in[1]) : 0, v_room = attr->is_self ? key_rows_room(&in[2]) : 0;
    AttentionTile *tiles = (AttentionTile *)(workspace + k_room + v_room);
    int32_t *group = (int32_t *)(tiles + n_queries);
    int64_t n_tiles = attention_cut(b.ranges, attr->options.window, n_keys, ATTENTION_LANES, tiles);
    Groups groups = {tiles, group, attention_group(tiles, n_tiles, group), n_keys};
    for (int64_t head = 0; head < n_heads && groups.n_groups == 0; head++) {
        sums_clear(&b.dk, head, 0, n_keys, b.width);
        sums_clear(&b.dv, head, 0, n_keys, b.v_width);
    }
    bool is_shared = attr->is_self && key_rows_are_shared(tiles, n_tiles, n_keys);
    b.k = key_rows_begin(&in[1], is_shared ? workspace : NULL);
    b.v = key_rows_begin(&in[2], is_shared ? workspace + k_room : NULL);
    int64_t n_tasks = groups.n_groups * n_heads;
    if (is_shared || !attr->is_self) {
#pragma omp parallel for schedule(dynamic)
        for (int64_t task = 0; task < n_tasks; task++)
            backward_task(&b, &groups, task % groups.n_groups, task / groups.n_groups);
    } else {  /* short sequences: a thread takes the rows that it met in the operator before */
#pragma omp parallel for schedule(static)
        for (int64_t task = 0; task < n_tasks; task++)
            backward_task(&b, &groups, task / n_heads, task % n_heads);
    }
    sums_end(&call->out[1], &b.dk, n_heads);
    sums_end(&call->out[2], &b.dv, n_heads);
}
