/* gemm.c - cuts a matrix product into panels and tiles; see gemm.h for what it promises, gemm_kernels.h for the parts.
 *
 * Two ways, the same bits. Many rows: for each block of K, the panels of A and B are packed by all threads, then tiles of C take
 * their block sums from them. Few rows (decode): each panel of B is used once, so the thread that packs it uses it at once,
 * from its own stack, and B is read once at the speed of memory. */
#include "engine/op/gemm.h"
#include "engine/op/gemm_kernels.h"

#include <assert.h>
#include <omp.h>
#include <stdatomic.h>

enum {
    ROWS_MAX = 2016,             /* of A packed at a time, if K blocks are GEMM_K_BLOCK */
    COLUMNS_MAX = 3072,          /* of B, likewise */
    TILE_ROW_PANELS = 6,         /* a tile's panels of B stay in the second level cache, one panel of A in the first */
    TILE_COLUMNS = 256,
    TILES_WANTED = 32,           /* enough for any number of threads to share evenly; smaller tiles cost more */
    FEW_ROWS_MAX = 28,
    FEW_ROWS_K_BLOCK_MAX = 512,  /* the stack holds a panel: 64 kB */
    PACK_PANELS = 4,             /* panels packed as one piece of work */
};

typedef struct {
    const Gemm *g;
    const GemmKernel *kernel;
    int64_t k_block, n_k_blocks;
    uint32_t *a_panels, *b_panels;  /* parts of the workspace */
    float *sums;                    /* block sums of a bf16 C so far, [rows, columns] of the block */
    int n_threads;
    atomic_llong ticket;            /* the next piece of work */
} Job;

/* Pieces of one phase are handed out in order. Each thread draws one ticket too many, so the next phase begins
 * n_pieces + n_threads later; after its barrier. */
typedef struct {
    long long first, n_pieces;
} Phase;

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t round_up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static int64_t divide_up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit;
}

static int64_t k_block_of(const Gemm *g)
{
    return g->k_leaf ? g->k_leaf : GEMM_K_BLOCK;
}

/* The most rows or columns packed at a time: less if K blocks are long, so that panels keep their size. */
static int64_t block_limit(int64_t limit, int64_t k_block)
{
    return k_block > GEMM_K_BLOCK ? limit * GEMM_K_BLOCK / k_block : limit;
}

/* Those of one block: all n, or the fewest equal parts below the limit. */
static int64_t block_of(int64_t n, int64_t limit, int64_t unit)
{
    return round_up(divide_up(n, divide_up(n, limit)), unit);
}

static bool is_few_rows(const Gemm *g)
{
    return g->m <= FEW_ROWS_MAX && k_block_of(g) <= FEW_ROWS_K_BLOCK_MAX;
}

static bool next_piece(Job *job, const Phase *phase, int64_t *piece)
{
    *piece = atomic_fetch_add_explicit(&job->ticket, 1, memory_order_relaxed) - phase->first;
    return *piece < phase->n_pieces;
}

static void end_phase(Job *job, Phase *phase)
{
    phase->first += phase->n_pieces + job->n_threads;
    if (job->n_threads > 1) {
#pragma omp barrier
    }
}

static GemmLanes lanes_of_a(const Gemm *g, int64_t row, int64_t k)
{
    int64_t at = row * g->a_row_stride + k * g->a_col_stride;
    return (GemmLanes){(const char *)g->a + at * dtype_bytes(g->a_dtype), g->a_dtype, g->a_row_stride, g->a_col_stride};
}

static GemmLanes lanes_of_b(const Gemm *g, int64_t column, int64_t k)
{
    int64_t at = k * g->b_row_stride + column * g->b_col_stride;
    return (GemmLanes){(const char *)g->b + at * dtype_bytes(g->b_dtype), g->b_dtype, g->b_col_stride, g->b_row_stride};
}

