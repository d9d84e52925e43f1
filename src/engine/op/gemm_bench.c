/* gemm_bench.c - our products beside those of oneDNN and OpenBLAS, taking turns in one run. */
#include "base/file.h"
#include "base/test.h"
#include "base/cpu_level.h"
#include "engine/op/gemm_peer.h"
#include "engine/op/probe.h"

#include <omp.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct {
    const char *name;
    int64_t m, n, k;
    bool a_transposed, b_transposed;
    int64_t k_leaf;  /* and accumulate, as gradients do: no turn for oneDNN, so ours is timed once more without */
} Shape;

/* GPT-2 124M, M tokens: y = x W (Conv1D), dx = dy W^T, dW = x^T dy; the head, tied to the embedding: y = x E^T. */
static const Shape model_shapes[] = {
    {"qkv forward", 1024, 2304, 768, false, false, 0},
    {"qkv forward W^T", 1024, 2304, 768, false, true, 0},
    {"proj forward", 1024, 768, 768, false, false, 0},
    {"fc forward", 1024, 3072, 768, false, false, 0},
    {"fc2 forward", 1024, 768, 3072, false, false, 0},
    {"qkv dx", 1024, 768, 2304, false, true, 0},
    {"fc dx", 1024, 768, 3072, false, true, 0},
    {"fc2 dx", 1024, 3072, 768, false, true, 0},
    {"qkv dw", 768, 2304, 1024, true, false, 512},
    {"proj dw", 768, 768, 1024, true, false, 512},
    {"fc dw", 768, 3072, 1024, true, false, 512},
    {"fc2 dw", 3072, 768, 1024, true, false, 512},
    {"head forward", 1024, 50257, 768, false, true, 0},
    {"qkv forward 4096", 4096, 2304, 768, false, false, 0},
    {"fc forward 4096", 4096, 3072, 768, false, true, 0},
    {"fc2 forward 4096", 4096, 768, 3072, false, false, 0},
    {"fc dw 4096", 768, 3072, 4096, true, false, 512},
};
/* Weights lie [in, out], as GPT-2's do. */
static const Shape nano_shapes[] = {
    {"nano qkv", 768, 384, 128, false, false, 0},    {"nano proj", 768, 128, 128, false, false, 0},
    {"nano fc", 768, 512, 128, false, false, 0},     {"nano fc2", 768, 128, 512, false, false, 0},
    {"nano head", 768, 65, 128, false, true, 0},     {"nano qkv dx", 768, 128, 384, false, true, 0},
    {"nano proj dx", 768, 128, 128, false, true, 0}, {"nano fc dx", 768, 128, 512, false, true, 0},
    {"nano fc2 dx", 768, 512, 128, false, true, 0},  {"nano qkv dw", 128, 384, 768, true, false, 64},
    {"nano proj dw", 128, 128, 768, true, false, 64}, {"nano fc dw", 128, 512, 768, true, false, 64},
    {"nano fc2 dw", 512, 128, 768, true, false, 64},
};
static const Shape decode_shapes[] = {
    {"decode 1 fc", 1, 3072, 768, false, false, 0},  {"decode 1 fc W^T", 1, 3072, 768, false, true, 0},
    {"decode 1 head", 1, 50257, 768, false, true, 0}, {"decode 4 head", 4, 50257, 768, false, true, 0},
    {"decode 8 head", 8, 50257, 768, false, true, 0}, {"decode 8 fc2", 8, 768, 3072, false, false, 0},
    {"prefill 64 fc", 64, 3072, 768, false, false, 0},
};
static const Shape tiny_shapes[] = {{"tiny", 33, 65, 40, false, true, 0}, {"tiny dw", 33, 65, 40, true, false, 8}};

/* Among the tests the bench is silent. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (test_bench_full())
        vprintf(format, args);
    va_end(args);
    fflush(stdout);
}

typedef struct {
    void *block;
    size_t n_bytes;
    Gemm g;
    void *workspace;
} Operands;

static size_t padded(size_t n_bytes)
{
    return (n_bytes + 4095) / 4096 * 4096;
}

/* C is of the operands' dtype, but a weight's gradient is f32. */
static Err operands_make(Operands *o, const Shape *s, DType dtype)
{
    o->g = (Gemm){.m = s->m, .n = s->n, .k = s->k, .a_dtype = dtype, .b_dtype = dtype, .c_dtype = s->a_transposed ? DTYPE_F32 : dtype,
                  .c_row_stride = s->n, .k_leaf = s->k_leaf, .accumulate = s->k_leaf > 0,
                  .a_row_stride = s->a_transposed ? 1 : s->k, .a_col_stride = s->a_transposed ? s->m : 1,
                  .b_row_stride = s->b_transposed ? 1 : s->n, .b_col_stride = s->b_transposed ? s->k : 1};
    size_t a = padded((size_t)(s->m * s->k) * 4), b = padded((size_t)(s->k * s->n) * 4), c = padded((size_t)(s->m * s->n) * 4);
    o->n_bytes = a + b + c + gemm_workspace_bytes(&o->g);
    TRY(memory_map(&o->block, o->n_bytes));
    for (size_t i = 0; i < (a + b) / (size_t)dtype_bytes(dtype); i++) {
        float value = (float)((int)(i * 2654435761u >> 16 & 0xffff) - 32768) / 32768.0f;
        if (dtype == DTYPE_BF16)
            ((uint16_t *)o->block)[i] = bf16_from_f32(value);
        else
            ((float *)o->block)[i] = value;
    }
    o->g.a = o->block;
    o->g.b = (char *)o->block + a;
    o->g.c = (char *)o->block + a + b;
    o->workspace = (char *)o->block + a + b + c;
    return OK;
}

