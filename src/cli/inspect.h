/* inspect.h - the views of `jikji inspect`, and what they share. argv[0] is the view's name. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

Err inspect_params(int argc, char **argv);
Err inspect_graph(int argc, char **argv);
Err inspect_logits(int argc, char **argv);
Err inspect_grads(int argc, char **argv);
Err inspect_checkpoint(int argc, char **argv);
Err inspect_float(int argc, char **argv);

/* "1,2, 3" to numbers in `arena`; `flag` opens messages. ERR_USAGE: not a number, or outside [min, max]. */
Err inspect_read_ids(int32_t **ids, int64_t *n, Arena *arena, const char *flag, const char *text, int64_t min, int64_t max);

#endif
