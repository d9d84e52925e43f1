/* recipe.c - the table of settings, their defaults, and what contradicts what. */
#include "learn/train/recipe.h"

#include "base/log.h"
#include "text/corpus/batch.h"

#include <string.h>

#define ROW_INT(name, field, min, max, help) OPTION_INT(name, Recipe, field, min, max, help)
#define ROW_REAL(name, field, min, max, help) OPTION_REAL(name, Recipe, field, min, max, help)
#define ROW_TEXT(name, field, help) OPTION_TEXT(name, Recipe, field, help)
#define ROW_CHOICE(name, field, choices, help) OPTION_CHOICE(name, Recipe, field, choices, help)

static const Option rows[] = {
    ROW_TEXT("run", run, "name of the run; its folder is runs/<run> unless out says otherwise"),
    ROW_TEXT("out", out, "folder of the run"),
    ROW_TEXT("size", size, "one dial: parameters (10M) or depth (d6) decide model, steps, batch, learning rate and warmup"),
    ROW_INT("seed", seed, 0, 1e15, "decides initial weights, order of data and samples"),
    ROW_TEXT("data.text", data.text, "a text file (.txt, .jsonl, .tsv; also .zst, .gz)"),
    OPTION_TEXTS("data.train", Recipe, data.train, "shard prefixes to train on, instead of data.text"),
    OPTION_REALS("data.weights", Recipe, data.weights, 1e-6, 1e9, "share of the rows that each of data.train gets; none: by length, one after another"),
    OPTION_TEXTS("data.val", Recipe, data.val, "shard prefixes to evaluate on"),
    ROW_REAL("data.split", data.split, 0.01, 1.0, "share of data.text to train on; the rest is for evaluation"),
    ROW_TEXT("data.tokenizer", data.tokenizer, "char, or the folder or file of a tokenizer"),
    ROW_INT("data.seq_len", data.seq_len, 1, 1e6, "tokens of a sequence"),
    ROW_INT("data.stride", data.stride, 0, 1e6, "windows start this many tokens apart; 0: seq_len"),
    ROW_CHOICE("data.mode", data.mode, BATCH_MODE_CHOICES, "windows cut anywhere, or whole documents packed"),
    ROW_CHOICE("data.order", data.order, BATCH_ORDER_CHOICES, "order of windows"),
    ROW_TEXT("model.config", model.config, "a Hugging Face config.json; vocab_size comes from the tokenizer"),
    ROW_TEXT("model.from", model.from, "a Hugging Face directory whose weights to start from"),
    ROW_REAL("model.dropout", model.dropout, -1.0, 0.99, "rate of every dropout that the family has; -1: what its config says"),
    ROW_CHOICE("objective", objective, "causal", "what is learnt"),
    ROW_REAL("loss.smoothing", loss.smoothing, 0.0, 0.999, "label smoothing: this much of the target goes to other tokens; evaluation is plain"),
    ROW_CHOICE("loss.smoothing_to", loss.smoothing_to, "all|others",
               "all tokens (PyTorch's definition), or the others but loss.ignore_index, as a KL divergence"),
    ROW_REAL("loss.z_loss", loss.z_loss, 0.0, 1.0, "weight of logsumexp(logits)^2, which keeps logits from drifting; evaluation is plain"),
    ROW_INT("loss.ignore_index", loss.ignore_index, -1, 2e9, "a token id that is no target (padding); -1: none"),
    ROW_CHOICE("optim.name", optim.name, "adamw", "optimizer"),
    ROW_REAL("optim.lr", optim.lr, 0.0, 1e3, "peak learning rate"),
    OPTION_REALS("optim.betas", Recipe, optim.betas, 0.0, 1.0, "decay of the first and second moment"),
    ROW_REAL("optim.eps", optim.eps, 0.0, 1.0, "added to the root of the second moment"),
    ROW_REAL("optim.weight_decay", optim.weight_decay, 0.0, 10.0, "on matrices and embeddings, not on biases and norms"),
    ROW_REAL("optim.grad_norm_max", optim.grad_norm_max, 0.0, 1e9, "clip above; 0 is off"),
    ROW_CHOICE("schedule.name", schedule.name, SCHEDULE_CHOICES, "course of the learning rate after warmup"),
    ROW_INT("schedule.warmup_steps", schedule.warmup_steps, 0, 1e9, "steps of linear warmup"),
    ROW_REAL("schedule.min_lr", schedule.min_lr, 0.0, 1e3, "learning rate at the last step; none for constant, inverse_sqrt and noam"),
    ROW_REAL("schedule.warmup_init_lr", schedule.warmup_init_lr, 0.0, 1e3, "learning rate where warmup begins"),
    ROW_REAL("schedule.noam_factor", schedule.noam_factor, 0.0, 1e6, "noam: peak = this / sqrt(width * warmup_steps), in place of optim.lr; 0 is off"),
    ROW_INT("schedule.decay_steps", schedule.decay_steps, 0, 1e9, "wsd: steps at the end that go down to min_lr"),
    ROW_CHOICE("schedule.decay_shape", schedule.decay_shape, DECAY_CHOICES, "wsd: how"),
    ROW_INT("train.steps", train.steps, 1, 1e9, "optimizer steps"),
    ROW_INT("train.batch_size", train.batch_size, 1, 1e6, "sequences of a step"),
    ROW_INT("train.micro_batch_size", train.micro_batch_size, 0, 1e6, "sequences computed at once; 0: batch_size"),
    ROW_CHOICE("train.precision", train.precision, "f32|bf16|fp16", "of matrix products and activations; weights stay f32"),
    ROW_INT("train.grad_leaf", train.grad_leaf, 0, TRAINER_GRAD_LEAF_MAX, "tokens summed before they join a gradient; 0: seq_len, at most 512"),
    ROW_INT("train.eval_every", train.eval_every, 0, 1e9, "steps between evaluations; 0: only at the end"),
    ROW_INT("train.eval_rows", train.eval_rows, 0, 1e9, "sequences of an evaluation; 0: all of the evaluation text"),
    ROW_INT("train.checkpoint_every", train.checkpoint_every, 0, 1e9, "steps between checkpoints; 0: only at the end"),
    ROW_INT("train.keep_best", train.keep_best, 0, 1000, "best checkpoints to keep, beside the last two"),
    ROW_INT("train.log_every", train.log_every, 1, 1e9, "steps between lines in log.jsonl"),
    ROW_INT("train.bad_steps_max", train.bad_steps_max, 1, 1e6, "steps in a row that may fail before the run stops"),
    ROW_TEXT("train.sample", train.sample, "prompt of text samples; none: no samples"),
    ROW_INT("train.sample_every", train.sample_every, 0, 1e9, "steps between samples; 0: only at the end"),
    ROW_INT("train.sample_tokens", train.sample_tokens, 1, 1e6, "new tokens of a sample"),
    ROW_REAL("train.sample_temperature", train.sample_temperature, 0.0, 10.0, "of samples; 0: the most likely token"),
    ROW_INT("train.threads", train.threads, 0, 1024, "0: all cores; results do not depend on it"),
    OPTION_BOOL("train.probe", Recipe, train.probe, "measure matrix products before and after, for the share of peak"),
    ROW_REAL("loss_scale.start", loss_scale.start, 1e-12, 1e12, "fp16: factor on gradients (sums over tokens) that keeps them in the format"),
    ROW_REAL("loss_scale.growth", loss_scale.growth, 1.0, 1e6, "fp16: factor after loss_scale.interval good steps; 1: none"),
    ROW_REAL("loss_scale.backoff", loss_scale.backoff, 1e-6, 1.0, "fp16: factor after an overflow, whose step is skipped; 1: none"),
    ROW_INT("loss_scale.interval", loss_scale.interval, 1, 1e9, "fp16: good steps after which the factor grows"),
    ROW_CHOICE("memory.recompute", memory.recompute, RECOMPUTE_CHOICES, "activations made again in backward instead of kept; the bits stay"),
    ROW_INT("memory.layers", memory.layers, 1, 1e6, "layers between kept activations, for recompute: layers"),
    ROW_REAL("memory.budget_bytes", memory.budget_bytes, 0.0, 1e18, "of the whole run, for recompute: budget"),
    OPTION_BOOL("memory.pack_weights", Recipe, memory.pack_weights,
                "weights laid out for their products once a step, not once a micro batch: two more copies of them; the bits stay"),
    ROW_TEXT("memory.offload", memory.offload, "a folder (on a fast disk) for a file in which activations wait for backward; the bits stay; none: in memory"),
    ROW_CHOICE("guard.policy", guard.policy, GUARD_CHOICES,
               "spikes of loss or gradient norm: said; not taken and their samples named; also taken back when several come in a row"),
    ROW_INT("guard.window", guard.window, 4, SPIKE_WINDOW_MAX, "steps whose median and spread the next step is held against"),
    ROW_REAL("guard.threshold", guard.threshold, 1.0, 1e6, "robust deviations above the median that make a spike"),
    ROW_INT("guard.patience", guard.patience, 1, 1e6, "rollback: spikes in a row that send the run back to the checkpoint before them"),
    ROW_INT("guard.rollbacks_max", guard.rollbacks_max, 0, 1e6, "rollback: how many a run may have before it stops"),
    OPTION_BOOL("record.tensorboard", Recipe, record.tensorboard, "write event files for TensorBoard into the run's folder"),
    OPTION_BOOL("record.histograms", Recipe, record.histograms, "with histograms of weights and gradients at evaluations"),
    ROW_INT("record.trace_step", record.trace_step, 0, 1e9, "write this step's calls as a trace for ui.perfetto.dev; 0: none"),
    ROW_INT("parallel.dp", parallel.dp, 1, 1e6, "data-parallel ranks"),
    ROW_INT("parallel.tp", parallel.tp, 1, 1e6, "tensor-parallel ranks"),
    ROW_INT("parallel.pp", parallel.pp, 1, 1e6, "pipeline stages"),
    ROW_INT("parallel.zero", parallel.zero, 0, 3, "ZeRO stage"),
};
const OptionTable recipe_table = {rows, N_ELEMENTS(rows)};

