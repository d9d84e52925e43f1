/* gemm.c - cuts a matrix product into panels and tiles; see gemm.h for what it promises, gemm_kernels.h for the parts.
 *
 * Ways that differ in who packs, the same bits. Many rows: an operand that is used up in one range of K is packed tile by tile, by the
 * thread that multiplies the tile, so that it never leaves that thread's second cache; what remains is packed by all threads together,
 * before. Each then takes tiles of C, in such an order that its part of B stays in the second cache while rows of A stream by. Where B comes in
 * panels (weights that many products share), nobody waits for anybody, unless A is packed by all. Few rows
 * (decode): each panel of B is used once, so the thread that packs it uses it at once, or it is not packed at all, and B is read once, at
 * the speed of memory. */
#include "engine/op/gemm.h"
#include "engine/op/gemm_job.h"

#include <assert.h>
#include <omp.h>

static bool is_float(DType dtype)
{
    return dtype == DTYPE_F32 || dtype == DTYPE_BF16 || dtype == DTYPE_F16;
}

static const GemmKernel *kernel_for(const Gemm *g)
{
    bool is_bf16 = g->a_dtype == DTYPE_BF16 && g->b_dtype == DTYPE_BF16;
    return is_bf16 && cpu_level() == CPU_AVX512_BF16 ? gemm_kernel_bf16() : KERNEL_PICK(gemm_kernel)();
}

size_t gemm_workspace_bytes(const Gemm *g)
{
    GemmWorkspace words = gemm_workspace_words(g);
    return (size_t)(words.a + words.b + words.sums) * sizeof(uint32_t);
}

size_t gemm_b_panels_bytes(int64_t n, int64_t k)
{
    return (size_t)(round_up(n, GEMM_B_WIDTH_MAX) * k) * sizeof(uint32_t);
}

void gemm_pack_b(const Gemm *g, void *panels)
{
    const GemmKernel *kernel = kernel_for(g);
    int64_t n_words = divide_up(g->k, kernel->k_per_word);
    assert(g->k_leaf == 0 && (uintptr_t)panels % 64 == 0);
#pragma omp parallel for schedule(static)
    for (int64_t column = 0; column < g->n; column += kernel->b.lanes)
        kernel->pack((uint32_t *)panels + column * n_words, kernel->b, min_i64(kernel->b.lanes, g->n - column), g->k, gemm_lanes_of_b(g, column, 0));
}

static void job_run(GemmJob *job)
{
    if (gemm_is_direct(job))
        gemm_run_direct(job);
    else if (gemm_is_few_rows(job->g, job->kernel->k_per_word))
        gemm_run_few_rows(job);
    else
        gemm_run_many_rows(job);
}

void gemm_run_kernel(const Gemm *g, const GemmKernel *kernel, void *workspace, bool is_serial)
{
    assert(is_float(g->a_dtype) && is_float(g->b_dtype) && is_float(g->c_dtype));
    assert(g->m >= 0 && g->n >= 0 && g->k >= 0);
    assert(g->k_leaf >= 0 && g->k_leaf <= GEMM_K_LEAF_MAX);
    assert(!g->b_panels || g->k_leaf == 0);
    assert((uintptr_t)workspace % 64 == 0);
    if (g->m == 0 || g->n == 0)
        return;
    int64_t k_block = gemm_k_block(g, kernel->k_per_word);
    GemmWorkspace words = gemm_workspace_words(g);
    uint32_t *a_panels = workspace, *b_panels = a_panels + words.a;
    GemmShare share[GEMM_SHARES_MAX];
    GemmBegun begun[GEMM_SHARES_MAX];
    for (int i = 0; i < GEMM_SHARES_MAX; i++)
        atomic_init(&share[i].next, 0), atomic_init(&begun[i].n_left, 0), atomic_init(&begun[i].n_done, 0), atomic_init(&begun[i].is_open, false);
    GemmJob job = {.g = g, .kernel = kernel, .k_block = k_block, .n_k_blocks = max_i64(divide_up(g->k, k_block), 1),
               .a_panels = a_panels, .b_panels = b_panels, .sums = gemm_needs_sums(g, kernel->k_per_word) ? (float *)(b_panels + words.b) : NULL,
               .n_threads = 1, .n_shares = 1, .share = share, .begun = begun};
    if (is_serial) {
        job_run(&job);
    } else {
#pragma omp parallel firstprivate(job)
        {
            job.n_threads = omp_get_num_threads();
            job.n_shares = gemm_is_few_rows(g, kernel->k_per_word) ? 1 : (int)min_i64(job.n_threads, GEMM_SHARES_MAX);
            job_run(&job);
        }
    }
}

/* Waking threads costs some microseconds: a product that takes no longer is left to one. */
static bool is_small(const Gemm *g)
{
    const double multiplications_min = 1 << 18;
    return (double)g->m * (double)g->n * (double)g->k < multiplications_min;
}

void gemm_run(const Gemm *g, void *workspace)
{
    gemm_run_kernel(g, kernel_for(g), workspace, is_small(g) || omp_in_parallel());
}

void gemm_run_serial(const Gemm *g, void *workspace)
{
    gemm_run_kernel(g, kernel_for(g), workspace, true);
}
