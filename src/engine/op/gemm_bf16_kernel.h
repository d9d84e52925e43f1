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
#define MICRO_VECS 2
#define MICRO_MULTIPLY_ADD(acc, a, b) BF16_DOT(acc, v16_set1(a), b)
#include "engine/op/gemm_micro.h"
#include "engine/op/gemm_pack.h"

static uint32_t element_pair(const GemmLanes *s, int64_t lane, int64_t k, int64_t n_k)
{
    uint32_t even = element_word(s, lane, k) >> 16;
    return k + 1 < n_k ? even | element_word(s, lane, k + 1) : even;
}

#if SIMD_AVX512
/* n_words pairs of steps of sixteen lanes, of which those of `mask` are there: each step is contiguous. */
SIMD_INLINE void pack_pair_steps(uint32_t *to, int width, const uint16_t *from, int64_t k_stride, int64_t n_words, __mmask16 mask)
{
    const __m512i interleaved = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2,
                                                 33, 1, 32, 0);
    for (int64_t w = 0; w < n_words; w++, from += 2 * k_stride, to += width) {
        __m256i even = _mm256_maskz_loadu_epi16(mask, from), odd = _mm256_maskz_loadu_epi16(mask, from + k_stride);
        _mm_prefetch((const char *)(from + PACK_AHEAD_STEPS * k_stride), _MM_HINT_T0);
        _mm_prefetch((const char *)(from + (PACK_AHEAD_STEPS + 1) * k_stride), _MM_HINT_T0);
        _mm512_storeu_si512(to, _mm512_permutex2var_epi16(_mm512_castsi256_si512(even), interleaved, _mm512_castsi256_si512(odd)));
    }
}

/* Whole pairs of steps, each contiguous in the lanes; see pack_f32_along_lanes. */
static void pack_pairs_along_lanes(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t panel_words, int64_t n_pairs, const GemmLanes *s)
{
    for (int64_t w = 0; w < n_pairs; w += PACK_STEPS / 2) {
        int64_t n_words = n_pairs - w < PACK_STEPS / 2 ? n_pairs - w : PACK_STEPS / 2;
        uint32_t *to = panels + w * shape.width;
        for (int64_t first = 0; first < n_lanes; first += shape.lanes, to += panel_words)
            for (int column = 0; column < shape.width; column += 16) {
                int64_t n = n_lanes - first - column, n_wanted = shape.lanes - column;
                n = n < n_wanted ? n : n_wanted;
                __mmask16 mask = n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16)((1u << n) - 1);
                pack_pair_steps(to + column, shape.width, (const uint16_t *)s->base + first + column + 2 * w * s->k_stride, s->k_stride, n_words, mask);
            }
    }
}
#endif

static void pack_pairs(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t n_k, GemmLanes s)
{
    int64_t n_words = (n_k + 1) / 2, first_word = 0;
#if SIMD_AVX512
    if (s.k_stride == 1)
        first_word = pack_along_k(panels, shape, n_lanes, n_words * shape.width, n_k / 2, &s, WORD_WHOLE);
    else if (s.lane_stride == 1)
        pack_pairs_along_lanes(panels, shape, n_lanes, n_words * shape.width, first_word = n_k / 2, &s);
#endif
    for (int64_t first = 0; first < n_lanes; first += shape.lanes, panels += n_words * shape.width)
        for (int64_t w = first_word; w < n_words; w++)
            for (int l = 0; l < shape.width; l++) {
                int64_t lane = first + (l < shape.lanes ? l : shape.lanes - 1);
                panels[w * shape.width + l] = element_pair(&s, lane < n_lanes ? lane : n_lanes - 1, 2 * w, n_k);
            }
}

#include "engine/op/gemm_direct_pairs.h"

#if SIMD_AVX512
static const GemmKernel bf16_kernel = {MICRO_PANELS, .k_per_word = 2, .pack = pack_pairs, .strip = micro_strip, .direct = direct_pairs};
#else
static const GemmKernel bf16_kernel = {MICRO_PANELS, .k_per_word = 2, .pack = pack_pairs, .strip = micro_strip};
#endif
