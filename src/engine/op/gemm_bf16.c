/* gemm_bf16.c - the kernel for CPU_AVX512_BF16; compiled with that instruction set, run only where it exists. */
#include <immintrin.h>

#define BF16_DOT(acc, a, b) ((V16)_mm512_dpbf16_ps((__m512)(acc), (__m512bh)(a), (__m512bh)(b)))
#include "engine/op/gemm_bf16_kernel.h"

const GemmKernel *gemm_kernel_bf16(void)
{
    return &bf16_kernel;
}
