/* adamw_cpu.c - one pass over p, grad, m and v: four streams read, three or four written, and nothing else costs anything. */
#include "engine/op/op.h"
#include "engine/op/simd_rows.h"

/* What the step and the options decide, in double, before one rounding. */
typedef struct {
    float factor, decay, one_minus_beta1, beta2, one_minus_beta2, root, eps, step_size;
} Step;

SIMD_INLINE void adamw_piece(const Step *s, void *p, DType p_dtype, void *grad, DType grad_dtype, float *m, float *v, int64_t n, bool clears)
{
    for (int64_t i = 0; i < n; i += 16) {
        V16 g = load16(grad, grad_dtype, i, n) * s->factor;
        V16 moment = load16(m, DTYPE_F32, i, n), square = load16(v, DTYPE_F32, i, n) * s->beta2;
        moment = v16_fma(v16_set1(s->one_minus_beta1), g - moment, moment);
        square = v16_fma(g * s->one_minus_beta2, g, square);
        V16 denominator = v16_sqrt(square) / s->root + s->eps;
        V16 x = load16(p, p_dtype, i, n) * s->decay;
        store16(p, p_dtype, i, n, x - s->step_size * moment / denominator);
        store16(m, DTYPE_F32, i, n, moment);
        store16(v, DTYPE_F32, i, n, square);
        if (clears)
            store16(grad, grad_dtype, i, n, v16_zero());
    }
}

void KERNEL(adamw)(const KernelCall *call)
{
    const AdamwOptions *o = call->attr;
    const Tensor *p = &call->out[0], *grad = &call->in[1], *m = &call->out[1], *v = &call->out[2];
    const float *scalars = call->in[4].data;
    double lr = scalars[SCALAR_LR], t = scalars[SCALAR_STEP];
    Step step = {.factor = ((const float *)call->in[5].data)[1],
                 .decay = (float)(1.0 - lr * o->weight_decay),
                 .one_minus_beta1 = (float)(1.0 - o->beta1),
                 .beta2 = (float)o->beta2,
                 .one_minus_beta2 = (float)(1.0 - o->beta2),
                 .root = (float)sqrt(1.0 - pow(o->beta2, t)),
                 .eps = (float)o->eps,
                 .step_size = (float)(lr / (1.0 - pow(o->beta1, t)))};
    const bool steps = step.factor != 0.0f, clears = o->clear_grad != 0;
    if (!steps && !clears)
        return;
    assert(is_fast_dtype(p->dtype) && is_fast_dtype(grad->dtype) && m->dtype == DTYPE_F32 && v->dtype == DTYPE_F32);
    Pieces pieces = pieces_of((const Tensor *[]){p, grad, m, v}, 4);
#pragma omp parallel for schedule(static) if (pieces.count > PARALLEL_MIN)
    for (int64_t k = 0; k < pieces.n_pieces; k++) {
        Piece piece = piece_at(&pieces, k);
        void *g = piece_data(&pieces, grad, piece);
        if (steps)
            adamw_piece(&step, piece_data(&pieces, p, piece), p->dtype, g, grad->dtype, piece_data(&pieces, m, piece),
                        piece_data(&pieces, v, piece), piece.n, clears);
        else
            memset(g, 0, (size_t)(piece.n * dtype_bytes(grad->dtype)));
    }
}
