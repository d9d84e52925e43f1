/* activation_internal.h - the attribute of activations, for their kernels. */
#ifndef ENGINE_OP_ACTIVATION_INTERNAL_H
#define ENGINE_OP_ACTIVATION_INTERNAL_H

#include "engine/op/op_internal.h"

typedef struct {
    double number;  /* softcap: the cap */
} ActivationAttr;

#endif
