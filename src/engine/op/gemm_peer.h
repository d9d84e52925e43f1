/* gemm_peer.h - how fast a matrix product is here: ours beside oneDNN and OpenBLAS, in one run, at one thread count.
 *
 * The peers judge us and give the measured peak that `bench peak`, `doctor` and a trainer's share of peak speak of; nothing is
 * computed with them. They are loaded when asked for (dlopen), so jikji runs without them; one that is missing is named. */
#ifndef ENGINE_OP_GEMM_PEER_H
#define ENGINE_OP_GEMM_PEER_H

#include "engine/op/gemm.h"

typedef enum {
    GEMM_PEER_OURS,
    GEMM_PEER_ONEDNN,         /* matmul, operands as they lie */
    GEMM_PEER_ONEDNN_PACKED,  /* matmul with B in the layout oneDNN likes best, reordered outside the timing */
    GEMM_PEER_OPENBLAS,       /* sgemm */
    GEMM_PEER_COUNT
} GemmPeer;

typedef struct GemmPeers GemmPeers;

GemmPeers *gemm_peers_open(void);        /* never NULL; peers may be missing */
void gemm_peers_close(GemmPeers *peers); /* NULL is fine */
const char *gemm_peer_name(GemmPeer peer);
/* Why a peer cannot run here ("libdnnl.so.2: not found ..."), or NULL when it can. Lives as long as `peers`. */
const char *gemm_peers_missing(const GemmPeers *peers, GemmPeer peer);

/* Computes g once with the peer, on all OpenMP threads. false: it is missing, or has no such product (peers: a unit stride
 * in each operand, no bias; all three f32, or for oneDNN A and B bf16 and C either, where it has more than plain loops for
 * them on this CPU; oneDNN does not accumulate). k_leaf is ours alone: peers ignore it. */
bool gemm_peers_run(GemmPeers *peers, GemmPeer peer, const Gemm *g, void *workspace);

/* seconds[p]: the best time of one call in n_rounds rounds, peers taking turns; 0 where gemm_peers_run would be false. A call is
 * repeated until a few milliseconds have passed, so small products are timed warm. */
void gemm_peers_time(double seconds[GEMM_PEER_COUNT], GemmPeers *peers, const Gemm *g, void *workspace, int n_rounds);

/* Multiplications and additions. */
double gemm_flops(const Gemm *g);

#endif
