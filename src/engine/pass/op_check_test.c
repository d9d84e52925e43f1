/* op_check_test.c - builds, fills, runs and compares the graphs of a case; see engine/op/op_check.h. */
#include "engine/op/op_check.h"

#include "base/cpu_level.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/pass/differentiate.h"

#include <assert.h>
#include <stdlib.h>

enum { VALUES_MAX = 32, PROBES_MAX = 48 };

static const uint64_t FNV_START = 0xcbf29ce484222325u;

/* How a graph of the case is to be built and run. */
typedef struct {
    DType dtype;
    Backend backend;
    double scale;
    bool absolute;      /* all values positive */
    int64_t n_tokens;   /* the plan's tokens */
    bool cut;           /* tokens are inputs with a bound, given in runs */
} CheckMode;

typedef struct {
    const char *name;
    DType dtype;
    Shape shape;
    double scale;
    bool is_param, has_tokens;
    int64_t n_ids;  /* i32: ids below; 0: value() */
    int32_t (*value)(const void *args, int64_t i);
} Value;

struct OpCheck {
    const OpCase *c;
    CheckMode mode;
    Store *store;
    Graph *g;
    Program *program;
    Value values[VALUES_MAX];
    int n_values;
    int buckets[DTYPE_COUNT];
    bool has_params;
};

/* ---- declaring values ---- */

Graph *check_graph(OpCheck *check)
{
    return check->g;
}

const void *check_args(const OpCheck *check)
{
    return check->c->args;
}

int64_t check_n_tokens(const OpCheck *check)
{
    return check->mode.n_tokens;
}

DType check_dtype(const OpCheck *check)
{
    return check->mode.dtype;
}

static DType dtype_f32(const OpCheck *check)
{
    return check->mode.dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
}

static int check_bound(OpCheck *check)
{
    return check->mode.cut ? graph_bound(check->g, "n_tokens", check->mode.n_tokens) : 0;
}

static Node *declare(OpCheck *check, Value value)
{
    assert(check->n_values < VALUES_MAX);
    check->values[check->n_values++] = value;
    if (!value.is_param)
        return graph_input(check->g, value.name, value.dtype, value.shape, value.has_tokens ? check_bound(check) : 0);
    int *bucket = &check->buckets[value.dtype];
    if (*bucket < 0)
        *bucket = store_add_bucket(check->store, &(BucketSpec){.name = dtype_name(value.dtype), .dtype = value.dtype, .trainable = true});
    store_add_param(check->store, *bucket, value.name, value.shape);
    check->has_params = true;
    return graph_param(check->g, value.name);
}

static bool has_tokens(const OpCheck *check, Shape shape)
{
    return shape.n_dims > 0 && shape.dim[0] == check->mode.n_tokens;
}

Node *check_value(OpCheck *check, const char *name, Shape shape, double scale)
{
    return declare(check, (Value){.name = name, .dtype = check->mode.dtype, .shape = shape, .scale = scale, .is_param = true});
}

Node *check_value_f32(OpCheck *check, const char *name, Shape shape, double scale)
{
    return declare(check, (Value){.name = name, .dtype = dtype_f32(check), .shape = shape, .scale = scale, .is_param = true});
}

Node *check_tokens(OpCheck *check, const char *name, Shape shape, double scale)
{
    return declare(check, (Value){.name = name, .dtype = check->mode.dtype, .shape = shape, .scale = scale,
                                  .is_param = !check->mode.cut, .has_tokens = true});
}

Node *check_input(OpCheck *check, const char *name, Shape shape, double scale)
{
    return declare(check, (Value){.name = name, .dtype = check->mode.dtype, .shape = shape, .scale = scale,
                                  .has_tokens = has_tokens(check, shape)});
}

Node *check_input_f32(OpCheck *check, const char *name, Shape shape, double scale)
{
    return declare(check, (Value){.name = name, .dtype = dtype_f32(check), .shape = shape, .scale = scale,
                                  .has_tokens = has_tokens(check, shape)});
}

Node *check_ids(OpCheck *check, const char *name, int64_t n)
{
    return declare(check, (Value){.name = name, .dtype = DTYPE_I32, .shape = shape_1(check->mode.n_tokens), .n_ids = n,
                                  .has_tokens = true});
}

Node *check_i32(OpCheck *check, const char *name, Shape shape, int32_t (*value)(const void *args, int64_t i))
{
    return declare(check, (Value){.name = name, .dtype = DTYPE_I32, .shape = shape, .value = value,
                                  .has_tokens = has_tokens(check, shape)});
}

/* ---- building ---- */

