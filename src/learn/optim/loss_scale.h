/* loss_scale.h - the factor that keeps fp16 gradients inside their format (Micikevicius et al. 2018, arXiv:1710.03740).
 *
 * Backward starts from `scale` instead of 1; the update divides by it before anything else looks at a gradient. A step whose gradients
 * are not finite is skipped and the scale backs off; after `interval` good steps it grows. Losses and gradients are sums over tokens here, so a
 * scale of 1 stands where other trainers, which scale a mean, have the number of tokens. Powers of two change no bit but those that
 * overflow or underflow. */
#ifndef LEARN_OPTIM_LOSS_SCALE_H
#define LEARN_OPTIM_LOSS_SCALE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double start;
    double growth;     /* factor after `interval` good steps; 1: never grows */
    double backoff;    /* factor after a step that overflowed; 1: never backs off */
    int64_t interval;
} LossScaleOptions;
LossScaleOptions loss_scale_options_default(void);

/* What a checkpoint keeps. */
typedef struct {
    double scale;
    int64_t n_good;  /* steps since the scale last changed */
} LossScale;

LossScale loss_scale_start(const LossScaleOptions *options);
/* After a step. Returns false when the step overflowed and the scale cannot back off any further. */
bool loss_scale_update(LossScale *loss_scale, const LossScaleOptions *options, bool overflowed);

#endif
