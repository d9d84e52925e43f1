/* offload.h - values that wait in a file between the forward and the backward pass; recorded by pass/offload.h.
 *
 * Four calls, so that transfers run beside other work: put starts writing x; put_done, recorded later, waits for that, and keeps x's memory until then;
 * get takes memory and starts reading into it; get_done waits, and its output is the value. A token, one number without meaning, leads from each
 * to the next: what must come before what. */
#ifndef ENGINE_OP_OFFLOAD_H
#define ENGINE_OP_OFFLOAD_H

#include "base/block_file.h"
#include "engine/graph/graph.h"

Node *offload_put(Graph *g, Node *x, BlockFile *file, int block);
Node *offload_put_done(Graph *g, Node *x, Node *token, BlockFile *file, int block);
/* Like `x` in dtype and shape, which is not read. */
Node *offload_get(Graph *g, Node *token, const Node *x, BlockFile *file, int block);
Node *offload_get_done(Graph *g, Node *y, BlockFile *file, int block);

#endif
