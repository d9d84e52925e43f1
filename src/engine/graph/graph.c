/* graph.c - recording: nodes, names, inputs, states and calls. */
#include "engine/graph/graph_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRAD_LEAF_DEFAULT = 512 };

Graph *graph_new(Store *store)
{
    Graph *g = mem_alloc(sizeof *g);
    g->arena = arena_new();
    g->store = store;
    g->insert_at = -1;
    g->grad_leaf = GRAD_LEAF_DEFAULT;
    g->fuses = true;
    return g;
}

void graph_free(Graph *g)
{
    if (!g)
        return;
    free(g->calls);
    free(g->nodes);
    free(g->bounds);
    arena_free(g->arena);
    free(g);
}

Store *graph_store(const Graph *g)
{
    return g->store;
}

void graph_set_segment(Graph *g, Segment segment)
{
    g->segment = segment;
}

void graph_set_grad_leaf(Graph *g, int64_t n_tokens)
{
    assert(n_tokens > 0);
    g->grad_leaf = n_tokens;
}

int64_t graph_grad_leaf(const Graph *g)
{
    return g->grad_leaf;
}

void graph_set_fusion(Graph *g, bool fuses)
{
    g->fuses = fuses;
}

void graph_set_strands(Graph *g, bool in_strands)
{
    g->in_strands = in_strands;
}

bool graph_fuses(const Graph *g)
{
    return g->fuses;
}

/* ---- names and mistakes ---- */

void graph_push_scope(Graph *g, const char *format, ...)
{
    assert(g->n_scopes < (int)(sizeof g->scope_ends / sizeof g->scope_ends[0]));
    size_t used = strlen(g->scope);
    g->scope_ends[g->n_scopes++] = used;
    va_list args;
    va_start(args, format);
    vsnprintf(g->scope + used, sizeof g->scope - used, format, args);
    va_end(args);
    used = strlen(g->scope);
    assert(used + 2 < sizeof g->scope);
    memcpy(g->scope + used, ".", 2);
}

void graph_pop_scope(Graph *g)
{
    assert(g->n_scopes > 0);
    g->scope[g->scope_ends[--g->n_scopes]] = '\0';
}

static void graph_vfail(Graph *g, const char *before, const char *format, va_list args)
{
    if (g->error)
        return;
    char text[768];
    vsnprintf(text, sizeof text, format, args);
    g->error = arena_printf(g->arena, "%s%s", before, text);
}

void graph_fail(Graph *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    graph_vfail(g, "", format, args);
    va_end(args);
}

void infer_fail(Infer *infer, const char *format, ...)
{
    char before[300];
    snprintf(before, sizeof before, "%s: ", infer->name);
    va_list args;
    va_start(args, format);
    graph_vfail(infer->g, before, format, args);
    va_end(args);
    infer->failed = true;
}

Err graph_error(const Graph *g)
{
    return g->error ? err_set(ERR_USAGE, "%s", g->error) : OK;
}

/* ---- nodes ---- */

void node_set_row_major(Node *node)
{
    int64_t stride = 1;
    for (int i = node->shape.n_dims; i-- > 0;) {
        node->stride[i] = stride;
        stride *= node->shape.dim[i];
    }
}

Node *graph_new_node(Graph *g, NodeKind kind, const char *name, DType dtype, Shape shape)
{
    if (g->n_nodes == g->nodes_capacity) {
        g->nodes_capacity = g->nodes_capacity ? 2 * g->nodes_capacity : 256;
        g->nodes = mem_realloc(g->nodes, sizeof *g->nodes * (size_t)g->nodes_capacity);
    }
    Node *node = ARENA_NEW(g->arena, Node);
    *node = (Node){.kind = kind, .name = name, .id = g->n_nodes, .dtype = dtype, .shape = shape, .state = -1, .param = -1};
    node_set_row_major(node);
    g->nodes[g->n_nodes++] = node;
    return node;
}

const Node *node_root(const Node *node, int64_t *offset)
{
    *offset = 0;
    while (node->alias) {
        *offset += node->offset;
        node = node->alias;
    }
    return node;
}

int node_state_root(const Node *node)
{
    int64_t offset;
    return node_root(node, &offset)->state;
}

Shape node_shape(const Node *node)
{
    return node->shape;
}

int64_t node_dim(const Node *node, int axis)
{
    assert(axis < node->shape.n_dims);
    return node->shape.dim[axis];
}

DType node_dtype(const Node *node)
{
    return node->dtype;
}

int node_bound(const Node *node)
{
    return node->bound;
}

const char *node_name(const Node *node)
{
    return node->name;
}

