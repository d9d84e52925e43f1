/* probe.c - see probe.h. */
#include "engine/op/probe.h"
#include "base/file.h"
#include "engine/op/probe_kernels.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { N_TURNS = 8 };
static const double FMA_SECONDS = 0.3;  /* at least: threads just begun may share a core until the system spreads them */
static const int64_t FMA_STEPS = 1000000, MEMORY_BYTES = 256000000, PIECE_BYTES = 1000448;  /* a piece: four streams of whole steps */

static double best_seconds(float (*steps)(int64_t n_steps))
{
    double best = INFINITY, spent = 0.0;
    volatile float sink = 0.0f;
    for (int turn = 0; turn < N_TURNS || spent < FMA_SECONDS; turn++) {
        double start = 0.0, end = 0.0;
        float sum = 0.0f;
#pragma omp parallel reduction(+ : sum)
        {
#pragma omp barrier
#pragma omp master
            start = omp_get_wtime();
            sum += steps(FMA_STEPS);
#pragma omp barrier
#pragma omp master
            end = omp_get_wtime();
        }
        sink = sum;
        best = fmin(best, end - start);
        spent += end - start;
    }
    (void)sink;
    return best;
}

double probe_fma_flops_per_second(void)
{
    return (double)FMA_STEPS * PROBE_FMA_FLOPS_PER_STEP * omp_get_max_threads() / best_seconds(KERNEL_PICK(probe_fma));
}

double probe_bf16_flops_per_second(void)
{
    if (cpu_level() < CPU_AVX512_BF16)
        return 0;
    return (double)FMA_STEPS * PROBE_BF16_FLOPS_PER_STEP * omp_get_max_threads() / best_seconds(probe_bf16_dot);
}

typedef uint32_t (*ReadFn)(const uint32_t *words, int64_t n);

static double read_seconds(const char *bytes, ReadFn read)
{
    uint32_t all = 0;
    double start = omp_get_wtime();
#pragma omp parallel for reduction(^ : all) schedule(static)
    for (int64_t at = 0; at < MEMORY_BYTES - PIECE_BYTES; at += PIECE_BYTES)
        all ^= read((const uint32_t *)(bytes + at), PIECE_BYTES / 4);
    volatile uint32_t sink = all;
    (void)sink;
    return omp_get_wtime() - start;
}

static double copy_seconds(char *to, const char *from, int64_t n_bytes)
{
    double start = omp_get_wtime();
#pragma omp parallel for schedule(static)
    for (int64_t at = 0; at < n_bytes - PIECE_BYTES; at += PIECE_BYTES)
        memcpy(to + at, from + at, (size_t)PIECE_BYTES);
    return omp_get_wtime() - start;
}

static double update_seconds(char *bytes, int64_t n_pieces)
{
    double start = omp_get_wtime();
#pragma omp parallel for schedule(static)
    for (int64_t at = 0; at < n_pieces * PIECE_BYTES; at += PIECE_BYTES)
        KERNEL_PICK(probe_update)((uint32_t *)(bytes + at), PIECE_BYTES / 4);
    return omp_get_wtime() - start;
}

Err probe_memory(MemoryRates *rates)
{
    void *block;
    TRY(memory_map(&block, (size_t)MEMORY_BYTES));
    memset(block, 1, (size_t)MEMORY_BYTES);
    double read = INFINITY, copy = INFINITY, update = INFINITY;
    for (int turn = 0; turn < N_TURNS; turn++) {
        int64_t half = MEMORY_BYTES / 2;
        read = fmin(read, read_seconds(block, turn % 2 ? KERNEL_PICK(probe_read) : KERNEL_PICK(probe_read_streams)));
        copy = fmin(copy, copy_seconds(block, (char *)block + half, half));
        update = fmin(update, update_seconds(block, (MEMORY_BYTES - 1) / PIECE_BYTES));
    }
    memory_unmap(block, (size_t)MEMORY_BYTES);
    int64_t n_read = (int64_t)read_probe_bytes(), n_copied = (MEMORY_BYTES / 2 - 1) / PIECE_BYTES * PIECE_BYTES;
    *rates = (MemoryRates){.read = (double)n_read / read, .copy = 2.0 * (double)n_copied / copy, .update = 2.0 * (double)n_read / update};
    return OK;
}

/* ---- turns of reading ---- */

struct ReadProbe {
    void *block;
    ReadFn read;
};

double read_probe_bytes(void)
{
    return (double)((MEMORY_BYTES - 1) / PIECE_BYTES * PIECE_BYTES);
}

Err read_probe_new(ReadProbe **probe)
{
    const ReadFn ways[] = {KERNEL_PICK(probe_read), KERNEL_PICK(probe_read_streams)};
    double best[] = {INFINITY, INFINITY};
    void *block;
    TRY(memory_map(&block, (size_t)MEMORY_BYTES));
    memset(block, 1, (size_t)MEMORY_BYTES);
    for (int turn = 0; turn < N_TURNS; turn++)
        best[turn % 2] = fmin(best[turn % 2], read_seconds(block, ways[turn % 2]));
    *probe = mem_alloc(sizeof **probe);
    **probe = (ReadProbe){block, ways[best[1] < best[0]]};
    return OK;
}

void read_probe_free(ReadProbe *probe)
{
    if (probe)
        memory_unmap(probe->block, (size_t)MEMORY_BYTES);
    free(probe);
}

double read_probe_turn(const ReadProbe *probe)
{
    return read_seconds(probe->block, probe->read);
}

/* ---- turns of updating ---- */

struct UpdateProbe {
    void *block;
    int64_t n_pieces;
};

double update_probe_bytes(const UpdateProbe *probe)
{
    return (double)(probe->n_pieces * PIECE_BYTES);
}

Err update_probe_new(UpdateProbe **probe, int64_t n_bytes)
{
    int64_t n_pieces = (n_bytes + PIECE_BYTES - 1) / PIECE_BYTES;
    void *block;
    TRY(memory_map(&block, (size_t)(n_pieces * PIECE_BYTES)));
    *probe = mem_alloc(sizeof **probe);
    **probe = (UpdateProbe){block, n_pieces};
    update_seconds(block, n_pieces);  /* each piece is touched first by the thread that will update it */
    return OK;
}

void update_probe_free(UpdateProbe *probe)
{
    if (probe)
        memory_unmap(probe->block, (size_t)(probe->n_pieces * PIECE_BYTES));
    free(probe);
}

double update_probe_turn(const UpdateProbe *probe)
{
    return update_seconds(probe->block, probe->n_pieces);
}
