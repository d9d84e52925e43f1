/* panels.h - weights that many micro batches multiply are laid out once a step: graph -> the same graph over copies in panels (op/panels.h). */
#ifndef ENGINE_PASS_PANELS_H
#define ENGINE_PASS_PANELS_H

#include "engine/graph/graph.h"

/* Each product over a trainable parameter, or over its copy in another dtype, reads panels too: a state of the store for each way that it is read in, of
 * about the bytes of an f32 copy. Two ways are common: y = x W and dx = dy W^T. No bit changes. After differentiation, before fusion. Returns how
 * many products read panels. */
int pass_panels(Graph *g);

/* Records the packing of every such state of the store from its parameter, or from the copy that it was made for. */
void panels_record_refresh(Graph *g);

#endif
