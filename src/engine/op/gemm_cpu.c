/* gemm_cpu.c - the f32 kernel of each CPU level; see gemm_kernels.h. */
#include "engine/op/simd.h"

typedef Reg Vec;
enum { VEC_LANES = REG_LANES };
#if SIMD_AVX512
/* 28 of 32 registers hold the tile, two a row of B, one a word of A. Two loads a cycle feed two multiply-adds a cycle: 16 loads a
 * step of k against 28 multiply-adds. */
#define MICRO_ROWS 14
#define MICRO_A_WIDTH 16  /* a step is a cache line */
#else
/* 12 of 16 registers hold the tile, two a row of B, one a word of A (without fused operations, one more a product). */
#define MICRO_ROWS 6
#define MICRO_A_WIDTH 6
#endif
#define MICRO_VECS 2
#define MICRO_MULTIPLY_ADD(acc, a, b) reg_fma(a, b, acc)
#include "engine/op/gemm_micro.h"
#include "engine/op/gemm_pack.h"
#include "engine/op/gemm_direct.h"

const GemmKernel *KERNEL(gemm_kernel)(void)
{
#if SIMD_AVX512
    static const GemmKernel kernel = {MICRO_PANELS, .k_per_word = 1, .pack = pack_f32, .strip = micro_strip, .direct = micro_direct};
#else
    static const GemmKernel kernel = {MICRO_PANELS, .k_per_word = 1, .pack = pack_f32, .strip = micro_strip};
#endif
    return &kernel;
}
