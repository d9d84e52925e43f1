/* gemm_bf16.c - the kernel for CPU_AVX512_BF16; compiled with that instruction set, run only where it exists. */
#include "engine/op/bf16_dot.h"
#include "engine/op/gemm_bf16_kernel.h"

const GemmKernel *gemm_kernel_bf16(void)
{
    return &bf16_kernel;
}
