/* gemm.c - cuts a matrix product into panels and tiles; see gemm.h for what it promises, gemm_kernels.h for the parts.
 *
 * Ways that differ in who packs, the same bits. Many rows: an operand that is used up in one range of K is packed tile by tile, by the
 * thread that multiplies the tile, so that it never leaves that thread's second cache; what remains is packed by all threads together,
 * before. Each then takes tiles of C, in such an order that its part of B stays in the second cache while rows of A stream by. Few rows
 * (decode): each panel of B is used once, so the thread that packs it uses it at once, or it is not packed at all, and B is read once, at
 * the speed of memory. */
#include "engine/op/gemm.h"
#include "engine/op/gemm_kernels.h"

#include <assert.h>
#include <omp.h>
#include <stdatomic.h>

enum {
    K_RANGE_MAX = 1024,            /* of K packed at a time (or one block of K, if that is longer) */
    A_WORDS_MAX = 2048 * 768,      /* of A packed at a time, 6 MB, */
    B_WORDS_MAX = 3072 * 768,      /* of B, 9 MB: parts of the last cache */
    B_WORDS_NEAR = 256 * 768,      /* of B used by one tile, 800 kB: a part of the second cache */
    B_WORDS_OWN = 192 * 768,       /* of B packed by one thread for itself, 600 kB: what is packed, and what is read for it, fit there */
    TILES_A_THREAD = 3,            /* of its own */
    TILE_PANELS = 6,               /* of A in a tile: 84 rows */
    TILES_WANTED = 24,             /* enough to share evenly among threads; smaller tiles pack or read more often */
    SAME_CACHE_SET = 1024,         /* floats from row to row after which rows meet in one set of the first cache, */
    SAME_SET_ROWS = 11,            /* where so many of them have room beside a line of B */
    SUM_ROWS_MAX = 1024,           /* of a half C whose sums need a place between ranges of K, */
    SUM_COLUMNS_MAX = 512,         /* and of a strip whose sums need one between blocks only: 32 kB of a thread's stack */
    FEW_ROWS_MAX = 28,
    FEW_ROWS_K_BLOCK_MAX = 512,
    DIRECT_COLUMNS = 64,           /* in one piece of work: as many rows of B, or as much of one, as memory likes to be read at a time */
    PACK_PANELS = 4,               /* panels packed as one piece of work */
    SHARES_MAX = 16,
};

/* Tickets of one share of the work: the next piece. */
typedef struct {
    _Alignas(64) atomic_llong next;
} Share;

typedef struct {
    const Gemm *g;
    const GemmKernel *kernel;
    int64_t k_block, n_k_blocks;
    uint32_t *a_panels, *b_panels;  /* workspace */
    float *sums;                    /* workspace: sums so far of a half C, or NULL if there is but one range of K */
    int n_threads, n_shares;
    Share *share;
} Job;

/* Pieces of one phase fall into shares of neighbours, which are handed out in order. A thread begins with its own share, so that it meets rows
 * that it made itself in the operator before, in its own cache; then it helps the others. Each thread draws one ticket too many of each share,
 * so the next phase begins as many and n_threads later; after its barrier. */
typedef struct {
    long long n_pieces, first[SHARES_MAX];
    int n_done;  /* shares that have nothing left for this thread, from its own on */
} Phase;

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t divide_up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit;
}

static int64_t round_up(int64_t n, int64_t unit)
{
    return divide_up(n, unit) * unit;
}

static int64_t bytes_of(DType dtype)
{
    return dtype == DTYPE_F32 ? 4 : 2;
}

static int64_t k_block_of(const Gemm *g)
{
    return g->k_leaf ? g->k_leaf : GEMM_K_BLOCK;
}

static bool is_few_rows(const Gemm *g)
{
    return g->m <= FEW_ROWS_MAX && k_block_of(g) <= FEW_ROWS_K_BLOCK_MAX;
}

/* The largest part of K packed at a time: whole blocks. */
static int64_t k_range_of(const Gemm *g)
{
    int64_t block = k_block_of(g);
    return min_i64(round_up(g->k, block), max_i64(block, K_RANGE_MAX / block * block));
}

