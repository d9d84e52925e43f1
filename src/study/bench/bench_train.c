/* bench_train.c - probes and training steps in turns. */
#include "study/bench/bench_train.h"

#include "base/file.h"
#include "base/log.h"
#include "base/options.h"
#include "base/parallel.h"
#include "engine/op/probe.h"
#include "learn/objective/objective.h"
#include "learn/train/trainer.h"
#include "study/bench/bench_internal.h"

#include <math.h>

BenchTrainOptions bench_train_options_default(void)
{
    return (BenchTrainOptions){.seq_len = 256, .batch_size = 16, .micro_batch_size = 4, .compute = DTYPE_F32, .n_rounds = 5,
                               .round_seconds = 3, .probe = {.n_tokens_max = 1024, .vocab_max = 16384}};
}

/* ---- the task: random tokens ---- */

typedef struct {
    const ModelConfig *config;
    const BenchTrainOptions *options;
} Work;

static int64_t tokens_of_micro(const Work *w)
{
    return w->options->micro_batch_size * w->options->seq_len;
}

static Node *work_build(void *context, Graph *g, bool training)
{
    (void)training;
    Work *w = context;
    int64_t n_tokens = tokens_of_micro(w);
    ModelInputs inputs = model_inputs(g, n_tokens, false);
    int bound = graph_bound(g, "n_tokens", n_tokens);
    Node *labels = graph_input(g, "labels", DTYPE_I32, shape_1(n_tokens), bound);
    Node *weights = graph_input(g, "weights", DTYPE_F32, shape_1(n_tokens), bound);
    return objective_causal(g, model_hidden(g, w->config, &inputs), model_head(g, w->config), labels, weights,
                                  model_loss_options(w->config));
}

static Err work_init(void *context, Store *store)
{
    model_init(((Work *)context)->config, store, 1);
    return OK;
}

static int64_t work_n_micro(void *context)
{
    const BenchTrainOptions *o = ((Work *)context)->options;
    return o->batch_size / o->micro_batch_size;
}

static int64_t work_n_rows(void *context)
{
    return ((Work *)context)->options->micro_batch_size;
}

static int64_t work_count_targets(void *context, int64_t step)
{
    (void)step;
    const BenchTrainOptions *o = ((Work *)context)->options;
    return o->batch_size * o->seq_len;
}

static void work_fill(void *context, Program *program, int64_t step, int64_t micro)
{
    Work *w = context;
    int64_t T = w->options->seq_len, n_tokens = tokens_of_micro(w);
    int32_t *tokens = program_input(program, "tokens")->data, *labels = program_input(program, "labels")->data;
    int32_t *positions = program_input(program, "positions")->data, *ranges = program_input(program, "ranges")->data;
    float *weights = program_input(program, "weights")->data;
    uint64_t state = (uint64_t)(step * 1000003 + micro);
    for (int64_t n = 0; n < n_tokens; n++) {
        state = state * 6364136223846793005u + 1442695040888963407u;  /* Knuth's MMIX generator */
        tokens[n] = (int32_t)((state >> 33) % (uint64_t)w->config->vocab_size);
        labels[n] = (int32_t)((state >> 20 & 0x7fffffff) % (uint64_t)w->config->vocab_size);
        weights[n] = 1.0f;
        positions[n] = (int32_t)(n % T);
        ranges[2 * n] = (int32_t)(n - n % T);
        ranges[2 * n + 1] = (int32_t)(n + 1);
    }
}

static int64_t work_n_eval(void *context)
{
    (void)context;
    return 0;
}

static Task work_task(Work *w)
{
    return (Task){.name = "bench", .context = w, .build = work_build, .init = work_init, .n_micro = work_n_micro, .n_rows = work_n_rows,
                  .count_targets = work_count_targets, .fill = work_fill, .n_eval = work_n_eval};
}

/* ---- rounds ---- */

/* Of one column of the rounds; `offset` is a member's place in BenchRound. */
static double median_of(const BenchTrainReport *report, size_t offset)
{
    double values[BENCH_ROUNDS_MAX];
    for (int64_t i = 0; i < report->n_rounds; i++)
        values[i] = *(const double *)((const char *)&report->round[i] + offset);
    return bench_median(values, report->n_rounds);
}

static Err run_steps(BenchTrainReport *report, Trainer *trainer, double seconds, double *tokens_per_second)
{
    double spent = 0, n_tokens = 0;
    do {
        StepReport step;
        if (interrupt_requested())
            return err_set(ERR_INTERRUPTED, "interrupted");
        TRY(trainer_run_step(trainer, &step));
        spent += step.seconds;
        n_tokens += (double)step.n_tokens;
        report->loss = step.loss;
        report->n_steps++;
    } while (spent < seconds);
    *tokens_per_second = n_tokens / spent;
    return OK;
}

/* Of all but copies, which a pass may add. */
static uint64_t hash_states(const Store *store)
{
    uint64_t hash = 0;
    for (int s = 0; s < store_n_states(store); s++) {
        if (store_state(store, s)->kind == STATE_COPY)
            continue;
        Tensor t = store_state_tensor(store, s);
        hash = hash * 31 + hash_bytes(t.data, tensor_bytes(&t));
    }
    return hash;
}

/* What makes values again, as planned and as it was. */
static void take_recompute(BenchTrainReport *report, Trainer *trainer)
{
    ProgramSeconds micro = program_seconds(trainer_micro_step(trainer)), update = program_seconds(trainer_update(trainer));
    report->recompute_planned = trainer_plan(trainer).recompute_share;
    report->recompute_share = micro.repeats > 0 ? micro.repeats / (micro.all + update.all) : 0;
}

