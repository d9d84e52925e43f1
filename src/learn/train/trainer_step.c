/* trainer_step.c - one optimizer step, and one evaluation. */
#include "learn/train/trainer_internal.h"

#include "base/log.h"
#include "engine/op/op.h"

#include <math.h>

/* Each sample's mean loss, for the guard. Tokens without a target have no loss. */
static void keep_sample_losses(Trainer *t, int64_t micro)
{
    const Tensor *loss = program_output(t->micro_step, "loss");
    int64_t n_rows = t->task->n_rows(t->task->context), n_tokens = tensor_count(loss) / n_rows;
    const float *values = loss->data;
    for (int64_t row = 0; row < n_rows; row++, values += n_tokens) {
        double sum = 0;
        int64_t n_targets = 0;
        for (int64_t i = 0; i < n_tokens; i++) {
            sum += (double)values[i];
            n_targets += values[i] != 0.0f;
        }
        t->sample_loss[micro * n_rows + row] = n_targets ? sum / (double)n_targets : 0.0;
    }
}

/* Sums the losses of a program's tokens one by one, in token order and in double: how they were cut into micro batches cannot show. */
static void add_losses(Program *program, double *sum)
{
    const Tensor *loss = program_output(program, "loss");
    const float *values = loss->data;
    for (int64_t i = 0; i < tensor_count(loss); i++)
        *sum += (double)values[i];
}

/* What makes the sums in the gradients means, with fp16's loss scale taken out. */
static double inv_targets(const Trainer *t, int64_t n_targets)
{
    return n_targets > 0 ? 1.0 / (double)n_targets / t->state.loss_scale.scale : 0.0;
}

static void write_scalars(Trainer *t, double lr, int64_t n_targets)
{
    float *scalars = program_input(t->update, "scalars")->data;
    scalars[SCALAR_LR] = (float)lr;
    scalars[SCALAR_STEP] = (float)(t->state.n_updates + 1);
    scalars[SCALAR_INV_TARGETS] = (float)inv_targets(t, n_targets);
    scalars[SCALAR_GRAD_NORM_MAX] = (float)t->options.optim.grad_norm_max;
}

/* The gradient norm is measured, the guard judges, and the step is taken or not. */
static void update(Trainer *t, StepReport *report)
{
    float *norm_factor = program_output(t->update, "norm_factor")->data;
    program_run(t->update, SEGMENT_BACKWARD);
    report->grad_norm = (double)norm_factor[0];
    report->skipped = !isfinite(report->grad_norm);  /* the factor is 0: nothing changes */
    trainer_guard_judge(t, report);
    if (report->refused)
        norm_factor[1] = 0.0f;
    program_run(t->update, SEGMENT_UPDATE);
}

static void count_step(Trainer *t, const StepReport *report)
{
    RunState *state = &t->state;
    state->n_tokens += report->n_tokens;
    state->n_targets += report->n_targets;
    state->n_updates += !report->skipped && !report->refused;
    state->n_bad_steps += report->skipped;
    state->val_loss = NAN;  /* that of the step before */
    trainer_guard_remember(t, report, state->step);
    state->step++;
}

/* Runs one optimizer step. Loss and gradients are sums over tokens divided by the targets of the whole step: how the batch
 * was cut into micro steps cannot show in the result. */
Err trainer_run_step(Trainer *t, StepReport *report)
{
    double start = clock_seconds();
    void *context = t->task->context;
    int64_t n_targets = t->task->count_targets(context, trainer_data_step(t));
    *report = (StepReport){.n_targets = n_targets, .data_seconds = clock_seconds() - start, .lr = schedule_lr(&t->options.schedule, t->state.step + 1)};
    write_scalars(t, report->lr, n_targets);
    trainer_scale_begin(t);

    double loss_sum = 0;
    TRY(trainer_trace_begin(t, start));
    for (int64_t i = 0; i < t->n_schedule; i++) {
        const ScheduleItem *item = &t->schedule[i];
        double segment_start = clock_seconds();
        if (item->segment == SEGMENT_FORWARD) {
            t->task->fill(context, t->micro_step, trainer_data_step(t), item->micro);
            report->data_seconds += clock_seconds() - segment_start;
        }
        if (item->segment == SEGMENT_UPDATE) {
            TRY(trainer_events_gradients(t, inv_targets(t, n_targets)));
            report->loss = n_targets > 0 ? loss_sum / (double)n_targets : 0.0;
            update(t, report);
        } else {
            program_run(t->micro_step, item->segment);
        }
        trainer_trace_segment(t, item, segment_start);
        if (item->segment == SEGMENT_BACKWARD) {
            if (t->offload)
                TRY(block_file_error(t->offload));  /* before the update: weights stay those of the last good step */
            add_losses(t->micro_step, &loss_sum);
            keep_sample_losses(t, item->micro);
            report->n_tokens += tensor_count(program_output(t->micro_step, "loss"));
        }
    }

    TRY(trainer_trace_end(t, start));
    trainer_scale_end(t, report);
    report->refused |= report->hopeless;
    report->seconds = clock_seconds() - start;
    count_step(t, report);
    return OK;
}

Err trainer_evaluate(Trainer *t, EvalReport *report)
{
    void *context = t->task->context;
    double loss_sum = 0;
    int64_t n_bytes = 0;
    *report = (EvalReport){.loss = NAN, .bits_per_byte = NAN};
    int64_t n_eval = t->task->n_eval(context);
    for (int64_t i = 0; i < n_eval; i++) {
        TaskLoss batch = {0};
        t->task->fill_eval(context, t->eval, i, &batch);
        program_run_all(t->eval);
        add_losses(t->eval, &loss_sum);
        report->n_targets += batch.n_targets;
        n_bytes += batch.n_bytes;
    }
    if (report->n_targets > 0) {
        report->loss = loss_sum / (double)report->n_targets;
        if (n_bytes > 0)
            report->bits_per_byte = loss_sum / M_LN2 / (double)n_bytes;
    }
    t->state.val_loss = report->loss;
    return OK;
}
