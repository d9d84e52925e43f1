/* pack.c - see pack.h. */
#include "engine/pass/pack.h"

static bool fits(PackedFormat format, DType dtype)
{
    if (format == PACKED_F32 || format == PACKED_BF16)
        return dtype == (format == PACKED_F32 ? DTYPE_F32 : DTYPE_BF16);
    return dtype == DTYPE_F32 || dtype == DTYPE_BF16 || dtype == DTYPE_F16;
}

static PackedWeight declare_copy(Graph *g, const Call *call, WeightLayout layout, PackedFormat format, Arena *arena)
{
    Store *store = graph_store(g);
    const Node *w = call->in[1];
    bool out_in = layout == WEIGHT_OUT_IN;
    PackedWeight packed = {.param = w->param, .layout = layout,
                           .spec = {.n_in = w->shape.dim[out_in ? 1 : 0], .n_out = w->shape.dim[out_in ? 0 : 1], .format = (int32_t)format}};
    const char *name = arena_printf(arena, "%s:packed.%s", store_param(store, w->param)->name, packed_format_name(format));
    store_add_state(store, name, STATE_COPY, DTYPE_U8, shape_1(packed_bytes(&packed.spec)));
    packed.state = store_find_state(store, name);
    return packed;
}

int pass_pack_weights(Graph *g, PackedFormat format, PackedWeight **weights, Arena *arena)
{
    int n = 0;
    *weights = ARENA_ARRAY(arena, PackedWeight, graph_n_calls(g) + 1);
    for (int c = 0; c < graph_n_calls(g) && graph_error(g) == OK; c++) {
        Call *call = graph_call_at(g, c);
        WeightLayout layout;
        if (!linear_is_over_param(g, call, &layout) || !fits(format, call->in[1]->dtype))
            continue;
        PackedWeight packed = declare_copy(g, call, layout, format, arena);
        graph_insert_before(g, c);
        graph_push_scope(g, "%s", call->name);
        Node *copy = graph_state(g, store_state(graph_store(g), packed.state)->name);
        Node *y = linear_packed(g, call->in[0], copy, call->in[2], &packed.spec);
        graph_pop_scope(g);
        graph_insert_end(g);
        if (graph_error(g) != OK)
            break;
        graph_supersede(g, call->out[0], y);
        (*weights)[n++] = packed;
        c++;  /* the linear itself has moved one on; nothing reads it any more */
    }
    return n;
}

void packed_weights_fill(const Store *store, const PackedWeight *weights, int n)
{
    for (int i = 0; i < n; i++) {
        Tensor w = store_param_tensor(store, weights[i].param, NULL);
        packed_fill(store_state_tensor(store, weights[i].state).data, &weights[i].spec, &w, weights[i].layout);
    }
}
