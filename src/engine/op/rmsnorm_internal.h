/* rmsnorm_internal.h - the attribute of rmsnorm, for its kernels. */
#ifndef ENGINE_OP_RMSNORM_INTERNAL_H
#define ENGINE_OP_RMSNORM_INTERNAL_H

#include <stdint.h>

typedef struct {
    double eps, offset;  /* offset + gain is the gain */
    int64_t leaf;        /* of the backward: tokens summed before they join dgain */
    int64_t round_to;    /* of the forward: DType of y, DTYPE_F32: that of x; of the backward: DType of the copy of dx, DTYPE_F32: there is none */
} RmsnormAttr;

#endif
