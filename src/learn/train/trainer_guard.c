/* trainer_guard.c - what is done about spikes: steps that are not taken, samples that are named, runs that go back.
 *
 * A step is judged before its update, when loss and gradient norm are known; one that is refused leaves weights and moments as they are, which is
 * the last good state. A rollback goes further back, to the newest checkpoint at a multiple of checkpoint_every before the first refused step (the
 * start, if there is none): such a place does not depend on where a run was interrupted. From there the data goes on behind the last
 * refused step, so what led to the spikes is not met again. */
#include "learn/train/trainer_internal.h"

#include "base/log.h"

#include <math.h>

GuardOptions guard_options_default(void)
{
    return (GuardOptions){.policy = GUARD_WARN, .window = 64, .threshold = 8, .patience = 3, .rollbacks_max = 3};
}

void trainer_guard_judge(const Trainer *t, StepReport *report)
{
    const GuardOptions *o = &t->options.guard;
    if (o->policy == GUARD_OFF)
        return;
    report->limits = spike_limits(&t->state.guard.history, o->window, o->threshold);
    report->spike = !report->skipped && spike_is(&report->limits, report->loss, report->grad_norm);
    report->refused = report->spike && o->policy != GUARD_WARN;
}

void trainer_guard_remember(Trainer *t, const StepReport *report, int64_t step)
{
    GuardState *guard = &t->state.guard;
    guard->n_spikes += report->spike;
    if (report->refused) {
        if (guard->n_refused_in_a_row++ == 0)
            guard->first_refused_step = step;
        return;
    }
    if (report->skipped)
        return;
    guard->n_refused_in_a_row = 0;
    if (t->options.guard.policy != GUARD_OFF && isfinite(report->loss))
        step_history_add(&guard->history, t->options.guard.window, report->loss, report->grad_norm);
}

/* ---- whose fault ---- */

enum { SAMPLES_NAMED_MAX = 8 };

typedef struct {
    int64_t row;
    double loss;
} BadSample;

/* The row that lost most among those not in bad[0 .. n - 1]. */
static BadSample worst_of_rest(const Trainer *t, int64_t n_rows, const BadSample *bad, int n)
{
    BadSample worst = {-1, -INFINITY};
    for (int64_t row = 0; row < n_rows; row++) {
        double loss = isnan(t->sample_loss[row]) ? INFINITY : t->sample_loss[row];
        bool known = false;
        for (int i = 0; i < n; i++)
            known |= bad[i].row == row;
        if (!known && loss > worst.loss)
            worst = (BadSample){row, loss};
    }
    return worst;
}

/* The samples that are out of proportion themselves, worst first; at least the worst. */
static int find_bad_samples(const Trainer *t, const StepReport *report, BadSample bad[SAMPLES_NAMED_MAX])
{
    int64_t n_rows = t->task->n_micro(t->task->context) * t->task->n_rows(t->task->context);
    double limit = spike_sample_limit(&report->limits, t->options.guard.threshold, n_rows);
    int n = 0;
    for (; n < SAMPLES_NAMED_MAX && n < n_rows; n++) {
        bad[n] = worst_of_rest(t, n_rows, bad, n);
        if (n > 0 && !(bad[n].loss > limit) && isfinite(bad[n].loss))
            break;
    }
    return n;
}

/* The step that was just run is counted already. */
static SamplePlace locate(const Trainer *t, int64_t row, Arena *arena)
{
    SamplePlace place = {.sample = -1, .text = ""};
    if (t->task->locate)
        t->task->locate(t->task->context, trainer_data_step(t) - 1, row, arena, &place);
    return place;
}

static void write_piece(const SamplePiece *piece, JsonWriter *json)
{
    json_write_object_begin(json);
    json_field_string(json, "file", piece->file);
    json_field_int(json, "document", piece->document);
    json_field_int(json, "first_token", piece->first);
    json_field_int(json, "tokens", piece->n_tokens);
    json_write_object_end(json);
}

static void write_sample(const BadSample *bad, const SamplePlace *place, JsonWriter *json)
{
    json_write_object_begin(json);
    json_field_int(json, "row", bad->row);
    json_write_key(json, "mean_loss");
    json_write_double(json, bad->loss);  /* null when it is not finite */
    json_field_int(json, "sample", place->sample);
    json_write_key(json, "from");
    json_write_array_begin(json);
    for (int64_t i = 0; i < place->n_pieces && i < SAMPLE_PIECES_MAX; i++)
        write_piece(&place->piece[i], json);
    json_write_array_end(json);
    json_field_string(json, "text", place->text);
    json_write_object_end(json);
}

