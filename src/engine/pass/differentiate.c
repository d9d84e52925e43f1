/* differentiate.c - walks the calls backwards once; each call turns the gradients of its outputs into those of its inputs. */
#include "engine/pass/differentiate.h"

#include "engine/graph/op_info.h"
#include "engine/op/op.h"

#include <assert.h>
#include <stdlib.h>

typedef struct {
    Derive derive;   /* first: derive_sink gets it back */
    Graph *g;
    bool *needs;     /* per node of the forward graph: a trainable parameter reaches it */
    Node **grad;     /* per node of the forward graph: sum of the gradients found so far */
    int *use_of;     /* per call * OP_INPUTS_MAX + input: which use of its parameter, -1: not a parameter */
    int call_index;
} Differ;

static bool is_trainable(const Graph *g, const Node *node)
{
    if (node->kind != NODE_STATE || node->param < 0)
        return false;
    const Store *store = graph_store(g);
    return store_bucket(store, store_param(store, node->param)->bucket)->trainable;
}

static bool is_float(DType dtype)
{
    return dtype == DTYPE_F32 || dtype == DTYPE_BF16 || dtype == DTYPE_F16 || dtype == DTYPE_F64;
}

/* Which nodes need a gradient; and numbers the uses of each parameter in order of recording. */
static void find_needs(Differ *d, int n_calls, int n_nodes)
{
    Graph *g = d->g;
    for (int i = 0; i < n_nodes; i++)
        d->needs[i] = is_trainable(g, graph_node_at(g, i));
    int n_params = store_n_params(graph_store(g));
    int *n_uses = mem_alloc(sizeof(int) * (size_t)(n_params + 1));
    for (int c = 0; c < n_calls; c++) {
        Call *call = graph_call_at(g, c);
        bool any = false;
        for (int i = 0; i < call->n_in; i++) {
            Node *in = call->in[i];
            d->use_of[c * OP_INPUTS_MAX + i] = -1;
            if (!in || !d->needs[in->id])
                continue;
            any = true;
            if (is_trainable(g, in))
                d->use_of[c * OP_INPUTS_MAX + i] = n_uses[in->param]++;
        }
        for (int o = 0; o < call->n_out; o++)
            d->needs[call->out[o]->id] = any && is_float(call->out[o]->dtype);
    }
    free(n_uses);
}

/* A parameter's gradient state, or zeros for a value in between. */
static Node *differ_sink(Derive *derive, int i)
{
    Differ *d = (Differ *)derive;
    Node *in = derive->in[i];
    int use = d->use_of[d->call_index * OP_INPUTS_MAX + i];
    DType dtype = in->dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
    if (use < 0)
        return fill(d->g, dtype, in->shape, in->bound, 0.0);
    int64_t offset;
    int state = store_param_grad(graph_store(d->g), in->param, use, &offset);
    return graph_state_range(d->g, state, offset, in->shape);
}

/* Adds dx to what input i has received. A parameter's gradient that an operator did not put into the sink itself goes there now. */
static void receive(Differ *d, int i, Node *dx)
{
    Node *in = d->derive.in[i];
    if (!shape_equal(dx->shape, in->shape)) {
        char want[SHAPE_TEXT_BYTES], got[SHAPE_TEXT_BYTES];
        graph_fail(d->g, "%s: the gradient of input %d is %s, the input is %s", d->derive.call->name, i,
                   shape_to_text(got, dx->shape), shape_to_text(want, in->shape));
        return;
    }
    if (is_trainable(d->g, in)) {
        int64_t offset;
        if (node_state_root(dx) < 0)
            state_add(d->g, differ_sink(&d->derive, i), dx);
        else
            assert(node_state_root(dx) == store_param_grad(graph_store(d->g), in->param,
                                                           d->use_of[d->call_index * OP_INPUTS_MAX + i], &offset));
        return;
    }
    Node **sum = &d->grad[in->id];
    *sum = *sum ? add(d->g, *sum, dx) : dx;
}

static void differentiate_call(Differ *d, Call *call)
{
    Node *dy[OP_OUTPUTS_MAX] = {0};
    bool wanted[OP_INPUTS_MAX] = {0};
    bool any_dy = false, any_wanted = false;
    for (int o = 0; o < call->n_out; o++) {
        dy[o] = d->grad[call->out[o]->id];
        any_dy |= dy[o] != NULL;
    }
    for (int i = 0; i < call->n_in; i++) {
        wanted[i] = call->in[i] && d->needs[call->in[i]->id];
        any_wanted |= wanted[i];
    }
    if (!any_dy || !any_wanted)
        return;
    if (!call->op->derive) {
        graph_fail(d->g, "%s: this operator has no derivative", call->name);
        return;
    }
    d->derive = (Derive){.g = d->g, .call = call, .in = call->in, .out = call->out, .dy = dy, .wanted = wanted,
                         .attr = call->attr, .sink = differ_sink};
    graph_push_scope(d->g, "d(%s)", call->name);
    call->op->derive(&d->derive);
    for (int i = 0; i < call->n_in; i++) {
        if (!wanted[i])
            continue;
        if (d->derive.dx[i])
            receive(d, i, d->derive.dx[i]);
        else
            graph_fail(d->g, "%s: no gradient came back for input %d", call->name, i);
    }
    graph_pop_scope(d->g);
}

void pass_differentiate(Graph *g, Node *loss)
{
    if (graph_error(g) != OK)
        return;
    int n_calls = graph_n_calls(g), n_nodes = graph_n_nodes(g);
    Arena *arena = arena_new();
    Differ d = {.g = g};
    d.needs = ARENA_ARRAY(arena, bool, n_nodes);
    d.grad = ARENA_ARRAY(arena, Node *, n_nodes);
    d.use_of = ARENA_ARRAY(arena, int, n_calls * OP_INPUTS_MAX);
    Call **forward = ARENA_ARRAY(arena, Call *, n_calls);
    for (int c = 0; c < n_calls; c++)
        forward[c] = graph_call_at(g, c);
    find_needs(&d, n_calls, n_nodes);
    if (!d.needs[loss->id])
        graph_fail(g, "%s depends on no trainable parameter", loss->name);

    graph_set_segment(g, SEGMENT_BACKWARD);
    d.grad[loss->id] = fill(g, loss->dtype, loss->shape, loss->bound, 1.0);
    for (int c = n_calls; c-- > 0 && graph_error(g) == OK;) {
        d.call_index = c;
        differentiate_call(&d, forward[c]);
    }
    arena_free(arena);
}
