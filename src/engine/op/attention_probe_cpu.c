/* attention_probe_cpu.c - see attention_probe.h. */
#include "engine/op/attention_probe.h"
#include "engine/op/attention_product.h"

enum { SIDE = 64, VECS = SIDE / 16 };

void KERNEL(attention_probe_product)(float *c, const float *a, const float *b, bool by_columns)
{
    tile_product(c, SIDE, by_columns ? (Left){a, 1, SIDE} : (Left){a, SIDE, 1}, (Right){b, SIDE}, SIDE, VECS, SIDE, NULL);
}

void KERNEL(attention_probe_diagonal)(float *c, const float *a, const float *b)
{
    uint64_t seen[SIDE];
    for (int r = 0; r < SIDE; r++)
        seen[r] = ~(uint64_t)0 >> (SIDE - 1 - r);
    tile_product_masked(c, SIDE, (Left){a, 1, SIDE}, (Right){b, SIDE}, SIDE, VECS, seen);
}

float KERNEL(attention_probe_weights)(float *weights, const float *scores)
{
    V16 sum[VECS], max[VECS], reference = v16_zero();
    for (int v = 0; v < VECS; v++)
        sum[v] = v16_zero(), max[v] = v16_set1(-INFINITY);
    for (int64_t j = 0; j < SIDE; j++)
        TILE_UNROLL for (int v = 0; v < VECS; v++) {
            V16 score = v16_load(scores + j * SIDE + 16 * v), p = v16_exp_weight(score - reference);
            max[v] = v16_max(score, max[v]);
            v16_store(weights + j * SIDE + 16 * v, p);
            sum[v] += p;
        }
    for (int v = 1; v < VECS; v++)
        sum[0] += sum[v], max[0] = v16_max(max[0], max[v]);
    return v16_sum(sum[0]) + v16_max_of(max[0]);
}