Recipe recipe_default(void)
{
    return (Recipe){
        .run = "run",
        .seed = 1337,
        .data = {.split = 0.9, .seq_len = 256, .mode = BATCH_WINDOWS, .order = BATCH_SHUFFLED},
        .model = {.dropout = -1},
        .loss = {.ignore_index = -1},
        .optim = optim_options_default(),
        .schedule = {.name = SCHEDULE_COSINE, .warmup_steps = 100, .min_lr = 1e-4},
        .train = {.steps = 1000, .batch_size = 8, .eval_every = 250, .checkpoint_every = 500, .keep_best = 1, .log_every = 10,
                  .bad_steps_max = 10, .sample_tokens = 100, .sample_temperature = 0.8, .probe = true},
        .loss_scale = loss_scale_options_default(),
        .memory = {.layers = 1},
        .guard = guard_options_default(),
        .record = {.tensorboard = true, .histograms = true},
        .parallel = {.dp = 1, .tp = 1, .pp = 1},
    };
}

static Err check_data(const Recipe *r)
{
    if (!r->data.text && r->data.train.n == 0)
        return err_set(ERR_USAGE, "no data: set data.text, or data.train (shards made by `jikji corpus build`)");
    if (r->data.text && r->data.train.n)
        return err_set(ERR_USAGE, "data.text and data.train are both set: keep one");
    if (!r->data.tokenizer)
        return err_set(ERR_USAGE, "data.tokenizer is not set: a tokenizer's folder, or char");
    if (r->data.train.n && strcmp(r->data.tokenizer, "char") == 0)
        return err_set(ERR_USAGE, "data.tokenizer: char is made from data.text; shards need the tokenizer that made them");
    if (r->data.weights.n && r->data.weights.n != r->data.train.n)
        return err_set(ERR_USAGE, "data.weights has %d numbers for %d shard prefixes in data.train", r->data.weights.n, r->data.train.n);
    if (r->data.stride > r->data.seq_len)
        return err_set(ERR_USAGE, "data.stride %lld is above data.seq_len %lld: tokens between windows would be lost",
                       (long long)r->data.stride, (long long)r->data.seq_len);
    return OK;
}

