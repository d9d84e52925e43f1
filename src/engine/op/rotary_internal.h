/* rotary_internal.h - the attribute of rotary, for its kernels. */
#ifndef ENGINE_OP_ROTARY_INTERNAL_H
#define ENGINE_OP_ROTARY_INTERNAL_H

#include "engine/op/op.h"

typedef struct {
    RotaryOptions options;  /* its amplitude is not 0 */
    double direction;       /* 1, or -1: back */
} RotaryAttr;

#endif
