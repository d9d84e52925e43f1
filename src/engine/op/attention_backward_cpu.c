/* attention_backward_cpu.c - the gradients of attention at this CPU level, see attention_backward_kernel.h. */
#include "engine/op/attention_backward_kernel.h"
#include "base/kernel.h"

void KERNEL(attention_backward)(const KernelCall *call)
{
    if (SIMD_AVX512 && attention_multiplies_pairs(call) && call->in[7].dtype == DTYPE_BF16)
        attention_backward_pairs(call);
    else
        attention_gradients(call);
}
