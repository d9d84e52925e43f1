/* attention_rows_internal.h - the softmax of one row of scores and its derivative, at each CPU level, for attention_chunks.c. */
#ifndef STUDY_BENCH_ATTENTION_ROWS_INTERNAL_H
#define STUDY_BENCH_ATTENTION_ROWS_INTERNAL_H

#include "base/kernel.h"

#include <stdint.h>

/* Of n scores the first n_seen >= 1 become softmax(scale * score), the others 0. scale > 0. */
KERNEL_DECLARE(void, softmax_row, (float *scores, int64_t n, int64_t n_seen, float scale));
/* dp becomes scale * p * (dp - sum(p * dp)). */
KERNEL_DECLARE(void, softmax_gradient_row, (float *dp, const float *p, int64_t n, float scale));

#endif
