/* bench_update.c - see bench_update.h. */
#include "study/bench/bench_update.h"

#include "base/log.h"
#include "base/options.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/op/probe.h"
#include "learn/optim/optim.h"
#include "study/bench/bench_internal.h"

#include <assert.h>

/* A gradient of some size, so that the step moves weights; what it holds does not change how long it takes. */
static void fill_gradients(Store *store, Program *update)
{
    for (int s = 0; s < store_n_states(store); s++)
        if (store_state(store, s)->kind == STATE_GRAD) {
            Tensor grad = store_state_tensor(store, s);
            bench_fill(grad.data, tensor_bytes(&grad), grad.dtype);
        }
    float *scalars = program_input(update, "scalars")->data;
    scalars[SCALAR_LR] = 1e-3f;
    scalars[SCALAR_STEP] = 1.0f;
    scalars[SCALAR_INV_TARGETS] = 1.0f;
    program_run(update, SEGMENT_BACKWARD);  /* the norm, whose factor the step reads */
    assert(((const float *)program_output(update, "norm_factor")->data)[1] > 0.0f);  /* with a factor of 0 nothing would move */
}

static Err take_turns(BenchUpdateReport *report, Program *update, UpdateProbe *probe)
{
    double step[BENCH_UPDATE_ROUNDS], in_place[BENCH_UPDATE_ROUNDS], share[BENCH_UPDATE_ROUNDS];
    program_run(update, SEGMENT_UPDATE);
    for (int i = 0; i < BENCH_UPDATE_ROUNDS; i++) {
        if (interrupt_requested())
            return err_set(ERR_INTERRUPTED, "interrupted");
        double before = update_probe_turn(probe), begun = clock_seconds();
        program_run(update, SEGMENT_UPDATE);
        double seconds = clock_seconds() - begun, after = update_probe_turn(probe);
        in_place[i] = 4.0 * update_probe_bytes(probe) / (before + after);  /* two turns, each of them reads and writes */
        step[i] = report->bytes / seconds;
        share[i] = step[i] / in_place[i];
    }
    report->step_rate = bench_median(step, BENCH_UPDATE_ROUNDS);
    report->in_place_rate = bench_median(in_place, BENCH_UPDATE_ROUNDS);
    report->share = bench_median(share, BENCH_UPDATE_ROUNDS);
    report->share_min = share[0];  /* the median sorted them */
    report->share_max = share[BENCH_UPDATE_ROUNDS - 1];
    return OK;
}

static Err measure(BenchUpdateReport *report, Graph *g, Store *store)
{
    Program *update;
    UpdateProbe *probe = NULL;
    TRY(graph_compile(&update, g, &(CompileOptions){BACKEND_CPU}));
    const Cost *cost = &program_plan(update)->cost[SEGMENT_UPDATE];
    report->bytes = cost->bytes_read + cost->bytes_written;
    Err err = store_allocate(store);
    if (err == OK)
        err = program_bind(update);
    if (err == OK)
        err = update_probe_new(&probe, (int64_t)(report->bytes / 2));
    if (err == OK) {
        store_touch(store);
        fill_gradients(store, update);
        err = take_turns(report, update, probe);
    }
    update_probe_free(probe);
    program_free(update);
    return err;
}

Err bench_update(BenchUpdateReport *report, const ModelConfig *config)
{
    *report = (BenchUpdateReport){0};
    OptimOptions options = optim_options_default();
    Store *store = store_new();
    model_declare(config, store, &(ModelDeclareOptions){.dtype = DTYPE_F32, .trainable = true});
    optim_declare(&options, store);
    Graph *g = graph_new(store);
    optim_record_update(&options, g);
    Err err = measure(report, g, store);
    graph_free(g);
    store_free(store);
    return err;
}
