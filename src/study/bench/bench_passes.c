/* bench_passes.c - the rows, one after the other. */
#include "study/bench/bench_passes.h"

static const BenchPass rows[BENCH_PASSES] = {
    {.name = "keep all", .of = 0, .compute = DTYPE_F32},
    {.name = "recompute layers", .of = 0, .compute = DTYPE_F32, .memory = {.recompute = RECOMPUTE_LAYERS, .layers = 1}},
    {.name = "recompute sqrt", .of = 0, .compute = DTYPE_F32, .memory = {.recompute = RECOMPUTE_SQRT}},
    {.name = "recompute budget", .of = 0, .compute = DTYPE_F32, .memory = {.recompute = RECOMPUTE_BUDGET}},
    {.name = "offload", .of = 0, .compute = DTYPE_F32, .memory = {.offload = "the folder of the options"}},
    {.name = "no fusion", .of = 0, .compute = DTYPE_F32, .loss_apart = true},
    {.name = "packing", .of = 0, .compute = DTYPE_F32, .memory = {.pack_weights = true}},
    {.name = "keep all", .of = 7, .compute = DTYPE_BF16},
    {.name = "packing", .of = 7, .compute = DTYPE_BF16, .memory = {.pack_weights = true}},
    {.name = "recompute layers", .of = 7, .compute = DTYPE_BF16, .memory = {.recompute = RECOMPUTE_LAYERS, .layers = 1}},
    {.name = "keep all", .of = 10, .compute = DTYPE_F16},
    {.name = "recompute layers", .of = 10, .compute = DTYPE_F16, .memory = {.recompute = RECOMPUTE_LAYERS, .layers = 1}},
};

static double middle_budget(const BenchPass *pass)
{
    return 0.5 * (double)(pass[0].report.program_bytes + pass[1].report.program_bytes);
}

Err bench_passes(BenchPass pass[BENCH_PASSES], const ModelConfig *config, const BenchTrainOptions *options, Arena *arena)
{
    for (int i = 0; i < BENCH_PASSES; i++) {
        BenchTrainOptions o = *options;
        pass[i] = rows[i];
        if (pass[i].memory.recompute == RECOMPUTE_BUDGET)
            pass[i].memory.budget_bytes = middle_budget(pass);
        if (pass[i].memory.offload)
            pass[i].memory.offload = options->memory.offload;
        o.compute = pass[i].compute;
        o.memory = pass[i].memory;
        o.loss_apart = pass[i].loss_apart;
        TRY(bench_train(&pass[i].report, config, &o, arena));
        if (pass[i].report.first_step_hash != pass[pass[i].of].report.first_step_hash)
            return err_set(ERR_NUMERIC, "bench passes: %s in %s gives other bits than keeping all", pass[i].name, dtype_name(pass[i].compute));
    }
    return OK;
}
