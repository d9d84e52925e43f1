/* attention_backward_kernel.h - the gradients of attention; attention.c has the derivation and what is promised about bits. A template: of numbers of f32,
 * or of pairs of bf16 (attention_product.h), P and dS rounded.
 *
 * A task is a query head and a group of tiles (attention_group): nobody else sees its keys, so it adds to their dk and dv alone, row
 * after row. Some neighbouring tiles go through the keys together (a sweep), so that keys and their gradients come from afar once for all of them. For
 * each tile of 64 rows, for each 64 keys, five products, transposed as in the forward ([key][row]):
 *
 *     S^T = K q^T      dP^T = V dy^T      P^T = exp(S^T - lse)      dS^T = scale P^T (dP^T - delta) (times a soft-cap's slope)
 *     dv += P^T dy     dk += dS^T q       dq += dS K
 *
 * Where several query heads share a key head, or k is not f32 in whole vectors, a head's dk and dv are summed in the workspace,
 * [head][key][padded width], and the heads are added in their order at the end. */
#ifndef ENGINE_OP_ATTENTION_BACKWARD_KERNEL_H
#define ENGINE_OP_ATTENTION_BACKWARD_KERNEL_H

#include "engine/op/attention_tile.h"

#include <omp.h>

enum {
    TILE = ATTENTION_KEYS * ATTENTION_WIDTH_MAX,
    TOGETHER = 6,                                /* tiles, if there is room */
    ROOM = TOGETHER * 5 * ATTENTION_LANES * 64,  /* floats: of six tiles of heads 64 wide; of one of any width */
};
_Static_assert((int)ROOM >= 5 * (int)TILE, "a tile has room");

/* Where dk or dv of one query head is summed: key j at data + head*head_stride + j*key_stride. */
typedef struct {
    float *data;
    int64_t head_stride, key_stride;
} Sums;

typedef struct {
    const Tensor *q, *ranges, *y, *lse, *dy, *dq;
    KeyRows k, v;
    Sums dk, dv;
    int64_t heads_a_key_head, width, v_width, first_row;
    const AttentionOptions *options;
    const DropoutAttr *dropout;
    const int32_t *draws;  /* NULL: nothing is dropped */
} Backward;

/* Groups of tiles (attention_group): no key is seen from two of them. */
typedef struct {
    const AttentionTile *tiles;
    const int32_t *group;
    int64_t n_groups, n_keys, together;  /* together: tiles of a sweep */
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
    int64_t token, key_begin, key_end;
    Lanes lanes;
    Scoring scoring;
    V16 lse[TILE_VECS], delta[TILE_VECS];
    float *q_rows, *dy_rows;  /* [words of n_rows][padded width] */
    float *q, *dy;            /* [words, whole vectors][stride] */
    float *dq;                /* [n_rows][padded width] */
} Rows;

/* What a thread holds: tiles that go through the keys of a head together, and what belongs to the keys at hand. */
typedef struct {
    int64_t head, n_rows, n_known;  /* keys below n_known have sums */
    Rows rows[TOGETHER];
    float room[ROOM];
    float k[TILE], k_rows[TILE], v[TILE], dk[TILE], dv[TILE];  /* k, v: left sides; k_rows: the right one */
    float p[ATTENTION_KEYS * ATTENTION_LANES], ds[ATTENTION_KEYS * ATTENTION_LANES];  /* [key][stride]; then words of rows */
    float ds_of_keys[ATTENTION_KEYS * ATTENTION_LANES];  /* [word of keys][stride] where words are pairs */
    float left[ATTENTION_KEYS * ATTENTION_LANES];  /* [key][stride] what dropout leaves of a weight */
} Sweep;

/* delta = sum over the width of dy * y. */
static void rows_delta(const Backward *b, Rows *rows, int64_t head)
{
    for (int64_t r = 0; r < rows->lanes.n_rows; r++) {
        const void *y = tile_row(b->y, rows->token + r, head), *dy = tile_row(b->dy, rows->token + r, head);
        V16 sum = v16_zero();
        for (int64_t i = 0; i < b->v_width; i += 16)
            sum = v16_fma(load16(y, b->y->dtype, i, b->v_width), load16(dy, b->dy->dtype, i, b->v_width), sum);
        rows->delta[r / 16][r % 16] = v16_sum(sum);
    }
}

