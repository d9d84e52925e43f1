/* schedule.c - the learning rate's course, a function of the step alone. */
#include "learn/optim/optim.h"

#include <math.h>

/* How far from `begin` (0) to the end of the run (1). */
static double progress(const ScheduleOptions *options, int64_t begin, int64_t step)
{
    if (step >= options->steps || options->steps <= begin)
        return 1.0;
    return step <= begin ? 0.0 : (double)(step - begin) / (double)(options->steps - begin);
}

/* From the peak at x = 0 to min_lr at x = 1. */
static double decayed(const ScheduleOptions *options, DecayShape shape, double x)
{
    const double height = options->lr - options->min_lr;
    switch (shape) {
    case DECAY_LINEAR: return options->min_lr + height * (1.0 - x);
    case DECAY_COSINE: return options->min_lr + 0.5 * height * (1.0 + cos(M_PI * x));
    case DECAY_SQRT: return options->lr - height * sqrt(x);
    }
    return options->lr;
}

double schedule_lr(const ScheduleOptions *options, int64_t step)
{
    if (step < options->warmup_steps) {
        double from = options->name == SCHEDULE_NOAM ? 0.0 : options->warmup_init_lr;
        return from + (options->lr - from) * (double)step / (double)options->warmup_steps;
    }
    switch ((ScheduleName)options->name) {
    case SCHEDULE_CONSTANT: return options->lr;
    case SCHEDULE_COSINE: return decayed(options, DECAY_COSINE, progress(options, options->warmup_steps, step));
    case SCHEDULE_LINEAR: return decayed(options, DECAY_LINEAR, progress(options, options->warmup_steps, step));
    case SCHEDULE_INVERSE_SQRT:
    case SCHEDULE_NOAM: return options->lr * sqrt((double)options->warmup_steps / (double)(step > 0 ? step : 1));
    case SCHEDULE_WSD:
        if (options->decay_steps == 0)
            return options->lr;
        return decayed(options, (DecayShape)options->decay_shape, progress(options, options->steps - options->decay_steps, step));
    }
    return options->lr;
}

double schedule_noam_peak(double factor, int64_t d_model, int64_t warmup_steps)
{
    return factor / sqrt((double)d_model * (double)warmup_steps);
}
