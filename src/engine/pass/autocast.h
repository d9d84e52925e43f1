/* autocast.h - f32 graphs that compute their matrix products in a narrower dtype (Micikevicius et al. 2018, arXiv:1710.03740; bf16: Kalamkar et al.
 * 2019, arXiv:1905.12322). */
#ifndef ENGINE_PASS_AUTOCAST_H
#define ENGINE_PASS_AUTOCAST_H

#include "engine/graph/graph.h"

/* Run on a forward graph, before pass_differentiate. Calls of PRECISION_COMPUTE get their f32 inputs (but those of keep_inputs) in `compute`: parameters
 * by a copy that the update refreshes (graph_param_copy), other values by one cast each, or by the call that makes them where nobody reads the f32 (a
 * norm). Master weights, losses and statistics stay f32. */
void pass_autocast(Graph *g, DType compute);

#endif
