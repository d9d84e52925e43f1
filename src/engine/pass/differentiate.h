/* differentiate.h - reverse mode: a loss and its graph -> the same graph with gradients (Linnainmaa 1970; Griewank & Walther 2008, ch. 3). */
#ifndef ENGINE_PASS_DIFFERENTIATE_H
#define ENGINE_PASS_DIFFERENTIATE_H

#include "engine/graph/graph.h"

/* Records the gradients of sum(loss) with respect to every trainable parameter that reaches it, in SEGMENT_BACKWARD. Each
 * parameter's gradient is *added* to its gradient state: "<bucket>.grad" for its first use in order of recording, one extra state
 * for each further use ("<name>:grad1"), so that the order of addition does not depend on how the tokens were cut into micro
 * batches. `loss` is f32 or f64 of any shape. Deriving through an operator without a derivative marks the graph. */
void pass_differentiate(Graph *g, Node *loss);

#endif
