/* schedule.c - the learning rate's course, a function of the step alone. */
#include "learn/optim/optim.h"

#include <math.h>

/* How far between the end of warmup (0) and the end of the run (1). */
static double progress_after_warmup(const ScheduleOptions *options, int64_t step)
{
    int64_t length = options->steps - options->warmup_steps;
    if (length <= 0 || step >= options->steps)
        return 1.0;
    return (double)(step - options->warmup_steps) / (double)length;
}

double schedule_lr(const ScheduleOptions *options, int64_t step)
{
    if (step < options->warmup_steps)
        return options->lr * (double)step / (double)options->warmup_steps;
    switch ((ScheduleName)options->name) {
    case SCHEDULE_CONSTANT:
        return options->lr;
    case SCHEDULE_COSINE: {
        double cosine = cos(M_PI * progress_after_warmup(options, step));
        return options->min_lr + 0.5 * (options->lr - options->min_lr) * (1.0 + cosine);
    }
    }
    return options->lr;
}
