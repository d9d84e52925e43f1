/* gemm_cpu.c - the f32 kernel of each CPU level; see gemm_kernels.h. */
#include "engine/op/simd.h"

#if SIMD_AVX512
/* 28 of 32 registers hold the tile, two a row of B, one a word of A. Two loads a cycle feed two multiply-adds a cycle: 16 loads a
 * step of k against 28 multiply-adds. */
typedef V16 Vec;
enum { VEC_LANES = 16 };
#define MICRO_ROWS 14
#define MICRO_A_WIDTH 16  /* a step is a cache line */
#define MICRO_VECS 2
#define MICRO_MULTIPLY_ADD(acc, a, b) v16_fma(v16_set1(a), b, acc)
#else
typedef float Vec __attribute__((vector_size(16)));
enum { VEC_LANES = 4 };
#define MICRO_ROWS 4
#define MICRO_A_WIDTH 4
#define MICRO_VECS 2
#define MICRO_MULTIPLY_ADD(acc, a, b) ((acc) + (a) * (b))
#endif
#define MICRO_A_IS_ALWAYS_PACKED 0
#include "engine/op/gemm_micro.h"
#include "engine/op/gemm_pack.h"

const GemmKernel *KERNEL(gemm_kernel)(void)
{
    static const GemmKernel kernel = {MICRO_PANELS, .k_per_word = 1, .pack = pack_f32, .strip = micro_strip};
    return &kernel;
}
