/* attention_chunks.c - see attention_chunks_internal.h. For the rows of a chunk and the keys that it sees, head by head:
 *
 *   forward    S = q k^T     P = softmax(scale S)     y = P v
 *   backward   dP = dy v^T   dS = scale P (dP - sum(P dP))   dq = dS k   dk += dS^T q   dv += P^T dy
 *
 * The plain way is one chunk of all rows that sees all keys and keeps P; the other ways make P again. */
#include "study/bench/attention_chunks_internal.h"

#include "base/file.h"
#include "engine/op/gemm.h"
#include "study/bench/attention_rows_internal.h"
#include "study/bench/bench_internal.h"

#include <math.h>
#include <string.h>

typedef struct {
    int64_t first, n, n_keys, head, kv_head;
} Chunk;

static bool keeps(const AttentionChunks *c)
{
    return c->way == ATTENTION_PLAIN;
}

static int64_t chunk_rows(const AttentionChunks *c)
{
    int64_t T = c->options->n_tokens;
    return keeps(c) || c->options->chunk > T ? T : c->options->chunk;
}

/* ---- products ---- */

/* Dense scores of a chunk against rows of a tensor with heads. */
typedef enum { PRODUCT_SCORES, PRODUCT_ROWS, PRODUCT_KEYS } ProductKind;

/* PRODUCT_SCORES: out [n, keys] = left right^T. PRODUCT_ROWS: out (rows of a chunk) = left [n, keys] right. PRODUCT_KEYS: out (rows
 * of keys) += left^T [keys, n] right. */
static Gemm product(const AttentionChunks *c, const Chunk *k, ProductKind kind)
{
    const BenchAttentionOptions *o = c->options;
    int64_t D = o->head_dim, row = o->n_head * D, key_row = o->n_kv_head * D;
    switch (kind) {
    case PRODUCT_SCORES:
        return (Gemm){.m = k->n, .n = k->n_keys, .k = D, .a_dtype = o->dtype, .b_dtype = o->dtype, .c_dtype = DTYPE_F32, .a_row_stride = row,
                      .a_col_stride = 1, .b_row_stride = 1, .b_col_stride = key_row, .c_row_stride = k->n_keys};
    case PRODUCT_ROWS:
        return (Gemm){.m = k->n, .n = D, .k = k->n_keys, .a_dtype = DTYPE_F32, .b_dtype = o->dtype, .c_dtype = DTYPE_F32,
                      .a_row_stride = k->n_keys, .a_col_stride = 1, .b_row_stride = key_row, .b_col_stride = 1, .c_row_stride = row};
    default:
        return (Gemm){.m = k->n_keys, .n = D, .k = k->n, .a_dtype = DTYPE_F32, .b_dtype = o->dtype, .c_dtype = DTYPE_F32, .a_row_stride = 1,
                      .a_col_stride = k->n_keys, .b_row_stride = row, .b_col_stride = 1, .c_row_stride = key_row, .accumulate = true};
    }
}

static double product_bytes(const AttentionChunks *c, const Chunk *k, ProductKind kind)
{
    Gemm g = product(c, k, kind);
    return (double)(g.m * g.k * dtype_bytes(g.a_dtype) + g.k * g.n * dtype_bytes(g.b_dtype)) +
           (g.accumulate ? 2.0 : 1.0) * (double)(g.m * g.n * dtype_bytes(g.c_dtype));
}

/* Where a head's part of row `first` begins in a tensor of n_heads heads. */
static size_t place(const AttentionChunks *c, int64_t n_heads, int64_t first, int64_t head, DType dtype)
{
    return (size_t)((first * n_heads + head) * c->options->head_dim) * (size_t)dtype_bytes(dtype);
}

static const void *rows_of(const AttentionChunks *c, const Chunk *k, const void *x)
{
    return (const char *)x + place(c, c->options->n_head, k->first, k->head, c->options->dtype);
}