/* The sums of a half C outlive a strip if K comes in several ranges (a block of an odd K is one for some kernels). */
static bool keeps_sums(const Gemm *g)
{
    int64_t block = k_block_of(g);
    return g->c_dtype != DTYPE_F32 && g->k > block && (g->k > k_range_of(g) || block % 2 != 0);
}

static bool needs_sums(const Gemm *g)
{
    return keeps_sums(g) && !is_few_rows(g);
}

/* The most columns of B, and rows of A, packed at a time. */
static int64_t columns_max(const Gemm *g)
{
    return max_i64(B_WORDS_MAX / max_i64(k_range_of(g), 1), GEMM_B_WIDTH_MAX);
}

static int64_t rows_max(const Gemm *g)
{
    int64_t rows = max_i64(A_WORDS_MAX / max_i64(k_range_of(g), 1), GEMM_A_WIDTH_MAX);
    return needs_sums(g) ? min_i64(rows, SUM_ROWS_MAX) : rows;
}

/* Parts of the workspace in words, the same at every CPU level: panels are counted as wide as the widest, and 14 rows fill 16
 * words. What m rows need does for fewer, so there is room for sums, and for B, also if m rows are few. */
typedef struct {
    int64_t a, b, sums;
} WorkspaceWords;

static WorkspaceWords workspace_words(const Gemm *g)
{
    int64_t block = k_block_of(g), k_range = min_i64(k_range_of(g), g->k);
    int64_t columns = min_i64(g->n, columns_max(g)) + GEMM_B_WIDTH_MAX;
    int64_t rows = min_i64(g->m, max_i64(A_WORDS_MAX / max_i64(k_range_of(g), 1), GEMM_A_WIDTH_MAX));
    int64_t of_a = (rows + GEMM_A_WIDTH_MAX) * 8 / 7 * k_range;
    int64_t of_few_a = (min_i64(g->m, FEW_ROWS_MAX) + GEMM_A_WIDTH_MAX) * 8 / 7 * round_up(g->k, block);
    return (WorkspaceWords){round_up(max_i64(of_a, of_few_a), 16), round_up(columns * k_range, 16),
                            keeps_sums(g) ? round_up(min_i64(g->m, SUM_ROWS_MAX) * columns, 16) : 0};
}

/* n cut into the fewest equal parts of at most `limit`, each a multiple of unit. */
static int64_t even_part(int64_t n, int64_t limit, int64_t unit)
{
    return round_up(divide_up(n, divide_up(n, limit)), unit);
}

static long long share_begin(const Job *job, const Phase *phase, int share)
{
    return phase->n_pieces * share / job->n_shares;
}

static bool next_piece(Job *job, Phase *phase, int64_t *piece)
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

static void end_phase(Job *job, Phase *phase)
{
    for (int s = 0; s < job->n_shares; s++)
        phase->first[s] += share_begin(job, phase, s + 1) - share_begin(job, phase, s) + job->n_threads;
    phase->n_done = 0;
    if (job->n_threads > 1) {
#pragma omp barrier
    }
}

static GemmLanes lanes_of_a(const Gemm *g, int64_t row, int64_t k)
{
    int64_t at = row * g->a_row_stride + k * g->a_col_stride;
    return (GemmLanes){(const char *)g->a + at * bytes_of(g->a_dtype), g->a_dtype, g->a_row_stride, g->a_col_stride};
}

static GemmLanes lanes_of_b(const Gemm *g, int64_t column, int64_t k)
{
    int64_t at = k * g->b_row_stride + column * g->b_col_stride;
    return (GemmLanes){(const char *)g->b + at * bytes_of(g->b_dtype), g->b_dtype, g->b_col_stride, g->b_row_stride};
}

/* Where the sums of block k_index go for the part of C at (row, column). sums: the place of a half C between blocks. */
static GemmOut out_at(const Job *job, int64_t row, int64_t column, int64_t k_index, float *sums, int64_t sums_stride)
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
        out.to = sums, out.to_dtype = DTYPE_F32, out.to_stride = sums_stride;
    return out;
}

static void finish_part(const Gemm *g, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns)
{
    if (g->finish)
        g->finish(g->finish_context, row, n_rows, column, n_columns);
}

/* ---- many rows ---- */

/* Who packs: all threads pack both operands and wait for each other, or an operand is packed where it is used, by the thread that uses
 * it, tile after tile: it then stays in that thread's second cache and is never written to memory. */
