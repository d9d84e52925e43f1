/* program.c - compile, bind, run. */
#include "engine/graph/program_internal.h"

#include "base/cpu_level.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/graph/crew.h"
#include "engine/graph/memory_plan.h"
#include "engine/graph/strands.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_BYTES = 64 };

static int64_t node_bytes(const Node *node)
{
    int64_t n_bytes = shape_count(node->shape) * dtype_bytes(node->dtype);
    return (n_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
}

/* ---- compile ---- */

static Err choose_kernel(BoundCall *bound, const CompileOptions *options)
{
    const OpInfo *op = bound->call->op;
    if (op->flags & OP_VIEW)
        return OK;
    if (options->backend == BACKEND_REFERENCE)
        bound->kernel = op->reference;
    else
        bound->kernel = op->cpu[cpu_level() > CPU_AVX512 ? CPU_AVX512 : cpu_level()];
    if (!bound->kernel)
        return err_set(ERR_UNSUPPORTED, "%s: operator %s has no kernel on this backend", bound->call->name, op->name);
    return OK;
}

/* The last call during which what call s is the last to touch must be kept: threads may be at different calls. */
static int keep_until(const Program *p, int s)
{
    int of_strands = strands_keep_until(p, s), of_crew = crew_keep_until(p, s);
    return of_strands > of_crew ? of_strands : of_crew;
}

/* Each value's buffer lives from its call to the last call that reads it, through any window; kept values live to the end. */
static void plan_slab(Program *p)
{
    const Graph *g = p->graph;
    Buffer *buffers = mem_alloc(sizeof *buffers * (size_t)(g->n_nodes + p->n_calls));
    int *buffer_of_node = mem_alloc(sizeof(int) * (size_t)g->n_nodes);
    int n_buffers = 0;
    for (int i = 0; i < g->n_nodes; i++)
        buffer_of_node[i] = -1;
    for (int s = 0; s < p->n_calls; s++) {
        const Call *call = p->calls[s].call;
        for (int o = 0; o < call->n_out; o++)
            if (!call->out[o]->alias) {
                buffer_of_node[call->out[o]->id] = n_buffers;
                buffers[n_buffers++] = (Buffer){.n_bytes = crew_node_bytes(p, call->out[o], node_bytes(call->out[o])), .first = s, .last = s};
            }
    }
    for (int s = 0; s < p->n_calls; s++) {
        const Call *call = p->calls[s].call;
        for (int k = 0; k < call->n_in + call->n_out; k++) {
            const Node *node = k < call->n_in ? call->in[k] : call->out[k - call->n_in];
            if (!node)
                continue;
            int64_t offset;
            int b = buffer_of_node[node_root(node, &offset)->id];
            if (b < 0)
                continue;
            buffers[b].last = keep_until(p, s);
        }
    }
    for (int i = 0; i < g->n_nodes; i++) {
        int64_t offset;
        int b = g->nodes[i]->is_output ? buffer_of_node[node_root(g->nodes[i], &offset)->id] : -1;
        if (b >= 0)
            buffers[b].last = p->n_calls;
    }
    int first_workspace = n_buffers;
    for (int s = 0; s < p->n_calls; s++) {
        int64_t n_bytes = (int64_t)p->calls[s].call->workspace_bytes;
        buffers[n_buffers++] = (Buffer){.n_bytes = p->calls[s].group < 0 ? n_bytes : 0, .first = s, .last = crew_keep_until(p, s)};
        if (n_bytes > p->plan.workspace_bytes)
            p->plan.workspace_bytes = n_bytes;
    }
    p->strands.workspace_offset = memory_plan(buffers, n_buffers);
    p->plan.slab_bytes = p->strands.workspace_offset + STRANDS_MAX * p->strands.workspace_bytes;
    for (int i = 0; i < g->n_nodes; i++)
        p->node_offset[i] = buffer_of_node[i] >= 0 ? buffers[buffer_of_node[i]].offset : -1;
    for (int s = 0; s < p->n_calls; s++)
        p->calls[s].workspace_offset = p->calls[s].group < 0 ? buffers[first_workspace + s].offset : p->strands.workspace_offset;
    p->buffers = buffers;
    p->n_buffers = first_workspace;
    free(buffer_of_node);
}

static void plan_inputs(Program *p)
{
    for (int i = 0; i < p->graph->n_nodes; i++) {
        const Node *node = p->graph->nodes[i];
        if (node->kind != NODE_INPUT)
            continue;
        p->node_offset[i] = p->plan.input_bytes;
        p->plan.input_bytes += node_bytes(node);
    }
}

Err graph_compile(Program **out, Graph *g, const CompileOptions *options)
{
    *out = NULL;
    TRY(graph_error(g));
    Program *p = mem_alloc(sizeof *p);
    p->arena = arena_new();
    p->graph = g;
    Call **order = graph_order(g, p->arena, &p->n_calls);
    p->calls = ARENA_ARRAY(p->arena, BoundCall, p->n_calls);
    p->node_offset = ARENA_ARRAY(p->arena, int64_t, g->n_nodes);
    p->bound_live = ARENA_ARRAY(p->arena, int64_t, g->n_bounds);
    for (int i = 0; i < g->n_bounds; i++)
        p->bound_live[i] = g->bounds[i].max;
    for (int s = 0; s < p->n_calls; s++) {
        BoundCall *bound = &p->calls[s];
        bound->call = order[s];
        bound->group = -1;
        Err err = choose_kernel(bound, options);
        if (err != OK) {
            program_free(p);
            return err;
        }
        call_cost(bound->call, &bound->cost);
        cost_add(&p->plan.cost[bound->call->segment], &bound->cost);
        if (bound->call->repeats)
            cost_add(&p->plan.repeats, &bound->cost);
        p->segment_end[bound->call->segment] = s + 1;
    }
    for (int s = 1; s < N_SEGMENTS; s++)
        if (p->segment_end[s] < p->segment_end[s - 1])
            p->segment_end[s] = p->segment_end[s - 1];
    p->plan.n_calls = p->n_calls;
    if (options->backend == BACKEND_CPU && p->graph->in_strands)
        strands_find(p);
    if (options->backend == BACKEND_CPU)
        crew_find(p);
    plan_slab(p);
    plan_inputs(p);
    *out = p;
    return OK;
}

void program_free(Program *p)
{
    if (!p)
        return;
    if (p->memory)
        memory_unmap(p->memory, p->memory_bytes);
    free(p->buffers);
    arena_free(p->arena);
    free(p);
}

const ProgramPlan *program_plan(const Program *p)
{
    return &p->plan;
}

/* ---- bind ---- */

static void *node_data(const Program *p, const Node *node)
{
    int64_t offset;
    const Node *root = node_root(node, &offset);
    char *base;
    if (root->kind == NODE_STATE) {
        base = store_state_tensor(p->graph->store, root->state).data;
        offset += root->offset;
    } else if (root->kind == NODE_INPUT) {
        base = p->inputs + p->node_offset[root->id];
    } else {
        base = p->slab + p->node_offset[root->id];
    }
    return base + offset * dtype_bytes(node->dtype);
}

static Tensor node_tensor(const Program *p, const Node *node)
{
    Tensor tensor = {.dtype = node->dtype, .shape = node->shape, .data = node_data(p, node)};
    memcpy(tensor.stride, node->stride, sizeof tensor.stride);
    return tensor;
}

static void remember_bound(Program *p, Tensor *tensor, const Node *node)
{
    if (node->bound)
        p->bounded[p->n_bounded++] = (BoundTensor){tensor, node->bound};
}

Err program_bind(Program *p)
{
    assert(!p->bound);
    p->memory_bytes = (size_t)(p->plan.slab_bytes + p->plan.input_bytes);
    if (p->memory_bytes)
        TRY(memory_map(&p->memory, p->memory_bytes));
    p->bound = true;
    p->slab = p->memory;
    p->inputs = p->slab + p->plan.slab_bytes;

    int n_tensors = p->graph->n_nodes;
    for (int s = 0; s < p->n_calls; s++)
        n_tensors += p->calls[s].call->n_in + p->calls[s].call->n_out;
    p->bounded = ARENA_ARRAY(p->arena, BoundTensor, n_tensors);
    p->node_tensors = ARENA_ARRAY(p->arena, Tensor, p->graph->n_nodes);
    for (int i = 0; i < p->graph->n_nodes; i++) {
        const Node *node = p->graph->nodes[i];
        int64_t offset;
        const Node *root = node_root(node, &offset);
        if (root->kind == NODE_CALL && p->node_offset[root->id] < 0)
            continue;  /* dead */
        p->node_tensors[i] = node_tensor(p, node);
        if (node->is_output)
            remember_bound(p, &p->node_tensors[i], node);
    }
    for (int s = 0; s < p->n_calls; s++) {
        BoundCall *bound = &p->calls[s];
        const Call *call = bound->call;
        Tensor *in = ARENA_ARRAY(p->arena, Tensor, call->n_in);
        Tensor *tensors_out = ARENA_ARRAY(p->arena, Tensor, call->n_out);
        for (int i = 0; i < call->n_in; i++)
            if (call->in[i]) {
                in[i] = node_tensor(p, call->in[i]);
                remember_bound(p, &in[i], call->in[i]);
            }
        for (int o = 0; o < call->n_out; o++) {
            tensors_out[o] = node_tensor(p, call->out[o]);
            remember_bound(p, &tensors_out[o], call->out[o]);
        }
        bound->args = (KernelCall){.in = in, .n_in = call->n_in, .out = tensors_out, .n_out = call->n_out,
                                  .workspace = p->slab + bound->workspace_offset, .attr = call->attr};
    }
    strands_bind(p);
    crew_bind(p);
    return OK;
}

void program_touch(const Program *p)
{
    memory_touch(p->memory, p->memory_bytes);
}

static const Node *find_node(const Program *p, NodeKind kind, bool output, const char *name)
{
    for (int i = 0; i < p->graph->n_nodes; i++) {
        const Node *node = p->graph->nodes[i];
        if ((output ? node->is_output : node->kind == kind) && strcmp(node->name, name) == 0)
            return node;
    }
    return NULL;
}

Tensor *program_input(Program *p, const char *name)
{
    const Node *node = find_node(p, NODE_INPUT, false, name);
    assert(node && p->bound);
    return &p->node_tensors[node->id];
}

const Tensor *program_output(Program *p, const char *name)
{
    const Node *node = find_node(p, NODE_CALL, true, name);
    assert(node && p->bound);
    return &p->node_tensors[node->id];
}

bool program_has_input(const Program *p, const char *name)
{
    return find_node(p, NODE_INPUT, false, name) != NULL;
}

bool program_has_output(const Program *p, const char *name)
{
    return find_node(p, NODE_CALL, true, name) != NULL;
}

void program_set_bound(Program *p, const char *name, int64_t n)
{
    for (int i = 0; i < p->graph->n_bounds; i++)
        if (strcmp(p->graph->bounds[i].name, name) == 0) {
            assert(n >= 0 && n <= p->graph->bounds[i].max);
            p->bound_live[i] = n;
            for (int k = 0; k < p->n_bounded; k++)
                if (p->bounded[k].bound_id == i + 1)
                    p->bounded[k].tensor->shape.dim[0] = n;
            return;
        }
    assert(!"the graph has this bound");
}

/* ---- run ---- */

static double state_bytes(const Call *call)
{
    double n_bytes = 0;
    for (int i = 0; i < call->n_in; i++)
        if (call->in[i] && node_state_root(call->in[i]) >= 0)
            n_bytes += (double)shape_count(call->in[i]->shape) * dtype_bytes(call->in[i]->dtype);
    return n_bytes;
}

static void tell(const Program *p, const BoundCall *bound, double start, double seconds)
{
    const Call *call = bound->call;
    p->heard(p->heard_context, &(CallTiming){.name = call->name, .op = call->op->name, .segment = call->segment, .repeats = call->repeats != NULL,
                                             .cost = bound->cost, .state_bytes = state_bytes(call), .dtype = call->out[0]->dtype, .shape = call->out[0]->shape,
                                             .start = start, .seconds = seconds});
}

void program_note(Program *p, BoundCall *bound, double start, double seconds)
{
    bound->seconds += seconds;
    bound->n_runs++;
    if (p->heard)
        tell(p, bound, start, seconds);
}

/* The calls [begin, end), which are one, or a group of calls. */
static void run_calls(Program *p, int begin, int end)
{
    if (p->calls[begin].group >= 0 && strands_run(p, begin, end))
        return;
    for (int s = begin; s < end; s++)
        if (p->calls[s].kernel)
            p->calls[s].kernel(&p->calls[s].args);
}

void program_run(Program *p, Segment segment)
{
    assert(p->bound);
    int begin = segment > 0 ? p->segment_end[segment - 1] : 0;
    if (crew_run(p, begin, p->segment_end[segment]))
        return;
    for (int s = begin; s < p->segment_end[segment]; s++) {
        BoundCall *bound = &p->calls[s];
        if (!p->profiling && !p->heard) {
            int end = bound->group >= 0 ? p->strands.group[bound->group].end : s + 1;
            run_calls(p, s, end);
            s = end - 1;
            continue;
        }
        if (!bound->kernel)
            continue;
        double start = clock_seconds();
        run_calls(p, s, s + 1);
        program_note(p, bound, start, clock_seconds() - start);
    }
}

void program_run_all(Program *p)
{
    for (int s = 0; s < N_SEGMENTS; s++)
        program_run(p, (Segment)s);
}

void program_listen(Program *p, void (*heard)(void *context, const CallTiming *timing), void *context)
{
    p->heard = heard;
    p->heard_context = context;
}

void program_profile(Program *p, bool on)
{
    p->profiling = on;
    for (int s = 0; s < p->n_calls && on; s++) {
        p->calls[s].seconds = 0;
        p->calls[s].n_runs = 0;
    }
}

ProgramSeconds program_seconds(const Program *p)
{
    ProgramSeconds sum = {0};
    for (int s = 0; s < p->n_calls; s++) {
        sum.all += p->calls[s].seconds;
        sum.repeats += p->calls[s].call->repeats ? p->calls[s].seconds : 0;
    }
    return sum;
}

ProgramSeconds program_forecast(const Program *p, const MachineRates *rates)
{
    ProgramSeconds sum = {0};
    for (int s = 0; s < p->n_calls; s++) {
        double seconds = p->calls[s].kernel ? cost_seconds(&p->calls[s].cost, rates) : 0;
        sum.all += seconds;
        sum.repeats += p->calls[s].call->repeats ? seconds : 0;
    }
    return sum;
}
