/* gemm_job.c - see gemm_job.h. */
#include "engine/op/gemm_job.h"

#include <omp.h>

enum {
    K_RANGE_MAX = 1024,            /* of K packed at a time (or one block of K, if that is longer), */
    K_RANGE_PAIRS_MAX = 4096,      /* and as pairs: a bf16 C is best written once, for its sums need another place until then; */
    K_RANGE_PAIRS_OF_MORE = 1536,  /* if that is not to be had, so little that a tile has several panels of B */
    B_WORDS_MAX = 3072 * 768,      /* of B, 9 MB: parts of the last cache */
};

int64_t gemm_k_block(const Gemm *g, int k_per_word)
{
    return g->k_leaf ? g->k_leaf : k_per_word == 2 ? GEMM_K_BLOCK_PAIRS : GEMM_K_BLOCK;
}

bool gemm_is_few_rows(const Gemm *g, int k_per_word)
{
    return g->m <= GEMM_FEW_ROWS_MAX && divide_up(gemm_k_block(g, k_per_word), k_per_word) <= GEMM_FEW_ROWS_WORDS_MAX;
}

int64_t gemm_k_range(const Gemm *g, int k_per_word)
{
    int64_t block = gemm_k_block(g, k_per_word);
    int64_t most = k_per_word == 1 ? K_RANGE_MAX : g->k <= K_RANGE_PAIRS_MAX || g->c_dtype == DTYPE_F32 ? K_RANGE_PAIRS_MAX : K_RANGE_PAIRS_OF_MORE;
    return min_i64(round_up(g->k, block), max_i64(block, most / block * block));
}

/* Words from step 0 of such a part to its last. */
static int64_t range_words(const Gemm *g, int k_per_word)
{
    return divide_up(max_i64(gemm_k_range(g, k_per_word), 1), k_per_word);
}

/* The sums of a half C outlive a strip if K comes in several ranges (a block of an odd K is one for some kernels). */
static bool keeps_sums(const Gemm *g, int k_per_word)
{
    int64_t block = gemm_k_block(g, k_per_word);
    return g->c_dtype != DTYPE_F32 && g->k > block && (g->k > gemm_k_range(g, k_per_word) || block % 2 != 0);
}

bool gemm_needs_sums(const Gemm *g, int k_per_word)
{
    return keeps_sums(g, k_per_word) && !gemm_is_few_rows(g, k_per_word);
}

/* The most columns of B, and rows of A, packed at a time. */
int64_t gemm_columns_max(const Gemm *g, int k_per_word)
{
    return max_i64(B_WORDS_MAX / range_words(g, k_per_word), GEMM_B_WIDTH_MAX);
}

static int64_t rows_near(const Gemm *g, int k_per_word)
{
    return max_i64(GEMM_A_WORDS_MAX / range_words(g, k_per_word), GEMM_A_WIDTH_MAX);
}

int64_t gemm_rows_max(const Gemm *g, int k_per_word)
{
    int64_t rows = rows_near(g, k_per_word);
    return gemm_needs_sums(g, k_per_word) ? min_i64(rows, GEMM_SUM_ROWS_MAX) : rows;
}

/* Rows of f32 are words already and not packed, but where they are few. (So may pairs, but that depends on where they lie.) */
bool gemm_a_lies_well(const Gemm *g)
{
    return g->a_dtype == DTYPE_F32 && g->a_col_stride == 1 && g->a_row_stride > 0;
}

static GemmWorkspace workspace_words(const Gemm *g, int k_per_word)
{
    int64_t words = divide_up(min_i64(gemm_k_range(g, k_per_word), g->k), k_per_word), block = gemm_k_block(g, k_per_word);
    int64_t columns = min_i64(g->n, gemm_columns_max(g, k_per_word)) + GEMM_B_WIDTH_MAX;
    int64_t rows = min_i64(g->m, rows_near(g, k_per_word));
    int64_t of_a = gemm_a_lies_well(g) ? 0 : (rows + GEMM_A_WIDTH_MAX) * 8 / 7 * words;
    int64_t of_few_a = (min_i64(g->m, GEMM_FEW_ROWS_MAX) + GEMM_A_WIDTH_MAX) * 8 / 7 * round_up(g->k, block);
    return (GemmWorkspace){round_up(max_i64(of_a, of_few_a), 16), round_up(columns * words, 16),
                            keeps_sums(g, k_per_word) ? round_up(min_i64(g->m, GEMM_SUM_ROWS_MAX) * columns, 16) : 0};
}