typedef enum { OWN_NONE, OWN_A, OWN_B } Own;

/* A block of C and a range of K, packed as words. */
typedef struct {
    int64_t row, n_rows, column, n_columns;
    int64_t k, n_k, n_words;
    int64_t k_end;      /* beyond k + n_k: each tile goes through further ranges by itself */
    int64_t tile_rows, tile_columns, n_tiles;
    int64_t strip_rows; /* of one panel of A, or as many that lie as they are */
    bool a_as_it_lies;  /* f32 rows: A is not packed at all */
    Own own;
    int64_t own_words;  /* of a thread's own panels, in its largest range of K */
} Block;

static bool a_lies_well(const Job *job)
{
    const Gemm *g = job->g;
    return g->a_dtype == DTYPE_F32 && g->a_col_stride == 1 && job->kernel->k_per_word == 1 && g->a_row_stride > 0;
}

static int64_t count_tiles(const Block *block)
{
    return divide_up(block->n_rows, block->tile_rows) * divide_up(block->n_columns, block->tile_columns);
}

static int64_t panel_words(const Block *block, PanelShape shape, int64_t n_lanes)
{
    return divide_up(n_lanes, shape.lanes) * shape.width * block->n_words;
}

/* Panels that the busiest of the threads gets when n are cut into parts, the last perhaps smaller. */
static int64_t busiest_panels(int64_t n, int64_t part, int n_threads)
{
    int64_t n_full = divide_up(n, part) - 1, last = n - n_full * part;
    return max_i64(divide_up(n_full, n_threads) * part, n_full / n_threads * part + last);
}

/* The part of n panels, from `least` to `near`, that leaves the threads with the most even work; of equals one that gives each a few, so that
 * who is interrupted can be helped, and the largest of these. */
static int64_t own_part(int64_t n, int64_t near, int64_t least, int n_threads)
{
    int64_t wanted = max_i64(n / (TILES_A_THREAD * n_threads), least), best = 0, best_load = INT64_MAX;
    for (int64_t part = max_i64(near, least); part >= least; part--) {
        int64_t load = busiest_panels(n, part, n_threads);
        if (load < best_load || (load == best_load && best > wanted))
            best = part, best_load = load;
    }
    return best;
}

/* Of the operands that must be packed the larger one becomes each thread's own, if threads then have the same to do, and meet only once:
 * where K comes in several ranges, they would wait for each other after each, unless a tile goes through all of them. A small B is not
 * worth cutting: rows of C are better written whole. */
static bool cut_own_tiles(Block *block, const Job *job)
{
    PanelShape a = job->kernel->a, b = job->kernel->b;
    WorkspaceWords words = workspace_words(job->g);
    bool b_is_small = panel_words(block, b, block->n_columns) <= B_WORDS_OWN, is_deep = block->k_end > block->k + block->n_k;
    if (!is_deep && (job->g->k > block->n_k || (b_is_small && block->a_as_it_lies)))
        return false;
    int64_t room, n_panels, part;
    block->tile_rows = block->n_rows;
    block->tile_columns = block->n_columns;
    if (block->a_as_it_lies || (!b_is_small && block->n_columns >= block->n_rows)) {
        int64_t near = max_i64(B_WORDS_OWN / max_i64(block->n_words, 1) / b.lanes, 1);
        block->own = OWN_B;
        n_panels = divide_up(block->n_columns, b.lanes);
        part = own_part(n_panels, near, is_deep ? divide_up(near, 2) : 2, job->n_threads);
        block->tile_columns = part * b.lanes;
        block->own_words = panel_words(block, b, block->tile_columns), room = words.b;
    } else {
        block->own = OWN_A;
        n_panels = divide_up(block->n_rows, a.lanes);
        part = own_part(n_panels, TILE_PANELS, 2, job->n_threads);
        block->tile_rows = part * a.lanes;
        block->own_words = panel_words(block, a, block->tile_rows), room = words.a;
    }
    block->n_tiles = count_tiles(block);
    bool is_even = busiest_panels(n_panels, part, job->n_threads) * job->n_threads < n_panels + n_panels / 8 + job->n_threads;
    return is_even && block->own_words * job->n_threads <= room;
}

