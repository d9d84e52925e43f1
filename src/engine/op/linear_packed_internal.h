/* linear_packed_internal.h - what linear_packed and linear_packed_then share. */
#ifndef ENGINE_OP_LINEAR_PACKED_INTERNAL_H
#define ENGINE_OP_LINEAR_PACKED_INTERNAL_H

#include "engine/op/op_internal.h"
#include "engine/op/packed_weight.h"

/* The attribute begins with a PackedSpec. */
void linear_packed_infer(Infer *infer);
void linear_packed_cost(const Call *call, Cost *cost);
void linear_packed_reference(const KernelCall *call);
bool linear_packed_shares(const Call *call);
const void *linear_packed_share_reads(const KernelCall *call, int64_t *n_bytes);

enum { PACKED_SHARE_INPUTS = 32768 /* of a row that each thread prepares for itself, at most */ };
static inline bool linear_packed_row_is_shared(const PackedSpec *spec)
{
    return spec->n_in <= PACKED_SHARE_INPUTS;
}

#endif
