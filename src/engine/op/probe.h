/* probe.h - what this machine can do at most: multiply-adds out of registers, bytes out of memory. On all OpenMP threads.
 *
 * Each returns the best of several short turns, so a busy neighbour shows less. */
#ifndef ENGINE_OP_PROBE_H
#define ENGINE_OP_PROBE_H

#include "base/err.h"

/* f32 multiply-adds per second times two, at the current CPU level, nothing touching memory. */
double probe_fma_flops_per_second(void);

/* Bytes per second of reading, and of copying (read plus written), 256 MB, beyond the caches of a small machine. ERR_MEMORY. */
Err probe_memory_bytes_per_second(double *read, double *copy);

#endif
