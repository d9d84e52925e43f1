/* linear_cross_entropy_ref.c - the formulas of linear_cross_entropy.c in double, for any float dtype. Logits are found again where they
 * are needed rather than held. */
#include "engine/op/linear_cross_entropy_internal.h"

#include <math.h>

typedef struct {
    const Tensor *x, *w, *label, *weight;
    int64_t n_tokens, width, n_vocab;
    const CrossEntropyOptions *options;
    LceTarget target;
} Given;

static Given given_of(const KernelCall *call)
{
    const Tensor *in = call->in;
    const CrossEntropyOptions *options = &((const LceGradAttr *)call->attr)->options;
    int64_t n_vocab = tensor_dim(&in[LCE_W], 0);
    return (Given){&in[LCE_X], &in[LCE_W], &in[LCE_LABEL], &in[LCE_WEIGHT], tensor_dim(&in[LCE_X], 0), tensor_dim(&in[LCE_X], 1),
                   n_vocab, options, lce_target(options, n_vocab)};
}

static double logit(const Given *a, int64_t n, int64_t v)
{
    double sum = 0.0;
    for (int64_t c = 0; c < a->width; c++)
        sum += tensor_get(a->x, n * a->width + c) * tensor_get(a->w, v * a->width + c);
    double cap = a->options->softcap;
    return cap > 0.0 ? cap * tanh(sum / cap) : sum;
}

static double log_sum_exp(const Given *a, int64_t n)
{
    double max = -INFINITY, sum = 0.0;
    for (int64_t v = 0; v < a->n_vocab; v++)
        max = fmax(max, logit(a, n, v));
    for (int64_t v = 0; v < a->n_vocab; v++)
        sum += exp(logit(a, n, v) - max);
    return max + log(sum);
}

static int64_t label_of(const Given *a, int64_t n)
{
    return ((const int32_t *)a->label->data)[n];
}

static double target_of(const Given *a, int64_t n, int64_t v)
{
    if (v == label_of(a, n))
        return a->target.at_label;
    return lce_is_ignored(a->options, v) ? a->target.at_ignored : a->target.at_other;
}

static bool counts(const Given *a, int64_t n)
{
    return tensor_get(a->weight, n) != 0.0 && !lce_is_ignored(a->options, label_of(a, n));
}

static double loss_of(const Given *a, int64_t n, double lse)
{
    if (!counts(a, n))
        return 0.0;
    double loss = lse + a->target.constant + a->options->z_loss * lse * lse;
    for (int64_t v = 0; v < a->n_vocab; v++)
        if (target_of(a, n, v) != 0.0)
            loss -= target_of(a, n, v) * logit(a, n, v);
    return tensor_get(a->weight, n) * loss;
}

void linear_cross_entropy_reference(const KernelCall *call)
{
    Given a = given_of(call);
    for (int64_t n = 0; n < a.n_tokens; n++)
        tensor_set(&call->out[0], n, loss_of(&a, n, log_sum_exp(&a, n)));
}

/* The gradient with respect to the product x[n] . w[v]. */
static double logit_gradient(const Given *a, const Tensor *dy, int64_t n, int64_t v, double lse)
{
    if (!counts(a, n))
        return 0.0;
    double z = logit(a, n, v), cap = a->options->softcap, slope = cap > 0.0 ? 1.0 - z / cap * (z / cap) : 1.0;
    double g = (1.0 + 2.0 * a->options->z_loss * lse) * exp(z - lse) - target_of(a, n, v);
    return tensor_get(a->weight, n) * tensor_get(dy, n) * g * slope;
}

static void reference_dx(const Given *a, const KernelCall *call, int64_t n, double lse, double *sum)
{
    for (int64_t c = 0; c < a->width; c++)
        sum[c] = 0.0;
    for (int64_t v = 0; v < a->n_vocab; v++) {
        double g = logit_gradient(a, &call->in[LCE_DY], n, v, lse);
        for (int64_t c = 0; c < a->width; c++)
            sum[c] += g * tensor_get(a->w, v * a->width + c);
    }
    for (int64_t c = 0; c < a->width; c++)
        tensor_set(&call->out[1], n * a->width + c, sum[c]);
}

/* Tokens [begin, end), one leaf: summed from zero, then added. */
static void reference_dw(const Given *a, const KernelCall *call, const Tensor *dw, int64_t begin, int64_t end, const double *lse,
                         double *sum)
{
    for (int64_t v = 0; v < a->n_vocab; v++) {
        for (int64_t c = 0; c < a->width; c++)
            sum[c] = 0.0;
        for (int64_t n = begin; n < end; n++) {
            double g = logit_gradient(a, &call->in[LCE_DY], n, v, lse[n - begin]);
            for (int64_t c = 0; c < a->width; c++)
                sum[c] += g * tensor_get(a->x, n * a->width + c);
        }
        for (int64_t c = 0; c < a->width; c++)
            tensor_set(dw, v * a->width + c, tensor_get(dw, v * a->width + c) + sum[c]);
    }
}

void linear_cross_entropy_grad_reference(const KernelCall *call)
{
    Given a = given_of(call);
    const LceGradAttr *attr = call->attr;
    double *lse = call->workspace, *sum = lse + attr->leaf;
    for (int64_t begin = 0; begin < a.n_tokens; begin += attr->leaf) {
        int64_t end = a.n_tokens - begin < attr->leaf ? a.n_tokens : begin + attr->leaf;
        for (int64_t n = begin; n < end; n++) {
            lse[n - begin] = log_sum_exp(&a, n);
            tensor_set(&call->out[0], n, loss_of(&a, n, lse[n - begin]));
            if (attr->want_x)
                reference_dx(&a, call, n, lse[n - begin], sum);
        }
        if (attr->want_w)
            reference_dw(&a, call, &call->out[attr->want_x ? 2 : 1], begin, end, lse, sum);
    }
}