Node *node_sibling(const Node *node, int index)
{
    assert(node->kind == NODE_CALL && index < node->call->n_out);
    return node->call->out[index];
}

/* ---- inputs and states ---- */

int graph_bound(Graph *g, const char *name, int64_t max)
{
    for (int i = 0; i < g->n_bounds; i++)
        if (strcmp(g->bounds[i].name, name) == 0) {
            if (g->bounds[i].max != max)
                graph_fail(g, "bound %s is %lld here and %lld before", name, (long long)max, (long long)g->bounds[i].max);
            return i + 1;
        }
    g->bounds = mem_realloc(g->bounds, sizeof *g->bounds * (size_t)(g->n_bounds + 1));
    g->bounds[g->n_bounds++] = (Bound){arena_strdup(g->arena, name), max};
    return g->n_bounds;
}

Node *graph_input(Graph *g, const char *name, DType dtype, Shape shape, int bound)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i]->kind == NODE_INPUT && strcmp(g->nodes[i]->name, name) == 0)
            graph_fail(g, "input %s is declared twice", name);
    Node *node = graph_new_node(g, NODE_INPUT, arena_strdup(g->arena, name), dtype, shape);
    assert(bound == 0 || (bound <= g->n_bounds && g->bounds[bound - 1].max == shape.dim[0]));
    node->bound = bound;
    return node;
}

/* One node a state range: asking twice gives the same node. */
static Node *graph_state_node(Graph *g, const char *name, int state, int64_t offset, Shape shape, int param)
{
    for (int i = 0; i < g->n_nodes; i++) {
        Node *n = g->nodes[i];
        if (n->kind == NODE_STATE && n->state == state && n->offset == offset && shape_equal(n->shape, shape))
            return n;
    }
    Node *node = graph_new_node(g, NODE_STATE, arena_strdup(g->arena, name), store_state(g->store, state)->dtype, shape);
    node->state = state;
    node->offset = offset;
    node->param = param;
    return node;
}

/* A mistake gives a node all the same, so that building can go on. */
static Node *graph_missing(Graph *g, const char *what, const char *name)
{
    graph_fail(g, "no %s is called %s", what, name);
    return graph_new_node(g, NODE_INPUT, "missing", DTYPE_F32, shape_2(1, 1));
}

Node *graph_param(Graph *g, const char *name)
{
    int index = store_find_param(g->store, name);
    if (index < 0)
        return graph_missing(g, "parameter", name);
    const Param *param = store_param(g->store, index);
    const char *slab = arena_printf(g->arena, "%s.param", store_bucket(g->store, param->bucket)->name);
    return graph_state_node(g, name, store_find_state(g->store, slab), param->offset, param->shape, index);
}

Node *graph_param_copy(Graph *g, const char *name, DType dtype)
{
    int index = store_find_param(g->store, name);
    if (index < 0)
        return graph_missing(g, "parameter", name);
    const char *copy = arena_printf(g->arena, "%s:%s", name, dtype_name(dtype));
    store_add_state(g->store, copy, STATE_COPY, dtype, store_param(g->store, index)->shape);
    return graph_state_node(g, copy, store_find_state(g->store, copy), 0, store_param(g->store, index)->shape, index);
}

Node *graph_state_range(Graph *g, int state, int64_t offset, Shape shape)
{
    return graph_state_node(g, store_state(g->store, state)->name, state, offset, shape, -1);
}

Node *graph_state(Graph *g, const char *name)
{
    int state = store_find_state(g->store, name);
    if (state < 0)
        return graph_missing(g, "state", name);
    return graph_state_node(g, name, state, 0, store_state(g->store, state)->shape, -1);
}

void graph_output(Graph *g, const char *name, Node *node)
{
    node->name = arena_strdup(g->arena, name);
    node->is_output = true;
}

/* ---- calls ---- */

void infer_like(Infer *infer, int o, int i)
{
    const Node *in = infer->in[i];
    infer->out[o] = (OutSpec){.dtype = in->dtype, .shape = in->shape, .bound = in->bound, .alias = -1};
}

const char *infer_describe(Infer *infer, int i)
{
    const Node *in = infer->in[i];
    if (!in)
        return "absent";
    char text[SHAPE_TEXT_BYTES];
    return arena_printf(infer->g->arena, "%s %s", dtype_name(in->dtype), shape_to_text(text, in->shape));
}

