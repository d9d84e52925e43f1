/* cost.c - what calls cost, and how long that takes on a machine of given rates. */
#include "engine/graph/program_internal.h"

void call_cost(const Call *call, Cost *cost)
{
    *cost = (Cost){0};
    if (call->op->flags & OP_VIEW)
        return;
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i])
            cost->bytes_read += (double)shape_count(call->in[i]->shape) * dtype_bytes(call->in[i]->dtype);
    for (int o = 0; o < call->n_out; o++)
        cost->bytes_written += (double)shape_count(call->out[o]->shape) * dtype_bytes(call->out[o]->dtype);
    if (call->op->cost)
        call->op->cost(call, cost);
}

void cost_add(Cost *sum, const Cost *cost)
{
    sum->matmul_flops += cost->matmul_flops;
    sum->other_flops += cost->other_flops;
    sum->bytes_read += cost->bytes_read;
    sum->bytes_written += cost->bytes_written;
    sum->bytes_sent += cost->bytes_sent;
}

/* Two cores with AVX-512, as measured with `jikji bench peak` and `jikji bench train --profile`. */
MachineRates machine_rates_typical(void)
{
    return (MachineRates){.matmul_flops = 1.5e11, .other_flops = 1.5e10, .bytes = 1.2e10};
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

double cost_seconds(const Cost *cost, const MachineRates *rates)
{
    double arithmetic = cost->matmul_flops / rates->matmul_flops + cost->other_flops / rates->other_flops;
    return larger(arithmetic, (cost->bytes_read + cost->bytes_written) / rates->bytes);
}