/* y, the loss sum(y * r) and its gradients. Cut tokens may leave nothing to differentiate; y is compared all the same. */
static bool check_open(OpCheck *check, const OpCase *c, CheckMode mode)
{
    *check = (OpCheck){.c = c, .mode = mode, .store = store_new()};
    for (int i = 0; i < DTYPE_COUNT; i++)
        check->buckets[i] = -1;
    check->g = graph_new(check->store);
    if (c->grad_leaf)
        graph_set_grad_leaf(check->g, c->grad_leaf);
    Node *y = c->build(check);
    Node *r = declare(check, (Value){.name = "r", .dtype = dtype_f32(check), .shape = node_shape(y), .scale = 1.0,
                                     .has_tokens = mode.cut && node_bound(y)});
    Node *loss = sum(check->g, mul(check->g, y, r));
    graph_output(check->g, "y", y);
    graph_output(check->g, "loss", loss);
    if (check->has_params)
        pass_differentiate(check->g, loss);
    return CHECK_OK(graph_compile(&check->program, check->g, &(CompileOptions){mode.backend})) &&
           CHECK_OK(store_allocate(check->store)) && CHECK_OK(program_bind(check->program));
}

static void check_close(OpCheck *check)
{
    program_free(check->program);
    graph_free(check->g);
    store_free(check->store);
}

/* FNV-1a: to tell bits apart, nothing more. */
static uint64_t hash_bytes(const void *data, size_t n_bytes, uint64_t hash)
{
    for (size_t i = 0; i < n_bytes; i++)
        hash = (hash ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
    return hash;
}

/* ---- values ---- */

static double float_value(const OpCheck *check, const Value *value, int64_t i)
{
    Philox random = philox(1, philox_stream(value->name), 0, (uint64_t)i);
    float a, b;
    philox_normal(random.word[0], random.word[1], &a, &b);
    bool is_r = strcmp(value->name, "r") == 0;
    double scale = is_r ? 1.0 : check->mode.scale;
    if (is_r && check->mode.cut)
        scale = exp2(round(4.0 * b));  /* wide, or f32 would add a few bf16 numbers exactly and orders would not show */
    float rounded = f32_from_bf16(bf16_from_f32((float)(scale * value->scale * a)));
    return check->mode.absolute ? fabs((double)rounded) : rounded;
}

/* Tokens [first, first + n) of a value that has tokens; all of another. */
static void fill_value(OpCheck *check, const Value *value, int64_t first)
{
    Tensor t = value->is_param ? store_param_tensor(check->store, store_find_param(check->store, value->name), NULL)
                               : *program_input(check->program, value->name);
    int64_t count = tensor_count(&t), from = 0;
    if (value->has_tokens && value->shape.dim[0])
        from = first * (count / value->shape.dim[0]);
    for (int64_t i = 0; i < count; i++) {
        double v;
        if (value->dtype != DTYPE_I32)
            v = float_value(check, value, from + i);
        else if (value->n_ids)
            v = (double)philox_below(1, philox_stream(value->name), (uint64_t)(from + i), (uint64_t)value->n_ids);
        else
            v = value->value(check->c->args, from + i);
        tensor_set(&t, i, v);
    }
}

static void fill_values(OpCheck *check, int64_t first)
{
    for (int i = 0; i < check->n_values; i++)
        fill_value(check, &check->values[i], first);
}

/* All of a parameter's uses, added. */
static void read_grad(const OpCheck *check, int param, double *grad)
{
    const Param *p = store_param(check->store, param);
    int64_t count = shape_count(p->shape);
    memset(grad, 0, sizeof *grad * (size_t)count);
    for (int use = 0; use < p->n_grads; use++) {
        int64_t offset;
        Tensor t = store_state_tensor(check->store, store_param_grad(check->store, param, use, &offset));
        t = tensor_contiguous(t.dtype, p->shape, (char *)t.data + offset * dtype_bytes(t.dtype));
        for (int64_t i = 0; i < count; i++)
            grad[i] += tensor_get(&t, i);
    }
}

static void zero_grads(OpCheck *check)
{
    for (int i = 0; i < store_n_states(check->store); i++)
        if (store_state(check->store, i)->kind == STATE_GRAD) {
            Tensor t = store_state_tensor(check->store, i);
            memset(t.data, 0, tensor_bytes(&t));
        }
}

void check_differentiate(Graph *g, Node *loss)
{
    pass_differentiate(g, loss);
}

/* ---- the derivative against central differences ---- */

static double run_loss(OpCheck *check)
{
    program_run_all(check->program);
    return tensor_get(program_output(check->program, "loss"), 0);
}

static double probe(OpCheck *check, Tensor *value, int64_t i, double step)
{
    double before = tensor_get(value, i);
    tensor_set(value, i, before + step);
    double above = run_loss(check);
    tensor_set(value, i, before - step);
    double below = run_loss(check);
    tensor_set(value, i, before);
    return (above - below) / (2.0 * step);
}

static double gradcheck_param(OpCheck *check, int param, double step)
{
    Tensor value = store_param_tensor(check->store, param, NULL);
    int64_t count = tensor_count(&value), n_probes = count < PROBES_MAX ? count : PROBES_MAX;
    double *grad = calloc((size_t)count + 1, sizeof *grad), largest = 0.0, worst = 0.0;
    zero_grads(check);
    run_loss(check);
    read_grad(check, param, grad);
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(grad[i]));
    for (int64_t k = 0; k < n_probes; k++) {
        int64_t i = k * count / n_probes;
        double difference = probe(check, &value, i, step);
        largest = fmax(largest, fabs(difference));
        worst = isfinite(grad[i]) ? fmax(worst, fabs(difference - grad[i])) : INFINITY;
    }
    free(grad);
    return largest > 0.0 ? worst / largest : worst;
}

