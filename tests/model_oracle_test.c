/* model_oracle_test.c - each family against float64 PyTorch: logits, loss, every gradient, ten AdamW steps.
 *
 * tests/oracle/make_models.py made the goldens and says what they hold. The bounds are relative, |delta|_2 / |reference|_2 a tensor,
 * and leave f32 a few roundings a layer; the f64 reference kernels must come much closer: they share nothing with PyTorch but the
 * formula. */
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/pass/differentiate.h"
#include "engine/tensor/safetensors.h"
#include "learn/model/model.h"
#include "learn/objective/objective.h"
#include "learn/optim/optim.h"

static const char *const case_names[] = {"gpt2-tied", "gpt2-untied", "gpt2-erf", "llama-tied", "llama-untied", "llama-full", "mistral",
                                         "qwen2", "qwen3", "gemma", "gemma2", "opt", "opt-narrow", "bloom"};
enum { N_CASES = sizeof case_names / sizeof *case_names };

typedef struct {
    double logits, loss, grad, key_bias, steps;
} Bounds;

typedef struct {
    DType dtype;
    Backend backend;
    Bounds bounds;
} Way;
static const Way fast = {DTYPE_F32, BACKEND_CPU, {2e-6, 2e-6, 1e-5, 1e-8, 1e-5}};
static const Way plain = {DTYPE_F32, BACKEND_REFERENCE, {2e-6, 2e-6, 1e-5, 1e-8, 1e-5}};
/* Gradients are stored as f32 in the golden; the scalars of AdamW (lr, 1 / targets) are f32. */
static const Way exact = {DTYPE_F64, BACKEND_REFERENCE, {1e-13, 1e-13, 1e-7, 1e-15, 1e-7}};

typedef struct {
    Arena *arena;
    const char *name, *dir;
    ModelConfig config;
    Safetensors *expected;
    Store *store;
    Graph *graph;
    Program *program;
} Case;

static Tensor expected(Case *c, const char *name, DType dtype)
{
    const SafeTensor *tensor;
    Shape shape;
    if (safetensors_find(&tensor, c->expected, name) != OK || safetensors_shape(&shape, tensor) != OK)
        return tensor_contiguous(dtype, shape_1(0), NULL);
    Tensor out = tensor_contiguous(dtype, shape, arena_alloc(c->arena, (size_t)shape_count(shape) * 8));
    return safetensors_read(tensor, &out) == OK ? out : tensor_contiguous(dtype, shape_1(0), NULL);
}

static bool case_open(Case *c, const char *name, const Way *way, bool trainable)
{
    *c = (Case){.arena = arena_new(), .name = name, .store = store_new()};
    c->dir = arena_strdup(c->arena, test_source_path(arena_printf(c->arena, "tests/golden/models/%s", name)));
    if (!CHECK_OK(model_config_read(&c->config, c->arena, c->dir)) ||
        !CHECK_OK(safetensors_open(&c->expected, arena_printf(c->arena, "%s/expected.safetensors", c->dir))))
        return false;
    model_declare(&c->config, c->store, &(ModelDeclareOptions){way->dtype, trainable});
    c->graph = graph_new(c->store);
    return true;
}

static void case_close(Case *c)
{
    program_free(c->program);
    graph_free(c->graph);
    store_free(c->store);
    safetensors_close(c->expected);
    arena_free(c->arena);
}

static bool case_bind(Case *c, const Way *way)
{
    return CHECK_OK(graph_compile(&c->program, c->graph, &(CompileOptions){way->backend})) && CHECK_OK(store_allocate(c->store)) &&
           CHECK_OK(model_load(&c->config, c->store, c->dir)) && CHECK_OK(program_bind(c->program));
}

static Node *record_loss(Case *c, int64_t n)
{
    ModelInputs inputs = model_inputs(c->graph, n, false);
    const int bound = graph_bound(c->graph, "n_tokens", n);
    Node *labels = graph_input(c->graph, "labels", DTYPE_I32, shape_1(n), bound);
    Node *weights = graph_input(c->graph, "weights", DTYPE_F32, shape_1(n), bound);
    Node *hidden = model_hidden(c->graph, &c->config, &inputs), *head = model_head(c->graph, &c->config);
    graph_output(c->graph, "logits", model_logits(c->graph, &c->config, hidden));
    Node *loss = objective_causal(c->graph, hidden, head, labels, weights, model_loss_options(&c->config));
    graph_output(c->graph, "loss", loss);
    return loss;
}