static const void *keys_of(const AttentionChunks *c, const Chunk *k, const void *x)
{
    return (const char *)x + place(c, c->options->n_kv_head, 0, k->kv_head, c->options->dtype);
}

static void run_product(AttentionChunks *c, const Chunk *k, ProductKind kind, void *out, const void *left, const void *right)
{
    Gemm g = product(c, k, kind);
    g.a = left, g.b = right, g.c = out;
    gemm_run(&g, c->workspace);
}

/* ---- chunks ---- */

static void each_chunk(AttentionChunks *c, void (*visit)(AttentionChunks *c, const Chunk *k, void *context), void *context)
{
    const BenchAttentionOptions *o = c->options;
    int64_t n_rows = chunk_rows(c);
    for (int64_t head = 0; head < o->n_head; head++)
        for (int64_t first = 0; first < o->n_tokens; first += n_rows) {
            int64_t n = o->n_tokens - first < n_rows ? o->n_tokens - first : n_rows;
            Chunk k = {first, n, keeps(c) ? o->n_tokens : first + n, head, head / (o->n_head / o->n_kv_head)};
            visit(c, &k, context);
        }
}

static float *scores_of(AttentionChunks *c, const Chunk *k)
{
    return keeps(c) ? c->kept + k->head * c->options->n_tokens * c->options->n_tokens : c->scores;
}

static float *make_probabilities(AttentionChunks *c, const Chunk *k)
{
    float *p = scores_of(c, k), scale = 1.0f / sqrtf((float)c->options->head_dim);
    run_product(c, k, PRODUCT_SCORES, p, rows_of(c, k, c->q), keys_of(c, k, c->k));
#pragma omp parallel for schedule(dynamic, 8)
    for (int64_t i = 0; i < k->n; i++)
        KERNEL_PICK(softmax_row)(p + i * k->n_keys, k->n_keys, k->first + i + 1, scale);
    return p;
}

static void forward_chunk(AttentionChunks *c, const Chunk *k, void *context)
{
    (void)context;
    const float *p = make_probabilities(c, k);
    run_product(c, k, PRODUCT_ROWS, c->y + place(c, c->options->n_head, k->first, k->head, DTYPE_F32) / sizeof(float), p, keys_of(c, k, c->v));
}

static void backward_chunk(AttentionChunks *c, const Chunk *k, void *context)
{
    (void)context;
    const BenchAttentionOptions *o = c->options;
    const float *p = keeps(c) ? scores_of(c, k) : make_probabilities(c, k);
    float *ds = c->slopes, scale = 1.0f / sqrtf((float)o->head_dim);
    size_t row_place = place(c, o->n_head, k->first, k->head, DTYPE_F32) / sizeof(float);
    size_t key_place = place(c, o->n_kv_head, 0, k->kv_head, DTYPE_F32) / sizeof(float);
    run_product(c, k, PRODUCT_SCORES, ds, rows_of(c, k, c->dy), keys_of(c, k, c->v));
#pragma omp parallel for schedule(dynamic, 8)
    for (int64_t i = 0; i < k->n; i++)
        KERNEL_PICK(softmax_gradient_row)(ds + i * k->n_keys, p + i * k->n_keys, k->n_keys, scale);
    run_product(c, k, PRODUCT_ROWS, c->dq + row_place, ds, keys_of(c, k, c->k));
    run_product(c, k, PRODUCT_KEYS, c->dk + key_place, ds, rows_of(c, k, c->q));
    run_product(c, k, PRODUCT_KEYS, c->dv + key_place, p, rows_of(c, k, c->dy));
}

static int64_t rows_elements(const AttentionChunks *c)
{
    return c->options->n_tokens * c->options->n_head * c->options->head_dim;
}

static int64_t keys_elements(const AttentionChunks *c)
{
    return c->options->n_tokens * c->options->n_kv_head * c->options->head_dim;
}

void attention_chunks_forward(AttentionChunks *chunks)
{
    each_chunk(chunks, forward_chunk, NULL);
}

