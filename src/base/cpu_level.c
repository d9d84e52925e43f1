/* cpu_level.c - see cpu_level.h. */
#include "base/cpu_level.h"

#include <assert.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { N_LEVELS = 4, NOT_CHOSEN = -1 };
static const char *const names[N_LEVELS] = {"portable", "avx2", "avx512", "avx512bf16"};
static atomic_int chosen = NOT_CHOSEN;

CpuLevel cpu_level_best(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    bool has_f16c = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);  /* clang's builtin does not know it */
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !has_f16c)
        return CPU_PORTABLE;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx512dq"))
        return CPU_AVX2;
    return __builtin_cpu_supports("avx512bf16") ? CPU_AVX512_BF16 : CPU_AVX512;
#else
    return CPU_PORTABLE;
#endif
}

const char *cpu_level_name(CpuLevel level)
{
    assert((int)level < N_LEVELS);
    return names[level];
}

/* The level JIKJI_CPU names, or N_LEVELS; the best one when it is not set. */
static int level_wanted(void)
{
    const char *name = getenv("JIKJI_CPU");
    if (!name || !name[0])
        return (int)cpu_level_best();
    int level = 0;
    while (level < N_LEVELS && strcmp(name, names[level]) != 0)
        level++;
    return level;
}

CpuLevel cpu_level(void)
{
    int level = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (level == NOT_CHOSEN) {
        int best = (int)cpu_level_best(), wanted = level_wanted();
        level = wanted < best ? wanted : best;
        atomic_store_explicit(&chosen, level, memory_order_relaxed);
    }
    return (CpuLevel)level;
}

Err cpu_level_check(void)
{
    int wanted = level_wanted();
    if (wanted == N_LEVELS)
        return err_set(ERR_USAGE, "JIKJI_CPU: expected portable, avx2, avx512 or avx512bf16, found \"%s\"", getenv("JIKJI_CPU"));
    if (wanted > (int)cpu_level_best())
        return err_set(ERR_USAGE, "JIKJI_CPU: this CPU has no %s; its best level is %s", names[wanted],
                       names[cpu_level_best()]);
    return OK;
}

void cpu_level_set(CpuLevel level)
{
    assert(level <= cpu_level_best());
    atomic_store(&chosen, (int)level);
}

void cpu_level_reset(void)
{
    atomic_store(&chosen, NOT_CHOSEN);
}

bool cpu_reads_streams(void)
{
#if defined(__x86_64__)
    return !__builtin_cpu_is("amd");
#else
    return true;
#endif
}
