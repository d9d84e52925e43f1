/* crew.c - see crew.h. */
#include "engine/graph/crew.h"

#include "base/log.h"
#include "base/parallel.h"

#include <omp.h>
#include <string.h>

enum {
    COPY_BYTES_MAX = 64 << 10,  /* of one token's outputs that each thread makes for itself */
    COPY_ALIGN = 128,           /* two cache lines: cores fetch them in pairs */
    FETCH_LINES = 256,          /* of what a thread reads next, at most, while it waits: they wait in the second cache. Half of them in any case */
    FETCH_STEP = 8,             /* between two looks at the others */
};

/* ---- the way through the calls ---- */

static int64_t row_bytes(const Node *node)
{
    int64_t n_bytes = shape_count(node->shape) / node->shape.dim[0] * dtype_bytes(node->dtype);
    return (n_bytes + COPY_ALIGN - 1) / COPY_ALIGN * COPY_ALIGN;
}

/* Whether each thread may make the call for itself: nothing but small values of its own, one row of which is one token's. */
static bool can_be_copied(const Call *call)
{
    const unsigned others = OP_RANDOM | OP_COLLECTIVE | OP_WRITES_STATE;
    int64_t n_bytes = 0;
    if (!(call->op->flags & OP_PURE) || (call->op->flags & others) || call->workspace_bytes > 0)
        return false;
    for (int o = 0; o < call->n_out; o++) {
        const Node *out = call->out[o];
        if (out->alias || !out->bound || out->shape.dim[0] < 1)
            return false;
        n_bytes += row_bytes(out);
    }
    return n_bytes <= COPY_BYTES_MAX;
}

static bool is_same_memory(const Node *a, const Node *b)
{
    int64_t offset;
    const Node *root_a = node_root(a, &offset), *root_b = node_root(b, &offset);
    return root_a == root_b || (root_a->kind == NODE_STATE && root_b->kind == NODE_STATE && root_a->state == root_b->state);
}

static bool is_of_state(const Node *node)
{
    int64_t offset;
    return node_root(node, &offset)->kind == NODE_STATE;
}

/* Whether what a call touches as its input or output k is met by another at an earlier call: both touch it, and one writes. */
static bool touches(const Call *call, int k, const Call *earlier, bool is_by_heads)
{
    const Node *node = k < call->n_in ? call->in[k] : call->out[k - call->n_in];
    for (int e = 0; node && e < earlier->n_in + earlier->n_out; e++) {
        const Node *other = e < earlier->n_in ? earlier->in[e] : earlier->out[e - earlier->n_in];
        bool writes = k >= call->n_in || e >= earlier->n_in;
        if (other && writes && is_same_memory(node, other) && !(is_by_heads && is_of_state(node)))
            return true;
    }
    return false;
}

/* Whether a thread at call s may meet another one that is still at call `earlier`. */
static bool meets(const Program *p, int earlier, int s)
{
    const Call *a = p->calls[earlier].call, *b = p->calls[s].call;
    const CrewWay way_a = p->crew.call[earlier].way, way_b = p->crew.call[s].way;
    const bool is_by_heads = way_a == CREW_SHARE && way_b == CREW_SHARE && (a->op->flags & b->op->flags & OP_HEADS);
    if (way_a == CREW_ONE && way_b == CREW_ONE)
        return false;
    for (int k = 0; k < b->n_in + b->n_out; k++) {
        bool reads_own = way_a == CREW_COPY && k < b->n_in;
        if (!reads_own && touches(b, k, a, is_by_heads))
            return true;
    }
    return false;
}

static void find_ways(Program *p)
{
    for (int s = 0; s < p->n_calls; s++) {
        const Call *call = p->calls[s].call;
        CrewCall *c = &p->crew.call[s];
        c->way = call->op->shares && call->op->shares(call) ? CREW_SHARE : can_be_copied(call) ? CREW_COPY : CREW_ONE;
    }
}

