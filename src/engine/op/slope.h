/* slope.h - an activation that makes its slope beside its value: its gradient is then a product, and needs no second exponential. For pass/fuse.h.
 *
 * The slope is kept for the gradient where the activation's input was. Of f32 alone, for there it is what the gradient would have made, to the bit. */
#ifndef ENGINE_OP_SLOPE_H
#define ENGINE_OP_SLOPE_H

#include "engine/graph/op_info.h"

/* Whether `backward` is the gradient of `forward`, an activation that can do so. */
bool slope_fits(const Call *forward, const Call *backward);
/* The value of `forward` once more, its slope being sibling 1. */
Node *slope_keep(Graph *g, const Call *forward);

#endif
