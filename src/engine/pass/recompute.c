/* recompute.c - decides which values are made again, then hands backward calls copies that are. */
#include "engine/pass/recompute.h"

#include "engine/graph/op_info.h"

#include <stdlib.h>

/* What is known of one call of the graph, by its id. */
typedef struct {
    int64_t group;    /* -1: in no layer */
    bool candidate;   /* makes values that could be made again: pure, inside a group, read by nobody outside but the backward pass */
    bool choice;      /* a candidate that the backward pass reads */
    bool again;       /* decided: made again */
    Call *repeat;     /* the call that makes it again, once recorded */
} CallFacts;

typedef struct {
    Graph *g;
    CallFacts *facts;
    RecomputeReport report;
} Recompute;

/* A choice and what it weighs. */
typedef struct {
    const Call *call;
    double bytes_per_second;  /* freed by a second of work */
    int64_t group;
} Choice;

int64_t call_layer(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '.') ? strchr(part, '.') + 1 : NULL) {
        char *end;
        if (*part < '0' || *part > '9')
            continue;
        long long layer = strtoll(part, &end, 10);
        if (*end == '.' || *end == '\0')
            return layer;
    }
    return -1;
}

/* The call that owns the memory a node lies in, through windows; NULL: an input or a state. */
static Call *owner(const Node *node)
{
    while (node->alias)
        node = node->alias;
    return node->kind == NODE_CALL ? node->call : NULL;
}

/* ---- what may be made again ---- */

static bool is_repeatable(const Call *call)
{
    bool repeatable = call->segment == SEGMENT_FORWARD && (call->op->flags & OP_PURE) && !(call->op->flags & OP_VIEW);
    for (int o = 0; o < call->n_out; o++)
        repeatable &= !call->out[o]->alias;
    return repeatable;
}

static void find_candidates(Recompute *r, int64_t layers)
{
    int64_t n_layers = 0;
    for (int c = 0; c < graph_n_calls(r->g); c++) {
        const Call *call = graph_call_at(r->g, c);
        int64_t layer = call->segment == SEGMENT_FORWARD ? call_layer(call->name) : -1;
        r->facts[call->id].group = layer < 0 ? -1 : layer / layers;
        r->facts[call->id].candidate = layer >= 0 && is_repeatable(call);
        n_layers = layer + 1 > n_layers ? layer + 1 : n_layers;
    }
    r->report.n_layers = n_layers;
    for (int n = 0; n < graph_n_nodes(r->g); n++) {
        const Node *node = graph_node_at(r->g, n);
        if (node->is_output && owner(node))
            r->facts[owner(node)->id].candidate = false;
    }
    for (int c = 0; c < graph_n_calls(r->g); c++) {
        const Call *call = graph_call_at(r->g, c);
        for (int i = 0; i < call->n_in && call->segment == SEGMENT_FORWARD; i++) {
            const Call *from = call->in[i] ? owner(call->in[i]) : NULL;
            if (from && r->facts[from->id].group != r->facts[call->id].group)
                r->facts[from->id].candidate = false;
        }
    }
}

static void find_choices(Recompute *r)
{
    for (int c = 0; c < graph_n_calls(r->g); c++) {
        const Call *call = graph_call_at(r->g, c);
        for (int i = 0; i < call->n_in && call->segment == SEGMENT_BACKWARD; i++) {
            const Call *from = call->in[i] ? owner(call->in[i]) : NULL;
            if (from && r->facts[from->id].candidate && !r->facts[from->id].choice) {
                r->facts[from->id].choice = true;
                r->report.n_choices++;
            }
        }
    }
    for (int c = 0; c < graph_n_calls(r->g); c++) {
        CallFacts *facts = &r->facts[graph_call_at(r->g, c)->id];
        facts->again = facts->candidate && !facts->choice;
    }
}

/* ---- which of them ---- */

/* Seconds to make a call's values from those that are kept if all other choices are: itself, and what nobody keeps anyway. */
static double price(const Recompute *r, const Call *call, const MachineRates *rates)
{
    Cost cost;
    call_cost(call, &cost);
    double seconds = cost_seconds(&cost, rates);
    for (int i = 0; i < call->n_in; i++) {
        const Call *from = call->in[i] ? owner(call->in[i]) : NULL;
        if (from && r->facts[from->id].candidate && !r->facts[from->id].choice)
            seconds += price(r, from, rates);
    }
    return seconds;
}