/* Where block k_index of the sums of C's tile at (row, column) goes; sums: the place for those of a bf16 C, of that stride. */
static GemmOut out_at(const Job *job, int64_t row, int64_t column, int64_t n_columns, int64_t k_index, float *sums,
                      int64_t sums_stride)
{
    const Gemm *g = job->g;
    bool is_first = k_index == 0, is_last = k_index == job->n_k_blocks - 1;
    int64_t at = row * g->c_row_stride + column;
    void *c = (char *)g->c + at * dtype_bytes(g->c_dtype);
    GemmOut out = {.to = c, .to_dtype = g->c_dtype, .to_stride = g->c_row_stride,
                   .from = c, .from_dtype = g->c_dtype, .from_stride = g->c_row_stride,
                   .bias = is_last && g->bias ? g->bias + column : NULL, .n_columns = (int)n_columns};
    if (is_first && !g->accumulate)
        out.from = NULL;
    else if (!is_first && g->c_dtype == DTYPE_BF16)
        out.from = sums, out.from_dtype = DTYPE_F32, out.from_stride = sums_stride;
    if (!is_last && g->c_dtype == DTYPE_BF16)
        out.to = sums, out.to_dtype = DTYPE_F32, out.to_stride = sums_stride;
    return out;
}

/* ---- many rows ---- */

/* A block of C and one block of K. */
typedef struct {
    int64_t row, n_rows, column, n_columns;
    int64_t k, n_k, n_words, k_index;
    int64_t tile_rows, tile_columns;
} Block;

/* Tiles as large as the caches like, but smaller while the block has too few of them. */
static void block_cut(Block *block, const GemmKernel *kernel)
{
    block->tile_rows = TILE_ROW_PANELS * kernel->mr;
    block->tile_columns = TILE_COLUMNS;
    for (;;) {
        int64_t n_tiles = divide_up(block->n_rows, block->tile_rows) * divide_up(block->n_columns, block->tile_columns);
        if (n_tiles >= TILES_WANTED)
            return;
        if (block->tile_rows > 2 * kernel->mr)
            block->tile_rows -= 2 * kernel->mr;
        else if (block->tile_columns > 2 * kernel->nr)
            block->tile_columns /= 2;
        else
            return;
    }
}

static void pack_piece(const Job *job, const Block *block, int64_t piece)
{
    const GemmKernel *kernel = job->kernel;
    int64_t n_a_pieces = divide_up(block->n_rows, PACK_PANELS * kernel->mr);
    bool is_a = piece < n_a_pieces;
    int64_t width = is_a ? kernel->mr : kernel->nr, n_lanes = is_a ? block->n_rows : block->n_columns;
    int64_t first = (is_a ? piece : piece - n_a_pieces) * PACK_PANELS * width;
    int64_t end = min_i64(first + PACK_PANELS * width, n_lanes);
    for (int64_t lane = first; lane < end; lane += width) {
        int64_t n = min_i64(width, n_lanes - lane);
        if (is_a)
            kernel->pack(job->a_panels + lane * block->n_words, (int)n, (int)n, block->n_k,
                         lanes_of_a(job->g, block->row + lane, block->k));
        else
            kernel->pack(job->b_panels + lane * block->n_words, (int)width, (int)n, block->n_k,
                         lanes_of_b(job->g, block->column + lane, block->k));
    }
}

static void compute_tile(const Job *job, const Block *block, int64_t piece)
{
    const GemmKernel *kernel = job->kernel;
    int64_t n_row_tiles = divide_up(block->n_rows, block->tile_rows);
    int64_t row_first = piece % n_row_tiles * block->tile_rows, column_first = piece / n_row_tiles * block->tile_columns;
    int64_t row_end = min_i64(row_first + block->tile_rows, block->n_rows);
    int64_t column_end = min_i64(column_first + block->tile_columns, block->n_columns);
    for (int64_t row = row_first; row < row_end; row += kernel->mr)
        for (int64_t column = column_first; column < column_end; column += kernel->nr) {
            float *sums = job->sums ? job->sums + row * block->n_columns + column : NULL;
            GemmOut out = out_at(job, block->row + row, block->column + column, min_i64(kernel->nr, block->n_columns - column),
                                 block->k_index, sums, block->n_columns);
            kernel->tile((int)min_i64(kernel->mr, block->n_rows - row), block->n_words,
                         job->a_panels + row * block->n_words, job->b_panels + column * block->n_words, &out);
        }
}

