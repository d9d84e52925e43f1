/* gemm_job.h - what the parts of gemm.c share: one product on its way through a team of threads. For gemm*.c only. */
#ifndef ENGINE_OP_GEMM_JOB_H
#define ENGINE_OP_GEMM_JOB_H

#include "engine/op/gemm.h"
#include "engine/op/gemm_kernels.h"

#include <stdatomic.h>

enum {
    GEMM_A_WORDS_MAX = 2048 * 768,  /* of A packed at a time, 6 MB: a part of the last cache */
    GEMM_SUM_ROWS_MAX = 1024,       /* of a half C whose sums need a place between ranges of K */
    GEMM_FEW_ROWS_MAX = 28,
    GEMM_FEW_ROWS_WORDS_MAX = 512,  /* of a block of K */
    GEMM_SHARES_MAX = 16,
};

/* Tickets of one share of the work: the next piece. */
typedef struct {
    _Alignas(64) atomic_llong next;
} GemmShare;

/* What a thread is working on, cut into pieces that any thread may take: who has nothing left to begin helps with what others have begun, for
 * neighbours on a machine, or its clock, make one thread slower than another. */
typedef struct {
    _Alignas(64) atomic_llong n_left;  /* pieces that nobody has taken; none or fewer: nothing to take */
    atomic_llong n_done;
    atomic_bool is_open;               /* more may come */
    const void *work;                  /* stays while pieces are taken but not done */
} GemmBegun;

typedef struct {
    const Gemm *g;
    const GemmKernel *kernel;
    int64_t k_block, n_k_blocks;
    uint32_t *a_panels, *b_panels;  /* workspace */
    float *sums;                    /* workspace: sums so far of a half C, or NULL if there is but one range of K */
    int n_threads, n_shares;
    GemmShare *share;
    GemmBegun *begun;               /* of each of the first GEMM_SHARES_MAX threads */
} GemmJob;

/* Pieces of one phase fall into shares of neighbours, which are handed out in order. A thread begins with its own share, so that it meets rows
 * that it made itself in the operator before, in its own cache; then it helps the others. Each thread draws one ticket too many of each share,
 * so the next phase begins as many and n_threads later; after its barrier. */
typedef struct {
    long long n_pieces, first[GEMM_SHARES_MAX];
    int n_done;  /* shares that have nothing left for this thread, from its own on */
} GemmPhase;

static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t divide_up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit;
}

static inline int64_t round_up(int64_t n, int64_t unit)
{
    return divide_up(n, unit) * unit;
}

static inline int64_t bytes_of(DType dtype)
{
    return dtype == DTYPE_F32 ? 4 : 2;
}

/* For a kernel with so many k a word: */
int64_t gemm_k_block(const Gemm *g, int k_per_word);
bool gemm_is_few_rows(const Gemm *g, int k_per_word);
int64_t gemm_k_range(const Gemm *g, int k_per_word);      /* the largest part of K packed at a time: whole blocks */
bool gemm_a_lies_well(const Gemm *g);
bool gemm_needs_sums(const Gemm *g, int k_per_word);      /* a half C's sums outlive a strip, and have no place but the workspace */
int64_t gemm_columns_max(const Gemm *g, int k_per_word);  /* of B packed at a time */
int64_t gemm_rows_max(const Gemm *g, int k_per_word);     /* of A */

/* Parts of the workspace in words, the same at every CPU level: for words of either kind, panels are counted as wide as the widest, and
 * 14 rows fill 16 words. What m rows need does for fewer, so there is room for sums, and for B, also if m rows are few. */
typedef struct {
    int64_t a, b, sums;
} GemmWorkspace;
GemmWorkspace gemm_workspace_words(const Gemm *g);

bool gemm_next_piece(GemmJob *job, GemmPhase *phase, int64_t *piece);  /* false: none is left for this thread */
void gemm_end_phase(GemmJob *job, GemmPhase *phase);                   /* waits for all threads */

GemmLanes gemm_lanes_of_a(const Gemm *g, int64_t row, int64_t k);
GemmLanes gemm_lanes_of_b(const Gemm *g, int64_t column, int64_t k);
/* Where the sums of block k_index go for the part of C at (row, column). sums: the place of a half C between blocks. */
GemmOut gemm_out_at(const GemmJob *job, int64_t row, int64_t column, int64_t k_index, float *sums, int64_t sums_stride);
void gemm_finish_part(const Gemm *g, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns);

/* The ways (gemm.c). By every thread of the team. */
void gemm_run_many_rows(GemmJob *job);
void gemm_run_few_rows(GemmJob *job);
bool gemm_is_direct(const GemmJob *job);
void gemm_run_direct(GemmJob *job);

#endif