/* `buffer` has room for the left sides of a tile. */
static void rows_begin(const Backward *b, Rows *rows, int64_t head, int64_t n_rows, float *buffer)
{
    int64_t padded = tile_padded(b->width);
    lanes_init(&rows->lanes, n_rows);
    memset(rows->dq, 0, (size_t)(n_rows * padded) * sizeof *rows->dq);
    rows->scoring = (Scoring){.alibi = b->options->alibi, .softcap = (float)b->options->softcap};
    float slope = b->options->alibi ? (float)attention_alibi_slope(head, tensor_dim(b->q, 1)) : 0.0f;
    for (int v = 0; v < TILE_VECS; v++) {
        rows->lse[v] = rows->delta[v] = v16_zero();
        rows->scoring.slope[v] = v16_set1(slope);
    }
    for (int64_t r = 0; r < n_rows; r++) {
        int64_t token = rows->token + r;
        int32_t keys[2];
        attention_keys_of(keys, b->ranges, token, b->first_row, b->options->window);
        lanes_set(&rows->lanes, r, keys);
        rows->lse[r / 16][r % 16] = ((const float *)b->lse->data)[token * b->lse->shape.dim[1] + head];
    }
    tile_transpose(rows->q, rows->lanes.stride, tile_sides(b->q, rows->token, n_rows, head, buffer, rows->q_rows).left, n_rows, tile_words(b->width));
    tile_transpose(rows->dy, rows->lanes.stride, tile_sides(b->dy, rows->token, n_rows, head, buffer, rows->dy_rows).left, n_rows, tile_words(b->v_width));
    rows_delta(b, rows, head);
}

/* What is made of S and dP: n neighbouring vectors of rows, from v on, and the keys [from, to), whole words. P, as dropout left it, and dS take the
 * places of S and dP as words of rows, which lie in the first of a key's; dS goes to ds_of_keys, too. */
SIMD_INLINE void rows_weigh_vectors(const Backward *b, Sweep *s, const Rows *rows, int64_t v, const int n, int64_t from, int64_t to,
                                    const bool drops, const bool caps)
{
    const float scale = (float)b->options->scale, cap = (float)b->options->softcap;
    const int64_t stride = rows->lanes.stride;
    V16 lse[TILE_VECS], delta[TILE_VECS];
    TILE_UNROLL for (int i = 0; i < n; i++)
        lse[i] = rows->lse[v + i], delta[i] = rows->delta[v + i];
    for (int64_t j = from; j < to; j += TILE_TERMS)
        TILE_UNROLL for (int i = 0; i < n; i++) {
            V16 ds[TILE_TERMS];
            TILE_UNROLL for (int t = 0; t < TILE_TERMS; t++) {
                const int64_t key = (j + t) * stride, lane = 16 * (v + i), word = lane / TILE_TERMS;
                V16 score = v16_load(s->p + key + lane), p = v16_exp_weight(score - lse[i]), dp = v16_load(s->ds + key + lane);
                V16 left = drops ? v16_load(s->left + key + lane) : v16_zero();
                ds[t] = scale * p * ((drops ? dp * left : dp) - delta[i]);
                ds[t] = caps ? ds[t] * (1.0f - score / cap * (score / cap)) : ds[t];
                words_store_along(s->p + key + word, drops ? p * left : p);
                words_store_along(s->ds + key + word, ds[t]);
            }
            if (TILE_TERMS > 1)
                v16_store(s->ds_of_keys + j / TILE_TERMS * stride + 16 * (v + i), words_across(ds));
        }
}

static void rows_weigh(const Backward *b, Sweep *s, const Rows *rows, int64_t begin, int64_t end)
{
    for (int64_t r = 0; r < rows->lanes.n_rows && b->draws; r++)
        row_dropout(s->left, &rows->lanes, r, b->dropout, b->draws + 3 * (rows->token + r), s->head, begin, end);
    const bool drops = b->draws != NULL, caps = b->options->softcap > 0.0;
    if (!drops && !caps && rows->lanes.n_vecs == TILE_VECS && lanes_see_words(&rows->lanes, begin, end)) {
        rows_weigh_vectors(b, s, rows, 0, TILE_VECS, 0, end - begin, false, false);
        return;
    }
    for (int64_t v = 0, from, to; v < rows->lanes.n_vecs; v++) {
        lanes_hull(&rows->lanes, v, begin, end, &from, &to);
        if (!drops && !caps)
            rows_weigh_vectors(b, s, rows, v, 1, from, to, false, false);
        else if (!drops)
            rows_weigh_vectors(b, s, rows, v, 1, from, to, false, true);
        else
            rows_weigh_vectors(b, s, rows, v, 1, from, to, true, caps);
    }
}

