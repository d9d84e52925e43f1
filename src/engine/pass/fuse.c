/* fuse.c - see fuse.h. */
#include "engine/pass/fuse.h"

#include "engine/op/addend.h"
#include "engine/op/linear_then.h"
#include "engine/op/op.h"
#include "engine/op/slope.h"

/* Whether anything but `then` reads a value, or keeps it. */
static bool is_read_elsewhere(Graph *g, const Node *value, const Call *then)
{
    for (int c = 0; c < graph_n_calls(g); c++) {
        const Call *call = graph_call_at(g, c);
        for (int i = 0; i < call->n_in && call != then; i++)
            if (call->in[i] == value)
                return true;
    }
    return value->is_output;
}

/* The input of `then` that a linear of the same segment makes, or -1. What is read elsewhere may have made another input of `then`. */
static int linear_slot(Graph *g, const Call *then)
{
    for (int i = 0; i < then->n_in; i++) {
        const Node *in = then->in[i];
        if (in && in->kind == NODE_CALL && in->call->segment == then->segment && !in->call->repeats && linear_then_fits(in->call, then, i) &&
            ((then->n_in == 1 && linear_then_can_keep(in->call)) || !is_read_elsewhere(g, in, then)))
            return i;
    }
    return -1;
}

static void fuse_linear(Graph *g, int index, int slot)
{
    const Call *then = graph_call_at(g, index), *linear = then->in[slot]->call;
    bool keeps = is_read_elsewhere(g, linear->out[0], then);
    graph_set_segment(g, then->segment);
    graph_insert_before(g, index);
    graph_push_scope(g, "%s", linear->name);
    Node *z = linear_then(g, linear, then, slot, keeps);
    graph_pop_scope(g);
    graph_insert_end(g);
    for (int o = 0; o < then->n_out; o++)
        graph_supersede(g, then->out[o], node_sibling(z, o));
    if (keeps)
        graph_supersede(g, linear->out[0], node_sibling(z, then->n_out));
}

/* An activation keeps its slope instead of its input, and its gradient is a product. The calls that these replace stay in the graph, but read what took their
 * place: what they read may then join others. */
static bool keep_slope(Graph *g, int index)
{
    Call *backward = graph_call_at(g, index);
    for (int c = 0; c < index && !backward->repeats; c++) {
        Call *forward = graph_call_at(g, c);
        if (forward->repeats || !slope_fits(forward, backward))
            continue;
        graph_set_segment(g, forward->segment);
        graph_insert_before(g, c);
        graph_push_scope(g, "%s", forward->name);
        Node *y = slope_keep(g, forward);
        graph_pop_scope(g);
        graph_supersede(g, forward->out[0], y);
        graph_set_segment(g, backward->segment);
        graph_insert_before(g, index + 1);
        graph_push_scope(g, "%s", backward->name);
        Node *dx = mul(g, backward->in[1], node_sibling(y, 1));
        graph_pop_scope(g);
        graph_insert_end(g);
        graph_supersede(g, backward->out[0], dx);
        forward->in[0] = backward->in[0] = y, backward->in[1] = dx;
        return true;
    }
    return false;
}

/* An addition whose input a call makes for it alone becomes a part of that call. */
static bool fuse_addend(Graph *g, const Call *then)
{
    for (int slot = 0; slot < then->n_in && slot < 2; slot++) {
        const Node *in = then->in[slot];
        if (!in || in->kind != NODE_CALL || in->index != 0 || in->call->segment != then->segment || in->call->repeats ||
            !addend_fits(in->call, then, slot) || is_read_elsewhere(g, in, then))
            continue;
        addend_give(g, in->call, then, slot);
        graph_supersede(g, then->out[0], in->call->out[0]);
        return true;
    }
    return false;
}

/* A cast of what a call makes becomes one more output of that call. An addition that comes later does not join it any more, for the cast, though nobody
 * reads it, still reads the sum's input. */
static bool fuse_cast(Graph *g, const Call *then)
{
    const Node *in = then->in[0];
    if (!call_is_cast(then) || !dtype_is_half(then->out[0]->dtype) || in->dtype != DTYPE_F32 || in->kind != NODE_CALL || in->index != 0 ||
        in->call->segment != then->segment || in->call->repeats || !in->call->op->copy_rounded)
        return false;
    Node *copy = in->call->op->copy_rounded(g, in->call, then->out[0]->dtype);
    if (copy)
        graph_supersede(g, then->out[0], copy);
    return copy != NULL;
}

int pass_fuse(Graph *g)
{
    int n = 0;
    if (!graph_fuses(g) || graph_error(g) != OK)
        return 0;
    for (int c = 0; c < graph_n_calls(g); c++)
        if (keep_slope(g, c))
            c += 2;
    for (int c = 0; c < graph_n_calls(g); c++) {
        const Call *then = graph_call_at(g, c);
        int slot = then->repeats ? -1 : linear_slot(g, then);
        if (slot >= 0) {
            fuse_linear(g, c, slot);
            n++;
            c++;  /* the elementwise call itself has moved one on; nothing reads it any more */
        } else if (!then->repeats && (fuse_addend(g, then) || fuse_cast(g, then))) {
            n++;
        }
    }
    return n;
}