static void find_waits(Program *p)
{
    int free_from = 0, next = -1;  /* free_from: the first call since all threads met */
    for (int s = 0; s < p->n_calls; s++) {
        CrewCall *c = &p->crew.call[s];
        bool begins = s > 0 && p->calls[s].call->segment != p->calls[s - 1].call->segment;
        for (int e = free_from; e < s && p->calls[s].kernel && !begins; e++)
            c->waits = c->waits || (p->calls[e].kernel && meets(p, e, s));
        if (c->waits || begins)
            free_from = s;
    }
    for (int s = p->n_calls - 1; s >= 0; s--) {
        if (p->calls[s].call->op->share_reads && p->crew.call[s].way == CREW_SHARE)
            next = s;
        p->crew.call[s].next = next;
    }
}

/* The call that makes what a value's memory holds; -1: it is no call's. */
static int maker_of(const Program *p, const Node *node)
{
    int64_t offset;
    const Node *root = node_root(node, &offset);
    for (int s = 0; s < p->n_calls && root->kind == NODE_CALL; s++)
        if (p->calls[s].call == root->call)
            return s;
    return -1;
}

static void find_copy(const Program *p, const Node *node, int64_t *first, int64_t *step)
{
    int64_t offset;
    int maker = node ? maker_of(p, node) : -1;
    if (maker < 0 || p->crew.call[maker].way != CREW_COPY)
        return;
    const Node *root = node_root(node, &offset);
    *step = row_bytes(root);
    *first = (shape_count(root->shape) * dtype_bytes(root->dtype) + COPY_ALIGN - 1) / COPY_ALIGN * COPY_ALIGN;
}

/* Whether a crew is no slower than all threads call by call: there is something to share, and no product that cannot be. Nor may values be changed in place,
 * which may have copies. */
static bool suits_crew(const Program *p)
{
    bool has_shares = false, has_others = false;
    for (int s = 0; s < p->n_calls; s++) {
        const Call *call = p->calls[s].call;
        bool can_share = call->op->shares && call->op->shares(call);
        has_shares = has_shares || can_share;
        has_others = has_others || (!can_share && p->calls[s].cost.matmul_flops > 0);
        for (int o = 0; o < call->n_out; o++)
            has_others = has_others || (call->out[o]->writes && !is_of_state(call->out[o]));
    }
    return has_shares && !has_others;
}

void crew_find(Program *p)
{
    if (!suits_crew(p))
        return;
    p->crew.call = ARENA_ARRAY(p->arena, CrewCall, p->n_calls);
    find_ways(p);
    find_waits(p);
    for (int s = 0; s < p->n_calls; s++) {
        const Call *call = p->calls[s].call;
        CrewCall *c = &p->crew.call[s];
        for (int i = 0; i < call->n_in; i++)
            find_copy(p, call->in[i], &c->in_first[i], &c->in_step[i]);
        for (int o = 0; o < call->n_out; o++)
            find_copy(p, call->out[o], &c->out_first[o], &c->out_step[o]);
    }
}

int64_t crew_node_bytes(const Program *p, const Node *node, int64_t n_bytes)
{
    int64_t first = 0, step = 0;
    if (p->crew.call)
        find_copy(p, node, &first, &step);
    return step > 0 ? first + (CREW_MAX - 1) * step : n_bytes;
}

int crew_keep_until(const Program *p, int s)
{
    int end = s;
    while (p->crew.call && end + 1 < p->n_calls && !p->crew.call[end + 1].waits && p->calls[end + 1].call->segment == p->calls[s].call->segment)
        end++;
    return end;
}

void crew_bind(Program *p)
{
    if (!p->crew.call)
        return;
    char *lines = arena_alloc(p->arena, sizeof *p->crew.progress * (size_t)(CREW_MAX + 1));
    p->crew.progress = (CrewProgress *)(lines + (sizeof *p->crew.progress - (uintptr_t)lines % sizeof *p->crew.progress));
}

/* ---- running ---- */

typedef struct {
    Program *p;
    int index, n, n_reached;
    int noted;     /* the call that thread 0 is at, if somebody wants to know; -1: none */
    double start;
} CrewThread;