/* The round's steps again by one thread, and the probe by all and by one. */
static Err compare_threads(BenchTrainReport *report, Trainer *trainer, BenchRound *round, double seconds)
{
    int n_threads = parallel_threads();
    double alone, all = probe_fma_flops_per_second();
    parallel_set_threads(1);
    Err err = run_steps(report, trainer, seconds, &alone);
    double one = probe_fma_flops_per_second();
    parallel_set_threads(n_threads);
    TRY(err);
    round->speed_up = round->tokens_per_second / alone;
    round->probe_speed_up = all / one;
    round->speed_up_share = round->speed_up / round->probe_speed_up;
    return OK;
}

static Err run_rounds(BenchTrainReport *report, Trainer *trainer, const Store *store, const ModelConfig *config, const BenchTrainOptions *o, Arena *arena)
{
    double unused;
    MatmulRate before, after = {0};
    int64_t n_tokens = o->micro_batch_size * o->seq_len;
    const bool is_timed = o->profile || o->memory.recompute != RECOMPUTE_NONE;
    TRY(run_steps(report, trainer, 0, &unused));  /* starts threads, fills caches */
    report->first_step_hash = hash_states(store);
    program_profile(trainer_micro_step(trainer), is_timed);
    program_profile(trainer_update(trainer), is_timed);
    program_listen(trainer_micro_step(trainer), o->heard, o->heard_context);
    program_listen(trainer_update(trainer), o->heard, o->heard_context);
    TRY(matmul_rate_measure(&before, config, n_tokens, o->compute, &o->probe, arena));
    Progress *progress = progress_new("bench", o->n_rounds, "rounds");
    Err err = OK;
    for (int64_t i = 0; i < o->n_rounds && err == OK; i++) {
        BenchRound *round = &report->round[i];
        err = run_steps(report, trainer, o->round_seconds, &round->tokens_per_second);
        if (err == OK && o->one_thread_too)
            err = compare_threads(report, trainer, round, o->round_seconds);
        if (err == OK)
            err = matmul_rate_measure(&after, config, n_tokens, o->compute, &o->probe, arena);
        round->flops_per_second = (before.flops_per_second + after.flops_per_second) / 2;
        round->share = round->tokens_per_second * report->flops_per_token / round->flops_per_second;
        before = report->last_probe = after;
        report->n_rounds = i + 1;
        progress_set(progress, i + 1);
    }
    progress_free(progress);
    return err;
}

static void take_profile(BenchTrainReport *report, Trainer *trainer, Arena *arena)
{
    report->profile = arena_printf(arena, "%s\n%s", program_profile_text(trainer_micro_step(trainer), arena),
                                   program_profile_text(trainer_update(trainer), arena));
}

static Err check_options(const ModelConfig *config, const BenchTrainOptions *o)
{
    if (o->seq_len > config->seq_len_max)
        return err_set(ERR_USAGE, "seq-len %lld is above the model's context of %lld", (long long)o->seq_len, (long long)config->seq_len_max);
    if (o->batch_size % o->micro_batch_size != 0)
        return err_set(ERR_USAGE, "batch-size %lld is not a multiple of micro-batch-size %lld", (long long)o->batch_size,
                       (long long)o->micro_batch_size);
    return OK;
}

static Err bench_with_store(BenchTrainReport *report, Store *store, const ModelConfig *config, const BenchTrainOptions *o, Arena *arena)
{
    Work work = {config, o};
    Task task = work_task(&work);
    TrainerOptions options = {.optim = optim_options_default(), .schedule = {.name = SCHEDULE_CONSTANT}, .steps = INT64_C(1) << 40,
                              .compute = o->compute, .memory = o->memory, .loss_apart = o->loss_apart, .loss_scale = loss_scale_options_default(),
                              .grad_leaf = report->grad_leaf, .bad_steps_max = 1, .log_every = 1, .quiet = true};
    Trainer *trainer;
    model_declare(config, store, &(ModelDeclareOptions){.dtype = DTYPE_F32, .trainable = true});
    TRY(trainer_new(&trainer, store, &task, &options));
    report->program_bytes = trainer_plan(trainer).total_bytes;
    memory_resident_peak_reset();
    int64_t mapped = memory_mapped_bytes(), resident = memory_resident_bytes();
    Err err = trainer_bind(trainer);
    report->mapped_bytes = memory_mapped_bytes() - mapped;
    if (err == OK)
        err = run_rounds(report, trainer, store, config, o, arena);
    report->resident_bytes = memory_resident_peak_bytes() - resident;
    if (err == OK)
        take_recompute(report, trainer);
    if (err == OK && o->profile)
        take_profile(report, trainer, arena);
    trainer_free(trainer);
    return err;
}

Err bench_train(BenchTrainReport *report, const ModelConfig *config, const BenchTrainOptions *options, Arena *arena)
{
    *report = (BenchTrainReport){.n_params = model_n_params(config), .n_tokens_per_step = options->batch_size * options->seq_len,
                                 .grad_leaf = options->grad_leaf ? options->grad_leaf : trainer_usual_grad_leaf(options->seq_len),
                                 .flops_per_token = model_train_flops_per_token(config, options->seq_len)};
    TRY(check_options(config, options));
    Store *store = store_new();
    Err err = bench_with_store(report, store, config, options, arena);
    store_free(store);
    TRY(err);
    for (size_t at = 0; at < sizeof(BenchRound); at += sizeof(double))
        *(double *)((char *)&report->median + at) = median_of(report, at);
    return OK;
}
