/* embedding_cpu.c - rows of a table copied; gradients of rows summed by id, leaf by leaf. */
#include "engine/op/embedding_internal.h"
#include "engine/op/simd_rows.h"

void KERNEL(embedding)(const KernelCall *call)
{
    const Tensor *table = &call->in[0], *ids = &call->in[1], *y = &call->out[0];
    const int32_t *id = ids->data;
    int64_t n_tokens = tensor_dim(ids, 0), C = tensor_dim(table, 1), V = tensor_dim(table, 0);
    size_t row_bytes = (size_t)C * (size_t)dtype_bytes(table->dtype);
#pragma omp parallel for schedule(static) if (n_tokens * C > PARALLEL_MIN)
    for (int64_t n = 0; n < n_tokens; n++) {
        assert(id[n] >= 0 && id[n] < V);
        memcpy(row_at(y, n), row_at(table, id[n]), row_bytes);
    }
}

/* Tokens of one id inside a leaf, as lists in token order. */
static void link_tokens(TokenLink *links, const int32_t *ids, int64_t n_tokens, int64_t leaf)
{
#pragma omp parallel for schedule(static) if (n_tokens > leaf)
    for (int64_t begin = 0; begin < n_tokens; begin += leaf) {
        int64_t end = begin + leaf < n_tokens ? begin + leaf : n_tokens;
        for (int64_t n = begin; n < end; n++)
            links[n] = (TokenLink){.is_first = true};
        for (int64_t n = begin; n < end; n++) {
            int64_t next = n + 1;
            while (next < end && ids[next] != ids[n])
                next++;
            if (next < end) {
                links[n].next = (int32_t)next;
                links[next].is_first = false;
            }
        }
    }
}

enum { COLS = 64 };  /* a strip of columns that one thread owns, its sums in registers */

/* sink += the sum of dy over the list that begins at token n, for one strip. */
SIMD_INLINE void strip_add_list(float *sink, const Tensor *dy, const TokenLink *links, int64_t n, int64_t col, int64_t C)
{
    V16 total[COLS / 16] = {0};
    do {
        const void *from = row_at(dy, n);
        for (int k = 0; k < COLS / 16; k++)
            if (col + 16 * k < C)
                total[k] += load16(from, dy->dtype, col + 16 * k, C);
        n = links[n].next;
    } while (n);
    for (int k = 0; k < COLS / 16; k++)
        if (col + 16 * k < C)
            store16(sink, DTYPE_F32, col + 16 * k, C, load16(sink, DTYPE_F32, col + 16 * k, C) + total[k]);
}

void KERNEL(embedding_backward)(const KernelCall *call)
{
    const Tensor *sink = &call->out[0], *dy = &call->in[2];
    const int32_t *ids = call->in[1].data;
    TokenLink *links = call->workspace;
    int64_t n_tokens = tensor_dim(dy, 0), C = tensor_dim(dy, 1);
    assert(sink->dtype == DTYPE_F32 && is_fast_dtype(dy->dtype));
    link_tokens(links, ids, n_tokens, ((const LeafAttr *)call->attr)->leaf);
#pragma omp parallel for schedule(static) if (n_tokens * C > PARALLEL_MIN)
    for (int64_t col = 0; col < C; col += COLS)
        for (int64_t n = 0; n < n_tokens; n++)
            if (links[n].is_first) {
                assert(ids[n] >= 0 && ids[n] < tensor_dim(sink, 0));
                strip_add_list(row_at(sink, ids[n]), dy, links, n, col, C);
            }
}
