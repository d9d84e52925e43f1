/* matmul.c - y[N, M] = a b, where either may be given transposed: products of two activations. A weight belongs to linear, whose
 * gradient is summed over tokens leaf by leaf.
 *
 *   a  [N, K] or [K, N]      b  [K, M] or [M, K]      f32 or bf16 each; y has the wider dtype, sums in f32
 *
 * With y = A B: dA = dy B^T and dB = A^T dy; a transposed input wants the transpose, which is the same product in the other order:
 *   a = A: da = dy B^T    a = A^T: da = B dy^T    b = B: db = A^T dy    b = B^T: db = dy^T A
 * Each way to transpose is an operator of its own, for its axes differ. */
#include "engine/op/gemm.h"
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <math.h>

typedef struct {
    bool a, b;
} Transposes;

/* Rows and columns of a, b as they enter the product. */
static void product_sizes(const Shape *a, const Shape *b, Transposes t, int64_t *n, int64_t *k, int64_t *k_of_b, int64_t *m)
{
    *n = a->dim[t.a ? 1 : 0], *k = a->dim[t.a ? 0 : 1];
    *k_of_b = b->dim[t.b ? 1 : 0], *m = b->dim[t.b ? 0 : 1];
}

/* Shapes and strides alone; data pointers come with a run. */
static Gemm matmul_gemm(const Shape *a, const int64_t *a_stride, const Shape *b, const int64_t *b_stride, Transposes t)
{
    int64_t n, k, k_of_b, m;
    product_sizes(a, b, t, &n, &k, &k_of_b, &m);
    return (Gemm){.m = n, .n = m, .k = k, .a_row_stride = a_stride[t.a ? 1 : 0], .a_col_stride = a_stride[t.a ? 0 : 1],
                  .b_row_stride = b_stride[t.b ? 1 : 0], .b_col_stride = b_stride[t.b ? 0 : 1], .c_row_stride = m};
}

static void matmul_infer(Infer *infer, Transposes t)
{
    const Node *a = infer->in[0], *b = infer->in[1];
    int64_t n, k, k_of_b, m;
    if (!infer_is_float(infer, 0, "a") || !infer_is_rows(infer, 0, 2, "a") || !infer_is_float(infer, 1, "b") ||
        !infer_is_rows(infer, 1, 2, "b"))
        return;
    product_sizes(&a->shape, &b->shape, t, &n, &k, &k_of_b, &m);
    if (k != k_of_b) {
        infer_fail(infer, "a is %s%s, b is %s%s: the inner sizes differ", infer_describe(infer, 0), t.a ? " transposed" : "",
                   infer_describe(infer, 1), t.b ? " transposed" : "");
        return;
    }
    if ((t.a ? a->bound : 0) != (t.b ? 0 : b->bound)) {
        infer_fail(infer, "a is %s, b is %s: the inner sizes have different bounds", infer_describe(infer, 0), infer_describe(infer, 1));
        return;
    }
    if (t.b && b->bound) {
        infer_fail(infer, "b is %s: the second dimension of a product cannot follow a bound", infer_describe(infer, 1));
        return;
    }
    infer->out[0].dtype = dtype_wider(a->dtype, b->dtype);
    infer->out[0].shape = shape_2(n, m);
    infer->out[0].bound = t.a ? 0 : a->bound;
    if (infer->out[0].dtype != DTYPE_F64) {
        Gemm gemm = matmul_gemm(&a->shape, a->stride, &b->shape, b->stride, t);
        gemm.a_dtype = a->dtype, gemm.b_dtype = b->dtype, gemm.c_dtype = infer->out[0].dtype;
        infer->workspace_bytes = gemm_workspace_bytes(&gemm);
    }
}

static void matmul_run(const KernelCall *call, Transposes t)
{
    const Tensor *a = &call->in[0], *b = &call->in[1], *y = &call->out[0];
    Gemm gemm = matmul_gemm(&a->shape, a->stride, &b->shape, b->stride, t);
    gemm.a = a->data, gemm.b = b->data, gemm.c = y->data;
    gemm.a_dtype = a->dtype, gemm.b_dtype = b->dtype, gemm.c_dtype = y->dtype;
    gemm_run(&gemm, call->workspace);
}

