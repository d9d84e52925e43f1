/* graph_dot.c - a graph as a drawing for Graphviz. */
#include "engine/graph/graph_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* Names hold letters, digits, dots, colons; quotes and backslashes are escaped all the same. */
static void put_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void put_shape(FILE *out, const Node *node)
{
    fprintf(out, "%s [", dtype_name(node->dtype));
    for (int i = 0; i < node->shape.n_dims; i++)
        fprintf(out, "%s%lld", i ? ", " : "", (long long)node->shape.dim[i]);
    fputc(']', out);
}

/* Inputs and states stand outside the segments; a state is drawn once a node that reads it. */
static void put_source(FILE *out, int graph, const Node *node)
{
    bool is_state = node->kind != NODE_INPUT;
    fprintf(out, "  g%dn%d [shape=%s, style=filled, fillcolor=\"%s\", label=", graph, node->id, is_state ? "cylinder" : "ellipse", is_state ? "#e7e0cf" : "#d9e6e3");
    put_quoted(out, node->name);
    fputs(", tooltip=\"", out);
    put_shape(out, node);
    fputs("\"];\n", out);
}

static void put_call(FILE *out, int graph, const Call *call)
{
    fprintf(out, "    g%dc%d [label=", graph, call->id);
    put_quoted(out, call->name);
    fputs(", tooltip=", out);
    put_quoted(out, call->op->name);
    fprintf(out, "%s];\n", call->repeats ? ", style=\"rounded,dashed\"" : "");
}

static void put_segment(FILE *out, int graph, Call *const *calls, int n_calls, Segment segment)
{
    static const char *const names[N_SEGMENTS] = {"forward", "backward", "update"};
    int n = 0;
    for (int i = 0; i < n_calls; i++)
        n += calls[i]->segment == segment;
    if (n == 0)
        return;
    fprintf(out, "  subgraph cluster_%d_%s {\n    label=\"%s\"; color=\"#a8a297\";\n", graph, names[segment], names[segment]);
    for (int i = 0; i < n_calls; i++)
        if (calls[i]->segment == segment)
            put_call(out, graph, calls[i]);
    fputs("  }\n", out);
}

static void put_edges(FILE *out, int graph, const Call *call, bool *drawn)
{
    for (int i = 0; i < call->n_in; i++) {
        const Node *in = call->in[i];
        if (!in)
            continue;
        if (in->kind != NODE_CALL && !drawn[in->id]) {
            drawn[in->id] = true;
            put_source(out, graph, in);
        }
        if (in->kind == NODE_CALL)
            fprintf(out, "  g%dc%d -> g%dc%d [label=\"", graph, in->call->id, graph, call->id);
        else
            fprintf(out, "  g%dn%d -> g%dc%d [label=\"", graph, in->id, graph, call->id);
        put_shape(out, in);
        fputs("\"];\n", out);
    }
}

static void put_graph(FILE *out, int index, const Graph *g)
{
    int n_calls;
    Arena *scratch = arena_new();
    Call **calls = graph_order(g, scratch, &n_calls);
    bool *drawn = ARENA_ARRAY(scratch, bool, g->n_nodes);
    for (int s = 0; s < N_SEGMENTS; s++)
        put_segment(out, index, calls, n_calls, (Segment)s);
    for (int i = 0; i < n_calls; i++)
        put_edges(out, index, calls[i], drawn);
    arena_free(scratch);
}

const char *graphs_to_dot(const Graph *const *graphs, int n_graphs, Arena *arena)
{
    char *text = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&text, &n_bytes);
    fputs("digraph jikji {\n  rankdir=TB; fontname=\"sans-serif\"; node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=11];\n"
          "  edge [fontname=\"sans-serif\", fontsize=9, color=\"#5f5a51\", fontcolor=\"#5f5a51\"];\n", out);
    for (int i = 0; i < n_graphs; i++)
        put_graph(out, i, graphs[i]);
    fputs("}\n", out);
    fclose(out);
    const char *copy = arena_strndup(arena, text, n_bytes);
    free(text);
    return copy;
}
