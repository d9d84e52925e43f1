/* matmul_rate.c - the products of a model's training, timed library by library. */
#include "study/bench/matmul_rate.h"

#include "base/file.h"
#include "base/log.h"
#include "base/options.h"
#include "study/bench/bench_internal.h"

#include <math.h>
#include <time.h>

/* One product of a step and how often it comes. */
typedef struct {
    Gemm gemm;
    double count;
    double best[GEMM_PEER_COUNT];  /* seconds; INFINITY: cannot */
} Product;

typedef struct {
    Product *products;
    int n;
    void *block;
    size_t n_bytes, a_bytes, b_bytes, c_bytes;
} Products;

/* ---- which products ---- */

static bool is_same(const Gemm *a, const Gemm *b)
{
    return a->m == b->m && a->n == b->n && a->k == b->k && a->a_row_stride == b->a_row_stride && a->b_row_stride == b->b_row_stride &&
           a->a_col_stride == b->a_col_stride && a->b_col_stride == b->b_col_stride;
}

static void add_product(Products *all, int64_t m, int64_t n, int64_t k, bool a_transposed, bool b_transposed)
{
    Gemm gemm = {.m = m, .n = n, .k = k, .c_row_stride = n, .a_row_stride = a_transposed ? 1 : k, .a_col_stride = a_transposed ? m : 1,
                 .b_row_stride = b_transposed ? 1 : n, .b_col_stride = b_transposed ? k : 1};
    for (int i = 0; i < all->n; i++)
        if (is_same(&all->products[i].gemm, &gemm)) {
            all->products[i].count++;
            return;
        }
    all->products[all->n] = (Product){.gemm = gemm, .count = 1};
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        all->products[all->n].best[p] = INFINITY;
    all->n++;
}

/* y = x W, dx = dy W^T, and dW as it lies: x^T dy or dy^T x. */
static void add_matrix(Products *all, const ModelMatrix *w, int64_t n_tokens, int64_t n_out)
{
    add_product(all, n_tokens, n_out, w->n_in, false, !w->in_out);
    add_product(all, n_tokens, w->n_in, n_out, false, w->in_out);
    if (w->in_out)
        add_product(all, w->n_in, n_out, n_tokens, true, false);
    else
        add_product(all, n_out, w->n_in, n_tokens, true, false);
}

static int64_t at_most(int64_t value, int64_t limit)
{
    return value < limit ? value : limit;
}

/* ---- memory ---- */

