/* linear_cross_entropy_internal.h - what the files of linear_cross_entropy share. */
#ifndef ENGINE_OP_LINEAR_CROSS_ENTROPY_INTERNAL_H
#define ENGINE_OP_LINEAR_CROSS_ENTROPY_INTERNAL_H

#include "engine/op/op.h"
#include "engine/op/op_internal.h"

/* Inputs of both operators, and those that only the gradient has; panels: w once more, laid out by pack_panels for the logits and for dx, or absent. */
enum { LCE_X, LCE_W, LCE_LABEL, LCE_WEIGHT, LCE_DY, LCE_SINK, LCE_LOGITS_PANELS, LCE_DX_PANELS, LCE_N_IN };

extern const OpInfo linear_cross_entropy_grad_info;

/* Of the forward: the options alone. Of the gradient; outputs: the loss, dx if wanted, dw if wanted (the sink, added to). */
typedef struct {
    CrossEntropyOptions options;
    int64_t leaf;  /* tokens */
    bool want_x, want_w;
} LceGradAttr;

/* The target distribution t over V tokens: at the label, at the ignored token, at each other; and what the loss adds, sum t ln t for KL. */
typedef struct {
    double at_label, at_ignored, at_other, constant;
} LceTarget;
LceTarget lce_target(const CrossEntropyOptions *options, int64_t n_vocab);
/* Is this label no target? */
static inline bool lce_is_ignored(const CrossEntropyOptions *options, int64_t label)
{
    return options->has_ignored && label == options->ignored;
}

/* Rows of logits, which become what the gradient multiplies. */
typedef struct {
    float *logits;  /* [n_rows, n_vocab], rows `row_stride` apart */
    int64_t n_rows, n_vocab, row_stride;
    const int32_t *label;
    const float *weight, *dy;  /* dy NULL: the loss alone, logits undefined afterwards */
    float *loss;
    const CrossEntropyOptions *options;
    DType grad_dtype;  /* f32, bf16 or fp16: half a row then fills the first half of its f32 row */
} LceRows;

/* The loss of linear_cross_entropy.c;  with dy, logits become its gradient with respect to them, times weight * dy. On all threads. */
KERNEL_DECLARE(void, lce_rows, (const LceRows *rows));

void linear_cross_entropy_reference(const KernelCall *call);
void linear_cross_entropy_grad_reference(const KernelCall *call);

#endif
