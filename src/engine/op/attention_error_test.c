/* attention_error_test.c - the fast kernels of attention against the reference in f64, with bounds derived for each element.
 *
 * Let u = 2^-24, gamma(n) = n u / (1 - n u) (Higham 2002, 3.1), S = max_j scale sum |q||k_j| of a row, N its visible keys.
 *   a score is off by at most     d = gamma(D + 2) S                              (its product, and the rounding of scale q)
 *   an exponent's argument by     d + 2 u S more, s less the reference being rounded; the reference itself cancels in P
 *   P and lse relatively by       r = 2 (d + 2 u S) + gamma(N + 8)                (both ends of the quotient; exp has 1 ulp)
 *   y by                          E_y = r sum P |v|
 *   P from lse relatively by      p = r + d + 2 u S + u |lse| + 4 u
 *   dS by                         E = scale P ((p + 4 u) |dP - delta| + gamma(Dv + 2) (sum |dy||v| + sum |dy||y|) + sum |dy| E_y)
 *   dq by                         sum_j (E + gamma(N + 2) |dS|) |k|; dk likewise over rows, dv with p P |dy|
 * The options: ALiBi adds a term of size A = slope distance, so S grows by A, and d by gamma(3) A. A soft-cap c has a slope of at most 1,
 * so d does not grow, and adds 5 u c (a division, tanh within an ulp, a product). Its factor f = 1 - (s/c)^2 of dS is off by
 * 2 (d + 5 u c) / c + 6 u.
 * Dropout multiplies by u_j, 0 or 1 / (1 - rate): y, dP and dv take u_j |v_j| for |v_j|, and 3 u more for the product.
 * Weights below 2^-100 (forward: 2^-53, attention.c) count as 0: such a one is off by all of itself.
 * and a value stored as bf16 by 2^-8 of itself.
 * Where pairs of bf16 are multiplied (attention.c), weights and dS are rounded to bf16 before they meet v, dy, k and q: each of those products is off by
 * w = 2^-8 of itself, since sums, l and lse are of what was not rounded. With that,
 *   y by                          R_y = w sum P |v|               more
 *   dS by                         R = scale P sum |dy| R_y        more, through delta
 *   dq by                         sum_j (R + w |dS|) |k|          more; dk likewise over rows, dv with w P |dy|.
 * First order; the bounds get 10 % for the rest. */
#include "base/cpu_level.h"
#include "base/test.h"
#include "engine/op/attention_case.h"
#include "engine/op/attention_internal.h"

#include <stdlib.h>

enum { WIDTH_MAX = 64, OUTPUTS = 5 };
static const char *const output_names[OUTPUTS] = {"y", "lse", "dq", "dk", "dv"};

typedef struct {
    const AttentionRun *want;
    const AttentionCase *c;
    double u_store;  /* of a stored result: 0, or bf16's */
    double *bound[OUTPUTS];
    double *rounded[OUTPUTS];  /* what rounding weights and dS by 1 of themselves adds to it */
    const Tensor *q, *k, *v, *dy, *y, *lse, *ranges;
} Bounds;

static double gamma_of(int64_t n)
{
    return (double)n * 0x1p-24 / (1.0 - (double)n * 0x1p-24);
}

/* The size of an element. */
static double at(const Tensor *t, int64_t row, int64_t head, int64_t i)
{
    return fabs(((const double *)t->data)[(row * t->shape.dim[1] + head) * t->shape.dim[2] + i]);
}

/* sum of a b, and of |a||b|. */
static void dot(const Tensor *x, int64_t n, int64_t h, const Tensor *y, int64_t j, int64_t g, double *sum, double *size)
{
    int64_t width = x->shape.dim[2];
    const double *a = (const double *)x->data + (n * x->shape.dim[1] + h) * width;
    const double *b = (const double *)y->data + (j * y->shape.dim[1] + g) * width;
    *sum = *size = 0.0;
    for (int64_t i = 0; i < width; i++) {
        *sum += a[i] * b[i];
        *size += fabs(a[i] * b[i]);
    }
}

