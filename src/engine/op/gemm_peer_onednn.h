/* gemm_peer_onednn.h - oneDNN's matmul, for gemm_peer.c alone. */
#ifndef ENGINE_OP_GEMM_PEER_ONEDNN_H
#define ENGINE_OP_GEMM_PEER_ONEDNN_H

#include "engine/op/gemm.h"

typedef struct Onednn Onednn;

/* NULL when the library or its header was missing; `why` says which. */
Onednn *onednn_open(char *why, size_t why_bytes);
void onednn_close(Onednn *dnn);  /* NULL is fine */

/* C = A B: all f32, or A and B bf16 with C f32 or bf16. The primitive of the last shape is kept, and with `is_packed` also B as it was
 * reordered then: the caller does not change B between calls of one shape. false: oneDNN has nothing for this but plain loops. */
bool onednn_run(Onednn *dnn, const Gemm *g, bool is_packed);

#endif