double op_gradcheck(const OpCase *c, double scale)
{
    OpCheck check;
    double worst = INFINITY;
    CheckMode mode = {.dtype = DTYPE_F64, .backend = BACKEND_REFERENCE, .scale = scale, .n_tokens = c->n_tokens};
    if (check_open(&check, c, mode)) {
        worst = 0.0;
        fill_values(&check, 0);
        for (int i = 0; i < check.n_values; i++)
            if (check.values[i].is_param)
                worst = fmax(worst, gradcheck_param(&check, store_find_param(check.store, check.values[i].name),
                                                    1e-5 * scale * check.values[i].scale));
    }
    check_close(&check);
    return worst;
}

/* ---- fast kernels against the reference ---- */

/* y, then the gradient of each parameter in order of declaration. */
typedef struct {
    int n_arrays;
    int64_t count[VALUES_MAX], cols[VALUES_MAX];
    double *array[VALUES_MAX];
} Results;

static void results_add(Results *r, Shape shape)
{
    int64_t count = shape_count(shape);
    r->count[r->n_arrays] = count;
    r->cols[r->n_arrays] = shape.n_dims && count ? shape.dim[shape.n_dims - 1] : 1;
    r->array[r->n_arrays++] = calloc((size_t)count + 1, sizeof(double));
}

static void results_read(Results *r, OpCheck *check)
{
    *r = (Results){0};
    const Tensor *y = program_output(check->program, "y");
    results_add(r, y->shape);
    for (int64_t i = 0; i < tensor_count(y); i++)
        r->array[0][i] = tensor_get(y, i);
    for (int i = 0; i < store_n_params(check->store); i++) {
        results_add(r, store_param(check->store, i)->shape);
        read_grad(check, i, r->array[r->n_arrays - 1]);
    }
}

static bool results_of(Results *r, const OpCase *c, CheckMode mode)
{
    OpCheck check;
    *r = (Results){0};
    bool opened = check_open(&check, c, mode);
    if (opened) {
        fill_values(&check, 0);
        program_run_all(check.program);
        results_read(r, &check);
    }
    check_close(&check);
    return opened;
}

static void results_free(Results *r)
{
    for (int i = 0; i < r->n_arrays; i++)
        free(r->array[i]);
}

/* Turns `magnitude` from a run with positive values, or from the reference itself, into what errors are measured against. */
static void make_magnitudes(Results *magnitude, Magnitude kind)
{
    for (int a = 0; a < magnitude->n_arrays; a++) {
        double *m = magnitude->array[a];
        int64_t count = magnitude->count[a], step = kind == MAGNITUDE_ROW ? magnitude->cols[a] : kind == MAGNITUDE_ARRAY ? count : 1;
        for (int64_t first = 0; first < count; first += step) {
            double largest = 0.0;
            for (int64_t i = first; i < first + step; i++)
                largest = fmax(largest, fabs(m[i]));
            for (int64_t i = first; i < first + step; i++)
                m[i] = largest;
        }
    }
}

/* The worst error over its bound; 1 is at the bound. What a format cannot hold below its least normal number is not judged. */
static double worst_ratio(const Results *got, const Results *want, const Results *magnitude, double gamma, double least)
{
    double worst = 0.0;
    for (int a = 0; a < want->n_arrays; a++)
        for (int64_t i = 0; i < want->count[a]; i++) {
            double error = fabs(got->array[a][i] - want->array[a][i]);
            double bound = gamma * magnitude->array[a][i] + least;
            worst = isfinite(got->array[a][i]) ? fmax(worst, error / bound) : INFINITY;
        }
    return worst;
}

static uint64_t results_hash(const Results *r)
{
    uint64_t hash = FNV_START;
    for (int a = 0; a < r->n_arrays; a++)
        hash = hash_bytes(r->array[a], sizeof(double) * (size_t)r->count[a], hash);
    return hash;
}