/* Bit i of word j becomes bit j of word i: blocks off the diagonal change places, of 32 by 32 bits, then within each of 16 by 16, and so on. */
static void bits_transpose(uint64_t words[64])
{
    uint64_t low = 0xffffffff;  /* the lower half of every 2 * size bits */
    for (int size = 32; size > 0; size /= 2, low ^= low << size)
        for (int j = 0; j < 64; j++)
            if (!(j & size)) {
                uint64_t differ = (words[j] >> size ^ words[j + size]) & low;
                words[j] ^= differ << size;
                words[j + size] ^= differ;
            }
}

/* Keys from `begin` on, and where their sums lie. */
typedef struct {
    int64_t begin;
    Sides k;
    Left v;
    float *dk, *dv;
    int64_t dk_stride, dv_stride;
} KeysAtHand;

/* The keys [begin, end) of one tile. */
static void rows_keys(const Backward *b, Sweep *s, const Rows *rows, const KeysAtHand *at, int64_t begin, int64_t end)
{
    const Lanes *lanes = &rows->lanes;
    int64_t n_keys = end - begin, stride = lanes->stride, skip = begin - at->begin, n_row_words = tile_words(lanes->n_rows);
    int64_t n_vecs = tile_padded(b->width) / 16, v_vecs = tile_padded(b->v_width) / 16;
    Right k = right_at(at->k.right, skip / TILE_TERMS), q = {rows->q_rows, 16 * n_vecs}, dy = {rows->dy_rows, 16 * v_vecs};
    lanes_product(lanes, s->p, left_at(at->k.left, skip, 0), rows->q, tile_words(b->width), begin, end, (float)b->options->scale);
    lanes_product(lanes, s->ds, left_at(at->v, skip, 0), rows->dy, tile_words(b->v_width), begin, end, 1.0f);
    lanes_score(lanes, &rows->scoring, s->p, begin, end);
    rows_weigh(b, s, rows, begin, end);

    float *dk = at->dk + skip * at->dk_stride, *dv = at->dv + skip * at->dv_stride;
    Left p_by_key = {s->p, stride, 1}, ds_by_key = {s->ds, stride, 1}, ds_by_row = {TILE_TERMS == 1 ? s->ds : s->ds_of_keys, 1, stride};
    uint64_t of_row[ATTENTION_LANES] = {0}, of_key[ATTENTION_KEYS];
    if (lanes_see_words(lanes, begin, end)) {
        tile_product(dv, at->dv_stride, p_by_key, dy, n_keys, v_vecs, n_row_words, NULL);
        tile_product(dk, at->dk_stride, ds_by_key, q, n_keys, n_vecs, n_row_words, NULL);
        tile_product(rows->dq, 16 * n_vecs, ds_by_row, k, lanes->n_rows, n_vecs, tile_words(n_keys), NULL);
    } else {
        lanes_mask(lanes, of_row, begin, end);
        memcpy(of_key, of_row, sizeof of_key);
        bits_transpose(of_key);
        tile_product_masked(dv, at->dv_stride, p_by_key, dy, n_keys, v_vecs, of_key);
        tile_product_masked(dk, at->dk_stride, ds_by_key, q, n_keys, n_vecs, of_key);
        tile_product_masked(rows->dq, 16 * n_vecs, ds_by_row, k, lanes->n_rows, n_vecs, of_row);
    }
}

/* The sums of keys [begin, end) of one head start from zero. */
static void sums_clear(const Sums *s, int64_t head, int64_t begin, int64_t end, int64_t width)
{
    for (int64_t j = begin; j < end; j++)
        for (int64_t i = 0; i < width; i += 16)
            v16_store(s->data + head * s->head_stride + j * s->key_stride + i, v16_zero());
}

/* The sums of the keys [begin, end) at `copy` [key][padded width]; those that nobody has added to are zeros. */
static void sums_load(const Sums *s, int64_t head, int64_t begin, int64_t end, int64_t n_known, float *copy, int64_t padded)
{
    for (int64_t j = begin; j < end; j++, copy += padded)
        if (j < n_known)
            memcpy(copy, s->data + head * s->head_stride + j * s->key_stride, (size_t)padded * sizeof *copy);
        else
            memset(copy, 0, (size_t)padded * sizeof *copy);
}