/* A deep product: K has several ranges, and nothing but B to pack. Columns of C are a thread's own for all of K, block by block. */
static bool cut_deep_tiles(Block *block, const Job *job)
{
    Block deep = *block;
    deep.n_k = deep.n_words = job->k_block;
    deep.k_end = job->g->k;
    bool is_deep = block->a_as_it_lies && block->k == 0 && job->g->k > block->n_k && job->k_block <= FEW_ROWS_K_BLOCK_MAX;
    if (!is_deep || !cut_own_tiles(&deep, job))
        return false;
    *block = deep;
    return true;
}

/* Tiles as large as the caches like, but smaller while the block has too few of them. */
static void cut_tiles(Block *block, const Job *job)
{
    PanelShape a = job->kernel->a, b = job->kernel->b;
    block->a_as_it_lies = a_lies_well(job);
    block->strip_rows = block->a_as_it_lies && job->g->a_row_stride % SAME_CACHE_SET == 0 ? min_i64(SAME_SET_ROWS, a.lanes) : a.lanes;
    if (cut_deep_tiles(block, job) || cut_own_tiles(block, job))
        return;
    block->own = OWN_NONE;
    int64_t columns_near = max_i64(B_WORDS_NEAR / max_i64(block->n_words, 1) / b.lanes, 1) * b.lanes;
    block->tile_columns = even_part(block->n_columns, columns_near, b.lanes);
    block->tile_rows = TILE_PANELS * a.lanes;
    while (count_tiles(block) < TILES_WANTED && block->tile_rows > 2 * a.lanes)
        block->tile_rows -= a.lanes;
    while (count_tiles(block) < TILES_WANTED && block->tile_columns > 2 * b.lanes)
        block->tile_columns = round_up(block->tile_columns / 2, b.lanes);
    block->n_tiles = count_tiles(block);
}

static int64_t count_pack_pieces(int64_t n_lanes, PanelShape shape)
{
    return divide_up(n_lanes, PACK_PANELS * shape.lanes);
}

/* Pieces that all threads pack: of B, then of A. */
static int64_t shared_pieces_b(const Job *job, const Block *block)
{
    return block->own == OWN_B ? 0 : count_pack_pieces(block->n_columns, job->kernel->b);
}

static int64_t shared_pieces_a(const Job *job, const Block *block)
{
    return block->own == OWN_A || block->a_as_it_lies ? 0 : count_pack_pieces(block->n_rows, job->kernel->a);
}

static void pack_piece(const Job *job, const Block *block, int64_t piece)
{
    int64_t n_pieces_b = shared_pieces_b(job, block);
    bool is_b = piece < n_pieces_b;
    PanelShape shape = is_b ? job->kernel->b : job->kernel->a;
    int64_t panel = (is_b ? piece : piece - n_pieces_b) * PACK_PANELS, first = panel * shape.lanes;
    int64_t n = min_i64(PACK_PANELS * shape.lanes, (is_b ? block->n_columns : block->n_rows) - first);
    job->kernel->pack((is_b ? job->b_panels : job->a_panels) + panel * shape.width * block->n_words, shape, n, block->n_k,
                      is_b ? lanes_of_b(job->g, block->column + first, block->k)
                           : lanes_of_a(job->g, block->row + first, block->k));
}

/* Rows and columns of a tile, counted within its block; a and b: panels of its first row and column. */
typedef struct {
    int64_t row, row_end, column, column_end;
    const uint32_t *a, *b;
} Tile;

