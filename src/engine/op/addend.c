/* addend.c - see addend.h. */
#include "engine/op/addend.h"

extern const OpInfo add_info, layernorm_backward_info, rmsnorm_backward_info;

static bool takes_addend(const Call *call)
{
    return (call->op == &layernorm_backward_info || call->op == &rmsnorm_backward_info) && !call->in[call->n_in - 1];
}

bool infer_addend(Infer *infer, int addend, int i)
{
    const Node *node = infer->in[addend];
    if (!node)
        return true;
    if (node->dtype != infer->in[i]->dtype) {
        infer_fail(infer, "what is added is %s: the dtype of %s expected", infer_describe(infer, addend), infer_describe(infer, i));
        return false;
    }
    return infer_same_rows(infer, i, addend) && infer_is_rows(infer, addend, node->shape.n_dims, "what is added");
}

bool addend_fits(const Call *made, const Call *then, int slot)
{
    if (then->op != &add_info || !takes_addend(made))
        return false;
    const Node *value = made->out[0], *other = then->in[1 - slot];
    int last = other->shape.n_dims - 1;
    return then->in[slot] == value && other != value && other->dtype == value->dtype && other->bound == value->bound &&
           shape_equal(other->shape, value->shape) && other->stride[last] == 1;
}

void addend_give(Graph *g, Call *made, const Call *then, int slot)
{
    made->in[made->n_in - 1] = then->in[1 - slot];
    graph_reinfer(g, made);
}
