/* graph.h - building programs: values, operators that record, gradients.
 *
 * A Graph is a list of calls. Each builder function of engine/op records one call and returns the value it makes:
 *
 *     Node *y = matmul(g, x, w);
 *
 * Nothing is computed. Shapes and dtypes are known at once; a wrong one marks the graph (sticky), building goes on with
 * harmless values, and graph_compile returns the first mistake by the names of its nodes. A Node is one value; a call may
 * make several (node_sibling). Nodes belong to the graph.
 *
 * Values come from three places: inputs, which the host writes before a run; state, which outlives runs and lives in a
 * Store; and calls. A value's first dimension may be *bound*: memory is planned for the maximum, and a run uses the
 * count that program_set_bound wrote last; kernels see tensors of the live size.
 *
 * Calls carry the segment of the step that they belong to. The order of a program is the order of recording, but for
 * values that a gradient supersedes (op_info.h); state is written in the order in which the writes were recorded. */
#ifndef ENGINE_GRAPH_GRAPH_H
#define ENGINE_GRAPH_GRAPH_H

#include "base/arena.h"
#include "base/err.h"
#include "engine/graph/store.h"
#include "engine/tensor/tensor.h"

#include <stdbool.h>

typedef struct Graph Graph;
typedef struct Node Node;

/* A step is a schedule of segments: F0 B0 F1 B1 ... U on one rank. */
typedef enum { SEGMENT_FORWARD, SEGMENT_BACKWARD, SEGMENT_UPDATE, N_SEGMENTS } Segment;

/* A graph over the states of `store`, which must outlive it. */
Graph *graph_new(Store *store);
void graph_free(Graph *g);  /* NULL is fine */
Store *graph_store(const Graph *g);

/* Calls recorded from now on belong to this segment; a new graph starts in SEGMENT_FORWARD. */
void graph_set_segment(Graph *g, Segment segment);
/* Opens and closes a name: calls inside "h.0" > "attn" are called "h.0.attn.<operator>" in errors, profiles and drawings. */
void graph_push_scope(Graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
void graph_pop_scope(Graph *g);

/* Declares a bound for first dimensions, e.g. ("n_tokens", 4096). Returns its id, >= 1. The name is its identity: asking again
 * with the same name returns the same id (the maximum must agree). */
int graph_bound(Graph *g, const char *name, int64_t max);

/* A value the host writes before a run. `bound` is 0, or the id of a bound whose maximum is shape.dim[0]. */
Node *graph_input(Graph *g, const char *name, DType dtype, Shape shape, int bound);
/* A parameter of the store, by its name. */
Node *graph_param(Graph *g, const char *name);
/* A copy of a parameter in another dtype, kept as state ("<name>:bf16") and refreshed by the update segment. Its gradient is the
 * parameter's gradient. */
Node *graph_param_copy(Graph *g, const char *name, DType dtype);
/* A whole state of the store, e.g. a bucket's slab "decay.grad" or a KV cache. */
Node *graph_state(Graph *g, const char *name);
/* A range of a state, `offset` elements in: one parameter's gradient in its slab. */
Node *graph_state_range(Graph *g, int state, int64_t offset, Shape shape);

/* Keeps a value readable after a run, under this name. */
void graph_output(Graph *g, const char *name, Node *node);

/* Sums over tokens (weight, bias, norm and embedding gradients) are cut into leaves of this many tokens, each summed from zero in a fixed order
 * and then added to the f32 gradient, leaf by leaf. 512 at first. Gradients are the same for every cut into micro batches of whole leaves. */
void graph_set_grad_leaf(Graph *g, int64_t n_tokens);
int64_t graph_grad_leaf(const Graph *g);

/* Whether a derivative that makes its operator's result, too, takes its place (a loss and its gradients in one pass). At first, yes; no is for measuring
 * what that saves. */
void graph_set_fusion(Graph *g, bool fuses);
bool graph_fuses(const Graph *g);

/* Whether threads may go through a program's calls with rows of their own, where these work row by row and weights are small (strands.h). At first, no; it
 * takes some memory. No bit depends on it. */
void graph_set_strands(Graph *g, bool in_strands);

/* Marks the graph with a mistake of its builder, unless it is marked already. */
void graph_fail(Graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ERR_USAGE and the first mistake as message, or OK. */
Err graph_error(const Graph *g);

Shape node_shape(const Node *node);
int64_t node_dim(const Node *node, int axis);
DType node_dtype(const Node *node);
int node_bound(const Node *node);  /* 0: none */
const char *node_name(const Node *node);
/* Another result of the call that made this one: attention's second is its log-sum-exp. */
Node *node_sibling(const Node *node, int index);

/* Text of all calls in program order, one a line: name, operator, inputs, shapes. */
const char *graph_to_text(const Graph *g, Arena *arena);

/* The calls of graphs as one drawing for Graphviz (`dot -Tsvg`): a box a call in its segment, an edge a value with dtype and shape. */
const char *graphs_to_dot(const Graph *const *graphs, int n_graphs, Arena *arena);

#endif
