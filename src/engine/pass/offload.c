#include "engine/pass/offload.h"

#include "engine/graph/op_info.h"
#include "engine/op/offload.h"
#include "engine/pass/recompute.h"

/* A value on its way. Places are indices of calls as recorded before this pass: each step is recorded right before that call; -1: never. */
typedef struct {
    Node *node;
    int last_write;  /* the last call that makes or changes it */
    int put, put_done, get, get_done;
    int block;
    Node *token, *back;
} Value;

typedef struct {
    Graph *g;
    BlockFile *file;
    Value *values;     /* per node id; node NULL: stays */
    Node **again;      /* per node id: a window on what came back */
    int *first_forward, *first_backward;  /* [n_layers + 2] the first call of each layer or, forward, of one after it */
    int64_t n_layers;
    int n_calls;       /* before this pass */
    int backward;      /* the first backward call */
} Offload;

static Node *root_of(Node *node)
{
    while (node->alias)
        node = node->alias;
    return node;
}

/* ---- what goes ---- */

static void find_layers(Offload *o, Arena *arena)
{
    o->backward = o->n_calls;
    for (int c = o->n_calls - 1; c >= 0; c--) {
        const Call *call = graph_call_at(o->g, c);
        int64_t layer = call_layer(call->name);
        if (call->segment == SEGMENT_FORWARD && layer + 1 > o->n_layers)
            o->n_layers = layer + 1;
        if (call->segment == SEGMENT_BACKWARD)
            o->backward = c;
    }
    o->first_forward = ARENA_ARRAY(arena, int, o->n_layers + 2);
    o->first_backward = ARENA_ARRAY(arena, int, o->n_layers + 2);
    for (int64_t l = 0; l < o->n_layers + 2; l++)
        o->first_forward[l] = o->backward, o->first_backward[l] = -1;
    for (int c = o->n_calls - 1; c >= 0; c--) {
        const Call *call = graph_call_at(o->g, c);
        int64_t layer = call_layer(call->name);
        if (layer >= 0 && layer < o->n_layers && call->segment == SEGMENT_FORWARD)
            o->first_forward[layer] = c;
        if (layer >= 0 && layer < o->n_layers && call->segment == SEGMENT_BACKWARD)
            o->first_backward[layer] = c;
    }
}

static int64_t bytes_of(const Node *node)
{
    return shape_count(node->shape) * dtype_bytes(node->dtype);
}

static bool may_go(const Offload *o, const Node *node)
{
    const Call *call = node->kind == NODE_CALL && !node->alias ? node->call : NULL;
    int64_t layer = call && call->segment == SEGMENT_FORWARD ? call_layer(call->name) : -1;
    return layer >= 0 && layer < o->n_layers - 1 && bytes_of(node) >= OFFLOAD_BYTES_MIN;
}

/* Of each value: where it is last written, and where the backward pass first reads it. */
static void find_values(Offload *o)
{
    for (int n = 0; n < graph_n_nodes(o->g); n++) {
        Node *node = graph_node_at(o->g, n);
        o->values[node->id] = (Value){.node = may_go(o, node) ? node : NULL, .last_write = -1, .get_done = -1};
    }
    for (int n = 0; n < graph_n_nodes(o->g); n++) {
        Node *node = graph_node_at(o->g, n);
        if (node->is_output)
            o->values[root_of(node)->id].node = NULL;
    }
    for (int c = 0; c < o->n_calls; c++) {
        const Call *call = graph_call_at(o->g, c);
        for (int k = 0; k < call->n_out; k++) {
            Value *value = &o->values[root_of(call->out[k])->id];
            bool writes = !call->out[k]->alias || call->out[k]->writes;
            if (writes && call->segment != SEGMENT_FORWARD)
                value->node = NULL;  /* changed in backward: not ours to hand out twice */
            else if (writes)
                value->last_write = c;
        }
        for (int i = 0; i < call->n_in && call->segment == SEGMENT_BACKWARD && !(call->op->flags & OP_VIEW); i++) {
            Value *value = call->in[i] ? &o->values[root_of(call->in[i])->id] : NULL;
            if (value && value->get_done < 0)
                value->get_done = c;
        }
    }
}

