/* program_text.c - what a program tells about itself: calls, time by operator, memory map. */
#include "engine/graph/program_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *op;
    double seconds, flops, bytes;
    int64_t n_runs;
} OpTime;

static int compare_by_seconds(const void *a, const void *b)
{
    double x = ((const OpTime *)a)->seconds, y = ((const OpTime *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Text written through a stream, moved into the arena. */
typedef struct {
    FILE *stream;
    char *text;
    size_t n_bytes;
} TextStream;

static TextStream *text_begin(TextStream *t)
{
    *t = (TextStream){0};
    t->stream = open_memstream(&t->text, &t->n_bytes);
    return t;
}

static const char *text_end(TextStream *t, Arena *arena)
{
    fclose(t->stream);
    const char *result = arena_strndup(arena, t->text, t->n_bytes);
    free(t->text);
    return result;
}

const char *program_profile_text(const Program *p, Arena *arena)
{
    OpTime *times = ARENA_ARRAY(arena, OpTime, p->n_calls + 1);
    int n_times = 0;
    double total = 0;
    for (int s = 0; s < p->n_calls; s++) {
        const BoundCall *bound = &p->calls[s];
        int t = 0;
        while (t < n_times && strcmp(times[t].op, bound->call->op->name) != 0)
            t++;
        if (t == n_times)
            times[n_times++] = (OpTime){.op = bound->call->op->name};
        times[t].seconds += bound->seconds;
        times[t].n_runs += bound->n_runs;
        times[t].flops += (double)bound->n_runs * (bound->cost.matmul_flops + bound->cost.other_flops);
        times[t].bytes += (double)bound->n_runs * (bound->cost.bytes_read + bound->cost.bytes_written);
        total += bound->seconds;
    }
    qsort(times, (size_t)n_times, sizeof *times, compare_by_seconds);
    TextStream t;
    FILE *out = text_begin(&t)->stream;
    fprintf(out, "%-28s %8s %10s %6s %9s %8s\n", "operator", "runs", "ms", "share", "GFLOP/s", "GB/s");
    for (int i = 0; i < n_times; i++) {
        const OpTime *o = &times[i];
        if (o->n_runs == 0)
            continue;
        double seconds = o->seconds > 0 ? o->seconds : 1e-12;
        fprintf(out, "%-28s %8lld %10.2f %5.1f%% %9.1f %8.1f\n", o->op, (long long)o->n_runs, 1e3 * o->seconds,
                total > 0 ? 100 * o->seconds / total : 0, o->flops / seconds * 1e-9, o->bytes / seconds * 1e-9);
    }
    return text_end(&t, arena);
}

const char *program_memory_text(const Program *p, Arena *arena)
{
    TextStream t;
    FILE *out = text_begin(&t)->stream;
    fprintf(out, "%14s %14s %7s %7s\n", "offset", "bytes", "first", "last");
    for (int b = 0; b < p->n_buffers; b++)
        fprintf(out, "%14lld %14lld %7d %7d\n", (long long)p->buffers[b].offset, (long long)p->buffers[b].n_bytes,
                p->buffers[b].first, p->buffers[b].last);
    return text_end(&t, arena);
}

static const char *node_to_text(const Node *node, Arena *arena)
{
    char shape[SHAPE_TEXT_BYTES];
    if (!node)
        return "-";
    const char *kind = node->kind == NODE_STATE ? "@" : node->kind == NODE_INPUT ? "$" : "%";
    return node->kind == NODE_CALL
               ? arena_printf(arena, "%s%d %s%s", kind, node->id, dtype_name(node->dtype), shape_to_text(shape, node->shape))
               : arena_printf(arena, "%s%s %s%s", kind, node->name, dtype_name(node->dtype), shape_to_text(shape, node->shape));
}

const char *graph_to_text(const Graph *g, Arena *arena)
{
    static const char *const segments[N_SEGMENTS] = {"forward", "backward", "update"};
    Arena *scratch = arena_new();
    int n_calls;
    Call **order = graph_order(g, scratch, &n_calls);
    TextStream t;
    FILE *out = text_begin(&t)->stream;
    for (int c = 0; c < n_calls; c++) {
        const Call *call = order[c];
        if (c == 0 || order[c - 1]->segment != call->segment)
            fprintf(out, "%s:\n", segments[call->segment]);
        fprintf(out, "  %-40s ", call->name);
        for (int o = 0; o < call->n_out; o++)
            fprintf(out, "%s%s", o ? ", " : "", node_to_text(call->out[o], scratch));
        fprintf(out, " <- ");
        for (int i = 0; i < call->n_in; i++)
            fprintf(out, "%s%s", i ? ", " : "", node_to_text(call->in[i], scratch));
        fprintf(out, "\n");
    }
    arena_free(scratch);
    return text_end(&t, arena);
}
