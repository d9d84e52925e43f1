/* linear_cross_entropy_test.c - derivatives, errors, bits, memory and superseding. */
#include "base/cpu_level.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/op/linear_cross_entropy_internal.h"
#include "engine/op/op_check.h"

#include <stdlib.h>

/* ---- derivatives ---- */

typedef struct {
    int64_t width, n_vocab;
    bool squared;  /* the gradient of the loss then depends on the loss */
    CrossEntropyOptions options;
} Args;

static int32_t label_value(const void *args, int64_t i)
{
    return (int32_t)(i * 7 % ((const Args *)args)->n_vocab);
}

static Node *build_loss(OpCheck *check)
{
    const Args *a = check_args(check);
    int64_t n = check_n_tokens(check);
    Node *x = check_tokens(check, "x", shape_2(n, a->width), 0.5), *w = check_value(check, "w", shape_2(a->n_vocab, a->width), 0.5);
    Node *loss = linear_cross_entropy(check_graph(check), x, w, check_i32(check, "label", shape_1(n), label_value),
                                      check_input_f32(check, "weight", shape_1(n), 1.0), a->options);
    return a->squared ? mul(check_graph(check), loss, loss) : loss;
}

/* Goal: dx and dw are derivatives of the loss, also where softmax is almost one-hot, and also when the loss's own gradient depends on the
 * loss, so that the forward must stay. */
TEST(linear_cross_entropy, backward_matches_central_differences)
{
    for (int squared = 0; squared < 2; squared++)
        for (double scale = 0.1; scale < 11.0; scale *= 10.0) {
            Args args = {.width = 6, .n_vocab = 17, .squared = squared};
            double error = op_gradcheck(&(OpCase){.build = build_loss, .args = &args, .n_tokens = 9, .grad_leaf = 4}, scale);
            CHECK(error < 1e-6);
            test_note("scale %g%s: %.1e", scale, squared ? ", squared" : "", error);
        }
}

