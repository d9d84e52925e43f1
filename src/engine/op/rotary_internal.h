/* rotary_internal.h - the attribute of rotary, for its kernels. */
#ifndef ENGINE_OP_ROTARY_INTERNAL_H
#define ENGINE_OP_ROTARY_INTERNAL_H

typedef struct {
    double theta;
    double direction;  /* 1, or -1: back */
} RotaryAttr;

#endif
