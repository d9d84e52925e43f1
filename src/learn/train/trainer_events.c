/* trainer_events.c - a run's numbers, samples and histograms for TensorBoard. */
#include "learn/train/trainer_internal.h"

#include "base/file.h"

#include <math.h>
#include <string.h>

Err trainer_events_restart(Trainer *t)
{
    if (!t->events)
        return OK;
    event_file_close(t->events);
    t->events = NULL;
    Arena *arena = arena_new();
    Err err = event_file_open(&t->events, arena_printf(arena, "%s/tensorboard", t->options.run_dir), t->state.step + 1);
    arena_free(arena);
    return err;
}

Err trainer_events_open(Trainer *t)
{
    if (!t->options.run_dir || !t->options.record.tensorboard || t->events)
        return OK;
    Arena *arena = arena_new();
    const char *dir = arena_printf(arena, "%s/tensorboard", t->options.run_dir);
    Err err = t->state.step == 0 ? file_remove_tree(dir) : OK;  /* like the log: a run begun anew leaves nothing of an older one */
    if (err == OK)
        err = event_file_open(&t->events, dir, t->state.step > 0 ? t->state.step + 1 : 0);
    arena_free(arena);
    return err;
}

static Err finite_scalar(Trainer *t, const char *name, double value)
{
    return isfinite(value) ? event_file_scalar(t->events, t->state.step, name, value) : OK;
}

Err trainer_events_step(Trainer *t, const StepReport *report)
{
    if (!t->events)
        return OK;
    TRY(finite_scalar(t, "loss/train", report->loss));
    TRY(finite_scalar(t, "step/lr", report->lr));
    TRY(finite_scalar(t, "step/grad_norm", report->grad_norm));
    return finite_scalar(t, "step/tokens_per_second", report->seconds > 0 ? (double)report->n_tokens / report->seconds : NAN);
}

typedef struct {
    const float **uses;  /* the values, or the gradients of each use of a parameter */
    int n_uses;
} Source;

static void read_sum(const void *context, int64_t first, int64_t n, float *values)
{
    const Source *source = context;
    memcpy(values, source->uses[0] + first, sizeof *values * (size_t)n);
    for (int use = 1; use < source->n_uses; use++)
        for (int64_t i = 0; i < n; i++)
            values[i] += source->uses[use][first + i];
}

static Source source_of(Store *store, int param, bool gradients, Arena *arena)
{
    int n_uses = gradients ? store_param(store, param)->n_grads : 1;
    Source source = {ARENA_ARRAY(arena, const float *, n_uses), n_uses};
    for (int use = 0; use < n_uses; use++) {
        int64_t offset = 0;
        Tensor values = gradients ? store_state_tensor(store, store_param_grad(store, param, use, &offset)) : store_param_tensor(store, param, NULL);
        source.uses[use] = (const float *)values.data + offset;
    }
    return source;
}

static Err write_histograms(Trainer *t, int64_t step, bool gradients, double scale)
{
    EventHistogram *histogram = event_histogram_new();
    Arena *arena = arena_new();
    Err err = OK;
    for (int p = 0; p < store_n_params(t->store) && err == OK; p++) {
        const Param *param = store_param(t->store, p);
        if (store_bucket(t->store, param->bucket)->dtype != DTYPE_F32 || (gradients && param->n_grads == 0))
            continue;
        event_histogram_clear(histogram);
        Source source = source_of(t->store, p, gradients, arena);
        event_histogram_add(histogram, &(EventValues){read_sum, &source, shape_count(param->shape)}, scale);
        err = event_file_histogram(t->events, step, arena_printf(arena, "%s/%s", gradients ? "gradients" : "weights", param->name), histogram);
    }
    arena_free(arena);
    event_histogram_free(histogram);
    return err;
}

Err trainer_events_gradients(Trainer *t, double scale)
{
    int64_t step = t->state.step + 1, every = t->options.eval_every;  /* the step that is being taken */
    bool is_due = step == t->options.steps || (every > 0 && step % every == 0);
    return t->events && t->options.record.histograms && is_due ? write_histograms(t, step, true, scale) : OK;
}

Err trainer_events_evaluation(Trainer *t, const EvalReport *report)
{
    if (!t->events)
        return OK;
    TRY(finite_scalar(t, "loss/validation", report->loss));
    TRY(finite_scalar(t, "evaluation/perplexity", exp(report->loss)));
    TRY(finite_scalar(t, "evaluation/bits_per_byte", report->bits_per_byte));
    return t->options.record.histograms ? write_histograms(t, t->state.step, false, 1.0) : OK;
}

Err trainer_events_sample(Trainer *t, const char *text)
{
    return t->events ? event_file_text(t->events, t->state.step, "sample", text) : OK;
}

Err trainer_events_incident(Trainer *t, int64_t step, const char *text)
{
    return t->events ? event_file_text(t->events, step, "incidents", text) : OK;
}