static void sums_store(const Sums *s, int64_t head, int64_t begin, int64_t end, const float *copy, int64_t padded)
{
    for (int64_t j = begin; j < end; j++, copy += padded)
        memcpy(s->data + head * s->head_stride + j * s->key_stride, copy, (size_t)padded * sizeof *copy);
}

/* The sums of the keys from n_known up to `end` start from zero. */
static void sweep_clear(const Backward *b, Sweep *s, int64_t end)
{
    sums_clear(&b->dk, s->head, s->n_known, end, b->width);
    sums_clear(&b->dv, s->head, s->n_known, end, b->v_width);
    s->n_known = end > s->n_known ? end : s->n_known;
}

/* The tiles of the sweep go through the keys that they see. Sums lie far apart, like keys: several tiles add to a copy. */
static void sweep_run(const Backward *b, Sweep *s)
{
    int64_t key_begin = INT64_MAX, key_end = 0, kv_head = s->head / b->heads_a_key_head, padded = tile_padded(b->width), v_padded = tile_padded(b->v_width);
    for (int64_t i = 0; i < s->n_rows; i++)
        if (s->rows[i].key_begin < s->rows[i].key_end) {  /* else it would reach for keys of other tasks */
            key_begin = s->rows[i].key_begin < key_begin ? s->rows[i].key_begin : key_begin;
            key_end = s->rows[i].key_end > key_end ? s->rows[i].key_end : key_end;
        }
    bool copies = s->n_rows > 1 && key_begin < key_end;
    sweep_clear(b, s, copies ? key_begin : key_end);
    for (int64_t j = key_begin; j < key_end; j += ATTENTION_KEYS) {
        int64_t end = key_end - j < ATTENTION_KEYS ? key_end : j + ATTENTION_KEYS;
        float *dk = b->dk.data + s->head * b->dk.head_stride + j * b->dk.key_stride, *dv = b->dv.data + s->head * b->dv.head_stride + j * b->dv.key_stride;
        KeysAtHand at = {j, key_rows_at(&b->k, j, end - j, kv_head, s->k, s->k_rows), key_rows_at(&b->v, j, end - j, kv_head, s->v, NULL).left,
                         dk, dv, b->dk.key_stride, b->dv.key_stride};
        key_rows_fetch(&b->k, end, key_end, kv_head);
        key_rows_fetch(&b->v, end, key_end, kv_head);
        if (copies) {
            at.dk = s->dk, at.dk_stride = padded, at.dv = s->dv, at.dv_stride = v_padded;
            sums_load(&b->dk, s->head, j, end, s->n_known, s->dk, padded);
            sums_load(&b->dv, s->head, j, end, s->n_known, s->dv, v_padded);
        }
        for (int64_t i = 0; i < s->n_rows; i++) {
            const Rows *rows = &s->rows[i];
            int64_t from = rows->key_begin > j ? rows->key_begin : j, to = rows->key_end < end ? rows->key_end : end;
            from -= (from - j) % TILE_TERMS;
            if (from < to)
                rows_keys(b, s, rows, &at, from, to);
        }
        if (copies) {
            sums_store(&b->dk, s->head, j, end, s->dk, padded);
            sums_store(&b->dv, s->head, j, end, s->dv, v_padded);
        }
    }
    s->n_known = key_end > s->n_known ? key_end : s->n_known;
    for (int64_t i = 0; i < s->n_rows; i++)
        tile_rows_store(b->dq, s->rows[i].token, s->rows[i].lanes.n_rows, s->head, s->rows[i].dq);
    s->n_rows = 0;
}

/* Adds a tile to the sweep. */
static void sweep_add(const Backward *b, Sweep *s, const AttentionTile *tile)
{
    Rows *rows = &s->rows[s->n_rows];
    int64_t q_floats = tile_padded(b->width) * ATTENTION_LANES, v_floats = tile_padded(b->v_width) * ATTENTION_LANES;
    rows->token = tile->token_begin;
    rows->key_begin = tile->key_begin;
    rows->key_end = tile->key_end;
    rows->q = s->room + s->n_rows * (3 * q_floats + 2 * v_floats);
    rows->q_rows = rows->q + q_floats;
    rows->dq = rows->q_rows + q_floats;
    rows->dy = rows->dq + q_floats;
    rows->dy_rows = rows->dy + v_floats;
    rows_begin(b, rows, s->head, tile->token_end - tile->token_begin, s->v);
    s->n_rows++;
}

