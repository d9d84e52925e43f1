/* probe.h - what this machine can do at most: multiply-adds out of registers, bytes out of memory. On all OpenMP threads.
 *
 * Each returns the best of several short turns, so a busy neighbour shows less. */
#ifndef ENGINE_OP_PROBE_H
#define ENGINE_OP_PROBE_H

#include "base/err.h"

#include <stdint.h>

/* f32 multiply-adds per second times two, at the current CPU level, nothing touching memory. */
double probe_fma_flops_per_second(void);

/* The same for products of bf16 pairs summed in f32; 0 on a CPU without that instruction (CPU_AVX512_BF16). */
double probe_bf16_flops_per_second(void);

/* Bytes a second over 256 MB, beyond the caches of a small machine. Read: in one stream a thread or in four, whichever is faster. Copy and update
 * count what is read and what is written. */
typedef struct {
    double read, copy;
    double update;  /* in place: read, changed, written back, as an optimizer does */
} MemoryRates;
/* ERR_MEMORY. */
Err probe_memory(MemoryRates *rates);

/* Reading alone, turn by turn, so that other work can be measured in between: who else uses memory then disturbs both alike. A turn
 * is one of probe_memory's, in whichever of its two forms was the faster when this began. */
typedef struct ReadProbe ReadProbe;
Err read_probe_new(ReadProbe **probe);  /* ERR_MEMORY */
void read_probe_free(ReadProbe *probe); /* NULL is fine */
double read_probe_turn(const ReadProbe *probe);  /* seconds */
double read_probe_bytes(void);                   /* that a turn reads */

/* Updating in place alone, turn by turn likewise, over n_bytes > 0, rounded up to whole megabytes or so. */
typedef struct UpdateProbe UpdateProbe;
Err update_probe_new(UpdateProbe **probe, int64_t n_bytes);  /* ERR_MEMORY */
void update_probe_free(UpdateProbe *probe);                  /* NULL is fine */
double update_probe_turn(const UpdateProbe *probe);          /* seconds */
double update_probe_bytes(const UpdateProbe *probe);         /* that a turn reads, and writes once more */

#endif