/* A call as this thread has it: with tensors of its own where it has copies, which lie in `in` and `out`. */
static KernelCall call_of(const CrewThread *t, int s, Tensor *in, Tensor *out)
{
    const CrewCall *c = &t->p->crew.call[s];
    KernelCall args = t->p->calls[s].args;
    if (c->way == CREW_SHARE) {
        args.share = t->index;
        args.n_shares = t->n;
    }
    if (t->index == 0)
        return args;
    for (int i = 0; i < args.n_in; i++) {
        in[i] = args.in[i];
        if (c->in_step[i] > 0)
            in[i].data = (char *)in[i].data + c->in_first[i] + (t->index - 1) * c->in_step[i];
    }
    for (int o = 0; o < args.n_out; o++) {
        out[o] = args.out[o];
        if (c->out_step[o] > 0)
            out[o].data = (char *)out[o].data + c->out_first[o] + (t->index - 1) * c->out_step[o];
    }
    args.in = in;
    args.out = out;
    return args;
}

/* What a thread reads next, on its way to its cache. */
typedef struct {
    const char *at;
    int n, n_lines;
} CrewAhead;

static CrewAhead ahead_of(const CrewThread *t, int s)
{
    Tensor in[OP_INPUTS_MAX], out[OP_OUTPUTS_MAX];
    int next = t->p->crew.call[s].next;
    if (next < 0)
        return (CrewAhead){0};
    KernelCall call = call_of(t, next, in, out);
    int64_t n_bytes = 0;
    const char *at = t->p->calls[next].call->op->share_reads(&call, &n_bytes);
    return (CrewAhead){at, 0, n_bytes / 64 < FETCH_LINES ? (int)(n_bytes / 64) : FETCH_LINES};
}

static void fetch_some(CrewAhead *ahead)
{
    for (int i = 0; i < FETCH_STEP && ahead->n < ahead->n_lines; i++, ahead->n++)
        __builtin_prefetch(ahead->at + 64 * (int64_t)ahead->n, 0, 2);
}

/* Waits until all threads have come to call s. */
static void wait_for_all(CrewThread *t, int s)
{
    CrewProgress *progress = t->p->crew.progress;
    atomic_store_explicit(&progress[t->index].n_reached, ++t->n_reached, memory_order_release);
    CrewAhead ahead = ahead_of(t, s);
    for (int other = 0; other < t->n; other++)
        for (int n_pauses = 0; atomic_load_explicit(&progress[other].n_reached, memory_order_acquire) < t->n_reached;) {
            if (ahead.n < ahead.n_lines)
                fetch_some(&ahead);
            else
                parallel_pause(n_pauses++);
        }
    while (ahead.n < ahead.n_lines / 2)
        fetch_some(&ahead);
}

/* What a call takes ends where the next one begins: with the last of the threads. */
static void note(CrewThread *t, int s)
{
    double now;
    if (t->index > 0 || (!t->p->profiling && !t->p->heard))
        return;
    now = clock_seconds();
    if (t->noted >= 0)
        program_note(t->p, &t->p->calls[t->noted], t->start, now - t->start);
    t->noted = s;
    t->start = clock_seconds();
}

static void run_thread(Program *p, int begin, int end, int index, int n)
{
    CrewThread t = {.p = p, .index = index, .n = n, .noted = -1};
    for (int s = begin; s < end; s++) {
        const CrewCall *c = &p->crew.call[s];
        Tensor in[OP_INPUTS_MAX], out[OP_OUTPUTS_MAX];
        if (!p->calls[s].kernel)
            continue;
        if (c->waits)
            wait_for_all(&t, s);
        note(&t, s);
        if (c->way == CREW_ONE && index > 0)
            continue;
        KernelCall call = call_of(&t, s, in, out);
        p->calls[s].kernel(&call);
    }
    note(&t, -1);
}

bool crew_run(Program *p, int begin, int end)
{
    int n = parallel_threads();
    if (!p->crew.call || begin == end || n < 2 || n > CREW_MAX || omp_in_parallel())
        return false;
    for (int i = 0; i < p->graph->n_bounds; i++)
        if (p->bound_live[i] > 1)
            return false;
    for (int i = 0; i < n; i++)
        atomic_store_explicit(&p->crew.progress[i].n_reached, 0, memory_order_relaxed);
#pragma omp parallel num_threads(n)
    run_thread(p, begin, end, omp_get_thread_num(), omp_get_num_threads());
    return true;
}