static void matmul_reference_of(const KernelCall *call, Transposes t)
{
    const Tensor *a = &call->in[0], *b = &call->in[1], *y = &call->out[0];
    int64_t N, K, k_of_b, M;
    product_sizes(&a->shape, &b->shape, t, &N, &K, &k_of_b, &M);
    for (int64_t n = 0; n < N; n++)
        for (int64_t m = 0; m < M; m++) {
            double total = 0.0;
            for (int64_t k = 0; k < K; k++)
                total += tensor_get(a, t.a ? k * N + n : n * K + k) * tensor_get(b, t.b ? m * K + k : k * M + m);
            tensor_set(y, n * M + m, total);
        }
}

static void matmul_derive_of(Derive *d, Transposes t)
{
    Graph *g = d->g;
    Node *a = d->in[0], *b = d->in[1], *dy = d->dy[0];
    if (d->wanted[0])
        d->dx[0] = cast(g, t.a ? matmul(g, b, dy, t.b, true) : matmul(g, dy, b, false, !t.b), node_dtype(a));
    if (d->wanted[1])
        d->dx[1] = cast(g, t.b ? matmul(g, dy, a, true, t.a) : matmul(g, a, dy, !t.a, false), node_dtype(b));
}

static void matmul_cost(const Call *call, Cost *cost)
{
    double n_a = node_count(call->in[0]), n_b = node_count(call->in[1]), n_y = node_count(call->out[0]);
    cost->matmul_flops += n_y > 0.0 ? 2.0 * sqrt(n_a * n_b * n_y) : 0.0;  /* NK * KM * NM is the square of NKM */
}

#define MATMUL(op, axes_text, transpose_a, transpose_b)                           \
    static void op##_infer(Infer *infer)                                          \
    {                                                                             \
        matmul_infer(infer, (Transposes){transpose_a, transpose_b});              \
    }                                                                             \
    static void op##_derive(Derive *d)                                            \
    {                                                                             \
        matmul_derive_of(d, (Transposes){transpose_a, transpose_b});              \
    }                                                                             \
    static void op##_reference(const KernelCall *call)                            \
    {                                                                             \
        matmul_reference_of(call, (Transposes){transpose_a, transpose_b});        \
    }                                                                             \
    static void op##_run(const KernelCall *call)                                  \
    {                                                                             \
        matmul_run(call, (Transposes){transpose_a, transpose_b});                 \
    }                                                                             \
    const OpInfo op##_info = {                                                    \
        .name = #op,                                                              \
        .axes = axes_text,                                                        \
        .flags = OP_PURE,                                                         \
        .precision = PRECISION_COMPUTE,                                           \
        .infer = op##_infer,                                                      \
        .derive = op##_derive,                                                    \
        .cost = matmul_cost,                                                      \
        .reference = op##_reference,                                              \
        .cpu = OP_KERNEL_AT_ALL_LEVELS(op##_run),                                 \
    };

MATMUL(matmul_nn, "nk,km->nm", false, false)
MATMUL(matmul_nt, "nk,mk->nm", false, true)
MATMUL(matmul_tn, "kn,km->nm", true, false)
MATMUL(matmul_tt, "kn,mk->nm", true, true)

static const OpInfo *matmul_op(Transposes t)
{
    static const OpInfo *const ops[2][2] = {{&matmul_nn_info, &matmul_nt_info}, {&matmul_tn_info, &matmul_tt_info}};
    return ops[t.a][t.b];
}

Node *matmul(Graph *g, Node *a, Node *b, bool transpose_a, bool transpose_b)
{
    return graph_call(g, matmul_op((Transposes){transpose_a, transpose_b}), (Node *[]){a, b}, 2, NULL, 0);
}