/* The score of a key, and the size of what it was made of. */
static double score_of(const Bounds *b, int64_t n, int64_t h, int64_t j, double *size)
{
    const AttentionCase *c = b->c;
    const AttentionOptions *o = &c->options;
    double sum, away = ((const int32_t *)b->ranges->data)[2 * n + 1] - 1 - (double)j;
    dot(b->q, n, h, b->k, j, h / (c->heads / c->kv_heads), &sum, size);
    double bias = o->alibi ? attention_alibi_slope(h, c->heads) * away : 0.0, score = attention_case_scale(c) * sum - bias;
    *size = attention_case_scale(c) * *size + bias;
    return o->softcap > 0.0 ? o->softcap * tanh(score / o->softcap) : score;
}

/* The relative error of a weight that the kernels may take as 0, in the forward and in the backward. */
static double lost_forward(double weight)
{
    return weight < 0x1p-53 ? 1.0 : 0.0;
}

static double lost(double weight)
{
    return weight < 0x1p-99 ? 1.0 : 0.0;
}

static void bound_row(const Bounds *b, int64_t n, int64_t h)
{
    const AttentionCase *c = b->c;
    const int32_t *seen = (const int32_t *)b->ranges->data + 2 * n;
    const int32_t range[2] = {attention_first_key(seen, c->options.window), seen[1]};
    const double u = 0x1p-24, scale = attention_case_scale(c), cap = c->options.softcap, grown = 1.0 / (1.0 - c->options.dropout);
    int64_t n_keys = range[1] - range[0], row = n * c->heads + h, g = h / (c->heads / c->kv_heads);
    if (n_keys <= 0)
        return;
    double lse = tensor_get(b->lse, row), largest = 0.0, sum, size;
    for (int64_t j = range[0]; j < range[1]; j++) {
        score_of(b, n, h, j, &size);
        largest = fmax(largest, size);
    }
    double argument = gamma_of(c->width + (c->options.alibi ? 5 : 2)) * largest + 5.0 * u * cap + 2.0 * u * largest;
    double factor_error = cap > 0.0 ? 2.0 * argument / cap + 6.0 * u : 0.0;
    double r = 2.0 * argument + gamma_of(n_keys + 8), p = r + argument + u * fabs(lse) + 4.0 * u;
    b->bound[1][row] = r + u * fabs(lse);

    double y_error[WIDTH_MAX] = {0}, y_size[WIDTH_MAX] = {0}, dy_y_error = 0.0, dy_y_size = 0.0, delta, dy_y;
    for (int64_t j = range[0]; j < range[1]; j++) {
        double weight = exp(score_of(b, n, h, j, &size) - lse);
        for (int64_t i = 0; i < c->v_width; i++) {
            y_size[i] += grown * weight * at(b->v, j, g, i);
            y_error[i] += (r + 3.0 * u + lost_forward(weight)) * grown * weight * at(b->v, j, g, i);
        }
    }
    for (int64_t i = 0; i < c->v_width; i++) {
        y_error[i] += b->u_store * at(b->y, n, h, i);
        b->bound[0][row * c->v_width + i] = y_error[i];
        b->rounded[0][row * c->v_width + i] = y_size[i];
        dy_y_error += at(b->dy, n, h, i) * y_error[i];
        dy_y_size += at(b->dy, n, h, i) * y_size[i];
    }
    dot(b->dy, n, h, b->y, n, h, &delta, &dy_y);

    for (int64_t j = range[0]; j < range[1]; j++) {
        double score = score_of(b, n, h, j, &size), weight = exp(score - lse);
        double factor = cap > 0.0 ? 1.0 - score / cap * (score / cap) : 1.0;
        dot(b->dy, n, h, b->v, j, g, &sum, &size);
        double uncapped = scale * weight * (c->options.dropout > 0.0 ? fabs(grown * sum) + fabs(delta) : fabs(sum - delta)), ds = factor * uncapped;
        double error = (p + 4.0 * u + lost(weight)) * ds + factor_error * uncapped +
                       factor * scale * weight * (gamma_of(c->v_width + 5) * (grown * size + dy_y) + dy_y_error);
        double rounded = ds + factor * scale * weight * dy_y_size;
        int64_t n_rows = c->n_queries * c->heads / c->kv_heads, key = j * c->kv_heads + g;
        for (int64_t i = 0; i < c->width; i++) {
            b->bound[2][row * c->width + i] += (error + gamma_of(n_keys + 2) * ds) * at(b->k, j, g, i);
            b->rounded[2][row * c->width + i] += rounded * at(b->k, j, g, i);
            b->bound[3][key * c->width + i] += (error + gamma_of(n_rows + 2) * ds) * at(b->q, n, h, i);
            b->rounded[3][key * c->width + i] += rounded * at(b->q, n, h, i);
        }
        for (int64_t i = 0; i < c->v_width; i++) {
            b->bound[4][key * c->v_width + i] += grown * weight * (p + gamma_of(n_rows + 5) + lost(weight)) * at(b->dy, n, h, i);
            b->rounded[4][key * c->v_width + i] += grown * weight * at(b->dy, n, h, i);
        }
    }
}

