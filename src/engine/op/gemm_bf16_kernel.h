/* gemm_bf16_kernel.h - the kernel for two bf16 operands, with the dot product of pairs (VDPBF16PS); a template.
 *
 * The including file defines BF16_DOT(acc, a, b): acc + a.odd * b.odd, then + a.even * b.even, for V16 of pairs, each step fused,
 * rounded to nearest even, with subnormal inputs and results taken as zero. gemm_bf16.c gives the instruction;
 * the test gives the same in integers, so a CPU without the instruction can check all the rest. Gets bf16_kernel. */
#include "engine/op/simd.h"

typedef V16 Vec;
enum { VEC_LANES = 16 };
#define MICRO_ROWS 14
#define MICRO_A_WIDTH 16
#define MICRO_A_IS_ALWAYS_PACKED 1
#define MICRO_VECS 2
#define MICRO_MULTIPLY_ADD(acc, a, b) BF16_DOT(acc, v16_set1(a), b)
#include "engine/op/gemm_micro.h"
#include "engine/op/gemm_pack.h"

static uint32_t element_pair(const GemmLanes *s, int64_t lane, int64_t k, int64_t n_k)
{
    uint32_t even = element_word(s, lane, k) >> 16;
    return k + 1 < n_k ? even | element_word(s, lane, k + 1) : even;
}

static void pack_pairs(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t n_k, GemmLanes s)
{
    int64_t n_words = (n_k + 1) / 2, first_word = 0;
#if SIMD_AVX512
    if (s.k_stride == 1)
        first_word = pack_along_k(panels, shape, n_lanes, n_words * shape.width, n_k / 2, &s, WORD_WHOLE);
#endif
    for (int64_t first = 0; first < n_lanes; first += shape.lanes, panels += n_words * shape.width)
        for (int64_t w = first_word; w < n_words; w++)
            for (int l = 0; l < shape.width; l++) {
                int64_t lane = first + (l < shape.lanes ? l : shape.lanes - 1);
                panels[w * shape.width + l] = element_pair(&s, lane < n_lanes ? lane : n_lanes - 1, 2 * w, n_k);
            }
}

static const GemmKernel bf16_kernel = {MICRO_PANELS, .k_per_word = 2, .pack = pack_pairs, .strip = micro_strip};
