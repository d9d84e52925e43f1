/* fuse.h - neighbours in a program that become one call: what passes between them stays in a thread's cache, and threads meet less often. */
#ifndef ENGINE_PASS_FUSE_H
#define ENGINE_PASS_FUSE_H

#include "engine/graph/graph.h"

/* Joins each linear to the elementwise operator that follows it (op/linear_then.h): a residual's addition, an activation, an activation's
 * gradient, which for an f32 is a product with the slope that the activation then keeps (op/slope.h); and the sum of a norm's gradient and the residual's to
 * the former (op/addend.h), with the cast of the sum. Not a bit of the result changes.
 * Run last, before graph_compile; does nothing where graph_fuses says no. Calls that repeat others stay apart. Returns how many it joined. */
int pass_fuse(Graph *g);

#endif
