/* optim.c - the update segment, recorded once: norm, clipping, AdamW, copies, gradients back to zero. */
#include "learn/optim/optim.h"

#include "engine/graph/op_info.h"
#include "engine/op/op.h"
#include "engine/pass/panels.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

OptimOptions optim_options_default(void)
{
    return (OptimOptions){.name = OPTIM_ADAMW, .lr = 1e-3, .betas = {2, {0.9, 0.95}}, .eps = 1e-8,
                          .weight_decay = 0.1, .grad_norm_max = 1.0};
}

static DType sum_dtype(const BucketSpec *bucket)
{
    return bucket->dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
}

void optim_declare(const OptimOptions *options, Store *store)
{
    assert(options->name == OPTIM_ADAMW);
    for (int b = 0; b < store_n_buckets(store); b++) {
        const BucketSpec *bucket = store_bucket(store, b);
        if (!bucket->trainable)
            continue;
        store_add_slab(store, b, "grad", STATE_GRAD, sum_dtype(bucket));
        store_add_slab(store, b, "m", STATE_MOMENT, sum_dtype(bucket));
        store_add_slab(store, b, "v", STATE_MOMENT, sum_dtype(bucket));
    }
}

static Node *bucket_slab(Graph *g, int bucket, const char *what)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", store_bucket(graph_store(g), bucket)->name, what);
    return graph_state(g, name);
}

/* Gradients of a parameter's further uses join those of the first, in order of use, and are cleared for the next step. */
static void record_further_uses(Graph *g)
{
    Store *store = graph_store(g);
    for (int p = 0; p < store_n_params(store); p++) {
        const Param *param = store_param(store, p);
        for (int use = 1; use < param->n_grads; use++) {
            int64_t first_offset, offset;
            int first = store_param_grad(store, p, 0, &first_offset);
            int further = store_param_grad(store, p, use, &offset);
            Node *node = graph_state_range(g, further, offset, param->shape);
            state_add(g, graph_state_range(g, first, first_offset, param->shape), node);
            state_fill(g, node, 0.0);
        }
    }
}

void optim_record_refresh(Graph *g)
{
    static const DType narrow[] = {DTYPE_BF16, DTYPE_F16};
    Store *store = graph_store(g);
    for (int p = 0; p < store_n_params(store); p++)
        for (size_t d = 0; d < sizeof narrow / sizeof narrow[0]; d++) {
            const Param *param = store_param(store, p);
            char name[300];
            snprintf(name, sizeof name, "%s:%s", param->name, dtype_name(narrow[d]));
            if (store_find_state(store, name) >= 0)
                state_store(g, graph_param_copy(g, param->name, narrow[d]), graph_param(g, param->name));
        }
    panels_record_refresh(g);
}

void optim_record_update(const OptimOptions *options, Graph *g)
{
    Store *store = graph_store(g);
    graph_set_segment(g, SEGMENT_BACKWARD);
    graph_push_scope(g, "update");
    record_further_uses(g);
    Node *scalars = graph_input(g, "scalars", DTYPE_F32, shape_1(N_STEP_SCALARS), 0);
    Node *grads[OP_INPUTS_MAX];
    int n_grads = 0;
    for (int b = 0; b < store_n_buckets(store); b++)
        if (store_bucket(store, b)->trainable)
            grads[n_grads++] = bucket_slab(g, b, "grad");
    Node *norm_factor = grad_norm(g, grads, n_grads, scalars);
    graph_output(g, "norm_factor", norm_factor);
    graph_set_segment(g, SEGMENT_UPDATE);
    for (int b = 0; b < store_n_buckets(store); b++) {
        const BucketSpec *bucket = store_bucket(store, b);
        if (!bucket->trainable)
            continue;
        AdamwOptions adam = {.beta1 = options->betas.value[0], .beta2 = options->betas.value[1], .eps = options->eps,
                             .weight_decay = bucket->decay ? options->weight_decay : 0.0, .clear_grad = true};
        adamw(g, bucket_slab(g, b, "param"), bucket_slab(g, b, "grad"), bucket_slab(g, b, "m"), bucket_slab(g, b, "v"), scalars, norm_factor, &adam);
    }
    optim_record_refresh(g);
    graph_pop_scope(g);
}
