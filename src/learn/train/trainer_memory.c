/* trainer_memory.c - the micro step within the memory that the options allow. */
#include "learn/train/trainer_internal.h"

#include "base/log.h"
#include "engine/pass/fuse.h"
#include "engine/pass/panels.h"
#include "learn/optim/optim.h"

#include <math.h>

static const CompileOptions on_cpu = {BACKEND_CPU};

/* The micro step with these values made again, in place of the one there is; `offload`: with others waiting in a file. */
static Err compile_as(Trainer *t, const RecomputeOptions *options, bool offload)
{
    program_free(t->micro_step);
    graph_free(t->micro_graph);
    block_file_free(t->offload);
    t->micro_step = NULL;
    t->offload = offload ? block_file_new() : NULL;
    t->micro_graph = trainer_record_loss(t, true);
    if (t->options.memory.pack_weights)
        pass_panels(t->micro_graph);
    pass_recompute(t->micro_graph, options, &t->recompute);
    if (offload)
        pass_offload(t->micro_graph, t->offload, &t->offloaded);
    if (t->recompute.n_again == 0)  /* else values are chosen one by one, to meet a budget */
        pass_fuse(t->micro_graph);
    /* strands take memory, so they are not for runs that spare it */
    graph_set_strands(t->micro_graph, !offload && t->recompute.n_again == 0 && t->options.memory.recompute != RECOMPUTE_BUDGET);
    return graph_compile(&t->micro_step, t->micro_graph, &on_cpu);
}

static Err compile_with(Trainer *t, const RecomputeOptions *options)
{
    return compile_as(t, options, t->options.memory.offload != NULL);
}

/* The fewest choices made again, in groups of `layers`, whose slab is within the budget; *fits is false when even all are not enough. The slab
 * shrinks with every choice but for what the packing of buffers adds now and then, so the search is by halves. */
static Err fit_choices(Trainer *t, int64_t layers, int64_t slab_budget, bool *fits)
{
    TRY(compile_with(t, &(RecomputeOptions){layers, -1}));
    *fits = program_plan(t->micro_step)->slab_bytes <= slab_budget;
    if (!*fits)
        return OK;
    int64_t too_few = 0, enough = t->recompute.n_choices;  /* too_few does not fit: nothing made again was tried before */
    while (enough - too_few > 1) {
        int64_t middle = too_few + (enough - too_few) / 2;
        TRY(compile_with(t, &(RecomputeOptions){layers, middle}));
        if (program_plan(t->micro_step)->slab_bytes <= slab_budget)
            enough = middle;
        else
            too_few = middle;
    }
    return compile_with(t, &(RecomputeOptions){layers, enough});
}

/* Small groups first: they repeat least. */
static Err fit_budget(Trainer *t)
{
    TrainerPlan plan = trainer_plan(t);
    int64_t slab_budget = (int64_t)t->options.memory.budget_bytes - (plan.total_bytes - plan.activation_bytes);
    int64_t least = plan.activation_bytes;
    if (plan.activation_bytes <= slab_budget)
        return OK;
    int64_t n_layers = 1;
    for (int64_t layers = 1; layers <= n_layers; layers++) {
        bool fits;
        TRY(fit_choices(t, layers, slab_budget, &fits));
        if (fits)
            return OK;
        n_layers = t->recompute.n_layers;
        int64_t slab_bytes = program_plan(t->micro_step)->slab_bytes;
        least = slab_bytes < least ? slab_bytes : least;
    }
    Arena *arena = arena_new();
    Err err = err_set(ERR_USAGE, "memory.budget_bytes: %s are not enough: this run needs %s with everything made again; lower"
                      " train.micro_batch_size or data.seq_len, or allow more", format_bytes(arena, t->options.memory.budget_bytes),
                      format_bytes(arena, (double)(plan.total_bytes - plan.activation_bytes + least)));
    arena_free(arena);
    return err;
}

Err trainer_compile_step(Trainer *t)
{
    TRY(compile_as(t, &(RecomputeOptions){0}, false));
    t->kept_bytes = program_plan(t->micro_step)->slab_bytes;
    t->update_graph = graph_new(t->store);
    optim_record_update(&t->options.optim, t->update_graph);
    TRY(graph_compile(&t->update, t->update_graph, &on_cpu));
    if (t->options.memory.offload)
        TRY(compile_with(t, &(RecomputeOptions){0}));
    switch ((RecomputeMode)t->options.memory.recompute) {
    case RECOMPUTE_NONE:
        return OK;
    case RECOMPUTE_LAYERS:
        return compile_with(t, &(RecomputeOptions){t->options.memory.layers, -1});
    case RECOMPUTE_SQRT:
        TRY(compile_with(t, &(RecomputeOptions){1, 0}));  /* counts the layers */
        return compile_with(t, &(RecomputeOptions){(int64_t)lround(sqrt((double)t->recompute.n_layers)), -1});
    case RECOMPUTE_BUDGET:
        return fit_budget(t);
    }
    return OK;
}
