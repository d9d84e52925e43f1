/* strands.c - see strands.h. */
#include "engine/graph/strands.h"

#include "base/parallel.h"

#include <omp.h>
#include <string.h>

enum { WEIGHT_BYTES_MAX = 4 << 20 /* of a product: each strand reads, and packs, all of it */ };

/* ---- which calls ---- */

/* Whether two dense values share memory. */
static bool overlaps(const Node *a, const Node *b)
{
    int64_t at_a, at_b;
    const Node *root_a = node_root(a, &at_a), *root_b = node_root(b, &at_b);
    bool is_one_state = root_a->kind == NODE_STATE && root_b->kind == NODE_STATE && root_a->state == root_b->state;
    if (is_one_state)
        at_a += root_a->offset, at_b += root_b->offset;
    return (root_a == root_b || is_one_state) && at_a < at_b + shape_count(b->shape) && at_b < at_a + shape_count(a->shape);
}

/* The bound of the tokens that a call goes through row by row, or 0. */
static int bound_of(const Call *call)
{
    int bound_id = 0;
    if (!(call->op->flags & (OP_ROWS | OP_LEAVES)))
        return 0;
    for (int i = 0; i < call->n_in + call->n_out; i++) {
        const Node *node = i < call->n_in ? call->in[i] : call->out[i - call->n_in];
        if (!node || !node->bound)
            continue;
        if (bound_id && node->bound != bound_id)
            return 0;
        bound_id = node->bound;
    }
    for (int o = 0; o < call->n_out; o++)
        if (!call->out[o]->bound && !((call->op->flags & OP_LEAVES) && call->out[o]->writes))
            return 0;
    for (int i = 0; i < call->n_in && call->op->parts_at; i++)
        if (call->in[i] && (!call->in[i]->bound || (call->in[i]->dtype == DTYPE_I32 && call->in[i]->kind != NODE_INPUT)))
            return 0;
    return bound_id;
}

/* Whether a call of the group from `begin` on adds to what call s reads as a whole, or adds to, too. */
static bool waits_for_sums(const Program *p, int begin, int s, int bound_id)
{
    const Call *call = p->calls[s].call;
    for (int e = begin; e < s; e++)
        for (int o = 0; o < p->calls[e].call->n_out; o++) {
            const Node *sum = p->calls[e].call->out[o];
            for (int i = 0; i < call->n_in && sum->writes && sum->bound != bound_id; i++)
                if (call->in[i] && call->in[i]->bound != bound_id && overlaps(call->in[i], sum))
                    return true;
        }
    return false;
}

static bool has_small_weights(const Program *p)
{
    for (int s = 0; s < p->n_calls; s++) {
        const Call *call = p->calls[s].call;
        if (!bound_of(call) || p->calls[s].cost.matmul_flops <= 0)
            continue;
        for (int i = 0; i < call->n_in; i++)
            if (call->in[i] && !call->in[i]->bound && shape_count(call->in[i]->shape) * dtype_bytes(call->in[i]->dtype) > WEIGHT_BYTES_MAX)
                return false;
    }
    return true;
}

/* How many strands n_rows of a bound are cut into, one a thread: each the same number of leaves, or nearly; 1: that would not be. */
static int count_strands(const Program *p, int64_t n_rows, int n_threads)
{
    int64_t leaf = graph_grad_leaf(p->graph), n_leaves = (n_rows + leaf - 1) / leaf, n = n_threads;
    bool is_even = (n_leaves + n - 1) / n * n <= n_leaves + n_leaves / 8;
    return is_even && n <= STRANDS_MAX ? n_threads : 1;
}

static void end_group(Program *p, int begin, int end, int bound_id)
{
    Strands *strands = &p->strands;
    int n_kernels = 0;
    for (int s = begin; s < end; s++)
        n_kernels += p->calls[s].kernel != NULL;
    if (n_kernels < 2 || p->graph->bounds[bound_id - 1].max < 2 * graph_grad_leaf(p->graph))
        return;
    for (int s = begin; s < end; s++) {
        p->calls[s].group = strands->n_groups;
        int64_t n_bytes = ((int64_t)p->calls[s].call->workspace_bytes + 63) / 64 * 64;
        strands->workspace_bytes = n_bytes > strands->workspace_bytes ? n_bytes : strands->workspace_bytes;
        if (p->calls[s].call->op->flags & OP_LEAVES_APART)
            strands->apart_bytes = n_bytes > strands->apart_bytes ? n_bytes : strands->apart_bytes;
    }
    strands->group[strands->n_groups++] = (StrandGroup){begin, end, bound_id};
}

