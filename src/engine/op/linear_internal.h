/* linear_internal.h - what operators around a linear share: its shapes, and its product with or without something done to it. */
#ifndef ENGINE_OP_LINEAR_INTERNAL_H
#define ENGINE_OP_LINEAR_INTERNAL_H

#include "engine/op/gemm.h"
#include "engine/op/op.h"
#include "engine/op/op_internal.h"
#include "engine/op/panels.h"

/* Inputs of a linear. PANELS: W once more, laid out by pack_panels, or absent. */
enum { LINEAR_X, LINEAR_W, LINEAR_BIAS, LINEAR_PANELS, LINEAR_N_IN };

/* y = x W + bias: marks the graph, or gives output 0 and the workspace. */
void linear_infer(Infer *infer, WeightLayout layout);
void linear_reference_of(const KernelCall *call, WeightLayout layout, const Tensor *y);
void linear_cost(const Call *call, Cost *cost);
/* The product of a call, written to y, with data pointers. */
Gemm linear_gemm_of(const KernelCall *call, WeightLayout layout, const Tensor *y);
/* Whether a call is a linear, and how its weight lies. */
bool call_is_linear(const Call *call, WeightLayout *layout);

#endif
