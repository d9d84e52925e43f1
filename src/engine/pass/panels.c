/* panels.c - see panels.h. */
#include "engine/pass/panels.h"

#include "engine/op/panels.h"

#include <stdio.h>

/* The name says what the copy is made of, and for which products. */
typedef struct {
    int param;
    DType w_dtype, x_dtype;
    WeightLayout layout;
} Panels;

static void panels_name(char name[400], const Store *store, const Panels *p)
{
    snprintf(name, 400, "%s:%s.panels.%s.%s", store_param(store, p->param)->name, dtype_name(p->w_dtype), dtype_name(p->x_dtype),
             p->layout == WEIGHT_OUT_IN ? "out_in" : "in_out");
}

static bool is_trainable_param(const Graph *g, const Node *w)
{
    Store *store = graph_store(g);
    return w->kind == NODE_STATE && w->param >= 0 && w->dtype != DTYPE_F64 && store_bucket(store, store_param(store, w->param)->bucket)->trainable;
}

static Node *panels_state(Graph *g, const Node *w, const PanelsSlot *slot)
{
    char name[400];
    panels_name(name, graph_store(g), &(Panels){w->param, w->dtype, slot->x_dtype, slot->layout});
    store_add_state(graph_store(g), name, STATE_COPY, DTYPE_U8, panels_shape(w->shape, slot->layout));
    return graph_state(g, name);
}

int pass_panels(Graph *g)
{
    int n = 0;
    for (int c = 0; c < graph_n_calls(g) && graph_error(g) == OK; c++) {
        Call *call = graph_call_at(g, c);
        PanelsSlot slot[PANELS_SLOTS_MAX];
        int n_slots = call_panels_slots(call, slot);
        for (int s = 0; s < n_slots; s++) {
            const Node *w = call->in[slot[s].w];
            if (!is_trainable_param(g, w))
                continue;
            call->in[slot[s].panels] = panels_state(g, w, &slot[s]);
            n++;
        }
        if (n_slots)
            graph_reinfer(g, call);
    }
    return n;
}

static void refresh(Graph *g, const Panels *p)
{
    char name[400];
    Store *store = graph_store(g);
    panels_name(name, store, p);
    if (store_find_state(store, name) < 0)
        return;
    const Param *param = store_param(store, p->param);
    bool is_param = store_bucket(store, param->bucket)->dtype == p->w_dtype;
    Node *w = is_param ? graph_param(g, param->name) : graph_param_copy(g, param->name, p->w_dtype);
    pack_panels(g, graph_state(g, name), w, p->layout, p->x_dtype);
}

void panels_record_refresh(Graph *g)
{
    static const DType dtypes[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    for (int i = 0; i < store_n_params(graph_store(g)); i++)
        for (int w = 0; w < 3; w++)
            for (int x = 0; x < 3; x++)
                for (int layout = WEIGHT_OUT_IN; layout <= WEIGHT_IN_OUT; layout++)
                    refresh(g, &(Panels){i, dtypes[w], dtypes[x], (WeightLayout)layout});
}
