/* trainer.c - making a trainer: graphs, programs, plan, memory. */
#include "learn/train/trainer_internal.h"

#include "base/file.h"
#include "base/log.h"
#include "engine/op/op.h"
#include "engine/pass/autocast.h"
#include "engine/pass/differentiate.h"
#include "engine/pass/watch.h"
#include "learn/train/checkpoint_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const CompileOptions on_cpu = {BACKEND_CPU};

int64_t trainer_usual_grad_leaf(int64_t seq_len)
{
    enum { LEAF_MAX = 512 };
    return seq_len < LEAF_MAX ? seq_len : LEAF_MAX;
}

Graph *trainer_record_loss(Trainer *t, bool training)
{
    Graph *g = graph_new(t->store);
    graph_set_grad_leaf(g, t->options.grad_leaf);
    graph_set_fusion(g, !t->options.loss_apart);
    Node *loss = t->task->build(t->task->context, g, training);
    graph_output(g, "loss", loss);
    if (t->options.compute != DTYPE_F32)
        pass_autocast(g, t->options.compute);
    if (training) {
        pass_differentiate(g, trainer_scale_loss(t, g, loss));
        if (t->options.compute == DTYPE_F16)
            pass_watch_gradients(g, DTYPE_F16, WATCH_STATE);
    }
    return g;
}

/* One rank: forward and backward of each micro batch in turn, then the update. */
static void make_schedule(Trainer *t)
{
    int64_t n_micro = t->task->n_micro(t->task->context);
    t->schedule = ARENA_ARRAY(t->arena, ScheduleItem, 2 * n_micro + 1);
    for (int64_t i = 0; i < n_micro; i++) {
        t->schedule[t->n_schedule++] = (ScheduleItem){SEGMENT_FORWARD, i, 0};
        t->schedule[t->n_schedule++] = (ScheduleItem){SEGMENT_BACKWARD, i, 0};
    }
    t->schedule[t->n_schedule++] = (ScheduleItem){SEGMENT_UPDATE, 0, 0};
}

static Err trainer_compile(Trainer *t)
{
    optim_declare(&t->options.optim, t->store);
    t->eval_graph = trainer_record_loss(t, false);
    TRY(graph_compile(&t->eval, t->eval_graph, &on_cpu));
    TRY(trainer_compile_step(t));
    t->refresh_graph = graph_new(t->store);
    optim_record_refresh(t->refresh_graph);
    return graph_compile(&t->refresh, t->refresh_graph, &on_cpu);
}

Err trainer_new(Trainer **out, Store *store, const Task *task, const TrainerOptions *options)
{
    *out = NULL;
    Trainer *t = mem_alloc(sizeof *t);
    t->options = *options;
    t->options.schedule.steps = options->steps;
    t->options.schedule.lr = options->optim.lr;
    t->store = store;
    t->task = task;
    t->arena = arena_new();
    t->state.val_loss = NAN;
    t->state.loss_scale = (LossScale){.scale = 1};
    if (options->compute == DTYPE_F16)
        t->state.loss_scale = loss_scale_start(&options->loss_scale);
    t->state.recipe_hash = options->recipe_hash;
    t->fresh = t->state;
    t->sample_loss = ARENA_ARRAY(t->arena, double, task->n_micro(task->context) * task->n_rows(task->context));
    make_schedule(t);
    Err err = trainer_compile(t);
    if (err != OK) {
        trainer_free(t);
        return err;
    }
    *out = t;
    return OK;
}

void trainer_free(Trainer *t)
{
    if (!t)
        return;
    run_log_close(t->log);
    event_file_close(t->events);
    block_file_free(t->offload);
    step_trace_abort(t->trace);
    Program *programs[] = {t->micro_step, t->update, t->eval, t->refresh};
    Graph *graphs[] = {t->micro_graph, t->update_graph, t->eval_graph, t->refresh_graph};
    for (int i = 0; i < 4; i++) {
        program_free(programs[i]);
        graph_free(graphs[i]);
    }
    arena_free(t->arena);
    free(t);
}

/* Of a step's time: the part of a micro step that repeats, as the costs of all calls forecast it. */
static double recompute_share(const Trainer *t)
{
    MachineRates rates = machine_rates_typical();
    ProgramSeconds micro = program_forecast(t->micro_step, &rates), update = program_forecast(t->update, &rates);
    double n_micro = (double)t->task->n_micro(t->task->context);
    return n_micro * micro.repeats / (n_micro * micro.all + update.all);
}