/* The rows of one panel of A, and columns from `column` to `column_end` of a tile: adds each block of K to their strip of C. */
static void compute_strip(const Job *job, const Block *block, const Tile *tile, int64_t row, int64_t column, int64_t column_end)
{
    const GemmKernel *kernel = job->kernel;
    float strip_sums[GEMM_A_WIDTH_MAX * SUM_COLUMNS_MAX];
    float *sums = job->sums ? job->sums + row * block->n_columns + column : strip_sums;
    int64_t sums_stride = job->sums ? block->n_columns : SUM_COLUMNS_MAX;
    bool has_next = block->a_as_it_lies && row + 2 * block->strip_rows <= tile->row_end;
    const uint32_t *panel = tile->a + (row - tile->row) / kernel->a.lanes * kernel->a.width * block->n_words;
    GemmStrip strip = {.n_rows = (int)min_i64(block->strip_rows, tile->row_end - row), .n_columns = column_end - column,
                       .b = tile->b + (column - tile->column) * block->n_words, .b_panel_words = kernel->b.width * block->n_words};
    int64_t k = 0;
    do {
        int64_t n_k = min_i64(job->k_block, block->n_k - k);
        GemmLanes lanes = lanes_of_a(job->g, block->row + row, block->k + k);
        strip.a = block->a_as_it_lies ? lanes.base : panel + k / kernel->k_per_word * kernel->a.width;
        strip.a_row_stride = block->a_as_it_lies ? lanes.lane_stride : 0;
        strip.a_next = has_next ? strip.a + block->strip_rows * lanes.lane_stride : NULL;
        strip.n_words = divide_up(n_k, kernel->k_per_word);
        strip.out = out_at(job, block->row + row, block->column + column, (block->k + k) / job->k_block, sums, sums_stride);
        kernel->strip(&strip);
        strip.b += strip.n_words * kernel->b.width;
        k += n_k;
    } while (k < block->n_k);
}

/* Panels of a tile: the thread's own, packed now, or its part of everybody's. */
static void set_panels(const Job *job, const Block *block, Tile *tile)
{
    PanelShape a = job->kernel->a, b = job->kernel->b;
    int64_t thread = job->n_threads > 1 ? omp_get_thread_num() : 0;
    if (block->own == OWN_A) {
        uint32_t *own = job->a_panels + thread * block->own_words;
        job->kernel->pack(own, a, tile->row_end - tile->row, block->n_k, lanes_of_a(job->g, block->row + tile->row, block->k));
        tile->a = own;
    } else {
        tile->a = job->a_panels + panel_words(block, a, tile->row);
    }
    if (block->own == OWN_B) {
        uint32_t *own = job->b_panels + thread * block->own_words;
        job->kernel->pack(own, b, tile->column_end - tile->column, block->n_k, lanes_of_b(job->g, block->column + tile->column, block->k));
        tile->b = own;
    } else {
        tile->b = job->b_panels + panel_words(block, b, tile->column);
    }
}

/* Rows by columns of a tile in one range of K. */
static void compute_tile_range(const Job *job, const Block *block, Tile tile)
{
    PanelShape b = job->kernel->b;
    int64_t columns_near = max_i64(B_WORDS_NEAR / max_i64(block->n_words, 1) / b.lanes, 1) * b.lanes;
    if (job->g->c_dtype != DTYPE_F32)
        columns_near = min_i64(columns_near, SUM_COLUMNS_MAX);
    set_panels(job, block, &tile);
    for (int64_t column = tile.column; column < tile.column_end; column += columns_near)
        for (int64_t row = tile.row; row < tile.row_end; row += block->strip_rows)
            compute_strip(job, block, &tile, row, column, min_i64(column + columns_near, tile.column_end));
}

static void compute_tile(const Job *job, const Block *block, int64_t piece)
{
    int64_t n_row_tiles = divide_up(block->n_rows, block->tile_rows);
    Tile tile = {.row = piece % n_row_tiles * block->tile_rows, .column = piece / n_row_tiles * block->tile_columns};
    tile.row_end = min_i64(tile.row + block->tile_rows, block->n_rows);
    tile.column_end = min_i64(tile.column + block->tile_columns, block->n_columns);
    Block range = *block;
    do {
        compute_tile_range(job, &range, tile);
        range.k += range.n_k;
        range.n_k = min_i64(range.n_k, range.k_end - range.k);
        range.n_words = divide_up(range.n_k, job->kernel->k_per_word);
    } while (range.k < range.k_end);
    if (range.k >= job->g->k)
        finish_part(job->g, block->row + tile.row, tile.row_end - tile.row, block->column + tile.column, tile.column_end - tile.column);
}

static void run_block(Job *job, Block *block, Phase *phase)
{
    int64_t piece;
    cut_tiles(block, job);
    phase->n_pieces = shared_pieces_b(job, block) + shared_pieces_a(job, block);
    if (phase->n_pieces > 0) {
        while (next_piece(job, phase, &piece))
            pack_piece(job, block, piece);
        end_phase(job, phase);
    }

    phase->n_pieces = block->n_tiles;
    while (next_piece(job, phase, &piece))
        compute_tile(job, block, piece);
}