/* Sequences laid end to end; a label below 0 is no target. Returns the number of targets. */
static int64_t fill_batch(Program *program, const int32_t *ids, const int32_t *labels, const int32_t *lengths, int64_t n_sequences)
{
    int32_t *ranges = program_input(program, "ranges")->data, *positions = program_input(program, "positions")->data;
    int32_t *label_in = program_input(program, "labels")->data, *tokens = program_input(program, "tokens")->data;
    float *weights = program_input(program, "weights")->data;
    int64_t n = 0, n_targets = 0;
    for (int64_t s = 0; s < n_sequences; s++) {
        const int64_t first = n;
        for (int32_t i = 0; i < lengths[s]; i++, n++) {
            tokens[n] = ids[n];
            positions[n] = i;
            ranges[2 * n] = (int32_t)first;
            ranges[2 * n + 1] = (int32_t)n + 1;
            label_in[n] = labels[n] < 0 ? 0 : labels[n];
            weights[n] = labels[n] < 0 ? 0 : 1;
            n_targets += labels[n] >= 0;
        }
    }
    return n_targets;
}

static double distance(const Tensor *got, const Tensor *want)
{
    double delta = 0, norm = 0;
    for (int64_t i = 0; i < tensor_count(want); i++) {
        double w = tensor_get(want, i), d = tensor_get(got, i) - w;
        delta += d * d;
        norm += w * w;
    }
    return sqrt(delta / norm);
}

static double loss_sum(Program *program)
{
    const Tensor *loss = program_output(program, "loss");
    double total = 0;
    for (int64_t i = 0; i < tensor_count(loss); i++)
        total += tensor_get(loss, i);
    return total;
}

/* A parameter's gradient of the mean, over all its uses. */
static Tensor gradient(Case *c, int param, int64_t n_targets)
{
    const Param *p = store_param(c->store, param);
    Tensor sum_of_uses = tensor_contiguous(DTYPE_F64, p->shape, arena_alloc(c->arena, (size_t)shape_count(p->shape) * 8));
    for (int use = 0; use < p->n_grads; use++) {
        int64_t offset;
        Tensor state = store_state_tensor(c->store, store_param_grad(c->store, param, use, &offset));
        for (int64_t i = 0; i < shape_count(p->shape) && state.data; i++)  /* the logits are a use without a gradient */
            tensor_set(&sum_of_uses, i, tensor_get(&sum_of_uses, i) + tensor_get(&state, offset + i) / (double)n_targets);
    }
    return sum_of_uses;
}

/* softmax does not see what is added to all scores of a query, so without rotations the true gradient of a key bias is zero. Is element i of
 * this gradient one of those? */
static bool is_truly_zero(const ModelConfig *config, const char *name, int64_t i)
{
    if (strstr(name, "attn.c_attn.bias"))  /* gpt2: q, k, v side by side */
        return i / config->d_model == 1;
    if (strstr(name, "query_key_value.bias"))  /* bloom: side by side in each head */
        return i / config->head_dim % 3 == 1;
    return strcmp(config->model_type, "opt") == 0 && strstr(name, "k_proj.bias");
}

/* The distance over what is not truly zero; the largest of what is goes to *worst_zero. */
static double gradient_distance(const ModelConfig *config, const char *name, const Tensor *got, const Tensor *want, double *worst_zero)
{
    double delta = 0, norm = 0;
    for (int64_t i = 0; i < tensor_count(want); i++) {
        double w = tensor_get(want, i), d = tensor_get(got, i) - w;
        if (is_truly_zero(config, name, i)) {
            *worst_zero = fmax(*worst_zero, fabs(tensor_get(got, i)));
            continue;
        }
        delta += d * d;
        norm += w * w;
    }
    return norm > 0 ? sqrt(delta / norm) : 0;
}

