/* mixture.c - temperature sampling of documents. */
#include "text/tokenizer/mixture.h"
#include "base/philox.h"

#include <math.h>

void mixture_weights(const int64_t *n_bytes, int n, double temperature, double *weights)
{
    double total = 0.0, bent = 0.0;
    for (int i = 0; i < n; i++)
        total += (double)n_bytes[i];
    for (int i = 0; i < n && total > 0.0; i++)
        bent += n_bytes[i] ? pow((double)n_bytes[i] / total, 1.0 / temperature) : 0.0;
    for (int i = 0; i < n; i++) {
        double share = total > 0.0 ? (double)n_bytes[i] / total : 0.0;
        weights[i] = share > 0.0 ? pow(share, 1.0 / temperature) / bent / share : 0.0;
    }
}

int64_t mixture_copies(uint64_t seed, int language, int64_t document, double weight)
{
    double whole = floor(weight);
    float chance = philox_uniform(philox(seed, philox_stream("mixture"), (uint64_t)language, (uint64_t)document).word[0]);
    return (int64_t)whole + ((double)chance < weight - whole);
}
