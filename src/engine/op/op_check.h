/* op_check.h - how an operator is held to its formula; for tests of operators. The code is in engine/pass/op_check_test.c, for it
 * differentiates graphs.
 *
 * A case builds a small graph from values that it declares; the tools build that graph as often as they need, in other dtypes, on other
 * kernels, and with its tokens cut otherwise:
 *
 *     static Node *build(OpCheck *c)
 *     {
 *         Node *x = check_tokens(c, "x", shape_2(check_n_tokens(c), 33), 1.0), *w = check_value(c, "w", shape_2(5, 33), 0.2);
 *         return linear(check_graph(c), x, w, NULL, WEIGHT_OUT_IN);
 *     }
 *     OpCase c = {.build = build, .n_tokens = 7, .n_roundings = 33 + 2};
 *     CHECK(op_gradcheck(&c, 1.0) < 1e-6);    the derivative is the derivative of the reference kernel
 *     op_check_fast(&c);                      fast kernels: near the reference, the same bits on 1 to 4 threads
 *     op_check_micro(&c, 4);                  gradients do not show how tokens were cut into micro batches of whole leaves
 *
 * The loss is sum(y * r) with fixed random r. Values are normal numbers times a scale, rounded to bf16, so that every dtype holds the
 * same numbers (fp16 but for the smallest); they depend on the name and the index only. */
#ifndef ENGINE_OP_OP_CHECK_H
#define ENGINE_OP_OP_CHECK_H

#include "engine/graph/graph.h"

typedef struct OpCheck OpCheck;

/* What the rounding error of an element is measured against. */
typedef enum {
    MAGNITUDE_ABSOLUTE,  /* the same graph with all values made positive: sums of products */
    MAGNITUDE_ROW,       /* the largest of its row: norms, softmax */
    MAGNITUDE_ARRAY,     /* the largest of all: parts that are of the size of the array may cancel anywhere */
    MAGNITUDE_ELEMENT,   /* itself: elementwise without cancellation */
} Magnitude;

typedef struct {
    Node *(*build)(OpCheck *check);  /* returns y, a float value */
    const void *args;                /* for build: check_args */
    int64_t n_tokens;
    int n_roundings;       /* f32 roundings that an element of y or of a gradient may meet one after the other */
    int n_half_roundings;  /* the same for bf16 or fp16 stores on the way, in their units; 0 means 1 */
    Magnitude magnitude;
    int64_t grad_leaf;     /* 0: the graph's own */
} OpCase;

/* ---- inside build ---- */

Graph *check_graph(OpCheck *check);
const void *check_args(const OpCheck *check);
int64_t check_n_tokens(const OpCheck *check);
DType check_dtype(const OpCheck *check);  /* f64, f32, bf16 or fp16 */

/* A weight: in the case's dtype, differentiated. */
Node *check_value(OpCheck *check, const char *name, Shape shape, double scale);
/* The same, but f32 when the case is bf16 or fp16: a bias, a gain. */
Node *check_value_f32(OpCheck *check, const char *name, Shape shape, double scale);
/* A value with a row for each token (dim 0 is check_n_tokens), differentiated but where tokens are cut. */
Node *check_tokens(OpCheck *check, const char *name, Shape shape, double scale);
/* An input, not differentiated: in the case's dtype, or f32 (f64 in f64). A row for each token if dim 0 is check_n_tokens. */
Node *check_input(OpCheck *check, const char *name, Shape shape, double scale);
Node *check_input_f32(OpCheck *check, const char *name, Shape shape, double scale);
/* i32 [n_tokens], uniform in [0, n). */
Node *check_ids(OpCheck *check, const char *name, int64_t n);
/* i32 of any shape, element i (counted over all tokens) being value(args, i); a row for each token if dim 0 is check_n_tokens. */
Node *check_i32(OpCheck *check, const char *name, Shape shape, int32_t (*value)(const void *args, int64_t i));

/* ---- tools ---- */

/* pass_differentiate, for tests in this room that build graphs of their own. */
void check_differentiate(Graph *g, Node *loss);

/* The largest difference between analytic gradients and central differences in f64 on the reference kernels, over the largest gradient, of
 * all parameters; values are multiplied by `scale`. Large parameters are probed at 48 places. Right code gives 1e-8 or less. */
double op_gradcheck(const OpCase *c, double scale);

/* Compares the fast kernels, f32, bf16 and fp16, at every CPU level of this machine, with the reference in f64: error <= gamma * magnitude for
 * y and every gradient, gamma from n_roundings (Higham 2002, 3.1); and compares hashes on 1 to 4 threads. Checks and notes. */
void op_check_fast(const OpCase *c);

/* Compares hashes of y and of all parameters' gradients: 8 leaves of `leaf` tokens in one run, in 8 runs of the same program, and in 8 runs of a
 * program planned for one leaf; f32 and bf16. */
void op_check_micro(const OpCase *c, int64_t leaf);

#endif
