/* trainer_run.c - a whole run: when to log, evaluate, sample, save, and when to stop. */
#include "learn/train/trainer_internal.h"

#include "base/file.h"
#include "base/log.h"

#include <math.h>
#include <stdlib.h>

/* What the loop keeps in mind between steps. */
typedef struct {
    Trainer *t;
    TrainResult *result;
    Progress *progress;
    double interval_loss, interval_targets;  /* since the last log line */
    double train_seconds;                    /* inside steps only */
    double data_seconds;                     /* of them */
    int64_t train_tokens;
} Run;

static bool is_due(int64_t every, int64_t step)
{
    return every > 0 && step % every == 0;
}

static bool is_last(const Run *run)
{
    return run->t->state.step >= run->t->options.steps;
}

/* ---- records ---- */

static void field_finite(JsonWriter *json, const char *key, double value)
{
    if (isfinite(value))
        json_field_double(json, key, value);
}

static bool is_scaled(const Trainer *t)
{
    return t->options.compute == DTYPE_F16;
}

static Err log_bad_step(Trainer *t, const StepReport *report)
{
    JsonWriter *json = run_log_begin(t->log, t->state.step);
    json_field_string(json, "event", is_scaled(t) ? "overflow" : "bad_step");
    json_field_string(json, "what", !isfinite(report->loss) ? "the loss is not finite: forward overflowed; weights and moments are unchanged"
                                                            : "the gradient norm is not finite; weights and moments are unchanged");
    if (is_scaled(t)) {
        json_field_double(json, "loss_scale", report->loss_scale);
        json_field_double(json, "next_loss_scale", t->state.loss_scale.scale);
        trainer_scale_write(t, json);
    }
    if (report->hopeless)
        trainer_guard_write_samples(t, report, json);
    return run_log_end(t->log);
}

/* How large the gradients of this step were, at the rate of evaluations. */
static Err log_gradients(Run *run, const StepReport *report)
{
    Trainer *t = run->t;
    if (!t->log || !is_scaled(t) || !(is_last(run) || is_due(t->options.eval_every, t->state.step)))
        return OK;
    JsonWriter *json = run_log_begin(t->log, t->state.step);
    json_field_string(json, "event", "gradients");
    json_field_double(json, "loss_scale", report->loss_scale);
    json_field_int(json, "bad_steps", t->state.n_bad_steps);
    trainer_scale_write(t, json);
    return run_log_end(t->log);
}

static Err log_step(Run *run, const StepReport *report)
{
    Trainer *t = run->t;
    if (!t->log)
        return OK;
    if (report->skipped)
        TRY(log_bad_step(t, report));
    if (!is_due(t->options.log_every, t->state.step) && !is_last(run))
        return OK;
    JsonWriter *json = run_log_begin(t->log, t->state.step);
    field_finite(json, "loss", report->loss);
    json_field_double(json, "lr", report->lr);
    field_finite(json, "grad_norm", report->grad_norm);
    json_field_int(json, "tokens", t->state.n_tokens);
    if (is_scaled(t))
        json_field_double(json, "loss_scale", report->loss_scale);
    json_field_double(json, "seconds", report->seconds);
    json_field_double(json, "data_seconds", report->data_seconds);
    TRY(run_log_end(t->log));
    return trainer_events_step(t, report);
}

static double share_of_peak(const Run *run)
{
    const TrainerOptions *o = &run->t->options;
    if (o->flops_per_token <= 0 || o->peak_flops <= 0 || run->train_seconds <= 0)
        return NAN;
    return o->flops_per_token * (double)run->train_tokens / run->train_seconds / o->peak_flops;
}

