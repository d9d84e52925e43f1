/* cpu_level.h - which of the compiled kernels this CPU can run.
 *
 * CPU_AVX2 and CPU_AVX512 give the same bits: both fuse a product and a sum, and nothing else depends on how wide a register is.
 * CPU_PORTABLE fuses nothing and CPU_AVX512_BF16 rounds its products of pairs otherwise, so the level is part of what a result
 * depends on, and of a run's record. */
#ifndef BASE_CPU_LEVEL_H
#define BASE_CPU_LEVEL_H

#include "base/err.h"

#include <stdbool.h>

typedef enum {
    CPU_PORTABLE,     /* what the compiler assumes of any CPU of this kind */
    CPU_AVX2,         /* and FMA, F16C */
    CPU_AVX512,       /* F, BW, VL and DQ */
    CPU_AVX512_BF16,  /* and the dot product of bf16 pairs, used by matrix products of two bf16 operands and by attention over bf16 */
} CpuLevel;

/* The best level this CPU has, or what JIKJI_CPU=portable|avx2|avx512|avx512bf16 says where the CPU has that. Any thread. */
CpuLevel cpu_level(void);
const char *cpu_level_name(CpuLevel level);  /* as JIKJI_CPU spells it */
/* The best level of this CPU, whatever JIKJI_CPU says. */
CpuLevel cpu_level_best(void);
/* ERR_USAGE: JIKJI_CPU names no level, or one this CPU lacks. cpu_level then uses the best; main asks at its start. */
Err cpu_level_check(void);

/* Whether a core of this CPU reads several streams of memory, fetched ahead by the program, faster than one that it follows by itself: Intel's do
 * (Ice Lake: 26 GB/s to 22), AMD's do not (Zen 4: 23 to 28, and 15 to 32 where what is fetched is not in order). Speed alone depends on it. */
bool cpu_reads_streams(void);

/* For tests, while no kernel runs: level must be one this CPU has. cpu_level_reset goes back to the rule above. */
void cpu_level_set(CpuLevel level);
void cpu_level_reset(void);

#endif
