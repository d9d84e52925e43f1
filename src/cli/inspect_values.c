/* inspect_values.c - logits and gradients of given tokens, written where any safetensors reader finds them. */
#include "cli/command_line.h"
#include "cli/inspect.h"
#include "cli/model_dir.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/pass/autocast.h"
#include "engine/pass/differentiate.h"
#include "engine/tensor/safetensors.h"
#include "learn/objective/objective.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *ids, *labels, *out;
    int dtype, backend;
} ValueOptions;

static const DType value_dtypes[] = {DTYPE_F32, DTYPE_F64, DTYPE_BF16, DTYPE_F16};  /* in the order of the choices */

#define SHARED_ROWS                                                                         \
    OPTION_TEXT("ids", ValueOptions, ids, "token ids, one sequence: 1,2,3"),                \
    OPTION_TEXT("out", ValueOptions, out, "the safetensors file to write"),                 \
    OPTION_CHOICE("backend", ValueOptions, backend, "reference|cpu", "plain kernels or fast ones")

static const Option logits_rows[] = {
    SHARED_ROWS,
    OPTION_CHOICE("dtype", ValueOptions, dtype, "f32|f64|bf16|fp16", "of weights and products; f64 runs on the reference kernels"),
};
static const Option grads_rows[] = {
    OPTION_TEXT("labels", ValueOptions, labels,
                "for each id the one that should follow it, negative: none; absent: the next id, the last has none"),
    SHARED_ROWS,
    OPTION_CHOICE("dtype", ValueOptions, dtype, "f32|f64", "of the computation; f64 runs on the reference kernels"),
};

