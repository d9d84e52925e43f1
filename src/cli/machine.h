/* machine.h - what this machine is: for `jikji doctor`. Read from the system, nothing is measured. */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *cpu;          /* "Intel(R) Xeon(R) Processor @ 2.80GHz"; "unknown" */
    const char *features;     /* those that matter here, of the CPU: "avx2 fma avx512f ..." */
    int n_cpus, n_cores;      /* logical CPUs of the machine, physical cores (0: unknown) */
    int n_usable;             /* CPUs that this process may run on */
    double cpu_quota;         /* CPUs' worth of time that the control group grants; 0: no limit */
    double load;              /* runnable processes, mean of a minute */
    int64_t memory_bytes, memory_available_bytes;
    int64_t memory_limit_bytes;  /* of the control group; 0: none */
    const char *huge_pages;   /* "always", "madvise", "never", "unknown" */
    int64_t disk_free_bytes;  /* where the current folder lies */
    bool disk_is_memory;      /* it lies on a tmpfs */
    const char *mpirun;       /* path, or NULL */
} Machine;
/* Texts live in `arena`. */
Machine machine_read(Arena *arena);

enum { MACHINE_LIBRARIES = 11 };
typedef struct {
    const char *name, *version;  /* version NULL: not found */
    const char *used_for;
    bool is_peer;                /* only compared with, in benches */
} MachineLibrary;
void machine_libraries(MachineLibrary libraries[MACHINE_LIBRARIES], Arena *arena);

#endif
