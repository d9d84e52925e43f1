/* gemm_peer_test.c - the peers compute the product that they are timed at, in its dtypes, or say that they cannot. */
#include "base/cpu_level.h"
#include "base/test.h"
#include "engine/op/gemm_case.h"
#include "engine/op/gemm_peer.h"
#include "engine/tensor/tensor.h"

static double c_value(const Gemm *g, int64_t row, int64_t column)
{
    Tensor c = tensor_contiguous(g->c_dtype, shape_1(g->m * g->c_row_stride), g->c);
    return tensor_get(&c, row * g->c_row_stride + column);
}

/* The largest error against the plain product, as a share of what roundings allow; 0 if the peer has no such product. */
static double worst_share(Arena *arena, GemmPeers *peers, GemmPeer peer, const Gemm *g)
{
    double *want = ARENA_ARRAY(arena, double, g->m * g->n), *magnitude = ARENA_ARRAY(arena, double, g->m * g->n), worst = 0.0;
    gemm_ref(g, want, magnitude);
    if (!gemm_peers_run(peers, peer, g, arena_alloc(arena, gemm_workspace_bytes(g))))
        return 0.0;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++)
            worst = fmax(worst, fabs(c_value(g, i, j) - want[i * g->n + j]) / (gemm_error_bound(g) * magnitude[i * g->n + j]));
    return worst;
}

/* Goal: no peer is timed at another product than ours.
 * Method: the dtypes that training has, however operands lie, against the plain product. */
TEST(gemm_peer, products_are_right_in_every_dtype)
{
    static const DType dtypes[][2] = {{DTYPE_F32, DTYPE_F32}, {DTYPE_BF16, DTYPE_F32}, {DTYPE_BF16, DTYPE_BF16}};
    Arena *arena = arena_new();
    GemmPeers *peers = gemm_peers_open();
    for (int d = 0; d < 3; d++)
        for (int lays = 0; lays < 4; lays++)
            for (int p = 0; p < GEMM_PEER_COUNT; p++) {
                arena_reset(arena);
                Gemm g = gemm_case(arena, 37, 70, 101, dtypes[d][0], dtypes[d][0], dtypes[d][1], (Lay)(lays % 2), (Lay)(lays / 2));
                if (!CHECK(worst_share(arena, peers, (GemmPeer)p, &g) <= 1.0))
                    test_note("%s, dtypes %d, lays %d", gemm_peer_name((GemmPeer)p), d, lays);
            }
    gemm_peers_close(peers);
    arena_free(arena);
}

/* Goal: bf16 is compared with bf16 where the CPU has instructions for it, and nobody computes what it was not asked for. */
TEST(gemm_peer, says_which_dtypes_it_has)
{
    Arena *arena = arena_new();
    GemmPeers *peers = gemm_peers_open();
    Gemm bf16 = gemm_case(arena, 33, 40, 50, DTYPE_BF16, DTYPE_BF16, DTYPE_BF16, LAY_ROWS, LAY_ROWS), mixed = bf16, f16 = bf16;
    mixed.b_dtype = DTYPE_F32;  /* never read */
    f16.a_dtype = f16.b_dtype = f16.c_dtype = DTYPE_F16;
    bool has_bf16 = cpu_level_best() == CPU_AVX512_BF16 && !gemm_peers_missing(peers, GEMM_PEER_ONEDNN);
    for (int p = GEMM_PEER_ONEDNN; p < GEMM_PEER_COUNT; p++) {
        CHECK(!gemm_peers_run(peers, (GemmPeer)p, &mixed, NULL));
        CHECK(!gemm_peers_run(peers, (GemmPeer)p, &f16, NULL));
        if (p == GEMM_PEER_OPENBLAS || has_bf16)
            CHECK_EQUAL(gemm_peers_run(peers, (GemmPeer)p, &bf16, NULL), p != GEMM_PEER_OPENBLAS);
    }
    gemm_peers_close(peers);
    arena_free(arena);
}