static double output_bytes(const Call *call)
{
    double n_bytes = 0;
    for (int o = 0; o < call->n_out; o++)
        n_bytes += (double)shape_count(call->out[o]->shape) * dtype_bytes(call->out[o]->dtype);
    return n_bytes;
}

/* The best first; among equals the first layers, whose values wait longest; then in order of recording. */
static int compare_choices(const void *a, const void *b)
{
    const Choice *x = a, *y = b;
    if (x->bytes_per_second != y->bytes_per_second)
        return x->bytes_per_second > y->bytes_per_second ? -1 : 1;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->call->id < y->call->id ? -1 : 1;
}

static void decide(Recompute *r, int64_t n_wanted, Arena *arena)
{
    MachineRates rates = machine_rates_typical();
    Choice *choices = ARENA_ARRAY(arena, Choice, r->report.n_choices + 1);
    int64_t n = 0;
    for (int c = 0; c < graph_n_calls(r->g); c++) {
        const Call *call = graph_call_at(r->g, c);
        if (r->facts[call->id].choice)
            choices[n++] = (Choice){call, output_bytes(call) / price(r, call, &rates), r->facts[call->id].group};
    }
    qsort(choices, (size_t)n, sizeof *choices, compare_choices);
    r->report.n_again = n_wanted < 0 || n_wanted > n ? n : n_wanted;
    for (int64_t i = 0; i < r->report.n_again; i++)
        r->facts[choices[i].call->id].again = true;
}

/* ---- making them again ---- */

static Node *made_again(Recompute *r, Node *node);

static Node *repeat_call(Recompute *r, const Call *call, Node *const *in)
{
    CallFacts *facts = &r->facts[call->id];
    if (!facts->repeat) {
        facts->repeat = graph_repeat_call(r->g, call, in)->call;
        r->report.n_calls += !(call->op->flags & OP_VIEW);
    }
    return facts->repeat->out[0];
}

/* The node that holds this value when the backward pass runs: itself, or what a repeated call makes, or a window on that. */
static Node *made_again(Recompute *r, Node *node)
{
    if (!node || node->kind != NODE_CALL || node->call->segment != SEGMENT_FORWARD)
        return node;
    const Call *call = node->call;
    bool is_window = (call->op->flags & OP_VIEW) != 0;
    if (!is_window && !r->facts[call->id].again)
        return node;
    Node *in[OP_INPUTS_MAX];
    bool changed = !is_window;
    for (int i = 0; i < call->n_in; i++) {
        in[i] = made_again(r, call->in[i]);
        changed |= in[i] != call->in[i];
    }
    return changed ? node_sibling(repeat_call(r, call, in), node->index) : node;
}

static void rewrite(Recompute *r)
{
    graph_set_segment(r->g, SEGMENT_BACKWARD);
    for (int c = 0; c < graph_n_calls(r->g); c++) {
        Call *call = graph_call_at(r->g, c);
        int n_before = graph_n_calls(r->g);
        if (call->segment != SEGMENT_BACKWARD)
            continue;
        bool changed = false;
        graph_insert_before(r->g, c);
        for (int i = 0; i < call->n_in; i++) {
            Node *before = call->in[i];
            call->in[i] = made_again(r, before);
            changed |= call->in[i] != before;
        }
        graph_insert_end(r->g);
        if (changed)
            graph_reinfer(r->g, call);
        c += graph_n_calls(r->g) - n_before;
    }
}

void pass_recompute(Graph *g, const RecomputeOptions *options, RecomputeReport *report)
{
    Recompute r = {.g = g};
    if (options->layers > 0 && graph_error(g) == OK) {
        Arena *arena = arena_new();
        r.facts = ARENA_ARRAY(arena, CallFacts, graph_n_calls(g));
        find_candidates(&r, options->layers);
        find_choices(&r);
        decide(&r, options->n_choices, arena);
        if (r.report.n_again > 0)
            rewrite(&r);
        arena_free(arena);
    }
    if (report)
        *report = r.report;
}
