/* watch.h - how large the gradients of a narrow format are, layer by layer: what overflows, what underflows. */
#ifndef ENGINE_PASS_WATCH_H
#define ENGINE_PASS_WATCH_H

#include "engine/graph/graph.h"

/* Run after pass_differentiate. After each backward call that makes a value of `dtype`, its exponents are added (exponent_count in op.h) to a row of
 * the state `name`, i64 [1 + layers, EXPONENT_BINS]: row 0 for what is in no layer, row 1 + l for layer l (call_layer in recompute.h).
 * The host sets the state to zero. */
void pass_watch_gradients(Graph *g, DType dtype, const char *name);

#endif
