/* state.c - state += x, state = x: how values reach what outlives a run.
 *
 *   state, x  one shape, f32 or bf16 each        the result is the state, changed; rounded once to its dtype */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

OP_KERNELS_DECLARE(state_add);
OP_KERNELS_DECLARE(state_store);

static void state_infer(Infer *infer)
{
    if (infer_is_float(infer, 0, "the state") && infer_is_float(infer, 1, "x") &&
        infer_has_shape(infer, 1, infer->in[0]->shape, "x"))
        infer_writes(infer, 0, 0);
}

static void state_add_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, tensor_get(&call->in[0], i) + tensor_get(&call->in[1], i));
}

static void state_add_cost(const Call *call, Cost *cost)
{
    cost->other_flops += node_count(call->out[0]);
}

const OpInfo state_add_info = {
    .name = "state_add",
    .axes = "abcd,abcd->abcd",
    .flags = OP_WRITES_STATE,
    .precision = PRECISION_KEEP,
    .infer = state_infer,
    .cost = state_add_cost,
    .reference = state_add_reference,
    .cpu = OP_KERNELS(state_add),
};

Node *state_add(Graph *g, Node *state, Node *x)
{
    return graph_call(g, &state_add_info, (Node *[]){state, x}, 2, NULL, 0);
}

static void state_store_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, tensor_get(&call->in[1], i));
}

static void state_store_cost(const Call *call, Cost *cost)
{
    cost->bytes_read = node_count(call->in[1]) * dtype_bytes(call->in[1]->dtype);  /* the old state is not read */
}

const OpInfo state_store_info = {
    .name = "state_store",
    .axes = "abcd,abcd->abcd",
    .flags = OP_WRITES_STATE,
    .precision = PRECISION_KEEP,
    .infer = state_infer,
    .cost = state_store_cost,
    .reference = state_store_reference,
    .cpu = OP_KERNELS(state_store),
};

Node *state_store(Graph *g, Node *state, Node *x)
{
    return graph_call(g, &state_store_info, (Node *[]){state, x}, 2, NULL, 0);
}
