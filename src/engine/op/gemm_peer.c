/* gemm_peer.c - takes turns at a product; the libraries behind are in gemm_peer_onednn.c and below. See gemm_peer.h. */
#include "engine/op/gemm_peer.h"
#include "base/arena.h"
#include "engine/op/gemm_peer_onednn.h"

#include <dlfcn.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef void CblasSgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                        const float *b, int ldb, float beta, float *c, int ldc);
enum { CBLAS_ROW_MAJOR = 101, CBLAS_NO_TRANSPOSE = 111, CBLAS_TRANSPOSE = 112 };

struct GemmPeers {
    Onednn *onednn;
    void *openblas;
    CblasSgemm *sgemm;
    void (*set_threads)(int n);
    char onednn_missing[256], openblas_missing[256];
};

static void openblas_open(GemmPeers *peers)
{
    peers->openblas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (peers->openblas) {
        peers->sgemm = (CblasSgemm *)dlsym(peers->openblas, "cblas_sgemm");
        peers->set_threads = (void (*)(int))dlsym(peers->openblas, "openblas_set_num_threads");
    }
    if (!peers->sgemm || !peers->set_threads)
        snprintf(peers->openblas_missing, sizeof peers->openblas_missing, "%s", dlerror());
}

GemmPeers *gemm_peers_open(void)
{
    GemmPeers *peers = mem_alloc(sizeof *peers);
    peers->onednn = onednn_open(peers->onednn_missing, sizeof peers->onednn_missing);
    openblas_open(peers);
    return peers;
}

void gemm_peers_close(GemmPeers *peers)
{
    if (!peers)
        return;
    onednn_close(peers->onednn);
    if (peers->openblas)
        dlclose(peers->openblas);
    free(peers);
}

const char *gemm_peer_name(GemmPeer peer)
{
    static const char *const names[GEMM_PEER_COUNT] = {"ours", "oneDNN", "oneDNN packed", "OpenBLAS"};
    return names[peer];
}

const char *gemm_peers_missing(const GemmPeers *peers, GemmPeer peer)
{
    const char *why = peer == GEMM_PEER_OURS       ? ""
                      : peer == GEMM_PEER_OPENBLAS ? peers->openblas_missing
                                                   : peers->onednn_missing;
    return why[0] ? why : NULL;
}

static bool openblas_run(const GemmPeers *peers, const Gemm *g)
{
    bool a_transposed = g->a_col_stride != 1, b_transposed = g->b_col_stride != 1;
    peers->set_threads(omp_get_max_threads());
    peers->sgemm(CBLAS_ROW_MAJOR, a_transposed ? CBLAS_TRANSPOSE : CBLAS_NO_TRANSPOSE,
                 b_transposed ? CBLAS_TRANSPOSE : CBLAS_NO_TRANSPOSE, (int)g->m, (int)g->n, (int)g->k, 1.0f, g->a,
                 (int)(a_transposed ? g->a_col_stride : g->a_row_stride), g->b,
                 (int)(b_transposed ? g->b_col_stride : g->b_row_stride), g->accumulate ? 1.0f : 0.0f, g->c,
                 (int)g->c_row_stride);
    return true;
}

static bool is_f32(const Gemm *g)
{
    return g->a_dtype == DTYPE_F32 && g->b_dtype == DTYPE_F32 && g->c_dtype == DTYPE_F32;
}

static bool is_bf16(const Gemm *g)
{
    return g->a_dtype == DTYPE_BF16 && g->b_dtype == DTYPE_BF16 && (g->c_dtype == DTYPE_F32 || g->c_dtype == DTYPE_BF16);
}

static bool is_for_peer(const Gemm *g, GemmPeer peer)
{
    bool lies_well = (g->a_row_stride == 1 || g->a_col_stride == 1) && (g->b_row_stride == 1 || g->b_col_stride == 1);
    return lies_well && !g->bias && (is_f32(g) || (is_bf16(g) && peer != GEMM_PEER_OPENBLAS));
}

bool gemm_peers_run(GemmPeers *peers, GemmPeer peer, const Gemm *g, void *workspace)
{
    if (peer == GEMM_PEER_OURS) {
        gemm_run(g, workspace);
        return true;
    }
    if (gemm_peers_missing(peers, peer) || !is_for_peer(g, peer))
        return false;
    if (peer == GEMM_PEER_OPENBLAS)
        return openblas_run(peers, g);
    return !g->accumulate && onednn_run(peers->onednn, g, peer == GEMM_PEER_ONEDNN_PACKED);
}

double gemm_flops(const Gemm *g)
{
    return 2.0 * (double)g->m * (double)g->n * (double)g->k;
}

/* With one thread, its own CPU time: then neighbours who want the same core do not show. */
static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(omp_get_max_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One turn: the peer before may still have threads that wait busily, so there is a pause and a call that does not count. */
static double time_turn(GemmPeers *peers, GemmPeer peer, const Gemm *g, void *workspace)
{
    enum { TURN_MS = 4, PAUSE_MS = 30, CALLS_MAX = 1000 };
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
    if (!gemm_peers_run(peers, peer, g, workspace))
        return 0.0;
    double best = INFINITY, start = now_seconds();
    for (int i = 0; i < CALLS_MAX && now_seconds() - start < TURN_MS * 1e-3; i++) {
        double before = now_seconds();
        gemm_peers_run(peers, peer, g, workspace);
        best = fmin(best, now_seconds() - before);
    }
    return best;
}

void gemm_peers_time(double seconds[GEMM_PEER_COUNT], GemmPeers *peers, const Gemm *g, void *workspace, int n_rounds)
{
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        seconds[p] = 0.0;
    for (int round = 0; round < n_rounds; round++)
        for (int p = 0; p < GEMM_PEER_COUNT; p++) {
            double turn = time_turn(peers, (GemmPeer)p, g, workspace);
            if (turn > 0.0 && (seconds[p] == 0.0 || turn < seconds[p]))
                seconds[p] = turn;
        }
}
