/* dropout_internal.h - who is dropped: what dropout and attention share. */
#ifndef ENGINE_OP_DROPOUT_INTERNAL_H
#define ENGINE_OP_DROPOUT_INTERNAL_H

#include "base/philox.h"
#include "engine/op/op_internal.h"

typedef struct {
    double rate;
    uint64_t seed, stream;
} DropoutAttr;

/* The random words of four neighbours of the token that `draw` names; `block` counts the fours, below 2^32. */
static inline Philox dropout_words(const DropoutAttr *attr, const int32_t draw[3], uint64_t block)
{
    uint64_t sample = (uint32_t)draw[0] | (uint64_t)(uint32_t)draw[1] << 32;
    return philox(attr->seed, (uint32_t)attr->stream, sample, (uint64_t)(uint32_t)draw[2] << 32 | block);
}

/* Words below it drop. */
static inline uint32_t dropout_threshold(const DropoutAttr *attr)
{
    return (uint32_t)(attr->rate * 0x1p32);
}

/* Input i is i32 [tokens of x, 3]. */
bool infer_is_draws(Infer *infer, int i, const Node *x);

#endif
