/* dropout.c - each element is dropped with probability p, and the others grow by 1 / (1 - p) (Srivastava et al. 2014, JMLR 15).
 *
 *   x      [N, C] f32 or bf16       draws  [N, 3] i32       y  like x
 *
 * What is dropped is a pure function of (seed, stream, sample, place, channel), where draws[n] names a token of the training data: the low and
 * high word of its sample's number since the start of training, and its place in that sample. Four channels share a Philox block. So a
 * token's mask does not depend on the batch it came in, on threads, or on when a run was resumed; the backward draws it again rather than
 * keeping it; and the stream, the operator's place in the graph, is an attribute that a copy of the call keeps.
 *
 * The derivative is the same operator on dy. */
#include "engine/op/dropout_internal.h"
#include "engine/op/op.h"

OP_KERNELS_DECLARE(dropout);

const OpInfo dropout_info;

static void dropout_infer(Infer *infer)
{
    const Node *x = infer->in[0];
    const DropoutAttr *attr = infer->attr;
    if (!infer_is_float(infer, 0, "x") || !infer_is_rows(infer, 0, 2, "x") || !infer_is_draws(infer, 1, x))
        return;
    if (!(attr->rate >= 0.0 && attr->rate < 1.0))
        infer_fail(infer, "a rate of %g: 0 or more and below 1 expected", attr->rate);
    infer_like(infer, 0, 0);
}

static void dropout_derive(Derive *d)
{
    d->dx[0] = cast(d->g, graph_call(d->g, &dropout_info, (Node *[]){d->dy[0], d->in[1]}, 2, d->attr, sizeof(DropoutAttr)),
                    node_dtype(d->in[0]));
}

static void dropout_reference(const KernelCall *call)
{
    const Tensor *x = &call->in[0];
    const DropoutAttr *attr = call->attr;
    const int64_t N = tensor_dim(x, 0), C = tensor_dim(x, 1);
    for (int64_t n = 0; n < N; n++)
        for (int64_t c = 0; c < C; c++) {
            const int32_t *draw = (const int32_t *)call->in[1].data + 3 * n;
            Philox words = dropout_words(attr, draw, (uint64_t)c / 4);
            bool stays = words.word[c % 4] >= dropout_threshold(attr);
            tensor_set(&call->out[0], n * C + c, stays ? tensor_get(x, n * C + c) / (1.0 - attr->rate) : 0.0);
        }
}

/* A quarter of a Philox block. */
static void dropout_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 16.0 * node_count(call->out[0]);
}

const OpInfo dropout_info = {
    .name = "dropout",
    .axes = "nc,nr->nc",
    .flags = OP_PURE | OP_RANDOM | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = dropout_infer,
    .derive = dropout_derive,
    .cost = dropout_cost,
    .reference = dropout_reference,
    .cpu = OP_KERNELS(dropout),
};

bool infer_is_draws(Infer *infer, int i, const Node *x)
{
    const Node *draws = infer->in[i];
    bool holds = draws->dtype == DTYPE_I32 && shape_equal(draws->shape, shape_2(x->shape.dim[0], 3)) && draws->bound == x->bound &&
                 node_is_dense(draws);
    if (!holds)
        infer_fail(infer, "draws is %s: i32 [tokens, 3] expected", infer_describe(infer, i));
    return holds;
}

Node *dropout(Graph *g, Node *x, Node *draws, double rate, uint64_t seed)
{
    DropoutAttr attr = {.rate = rate, .seed = seed, .stream = (uint64_t)graph_n_calls(g)};
    return graph_call(g, &dropout_info, (Node *[]){x, draws}, 2, &attr, sizeof attr);
}
