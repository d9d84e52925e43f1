/* linear_then.h - a linear and the elementwise operator that follows it, in one call; see linear_then.c, and linear_packed_then.c for linears over packed
 * weights. For pass/fuse.h. */
#ifndef ENGINE_OP_LINEAR_THEN_H
#define ENGINE_OP_LINEAR_THEN_H

#include "engine/graph/op_info.h"
#include "engine/op/packed_weight.h"

/* The attribute: what follows, with its own attribute, which belongs to the graph. */
typedef struct {
    const OpInfo *op;
    const void *attr;
    int64_t n_in, n_out, slot, keeps;  /* its inputs and outputs, which input the linear makes, and whether that is a value too */
} LinearThen;

/* That of a linear over a packed weight, which comes first, as linear_packed has it; keeps is 0. */
typedef struct {
    PackedSpec spec;
    LinearThen then;
} PackedThen;

/* Whether `then` is an elementwise operator that reads what `linear` makes as its input `slot`, and nowhere else. */
bool linear_then_fits(const Call *linear, const Call *then, int slot);
/* Whether what `linear` makes can be a value, too. */
bool linear_then_can_keep(const Call *linear);
/* Both in one call: what `then` makes; the last sibling is what `linear` makes, if it keeps that. */
Node *linear_then(Graph *g, const Call *linear, const Call *then, int slot, bool keeps);

/* For kernels: the elementwise operator upon a window of y, which is the last output, or lies where output 0 will, in place. Its other inputs are the call's last. */
void linear_then_window(const KernelCall *call, const LinearThen *then, KernelFn kernel, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns);
/* The same by its fast kernel, by as much at a time as that keeps on one thread. */
void linear_then_finish(const KernelCall *call, const LinearThen *then, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns);
/* The same upon y, no more than it keeps on one thread: for operators of one input and one output. */
void linear_then_in_place(const LinearThen *then, const Tensor *y);
/* Marks the graph unless the elementwise operator's other inputs look like output 0. */
void linear_then_infer_others(Infer *infer, const LinearThen *then);

#endif
