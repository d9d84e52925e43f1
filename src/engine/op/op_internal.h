/* op_internal.h - what the files of this room share: facts that infer checks, the way kernels walk tensors, leaves of tokens. */
#ifndef ENGINE_OP_OP_INTERNAL_H
#define ENGINE_OP_OP_INTERNAL_H

#include "engine/graph/op_info.h"
#include "base/kernel.h"

/* ---- infer: each returns false after marking the graph ---- */

bool dtype_is_float(DType dtype);                        /* f32, bf16, fp16, f64 */
DType dtype_wider(DType a, DType b);                     /* of two floats: bf16, fp16 < f32 < f64 */
bool infer_is_float(Infer *infer, int i, const char *name);
/* Input i has so many dimensions; the last has unit stride (kernels walk rows of vectors). */
bool infer_is_rows(Infer *infer, int i, int n_dims, const char *name);
bool infer_has_shape(Infer *infer, int i, Shape shape, const char *name);
/* Inputs i and k have the same shape and bound. */
bool infer_same_rows(Infer *infer, int i, int k);
/* Output o, an f32, is rounded to a half format on its way out; DTYPE_F32: it stays what it is. */
void infer_rounded(Infer *infer, int o, DType dtype);
/* Unless DTYPE_F32, one more output: the first, in this dtype. */
void infer_copy_rounded(Infer *infer, DType dtype);
/* Output o is input i, changed in place. */
void infer_writes(Infer *infer, int o, int i);

/* ---- what a pass may ask ---- */

bool call_is_cast(const Call *call);

/* ---- cost: the engine has counted bytes before cost() is called ---- */

double node_count(const Node *node);  /* elements at the maximal size */

/* ---- building ---- */

/* x, or a dense copy of it when it is a strided window. */
Node *dense(Graph *g, Node *x);
bool node_is_dense(const Node *node);

/* ---- kernels: rows and pieces ---- */

/* A tensor is walked as rows of its last axis; outer axes may have any stride. */
static inline int64_t rows_of(const Tensor *t)
{
    int64_t n = 1;
    for (int i = 0; i + 1 < t->shape.n_dims; i++)
        n *= t->shape.dim[i];
    return n;
}

static inline int64_t cols_of(const Tensor *t)
{
    return t->shape.n_dims ? t->shape.dim[t->shape.n_dims - 1] : 1;
}

/* Elements from the start of t to its row, the first `outer` axes being counted as rows. */
static inline int64_t outer_offset(const Tensor *t, int outer, int64_t row)
{
    int64_t offset = 0;
    for (int i = outer - 1; i > 0; i--) {
        offset += row % t->shape.dim[i] * t->stride[i];
        row /= t->shape.dim[i];
    }
    return outer > 0 ? offset + row * t->stride[0] : 0;
}

static inline void *row_at(const Tensor *t, int64_t row)
{
    int64_t offset = outer_offset(t, t->shape.n_dims - 1, row);
    return (char *)t->data + offset * (t->dtype == DTYPE_BF16 || t->dtype == DTYPE_F16 ? 2 : dtype_bytes(t->dtype));
}

/* Elementwise kernels over tensors of one shape: the longest stretch over which all are dense, cut into pieces of PIECE_MAX. */
enum { PIECE_MAX = 8192, PARALLEL_MIN = 16384 /* elements worth a second thread; decode's kernels then open no region, which with an `if` takes 0.35 us */ };
typedef struct {
    int outer;  /* axes that are rows; the others are one dense stretch */
    int64_t n_cols, n_blocks;
    int64_t n_pieces, count;
} Pieces;
Pieces pieces_of(const Tensor *const *t, int n_tensors);
typedef struct {
    int64_t row, col, n;
} Piece;

static inline Piece piece_at(const Pieces *p, int64_t index)
{
    Piece piece = {.row = index / p->n_blocks, .col = index % p->n_blocks * PIECE_MAX};
    piece.n = p->n_cols - piece.col < PIECE_MAX ? p->n_cols - piece.col : PIECE_MAX;
    return piece;
}

static inline void *piece_data(const Pieces *p, const Tensor *t, Piece piece)
{
    return (char *)t->data + (outer_offset(t, p->outer, piece.row) + piece.col) * dtype_bytes(t->dtype);
}

enum { SUM_BLOCK = 4096 };  /* elements that one thread sums in double (sum, grad_norm) */

/* ---- leaves: sums over tokens ----
 *
 * Tokens are cut into leaves of graph_grad_leaf tokens, and leaves into blocks of LEAF_BLOCK rows that one thread sums from zero. The
 * blocks of a leaf are added in order to make the leaf's sum, and leaves are added in order to the gradient. A leaf that is cut nowhere
 * else thus gives the same bits in any micro batch. */
enum { LEAF_BLOCK = 64 };
typedef struct {
    int64_t n_rows, leaf_rows, blocks_per_leaf, n_blocks;
} LeafBlocks;

static inline LeafBlocks leaf_blocks(int64_t n_rows, int64_t leaf_rows)
{
    LeafBlocks b = {n_rows, leaf_rows, (leaf_rows + LEAF_BLOCK - 1) / LEAF_BLOCK, 0};
    b.n_blocks = n_rows / leaf_rows * b.blocks_per_leaf + (n_rows % leaf_rows + LEAF_BLOCK - 1) / LEAF_BLOCK;
    return b;
}

/* The rows of x [tokens, ..., C], whose leaves are counted in tokens. */
static inline LeafBlocks token_leaf_blocks(Shape shape, int64_t leaf)
{
    int64_t n_rows = 1, rows_per_token = 1;
    for (int i = 0; i + 1 < shape.n_dims; i++)
        n_rows *= shape.dim[i];
    for (int i = 1; i + 1 < shape.n_dims; i++)
        rows_per_token *= shape.dim[i];
    return leaf_blocks(n_rows, leaf * (rows_per_token ? rows_per_token : 1));
}

static inline int64_t leaf_block_begin(const LeafBlocks *b, int64_t block)
{
    return block / b->blocks_per_leaf * b->leaf_rows + block % b->blocks_per_leaf * LEAF_BLOCK;
}

static inline int64_t leaf_block_end(const LeafBlocks *b, int64_t block)
{
    int64_t end = leaf_block_begin(b, block) + LEAF_BLOCK, leaf_end = (block / b->blocks_per_leaf + 1) * b->leaf_rows;
    end = end < leaf_end ? end : leaf_end;
    return end < b->n_rows ? end : b->n_rows;
}

/* The attribute of operators that sum over tokens. */
typedef struct {
    int64_t leaf;  /* tokens */
} LeafAttr;

/* Of those that may make output 0 once more, rounded (OpInfo.copy_rounded): the copy's DType; DTYPE_F32: there is none. */
typedef struct {
    int64_t leaf, copy_dtype;
} LeafCopyAttr;

#endif
