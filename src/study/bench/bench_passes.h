/* bench_passes.h - what each pass over the training graph costs and saves: fusion, packing, precision, recompute and offload, off and on, by the trainer of
 * `jikji train`.
 *
 * Every row is a bench of its own (bench_train.h): tokens a second beside the rate of products in the same minutes, so rows compare by their
 * share even where a neighbour came between them; memory as planned, as mapped, and as the system counts it. */
#ifndef STUDY_BENCH_BENCH_PASSES_H
#define STUDY_BENCH_BENCH_PASSES_H

#include "study/bench/bench_train.h"

enum { BENCH_PASSES = 12 };

typedef struct {
    const char *name;      /* "recompute sqrt" */
    int of;                /* the row whose bits it must have: itself, or the one of its precision that keeps everything */
    DType compute;
    MemoryOptions memory;
    bool loss_apart;       /* without fusion of the loss with its gradients */
    BenchTrainReport report;
} BenchPass;

/* Runs all rows; `options` gives sizes and rounds, and memory.offload the folder for what is offloaded; the rest of its memory, and its compute, are not used. The budget's row may have half of what the recompute of every
 * layer saves. ERR_NUMERIC: a row has other bits than it promises. */
Err bench_passes(BenchPass pass[BENCH_PASSES], const ModelConfig *config, const BenchTrainOptions *options, Arena *arena);

#endif
