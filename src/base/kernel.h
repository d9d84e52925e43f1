/* kernel.h - one source, several CPU levels.
 *
 * A file *_cpu.c is compiled once for each level, with KERNEL_LEVEL set to portable, avx2 or avx512. A function that other files
 * call is named with KERNEL there, declared once for all levels in a header, and picked where it is called:
 *
 *     norm_kernels.h   KERNEL_DECLARE(void, rmsnorm_rows, (float *y, const float *x, int64_t n, int64_t c));
 *     norm_cpu.c       void KERNEL(rmsnorm_rows)(float *y, const float *x, int64_t n, int64_t c) { ... }
 *     norm.c           KERNEL_PICK(rmsnorm_rows)(y, x, n, c);
 *
 * Everything else in a *_cpu.c is static: an inline function with external linkage would be merged over levels by the linker. */
#ifndef BASE_KERNEL_H
#define BASE_KERNEL_H

#include "base/cpu_level.h"

#define KERNEL_PASTE_(name, level) name##_##level
#define KERNEL_PASTE(name, level) KERNEL_PASTE_(name, level)
#define KERNEL(name) KERNEL_PASTE(name, KERNEL_LEVEL)

#define KERNEL_DECLARE(result, name, parameters) \
    result name##_portable parameters;           \
    result name##_avx2 parameters;               \
    result name##_avx512 parameters

#define KERNEL_PICK(name) \
    (cpu_level() >= CPU_AVX512 ? name##_avx512 : cpu_level() == CPU_AVX2 ? name##_avx2 : name##_portable)

#endif