static Err check_parallel(const Recipe *r)
{
    const struct {
        const char *name;
        int64_t value, only;
    } rows_only[] = {{"dp", r->parallel.dp, 1}, {"tp", r->parallel.tp, 1}, {"pp", r->parallel.pp, 1}, {"zero", r->parallel.zero, 0}};
    for (int i = 0; i < N_ELEMENTS(rows_only); i++)
        if (rows_only[i].value != rows_only[i].only)
            return err_set(ERR_UNSUPPORTED, "parallel.%s: %lld: this build trains on one rank (%s: %lld)", rows_only[i].name,
                           (long long)rows_only[i].value, rows_only[i].name, (long long)rows_only[i].only);
    return OK;
}

Err recipe_check(Recipe *r, Arena *arena)
{
    TRY(check_data(r));
    TRY(check_parallel(r));
    if (r->size && (r->model.config || r->model.from))
        return err_set(ERR_USAGE, "size makes the model: leave model.config and model.from unset");
    if (!r->size && !r->model.config == !r->model.from)
        return err_set(ERR_USAGE, "set one of model.config (a new model) and model.from (weights to start from)");
    if (r->optim.betas.n != 2)
        return err_set(ERR_USAGE, "optim.betas holds %d numbers, expected two", r->optim.betas.n);
    if (r->optim.betas.value[0] >= 1.0 || r->optim.betas.value[1] >= 1.0)
        return err_set(ERR_USAGE, "optim.betas must lie below 1");
    if (r->schedule.warmup_steps > r->train.steps)
        return err_set(ERR_USAGE, "schedule.warmup_steps %lld is above train.steps %lld", (long long)r->schedule.warmup_steps,
                       (long long)r->train.steps);
    if (r->schedule.min_lr > r->optim.lr)
        return err_set(ERR_USAGE, "schedule.min_lr %g is above optim.lr %g", r->schedule.min_lr, r->optim.lr);
    if (r->schedule.name == SCHEDULE_WSD && r->schedule.warmup_steps + r->schedule.decay_steps > r->train.steps)
        return err_set(ERR_USAGE, "schedule.warmup_steps %lld and schedule.decay_steps %lld are more than train.steps %lld",
                       (long long)r->schedule.warmup_steps, (long long)r->schedule.decay_steps, (long long)r->train.steps);
    if ((r->schedule.name == SCHEDULE_INVERSE_SQRT || r->schedule.name == SCHEDULE_NOAM) && r->schedule.warmup_steps == 0)
        return err_set(ERR_USAGE, "schedule.name inverse_sqrt and noam fall from schedule.warmup_steps on: set it");
    if (r->schedule.warmup_init_lr > r->optim.lr)
        return err_set(ERR_USAGE, "schedule.warmup_init_lr %g is above optim.lr %g", r->schedule.warmup_init_lr, r->optim.lr);
    if (r->train.micro_batch_size == 0)
        r->train.micro_batch_size = r->train.batch_size;
    if (r->train.batch_size % r->train.micro_batch_size != 0)
        return err_set(ERR_USAGE, "train.batch_size %lld is not a multiple of train.micro_batch_size %lld",
                       (long long)r->train.batch_size, (long long)r->train.micro_batch_size);
    if (r->train.grad_leaf == 0)
        r->train.grad_leaf = trainer_usual_grad_leaf(r->data.seq_len);
    if (r->train.micro_batch_size != r->train.batch_size && r->train.micro_batch_size * r->data.seq_len % r->train.grad_leaf != 0)
        log_warn("a micro batch of %lld tokens is not whole leaves of %lld: another train.micro_batch_size may round gradients otherwise",
                 (long long)(r->train.micro_batch_size * r->data.seq_len), (long long)r->train.grad_leaf);
    if (r->memory.recompute == RECOMPUTE_BUDGET && r->memory.budget_bytes <= 0)
        return err_set(ERR_USAGE, "memory.recompute: budget needs memory.budget_bytes, e.g. 4e9");
    if (r->memory.recompute != RECOMPUTE_BUDGET && r->memory.budget_bytes > 0)
        return err_set(ERR_USAGE, "memory.budget_bytes is set: say memory.recompute: budget as well");
    if (r->guard.policy == GUARD_ROLLBACK && r->guard.patience > r->train.bad_steps_max)
        return err_set(ERR_USAGE, "guard.patience %lld is above train.bad_steps_max %lld: the run would stop before it went back",
                       (long long)r->guard.patience, (long long)r->train.bad_steps_max);
    if (!r->out)
        r->out = arena_printf(arena, "runs/%s", r->run);
    return OK;
}