static const CommandHelp logits_help = {
    .synopsis = "inspect logits DIR --ids 1,2,3 --out F.safetensors [settings]",
    .examples = "    jikji inspect logits runs/nano/checkpoints/best --ids 5,17,3 --out logits.safetensors\n"
                "    jikji inspect logits DIR --ids 5,17,3 --out logits.safetensors --dtype f64\n",
    .about = "Writes \"logits\" [n, vocab_size]: row n scores the token after id n. f32, or f64 with --dtype f64.\n"
             "With bf16 or fp16 weights are rounded and products take that dtype, as generate --dtype computes.\n",
    .table = {logits_rows, N_ELEMENTS(logits_rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

static const CommandHelp grads_help = {
    .synopsis = "inspect grads DIR --ids 1,2,3 --out F.safetensors [settings]",
    .examples = "    jikji inspect grads runs/nano/checkpoints/best --ids 5,17,3 --out grads.safetensors\n"
                "    jikji inspect grads DIR --ids 5,17,3 --labels 17,3,-100 --out grads.safetensors --dtype f64\n",
    .about = "Writes \"loss\" [1], the mean over the targets in nats, and that mean's derivative by every weight under its\n"
             "Hugging Face name. f32, or f64 with --dtype f64. Labels are not shifted: label n is what should follow id n.\n",
    .table = {grads_rows, N_ELEMENTS(grads_rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

Err inspect_read_ids(int32_t **ids, int64_t *n, Arena *arena, const char *flag, const char *text, int64_t min, int64_t max)
{
    int64_t capacity = 1;
    for (const char *at = text; *at; at++)
        capacity += *at == ',';
    *ids = ARENA_ARRAY(arena, int32_t, capacity);
    *n = 0;
    for (const char *at = text;;) {
        char *end;
        errno = 0;
        long long id = strtoll(at, &end, 10);
        if (end == at || (*end && *end != ','))
            return err_set(ERR_USAGE, "%s: \"%s\" is not a list of ids", flag, at);
        if (errno || id < min || id > max)
            return err_set(ERR_USAGE, "%s: %lld is outside %lld .. %lld", flag, id, (long long)min, (long long)max);
        (*ids)[(*n)++] = (int32_t)id;
        if (!*end)
            return OK;
        at = end + 1;
    }
}

typedef struct {
    Arena *arena;
    ValueOptions options;
    ModelConfig config;
    Store *store;
    Graph *graph;
    Program *program;
    int32_t *ids;
    int64_t n;
    DType dtype;  /* of weights and products */
} Values;

static Err values_open(Values *v, const CommandHelp *help, const CommandWords *words, bool trainable)
{
    const ValueOptions *o = &v->options;
    if (!o->ids || !o->out)
        return err_set(ERR_USAGE, "usage: jikji %s", help->synopsis);
    v->dtype = value_dtypes[o->dtype];
    const char *dir = model_dir_find(words->word[0], v->arena);
    TRY(model_config_read(&v->config, v->arena, dir));
    TRY(inspect_read_ids(&v->ids, &v->n, v->arena, "--ids", o->ids, 0, v->config.vocab_size - 1));
    Err err = model_config_set_context(&v->config, v->n);
    if (err != OK)
        return err_prefix(err, "--ids");
    TRY(model_dir_load(&v->store, &v->config, dir, &(ModelDeclareOptions){v->dtype, trainable}));
    v->graph = graph_new(v->store);
    return OK;
}

static void values_close(Values *v)
{
    program_free(v->program);
    graph_free(v->graph);
    store_free(v->store);
    arena_free(v->arena);
}

/* Compiles, allocates what the graph added to the store, and writes the inputs of one sequence. */
static Err values_bind(Values *v)
{
    const bool reference = v->dtype == DTYPE_F64 || v->options.backend == BACKEND_REFERENCE;
    TRY(graph_compile(&v->program, v->graph, &(CompileOptions){reference ? BACKEND_REFERENCE : BACKEND_CPU}));
    TRY(store_allocate(v->store));
    TRY(program_bind(v->program));
    int32_t *tokens = program_input(v->program, "tokens")->data;
    int32_t *positions = program_input(v->program, "positions")->data;
    int32_t *ranges = program_input(v->program, "ranges")->data;
    for (int64_t i = 0; i < v->n; i++) {
        tokens[i] = v->ids[i];
        positions[i] = (int32_t)i;
        ranges[2 * i] = 0;
        ranges[2 * i + 1] = (int32_t)i + 1;
    }
    return OK;
}

static Err write_tensors(const Values *v, const char *const *names, const Tensor *tensors, int n)
{
    SafetensorsEntry *entries = ARENA_ARRAY(v->arena, SafetensorsEntry, n);
    for (int i = 0; i < n; i++)
        entries[i] = (SafetensorsEntry){names[i], tensors[i].dtype, tensors[i].shape};
    SafetensorsWriter *writer;  /* all of one dtype: any order is aligned */
    TRY(safetensors_writer_open(&writer, v->options.out, entries, n));
    for (int i = 0; i < n; i++) {
        Err err = safetensors_writer_tensor(writer, &tensors[i]);
        if (err != OK) {
            safetensors_writer_abort(writer);
            return err;
        }
    }
    return safetensors_writer_commit(writer, NULL);
}

/* ---- logits ---- */

static Tensor widened(const Tensor *half, Arena *arena)
{
    Tensor f32 = tensor_contiguous(DTYPE_F32, half->shape, arena_alloc(arena, sizeof(float) * (size_t)tensor_count(half)));
    for (int64_t i = 0; i < tensor_count(half); i++)
        tensor_set(&f32, i, tensor_get(half, i));
    return f32;
}

static Err write_logits(Values *v)
{
    ModelInputs inputs = model_inputs(v->graph, v->n, false);
    Node *hidden = model_hidden(v->graph, &v->config, &inputs);
    graph_output(v->graph, "logits", model_logits(v->graph, &v->config, hidden));
    if (dtype_is_half(v->dtype))
        pass_autocast(v->graph, v->dtype);
    TRY(values_bind(v));
    program_run_all(v->program);
    Tensor logits = *program_output(v->program, "logits");
    if (dtype_is_half(v->dtype))
        logits = widened(&logits, v->arena);
    const char *name = "logits";
    return write_tensors(v, &name, &logits, 1);
}

Err inspect_logits(int argc, char **argv)
{
    Values v = {.arena = arena_new(), .options = {.backend = BACKEND_CPU}};
    CommandWords words;
    Err err = command_line_read(&words, &logits_help, &v.options, v.arena, argc, argv);
    if (err == OK && !words.helped)
        err = values_open(&v, &logits_help, &words, false);
    if (err == OK && !words.helped)
        err = write_logits(&v);
    values_close(&v);
    return err;
}

/* ---- loss and gradients ---- */

/* Reads --labels, or shifts the ids by one, into the inputs; counts the targets. */
static Err write_labels(Values *v, int64_t *n_targets)
{
    int32_t *given = NULL, *labels = program_input(v->program, "labels")->data;
    float *weights = program_input(v->program, "weights")->data;
    int64_t n = v->n;
    if (v->options.labels)
        TRY(inspect_read_ids(&given, &n, v->arena, "--labels", v->options.labels, INT32_MIN, v->config.vocab_size - 1));
    if (n != v->n)
        return err_set(ERR_USAGE, "--labels: %lld labels for %lld ids", (long long)n, (long long)v->n);
    *n_targets = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t label = given ? given[i] : i + 1 < n ? v->ids[i + 1] : -1;
        labels[i] = label < 0 ? 0 : label;
        weights[i] = label < 0 ? 0 : 1;
        *n_targets += label >= 0;
    }
    return *n_targets > 0 ? OK : err_set(ERR_USAGE, "no id has a label: there is no loss");
}

/* A parameter's gradient of the mean: the sum over its uses, divided by the targets. */
static Tensor mean_gradient(const Values *v, int param, int64_t n_targets)
{
    const Param *p = store_param(v->store, param);
    const int64_t n = shape_count(p->shape);
    double *sums = ARENA_ARRAY(v->arena, double, n);
    for (int use = 0; use < p->n_grads; use++) {
        int64_t offset;
        Tensor state = store_state_tensor(v->store, store_param_grad(v->store, param, use, &offset));
        for (int64_t i = 0; i < n; i++)
            sums[i] += tensor_get(&state, offset + i);
    }
    Tensor mean = tensor_contiguous(v->dtype, p->shape, arena_alloc(v->arena, (size_t)n * (size_t)dtype_bytes(v->dtype)));
    for (int64_t i = 0; i < n; i++)
        tensor_set(&mean, i, sums[i] / (double)n_targets);
    return mean;
}

static Err write_grads(Values *v)
{
    ModelInputs inputs = model_inputs(v->graph, v->n, false);
    const int bound = graph_bound(v->graph, "n_tokens", v->n);
    Node *labels = graph_input(v->graph, "labels", DTYPE_I32, shape_1(v->n), bound);
    Node *weights = graph_input(v->graph, "weights", DTYPE_F32, shape_1(v->n), bound);
    Node *loss = objective_causal(v->graph, model_hidden(v->graph, &v->config, &inputs), model_head(v->graph, &v->config), labels, weights,
                                  model_loss_options(&v->config));
    graph_output(v->graph, "loss", loss);
    pass_differentiate(v->graph, loss);
    TRY(values_bind(v));
    int64_t n_targets;
    TRY(write_labels(v, &n_targets));
    program_run_all(v->program);

    const int n = store_n_params(v->store) + 1;
    const char **names = ARENA_ARRAY(v->arena, const char *, n);
    Tensor *tensors = ARENA_ARRAY(v->arena, Tensor, n);
    const Tensor *losses = program_output(v->program, "loss");
    double loss_sum = 0;
    for (int64_t i = 0; i < v->n; i++)
        loss_sum += tensor_get(losses, i);
    names[0] = "loss";
    tensors[0] = tensor_contiguous(v->dtype, shape_1(1), arena_alloc(v->arena, sizeof(double)));
    tensor_set(&tensors[0], 0, loss_sum / (double)n_targets);
    for (int i = 0; i + 1 < n; i++) {
        names[i + 1] = store_param(v->store, i)->name;
        tensors[i + 1] = mean_gradient(v, i, n_targets);
    }
    return write_tensors(v, names, tensors, n);
}

Err inspect_grads(int argc, char **argv)
{
    Values v = {.arena = arena_new(), .options = {.backend = BACKEND_CPU}};
    CommandWords words;
    Err err = command_line_read(&words, &grads_help, &v.options, v.arena, argc, argv);
    if (err == OK && !words.helped)
        err = values_open(&v, &grads_help, &words, true);
    if (err == OK && !words.helped)
        err = write_grads(&v);
    values_close(&v);
    return err;
}
