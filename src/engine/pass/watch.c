#include "engine/pass/watch.h"

#include "engine/graph/op_info.h"
#include "engine/op/op.h"
#include "engine/pass/recompute.h"

static int64_t count_layers(Graph *g)
{
    int64_t n_layers = 0;
    for (int c = 0; c < graph_n_calls(g); c++) {
        int64_t layer = call_layer(graph_call_at(g, c)->name);
        n_layers = layer + 1 > n_layers ? layer + 1 : n_layers;
    }
    return n_layers;
}

void pass_watch_gradients(Graph *g, DType dtype, const char *name)
{
    if (graph_error(g) != OK)
        return;
    Store *store = graph_store(g);
    store_add_state(store, name, STATE_OTHER, DTYPE_I64, shape_2(1 + count_layers(g), EXPONENT_BINS));
    int state = store_find_state(store, name);
    graph_set_segment(g, SEGMENT_BACKWARD);
    for (int c = 0; c < graph_n_calls(g); c++) {
        Call *call = graph_call_at(g, c);
        if (call->segment != SEGMENT_BACKWARD)
            continue;
        Node *counts = graph_state_range(g, state, (1 + call_layer(call->name)) * EXPONENT_BINS, shape_1(EXPONENT_BINS));
        for (int o = 0; o < call->n_out; o++)
            if (call->out[o]->dtype == dtype && !call->out[o]->alias) {
                graph_insert_before(g, ++c);
                exponent_count(g, counts, call->out[o]);
                graph_insert_end(g);
            }
    }
}
