/* probe_kernels.h - the inner loops of probe.c at each CPU level. */
#ifndef ENGINE_OP_PROBE_KERNELS_H
#define ENGINE_OP_PROBE_KERNELS_H

#include "base/kernel.h"

#include <stdint.h>

enum { PROBE_FMA_FLOPS_PER_STEP = 2 * 16 * 16 };  /* sixteen independent vectors of 16 floats */

/* n_steps multiply-adds of each; the result is theirs, so none can be left out. */
KERNEL_DECLARE(float, probe_fma, (int64_t n_steps));
/* The same of bf16 pairs, sixteen to a vector: gemm_bf16.c's instruction, for CPU_AVX512_BF16 only. */
enum { PROBE_BF16_FLOPS_PER_STEP = 2 * 2 * 16 * 16 };
float probe_bf16_dot(int64_t n_steps);
/* Exclusive or over n words, n a multiple of 64. */
KERNEL_DECLARE(uint32_t, probe_read, (const uint32_t *words, int64_t n));
/* The same, its four quarters side by side, n a multiple of 256: on many cores more is under way than in one stream. */
KERNEL_DECLARE(uint32_t, probe_read_streams, (const uint32_t *words, int64_t n));
/* Adds 1 to n words in place, n a multiple of 64. */
KERNEL_DECLARE(void, probe_update, (uint32_t *words, int64_t n));

#endif
