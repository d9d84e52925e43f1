/* panels.h - weights of products laid out once for many products: a copy in panels, as gemm.h has them; see panels.c. */
#ifndef ENGINE_OP_PANELS_H
#define ENGINE_OP_PANELS_H

#include "engine/graph/op_info.h"
#include "engine/op/op.h"

/* The copy of a weight w [M, K] (or [K, M]) as y = x W reads it by this layout, x having this dtype: a state of this shape, bytes. */
Shape panels_shape(Shape w, WeightLayout layout);

/* panels = w in panels, for an x of this dtype. Returns panels, changed. */
Node *pack_panels(Graph *g, Node *panels, Node *w, WeightLayout layout, DType x_dtype);

/* For operators over such copies. Whether input i, if it is there, is one of a w of this shape; marks the graph otherwise. */
bool panels_infer(Infer *infer, int i, Shape w, WeightLayout layout);
/* Bytes of w, input i_w, that are not read because panels, input i, are there. */
double panels_spare_bytes(const Call *call, int i, int i_w);

/* Which inputs of a call may be panels of its weight. Fills at most PANELS_SLOTS_MAX; returns how many. */
typedef struct {
    int panels, w;  /* inputs */
    WeightLayout layout;
    DType x_dtype;
} PanelsSlot;
enum { PANELS_SLOTS_MAX = 2 };
int call_panels_slots(const Call *call, PanelsSlot slot[PANELS_SLOTS_MAX]);

#endif