static void graph_apply_spec(Call *call, int o, const OutSpec *spec)
{
    Node *node = call->out[o];
    node->dtype = spec->dtype;
    node->shape = spec->shape;
    node->bound = spec->bound;
    node->alias = spec->alias >= 0 ? call->in[spec->alias] : NULL;
    node->offset = spec->offset;
    node->writes = spec->writes;
    /* What is written in place is still the same state or parameter. */
    node->param = spec->writes ? node->alias->param : -1;
    node_set_row_major(node);
    if (spec->alias >= 0 && spec->stride[0])
        memcpy(node->stride, spec->stride, sizeof node->stride);
}

/* Runs infer and gives the call's outputs their shapes; makes the nodes that there are not yet. */
static void graph_infer(Graph *g, Call *call)
{
    Infer infer = {.g = g, .name = call->name, .in = call->in, .n_in = call->n_in, .attr = call->attr, .n_out = 1};
    for (int i = 0; i < OP_OUTPUTS_MAX; i++)
        infer.out[i].alias = -1;
    if (!g->error)
        call->op->infer(&infer);
    if (g->error && infer.n_out < 1)
        infer.n_out = 1;
    if (g->error && call->n_out == 0)  /* harmless values; siblings may be asked for */
        infer.n_out = OP_OUTPUTS_MAX;
    call->workspace_bytes = infer.workspace_bytes;
    for (; call->n_out < infer.n_out; call->n_out++) {
        Node *node = call->out[call->n_out] = graph_new_node(g, NODE_CALL, call->name, DTYPE_F32, shape_2(1, 1));
        node->call = call;
        node->index = call->n_out;
    }
    if (!g->error)
        for (int o = 0; o < call->n_out; o++)
            graph_apply_spec(call, o, &infer.out[o]);
}

static void graph_insert_call(Graph *g, Call *call)
{
    if (g->n_calls == g->calls_capacity) {
        g->calls_capacity = g->calls_capacity ? 2 * g->calls_capacity : 256;
        g->calls = mem_realloc(g->calls, sizeof *g->calls * (size_t)g->calls_capacity);
    }
    int at = g->insert_at >= 0 ? g->insert_at++ : g->n_calls;
    memmove(g->calls + at + 1, g->calls + at, sizeof *g->calls * (size_t)(g->n_calls - at));
    g->calls[at] = call;
    g->n_calls++;
}

static Call *graph_new_call(Graph *g, const OpInfo *op, const char *name, Node *const *in, int n_in)
{
    assert(n_in <= OP_INPUTS_MAX);
    Call *call = ARENA_NEW(g->arena, Call);
    *call = (Call){.op = op, .name = name, .id = g->n_calls, .segment = g->segment, .n_in = n_in};
    if (n_in)
        memcpy(call->in, in, sizeof *in * (size_t)n_in);
    return call;
}

/* Copies call->attr_bytes bytes. */
static void graph_copy_attr(Graph *g, Call *call, const void *attr)
{
    void *copy = arena_alloc(g->arena, call->attr_bytes);
    memcpy(copy, attr, call->attr_bytes);
    call->attr = copy;
}

Node *graph_call(Graph *g, const OpInfo *op, Node *const *in, int n_in, const void *attr, size_t attr_bytes)
{
    Call *call = graph_new_call(g, op, arena_printf(g->arena, "%s%s", g->scope, op->name), in, n_in);
    call->attr_bytes = attr_bytes;
    if (attr_bytes)
        graph_copy_attr(g, call, attr);
    graph_infer(g, call);
    graph_insert_call(g, call);
    return call->out[0];
}

Node *graph_repeat_call(Graph *g, const Call *original, Node *const *in)
{
    Call *call = graph_new_call(g, original->op, arena_printf(g->arena, "again(%s)", original->name), in, original->n_in);
    call->attr = original->attr;
    call->attr_bytes = original->attr_bytes;
    call->repeats = original;
    graph_infer(g, call);
    graph_insert_call(g, call);
    return call->out[0];
}

int graph_n_calls(const Graph *g)
{
    return g->n_calls;
}

int graph_n_nodes(const Graph *g)
{
    return g->n_nodes;
}

Node *graph_node_at(Graph *g, int id)
{
    assert(id >= 0 && id < g->n_nodes);
    return g->nodes[id];
}

Call *graph_call_at(Graph *g, int index)
{
    assert(index >= 0 && index < g->n_calls);
    return g->calls[index];
}

void graph_reinfer(Graph *g, Call *call)
{
    graph_infer(g, call);
}

void graph_set_attr(Graph *g, Call *call, const void *attr)
{
    graph_copy_attr(g, call, attr);
    graph_infer(g, call);
}

void graph_insert_before(Graph *g, int index)
{
    assert(index >= 0 && index <= g->n_calls);
    g->insert_at = index;
}

void graph_insert_end(Graph *g)
{
    g->insert_at = -1;
}
