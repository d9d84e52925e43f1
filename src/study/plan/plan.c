#include "study/plan/plan.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

TrainerOptions plan_trainer_options(const Recipe *r, const ModelConfig *config)
{
    TrainerOptions options = {
        .optim = r->optim, .schedule = r->schedule, .steps = r->train.steps,
        .compute = recipe_compute(r), .loss_scale = r->loss_scale,
        .memory = r->memory, .guard = r->guard, .grad_leaf = r->train.grad_leaf, .eval_every = r->train.eval_every, .checkpoint_every = r->train.checkpoint_every,
        .sample_every = r->train.sample_every, .log_every = r->train.log_every, .keep_best = r->train.keep_best,
        .bad_steps_max = r->train.bad_steps_max, .run_dir = r->out, .record = r->record, .recipe_hash = recipe_hash(r),
        .flops_per_token = model_train_flops_per_token(config, r->data.seq_len),
    };
    if (r->schedule.name == SCHEDULE_NOAM && r->schedule.noam_factor > 0)
        options.optim.lr = schedule_noam_peak(r->schedule.noam_factor, config->d_model, r->schedule.warmup_steps);
    return options;
}

Plan plan_make(const Recipe *r, const Pretrain *pretrain, const Trainer *trainer, double peak_flops, double share)
{
    const ModelConfig *config = pretrain_config(pretrain);
    Plan plan = {.n_params = model_n_params(config), .memory = trainer_plan(trainer),
                 .n_tokens_per_step = r->train.batch_size * r->data.seq_len,
                 .train_flops_per_token = model_train_flops_per_token(config, r->data.seq_len)};
    plan.n_tokens = plan.n_tokens_per_step * r->train.steps;
    plan.train_flops = plan.train_flops_per_token * (double)plan.n_tokens;
    plan.program_flops_per_step = plan.memory.step_flops;
    plan.flops_per_second = peak_flops * share;
    if (plan.flops_per_second > 0)
        plan.seconds = plan.train_flops / plan.flops_per_second;
    return plan;
}

const char *plan_to_text(const Plan *plan, Arena *arena)
{
    char *text = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&text, &n_bytes);
    const TrainerPlan *m = &plan->memory;
    fprintf(out, "%-28s %16s\n", "parameters", format_count(arena, (double)plan->n_params));
    fprintf(out, "%-28s %16s\n", "tokens", format_count(arena, (double)plan->n_tokens));
    fprintf(out, "%-28s %16.3g\n", "FLOPs", plan->train_flops);
    if (plan->seconds > 0)
        fprintf(out, "%-28s %16s\n", "time, about", format_seconds(arena, plan->seconds));
    fprintf(out, "memory\n");
    for (int k = 0; k < N_STATE_KINDS; k++)
        if (m->store_bytes[k])
            fprintf(out, "  %-26s %16s\n", state_kind_name((StateKind)k), format_bytes(arena, (double)m->store_bytes[k]));
    const struct {
        const char *name;
        int64_t n_bytes;
    } rows[] = {{"activations", m->activation_bytes}, {"update", m->update_bytes}, {"evaluation", m->eval_bytes},
                {"samples", m->task_bytes}, {"inputs", m->input_bytes}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].n_bytes)
            fprintf(out, "  %-26s %16s\n", rows[i].name, format_bytes(arena, (double)rows[i].n_bytes));
    fprintf(out, "  %-26s %16s  (%lld bytes)\n", "total", format_bytes(arena, (double)m->total_bytes), (long long)m->total_bytes);
    if (m->recompute.n_calls)
        fprintf(out, "recompute: %lld of %lld values in %lld layers made again; saves %s, takes about %.1f %% of a step's time\n",
                (long long)m->recompute.n_again, (long long)m->recompute.n_choices, (long long)m->recompute.n_layers,
                format_bytes(arena, (double)(m->kept_bytes - m->activation_bytes)), 100 * m->recompute_share);
    if (m->offload.n_values)
        fprintf(out, "offload: %lld values, %s a micro step, wait in a file; saves %s%s, takes about %.1f %% of a step's time at %s a second\n",
                (long long)m->offload.n_values, format_bytes(arena, (double)m->offload.n_bytes),
                format_bytes(arena, (double)(m->kept_bytes - m->activation_bytes)), m->recompute.n_calls ? " with recompute" : "",
                100 * m->offload_share, format_bytes(arena, OFFLOAD_BYTES_PER_SECOND));
    fclose(out);
    const char *result = arena_strndup(arena, text, n_bytes);
    free(text);
    return result;
}

void plan_to_json(const Plan *plan, JsonWriter *json)
{
    const TrainerPlan *m = &plan->memory;
    json_field_int(json, "parameters", plan->n_params);
    json_field_int(json, "tokens", plan->n_tokens);
    json_field_int(json, "tokens_per_step", plan->n_tokens_per_step);
    json_field_double(json, "flops_per_token", plan->train_flops_per_token);
    json_field_double(json, "flops", plan->train_flops);
    json_field_double(json, "program_flops_per_step", plan->program_flops_per_step);
    json_field_double(json, "bytes_moved_per_step", m->step_bytes_moved);
    json_write_key(json, "memory");
    json_write_object_begin(json);
    for (int k = 0; k < N_STATE_KINDS; k++)
        json_field_int(json, state_kind_name((StateKind)k), m->store_bytes[k]);
    json_field_int(json, "activations", m->activation_bytes);
    json_field_int(json, "update", m->update_bytes);
    json_field_int(json, "evaluation", m->eval_bytes);
    json_field_int(json, "samples", m->task_bytes);
    json_field_int(json, "inputs", m->input_bytes);
    json_write_object_end(json);
    json_field_int(json, "activations_kept", m->kept_bytes);
    json_field_double(json, "recompute_share", m->recompute_share);
    json_field_int(json, "offload_bytes", m->offload.n_bytes);
    json_field_double(json, "offload_share", m->offload_share);
    json_field_int(json, "peak_bytes_forecast", m->total_bytes);
    if (plan->seconds > 0)
        json_field_double(json, "seconds", plan->seconds);
}
