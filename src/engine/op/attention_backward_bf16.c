/* attention_backward_bf16.c - the gradients of attention over bf16, in pairs; compiled with the instruction set of CPU_AVX512_BF16, run only where it
 * exists. */
#include "engine/op/bf16_dot.h"
#include "engine/op/attention_backward_kernel.h"

void attention_backward_pairs(const KernelCall *call)
{
    attention_gradients(call);
}
