/* trainer_scale.c - fp16: the loss scale of each step, and what overflowed and underflowed. */
#include "engine/op/op.h"
#include "learn/train/trainer_internal.h"

#include <assert.h>
#include <string.h>

#define SCALE_INPUT "loss_scale"

static bool is_scaled(const Trainer *t)
{
    return t->options.compute == DTYPE_F16;
}

Node *trainer_scale_loss(Trainer *t, Graph *g, Node *loss)
{
    if (!is_scaled(t))
        return loss;
    return mul(g, loss, graph_input(g, SCALE_INPUT, DTYPE_F32, node_shape(loss), node_bound(loss)));
}

static Tensor counts_tensor(const Trainer *t)
{
    int state = store_find_state(t->store, WATCH_STATE);
    assert(state >= 0);
    return store_state_tensor(t->store, state);
}

void trainer_scale_begin(Trainer *t)
{
    if (!is_scaled(t))
        return;
    const Tensor *scale = program_input(t->micro_step, SCALE_INPUT);
    for (int64_t i = 0; i < tensor_count(scale); i++)
        ((float *)scale->data)[i] = (float)t->state.loss_scale.scale;
    Tensor counts = counts_tensor(t);
    memset(counts.data, 0, tensor_bytes(&counts));
}

void trainer_scale_end(Trainer *t, StepReport *report)
{
    report->loss_scale = t->state.loss_scale.scale;
    report->hopeless = report->skipped;
    if (is_scaled(t))
        report->hopeless = !loss_scale_update(&t->state.loss_scale, &t->options.loss_scale, report->skipped);
}

/* {"layer":2,"elements":98304,"overflow":3,"subnormal":120,"zero":17}; layer -1: in none. */
static void write_layer(JsonWriter *json, int64_t layer, const int64_t *counts)
{
    int64_t n = 0, n_subnormal = 0;
    const int first_normal = 1 - 14 - EXPONENT_MIN;  /* the bin of 2^-14 */
    for (int b = 0; b < EXPONENT_BINS; b++) {
        n += counts[b];
        n_subnormal += b >= 1 && b < first_normal ? counts[b] : 0;
    }
    json_write_object_begin(json);
    json_field_int(json, "layer", layer);
    json_field_int(json, "elements", n);
    json_field_int(json, "overflow", counts[EXPONENT_BINS - 1]);
    json_field_int(json, "subnormal", n_subnormal);
    json_field_int(json, "zero", counts[0]);
    json_write_object_end(json);
}

void trainer_scale_write(const Trainer *t, JsonWriter *json)
{
    Tensor tensor = counts_tensor(t);
    const int64_t *counts = tensor.data, n_rows = tensor_dim(&tensor, 0);
    json_write_key(json, "layers");
    json_write_array_begin(json);
    for (int64_t row = 0; row < n_rows; row++)
        write_layer(json, row - 1, counts + row * EXPONENT_BINS);
    json_write_array_end(json);
    json_field_int(json, "exponent_min", EXPONENT_MIN);
    json_write_key(json, "exponents");
    json_write_array_begin(json);
    for (int b = 1; b < EXPONENT_BINS - 1; b++) {
        int64_t n = 0;
        for (int64_t row = 0; row < n_rows; row++)
            n += counts[row * EXPONENT_BINS + b];
        json_write_int(json, n);
    }
    json_write_array_end(json);
}
