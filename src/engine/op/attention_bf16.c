/* attention_bf16.c - the forward of attention over bf16, in pairs; compiled with the instruction set of CPU_AVX512_BF16, run only where it exists. */
#include <immintrin.h>

#define BF16_DOT(acc, a, b) ((V16)_mm512_dpbf16_ps((__m512)(acc), (__m512bh)(a), (__m512bh)(b)))
#define BF16_ROUND(high, low) _mm512_cvtne2ps_pbh((__m512)(high), (__m512)(low))
#include "engine/op/attention_forward_kernel.h"

void attention_pairs(const KernelCall *call)
{
    attention_forward(call);
}
