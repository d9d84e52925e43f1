/* comm_reduce.c - sums and maxima over ranks, in one order of addition for ever.
 *
 * An array is cut into slices, one a rank. Each rank receives its slice from all others, side by side in rank order, and
 * reduces them by a binary tree; then all slices are gathered. Where an element lies in the array, and how arrays are cut
 * into blocks of scratch, decides who adds, never in which order. */
#include "engine/comm/comm_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void combine_f32(float *a, const float *b, int64_t n, CommOp op)
{
    if (op == COMM_SUM)
        for (int64_t i = 0; i < n; i++)
            a[i] += b[i];
    else
        for (int64_t i = 0; i < n; i++)
            a[i] = isnan(a[i]) || a[i] >= b[i] ? a[i] : b[i];
}

static void combine_f64(double *a, const double *b, int64_t n, CommOp op)
{
    if (op == COMM_SUM)
        for (int64_t i = 0; i < n; i++)
            a[i] += b[i];
    else
        for (int64_t i = 0; i < n; i++)
            a[i] = isnan(a[i]) || a[i] >= b[i] ? a[i] : b[i];
}

static void combine_i64(int64_t *a, const int64_t *b, int64_t n, CommOp op)
{
    if (op == COMM_SUM)
        for (int64_t i = 0; i < n; i++)
            a[i] = (int64_t)((uint64_t)a[i] + (uint64_t)b[i]);
    else
        for (int64_t i = 0; i < n; i++)
            a[i] = a[i] >= b[i] ? a[i] : b[i];
}

static void combine(void *a, const void *b, int64_t n, DType dtype, CommOp op)
{
    switch (dtype) {
    case DTYPE_F32: combine_f32(a, b, n, op); return;
    case DTYPE_F64: combine_f64(a, b, n, op); return;
    case DTYPE_I64: combine_i64(a, b, n, op); return;
    default: assert(!"a dtype that is reduced");
    }
}

/* scratch holds n elements of each rank, in rank order; the result comes to its start. */
static void combine_ranks(const Comm *group, int64_t n, DType dtype, CommOp op)
{
    char *slices = group->scratch;
    int64_t n_bytes = n * dtype_bytes(dtype);
    for (int apart = 1; apart < group->size; apart *= 2)
        for (int r = 0; r + apart < group->size; r += 2 * apart)
            combine(slices + r * n_bytes, slices + (r + apart) * n_bytes, n, dtype, op);
}

/* Elements of one slice that scratch has room for, once from every rank. */
static int64_t slice_max(const Comm *group, DType dtype)
{
    int64_t n = COMM_SCRATCH_BYTES / dtype_bytes(dtype) / group->size;
    assert(n > 0);
    return n;
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The array has n elements, at most slice_max a rank. The last slices may be short or empty. */
static Err all_reduce_block(Comm *group, char *values, int64_t n, DType dtype, CommOp op)
{
    int64_t size = dtype_bytes(dtype), slice = (n + group->size - 1) / group->size;
    int64_t own_start = min_i64(slice * group->rank, n), own = min_i64(slice, n - own_start);
    for (int r = 0; r < group->size; r++) {
        int64_t start = min_i64(slice * r, n);
        group->pieces[r] = (CommPiece){values + start * size, (char *)group->scratch + r * own * size,
                                       min_i64(slice, n - start) * size, own * size};
    }
    TRY(comm_exchange(group));
    combine_ranks(group, own, dtype, op);
    for (int r = 0; r < group->size; r++) {
        int64_t start = min_i64(slice * r, n);
        group->pieces[r] =
            (CommPiece){group->scratch, values + start * size, own * size, min_i64(slice, n - start) * size};
    }
    return comm_exchange(group);
}

Err comm_all_reduce(Comm *group, void *values, int64_t n, DType dtype, CommOp op)
{
    assert(n >= 0);
    if (group->size == 1)
        return OK;
    int64_t n_block = slice_max(group, dtype) * group->size;
    for (int64_t i = 0; i < n; i += n_block)
        TRY(all_reduce_block(group, (char *)values + i * dtype_bytes(dtype), min_i64(n_block, n - i), dtype, op));
    return OK;
}

/* All sends from `from` that touch a range are done before that range of `into` is written: they may be the same memory. */
Err comm_reduce_scatter(Comm *group, void *into, const void *from, int64_t n_each, DType dtype, CommOp op)
{
    assert(n_each >= 0);
    int64_t size = dtype_bytes(dtype);
    if (group->size == 1) {
        if (into != from && n_each)
            memmove(into, from, (size_t)(n_each * size));
        return OK;
    }
    int64_t n_block = slice_max(group, dtype);
    for (int64_t i = 0; i < n_each; i += n_block) {
        int64_t n = min_i64(n_block, n_each - i), n_bytes = n * size;
        for (int r = 0; r < group->size; r++)
            group->pieces[r] = (CommPiece){(const char *)from + (r * n_each + i) * size,
                                           (char *)group->scratch + r * n_bytes, n_bytes, n_bytes};
        TRY(comm_exchange(group));
        combine_ranks(group, n, dtype, op);
        memcpy((char *)into + i * size, group->scratch, (size_t)n_bytes);
    }
    return OK;
}