void attention_chunks_backward(AttentionChunks *chunks)
{
    memset(chunks->dk, 0, (size_t)keys_elements(chunks) * sizeof(float));
    memset(chunks->dv, 0, (size_t)keys_elements(chunks) * sizeof(float));
    each_chunk(chunks, backward_chunk, NULL);
}

/* ---- the plan ---- */

typedef struct {
    double bytes[2];
    size_t workspace;
} Plan;

static void plan_chunk(AttentionChunks *c, const Chunk *k, void *context)
{
    Plan *plan = context;
    double scores = (double)(k->n * k->n_keys) * sizeof(float);
    double make = product_bytes(c, k, PRODUCT_SCORES) + 2 * scores;  /* and the softmax, in place */
    plan->bytes[0] += make + product_bytes(c, k, PRODUCT_ROWS);
    plan->bytes[1] += (keeps(c) ? 0 : make) + product_bytes(c, k, PRODUCT_SCORES) + 3 * scores + product_bytes(c, k, PRODUCT_ROWS) +
                      2 * product_bytes(c, k, PRODUCT_KEYS);
    for (int kind = PRODUCT_SCORES; kind <= PRODUCT_KEYS; kind++) {
        Gemm g = product(c, k, (ProductKind)kind);
        size_t n_bytes = gemm_workspace_bytes(&g);
        plan->workspace = n_bytes > plan->workspace ? n_bytes : plan->workspace;
    }
}

typedef struct {
    size_t rows, keys, scores, kept, workspace;  /* bytes: of y or dq, dk or dv, one chunk's scores, what plain keeps, products */
} Parts;

static Parts parts_of(AttentionChunks *c, Plan *plan)
{
    const BenchAttentionOptions *o = c->options;
    each_chunk(c, plan_chunk, plan);
    return (Parts){.rows = bench_matrix_bytes(rows_elements(c), DTYPE_F32), .keys = bench_matrix_bytes(keys_elements(c), DTYPE_F32),
                   .scores = bench_matrix_bytes(chunk_rows(c) * o->n_tokens, DTYPE_F32),
                   .kept = keeps(c) ? bench_matrix_bytes(o->n_head * o->n_tokens * o->n_tokens, DTYPE_F32) : 0, .workspace = plan->workspace};
}

static size_t parts_bytes(const AttentionChunks *c, const Parts *p)
{
    return 2 * p->rows + 2 * p->keys + (keeps(c) ? p->kept + p->scores : 2 * p->scores) + p->workspace;
}

void attention_chunks_plan(AttentionChunks *chunks, double bytes[2], int64_t *result_bytes)
{
    Plan plan = {0};
    Parts parts = parts_of(chunks, &plan);
    chunks->memory_bytes = (int64_t)parts_bytes(chunks, &parts);
    *result_bytes = (int64_t)(2 * parts.rows + 2 * parts.keys);
    bytes[0] = plan.bytes[0];
    bytes[1] = plan.bytes[1];
}

Err attention_chunks_map(AttentionChunks *chunks)
{
    Plan plan = {0};
    Parts parts = parts_of(chunks, &plan);
    TRY(memory_map(&chunks->memory, (size_t)chunks->memory_bytes));
    char *at = chunks->memory;
    chunks->y = (float *)at, at += parts.rows;
    chunks->dq = (float *)at, at += parts.rows;
    chunks->dk = (float *)at, at += parts.keys;
    chunks->dv = (float *)at, at += parts.keys;
    chunks->slopes = (float *)at, at += parts.scores;
    chunks->kept = chunks->scores = (float *)at, at += keeps(chunks) ? parts.kept : parts.scores;
    chunks->workspace = at;
    return OK;
}

void attention_chunks_unmap(AttentionChunks *chunks)
{
    memory_unmap(chunks->memory, (size_t)chunks->memory_bytes);
    chunks->memory = NULL;
}
