/* attention_cpu.c - the forward of attention at this CPU level, see attention_forward_kernel.h. */
#include "engine/op/attention_forward_kernel.h"
#include "base/kernel.h"

void KERNEL(attention)(const KernelCall *call)
{
    if (SIMD_AVX512 && attention_multiplies_pairs(call))
        attention_pairs(call);
    else
        attention_forward(call);
}
