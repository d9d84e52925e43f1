/* addend.h - an addition that an operator does on its way out: the gradient of a norm joins that of the residual around it.
 *
 * Such an operator's last input is the addend: absent when it is recorded, it may be given by pass/fuse.h. Output 0 is then addend + what it would be,
 * in the bits of operator add. */
#ifndef ENGINE_OP_ADDEND_H
#define ENGINE_OP_ADDEND_H

#include "engine/op/op_internal.h"

/* Whether `then` is an addition that `made`, which makes its input `slot`, can do itself: one shape and dtype throughout. */
bool addend_fits(const Call *made, const Call *then, int slot);
/* `made` adds the other input of `then`: its output 0 is from now on what `then` would make. */
void addend_give(Graph *g, Call *made, const Call *then, int slot);

/* For such operators: input `addend`, if there, has the dtype, shape and bound of input i, and dense rows; */
bool infer_addend(Infer *infer, int addend, int i);
/* and t[i] += addend[i], if there is one, in reference kernels. */
static inline void tensor_add(const Tensor *t, int64_t i, const Tensor *addend)
{
    if (addend->data)
        tensor_set(t, i, tensor_get(addend, i) + tensor_get(t, i));
}

/* to = from, rounded, likewise. */
static inline void tensor_round(const Tensor *to, const Tensor *from)
{
    for (int64_t i = 0; i < tensor_count(to); i++)
        tensor_set(to, i, tensor_get(from, i));
}

#endif