DType recipe_compute(const Recipe *recipe)
{
    static const DType dtypes[] = {[PRECISION_F32] = DTYPE_F32, [PRECISION_BF16] = DTYPE_BF16, [PRECISION_F16] = DTYPE_F16};
    return dtypes[recipe->train.precision];
}

uint64_t recipe_hash(const Recipe *recipe)
{
    Recipe same = *recipe, neutral = recipe_default();
    same.run = neutral.run;
    same.out = neutral.out;
    same.train.micro_batch_size = same.train.batch_size;
    same.train.checkpoint_every = neutral.train.checkpoint_every;
    same.train.eval_every = neutral.train.eval_every;
    same.train.keep_best = neutral.train.keep_best;
    same.train.log_every = neutral.train.log_every;
    same.train.bad_steps_max = neutral.train.bad_steps_max;
    same.train.sample = neutral.train.sample;
    same.train.sample_every = neutral.train.sample_every;
    same.train.sample_tokens = neutral.train.sample_tokens;
    same.train.sample_temperature = neutral.train.sample_temperature;
    same.train.threads = neutral.train.threads;
    same.train.probe = neutral.train.probe;
    same.memory = neutral.memory;
    same.record = neutral.record;
    if (recipe->guard.policy == GUARD_OFF || recipe->guard.policy == GUARD_WARN)
        same.guard = neutral.guard;
    if (recipe->guard.policy == GUARD_ROLLBACK)
        same.train.checkpoint_every = recipe->train.checkpoint_every;  /* where it goes back to */
    same.guard.rollbacks_max = neutral.guard.rollbacks_max;
    return options_hash(&recipe_table, &same);
}
