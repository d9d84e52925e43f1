/* attention_case_test.c - builds and runs the cases of attention_case.h. */
#include "engine/op/attention_case.h"

#include "base/philox.h"
#include "base/test.h"
#include "engine/op/attention_internal.h"

#include <assert.h>

extern const OpInfo attention_backward_info;

double attention_case_scale(const AttentionCase *c)
{
    return 1.0 / sqrt((double)c->width);
}

static double number(const char *name, int64_t i)
{
    Philox random = philox(1, philox_stream(name), 0, (uint64_t)i);
    float a, b;
    philox_normal(random.word[0], random.word[1], &a, &b);
    return a;
}

static void fill_input(Program *program, const char *name, int64_t first, double size)
{
    Tensor *t = program_input(program, name);
    int64_t row = tensor_dim(t, 1) * tensor_dim(t, 2);
    for (int64_t i = 0; i < tensor_count(t); i++)
        tensor_set(t, i, (double)f32_from_bf16(bf16_from_f32((float)(size * number(name, first * row + i)))));
}

static void build(AttentionRun *run)
{
    const AttentionCase *c = &run->c;
    Graph *g = run->g;
    Node *q = graph_input(g, "q", c->dtype, shape_3(c->n_queries, c->heads, c->width), 0);
    Node *k = graph_input(g, "k", c->dtype, shape_3(c->n_keys, c->kv_heads, c->width), 0);
    Node *v = graph_input(g, "v", c->dtype, shape_3(c->n_keys, c->kv_heads, c->v_width), 0);
    Node *ranges = graph_input(g, "ranges", DTYPE_I32, shape_2(c->n_queries, 2), 0);
    Node *dy = graph_input(g, "dy", c->dtype, shape_3(c->n_queries, c->heads, c->v_width), 0);
    AttentionOptions options = c->options;
    options.scale = attention_case_scale(c);
    AttentionAttr attr;
    memset(&attr, 0, sizeof attr);
    attr.options = options;
    attr.is_self = c->n_queries == c->n_keys;
    if (options.dropout > 0.0)
        options.draws = graph_input(g, "draws", DTYPE_I32, shape_2(c->n_queries, 3), 0);
    attr.dropout = (DropoutAttr){options.dropout, options.dropout_seed, (uint64_t)graph_n_calls(g)};
    Node *y = attention(g, q, k, v, ranges, options), *lse = node_sibling(y, 1);
    graph_set_segment(g, SEGMENT_BACKWARD);
    Node *dq = graph_call(g, &attention_backward_info, (Node *[]){q, k, v, ranges, options.draws, y, lse, dy}, 8, &attr, sizeof attr);
    graph_output(g, "y", y);
    graph_output(g, "lse", lse);
    graph_output(g, "dq", dq);
    graph_output(g, "dk", node_sibling(dq, 1));
    graph_output(g, "dv", node_sibling(dq, 2));
}

bool attention_run(AttentionRun *run, const AttentionCase *c)
{
    *run = (AttentionRun){.c = *c, .store = store_new()};
    run->g = graph_new(run->store);
    build(run);
    if (!CHECK_OK(graph_compile(&run->program, run->g, &(CompileOptions){c->backend})) || !CHECK_OK(program_bind(run->program)))
        return false;
    double size = c->size > 0.0 ? c->size : 1.0;
    fill_input(run->program, "q", c->first_query, size);
    fill_input(run->program, "k", c->first_key, size);
    fill_input(run->program, "v", c->first_key, 1.0);
    fill_input(run->program, "dy", c->first_query, 1.0);
    int32_t *ranges = program_input(run->program, "ranges")->data;
    for (int64_t n = 0; n < c->n_queries; n++) {
        c->range(c->first_query + n, ranges + 2 * n);
        for (int i = 0; i < 2; i++)
            ranges[2 * n + i] -= (int32_t)c->first_key;
    }
    for (int64_t i = 0; i < 3 * c->n_queries && c->options.dropout > 0.0; i++)
        ((int32_t *)program_input(run->program, "draws")->data)[i] = i % 3 == 2 ? (int32_t)(c->first_query + i / 3) : 4;
    program_run_all(run->program);
    return true;
}

void attention_run_free(AttentionRun *run)
{
    program_free(run->program);
    graph_free(run->g);
    store_free(run->store);
}

bool attention_same_bits(const AttentionRun *a, int64_t a_first, const AttentionRun *b, int64_t b_first, int64_t n, const char *name)
{
    const Tensor *x = program_output(a->program, name), *y = program_output(b->program, name);
    int64_t row = (int64_t)tensor_bytes(x) / tensor_dim(x, 0);
    assert(row * tensor_dim(y, 0) == (int64_t)tensor_bytes(y));
    return memcmp((char *)x->data + a_first * row, (char *)y->data + b_first * row, (size_t)(n * row)) == 0;
}

void range_causal(int64_t query, int32_t range[2])
{
    range[0] = 0;
    range[1] = (int32_t)query + 1;
}

void range_packed(int64_t query, int32_t range[2])
{
    range[0] = (int32_t)(query / 37 * 37);
    range[1] = (int32_t)query + 1;
}

void range_prefix(int64_t query, int32_t range[2])
{
    range[0] = 0;
    range[1] = query < 20 ? 20 : (int32_t)query + 1;
}

void range_window(int64_t query, int32_t range[2])
{
    range[0] = query < 50 ? 0 : (int32_t)query - 49;
    range[1] = (int32_t)query + 1;
}

void range_any(int64_t query, int32_t range[2])
{
    range[0] = (int32_t)(query * 37 % 90);
    range[1] = query % 7 == 3 ? range[0] : range[0] + 1 + (int32_t)(query * 13 % (100 - range[0]));
}