void strands_find(Program *p)
{
    Strands *strands = &p->strands;
    strands->group = ARENA_ARRAY(p->arena, StrandGroup, p->n_calls + 1);
    if (has_small_weights(p))
        for (int s = 0; s < p->n_calls; s++) {
            int begin = s, bound_id = p->calls[s].kernel ? bound_of(p->calls[s].call) : 0;
            if (!bound_id)
                continue;
            for (s++; s < p->n_calls && p->calls[s].call->segment == p->calls[begin].call->segment; s++)
                if (p->calls[s].kernel && (bound_of(p->calls[s].call) != bound_id || waits_for_sums(p, begin, s, bound_id)))
                    break;
            end_group(p, begin, s, bound_id);
            s--;
        }
    strands->workspace_bytes += STRANDS_WINDOW * strands->apart_bytes;
}

int strands_keep_until(const Program *p, int s)
{
    int group = p->calls[s].group, end = group >= 0 ? p->strands.group[group].end - 1 : s;
    return s + STRANDS_WINDOW < end ? s + STRANDS_WINDOW : end;
}

/* ---- running ---- */

void strands_bind(Program *p)
{
    Strands *strands = &p->strands;
    if (strands->n_groups == 0)
        return;
    strands->args = ARENA_ARRAY(p->arena, KernelCall, STRANDS_MAX * p->n_calls);
    strands->n_rows = ARENA_ARRAY(p->arena, int64_t, strands->n_groups);
    strands->n_cut = ARENA_ARRAY(p->arena, int, strands->n_groups);
    char *lines = arena_alloc(p->arena, sizeof *strands->progress * (size_t)(STRANDS_MAX + 1));
    strands->progress = (StrandProgress *)(lines + (sizeof *strands->progress - (uintptr_t)lines % sizeof *strands->progress));
    for (int at = 0; at < STRANDS_MAX * p->n_calls; at++) {
        int s = at % p->n_calls, strand = at / p->n_calls;
        if (p->calls[s].group < 0)
            continue;
        KernelCall *args = &strands->args[at];
        *args = p->calls[s].args;
        args->in = ARENA_ARRAY(p->arena, Tensor, args->n_in);
        args->out = ARENA_ARRAY(p->arena, Tensor, args->n_out);
        int64_t apart = p->calls[s].call->op->flags & OP_LEAVES_APART ? (STRANDS_WINDOW - s % STRANDS_WINDOW) * strands->apart_bytes : strands->workspace_bytes;
        args->workspace = p->slab + strands->workspace_offset + (strand + 1) * strands->workspace_bytes - apart;
    }
}

/* The rows [row, end) of tensors that have a row a token. */
static Tensor rows_of_tensor(const Tensor *whole, const Node *node, int bound_id, int64_t row, int64_t end)
{
    Tensor t = *whole;
    if (node && node->bound == bound_id) {
        t.data = (char *)t.data + row * t.stride[0] * dtype_bytes(t.dtype);
        t.shape.dim[0] = end - row;
    }
    return t;
}

static int64_t cut_at(const Program *p, int64_t n_rows, int strand, int n_strands)
{
    int64_t leaf = graph_grad_leaf(p->graph), n_leaves = (n_rows + leaf - 1) / leaf, row = n_leaves * strand / n_strands * leaf;
    return row < n_rows ? row : n_rows;
}

static void cut_args(Program *p, const StrandGroup *g, int64_t n_rows, int n_strands)
{
    for (int strand = 0; strand < n_strands; strand++) {
        int64_t row = cut_at(p, n_rows, strand, n_strands), end = cut_at(p, n_rows, strand + 1, n_strands);
        for (int s = g->begin; s < g->end; s++) {
            const Call *call = p->calls[s].call;
            const KernelCall *whole = &p->calls[s].args;
            KernelCall *args = &p->strands.args[strand * p->n_calls + s];
            args->first_row = row;
            for (int i = 0; i < call->n_in; i++)
                ((Tensor *)args->in)[i] = rows_of_tensor(&whole->in[i], call->in[i], g->bound_id, row, end);
            for (int o = 0; o < call->n_out; o++)
                args->out[o] = rows_of_tensor(&whole->out[o], call->out[o], g->bound_id, row, end);
        }
    }
}

static bool can_be_cut(const Program *p, int begin, int end, int64_t n_rows, int n_strands)
{
    for (int s = begin; s < end; s++)
        for (int strand = 1; strand < n_strands && p->calls[s].call->op->parts_at; strand++)
            if (!p->calls[s].call->op->parts_at(&p->calls[s].args, cut_at(p, n_rows, strand, n_strands)))
                return false;
    return true;
}

/* A strand on its way through the calls [begin, end). */
typedef struct {
    Program *p;
    int begin, index, n_strands;
    int told;                       /* calls done, as the others know */
    int seen[STRANDS_MAX];          /* of each strand, calls done when last looked at */
    int late[STRANDS_WINDOW], n_late;  /* sums that are left for later, in order: the strand before has not added its own */
} Strand;

