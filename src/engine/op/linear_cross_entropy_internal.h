/* linear_cross_entropy_internal.h - what the files of linear_cross_entropy share. */
#ifndef ENGINE_OP_LINEAR_CROSS_ENTROPY_INTERNAL_H
#define ENGINE_OP_LINEAR_CROSS_ENTROPY_INTERNAL_H

#include "engine/op/op_internal.h"

/* Inputs of both operators, and those that only the gradient has. */
enum { LCE_X, LCE_W, LCE_LABEL, LCE_WEIGHT, LCE_DY, LCE_SINK, LCE_N_IN };

/* Of the gradient. Outputs: the loss, dx if wanted, dw if wanted (the sink, added to). */
typedef struct {
    int64_t leaf;  /* tokens */
    bool want_x, want_w;
} LceGradAttr;

/* Rows of logits, which become what the gradient multiplies. */
typedef struct {
    float *logits;  /* [n_rows, n_vocab] */
    int64_t n_rows, n_vocab;
    const int32_t *label;
    const float *weight, *dy;  /* dy NULL: the loss alone, logits undefined afterwards */
    float *loss;
    DType grad_dtype;  /* f32, or bf16: a row then fills the first half of its f32 row */
} LceRows;

/* loss = weight * (logsumexp - logit[label]);  with dy, logits become weight * dy * (softmax - onehot). On all threads. */
KERNEL_DECLARE(void, lce_rows, (const LceRows *rows));

void linear_cross_entropy_reference(const KernelCall *call);
void linear_cross_entropy_grad_reference(const KernelCall *call);

#endif