void trainer_guard_write_samples(const Trainer *t, const StepReport *report, JsonWriter *json)
{
    Arena *arena = arena_new();
    BadSample bad[SAMPLES_NAMED_MAX];
    int n = find_bad_samples(t, report, bad);
    json_write_key(json, "samples");
    json_write_array_begin(json);
    for (int i = 0; i < n; i++) {
        SamplePlace place = locate(t, bad[i].row, arena);
        write_sample(&bad[i], &place, json);
    }
    json_write_array_end(json);
    arena_free(arena);
}

/* "text.txt, document 12, tokens 100 to 132: loss 11.2": the worst sample. */
static const char *worst_text(const Trainer *t, const StepReport *report, Arena *arena)
{
    BadSample bad[SAMPLES_NAMED_MAX];
    int n = find_bad_samples(t, report, bad);
    SamplePlace place = locate(t, bad[0].row, arena);
    if (place.n_pieces == 0)
        return arena_printf(arena, "row %lld lost most, %.4g", (long long)bad[0].row, bad[0].loss);
    const SamplePiece *piece = &place.piece[0];
    const char *others = n > 1 ? arena_printf(arena, ", and %d others in log.jsonl", n - 1) : "";
    return arena_printf(arena, "worst sample: %s, document %lld, from token %lld: loss %.4g%s", piece->file, (long long)piece->document,
                        (long long)piece->first, bad[0].loss, others);
}

/* ---- saying so ---- */

static const char *spike_text(const Trainer *t, const StepReport *report, Arena *arena)
{
    const char *end = report->refused ? "the step was not taken" : "the step was taken all the same";
    if (!isfinite(report->loss))
        return arena_printf(arena, "the loss is not finite; %s", end);
    bool by_loss = report->loss > report->limits.loss;
    return arena_printf(arena, "%s %.4g is above %.4g, %g deviations over the median of %lld steps; %s", by_loss ? "loss" : "gradient norm",
                        by_loss ? report->loss : report->grad_norm, by_loss ? report->limits.loss : report->limits.grad_norm,
                        t->options.guard.threshold, (long long)t->options.guard.window, end);
}

static Err log_spike(Trainer *t, const StepReport *report, const char *what)
{
    JsonWriter *json = run_log_begin(t->log, t->state.step);
    json_field_string(json, "event", "spike");
    json_field_string(json, "what", what);
    json_write_key(json, "found");  /* in objects of their own: the curves of the run are made of the usual lines */
    json_write_object_begin(json);
    json_field_double(json, "loss", report->loss);
    json_field_double(json, "grad_norm", report->grad_norm);
    json_write_object_end(json);
    json_write_key(json, "limits");
    json_write_object_begin(json);
    json_field_double(json, "loss", report->limits.loss);
    json_field_double(json, "grad_norm", report->limits.grad_norm);
    json_write_object_end(json);
    trainer_guard_write_samples(t, report, json);
    return run_log_end(t->log);
}

static Err tell_spike(Trainer *t, const StepReport *report)
{
    Arena *arena = arena_new();
    const char *what = spike_text(t, report, arena), *worst = worst_text(t, report, arena);
    log_warn("step %lld: spike: %s. %s", (long long)t->state.step, what, worst);
    Err err = t->log ? log_spike(t, report, what) : OK;
    if (err == OK)
        err = trainer_events_incident(t, t->state.step, arena_printf(arena, "spike: %s. %s", what, worst));
    arena_free(arena);
    return err;
}

/* ---- going back ---- */

/* The newest checkpoint before `step` that every run of this recipe has, and still keeps. */
static int64_t checkpoint_before(const Trainer *t, int64_t step)
{
    int64_t every = t->options.checkpoint_every, back_to = t->state.guard.rolled_back_to;
    int64_t before = t->options.run_dir && every > 0 && step > 0 ? (step - 1) / every * every : 0;
    return before > back_to ? before : back_to;
}

int64_t trainer_guard_keep_step(const Trainer *t)
{
    const GuardState *guard = &t->state.guard;
    if (t->options.guard.policy != GUARD_ROLLBACK)
        return -1;
    return checkpoint_before(t, guard->n_refused_in_a_row > 0 ? guard->first_refused_step : t->state.step);
}

