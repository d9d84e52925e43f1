/* gemm_few_rows.c - products of few rows (decode): B is packed by the thread that uses it, or not at all; see gemm.c. */
#include "engine/op/gemm_job.h"

enum {
    DIRECT_BYTES = 256,  /* of a row of B in one piece of work, 64 columns of words or 128 of pairs: as much as memory likes to be read at a time */
};

/* Words of a block of the few rows, all its panels. */
static int64_t few_words(const GemmJob *job, int64_t n_words)
{
    return divide_up(job->g->m, job->kernel->a.lanes) * job->kernel->a.width * n_words;
}

static const uint32_t *few_panels(const GemmJob *job, int64_t k_index)
{
    return job->a_panels + k_index * few_words(job, divide_up(job->k_block, job->kernel->k_per_word));
}

static void pack_few_rows(const GemmJob *job, int64_t k_index)
{
    int64_t k = k_index * job->k_block;
    job->kernel->pack((uint32_t *)few_panels(job, k_index), job->kernel->a, job->g->m, min_i64(job->k_block, job->g->k - k),
                      gemm_lanes_of_a(job->g, 0, k));
}

static void compute_few_rows(const GemmJob *job, int64_t column)
{
    _Alignas(64) uint32_t b_panel[GEMM_FEW_ROWS_WORDS_MAX * GEMM_B_WIDTH_MAX];
    float sums[GEMM_FEW_ROWS_MAX * GEMM_B_WIDTH_MAX];
    const Gemm *g = job->g;
    const GemmKernel *kernel = job->kernel;
    int64_t n_columns = min_i64(kernel->b.lanes, g->n - column);
    for (int64_t i = 0; i < job->n_k_blocks; i++) {
        int64_t k = i * job->k_block, n_k = min_i64(job->k_block, g->k - k);
        int64_t n_words = divide_up(n_k, kernel->k_per_word);
        kernel->pack(b_panel, kernel->b, n_columns, n_k, gemm_lanes_of_b(g, column, k));
        for (int64_t row = 0; row < g->m; row += kernel->a.lanes) {
            GemmStrip strip = {.n_rows = (int)min_i64(kernel->a.lanes, g->m - row), .n_columns = n_columns, .n_words = n_words,
                               .a = few_panels(job, i) + row / kernel->a.lanes * kernel->a.width * n_words, .b = b_panel,
                               .out = gemm_out_at(job, row, column, i, sums + row * GEMM_B_WIDTH_MAX, GEMM_B_WIDTH_MAX)};
            kernel->strip(&strip);
        }
    }
    gemm_finish_part(g, 0, g->m, column, n_columns);
}

void gemm_run_few_rows(GemmJob *job)
{
    GemmPhase phase = {.n_pieces = job->n_k_blocks};
    int64_t piece;
    while (gemm_next_piece(job, &phase, &piece))
        pack_few_rows(job, piece);
    gemm_end_phase(job, &phase);
    phase.n_pieces = divide_up(job->g->n, job->kernel->b.lanes);
    while (gemm_next_piece(job, &phase, &piece))
        compute_few_rows(job, piece * job->kernel->b.lanes);
}

/* ---- fewer rows: nothing is packed ---- */

bool gemm_is_direct(const GemmJob *job)
{
    return job->kernel->direct && job->g->m <= GEMM_DIRECT_ROWS_MAX && gemm_is_few_rows(job->g, job->kernel->k_per_word);
}

/* Words of one row of A over all blocks. */
static int64_t row_words(const GemmJob *job)
{
    return job->kernel->k_per_word == 1 ? job->g->k : job->n_k_blocks * divide_up(job->k_block, 2);
}

static void compute_direct(const GemmJob *job, int64_t column, int64_t n_columns, const uint32_t *a, int64_t a_row_stride)
{
    float sums[GEMM_DIRECT_ROWS_MAX * DIRECT_BYTES / 2];
    const Gemm *g = job->g;
    for (int64_t i = 0; i < job->n_k_blocks; i++) {
        int64_t k = i * job->k_block;
        GemmStrip strip = {.n_rows = (int)g->m, .n_columns = n_columns, .n_words = min_i64(job->k_block, g->k - k),
                           .a = a + i * divide_up(job->k_block, job->kernel->k_per_word), .a_row_stride = a_row_stride,
                           .out = gemm_out_at(job, 0, column, i, sums, DIRECT_BYTES / 2)};
        job->kernel->direct(&strip, gemm_lanes_of_b(g, column, k));
    }
    gemm_finish_part(g, 0, g->m, column, n_columns);
}

/* A row of A as contiguous f32. */
static void copy_floats(const Gemm *g, int64_t row, float *to)
{
    GemmLanes from = gemm_lanes_of_a(g, row, 0);
    const float *words = from.base;
    const uint16_t *halves = from.base;
    for (int64_t k = 0, at = 0; k < g->k; k++, at += from.k_stride)
        to[k] = g->a_dtype == DTYPE_F32 ? words[at] : g->a_dtype == DTYPE_F16 ? f32_from_f16(halves[at]) : f32_from_bf16(halves[at]);
}

/* A row of bf16 in pairs, those of a block together: an odd block ends in half a pair. */
static void copy_pairs(const GemmJob *job, int64_t row, uint32_t *to)
{
    const Gemm *g = job->g;
    GemmLanes from = gemm_lanes_of_a(g, row, 0);
    const uint16_t *halves = from.base;
    for (int64_t first = 0; first < g->k; first += job->k_block) {
        int64_t end = min_i64(first + job->k_block, g->k);
        for (int64_t k = first; k < end; k += 2)
            *to++ = halves[k * from.k_stride] | (k + 1 < end ? (uint32_t)halves[(k + 1) * from.k_stride] << 16 : 0);
    }
}

static void copy_row(const GemmJob *job, int64_t row)
{
    uint32_t *to = job->a_panels + row * row_words(job);
    if (job->kernel->k_per_word == 1)
        copy_floats(job->g, row, (float *)to);
    else
        copy_pairs(job, row, to);
}

/* Pieces of as many bytes of each row of B; rows of pairs are always copied. */
void gemm_run_direct(GemmJob *job)
{
    const Gemm *g = job->g;
    GemmPhase phase = {.n_pieces = g->m};
    int64_t piece, a_row_stride = g->a_row_stride, n_columns = DIRECT_BYTES / (job->kernel->k_per_word == 1 ? 4 : 2);
    const uint32_t *a = g->a;
    if (g->a_dtype != DTYPE_F32 || g->a_col_stride != 1) {
        while (gemm_next_piece(job, &phase, &piece))
            copy_row(job, piece);
        gemm_end_phase(job, &phase);
        a = job->a_panels;
        a_row_stride = row_words(job);
    }
    phase.n_pieces = divide_up(g->n, n_columns);
    while (gemm_next_piece(job, &phase, &piece))
        compute_direct(job, piece * n_columns, min_i64(n_columns, g->n - piece * n_columns), a, a_row_stride);
}