/* Of storing a value in this dtype, relative; what f32 loses is in the bounds. */
static double unit_of(DType dtype)
{
    return dtype == DTYPE_BF16 ? 0x1p-8 : dtype == DTYPE_F16 ? 0x1p-11 : 0.0;
}

/* The worst error of each output, over its bound. */
static void compare(const AttentionRun *got, const Bounds *b)
{
    const double rounding = cpu_level() == CPU_AVX512_BF16 && got->c.dtype == DTYPE_BF16 ? 0x1p-8 : 0.0;
    for (int o = 0; o < OUTPUTS; o++) {
        const Tensor *x = program_output(got->program, output_names[o]), *y = program_output(b->want->program, output_names[o]);
        double worst = 0.0, largest = 0.0;
        for (int64_t i = 0; i < tensor_count(x); i++) {
            double want = tensor_get(y, i), have = tensor_get(x, i);
            if (want == have)
                continue;
            double bound = 1.1 * (b->bound[o][i] + rounding * b->rounded[o][i] + unit_of(x->dtype) * fabs(want)) + (x->dtype == DTYPE_F16 ? 0x1p-24 : 1e-37);
            worst = isfinite(have) ? fmax(worst, fabs(have - want) / bound) : INFINITY;
            largest = fmax(largest, bound);
        }
        CHECK(worst <= 1.0);
        test_note("%s %s %s: %.2g of the bound, which is %.2g at most", cpu_level_name(cpu_level()), dtype_name(got->c.dtype),
                  output_names[o], worst, largest);
    }
}

