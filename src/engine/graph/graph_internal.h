/* graph_internal.h - the parts of a graph, shared by recording, differentiating and compiling. */
#ifndef ENGINE_GRAPH_GRAPH_INTERNAL_H
#define ENGINE_GRAPH_GRAPH_INTERNAL_H

#include "engine/graph/graph.h"
#include "engine/graph/op_info.h"

typedef struct {
    const char *name;
    int64_t max;
} Bound;

struct Graph {
    Arena *arena;
    Store *store;
    Call **calls;  /* in order of recording, but for insertions */
    int n_calls, calls_capacity;
    int insert_at;  /* -1: append */
    Node **nodes;
    int n_nodes, nodes_capacity;
    Bound *bounds;  /* bound id - 1 */
    int n_bounds;
    Segment segment;
    int64_t grad_leaf;
    bool fuses, in_strands;
    char scope[256];
    size_t scope_ends[16];  /* lengths of the enclosing scopes */
    int n_scopes;
    const char *error;  /* the first mistake */
};

/* A new node with row-major strides; `name` must live as long as the graph. */
Node *graph_new_node(Graph *g, NodeKind kind, const char *name, DType dtype, Shape shape);
void node_set_row_major(Node *node);
/* The node that owns the memory this one lies in, and the total offset in elements. */
const Node *node_root(const Node *node, int64_t *offset);
/* Calls in the order they run: recording order with superseded values respected, dead calls left out. Lives in `arena`. */
Call **graph_order(const Graph *g, Arena *arena, int *n_calls);

#endif