static void run_call(const Strand *st, int s, LeafPart part)
{
    KernelCall *args = &st->p->strands.args[st->index * st->p->n_calls + s];
    args->part = part;
    st->p->calls[s].kernel(args);
}

/* Waits until another strand has done the calls before s. */
static void wait_before(Strand *st, int other, int s)
{
    for (int n_pauses = 0; st->seen[other] < s - st->begin; n_pauses++) {
        st->seen[other] = atomic_load_explicit(&st->p->strands.progress[other].n_done, memory_order_acquire);
        if (st->seen[other] < s - st->begin)
            parallel_pause(n_pauses);
    }
}

/* That the calls before s are done, but for late sums. */
static void tell_done(Strand *st, int s)
{
    int n_done = (st->n_late > 0 ? st->late[0] : s) - st->begin;
    if (n_done != st->told)
        atomic_store_explicit(&st->p->strands.progress[st->index].n_done, n_done, memory_order_release);
    st->told = n_done;
}

static bool is_before_done(Strand *st, int s)
{
    int before = st->index - 1;
    if (st->index > 0 && st->seen[before] <= s - st->begin)
        st->seen[before] = atomic_load_explicit(&st->p->strands.progress[before].n_done, memory_order_acquire);
    return st->index == 0 || st->seen[before] > s - st->begin;
}

/* On the way to call s, adds late sums, those that can be added by now, or with `all` every one. Each is told before the next is waited for, and s before
 * anything else is: the strand that is furthest behind, the first of such, then never waits, however many calls without a kernel were skipped. */
static void add_late(Strand *st, int s, bool all)
{
    while (st->n_late > 0 && (all || is_before_done(st, st->late[0]))) {
        int late = st->late[0];
        if (st->index > 0)
            wait_before(st, st->index - 1, late + 1);
        run_call(st, late, st->p->calls[late].call->op->flags & OP_LEAVES_APART ? LEAVES_ADDED : LEAVES_MADE_AND_ADDED);
        st->n_late--;
        memmove(st->late, st->late + 1, sizeof *st->late * (size_t)st->n_late);
        tell_done(st, s);
    }
    tell_done(st, s);
}

/* Nothing but sums: no call of the group reads what it makes. */
static bool is_sum(const Call *call)
{
    bool all = (call->op->flags & OP_LEAVES) != 0;
    for (int o = 0; o < call->n_out; o++)
        all = all && !call->out[o]->bound;
    return all;
}

/* The strand before may be as far as this one: then its sums come later, and what comes behind them sooner. */
static void run_strand(Program *p, int begin, int end, int index, int n_strands)
{
    Strand st = {.p = p, .begin = begin, .index = index, .n_strands = n_strands};
    for (int s = begin; s < end; s++) {
        const Call *call = p->calls[s].call;
        if (!p->calls[s].kernel)
            continue;
        add_late(&st, s, st.n_late > 0 && s - st.late[0] >= STRANDS_LATE);
        for (int other = 0; other < n_strands; other++)
            if (other != index)
                wait_before(&st, other, s - STRANDS_WINDOW);
        bool is_apart = call->op->flags & OP_LEAVES_APART;
        if ((is_apart || is_sum(call)) && (st.n_late > 0 || !is_before_done(&st, s))) {
            if (is_apart)
                run_call(&st, s, LEAVES_MADE);
            st.late[st.n_late++] = s;
        } else {
            if (index > 0 && (call->op->flags & OP_LEAVES)) {
                add_late(&st, s, true);
                wait_before(&st, index - 1, s + 1);
            }
            run_call(&st, s, LEAVES_MADE_AND_ADDED);
        }
        tell_done(&st, s + 1);
    }
    add_late(&st, end, true);
}

bool strands_run(Program *p, int begin, int end)
{
    Strands *strands = &p->strands;
    const StrandGroup *g = &strands->group[p->calls[begin].group];
    int64_t n_rows = p->bound_live[g->bound_id - 1];
    int n_strands = count_strands(p, n_rows, parallel_threads());
    if (n_strands < 2 || omp_in_parallel() || !can_be_cut(p, begin, end, n_rows, n_strands))
        return false;
    if (strands->n_rows[p->calls[begin].group] != n_rows || strands->n_cut[p->calls[begin].group] != n_strands) {
        cut_args(p, g, n_rows, n_strands);
        strands->n_rows[p->calls[begin].group] = n_rows;
        strands->n_cut[p->calls[begin].group] = n_strands;
    }
    for (int strand = 0; strand < n_strands; strand++)
        atomic_store_explicit(&strands->progress[strand].n_done, 0, memory_order_relaxed);
    bool has_all = true;
#pragma omp parallel num_threads(n_strands) shared(has_all)
    {
        if (omp_get_num_threads() == n_strands)
            run_strand(p, begin, end, omp_get_thread_num(), n_strands);
        else if (omp_get_thread_num() == 0)
            has_all = false;
    }
    return has_all;
}
