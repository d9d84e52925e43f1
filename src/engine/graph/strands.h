/* strands.h - neighbours among calls that work on rows of tokens, run strand by strand (room-internal door of strands.c).
 *
 * A small model's activations and weights fit the caches of one core, and what its steps lose on several is meeting after every operator and
 * fetching what another core made. So each thread takes a strand, a stretch of the tokens, through a whole group of calls by itself:
 *
 *     strand 0, tokens [0, 384)      norm  qkv  attention  proj  norm  ...
 *     strand 1, tokens [384, 768)    norm  qkv  attention  proj  norm  ...
 *
 * Operators say whether they can be run so (OP_ROWS, OP_LEAVES and parts_at in op_info.h). A gradient that is summed over tokens goes from strand to
 * strand: each adds its leaves when the one before has added its own, and meanwhile goes on with what does not wait for that, up to STRANDS_LATE calls further. So no bit depends on
 * how many strands there are, or whether there are any.
 *
 * Strands are never more than STRANDS_WINDOW calls apart, and what a call of a group is the last to read is kept for so many calls more: nobody writes where
 * another strand still reads. */
#ifndef ENGINE_GRAPH_STRANDS_H
#define ENGINE_GRAPH_STRANDS_H

#include "engine/graph/program_internal.h"

enum {
    STRANDS_MAX = 4,    /* with more threads all share each call: as many workspaces would be more than small models take */
    STRANDS_WINDOW = 16,
    STRANDS_LATE = 12,
};

/* Finds the groups of p's ordered calls, if a bound's tokens are several leaves and the weights are small. What it plans does not depend on how many
 * threads there are. */
void strands_find(Program *p);
/* The last call during which what call s is the last to read must be kept. */
int strands_keep_until(const Program *p, int s);
/* After the calls are bound. */
void strands_bind(Program *p);
/* Runs the calls [begin, end) of one group in strands; false: that cannot be, for what they hold now, and nothing was run. */
bool strands_run(Program *p, int begin, int end);

#endif