static double c_at(const Gemm *g, size_t i)
{
    return (double)(g->c_dtype == DTYPE_F32 ? ((const float *)g->c)[i] : f32_from_bf16(((const uint16_t *)g->c)[i]));
}

/* The largest difference between a peer's C and ours, as a share of the bound on K additions of values up to 1, and of C's own rounding. */
static double peer_difference(GemmPeers *peers, GemmPeer peer, Operands *o)
{
    Gemm g = o->g;
    g.accumulate = false;
    size_t last = (size_t)(g.m * g.n - 1);
    double difference = 0.0;
    gemm_run(&g, o->workspace);
    double ours[2] = {c_at(&g, 0), c_at(&g, last)}, step = g.c_dtype == DTYPE_F32 ? 0.0 : 0x1p-8;
    if (gemm_peers_run(peers, peer, &g, o->workspace))
        difference = fmax(fabs(c_at(&g, 0) - ours[0]), fabs(c_at(&g, last) - ours[1]));
    return difference / ((double)g.k * ((double)g.k * 0x1p-24 + step));
}

/* One line a shape; returns ours over the best peer, in speed. */
static double bench_shape(GemmPeers *peers, const Shape *s, DType dtype, double peak, int n_rounds)
{
    Operands o;
    if (!CHECK_OK(operands_make(&o, s, dtype)))
        return 1.0;
    double seconds[GEMM_PEER_COUNT], best = INFINITY;
    for (int p = GEMM_PEER_ONEDNN; p < GEMM_PEER_COUNT; p++)
        CHECK(peer_difference(peers, (GemmPeer)p, &o) < 1.0);
    gemm_peers_time(seconds, peers, &o.g, o.workspace, n_rounds);
    say("  %-18s %5d x %5d x %4d ", s->name, (int)s->m, (int)s->n, (int)s->k);
    for (int p = 0; p < GEMM_PEER_COUNT; p++) {
        if (seconds[p] > 0.0)
            say(" %8.1f", gemm_flops(&o.g) / seconds[p] * 1e-9);
        else
            say(" %8s", "-");
        if (p != GEMM_PEER_OURS && seconds[p] > 0.0)
            best = fmin(best, seconds[p]);
    }
    double ratio = best / seconds[GEMM_PEER_OURS];
    say("  %5.2f of best peer, %4.2f of peak\n", ratio, gemm_flops(&o.g) / seconds[GEMM_PEER_OURS] / peak);
    memory_unmap(o.block, o.n_bytes);
    return ratio;
}

static void bench_shapes(const char *title, const Shape *shapes, int n_shapes, DType dtype, int n_rounds)
{
    GemmPeers *peers = gemm_peers_open();
    double bf16_peak = dtype == DTYPE_BF16 ? probe_bf16_flops_per_second() : 0.0, log_sum = 0.0, worst = INFINITY;
    double peak = bf16_peak > 0.0 ? bf16_peak : probe_fma_flops_per_second();
    say("%s, %s: %d threads, %s, multiply-adds from registers %.1f GFLOP/s\n", title, dtype_name(dtype), omp_get_max_threads(),
           cpu_level_name(cpu_level()), peak * 1e-9);
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        if (gemm_peers_missing(peers, (GemmPeer)p))
            say("  missing: %s (%s)\n", gemm_peer_name((GemmPeer)p), gemm_peers_missing(peers, (GemmPeer)p));
    say("  %-18s %-21s %8s %8s %8s %8s  GFLOP/s\n", "", "    M x     N x    K", "ours", "oneDNN", "packed", "OpenBLAS");
    for (int i = 0; i < n_shapes; i++) {
        double ratio = bench_shape(peers, &shapes[i], dtype, peak, n_rounds);
        log_sum += log(ratio);
        worst = fmin(worst, ratio);
    }
    say("  geometric mean %.3f of the best peer, worst %.3f\n", exp(log_sum / n_shapes), worst);
    gemm_peers_close(peers);
}

static void bench_gpt2(DType dtype)
{
    if (test_bench_full())
        bench_shapes("GPT-2 124M", model_shapes, sizeof model_shapes / sizeof *model_shapes, dtype, 7);
    else
        bench_shapes("tiny", tiny_shapes, 2, dtype, 1);
}

BENCH(gemm, beside_peers_gpt2)
{
    bench_gpt2(DTYPE_F32);
}

BENCH(gemm, beside_peers_bf16)
{
    bench_gpt2(DTYPE_BF16);
}

BENCH(gemm, beside_peers_nano)
{
    if (test_bench_full())
        bench_shapes("nano", nano_shapes, sizeof nano_shapes / sizeof *nano_shapes, DTYPE_F32, 9);
}

BENCH(gemm, beside_peers_decode)
{
    if (test_bench_full())
        bench_shapes("decode", decode_shapes, sizeof decode_shapes / sizeof *decode_shapes, DTYPE_F32, 9);
}

BENCH(gemm, probes)
{
    MemoryRates rates;
    if (test_bench_full() && CHECK_OK(probe_memory(&rates)))
        say("multiply-adds %.1f GFLOP/s, reading %.1f GB/s, copying %.1f GB/s\n", probe_fma_flops_per_second() * 1e-9,
               rates.read * 1e-9, rates.copy * 1e-9);
}