GemmWorkspace gemm_workspace_words(const Gemm *g)
{
    GemmWorkspace words = workspace_words(g, 1);
    if (g->a_dtype == DTYPE_BF16 && g->b_dtype == DTYPE_BF16) {
        GemmWorkspace pairs = workspace_words(g, 2);
        words = (GemmWorkspace){max_i64(words.a, pairs.a), max_i64(words.b, pairs.b), max_i64(words.sums, pairs.sums)};
    }
    return words;
}

static long long share_begin(const GemmJob *job, const GemmPhase *phase, int share)
{
    return phase->n_pieces * share / job->n_shares;
}

bool gemm_next_piece(GemmJob *job, GemmPhase *phase, int64_t *piece)
{
    int home = job->n_shares > 1 ? omp_get_thread_num() * job->n_shares / job->n_threads : 0;
    for (; phase->n_done < job->n_shares; phase->n_done++) {
        int share = (home + phase->n_done) % job->n_shares;
        *piece = share_begin(job, phase, share) + atomic_fetch_add_explicit(&job->share[share].next, 1, memory_order_relaxed) - phase->first[share];
        if (*piece < share_begin(job, phase, share + 1))
            return true;
    }
    return false;
}

void gemm_end_phase(GemmJob *job, GemmPhase *phase)
{
    for (int s = 0; s < job->n_shares; s++)
        phase->first[s] += share_begin(job, phase, s + 1) - share_begin(job, phase, s) + job->n_threads;
    phase->n_done = 0;
    if (job->n_threads > 1) {
#pragma omp barrier
    }
}

GemmLanes gemm_lanes_of_a(const Gemm *g, int64_t row, int64_t k)
{
    int64_t at = row * g->a_row_stride + k * g->a_col_stride;
    return (GemmLanes){(const char *)g->a + at * bytes_of(g->a_dtype), g->a_dtype, g->a_row_stride, g->a_col_stride};
}

GemmLanes gemm_lanes_of_b(const Gemm *g, int64_t column, int64_t k)
{
    int64_t at = k * g->b_row_stride + column * g->b_col_stride;
    return (GemmLanes){(const char *)g->b + at * bytes_of(g->b_dtype), g->b_dtype, g->b_col_stride, g->b_row_stride};
}

/* Where the sums of block k_index go for the part of C at (row, column). sums: the place of a half C between blocks. */
GemmOut gemm_out_at(const GemmJob *job, int64_t row, int64_t column, int64_t k_index, float *sums, int64_t sums_stride)
{
    const Gemm *g = job->g;
    bool is_first = k_index == 0, is_last = k_index == job->n_k_blocks - 1;
    void *c = (char *)g->c + (row * g->c_row_stride + column) * bytes_of(g->c_dtype);
    GemmOut out = {.to = c, .to_dtype = g->c_dtype, .to_stride = g->c_row_stride,
                   .from = c, .from_dtype = g->c_dtype, .from_stride = g->c_row_stride,
                   .bias = is_last && g->bias ? g->bias + column : NULL};
    if (is_first && !g->accumulate)
        out.from = NULL;
    else if (!is_first && g->c_dtype != DTYPE_F32)
        out.from = sums, out.from_dtype = DTYPE_F32, out.from_stride = sums_stride;
    if (!is_last && g->c_dtype != DTYPE_F32)
        out.to = sums, out.to_dtype = DTYPE_F32, out.to_stride = sums_stride, out.is_near = !job->sums;
    return out;
}

void gemm_finish_part(const Gemm *g, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns)
{
    if (g->finish)
        g->finish(g->finish_context, row, n_rows, column, n_columns);
}