static double gamma_of(const OpCase *c, DType dtype)
{
    double f32 = c->n_roundings * 0x1p-24, n_half = c->n_half_roundings ? c->n_half_roundings : 1;
    double half = dtype == DTYPE_BF16 ? 0x1p-8 : dtype == DTYPE_F16 ? 0x1p-11 : 0.0;
    return f32 / (1.0 - f32) + n_half * half;
}

static void check_level(const OpCase *c, DType dtype, const Results *want, const Results *magnitude)
{
    OpCheck check;
    CheckMode mode = {.dtype = dtype, .backend = BACKEND_CPU, .scale = 1.0, .n_tokens = c->n_tokens};
    int n_threads_before = parallel_threads();
    bool opened = check_open(&check, c, mode);
    uint64_t first = 0;
    if (opened)
        fill_values(&check, 0);
    for (int n_threads = 1; opened && n_threads <= 4; n_threads++) {
        Results got;
        parallel_set_threads(n_threads);
        zero_grads(&check);
        program_run_all(check.program);
        results_read(&got, &check);
        uint64_t hash = results_hash(&got);
        first = n_threads == 1 ? hash : first;
        CHECK(hash == first);  /* the same bits on any number of threads */
        if (n_threads == 1) {
            double gamma = gamma_of(c, dtype), least = dtype == DTYPE_F16 ? 0x1p-14 : 1e-37;
            double ratio = worst_ratio(&got, want, magnitude, gamma, least);
            test_note("%s %s: error %.2g of the bound, gamma %.2g", dtype_name(dtype), cpu_level_name(cpu_level()), ratio, gamma);
            CHECK(ratio <= 1.0);
        }
        results_free(&got);
    }
    parallel_set_threads(n_threads_before);
    check_close(&check);
}

void op_check_fast(const OpCase *c)
{
    CheckMode mode = {.dtype = DTYPE_F64, .backend = BACKEND_REFERENCE, .scale = 1.0, .n_tokens = c->n_tokens};
    Results want, magnitude;
    bool ran = results_of(&want, c, mode);
    mode.absolute = c->magnitude == MAGNITUDE_ABSOLUTE;
    ran = results_of(&magnitude, c, mode) && ran;
    make_magnitudes(&magnitude, c->magnitude);
    CpuLevel best = cpu_level_best();
    for (CpuLevel level = CPU_PORTABLE; ran && level <= best; level++) {
        cpu_level_set(level);
        check_level(c, DTYPE_F32, &want, &magnitude);
        check_level(c, DTYPE_BF16, &want, &magnitude);
        check_level(c, DTYPE_F16, &want, &magnitude);
    }
    cpu_level_reset();
    results_free(&want);
    results_free(&magnitude);
}

/* ---- micro batches ---- */

/* Runs 8 leaves in n_runs runs; hashes the gradients, and the rows of y one leaf at a time. */
static uint64_t micro_hash(const OpCase *c, DType dtype, int64_t leaf, int64_t planned_leaves, int n_runs)
{
    OpCheck check;
    uint64_t hash = FNV_START;
    CheckMode mode = {.dtype = dtype, .backend = BACKEND_CPU, .scale = 1.0, .n_tokens = planned_leaves * leaf, .cut = true};
    if (check_open(&check, c, mode)) {
        int64_t n_live = 8 / n_runs * leaf;
        program_set_bound(check.program, "n_tokens", n_live);
        for (int run = 0; run < n_runs; run++) {
            fill_values(&check, run * n_live);
            program_run_all(check.program);
            Tensor y = *program_output(check.program, "y");
            int64_t leaf_bytes = (int64_t)tensor_bytes(&y) / (n_live / leaf);
            for (int64_t i = 0; i < n_live / leaf; i++)
                hash = hash_bytes((char *)y.data + i * leaf_bytes, (size_t)leaf_bytes, hash);
        }
        for (int i = 0; i < store_n_states(check.store); i++) {
            Tensor t = store_state_tensor(check.store, i);
            if (store_state(check.store, i)->kind == STATE_GRAD)
                hash = hash_bytes(t.data, tensor_bytes(&t), hash);
        }
    }
    check_close(&check);
    return hash;
}

void op_check_micro(const OpCase *given, int64_t leaf)
{
    OpCase c = *given;
    c.grad_leaf = leaf;
    DType dtypes[] = {DTYPE_F32, DTYPE_BF16};
    for (int i = 0; i < 2; i++) {
        uint64_t whole = micro_hash(&c, dtypes[i], leaf, 8, 1);
        CHECK(whole == micro_hash(&c, dtypes[i], leaf, 8, 8));
        CHECK(whole == micro_hash(&c, dtypes[i], leaf, 8, 2));
        CHECK(whole == micro_hash(&c, dtypes[i], leaf, 1, 8));
    }
}