TEST(linear_cross_entropy, backward_of_each_option_matches_central_differences)
{
    const Args cases[] = {
        {6, 17, false, {.softcap = 2.0}},
        {6, 17, false, {.smoothing = 0.2}},
        {6, 17, true, {.smoothing = 0.1, .smoothing_kind = SMOOTH_OTHERS, .has_ignored = true, .ignored = 3}},
        {6, 17, false, {.z_loss = 0.1}},
        {5, 11, false, {.softcap = 3.0, .smoothing = 0.1, .z_loss = 0.01}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (double scale = 0.1; scale < 3.0; scale *= 10.0)
            CHECK(op_gradcheck(&(OpCase){.build = build_loss, .args = &cases[i], .n_tokens = 9, .grad_leaf = 4}, scale) < 1e-6);
}

/* ---- a program of its own ---- */

typedef struct {
    int64_t n_tokens, width, n_vocab, leaf;
    DType dtype;
    Backend backend;
    double size;    /* of x */
    int64_t first;  /* number of the first token */
    bool forward_only, squared;
    CrossEntropyOptions options;
} LceCase;

typedef struct {
    LceCase c;
    Store *store;
    Graph *g;
    Program *program;
} LceRun;

static double number(const char *name, int64_t i)
{
    Philox random = philox(2, philox_stream(name), 0, (uint64_t)i);
    float a, b;
    philox_normal(random.word[0], random.word[1], &a, &b);
    return (double)f32_from_bf16(bf16_from_f32(a));
}

static double weight_of(int64_t token)
{
    return token % 3 == 1 ? 0.0 : 0.25 + (double)(token % 5);
}

static void run_fill(LceRun *run)
{
    const LceCase *c = &run->c;
    Tensor w = store_param_tensor(run->store, store_find_param(run->store, "w"), NULL), *x = program_input(run->program, "x");
    double size = c->size > 0.0 ? c->size : 1.0;
    if (run->c.dtype == DTYPE_F64 || w.dtype == run->c.dtype)
        for (int64_t i = 0; i < tensor_count(&w); i++)
            tensor_set(&w, i, number("w", i));
    for (int64_t i = 0; i < tensor_count(x); i++)
        tensor_set(x, i, size * number("x", c->first * c->width + i));
    for (int64_t n = 0; n < c->n_tokens; n++) {
        bool counts = weight_of(c->first + n) != 0.0;
        ((int32_t *)program_input(run->program, "label")->data)[n] = counts ? (int32_t)((c->first + n) * 11 % c->n_vocab) : -100;
        tensor_set(program_input(run->program, "weight"), n, weight_of(c->first + n));
    }
}

/* Loss "loss"; "dx" from a product that passes x through; dw in the store. */
static bool run_open(LceRun *run, const LceCase *c)
{
    *run = (LceRun){.c = *c, .store = store_new()};
    DType f32 = c->dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
    int bucket = store_add_bucket(run->store, &(BucketSpec){.name = "p", .dtype = c->dtype, .trainable = true});
    store_add_param(run->store, bucket, "w", shape_2(c->n_vocab, c->width));
    store_add_param(run->store, bucket, "zero", shape_2(c->n_tokens, c->width));
    Graph *g = run->g = graph_new(run->store);
    if (c->leaf)
        graph_set_grad_leaf(g, c->leaf);
    Node *x = graph_input(g, "x", c->dtype, shape_2(c->n_tokens, c->width), 0);
    if (!c->forward_only)
        x = add(g, x, graph_param(g, "zero"));
    Node *loss = linear_cross_entropy(g, x, graph_param(g, "w"), graph_input(g, "label", DTYPE_I32, shape_1(c->n_tokens), 0),
                                      graph_input(g, "weight", f32, shape_1(c->n_tokens), 0), c->options);
    if (c->squared)
        loss = mul(g, loss, loss);
    graph_output(g, "loss", loss);
    if (!c->forward_only)
        check_differentiate(g, loss);
    return CHECK_OK(graph_compile(&run->program, g, &(CompileOptions){c->backend})) && CHECK_OK(store_allocate(run->store)) &&
           CHECK_OK(program_bind(run->program));
}

static bool run_case(LceRun *run, const LceCase *c)
{
    if (!run_open(run, c))
        return false;
    run_fill(run);
    program_run_all(run->program);
    return true;
}

static void run_free(LceRun *run)
{
    program_free(run->program);
    graph_free(run->g);
    store_free(run->store);
}

static Tensor grad_of(const LceRun *run, const char *param)
{
    return store_param_tensor(run->store, store_find_param(run->store, param), "grad");
}

/* ---- errors ----
 *
 * With u = 2^-24, gamma(n) = n u / (1 - n u), S = max_v sum_c |x||w| of a row (Higham 2002, 3.1):
 *   a logit is off by at most        d = gamma(C + C/384 + 3) S
 *   the log-sum-exp by               l = d + 2 u S (the subtraction) + gamma(1024 / 16 + 8) (lanes and tree) + 2 u (exp)
 *   loss by                          weight (l + d) + u |loss|
 *   P relatively by                  p = 2 (d + 2 u S) + gamma(80)
 *   G by                             E = |dy weight| (p P + 3 u (P + [label]))
 *   dx by                            sum_v (E + gamma(K) |G|) |w|, dw likewise over tokens; K the roundings of a product
 * With options: a soft-cap c adds 5 u c to d and a factor f = 1 - (z/c)^2 to G, off by 2 d / c + 6 u; the sum of z of smoothing adds
 * gamma(80) sum |z| to the loss, times its share of the target; k = 1 + 2 z_loss lse stands before P, off by 2 z_loss l, and z_loss lse^2 by
 * 2 z_loss lse l.
 * and G and dx are rounded once each, in bf16 by 2^-8, in fp16 by 2^-11 or, below its normal numbers, 2^-25. First order; 10 % more for the rest. */

static double gamma_of(int64_t n)
{
    return (double)n * 0x1p-24 / (1.0 - (double)n * 0x1p-24);
}

typedef struct {
    double *loss, *dx, *dw;
} Bounds;

/* What storing adds to an error: relative, and where fp16 has no normal numbers. */
typedef struct {
    double relative, least;
} Stored;

static void bound_token(const LceRun *want, Bounds *b, int64_t n, Stored stored)
{
    const LceCase *c = &want->c;
    const double u = 0x1p-24, *x = (const double *)program_input(want->program, "x")->data + n * c->width;
    const double *w = store_param_tensor(want->store, store_find_param(want->store, "w"), NULL).data;
    const CrossEntropyOptions *o = &c->options;
    const LceTarget t = lce_target(o, c->n_vocab);
    double weight = weight_of(c->first + n), cap = o->softcap, z_size = 0.0, *logits = calloc((size_t)c->n_vocab, sizeof *logits), largest = 0.0, max = -INFINITY, sum = 0.0;
    if (weight != 0.0) {
        for (int64_t v = 0; v < c->n_vocab; v++) {
            double size = 0.0;
            for (int64_t i = 0; i < c->width; i++) {
                logits[v] += x[i] * w[v * c->width + i];
                size += fabs(x[i] * w[v * c->width + i]);
            }
            largest = fmax(largest, size);
            logits[v] = cap > 0.0 ? cap * tanh(logits[v] / cap) : logits[v];
            max = fmax(max, logits[v]);
            z_size += fabs(logits[v]);
        }
        for (int64_t v = 0; v < c->n_vocab; v++)
            sum += exp(logits[v] - max);
        double d = gamma_of(c->width + c->width / 384 + 3) * largest + 5.0 * u * cap, step = d + 2.0 * u * largest;
        double lse = max + log(sum), l = step + gamma_of(80), k = 1.0 + 2.0 * o->z_loss * lse;
        int64_t label = (c->first + n) * 11 % c->n_vocab;
        b->loss[n] = weight * (l + d + gamma_of(80) * t.at_other * z_size + 2.0 * o->z_loss * fabs(lse) * l) +
                     u * tensor_get(program_output(want->program, "loss"), n);
        for (int64_t v = 0; v < c->n_vocab; v++) {
            double P = exp(logits[v] - max) / sum, share = v == label ? t.at_label : t.at_other;
            double f = cap > 0.0 ? 1.0 - logits[v] / cap * (logits[v] / cap) : 1.0, f_error = cap > 0.0 ? 2.0 * d / cap + 6.0 * u : 0.0;
            double uncapped = weight * fabs(k * P - share), G = f * uncapped;
            double E = f * weight * ((2.0 * step + gamma_of(80)) * k * P + 2.0 * o->z_loss * l * P + 3.0 * u * (k * P + share)) +
                       f_error * uncapped + stored.relative * G + stored.least;
            for (int64_t i = 0; i < c->width; i++) {
                b->dx[n * c->width + i] += (E + gamma_of(c->n_vocab + 8) * G) * fabs(w[v * c->width + i]);
                b->dw[v * c->width + i] += (E + gamma_of(c->n_tokens + 8) * G) * fabs(x[i]);
            }
        }
    }
    free(logits);
}

static void compare(const char *name, DType dtype, const Tensor *got, const Tensor *want, const double *bound, double stored)
{
    double worst = 0.0;
    for (int64_t i = 0; i < tensor_count(want); i++) {
        double have = tensor_get(got, i), wanted = tensor_get(want, i), most = 1.1 * (bound[i] + stored * fabs(wanted)) + (dtype == DTYPE_F16 ? 0x1p-24 : 1e-37);
        worst = isfinite(have) ? fmax(worst, fabs(have - wanted) / most) : INFINITY;
    }
    CHECK(worst <= 1.0);
    test_note("%s %s %s: %.2g of the bound", cpu_level_name(cpu_level()), dtype_name(dtype), name, worst);
}

static void check_error(LceCase c)
{
    DType dtype = c.dtype;
    Stored stored = {dtype == DTYPE_BF16 ? 0x1p-8 : dtype == DTYPE_F16 ? 0x1p-11 : 0.0, dtype == DTYPE_F16 ? 0x1p-25 : 0.0};
    LceRun want, got;
    c.dtype = DTYPE_F64, c.backend = BACKEND_REFERENCE;
    REQUIRE(run_case(&want, &c));
    int64_t n = c.n_tokens * c.width, m = c.n_vocab * c.width;
    Bounds b = {calloc((size_t)c.n_tokens, 8), calloc((size_t)n, 8), calloc((size_t)m, 8)};
    for (int64_t i = 0; i < c.n_tokens; i++)
        bound_token(&want, &b, i, stored);
    c.dtype = dtype, c.backend = BACKEND_CPU;
    for (CpuLevel level = CPU_PORTABLE; level <= cpu_level_best(); level++) {
        cpu_level_set(level);
        REQUIRE(run_case(&got, &c));
        Tensor dx = grad_of(&got, "zero"), dx_want = grad_of(&want, "zero"), dw = grad_of(&got, "w"), dw_want = grad_of(&want, "w");
        compare("loss", dtype, program_output(got.program, "loss"), program_output(want.program, "loss"), b.loss, 0.0);
        compare("dx", dtype, &dx, &dx_want, b.dx, stored.relative);
        compare("dw", dtype, &dw, &dw_want, b.dw, 0.0);
        run_free(&got);
    }
    cpu_level_reset();
    run_free(&want);
    free(b.loss), free(b.dx), free(b.dw);
}

/* Goal: the fast kernels compute the formula, with labels that are to be ignored among the others. Method: see above. */
TEST(linear_cross_entropy, fast_kernels_stay_within_derived_bounds)
{
    check_error((LceCase){.n_tokens = 23, .width = 40, .n_vocab = 133, .leaf = 8});
    check_error((LceCase){.n_tokens = 13, .width = 24, .n_vocab = 1100, .leaf = 512});
    check_error((LceCase){.n_tokens = 23, .width = 40, .n_vocab = 133, .leaf = 8, .dtype = DTYPE_BF16});
    check_error((LceCase){.n_tokens = 23, .width = 40, .n_vocab = 133, .leaf = 8, .dtype = DTYPE_F16});
}

TEST(linear_cross_entropy, fast_kernels_of_each_option_stay_within_derived_bounds)
{
    const CrossEntropyOptions options[] = {
        {.softcap = 5.0},
        {.smoothing = 0.1},
        {.smoothing = 0.2, .smoothing_kind = SMOOTH_OTHERS},
        {.z_loss = 1e-2},
        {.softcap = 3.0, .smoothing = 0.1, .z_loss = 1e-3},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        check_error((LceCase){.n_tokens = 13, .width = 24, .n_vocab = 1100, .leaf = 8, .options = options[i]});
        check_error((LceCase){.n_tokens = 13, .width = 40, .n_vocab = 133, .leaf = 8, .options = options[i], .dtype = DTYPE_BF16});
        check_error((LceCase){.n_tokens = 13, .width = 40, .n_vocab = 133, .leaf = 8, .options = options[i], .dtype = DTYPE_F16});
    }
}

/* The loss of one token whose probabilities are .1, .2, .4, .2, .1. */
static double loss_of_five(Backend backend, int32_t label, CrossEntropyOptions options)
{
    static const double p[] = {0.1, 0.2, 0.4, 0.2, 0.1};
    LceRun run;
    LceCase c = {.n_tokens = 1, .width = 5, .n_vocab = 5, .backend = backend, .forward_only = true, .options = options};
    if (!run_open(&run, &c))
        return NAN;
    Tensor w = store_param_tensor(run.store, store_find_param(run.store, "w"), NULL);
    for (int64_t i = 0; i < 25; i++)
        tensor_set(&w, i, i % 6 == 0);
    for (int i = 0; i < 5; i++)
        tensor_set(program_input(run.program, "x"), i, log(p[i]) + 1.5);  /* logits are free of a constant */
    *(int32_t *)program_input(run.program, "label")->data = label;
    tensor_set(program_input(run.program, "weight"), 0, 1.0);
    program_run_all(run.program);
    double loss = tensor_get(program_output(run.program, "loss"), 0);
    run_free(&run);
    return loss;
}

/* Goal: label smoothing in both definitions. Method: the golden values of curriculum G18 (smoothing .1, padding 0, six digits), computed there
 * by PyTorch and by hand. */
TEST(linear_cross_entropy, label_smoothing_gives_the_golden_values)
{
    for (Backend backend = BACKEND_REFERENCE; backend <= BACKEND_CPU; backend++) {
        CHECK_CLOSE(loss_of_five(backend, 2, (CrossEntropyOptions){0}), 0.916291, 6e-7);
        CHECK_CLOSE(loss_of_five(backend, 2, (CrossEntropyOptions){.smoothing = 0.1}), 0.999468, 1.1e-6);
        CrossEntropyOptions others = {.smoothing = 0.1, .smoothing_kind = SMOOTH_OTHERS, .has_ignored = true, .ignored = 0};
        CHECK_CLOSE(loss_of_five(backend, 2, others), 0.573766, 6e-7);
        CHECK_CLOSE(loss_of_five(backend, 0, others), 0.0, 0.0);
        /* logsumexp is the 1.5 that was added. */
        CHECK_CLOSE(loss_of_five(backend, 2, (CrossEntropyOptions){.z_loss = 0.25}), 0.916291 + 0.25 * 2.25, 1e-6);
    }
}

/* Goal: logits of +-1e4 do not overflow. Method: the same bounds with x so large. */
TEST(linear_cross_entropy, logits_of_ten_thousand_are_stable)
{
    check_error((LceCase){.n_tokens = 9, .width = 16, .n_vocab = 50, .leaf = 8, .size = 2000.0});
}

/* ---- bits ---- */

/* Goal: nothing shows how tokens were cut. Method: leaves of 5 and 8 in micro batches (chunks are several leaves), f32 and bf16. */
TEST(linear_cross_entropy, micro_batches_of_whole_leaves_give_the_same_bits)
{
    Args args = {.width = 24, .n_vocab = 50}, smooth = {24, 50, false, {.softcap = 4.0, .smoothing = 0.1, .z_loss = 1e-3}};
    op_check_micro(&(OpCase){.build = build_loss, .args = &smooth}, 5);
    op_check_micro(&(OpCase){.build = build_loss, .args = &args}, 8);
    op_check_micro(&(OpCase){.build = build_loss, .args = &args}, 5);
}

/* Goal: chunks do not show either, a row's loss does not depend on other rows, and evaluation gives the bits of training. Method: more tokens
 * than a chunk, against one token, and against the forward alone, on 1 to 3 threads. */
TEST(linear_cross_entropy, a_row_has_the_same_loss_alone)
{
    LceCase c = {.n_tokens = 1200, .width = 17, .n_vocab = 65, .leaf = 100, .backend = BACKEND_CPU};
    LceRun all, part;
    REQUIRE(run_case(&all, &c));
    const float *loss = program_output(all.program, "loss")->data;
    int64_t first[] = {0, 511, 512, 998, 1199};
    for (int i = 0; i < 5; i++) {
        LceCase one = c;
        one.n_tokens = 1, one.first = first[i];
        REQUIRE(run_case(&part, &one));
        CHECK(memcmp(program_output(part.program, "loss")->data, loss + first[i], sizeof *loss) == 0);
        Tensor dx = grad_of(&part, "zero"), dx_all = grad_of(&all, "zero");
        CHECK(memcmp(dx.data, (float *)dx_all.data + 17 * first[i], 17 * sizeof(float)) == 0);
        run_free(&part);
    }
    int n_threads = parallel_threads();
    c.forward_only = true;
    for (int threads = 1; threads <= 3; threads++) {
        parallel_set_threads(threads);
        REQUIRE(run_case(&part, &c));
        CHECK(memcmp(program_output(part.program, "loss")->data, loss, 1200 * sizeof *loss) == 0);
        run_free(&part);
    }
    parallel_set_threads(n_threads);
    run_free(&all);
}

/* Goal: a token of weight 0 is as if it were not there: no loss, no dx, nothing in dw. Method: all weights 0 but garbage labels. */
TEST(linear_cross_entropy, ignored_tokens_leave_no_trace)
{
    LceRun run;
    LceCase c = {.n_tokens = 30, .width = 16, .n_vocab = 40, .leaf = 8, .backend = BACKEND_CPU};
    REQUIRE(run_open(&run, &c));
    run_fill(&run);
    for (int64_t n = 0; n < 30; n++) {
        ((int32_t *)program_input(run.program, "label")->data)[n] = n % 2 ? -100 : INT32_MAX;
        tensor_set(program_input(run.program, "weight"), n, 0.0);
    }
    program_run_all(run.program);
    Tensor dw = grad_of(&run, "w"), dx = grad_of(&run, "zero");
    for (int64_t i = 0; i < 30; i++)
        CHECK(tensor_get(program_output(run.program, "loss"), i) == 0.0);
    for (int64_t i = 0; i < 40 * 16; i++)
        CHECK(tensor_get(&dw, i) == 0.0);
    for (int64_t i = 0; i < 30 * 16; i++)
        CHECK(tensor_get(&dx, i) == 0.0);
    run_free(&run);
}

TEST(linear_cross_entropy, nan_in_a_row_makes_its_loss_nan)
{
    LceRun run;
    LceCase c = {.n_tokens = 6, .width = 16, .n_vocab = 40, .leaf = 8, .backend = BACKEND_CPU};
    REQUIRE(run_open(&run, &c));
    run_fill(&run);
    tensor_set(program_input(run.program, "x"), 2 * 16 + 3, NAN);
    program_run_all(run.program);
    for (int64_t n = 0; n < 6; n++)
        CHECK(isnan(tensor_get(program_output(run.program, "loss"), n)) == (n == 2));
    run_free(&run);
}

/* ---- memory, and the one pass ---- */

static int64_t workspace_of(int64_t n_tokens, int64_t n_vocab)
{
    LceRun run;
    LceCase c = {.n_tokens = n_tokens, .width = 64, .n_vocab = n_vocab, .backend = BACKEND_CPU};
    int64_t bytes = run_open(&run, &c) ? program_plan(run.program)->workspace_bytes : -1;
    run_free(&run);
    return bytes;
}

/* Goal: the logits of all tokens never exist. Method: planned workspaces: the same for 2 and 8 chunks of tokens, and at most double for twice
 * the vocabulary. */
TEST(linear_cross_entropy, workspace_does_not_grow_with_tokens)
{
    int64_t bytes = workspace_of(2048, 500);
    CHECK(workspace_of(8192, 500) == bytes);
    CHECK(workspace_of(2048, 1000) <= 2 * bytes);
    CHECK(bytes < 1024 * 500 * 4 + 3 * (1 << 20));  /* the logits of a chunk, and what products take */
    test_note("2048 tokens, 500 words: %lld bytes", (long long)bytes);
}

static int count_calls(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        n++;
    return n;
}

/* How many calls of each kind run. */
static void count_passes(bool squared, int *n_forward, int *n_grad)
{
    LceRun run;
    LceCase c = {.n_tokens = 6, .width = 8, .n_vocab = 10, .backend = BACKEND_CPU, .squared = squared};
    if (run_open(&run, &c)) {
        Arena *arena = arena_new();
        const char *text = graph_to_text(run.g, arena);
        *n_grad = count_calls(text, ".linear_cross_entropy_grad ");
        *n_forward = count_calls(text, " linear_cross_entropy ");
        arena_free(arena);
    }
    run_free(&run);
}

/* Goal: when the gradient is known beforehand there is one pass; when it depends on the loss the forward stays. Method: the calls of the plan,
 * for the loss and for its square. */
TEST(linear_cross_entropy, one_pass_when_the_gradient_is_known)
{
    int n_forward = -1, n_grad = -1;
    count_passes(false, &n_forward, &n_grad);
    CHECK(n_forward == 0 && n_grad == 1);
    count_passes(true, &n_forward, &n_grad);
    CHECK(n_forward == 1 && n_grad == 1);
}