/* Each way as fast as the file takes it, while the pass beside it runs; the thread copies with one of the two processors that the rates are of,
 * reading and writing once each way. */
static double offload_share(const Trainer *t)
{
    MachineRates rates = machine_rates_typical();
    const ProgramPlan *micro = program_plan(t->micro_step);
    double way = (double)t->offloaded.n_bytes / OFFLOAD_BYTES_PER_SECOND, taken = 8 * (double)t->offloaded.n_bytes / rates.bytes;
    for (int s = SEGMENT_FORWARD; s <= SEGMENT_BACKWARD; s++)
        taken += fmax(0.0, way - cost_seconds(&micro->cost[s], &rates));
    double n_micro = (double)t->task->n_micro(t->task->context);
    double update = program_forecast(t->update, &rates).all, all = program_forecast(t->micro_step, &rates).all;
    return n_micro * taken / (n_micro * (all + taken) + update);
}

static void add_cost(TrainerPlan *plan, const Cost *cost)
{
    plan->step_matmul_flops += cost->matmul_flops;
    plan->step_flops += cost->matmul_flops + cost->other_flops;
    plan->step_bytes_moved += cost->bytes_read + cost->bytes_written;
}

TrainerPlan trainer_plan(const Trainer *t)
{
    TrainerPlan plan = {0};
    for (int k = 0; k < N_STATE_KINDS; k++) {
        plan.store_bytes[k] = store_kind_bytes(t->store, (StateKind)k);
        plan.total_bytes += plan.store_bytes[k];
    }
    const ProgramPlan *micro = program_plan(t->micro_step), *update = program_plan(t->update);
    plan.activation_bytes = micro->slab_bytes;
    plan.update_bytes = update->slab_bytes;
    plan.eval_bytes = program_plan(t->eval)->slab_bytes;
    plan.input_bytes = micro->input_bytes + update->input_bytes + program_plan(t->eval)->input_bytes;
    plan.recompute = t->recompute;
    plan.kept_bytes = t->kept_bytes;
    plan.recompute_share = recompute_share(t);
    plan.offload = t->offloaded;
    plan.offload_share = offload_share(t);
    plan.task_bytes = t->task->extra_bytes ? t->task->extra_bytes(t->task->context) : 0;
    plan.total_bytes += plan.activation_bytes + plan.update_bytes + plan.eval_bytes + plan.input_bytes + plan.task_bytes;
    for (int64_t i = 0; i < t->n_schedule; i++) {
        Segment segment = t->schedule[i].segment;
        if (segment == SEGMENT_UPDATE) {
            add_cost(&plan, &update->cost[SEGMENT_BACKWARD]);  /* the gradient norm */
            add_cost(&plan, &update->cost[SEGMENT_UPDATE]);
        } else {
            add_cost(&plan, &micro->cost[segment]);
        }
    }
    return plan;
}

const char *trainer_to_text(const Trainer *t, bool memory, Arena *arena)
{
    const char *text = arena_printf(arena, "%s%s", graph_to_text(t->micro_graph, arena), graph_to_text(t->update_graph, arena));
    if (!memory)
        return text;
    return arena_printf(arena, "%s\nmemory of a micro step\n%s\nmemory of the update\n%s", text, program_memory_text(t->micro_step, arena),
                        program_memory_text(t->update, arena));
}

const char *trainer_to_dot(const Trainer *t, Arena *arena)
{
    const Graph *graphs[] = {t->micro_graph, t->update_graph};
    return graphs_to_dot(graphs, 2, arena);
}

Program *trainer_micro_step(Trainer *t)
{
    return t->micro_step;
}

Program *trainer_update(Trainer *t)
{
    return t->update;
}

Err trainer_bind(Trainer *t)
{
    if (t->offload)
        TRY(block_file_open(t->offload, t->options.memory.offload));
    TRY(store_allocate(t->store));
    TRY(program_bind(t->micro_step));
    TRY(program_bind(t->update));
    TRY(program_bind(t->eval));
    TRY(program_bind(t->refresh));
    store_touch(t->store);
    program_touch(t->micro_step);
    program_touch(t->update);
    return trainer_start(t);
}

int64_t trainer_step(const Trainer *t)
{
    return t->state.step;
}

int64_t trainer_data_step(const Trainer *t)
{
    return t->state.step + t->state.guard.n_batches_skipped;
}