static void run_many_rows(Job *job)
{
    const Gemm *g = job->g;
    Phase phase = {0};
    int64_t rows = even_part(g->m, rows_max(g), 1), k_range = max_i64(k_range_of(g), 1);
    int64_t columns = even_part(g->n, columns_max(g), 1);
    if (job->k_block % job->kernel->k_per_word != 0)  /* no word belongs to two blocks */
        k_range = job->k_block;
    for (int64_t row = 0; row < g->m; row += rows)
        for (int64_t column = 0; column < g->n; column += columns) {
            int64_t k = 0;
            do {
                Block block = {.row = row, .n_rows = min_i64(rows, g->m - row), .column = column,
                               .n_columns = min_i64(columns, g->n - column), .k = k, .n_k = min_i64(k_range, g->k - k)};
                block.n_words = divide_up(block.n_k, job->kernel->k_per_word);
                block.k_end = k + block.n_k;
                if (phase.n_pieces > 0)  /* the first need not wait, nor the last for its end */
                    end_phase(job, &phase);
                run_block(job, &block, &phase);
                k = block.k_end;
            } while (k < g->k);
        }
}

/* ---- few rows ---- */

/* Words of a block of the few rows, all its panels. */
static int64_t few_words(const Job *job, int64_t n_words)
{
    return divide_up(job->g->m, job->kernel->a.lanes) * job->kernel->a.width * n_words;
}

static const uint32_t *few_panels(const Job *job, int64_t k_index)
{
    return job->a_panels + k_index * few_words(job, divide_up(job->k_block, job->kernel->k_per_word));
}

static void pack_few_rows(const Job *job, int64_t k_index)
{
    int64_t k = k_index * job->k_block;
    job->kernel->pack((uint32_t *)few_panels(job, k_index), job->kernel->a, job->g->m, min_i64(job->k_block, job->g->k - k),
                      lanes_of_a(job->g, 0, k));
}

static void compute_few_rows(const Job *job, int64_t column)
{
    _Alignas(64) uint32_t b_panel[FEW_ROWS_K_BLOCK_MAX * GEMM_B_WIDTH_MAX];
    float sums[FEW_ROWS_MAX * GEMM_B_WIDTH_MAX];
    const Gemm *g = job->g;
    const GemmKernel *kernel = job->kernel;
    int64_t n_columns = min_i64(kernel->b.lanes, g->n - column);
    for (int64_t i = 0; i < job->n_k_blocks; i++) {
        int64_t k = i * job->k_block, n_k = min_i64(job->k_block, g->k - k);
        int64_t n_words = divide_up(n_k, kernel->k_per_word);
        kernel->pack(b_panel, kernel->b, n_columns, n_k, lanes_of_b(g, column, k));
        for (int64_t row = 0; row < g->m; row += kernel->a.lanes) {
            GemmStrip strip = {.n_rows = (int)min_i64(kernel->a.lanes, g->m - row), .n_columns = n_columns, .n_words = n_words,
                               .a = few_panels(job, i) + row / kernel->a.lanes * kernel->a.width * n_words, .b = b_panel,
                               .out = out_at(job, row, column, i, sums + row * GEMM_B_WIDTH_MAX, GEMM_B_WIDTH_MAX)};
            kernel->strip(&strip);
        }
    }    finish_part(g, 0, g->m, column, n_columns);
}

static void run_few_rows(Job *job)
{
    Phase phase = {.n_pieces = job->n_k_blocks};
    int64_t piece;
    while (next_piece(job, &phase, &piece))
        pack_few_rows(job, piece);
    end_phase(job, &phase);
    phase.n_pieces = divide_up(job->g->n, job->kernel->b.lanes);
    while (next_piece(job, &phase, &piece))
        compute_few_rows(job, piece * job->kernel->b.lanes);
}

/* ---- fewer rows: nothing is packed ---- */

static bool is_direct(const Job *job)
{
    return job->kernel->direct && job->g->m <= GEMM_DIRECT_ROWS_MAX && is_few_rows(job->g);
}

