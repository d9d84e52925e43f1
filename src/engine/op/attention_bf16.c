/* attention_bf16.c - the forward of attention over bf16, in pairs; compiled with the instruction set of CPU_AVX512_BF16, run only where it exists. */
#include "engine/op/bf16_dot.h"
#include "engine/op/attention_forward_kernel.h"

void attention_pairs(const KernelCall *call)
{
    attention_forward(call);
}