/* Where its steps stand. False: nothing would be won. */
static bool place(const Offload *o, Value *value)
{
    int64_t layer = call_layer(value->node->call->name), needed;
    if (value->get_done < 0)
        return false;
    needed = call_layer(graph_call_at(o->g, value->get_done)->name);
    if (needed < 0 || needed >= o->n_layers - 1)
        return false;
    value->put = value->last_write + 1;
    value->put_done = o->first_forward[layer + 2 < o->n_layers ? layer + 2 : o->n_layers];
    value->get = o->first_backward[needed + 1];
    return value->put <= value->put_done && value->get >= o->backward && value->get <= value->get_done;
}

/* ---- going and coming ---- */

static void record_steps(Offload *o, Value *value, int at)
{
    Graph *g = o->g;
    graph_push_scope(g, "%s", value->node->call->name);
    graph_set_segment(g, at < o->backward || value->put_done == at ? SEGMENT_FORWARD : SEGMENT_BACKWARD);
    if (value->put == at)
        value->token = offload_put(g, value->node, o->file, value->block);
    if (value->put_done == at)
        value->token = offload_put_done(g, value->node, value->token, o->file, value->block);
    graph_set_segment(g, SEGMENT_BACKWARD);
    if (value->get == at)
        value->back = offload_get(g, value->token, value->node, o->file, value->block);
    if (value->get_done == at)
        value->back = offload_get_done(g, value->back, o->file, value->block);
    graph_pop_scope(g);
}

/* The node that holds this value when the backward pass runs: itself, what came back, or a window on that. */
static Node *came_back(Offload *o, Node *node)
{
    if (!node || node->kind != NODE_CALL)
        return node;
    if (o->values[node->id].node)
        return o->values[node->id].back;
    if (!(node->call->op->flags & OP_VIEW) || !o->values[root_of(node)->id].node)
        return node;
    if (!o->again[node->id]) {
        Node *in[OP_INPUTS_MAX];
        for (int i = 0; i < node->call->n_in; i++)
            in[i] = came_back(o, node->call->in[i]);
        o->again[node->id] = node_sibling(graph_repeat_call(o->g, node->call, in), node->index);
    }
    return o->again[node->id];
}

static void read_what_came_back(Offload *o, Call *call)
{
    bool changed = false;
    if (call->segment != SEGMENT_BACKWARD || (call->op->flags & OP_VIEW))
        return;
    for (int i = 0; i < call->n_in; i++) {
        Node *before = call->in[i];
        call->in[i] = came_back(o, before);
        changed |= call->in[i] != before;
    }
    if (changed)
        graph_reinfer(o->g, call);
}

static void rewrite(Offload *o, Value *const *going, int n_going)
{
    for (int c = 0, at = 0; c < o->n_calls; c++, at++) {  /* at: where call c stands now */
        int n_before = graph_n_calls(o->g);
        Call *call = graph_call_at(o->g, at);
        graph_insert_before(o->g, at);
        for (int v = 0; v < n_going; v++)
            if (going[v]->put == c || going[v]->put_done == c || going[v]->get == c || going[v]->get_done == c)
                record_steps(o, going[v], c);
        graph_set_segment(o->g, SEGMENT_BACKWARD);
        read_what_came_back(o, call);
        graph_insert_end(o->g);
        at += graph_n_calls(o->g) - n_before;
    }
}

void pass_offload(Graph *g, BlockFile *file, OffloadReport *report)
{
    *report = (OffloadReport){0};
    if (graph_error(g) != OK)
        return;
    Arena *arena = arena_new();
    int n_nodes = graph_n_nodes(g), n_going = 0;
    Offload o = {.g = g, .file = file, .n_calls = graph_n_calls(g), .values = ARENA_ARRAY(arena, Value, n_nodes),
                 .again = ARENA_ARRAY(arena, Node *, n_nodes)};
    Value **going = ARENA_ARRAY(arena, Value *, n_nodes);
    find_layers(&o, arena);
    find_values(&o);
    for (int n = 0; n < n_nodes; n++) {
        Value *value = &o.values[n];
        if (value->node && !place(&o, value))
            value->node = NULL;
        if (!value->node)
            continue;
        value->block = block_file_add(file, bytes_of(value->node));
        report->n_values++;
        report->n_bytes += bytes_of(value->node);
        going[n_going++] = value;
    }
    rewrite(&o, going, n_going);
    arena_free(arena);
}
