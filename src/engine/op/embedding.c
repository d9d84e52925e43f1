/* embedding.c - y[n] = table[ids[n]], and the rows of a value that an index names.
 *
 *   table  [V, C]  f32 or bf16        ids  i32 [N], each in [0, V)
 *   y      [N, C]  dtype of the table
 *
 * dtable[v] = sum of dy[n] over the tokens n with ids[n] = v: leaf by leaf. Inside a leaf, the rows of one id are summed in token
 * order, then added to the gradient. */
#include "engine/op/embedding_internal.h"
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <assert.h>

OP_KERNELS_DECLARE(embedding);
OP_KERNELS_DECLARE(embedding_backward);

const OpInfo embedding_backward_info;

static bool infer_is_index(Infer *infer, int i, const char *name)
{
    bool holds = infer->in[i]->dtype == DTYPE_I32 && infer->in[i]->shape.n_dims == 1 && node_is_dense(infer->in[i]);
    if (!holds)
        infer_fail(infer, "%s is %s: i32 of one dimension expected", name, infer_describe(infer, i));
    return holds;
}

static void embedding_infer(Infer *infer)
{
    if (!infer_is_float(infer, 0, "the table") || !infer_is_rows(infer, 0, 2, "the table") || !infer_is_index(infer, 1, "the index"))
        return;
    infer_like(infer, 0, 1);
    infer->out[0].dtype = infer->in[0]->dtype;
    infer->out[0].shape = shape_2(infer->in[1]->shape.dim[0], infer->in[0]->shape.dim[1]);
}

static void embedding_derive(Derive *d)
{
    LeafAttr attr = {graph_grad_leaf(d->g)};
    if (d->wanted[0])
        d->dx[0] = graph_call(d->g, &embedding_backward_info, (Node *[]){derive_sink(d, 0), d->in[1], d->dy[0]}, 3, &attr, sizeof attr);
}

static void embedding_reference(const KernelCall *call)
{
    const Tensor *table = &call->in[0], *ids = &call->in[1], *y = &call->out[0];
    int64_t C = tensor_dim(table, 1);
    for (int64_t n = 0; n < tensor_dim(ids, 0); n++) {
        int64_t id = (int64_t)tensor_get(ids, n);
        assert(id >= 0 && id < tensor_dim(table, 0));
        for (int64_t c = 0; c < C; c++)
            tensor_set(y, n * C + c, tensor_get(table, id * C + c));
    }
}

/* Rows that are read, not the whole table. */
static void rows_cost(const Call *call, Cost *cost)
{
    double bytes = node_count(call->out[0]) * dtype_bytes(call->out[0]->dtype);
    cost->bytes_read = bytes + 4.0 * node_count(call->in[1]);
    cost->bytes_written = bytes;
}

const OpInfo embedding_info = {
    .name = "embedding",
    .axes = "vc,n->nc",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = embedding_infer,
    .derive = embedding_derive,
    .cost = rows_cost,
    .reference = embedding_reference,
    .cpu = OP_KERNELS(embedding),
};

Node *embedding(Graph *g, Node *table, Node *ids)
{
    return graph_call(g, &embedding_info, (Node *[]){table, ids}, 2, NULL, 0);
}

/* ---- gather_rows: the same copy from activations; evaluation and decoding use it, so nothing is derived through it ---- */

const OpInfo gather_rows_info = {
    .name = "gather_rows",
    .axes = "nc,m->mc",
    .flags = OP_PURE | OP_CHEAP,
    .precision = PRECISION_FOLLOW,
    .infer = embedding_infer,
    .cost = rows_cost,
    .reference = embedding_reference,
    .cpu = OP_KERNELS(embedding),
};

Node *gather_rows(Graph *g, Node *x, Node *index)
{
    return graph_call(g, &gather_rows_info, (Node *[]){x, index}, 2, NULL, 0);
}

/* ---- backward: gradient of the table, ids, dy -> the gradient, changed ---- */

static void backward_infer(Infer *infer)
{
    const Node *sink = infer->in[0], *ids = infer->in[1];
    if (infer_is_float(infer, 2, "dy") && infer_is_rows(infer, 2, 2, "dy") &&
        infer_has_shape(infer, 2, shape_2(ids->shape.dim[0], sink->shape.dim[1]), "dy")) {
        infer_writes(infer, 0, 0);
        infer->workspace_bytes = sizeof(TokenLink) * (size_t)ids->shape.dim[0];
    }
}

static void backward_reference(const KernelCall *call)
{
    const Tensor *sink = &call->out[0], *ids = &call->in[1], *dy = &call->in[2];
    int64_t C = tensor_dim(sink, 1);
    for (int64_t n = 0; n < tensor_dim(ids, 0); n++)
        for (int64_t c = 0; c < C; c++) {
            int64_t at = (int64_t)tensor_get(ids, n) * C + c;
            tensor_set(sink, at, tensor_get(sink, at) + tensor_get(dy, n * C + c));
        }
}

static void backward_cost(const Call *call, Cost *cost)
{
    double count = node_count(call->in[2]);
    cost->other_flops += count;
    cost->bytes_read = count * (dtype_bytes(call->in[2]->dtype) + 4) + 4.0 * node_count(call->in[1]);
    cost->bytes_written = 4.0 * count;
}

const OpInfo embedding_backward_info = {
    .name = "embedding_backward",
    .axes = "vc,n,nc->vc",
    .flags = OP_WRITES_STATE | OP_LEAVES,
    .precision = PRECISION_KEEP,
    .infer = backward_infer,
    .cost = backward_cost,
    .reference = backward_reference,
    .cpu = OP_KERNELS(embedding_backward),
};

/* ---- ids moved on: a few integers, one kernel for all ---- */

typedef struct {
    int64_t by;
} ShiftAttr;

static void shift_infer(Infer *infer)
{
    if (infer_is_index(infer, 0, "ids"))
        infer_like(infer, 0, 0);
}

static void shift_run(const KernelCall *call)
{
    const int32_t *ids = call->in[0].data, by = (int32_t)((const ShiftAttr *)call->attr)->by;
    int32_t *y = call->out[0].data;
    for (int64_t n = 0; n < tensor_count(&call->out[0]); n++)
        y[n] = ids[n] + by;
}

const OpInfo shift_ids_info = {
    .name = "shift_ids",
    .axes = "n->n",
    .flags = OP_PURE | OP_CHEAP,
    .precision = PRECISION_FOLLOW,
    .infer = shift_infer,
    .reference = shift_run,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(shift_run),
};

Node *shift_ids(Graph *g, Node *ids, int64_t by)
{
    ShiftAttr attr = {by};
    return graph_call(g, &shift_ids_info, &ids, 1, &attr, sizeof attr);
}