/* Rows of the sums come near to be written. */
static void sums_fetch(const Sums *s, int64_t head, int64_t begin, int64_t end, int64_t width)
{
    for (int64_t j = begin; j < end; j++)
        for (int64_t i = 0; i < width; i += 16)
            __builtin_prefetch(s->data + head * s->head_stride + j * s->key_stride + i, 1, 2);
}

/* What the task of a tile and a head reads and writes. */
static void fetch_task(const Backward *b, const AttentionTile *tile, int64_t head)
{
    int64_t n = tile->token_end - tile->token_begin, n_keys = tile->key_end - tile->key_begin, kv_head = head / b->heads_a_key_head;
    tile_rows_fetch(b->q, tile->token_begin, n, head, 1, false);
    tile_rows_fetch(b->dy, tile->token_begin, n, head, 1, false);
    tile_rows_fetch(b->y, tile->token_begin, n, head, 1, false);
    tile_rows_fetch(b->k.t, tile->key_begin, n_keys, kv_head, 1, false);
    tile_rows_fetch(b->v.t, tile->key_begin, n_keys, kv_head, 1, false);
    sums_fetch(&b->dk, head, tile->key_begin, tile->key_end, b->width);
    sums_fetch(&b->dv, head, tile->key_begin, tile->key_end, b->v_width);
    tile_rows_fetch(b->dq, tile->token_begin, n, head, 1, true);
}

static void backward_task(const Backward *b, const Groups *groups, int64_t group, int64_t head, int64_t next_group, int64_t next_head)
{
    Sweep sweep;
    sweep.head = head;
    sweep.n_rows = 0;
    sweep.n_known = group_first_key(groups, group);
    for (int32_t t = groups->group[group]; t < groups->group[group + 1]; t++) {
        sweep_add(b, &sweep, &groups->tiles[t]);
        if (next_group < groups->n_groups && t + 1 == groups->group[group + 1])
            fetch_task(b, &groups->tiles[groups->group[next_group]], next_head);
        if (sweep.n_rows == groups->together || t + 1 == groups->group[group + 1])
            sweep_run(b, &sweep);
    }
    sweep_clear(b, &sweep, group + 1 < groups->n_groups ? group_first_key(groups, group + 1) : groups->n_keys);
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
        tile_rows_store(d, key, 1, kv_head, sum);
    }
}

static void attention_gradients(const KernelCall *call)
{
    const Tensor *in = call->in;
    const AttentionAttr *attr = call->attr;
    Backward b = {.q = &in[0], .ranges = &in[3], .first_row = call->first_row, .y = &in[5], .lse = &in[6], .dy = &in[7], .dq = &call->out[0],
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
    int64_t n_tiles = attention_cut(b.ranges, call->first_row, attr->options.window, n_keys, ATTENTION_LANES, tiles);
    int64_t floats = ATTENTION_LANES * (3 * tile_padded(b.width) + 2 * tile_padded(b.v_width));
    Groups groups = {tiles, group, attention_group(tiles, n_tiles, group), n_keys, ROOM / floats < TOGETHER ? ROOM / floats : TOGETHER};
    for (int64_t head = 0; head < n_heads && groups.n_groups == 0; head++) {
        sums_clear(&b.dk, head, 0, n_keys, b.width);
        sums_clear(&b.dv, head, 0, n_keys, b.v_width);
    }
    bool is_long = !attr->is_self || key_rows_are_shared(tiles, n_tiles, n_keys), is_packed = attr->is_self && is_long && TILE_TERMS == 1;
    b.k = key_rows_begin(&in[1], is_packed ? workspace : NULL);
    b.v = key_rows_begin(&in[2], is_packed ? workspace + k_room : NULL);
    int64_t n_tasks = groups.n_groups * n_heads;
    if (is_long) {
#pragma omp parallel for schedule(dynamic)
        for (int64_t task = 0; task < n_tasks; task++)
            backward_task(&b, &groups, task % groups.n_groups, task / groups.n_groups, groups.n_groups, 0);
    } else {  /* short sequences: a thread takes the rows that it met in the operator before */
#pragma omp parallel for schedule(static)
        for (int64_t task = 0; task < n_tasks; task++)
            backward_task(&b, &groups, task / n_heads, task % n_heads, (task + 1) / n_heads, (task + 1) % n_heads);
    }
    sums_end(&call->out[1], &b.dk, n_heads);
    sums_end(&call->out[2], &b.dv, n_heads);
}

#endif
