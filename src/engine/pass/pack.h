/* pack.h - weights that do not change are laid out for reading: graph -> the same graph over packed copies (op/packed_weight.h). */
#ifndef ENGINE_PASS_PACK_H
#define ENGINE_PASS_PACK_H

#include "engine/op/packed_weight.h"

/* A copy to be filled before the program runs. */
typedef struct {
    int param, state;  /* in the store */
    WeightLayout layout;
    PackedSpec spec;
} PackedWeight;

/* Each linear over a frozen parameter reads a copy "<name>:packed.<format>", a state that this adds to the store. PACKED_F32 and PACKED_BF16 leave weights of
 * another dtype alone. After autocast, before compile. Returns how many copies there are; *weights lives in `arena`. */
int pass_pack_weights(Graph *g, PackedFormat format, PackedWeight **weights, Arena *arena);

/* Fills the copies; the store is allocated and holds the weights. */
void packed_weights_fill(const Store *store, const PackedWeight *weights, int n);

#endif