static void run_block(Job *job, Block *block, Phase *phase)
{
    const GemmKernel *kernel = job->kernel;
    int64_t piece;
    phase->n_pieces = divide_up(block->n_rows, PACK_PANELS * kernel->mr) +
                      divide_up(block->n_columns, PACK_PANELS * kernel->nr);
    while (next_piece(job, phase, &piece))
        pack_piece(job, block, piece);
    end_phase(job, phase);

    block_cut(block, kernel);
    phase->n_pieces = divide_up(block->n_rows, block->tile_rows) * divide_up(block->n_columns, block->tile_columns);
    while (next_piece(job, phase, &piece))
        compute_tile(job, block, piece);
    end_phase(job, phase);
}

static void run_many_rows(Job *job)
{
    const Gemm *g = job->g;
    Phase phase = {0, 0};
    int64_t rows = block_of(g->m, block_limit(ROWS_MAX, job->k_block), job->kernel->mr);
    int64_t columns = block_of(g->n, block_limit(COLUMNS_MAX, job->k_block), job->kernel->nr);
    for (int64_t column = 0; column < g->n; column += columns)
        for (int64_t row = 0; row < g->m; row += rows)
            for (int64_t i = 0; i < job->n_k_blocks; i++) {
                int64_t k = i * job->k_block, n_k = min_i64(job->k_block, g->k - k);
                Block block = {.row = row, .n_rows = min_i64(rows, g->m - row), .column = column,
                               .n_columns = min_i64(columns, g->n - column), .k = k, .n_k = n_k,
                               .n_words = divide_up(n_k, job->kernel->k_per_word), .k_index = i};
                run_block(job, &block, &phase);
            }
}

/* ---- few rows ---- */

/* A's panels, all blocks of K: block i begins at word i * words * m. */
static void pack_few_rows(const Job *job, int64_t k_index)
{
    const Gemm *g = job->g;
    int64_t k = k_index * job->k_block, n_k = min_i64(job->k_block, g->k - k);
    int64_t n_words = divide_up(n_k, job->kernel->k_per_word);
    uint32_t *panels = job->a_panels + k_index * divide_up(job->k_block, job->kernel->k_per_word) * g->m;
    for (int64_t row = 0; row < g->m; row += job->kernel->mr) {
        int n = (int)min_i64(job->kernel->mr, g->m - row);
        job->kernel->pack(panels + row * n_words, n, n, n_k, lanes_of_a(g, row, k));
    }
}

static void compute_few_rows(const Job *job, int64_t column)
{
    _Alignas(64) uint32_t b_panel[FEW_ROWS_K_BLOCK_MAX * GEMM_NR_MAX];
    float sums[FEW_ROWS_MAX * GEMM_NR_MAX];
    const Gemm *g = job->g;
    const GemmKernel *kernel = job->kernel;
    int64_t n_columns = min_i64(kernel->nr, g->n - column);
    for (int64_t i = 0; i < job->n_k_blocks; i++) {
        int64_t k = i * job->k_block, n_k = min_i64(job->k_block, g->k - k);
        int64_t n_words = divide_up(n_k, kernel->k_per_word);
        const uint32_t *panels = job->a_panels + i * divide_up(job->k_block, kernel->k_per_word) * g->m;
        kernel->pack(b_panel, kernel->nr, (int)n_columns, n_k, lanes_of_b(g, column, k));
        for (int64_t row = 0; row < g->m; row += kernel->mr) {
            GemmOut out = out_at(job, row, column, n_columns, i, sums + row * GEMM_NR_MAX, GEMM_NR_MAX);
            kernel->tile((int)min_i64(kernel->mr, g->m - row), n_words, panels + row * n_words, b_panel, &out);
        }
    }
}

