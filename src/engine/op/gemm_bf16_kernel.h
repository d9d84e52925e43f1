/* gemm_bf16_kernel.h - the kernel for two bf16 operands, with the dot product of pairs (VDPBF16PS); a template.
 *
 * The including file defines BF16_DOT(acc, a, b): acc + a.odd * b.odd, then + a.even * b.even, for V16 of pairs, each step fused,
 * rounded to nearest even, with subnormal inputs and results taken as zero. gemm_bf16.c gives the instruction;
 * the test gives the same in integers, so a CPU without the instruction can check all the rest. Gets bf16_kernel. */
#include "engine/op/simd.h"

typedef V16 Vec;
enum { VEC_LANES = 16 };
#define MICRO_ROWS 14
#define MICRO_VECS 2
#define MICRO_MULTIPLY_ADD(acc, a, b) BF16_DOT(acc, v16_set1(a), b)
#include "engine/op/gemm_micro.h"
#include "engine/op/gemm_pack.h"

static uint32_t element_pair(GemmLanes s, int64_t lane, int64_t k, int64_t n_k)
{
    const uint16_t *from = (const uint16_t *)s.base + lane * s.lane_stride + k * s.k_stride;
    return from[0] | (k + 1 < n_k ? (uint32_t)from[s.k_stride] << 16 : 0);
}

static void pack_pairs(uint32_t *panel, int width, int n_lanes, int64_t n_k, GemmLanes s)
{
    int64_t n_words = (n_k + 1) / 2, word = 0;
    pad_lanes(panel, width, n_lanes, n_words);
    if (s.k_stride == 1)
        word = pack_words_along_k(panel, width, n_lanes, n_k / 2, s, false);
    else if (s.lane_stride == 1)
        for (; word < n_k / 2; word++)
            for (int first = 0; first < n_lanes; first += 16) {
                int n = n_lanes - first < 16 ? n_lanes - first : 16;
                const uint16_t *from = (const uint16_t *)s.base + first + 2 * word * s.k_stride;
                U16 even = (U16)v16_load_bf16_tail(from, n), odd = (U16)v16_load_bf16_tail(from + s.k_stride, n);
                v16_store_tail((float *)panel + word * width + first, (V16)(even >> 16 | odd), n);
            }
    for (; word < n_words; word++)
        for (int l = 0; l < n_lanes; l++)
            panel[word * width + l] = element_pair(s, l, 2 * word, n_k);
}

static const GemmKernel bf16_kernel = {
    .mr = MICRO_ROWS, .nr = MICRO_COLUMNS, .k_per_word = 2, .pack = pack_pairs, .tile = micro_tile};