static Err log_rollback(Trainer *t, int64_t to_step, int64_t n_passed_over, const char *what)
{
    JsonWriter *json = run_log_begin(t->log, t->state.step);
    json_field_string(json, "event", "rollback");
    json_field_string(json, "what", what);
    json_field_int(json, "to_step", to_step);
    json_field_int(json, "first_batch", trainer_data_step(t) - n_passed_over);
    json_field_int(json, "batches_skipped", n_passed_over);
    return run_log_end(t->log);
}

static Err roll_back(Trainer *t)
{
    const GuardState now = t->state.guard;
    int64_t from = t->state.step, to = checkpoint_before(t, now.first_refused_step), n_passed_over = from - to;
    Arena *arena = arena_new();
    const char *what = arena_printf(arena, "%lld steps in a row were refused: back to the state after step %lld; the %lld batches since are passed over",
                                    (long long)now.n_refused_in_a_row, (long long)to, (long long)n_passed_over);
    log_warn("step %lld: %s", (long long)from, what);
    Err err;
    if (t->log)
        TRY_GOTO(err, log_rollback(t, to, n_passed_over, what), done);
    err = to == 0 ? trainer_start(t) : trainer_load(t, checkpoint_dir(arena, t->options.run_dir, to));
    if (err != OK) {
        err_prefix(err, "the guard cannot go back to step %lld", (long long)to);
        goto done;
    }
    t->state.guard.n_spikes = now.n_spikes;
    t->state.guard.n_rollbacks = now.n_rollbacks + 1;
    t->state.guard.n_batches_skipped = now.n_batches_skipped + n_passed_over;
    t->state.guard.rolled_back_to = to;
    if (t->log)
        run_log_set_rollbacks(t->log, t->state.guard.n_rollbacks);
    if (t->options.run_dir)
        TRY_GOTO(err, checkpoint_remove_after(t->options.run_dir, to), done);
    TRY_GOTO(err, trainer_events_restart(t), done);
    err = trainer_events_incident(t, to, arena_printf(arena, "rollback from step %lld: %s", (long long)from, what));
done:
    arena_free(arena);
    return err;
}

/* ---- giving up ---- */

static const char *cure(const Trainer *t, const StepReport *report)
{
    if (!report->hopeless)
        return "lower optim.lr, or look at the samples that log.jsonl names";
    if (t->options.compute == DTYPE_F16 && isfinite(report->loss))
        return "fp16 overflows at this loss scale: lower loss_scale.start, or let loss_scale.backoff be below 1";
    return "lower optim.lr, or look at the data of these steps";
}

static Err give_up(Trainer *t, const StepReport *report)
{
    const GuardState *guard = &t->state.guard;
    TRY(trainer_save(t));
    if (guard->n_rollbacks > 0)
        return err_set(ERR_NUMERIC, "step %lld: spikes again after %lld rollbacks (guard.rollbacks_max); %s", (long long)t->state.step,
                       (long long)guard->n_rollbacks, cure(t, report));
    return err_set(ERR_NUMERIC, "step %lld: %lld steps in a row were %s; %s", (long long)t->state.step, (long long)guard->n_refused_in_a_row,
                   report->hopeless ? "not finite" : "spikes", cure(t, report));
}

Err trainer_guard_act(Trainer *t, const StepReport *report, bool *rolled_back)
{
    const GuardOptions *o = &t->options.guard;
    int64_t n_refused = t->state.guard.n_refused_in_a_row;
    *rolled_back = false;
    if (report->spike)
        TRY(tell_spike(t, report));
    else if (report->hopeless)
        log_warn("step %lld: the gradient norm is not finite (loss %g): the update was skipped", (long long)t->state.step, report->loss);
    else if (report->skipped)
        log_info("step %lld: fp16 gradients overflowed at loss scale %g; the step is skipped, the next takes %g", (long long)t->state.step,
                 report->loss_scale, t->state.loss_scale.scale);
    if (!report->refused)
        return OK;
    if (o->policy == GUARD_ROLLBACK && n_refused >= o->patience && t->state.guard.n_rollbacks < o->rollbacks_max) {
        *rolled_back = true;
        return roll_back(t);
    }
    if (n_refused >= (o->policy == GUARD_ROLLBACK ? o->patience : t->options.bad_steps_max))
        return give_up(t, report);
    return OK;
}