static void show_live_line(Run *run)
{
    if (!run->progress)
        return;
    Arena *arena = arena_new();
    const TrainResult *r = run->result;
    double share = share_of_peak(run);
    const char *bpb = isnan(r->eval.bits_per_byte) ? "" : arena_printf(arena, "  val %.3f  %.3f bits/byte", r->eval.loss, r->eval.bits_per_byte);
    const char *peak = isnan(share) ? "" : arena_printf(arena, "  %.0f %% of peak", 100 * share);
    double waiting = run->train_seconds > 0 ? 100 * run->data_seconds / run->train_seconds : 0;
    progress_note(run->progress, "loss %.3f  ppl %.1f%s  %s tok/s%s  data %.2f %%  %s", r->train_loss, exp(r->train_loss), bpb,
                  format_count(arena, run->train_seconds > 0 ? (double)run->train_tokens / run->train_seconds : 0), peak, waiting,
                  format_bytes(arena, (double)memory_resident_bytes()));
    progress_set(run->progress, run->t->state.step);
    arena_free(arena);
}

/* ---- what happens between steps ---- */

static Err evaluate(Run *run)
{
    Trainer *t = run->t;
    if (t->task->n_eval(t->task->context) == 0)
        return OK;
    TRY(trainer_evaluate(t, &run->result->eval));
    if (!t->log)
        return OK;
    JsonWriter *json = run_log_begin(t->log, t->state.step);
    field_finite(json, "val_loss", run->result->eval.loss);
    field_finite(json, "perplexity", exp(run->result->eval.loss));
    field_finite(json, "bits_per_byte", run->result->eval.bits_per_byte);
    TRY(run_log_end(t->log));
    return trainer_events_evaluation(t, &run->result->eval);
}

static Err sample(Run *run)
{
    Trainer *t = run->t;
    if (!t->task->sample)
        return OK;
    Arena *arena = arena_new();
    const char *text = NULL;
    Err err = t->task->sample(t->task->context, t->store, arena, t->state.step, &text);
    if (err == OK && text && !t->options.quiet)
        log_info("step %lld: %s", (long long)t->state.step, text);
    if (err == OK && text && t->log) {
        JsonWriter *json = run_log_begin(t->log, t->state.step);
        json_field_string(json, "sample", text);
        err = run_log_end(t->log);
    }
    if (err == OK && text)
        err = trainer_events_sample(t, text);
    arena_free(arena);
    return err;
}

Err trainer_save(Trainer *t)
{
    if (!t->options.run_dir)
        return OK;
    if (t->log)
        TRY(run_log_sync(t->log));
    return checkpoint_save(t->options.run_dir, &t->state, t->store, t->task,
                           (CheckpointKeep){t->options.keep_best, trainer_guard_keep_step(t)});
}

static Err after_step(Run *run)
{
    Trainer *t = run->t;
    int64_t step = t->state.step;
    bool last = is_last(run);
    if (last || is_due(t->options.eval_every, step))
        TRY(evaluate(run));
    if (last || is_due(t->options.sample_every, step))
        TRY(sample(run));
    if (last || is_due(t->options.checkpoint_every, step))
        TRY(trainer_save(t));
    return OK;
}

static void count_step(Run *run, const StepReport *report)
{
    if (is_due(run->t->options.log_every, run->t->state.step - 1))
        run->interval_loss = run->interval_targets = 0;
    run->interval_loss += report->loss * (double)report->n_targets;
    run->interval_targets += (double)report->n_targets;
    run->result->train_loss = run->interval_targets > 0 ? run->interval_loss / run->interval_targets : NAN;
    run->train_seconds += report->seconds;
    run->data_seconds += report->data_seconds;
    run->train_tokens += report->n_tokens;
}

static Err run_steps(Run *run)
{
    Trainer *t = run->t;
    while (t->state.step < t->options.steps) {
        if (interrupt_requested()) {
            TRY(trainer_save(t));
            return err_set(ERR_INTERRUPTED, "interrupted after step %lld; --resume continues", (long long)t->state.step);
        }
        StepReport report;
        bool rolled_back;
        TRY(trainer_run_step(t, &report));
        count_step(run, &report);
        TRY(log_step(run, &report));
        TRY(log_gradients(run, &report));
        TRY(trainer_guard_act(t, &report, &rolled_back));
        if (!rolled_back)
            TRY(after_step(run));
        show_live_line(run);
    }
    return OK;
}

