/* supersede.c - a value that a gradient computes anyway takes the place of the forward one. */
#include "engine/graph/graph_internal.h"

#include <assert.h>

void graph_supersede(Graph *g, Node *old, Node *by)
{
    assert(shape_equal(old->shape, by->shape) && old->dtype == by->dtype);
    for (int c = 0; c < g->n_calls; c++) {
        Call *call = g->calls[c];
        if (call == by->call)
            continue;
        for (int i = 0; i < call->n_in; i++)
            if (call->in[i] == old)
                call->in[i] = by;
        for (int o = 0; o < call->n_out; o++)
            if (call->out[o]->alias == old)
                call->out[o]->alias = by;
    }
    if (old->is_output) {
        old->is_output = false;
        graph_output(g, old->name, by);
    }
}
