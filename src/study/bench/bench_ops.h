/* bench_ops.h - a training step operator by operator, each against its roofline (Williams, Waterman & Patterson 2009).
 *
 * An operator's roofline is the least time that its FLOPs and bytes take on this machine: products at the rate of the best matrix products
 * at the model's shapes, other arithmetic at half the rate of fused multiply-adds, bytes (each operand once) at the best rate of reading
 * and copying. All rates are probed in the same run. A share above 1 says that operands were still in the caches. */
#ifndef STUDY_BENCH_BENCH_OPS_H
#define STUDY_BENCH_BENCH_OPS_H

#include "engine/graph/op_info.h"
#include "engine/op/probe.h"
#include "study/bench/bench_train.h"
#include "study/bench/bench_update.h"

typedef struct {
    const char *op;
    int64_t n_runs;          /* a step */
    double seconds;          /* a step */
    double flops, bytes;     /* a step; of attention, visible pairs alone */
    double share;            /* of the step's time in operators */
    double roofline_seconds;
    double roofline_share;   /* roofline_seconds / seconds */
    bool is_memory_bound;    /* what the roofline is made of */
} BenchOp;

/* What takes so much of the step must come so near to its roofline. */
#define BENCH_OPS_SHARE_MIN 0.03
#define BENCH_OPS_ROOFLINE_MIN 0.60
typedef enum { OP_IS_SMALL, OP_IS_NEAR, OP_IS_FAR } BenchOpVerdict;
BenchOpVerdict bench_op_verdict(const BenchOp *op);

enum { BENCH_OPS_MAX = 64 };
typedef struct {
    int n;
    BenchOp op[BENCH_OPS_MAX];  /* the longest first */
    double seconds;             /* of a step in operators */
    double tokens_per_second;
    MachineRates rates;
    MemoryRates memory;
    BenchUpdateReport update;   /* the optimizer's step alone, after the steps of training */
} BenchOpsReport;

/* The options are those of bench_train; rounds and probes too. Errors as there. */
Err bench_ops(BenchOpsReport *report, const ModelConfig *config, const BenchTrainOptions *options);

#endif