static Err map_operands(Products *all)
{
    static const DType dtypes[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    size_t workspace = 0;
    for (int i = 0; i < all->n; i++) {
        Gemm g = all->products[i].gemm;
        size_t a = bench_matrix_bytes(g.m * g.k, DTYPE_F32), b = bench_matrix_bytes(g.k * g.n, DTYPE_F32);
        size_t c = bench_matrix_bytes(g.m * g.n, DTYPE_F32);
        for (int d = 0; d < N_ELEMENTS(dtypes); d++) {
            g.a_dtype = g.b_dtype = g.c_dtype = dtypes[d];
            size_t w = gemm_workspace_bytes(&g);
            workspace = w > workspace ? w : workspace;
        }
        all->a_bytes = a > all->a_bytes ? a : all->a_bytes;
        all->b_bytes = b > all->b_bytes ? b : all->b_bytes;
        all->c_bytes = c > all->c_bytes ? c : all->c_bytes;
    }
    all->n_bytes = all->a_bytes + all->b_bytes + all->c_bytes + workspace;
    return memory_map(&all->block, all->n_bytes);
}

/* ---- time ---- */

static double time_call(GemmPeers *peers, GemmPeer peer, const Gemm *g, void *workspace)
{
    double start = clock_seconds();
    return gemm_peers_run(peers, peer, g, workspace) ? clock_seconds() - start : INFINITY;
}

/* The first call makes ready and warms up, and does not count. One that is far behind the others gets no third. */
static void time_product(Product *product, const Products *all, GemmPeers *peers, GemmPeer peer, DType dtype)
{
    Gemm g = product->gemm;
    char *block = all->block;
    bool is_weight_gradient = g.a_col_stride != 1;  /* summed in f32, whatever the operands are */
    g.a_dtype = g.b_dtype = dtype;
    g.c_dtype = is_weight_gradient ? DTYPE_F32 : dtype;
    g.a = block;
    g.b = block + all->a_bytes;
    g.c = block + all->a_bytes + all->b_bytes;
    void *workspace = block + all->a_bytes + all->b_bytes + all->c_bytes;
    double rival = INFINITY;
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        rival = fmin(rival, product->best[p]);
    if (isinf(time_call(peers, peer, &g, workspace)))
        return;
    double best = time_call(peers, peer, &g, workspace);
    if (best < 1.5 * rival)
        best = fmin(best, time_call(peers, peer, &g, workspace));
    product->best[peer] = fmin(product->best[peer], best);
}

/* Each library does all products in one turn; the pause lets its threads go to sleep before others work: the next library, or what is measured beside. */
static void time_all(Products *all, DType dtype)
{
    enum { PAUSE_MS = 30 };
    GemmPeers *peers = gemm_peers_open();
    bench_fill(all->block, all->a_bytes + all->b_bytes, dtype);
    for (int p = 0; p < GEMM_PEER_COUNT; p++) {
        if (gemm_peers_missing(peers, (GemmPeer)p))
            continue;
        for (int i = 0; i < all->n; i++)
            time_product(&all->products[i], all, peers, (GemmPeer)p, dtype);
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
    }
    gemm_peers_close(peers);
}

static void sum_up(MatmulRate *rate, const Products *all)
{
    double flops = 0, seconds = 0, peer_seconds[GEMM_PEER_COUNT] = {0};
    for (int i = 0; i < all->n; i++) {
        const Product *p = &all->products[i];
        double best = INFINITY;
        for (int peer = 0; peer < GEMM_PEER_COUNT; peer++) {
            best = fmin(best, p->best[peer]);
            peer_seconds[peer] += p->count * p->best[peer];
        }
        flops += p->count * gemm_flops(&p->gemm);
        seconds += p->count * best;
    }
    rate->flops_per_second = flops / seconds;
    for (int peer = 0; peer < GEMM_PEER_COUNT; peer++)
        rate->peer_flops_per_second[peer] = isfinite(peer_seconds[peer]) ? flops / peer_seconds[peer] : 0;
}

static void take_shapes(MatmulRate *rate, const Products *all, Arena *arena)
{
    MatmulShape *shape = ARENA_ARRAY(arena, MatmulShape, all->n);
    rate->n_shapes = all->n;
    rate->shape = shape;
    for (int i = 0; i < all->n; i++) {
        const Product *p = &all->products[i];
        shape[i] = (MatmulShape){.m = p->gemm.m, .n = p->gemm.n, .k = p->gemm.k, .a_transposed = p->gemm.a_col_stride != 1,
                                       .b_transposed = p->gemm.b_col_stride != 1, .count = (int64_t)p->count};
        for (int peer = 0; peer < GEMM_PEER_COUNT; peer++)
            shape[i].flops_per_second[peer] = isfinite(p->best[peer]) ? gemm_flops(&p->gemm) / p->best[peer] : 0;
    }
}

Err matmul_rate_measure(MatmulRate *rate, const ModelConfig *config, int64_t n_tokens, DType compute, const MatmulRateOptions *options, Arena *arena)
{
    double start = clock_seconds();
    *rate = (MatmulRate){0};
    Arena *scratch = arena_new();
    ModelMatrix *matrices;
    int n = model_matrices(&matrices, config, scratch);
    Products all = {.products = ARENA_ARRAY(scratch, Product, 3 * n)};
    for (int i = 0; i < n; i++)
        add_matrix(&all, &matrices[i], at_most(n_tokens, options->n_tokens_max),
                   matrices[i].is_head ? at_most(matrices[i].n_out, options->vocab_max) : matrices[i].n_out);
    Err err = map_operands(&all);
    if (err == OK) {
        time_all(&all, DTYPE_F32);
        if (compute != DTYPE_F32)
            time_all(&all, compute);
        sum_up(rate, &all);
        take_shapes(rate, &all, arena);
        memory_unmap(all.block, all.n_bytes);
    }
    arena_free(scratch);
    rate->seconds = clock_seconds() - start;
    return err;
}

double measured_matmul_rate(const ModelConfig *config, int64_t n_tokens, DType compute)
{
    MatmulRate rate;
    const MatmulRateOptions options = {.n_tokens_max = 512, .vocab_max = 4096};
    Arena *arena = arena_new();
    double flops_per_second = matmul_rate_measure(&rate, config, n_tokens, compute, &options, arena) == OK ? rate.flops_per_second : 0;
    arena_free(arena);
    return flops_per_second;
}
