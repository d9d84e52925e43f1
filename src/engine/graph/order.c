/* order.c - the order in which calls run.
 *
 * The order of recording, but that dead calls are left out, and a call that reads a superseding value waits for it (and moves to
 * its segment). Calls that touch the same memory, one of them writing, keep their order of recording. */
#include "engine/graph/graph_internal.h"

#include <assert.h>
#include <string.h>

typedef struct IndexList {
    struct IndexList *next;
    int index;
} IndexList;

/* What is known of one owner of memory while the calls are scanned in order of recording. */
typedef struct {
    int last_writer;     /* call index, -1 */
    IndexList *readers;  /* since then */
} Touch;

typedef enum { UNSEEN, OPEN, DONE } Mark;

typedef struct {
    const Graph *g;
    Arena *arena;
    int *index_of_node;    /* per node: the index of its call, -1 */
    IndexList **waits_for; /* per call */
    bool *needed;          /* per call */
    Mark *marks;
    Call **order;
    int n_order;
} Order;

static void wait_for(Order *o, int call, int earlier)
{
    if (earlier < 0 || earlier == call)
        return;
    IndexList *item = ARENA_NEW(o->arena, IndexList);
    *item = (IndexList){o->waits_for[call], earlier};
    o->waits_for[call] = item;
}

/* An id for the memory that a node lies in: states first, then nodes. */
static int memory_of(const Graph *g, const Node *node)
{
    int64_t offset;
    const Node *root = node_root(node, &offset);
    return root->state >= 0 ? root->state : store_n_states(g->store) + root->id;
}

static void find_touches(Order *o)
{
    const Graph *g = o->g;
    int n_memories = store_n_states(g->store) + g->n_nodes;
    Touch *touches = ARENA_ARRAY(o->arena, Touch, n_memories);
    for (int m = 0; m < n_memories; m++)
        touches[m].last_writer = -1;
    for (int c = 0; c < g->n_calls; c++) {
        const Call *call = g->calls[c];
        for (int i = 0; i < call->n_in; i++) {
            if (!call->in[i])
                continue;
            wait_for(o, c, o->index_of_node[call->in[i]->id]);
            Touch *touch = &touches[memory_of(g, call->in[i])];
            wait_for(o, c, touch->last_writer);
            IndexList *item = ARENA_NEW(o->arena, IndexList);
            *item = (IndexList){touch->readers, c};
            touch->readers = item;
        }
        for (int k = 0; k < call->n_out; k++) {
            if (!call->out[k]->writes)
                continue;
            Touch *touch = &touches[memory_of(g, call->out[k])];
            for (IndexList *reader = touch->readers; reader; reader = reader->next)
                wait_for(o, c, reader->index);
            *touch = (Touch){.last_writer = c};
        }
    }
}

static void mark_needed(Order *o, int c)
{
    if (o->needed[c])
        return;
    o->needed[c] = true;
    const Call *call = o->g->calls[c];
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i] && o->index_of_node[call->in[i]->id] >= 0)
            mark_needed(o, o->index_of_node[call->in[i]->id]);
}

/* A call is wanted for itself when somebody keeps its value, when it changes state, or when other ranks wait for it. What writes a value
 * in between (a sum of zeros) is wanted only if that value is. */
static bool is_root(const Graph *g, const Call *call)
{
    bool root = (call->op->flags & OP_COLLECTIVE) != 0;
    for (int k = 0; k < call->n_out; k++) {
        root |= call->out[k]->is_output;
        root |= call->out[k]->writes && memory_of(g, call->out[k]) < store_n_states(g->store);
    }
    return root;
}

static void visit(Order *o, int c)
{
    if (o->marks[c] == DONE || !o->needed[c])
        return;
    assert(o->marks[c] == UNSEEN);  /* a cycle would mean that a value supersedes one it depends on */
    o->marks[c] = OPEN;
    Call *call = o->g->calls[c];
    for (IndexList *item = o->waits_for[c]; item; item = item->next) {
        visit(o, item->index);
        if (o->needed[item->index] && o->g->calls[item->index]->segment > call->segment)
            call->segment = o->g->calls[item->index]->segment;
    }
    o->marks[c] = DONE;
    o->order[o->n_order++] = call;
}

Call **graph_order(const Graph *g, Arena *arena, int *n_calls)
{
    Order o = {.g = g, .arena = arena_new()};
    o.index_of_node = ARENA_ARRAY(o.arena, int, g->n_nodes);
    o.waits_for = ARENA_ARRAY(o.arena, IndexList *, g->n_calls);
    o.needed = ARENA_ARRAY(o.arena, bool, g->n_calls);
    o.marks = ARENA_ARRAY(o.arena, Mark, g->n_calls);
    o.order = ARENA_ARRAY(arena, Call *, g->n_calls);
    for (int i = 0; i < g->n_nodes; i++)
        o.index_of_node[i] = -1;
    for (int c = 0; c < g->n_calls; c++)
        for (int k = 0; k < g->calls[c]->n_out; k++)
            o.index_of_node[g->calls[c]->out[k]->id] = c;
    find_touches(&o);
    for (int c = 0; c < g->n_calls; c++)
        if (is_root(g, g->calls[c]))
            mark_needed(&o, c);
    for (int c = 0; c < g->n_calls; c++)
        visit(&o, c);

    /* Segments do not interleave: a stable sort by segment keeps every dependency, since none points to a later segment. */
    Call **sorted = ARENA_ARRAY(arena, Call *, g->n_calls);
    int n = 0;
    for (int s = 0; s < N_SEGMENTS; s++)
        for (int i = 0; i < o.n_order; i++)
            if ((int)o.order[i]->segment == s)
                sorted[n++] = o.order[i];
    assert(n == o.n_order);
    *n_calls = n;
    arena_free(o.arena);
    return sorted;
}