static void check_case(AttentionCase c)
{
    AttentionRun want, got;
    c.backend = BACKEND_REFERENCE;
    DType dtype = c.dtype;
    c.dtype = DTYPE_F64;
    Bounds b = {.want = &want, .c = &c, .u_store = unit_of(dtype)};
    bool ran = attention_run(&want, &c);
    const char *const inputs[] = {"q", "k", "v", "dy", "ranges"};
    const Tensor **tensors[] = {&b.q, &b.k, &b.v, &b.dy, &b.ranges};
    for (int i = 0; ran && i < 5; i++)
        *tensors[i] = program_input(want.program, inputs[i]);
    b.y = ran ? program_output(want.program, "y") : NULL;
    b.lse = ran ? program_output(want.program, "lse") : NULL;
    for (int o = 0; ran && o < OUTPUTS; o++) {
        b.bound[o] = calloc((size_t)tensor_count(program_output(want.program, output_names[o])), sizeof(double));
        b.rounded[o] = calloc((size_t)tensor_count(program_output(want.program, output_names[o])), sizeof(double));
    }
    for (int64_t row = 0; ran && row < c.n_queries * c.heads; row++)
        bound_row(&b, row / c.heads, row % c.heads);
    AttentionCase fast = c;
    fast.backend = BACKEND_CPU;
    fast.dtype = dtype;
    for (CpuLevel level = CPU_PORTABLE; ran && level <= cpu_level_best(); level++) {
        cpu_level_set(level);
        if (attention_run(&got, &fast))
            compare(&got, &b);
        attention_run_free(&got);
    }
    cpu_level_reset();
    for (int o = 0; o < OUTPUTS; o++) {
        free(b.bound[o]);
        free(b.rounded[o]);
    }
    attention_run_free(&want);
}

/* Goal: fast kernels compute the formula, whatever the ranges, widths, groups and dtype. Method: see the head of this file. */
TEST(attention, fast_kernels_stay_within_derived_bounds)
{
    check_case((AttentionCase){.n_queries = 131, .n_keys = 131, .heads = 2, .kv_heads = 2, .width = 16, .v_width = 16, .range = range_causal});
    check_case((AttentionCase){.n_queries = 100, .n_keys = 100, .heads = 6, .kv_heads = 2, .width = 20, .v_width = 33, .range = range_packed});
    check_case((AttentionCase){.n_queries = 90, .n_keys = 100, .heads = 3, .kv_heads = 1, .width = 8, .v_width = 24, .range = range_any});
    check_case((AttentionCase){.n_queries = 70, .n_keys = 70, .heads = 1, .kv_heads = 1, .width = 64, .v_width = 16, .range = range_prefix,
                               .dtype = DTYPE_BF16});
    check_case((AttentionCase){.n_queries = 120, .n_keys = 120, .heads = 2, .kv_heads = 1, .width = 16, .v_width = 40, .range = range_window,
                               .dtype = DTYPE_BF16});
    check_case((AttentionCase){.n_queries = 120, .n_keys = 120, .heads = 3, .kv_heads = 1, .width = 20, .v_width = 40, .range = range_packed,
                               .dtype = DTYPE_F16});
}

TEST(attention, fast_kernels_of_each_option_stay_within_derived_bounds)
{
    AttentionCase c = {.n_queries = 101, .n_keys = 101, .heads = 3, .kv_heads = 1, .width = 12, .v_width = 12, .range = range_packed};
    c.options = (AttentionOptions){.softcap = 1.5};
    check_case(c);
    c.options = (AttentionOptions){.alibi = true};
    check_case(c);
    c.options = (AttentionOptions){.window = 9};
    check_case(c);
    c.options = (AttentionOptions){.dropout = 0.3, .dropout_seed = 5};
    check_case(c);
    c.heads = c.kv_heads = 6;
    c.range = range_causal;
    c.options = (AttentionOptions){.softcap = 4.0, .window = 40, .alibi = true};
    check_case(c);
    c.dtype = DTYPE_BF16;
    check_case(c);
    c.dtype = DTYPE_F16;
    check_case(c);
}

/* Goal: logits of some thousands neither overflow nor lose more than rounding says. Method: q and k times 40, and times 5: the largest score
 * of the first keys is not the largest of all. */
TEST(attention, large_logits_stay_within_derived_bounds)
{
    check_case((AttentionCase){.n_queries = 67, .n_keys = 67, .heads = 1, .kv_heads = 1, .width = 32, .v_width = 16, .range = range_causal,
                               .size = 40.0});
    check_case((AttentionCase){.n_queries = 200, .n_keys = 200, .heads = 1, .kv_heads = 1, .width = 16, .v_width = 16, .range = range_causal,
                               .size = 5.0});
}