/* What saving memory took, beside what the plan said. */
static Err report_saving(Trainer *t, const char *event, const char *verb, int64_t n_bytes, double share, double planned)
{
    Arena *arena = arena_new();
    log_info("%s %s %s; it took %.1f %% of the time in steps, the plan said %.1f %%", event, verb, format_bytes(arena, (double)n_bytes),
             100 * share, 100 * planned);
    arena_free(arena);
    if (!t->log)
        return OK;
    JsonWriter *json = run_log_begin(t->log, t->state.step);
    json_field_string(json, "event", event);
    json_field_int(json, "saved_bytes", t->kept_bytes - program_plan(t->micro_step)->slab_bytes);
    json_field_double(json, "share_of_time", share);
    json_field_double(json, "share_planned", planned);
    return run_log_end(t->log);
}

static Err report_memory(Run *run)
{
    Trainer *t = run->t;
    TrainerPlan plan = trainer_plan(t);
    if (run->train_seconds <= 0)
        return OK;
    if (t->recompute.n_calls > 0) {
        run->result->recompute_share = program_seconds(t->micro_step).repeats / run->train_seconds;
        TRY(report_saving(t, "recompute", "saved", plan.kept_bytes - plan.activation_bytes, run->result->recompute_share, plan.recompute_share));
    }
    if (t->offload) {
        BlockFileUse use = block_file_use(t->offload);
        run->result->offload_share = (use.waited_seconds + use.busy_seconds) / run->train_seconds;
        TRY(report_saving(t, "offload", "carried, each micro step,", plan.offload.n_bytes, run->result->offload_share, plan.offload_share));
    }
    return OK;
}

static Err open_log(Trainer *t)
{
    if (!t->options.run_dir || t->log)
        return OK;
    TRY(file_make_dirs(t->options.run_dir));
    Arena *arena = arena_new();
    Err err = run_log_open(&t->log, arena_printf(arena, "%s/log.jsonl", t->options.run_dir), t->state.step > 0 ? t->state.step : -1,
                            t->state.guard.n_rollbacks);
    arena_free(arena);
    return err;
}

Err trainer_run(Trainer *t, TrainResult *result)
{
    *result = (TrainResult){.train_loss = NAN, .share_of_peak = NAN, .recompute_share = NAN, .offload_share = NAN, .eval = {NAN, NAN, 0}};
    TRY(open_log(t));
    TRY(trainer_events_open(t));
    Run run = {.t = t, .result = result};
    if (!t->options.quiet) {
        run.progress = progress_new("train", t->options.steps, "steps");
        progress_set(run.progress, t->state.step);
    }
    double start = clock_seconds();
    program_profile(t->micro_step, t->recompute.n_calls > 0);
    Err err = run_steps(&run);
    if (err == OK)
        err = report_memory(&run);
    if (err == OK && isnan(result->eval.loss))  /* resumed at the end: nothing was run */
        err = evaluate(&run);
    progress_free(run.progress);
    result->seconds = clock_seconds() - start;
    result->steps = t->state.step;
    result->n_tokens = t->state.n_tokens;
    result->n_targets = t->state.n_targets;
    result->n_bad_steps = t->state.n_bad_steps;
    result->n_spikes = t->state.guard.n_spikes;
    result->n_rollbacks = t->state.guard.n_rollbacks;
    result->n_batches_skipped = t->state.guard.n_batches_skipped;
    result->data_share = run.train_seconds > 0 ? run.data_seconds / run.train_seconds : 0;
    result->loss_scale = t->state.loss_scale.scale;
    result->tokens_per_second = run.train_seconds > 0 ? (double)run.train_tokens / run.train_seconds : 0;
    result->share_of_peak = share_of_peak(&run);
    return err;
}
