/* exponent_count.c - how large the numbers of a tensor are: a histogram of their exponents, added to a state.
 *
 *   counts  i64 [EXPONENT_BINS], a state         x  any shape, f32, bf16, fp16 (f64)
 *
 * Integer sums: any order gives the same. fp16 is counted by its bits; a zero, or a number below 2^-14, has lost bits to underflow there. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <math.h>

static void exponent_count_infer(Infer *infer)
{
    const Node *counts = infer->in[0];
    if (!infer_is_float(infer, 1, "x"))
        return;
    if (counts->dtype != DTYPE_I64 || !shape_equal(counts->shape, shape_1(EXPONENT_BINS)))
        infer_fail(infer, "counts are %s: i64 [%d] expected", infer_describe(infer, 0), EXPONENT_BINS);
    else
        infer_writes(infer, 0, 0);
}

static int bin_of(double value)
{
    int exponent;
    if (!isfinite(value))
        return EXPONENT_BINS - 1;
    if (value == 0.0)
        return 0;
    frexp(value, &exponent);
    exponent--;
    exponent = exponent < EXPONENT_MIN ? EXPONENT_MIN : exponent > EXPONENT_MAX ? EXPONENT_MAX : exponent;
    return 1 + exponent - EXPONENT_MIN;
}

static void exponent_count_reference(const KernelCall *call)
{
    int64_t *counts = call->out[0].data;
    for (int64_t i = 0; i < tensor_count(&call->in[1]); i++)
        counts[bin_of(tensor_get(&call->in[1], i))]++;
}

enum { F16_EXPONENTS = 32, F16_NORMAL_MIN = -14 };

/* By the exponent field of fp16; subnormal numbers, field 0, one by one. */
static void count_halves(int64_t *counts, const uint16_t *x, int64_t n)
{
    int64_t fields[F16_EXPONENTS] = {0};
    for (int64_t i = 0; i < n; i++) {
        uint32_t field = x[i] >> 10 & 31u;
        fields[field]++;
        if (field == 0)
            counts[bin_of((double)f32_from_f16(x[i]))]++;
    }
    for (int f = 1; f < F16_EXPONENTS - 1; f++)
        counts[f + F16_NORMAL_MIN - EXPONENT_MIN] += fields[f];
    counts[EXPONENT_BINS - 1] += fields[F16_EXPONENTS - 1];
}

static void count_piece(int64_t *counts, const Tensor *x, void *data, int64_t n)
{
    if (x->dtype == DTYPE_F16) {
        count_halves(counts, data, n);
        return;
    }
    Tensor piece = tensor_contiguous(x->dtype, shape_1(n), data);
    for (int64_t i = 0; i < n; i++)
        counts[bin_of(tensor_get(&piece, i))]++;
}

static void exponent_count_run(const KernelCall *call)
{
    const Tensor *x = &call->in[1];
    int64_t *counts = call->out[0].data;
    Pieces pieces = pieces_of((const Tensor *[]){x}, 1);
#pragma omp parallel if (pieces.count > PARALLEL_MIN)
    {
        int64_t own[EXPONENT_BINS] = {0};
#pragma omp for schedule(static) nowait
        for (int64_t p = 0; p < pieces.n_pieces; p++) {
            Piece piece = piece_at(&pieces, p);
            count_piece(own, x, piece_data(&pieces, x, piece), piece.n);
        }
        for (int b = 0; b < EXPONENT_BINS; b++)
            if (own[b]) {
#pragma omp atomic
                counts[b] += own[b];
            }
    }
}

const OpInfo exponent_count_info = {
    .name = "exponent_count",
    .axes = "e,abcd->e",
    .flags = OP_WRITES_STATE,
    .precision = PRECISION_KEEP,
    .infer = exponent_count_infer,
    .reference = exponent_count_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(exponent_count_run),
};

Node *exponent_count(Graph *g, Node *counts, Node *x)
{
    return graph_call(g, &exponent_count_info, (Node *[]){counts, x}, 2, NULL, 0);
}
