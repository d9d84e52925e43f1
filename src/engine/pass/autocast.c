#include "engine/pass/autocast.h"

#include "engine/graph/op_info.h"
#include "engine/op/op.h"

/* Whether `call` wants input i in the compute dtype. */
static bool is_computed_in(const Call *call, int i)
{
    return call->op->precision == PRECISION_COMPUTE && !(call->op->keep_inputs >> i & 1);
}

/* Whether a call makes the value that can round it on the way out, for readers who all want it rounded: the f32 is then never written. */
static bool can_be_rounded(Graph *g, const Node *value)
{
    if (value->kind != NODE_CALL || !value->call->op->round_output || value->index != 0 || value->is_output)
        return false;
    for (int c = 0; c < graph_n_calls(g); c++) {
        const Call *call = graph_call_at(g, c);
        for (int i = 0; i < call->n_in; i++)
            if (call->in[i] == value && !is_computed_in(call, i))
                return false;
    }
    return true;
}

/* The value in the compute dtype; casts[] remembers what has been cast, by node id. */
static Node *narrowed(Graph *g, Node *value, DType compute, Node **casts, int index)
{
    if (casts[value->id])
        return casts[value->id];
    Node *narrow;
    if (can_be_rounded(g, value)) {
        value->call->op->round_output(g, value->call, compute);
        return value;
    }
    if (value->kind == NODE_STATE && value->param >= 0) {
        narrow = graph_param_copy(g, store_param(graph_store(g), value->param)->name, compute);
    } else {
        graph_insert_before(g, index);
        graph_push_scope(g, "%s", graph_call_at(g, index)->name);  /* a layer's cast belongs to that layer */
        narrow = cast(g, value, compute);
        graph_pop_scope(g);
        graph_insert_end(g);
    }
    casts[value->id] = narrow;
    return narrow;
}

void pass_autocast(Graph *g, DType compute)
{
    Arena *arena = arena_new();
    Node **casts = ARENA_ARRAY(arena, Node *, graph_n_nodes(g));  /* new nodes are never cast again */
    for (int c = 0; c < graph_n_calls(g); c++) {
        Call *call = graph_call_at(g, c);
        for (int i = 0; i < call->n_in; i++) {
            Node *in = call->in[i];
            if (!in || !is_computed_in(call, i) || in->dtype != DTYPE_F32)
                continue;
            int n_before = graph_n_calls(g);
            call->in[i] = narrowed(g, in, compute, casts, c);
            c += graph_n_calls(g) - n_before;
        }
        graph_reinfer(g, call);
    }
    arena_free(arena);
}
