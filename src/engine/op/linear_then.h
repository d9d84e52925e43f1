/* linear_then.h - a linear and the elementwise operator that follows it, in one call; see linear_then.c. For pass/fuse.c. */
#ifndef ENGINE_OP_LINEAR_THEN_H
#define ENGINE_OP_LINEAR_THEN_H

#include "engine/graph/op_info.h"

/* The attribute: what follows, with its own attribute, which belongs to the graph. */
typedef struct {
    const OpInfo *op;
    const void *attr;
    int64_t n_in, slot, keeps;  /* its inputs, which of them the linear makes, and whether that is a value too */
} LinearThen;

/* Whether `then` is an elementwise operator that reads what `linear` makes as its input `slot`, and nowhere else. */
bool linear_then_fits(const Call *linear, const Call *then, int slot);
/* Both in one call: what `then` makes; sibling 1 is what `linear` makes, if it keeps that. */
Node *linear_then(Graph *g, const Call *linear, const Call *then, int slot, bool keeps);

#endif