static void check_gradients(Case *c, const Way *way, int64_t n_targets)
{
    double worst = 0, worst_key_bias = 0;
    const char *worst_name = "";
    for (int i = 0; i < store_n_params(c->store); i++) {
        const char *name = store_param(c->store, i)->name;
        Tensor want = expected(c, arena_printf(c->arena, "grad.%s", name), DTYPE_F32), got = gradient(c, i, n_targets);
        REQUIRE(shape_equal(want.shape, got.shape));
        double d = gradient_distance(&c->config, name, &got, &want, &worst_key_bias);
        if (!CHECK(d <= way->bounds.grad))
            test_note("%s: %s: %.2e", c->name, name, d);
        if (d > worst) {
            worst = d;
            worst_name = name;
        }
    }
    CHECK(worst_key_bias <= way->bounds.key_bias);
    test_note("%s: gradients %.1e (%s), key bias %.1e", c->name, worst, worst_name, worst_key_bias);
}

static void check_values(const char *name, const Way *way)
{
    Case c;
    REQUIRE(case_open(&c, name, way, true));
    Tensor ids = expected(&c, "ids", DTYPE_I32), labels = expected(&c, "labels", DTYPE_I32), lengths = expected(&c, "lengths", DTYPE_I32);
    Tensor logits = expected(&c, "logits", DTYPE_F64), loss = expected(&c, "loss", DTYPE_F64);
    pass_differentiate(c.graph, record_loss(&c, tensor_count(&ids)));
    if (case_bind(&c, way)) {
        int64_t n_targets = fill_batch(c.program, ids.data, labels.data, lengths.data, tensor_count(&lengths));
        program_run_all(c.program);
        double d_logits = distance(program_output(c.program, "logits"), &logits);
        double want = tensor_get(&loss, 0), d_loss = fabs(loss_sum(c.program) / (double)n_targets - want) / want;
        CHECK(d_logits <= way->bounds.logits);
        CHECK(d_loss <= way->bounds.loss);
        test_note("%s: logits %.1e, loss %.1e", name, d_logits, d_loss);
        check_gradients(&c, way, n_targets);
    }
    case_close(&c);
}

static void check_steps(const char *name, const Way *way)
{
    Case c;
    REQUIRE(case_open(&c, name, way, true));
    Tensor ids = expected(&c, "steps.ids", DTYPE_I32), loss = expected(&c, "steps.loss", DTYPE_F64);
    Tensor settings = expected(&c, "steps.options", DTYPE_F64);
    const double *o = settings.data;
    const int32_t T = (int32_t)tensor_dim(&ids, 1) - 1;
    OptimOptions optim = {.lr = o[0], .betas = {2, {o[1], o[2]}}, .eps = o[3], .weight_decay = o[4], .grad_norm_max = o[5]};
    optim_declare(&optim, c.store);
    pass_differentiate(c.graph, record_loss(&c, T));
    optim_record_update(&optim, c.graph);
    if (case_bind(&c, way)) {
        double worst = 0;
        for (int64_t step = 0; step < tensor_dim(&ids, 0); step++) {
            const int32_t *row = (const int32_t *)ids.data + step * (T + 1);
            fill_batch(c.program, row, row + 1, &T, 1);
            float *scalars = program_input(c.program, "scalars")->data;
            scalars[SCALAR_LR] = (float)optim.lr;
            scalars[SCALAR_STEP] = (float)(step + 1);
            scalars[SCALAR_INV_TARGETS] = 1.0f / (float)T;
            scalars[SCALAR_GRAD_NORM_MAX] = (float)optim.grad_norm_max;
            program_run_all(c.program);
            double want = tensor_get(&loss, step), d = fabs(loss_sum(c.program) / T - want) / want;
            CHECK(d <= way->bounds.steps);
            worst = fmax(worst, d);
        }
        test_note("%s: ten steps %.1e", name, worst);
    }
    case_close(&c);
}

TEST(model_oracle, fast_kernels_give_pytorchs_logits_loss_and_gradients)
{
    for (int i = 0; i < N_CASES; i++)
        check_values(case_names[i], &fast);
}

TEST(model_oracle, plain_kernels_give_pytorchs_logits_loss_and_gradients)
{
    for (int i = 0; i < N_CASES; i++)
        check_values(case_names[i], &plain);
}

TEST(model_oracle, in_f64_nothing_but_the_goldens_rounding_is_left)
{
    for (int i = 0; i < N_CASES; i++)
        check_values(case_names[i], &exact);
}

TEST(model_oracle, ten_adamw_steps_follow_pytorchs)
{
    for (int i = 0; i < N_CASES; i++) {
        check_steps(case_names[i], &fast);
        check_steps(case_names[i], &exact);
    }
}
