/* loss_scale.c - growing and backing off. */
#include "learn/optim/loss_scale.h"

/* Where scaling helps no more: f32 itself would overflow or underflow next. */
#define SCALE_MIN 0x1p-40
#define SCALE_MAX 0x1p40

LossScaleOptions loss_scale_options_default(void)
{
    return (LossScaleOptions){.start = 1024, .growth = 2, .backoff = 0.5, .interval = 1000};
}

static double between(double value, double min, double max)
{
    return value < min ? min : value > max ? max : value;
}

LossScale loss_scale_start(const LossScaleOptions *options)
{
    return (LossScale){.scale = between(options->start, SCALE_MIN, SCALE_MAX)};
}

bool loss_scale_update(LossScale *s, const LossScaleOptions *options, bool overflowed)
{
    double before = s->scale;
    if (overflowed) {
        *s = (LossScale){.scale = between(s->scale * options->backoff, SCALE_MIN, SCALE_MAX)};
        return s->scale != before;
    }
    if (++s->n_good >= options->interval)
        *s = (LossScale){.scale = between(s->scale * options->growth, SCALE_MIN, SCALE_MAX)};
    return true;
}
