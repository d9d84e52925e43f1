/* crew.h - a run of one token by threads that stay together for all calls (room-internal door of crew.c).
 *
 * Decoding one sequence reads each weight once for one token: a token is some sixty short stretches of reading, and memory idles whenever threads end one
 * region and begin another. A crew is one region for the whole run. Each thread goes through all calls:
 *
 *     CREW_SHARE   it makes its share of the call (OpInfo.shares): of a product so many columns, of attention so many heads
 *     CREW_COPY    it makes all of a small call (a norm, an activation) for itself, in a place of its own: nothing has to go from core to core
 *     CREW_ONE     thread 0 makes the call, the others go on
 *
 * and waits for the others only before a call that meets what another thread may still be at. While it waits it fetches the beginning of what it will read
 * next, weights or keys, so that memory does not wait, too. What no thread may overwrite yet is kept until the next such place.
 *
 * Shares are cut by threads, but whichever thread makes a number makes the same one: no bit depends on the crew, or on whether there is one. */
#ifndef ENGINE_GRAPH_CREW_H
#define ENGINE_GRAPH_CREW_H

#include "engine/graph/program_internal.h"

enum { CREW_MAX = 16 /* threads: a copy of each small value for each */ };

/* Plans a crew's way through p's ordered calls, if all products of one token can be shared. What it plans does not depend on how many threads there are. */
void crew_find(Program *p);
/* Bytes of a value, those of its copies included. */
int64_t crew_node_bytes(const Program *p, const Node *node, int64_t n_bytes);
/* The last call during which what call s is the last to touch must be kept. */
int crew_keep_until(const Program *p, int s);
/* After the calls are bound. */
void crew_bind(Program *p);
/* Runs the calls [begin, end) of a segment; false: this is no run for a crew, and nothing was run. */
bool crew_run(Program *p, int begin, int end);

#endif