static void compute_direct(const Job *job, int64_t column, const uint32_t *a, int64_t a_row_stride)
{
    float sums[GEMM_DIRECT_ROWS_MAX * DIRECT_COLUMNS];
    const Gemm *g = job->g;
    for (int64_t i = 0; i < job->n_k_blocks; i++) {
        int64_t k = i * job->k_block;
        GemmStrip strip = {.n_rows = (int)g->m, .n_columns = min_i64(DIRECT_COLUMNS, g->n - column), .n_words = min_i64(job->k_block, g->k - k),
                           .a = a + k, .a_row_stride = a_row_stride, .out = out_at(job, 0, column, i, sums, DIRECT_COLUMNS)};
        job->kernel->direct(&strip, lanes_of_b(g, column, k));
    }    finish_part(g, 0, g->m, column, min_i64(DIRECT_COLUMNS, g->n - column));
}

/* A row of A as contiguous f32. */
static void copy_row(const Job *job, int64_t row)
{
    const Gemm *g = job->g;
    float *to = (float *)job->a_panels + row * g->k;
    GemmLanes from = lanes_of_a(g, row, 0);
    const float *words = from.base;
    const uint16_t *halves = from.base;
    for (int64_t k = 0, at = 0; k < g->k; k++, at += from.k_stride)
        to[k] = g->a_dtype == DTYPE_F32 ? words[at] : g->a_dtype == DTYPE_F16 ? f32_from_f16(halves[at]) : f32_from_bf16(halves[at]);
}

static void run_direct(Job *job)
{
    const Gemm *g = job->g;
    Phase phase = {.n_pieces = g->m};
    int64_t piece, a_row_stride = g->a_row_stride;
    const uint32_t *a = g->a;
    if (g->a_dtype != DTYPE_F32 || g->a_col_stride != 1) {
        while (next_piece(job, &phase, &piece))
            copy_row(job, piece);
        end_phase(job, &phase);
        a = job->a_panels;
        a_row_stride = g->k;
    }
    phase.n_pieces = divide_up(g->n, DIRECT_COLUMNS);
    while (next_piece(job, &phase, &piece))
        compute_direct(job, piece * DIRECT_COLUMNS, a, a_row_stride);
}

/* ---- the door ---- */

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
    WorkspaceWords words = workspace_words(g);
    return (size_t)(words.a + words.b + words.sums) * sizeof(uint32_t);
}

static void job_run(Job *job)
{
    if (is_direct(job))
        run_direct(job);
    else if (is_few_rows(job->g))
        run_few_rows(job);
    else
        run_many_rows(job);
}

void gemm_run_kernel(const Gemm *g, const GemmKernel *kernel, void *workspace, bool is_serial)
{
    assert(is_float(g->a_dtype) && is_float(g->b_dtype) && is_float(g->c_dtype));
    assert(g->m >= 0 && g->n >= 0 && g->k >= 0);
    assert(g->k_leaf >= 0 && g->k_leaf <= GEMM_K_LEAF_MAX);
    assert((uintptr_t)workspace % 64 == 0);
    if (g->m == 0 || g->n == 0)
        return;
    int64_t k_block = k_block_of(g);
    WorkspaceWords words = workspace_words(g);
    uint32_t *a_panels = workspace, *b_panels = a_panels + words.a;
    Share share[SHARES_MAX];
    for (int i = 0; i < SHARES_MAX; i++)
        atomic_init(&share[i].next, 0);
    Job job = {.g = g, .kernel = kernel, .k_block = k_block, .n_k_blocks = max_i64(divide_up(g->k, k_block), 1),
               .a_panels = a_panels, .b_panels = b_panels, .sums = needs_sums(g) ? (float *)(b_panels + words.b) : NULL,
               .n_threads = 1, .n_shares = 1, .share = share};
    if (is_serial) {
        job_run(&job);
    } else {
#pragma omp parallel firstprivate(job)
        {
            job.n_threads = omp_get_num_threads();
            job.n_shares = is_few_rows(g) ? 1 : (int)min_i64(job.n_threads, SHARES_MAX);
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
    gemm_run_kernel(g, kernel_for(g), workspace, is_small(g));
}

void gemm_run_serial(const Gemm *g, void *workspace)
{
    gemm_run_kernel(g, kernel_for(g), workspace, true);
}
