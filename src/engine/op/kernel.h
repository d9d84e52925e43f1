/* kernel.h - kernels by CPU level (base/kernel.h), where the operators look for them. */
#ifndef ENGINE_OP_KERNEL_H
#define ENGINE_OP_KERNEL_H

#include "base/kernel.h"

#endif
