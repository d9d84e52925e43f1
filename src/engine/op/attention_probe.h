/* attention_probe.h - parts of attention's kernels alone, one thread: what its bench adds up to hold the whole against. */
#ifndef ENGINE_OP_ATTENTION_PROBE_H
#define ENGINE_OP_ATTENTION_PROBE_H

#include "base/kernel.h"

#include <stdbool.h>

enum { ATTENTION_PROBE_FLOATS = 64 * 64 };  /* of each operand */

/* c += a b, 64 by 64 by 64; a is read by rows or, as weights are, by columns. */
KERNEL_DECLARE(void, attention_probe_product, (float *c, const float *a, const float *b, bool by_columns));
/* The same where row r takes the first r + 1 terms alone: a tile on the diagonal. */
KERNEL_DECLARE(void, attention_probe_diagonal, (float *c, const float *a, const float *b));
/* weights = e^scores, their largest score and their sum: the forward's way from scores to weights. */
KERNEL_DECLARE(float, attention_probe_weights, (float *weights, const float *scores));

#endif