static void run_few_rows(Job *job)
{
    Phase phase = {0, job->n_k_blocks};
    int64_t piece;
    while (next_piece(job, &phase, &piece))
        pack_few_rows(job, piece);
    end_phase(job, &phase);
    phase.n_pieces = divide_up(job->g->n, job->kernel->nr);
    while (next_piece(job, &phase, &piece))
        compute_few_rows(job, piece * job->kernel->nr);
}

/* ---- the door ---- */

static bool is_float(DType dtype)
{
    return dtype == DTYPE_F32 || dtype == DTYPE_BF16;
}

static const GemmKernel *kernel_for(const Gemm *g)
{
    bool is_bf16 = g->a_dtype == DTYPE_BF16 && g->b_dtype == DTYPE_BF16;
    return is_bf16 && cpu_level() == CPU_AVX512_BF16 ? gemm_kernel_bf16() : KERNEL_PICK(gemm_kernel)();
}

/* Offsets in the workspace, the same at every CPU level: widths are rounded up to the largest panel. */
static size_t layout(const Gemm *g, size_t *b_at, size_t *sums_at)
{
    int64_t block = k_block_of(g), words = min_i64(block, g->k);
    int64_t rows = min_i64(g->m, block_limit(ROWS_MAX, block)) + GEMM_MR_MAX;
    int64_t columns = min_i64(g->n, block_limit(COLUMNS_MAX, block)) + GEMM_NR_MAX;
    int64_t few_words = min_i64(g->m, FEW_ROWS_MAX) * round_up(g->k, block);
    int64_t a_words = rows * words;
    if (block <= FEW_ROWS_K_BLOCK_MAX && few_words > a_words)
        a_words = few_words;
    *b_at = (size_t)round_up(a_words, 16) * sizeof(uint32_t);
    *sums_at = *b_at + (size_t)round_up(columns * words, 16) * sizeof(uint32_t);
    bool has_sums = g->c_dtype == DTYPE_BF16 && g->k > block;
    return *sums_at + (has_sums ? (size_t)round_up(rows * columns, 16) * sizeof(float) : 0);
}

size_t gemm_workspace_bytes(const Gemm *g)
{
    size_t b_at, sums_at;
    return layout(g, &b_at, &sums_at);
}

static void job_run(Job *job)
{
    if (is_few_rows(job->g))
        run_few_rows(job);
    else
        run_many_rows(job);
}

void gemm_run_kernel(const Gemm *g, const GemmKernel *kernel, void *workspace, bool is_serial)
{
    assert(is_float(g->a_dtype) && is_float(g->b_dtype) && is_float(g->c_dtype));
    assert(g->m >= 0 && g->n >= 0 && g->k >= 0);
    assert(g->k_leaf >= 0 && g->k_leaf <= GEMM_K_LEAF_MAX);
    assert(workspace && (uintptr_t)workspace % 64 == 0);
    if (g->m == 0 || g->n == 0)
        return;
    size_t b_at, sums_at;
    layout(g, &b_at, &sums_at);
    int64_t k_block = k_block_of(g);
    Job job = {.g = g, .kernel = kernel, .k_block = k_block, .n_k_blocks = g->k ? divide_up(g->k, k_block) : 1,
               .a_panels = workspace, .b_panels = (uint32_t *)((char *)workspace + b_at),
               
               .sums = g->c_dtype == DTYPE_BF16 ? (float *)((char *)workspace + sums_at) : NULL, .n_threads = 1};
    if (is_serial) {
        job_run(&job);
    } else {
#pragma omp parallel
        {
#pragma omp single
            job.n_threads = omp_get_num_threads();
            job_run(&job);
        }
    }
}

void gemm_run(const Gemm *g, void *workspace)
{
    gemm_run_kernel(g, kernel_for(g), workspace, false);
}

void gemm_run_serial(const Gemm *g, void *workspace)
{
    gemm_run_kernel(g, kernel_for(g), workspace, true);
}
