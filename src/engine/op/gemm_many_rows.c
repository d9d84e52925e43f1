/* gemm_many_rows.c - products of many rows: operands are packed into panels, C is cut into tiles; see gemm.c. */
#include "base/parallel.h"
#include "engine/op/gemm_job.h"

#include <omp.h>
#include <string.h>

enum {
    B_WORDS_NEAR = 256 * 768,      /* of B used by one tile, 800 kB: a part of the second cache */
    B_WORDS_OWN = 192 * 768,       /* of B packed by one thread for itself, 600 kB: what is packed, and what is read for it, fit there */
    B_PAIRS_NEAR = 128 * 768,      /* either, where words are pairs: CPUs that multiply them have second caches of 1 MB, and A and C want room */
    TILES_A_THREAD = 3,            /* of its own */
    TILE_PANELS = 6,               /* of A in a tile: 84 rows */
    TILES_WANTED = 48,             /* enough to share evenly among threads; smaller tiles pack or read more often */
    COPY_PAD = 16,                 /* rows that meet in one set of the first cache are copied first, so many words further apart than they are long, */
    COPY_STEPS_MAX = 512,          /* where a block of K is no longer */
    SUM_COLUMNS_MAX = 512,         /* of a strip of a half C whose sums need a place between blocks only: 32 kB of a thread's stack */
    SHORT_K_BLOCK_MAX = 128,       /* tokens of a short leaf, */
    SHORT_TILE = 256,              /* and rows and columns of a tile of C then: 256 kB of the second cache, beside panels */
    UNPACKED_ROWS_MAX = 1024,      /* of A, beside which a small B is read as it lies: packing it would be a hundredth of the product, or more */
    PACK_PANELS = 4,               /* panels packed as one piece of work, */
    PACK_PIECES_A_THREAD = 2,      /* but fewer if there were less than so many pieces */
    READY_PANELS = 12,             /* of A in a tile where B came in panels: 168 rows, so that B is not read too often, */
    READY_TILES_WANTED = 16,
    READY_COLUMNS = 256,           /* and columns */
    READY_OWN_PANELS = 10,         /* and of its own: 140 rows, in the second cache beside */
    READY_OWN_COLUMNS = 128,       /* so many columns of B */
};

/* n cut into the fewest equal parts of at most `limit`, each a multiple of unit. */
static int64_t even_part(int64_t n, int64_t limit, int64_t unit)
{
    return round_up(divide_up(n, divide_up(n, limit)), unit);
}

/* Who packs: all threads pack both operands and wait for each other, or an operand is packed where it is used, by the thread that uses
 * it, tile after tile: it then stays in that thread's second cache and is never written to memory. */
typedef enum { OWN_NONE = 0, OWN_A = 1, OWN_B = 2, OWN_BOTH = OWN_A | OWN_B } Own;

/* A block of C and a range of K, packed as words. */
typedef struct {
    int64_t row, n_rows, column, n_columns;
    int64_t k, n_k, n_words;
    int64_t k_end;      /* beyond k + n_k: each tile goes through further ranges by itself */
    int64_t tile_rows, tile_columns, n_tiles;
    bool a_as_it_lies;  /* A is not packed at all */
    bool a_is_copied;   /* but strip by strip, for its rows would meet in one set of the first cache */
    int64_t b_depth;    /* words from step 0 to the last of a panel of B: n_words, or all of K if B came in panels */
    bool a_steps_lie, b_steps_lie;  /* not packed, for at each step of k its lanes lie side by side: of A in short leaves only, and only together */
    int64_t strip_rows; /* of C at once: as many as a panel of A has lanes, or fewer */
    Own own;
    int64_t own_a_words, own_b_words; /* of a thread's own panels, in its largest range of K */
} Block;

static int64_t b_words_near(const GemmJob *job)
{
    return job->kernel->k_per_word == 2 ? B_PAIRS_NEAR : B_WORDS_NEAR;
}

static int64_t b_words_own(const GemmJob *job)
{
    return job->kernel->k_per_word == 2 ? B_PAIRS_NEAR : B_WORDS_OWN;
}

/* Words from row to row of an A that is not packed. */
static int64_t a_row_words(const GemmJob *job)
{
    return job->g->a_row_stride / job->kernel->k_per_word;
}

/* Whether rows of A can be read as they lie: f32, or pairs of bf16 that are whole words. Pairs whose rows would meet in one set of the first cache are
 * better packed than copied; an odd K needs a copy of its last block. */
static bool a_lies_well(const GemmJob *job)
{
    const Gemm *g = job->g;
    if (job->kernel->k_per_word == 1)
        return gemm_a_lies_well(g);
    bool is_whole = g->a_col_stride == 1 && g->a_row_stride > 0 && g->a_row_stride % 2 == 0 && job->k_block % 2 == 0 && (uintptr_t)g->a % 4 == 0;
    return is_whole && a_row_words(job) % GEMM_SAME_CACHE_SET != 0 && (g->k % 2 == 0 || job->k_block <= 2 * COPY_STEPS_MAX);
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
static bool cut_own_tiles(Block *block, const GemmJob *job)
{
    PanelShape a = job->kernel->a, b = job->kernel->b;
    GemmWorkspace words = gemm_workspace_words(job->g);
    bool b_is_small = panel_words(block, b, block->n_columns) <= b_words_own(job), is_deep = block->k_end > block->k + block->n_k;
    if (!is_deep && (job->g->k > block->n_k || (b_is_small && block->a_as_it_lies)))
        return false;
    int64_t own_words, room, n_panels, part;
    block->tile_rows = block->n_rows;
    block->tile_columns = block->n_columns;
    if (block->a_as_it_lies || (!b_is_small && block->n_columns >= block->n_rows)) {
        int64_t near = max_i64(b_words_own(job) / max_i64(block->n_words, 1) / b.lanes, 1);
        block->own = OWN_B;
        n_panels = divide_up(block->n_columns, b.lanes);
        part = own_part(n_panels, near, is_deep ? divide_up(near, 2) : 2, job->n_threads);
        block->tile_columns = part * b.lanes;
        own_words = block->own_b_words = panel_words(block, b, block->tile_columns), room = words.b;
    } else {
        block->own = OWN_A;
        n_panels = divide_up(block->n_rows, a.lanes);
        part = own_part(n_panels, TILE_PANELS, 2, job->n_threads);
        block->tile_rows = part * a.lanes;
        own_words = block->own_a_words = panel_words(block, a, block->tile_rows), room = words.a;
    }
    block->n_tiles = count_tiles(block);
    bool is_even = busiest_panels(n_panels, part, job->n_threads) * job->n_threads < n_panels + n_panels / 8 + job->n_threads;
    return is_even && own_words * job->n_threads <= room;
}

/* A deep product: K has several ranges, and nothing but B to pack. Columns of C are a thread's own for all of K, block by block. */
static bool cut_deep_tiles(Block *block, const GemmJob *job)
{
    Block deep = *block;
    deep.n_k = job->k_block;
    deep.n_words = divide_up(job->k_block, job->kernel->k_per_word);
    deep.k_end = job->g->k;
    bool is_deep = block->a_as_it_lies && block->k == 0 && job->g->k > block->n_k && deep.n_words <= GEMM_FEW_ROWS_WORDS_MAX;
    if (!is_deep || !cut_own_tiles(&deep, job))
        return false;
    *block = deep;
    return true;
}


/* Whether B can be read as it lies: f32, and whole panels of columns. */
static bool do_b_steps_lie(const GemmJob *job, const Block *block)
{
    const Gemm *g = job->g;
    return job->kernel->k_per_word == 1 && g->b_dtype == DTYPE_F32 && !g->b_panels && g->b_col_stride == 1 && block->n_columns % job->kernel->b.lanes == 0;
}

static bool do_a_steps_lie(const Gemm *g)
{
    return g->a_dtype == DTYPE_F32 && g->a_row_stride == 1 && g->a_col_stride > 0;
}

/* Leaves of a few tokens, as in gradients of weights: both operands are a thread's own, one block of K after the other, so that what is packed is small and
 * used while it is near; what goes through the caches again and again is C. Or they are not packed at all: a leaf is used too few times. */
static bool cut_short_tiles(Block *block, const GemmJob *job)
{
    const Gemm *g = job->g;
    GemmWorkspace words = gemm_workspace_words(g);
    Block tiles = *block;
    int64_t n_threads = job->n_threads, row_parts = divide_up(block->n_rows, SHORT_TILE), column_parts = divide_up(block->n_columns, SHORT_TILE);
    bool is_short = job->k_block <= SHORT_K_BLOCK_MAX && g->k > job->k_block && block->k == 0;
    if (!is_short || block->a_as_it_lies || g->c_dtype != DTYPE_F32)
        return false;
    while (column_parts > 1 && divide_up(block->n_rows, row_parts) * divide_up(block->n_columns, column_parts - 1) <= SHORT_TILE * SHORT_TILE)
        column_parts--;
    while (row_parts > 1 && divide_up(block->n_rows, row_parts - 1) * divide_up(block->n_columns, column_parts) <= SHORT_TILE * SHORT_TILE)
        row_parts--;
    while (row_parts * column_parts < n_threads)
        if (block->n_columns / column_parts >= block->n_rows / row_parts)
            column_parts++;
        else
            row_parts++;
    tiles.own = OWN_BOTH;
    tiles.tile_rows = divide_up(block->n_rows, row_parts);
    tiles.tile_columns = round_up(divide_up(block->n_columns, column_parts), job->kernel->b.lanes);
    tiles.n_tiles = count_tiles(&tiles);
    tiles.n_k = job->k_block;
    tiles.n_words = divide_up(job->k_block, job->kernel->k_per_word);
    tiles.k_end = g->k;
    tiles.own_a_words = panel_words(&tiles, job->kernel->a, tiles.tile_rows);
    tiles.own_b_words = panel_words(&tiles, job->kernel->b, tiles.tile_columns);
    bool is_even = divide_up(tiles.n_tiles, n_threads) * n_threads <= tiles.n_tiles + tiles.n_tiles / 8;
    if (do_a_steps_lie(g) && do_b_steps_lie(job, &tiles)) {
        tiles.a_steps_lie = tiles.b_steps_lie = true;
        tiles.strip_rows = divide_up(tiles.tile_rows, divide_up(tiles.tile_rows, job->kernel->a.lanes));
    }
    if (!is_even || tiles.own_a_words * n_threads > words.a || tiles.own_b_words * n_threads > words.b)
        return false;
    *block = tiles;
    return true;
}

static int64_t depth_of_b(const GemmJob *job, const Block *block)
{
    return job->g->b_panels ? divide_up(job->g->k, job->kernel->k_per_word) : block->n_words;
}

/* B came in panels. Rows of A that lie well need not be packed either: any tiles do, each going through all of K while its part of C is near.
 * Else each thread packs its own rows, unless B is so wide that it should not be read once for each tile of rows. */
static bool cut_ready_tiles(Block *block, const GemmJob *job)
{
    PanelShape a = job->kernel->a, b = job->kernel->b;
    bool is_deep = block->k == 0 && job->g->k > block->n_k;
    if (!job->g->b_panels)
        return false;
    if (block->a_as_it_lies) {
        block->own = OWN_NONE;
        if (is_deep)
            block->n_k = job->k_block, block->n_words = divide_up(job->k_block, job->kernel->k_per_word), block->k_end = job->g->k;
        int64_t columns_near = max_i64(b_words_near(job) / max_i64(block->n_words, 1) / b.lanes, 1) * b.lanes;
        block->tile_columns = even_part(block->n_columns, min_i64(columns_near, READY_COLUMNS), b.lanes);
        block->tile_rows = even_part(block->n_rows, READY_PANELS * a.lanes, a.lanes);
        while (count_tiles(block) < READY_TILES_WANTED && block->tile_rows > 2 * a.lanes)
            block->tile_rows -= a.lanes;
        block->n_tiles = count_tiles(block);
        return true;
    }
    Block own = *block;
    own.k_end = job->g->k;
    own.own = OWN_A;
    own.tile_rows = own_part(divide_up(own.n_rows, a.lanes), READY_OWN_PANELS, 2, job->n_threads) * a.lanes;
    own.tile_columns = own.n_columns;
    own.own_a_words = panel_words(&own, a, own.tile_rows);
    own.n_tiles = count_tiles(&own);
    bool is_wide = !is_deep && own.n_columns > own.n_rows;
    if (block->k > 0 || is_wide || own.own_a_words * job->n_threads > gemm_workspace_words(job->g).a)
        return false;
    *block = own;
    return true;
}

/* Tiles as large as the caches like, but smaller while the block has too few of them. */
static void cut_tiles(Block *block, const GemmJob *job)
{
    PanelShape a = job->kernel->a, b = job->kernel->b;
    block->a_as_it_lies = a_lies_well(job);
    block->a_is_copied = block->a_as_it_lies && a_row_words(job) % GEMM_SAME_CACHE_SET == 0 && job->k_block <= COPY_STEPS_MAX;
    if (cut_ready_tiles(block, job) || (!job->g->b_panels && (cut_short_tiles(block, job) || cut_deep_tiles(block, job) || cut_own_tiles(block, job))))
        return;
    block->own = OWN_NONE;
    block->b_steps_lie = block->a_as_it_lies && block->n_rows <= UNPACKED_ROWS_MAX && do_b_steps_lie(job, block);
    int64_t columns_near = max_i64(b_words_near(job) / max_i64(block->n_words, 1) / b.lanes, 1) * b.lanes;
    block->tile_columns = even_part(block->n_columns, columns_near, b.lanes);
    block->tile_rows = TILE_PANELS * a.lanes;
    while (count_tiles(block) < TILES_WANTED && block->tile_rows > a.lanes)
        block->tile_rows -= a.lanes;
    while (count_tiles(block) < TILES_WANTED && block->tile_columns > 2 * b.lanes)
        block->tile_columns = round_up(block->tile_columns / 2, b.lanes);
    block->n_tiles = count_tiles(block);
}

/* Panels of n lanes that are packed as one piece. */
static int64_t pack_panels(const GemmJob *job, int64_t n_lanes, PanelShape shape)
{
    return min_i64(PACK_PANELS, max_i64(divide_up(n_lanes, shape.lanes) / (PACK_PIECES_A_THREAD * job->n_threads), 1));
}

static int64_t count_pack_pieces(const GemmJob *job, int64_t n_lanes, PanelShape shape)
{
    return divide_up(n_lanes, pack_panels(job, n_lanes, shape) * shape.lanes);
}

/* Pieces that all threads pack: of B, then of A. */
static int64_t shared_pieces_b(const GemmJob *job, const Block *block)
{
    return block->own & OWN_B || job->g->b_panels || block->b_steps_lie ? 0 : count_pack_pieces(job, block->n_columns, job->kernel->b);
}

static int64_t shared_pieces_a(const GemmJob *job, const Block *block)
{
    return block->own & OWN_A || block->a_as_it_lies ? 0 : count_pack_pieces(job, block->n_rows, job->kernel->a);
}

static void pack_piece(const GemmJob *job, const Block *block, int64_t piece)
{
    int64_t n_pieces_b = shared_pieces_b(job, block);
    bool is_b = piece < n_pieces_b;
    PanelShape shape = is_b ? job->kernel->b : job->kernel->a;
    int64_t n_lanes = is_b ? block->n_columns : block->n_rows, n_panels = pack_panels(job, n_lanes, shape);
    int64_t panel = (is_b ? piece : piece - n_pieces_b) * n_panels, first = panel * shape.lanes;
    int64_t n = min_i64(n_panels * shape.lanes, n_lanes - first);
    job->kernel->pack((is_b ? job->b_panels : job->a_panels) + panel * shape.width * block->n_words, shape, n, block->n_k,
                      is_b ? gemm_lanes_of_b(job->g, block->column + first, block->k)
                           : gemm_lanes_of_a(job->g, block->row + first, block->k));
}

/* Rows and columns of a tile, counted within its block; a and b: panels of its first row and column. */
typedef struct {
    int64_t row, row_end, column, column_end;
    const uint32_t *a, *b;
} Tile;

/* Rows of A that lie as they are, n_bytes long, to a place where they lie side by side, in whole words. */
static void copy_rows(GemmStrip *strip, uint32_t *to, int64_t n_bytes)
{
    int64_t stride = round_up(strip->n_words, COPY_PAD) + COPY_PAD;
    for (int i = 0; i < strip->n_rows; i++) {
        to[i * stride + strip->n_words - 1] = 0;
        memcpy(to + i * stride, strip->a + i * strip->a_row_stride, (size_t)n_bytes);
    }
    strip->a = to;
    strip->a_row_stride = stride;
}

/* n lanes side by side come nearer. */
static void fetch_lanes(GemmLanes lanes, int64_t n)
{
    const int64_t line = 64, n_bytes = n * bytes_of(lanes.dtype);
    for (int64_t at = 0; at < n_bytes && lanes.lane_stride == 1; at += line)
        __builtin_prefetch((const char *)lanes.base + at, 0, 2);
}

/* Short leaves: what the tile packs next comes near while this leaf is multiplied, a panel's share of its steps with each panel of A. */
static void fetch_leaf(const GemmJob *job, const Block *block, const Tile *tile, int64_t row)
{
    int64_t next = block->k + block->n_k, n_next = min_i64(block->n_k, block->k_end - next);
    if (block->own != OWN_BOTH || n_next <= 0)
        return;
    int64_t n_panels = divide_up(tile->row_end - tile->row, block->strip_rows), panel = (row - tile->row) / block->strip_rows;
    for (int64_t step = n_next * panel / n_panels; step < n_next * (panel + 1) / n_panels; step++) {
        fetch_lanes(gemm_lanes_of_a(job->g, block->row + tile->row, next + step), tile->row_end - tile->row);
        fetch_lanes(gemm_lanes_of_b(job->g, block->column + tile->column, next + step), tile->column_end - tile->column);
    }
}

/* The rows of one panel of A, and columns from `column` to `column_end` of a tile: adds each block of K to their strip of C. */
static void compute_strip(const GemmJob *job, const Block *block, const Tile *tile, int64_t row, int64_t column, int64_t column_end)
{
    const GemmKernel *kernel = job->kernel;
    float strip_sums[GEMM_A_WIDTH_MAX * SUM_COLUMNS_MAX];
    float *sums = job->sums ? job->sums + row * block->n_columns + column : strip_sums;
    int64_t sums_stride = job->sums ? block->n_columns : SUM_COLUMNS_MAX;
    uint32_t copy[GEMM_A_WIDTH_MAX * (COPY_STEPS_MAX + COPY_PAD)];
    bool has_next = block->a_as_it_lies && row + 2 * kernel->a.lanes <= block->n_rows;  /* most often of this thread's next tile */
    const uint32_t *panel = tile->a + (row - tile->row) / kernel->a.lanes * kernel->a.width * block->n_words;
    GemmStrip strip = {.n_rows = (int)min_i64(block->strip_rows, tile->row_end - row), .n_columns = column_end - column,
                       .b = tile->b + (column - tile->column) * block->b_depth, .b_panel_words = kernel->b.width * block->b_depth};
    int64_t k = 0;
    fetch_leaf(job, block, tile, row);
    do {
        int64_t n_k = min_i64(job->k_block, block->n_k - k);
        GemmLanes lanes = gemm_lanes_of_a(job->g, block->row + row, block->k + k);
        strip.a = block->a_as_it_lies ? lanes.base : panel + k / kernel->k_per_word * kernel->a.width;
        strip.a_row_stride = block->a_as_it_lies ? a_row_words(job) : 0;
        strip.n_words = divide_up(n_k, kernel->k_per_word);
        strip.a_next = has_next ? strip.a + kernel->a.lanes * a_row_words(job) : NULL;
        if (block->a_steps_lie)
            strip.a = lanes.base, strip.a_step_words = lanes.k_stride;
        if (block->b_steps_lie) {
            strip.b = gemm_lanes_of_b(job->g, block->column + column, block->k + k).base;
            strip.b_step_words = job->g->b_row_stride, strip.b_panel_words = kernel->b.width;
        }
        if (!block->a_as_it_lies && !(block->own & OWN_A))  /* panels in the last cache, one block after the other */
            strip.a_next = strip.a + strip.n_words * kernel->a.width;
        strip.a_next_stride = a_row_words(job);
        if (block->a_is_copied || (block->a_as_it_lies && n_k % kernel->k_per_word != 0))  /* no half word may be read beyond the end of K */
            copy_rows(&strip, copy, n_k * bytes_of(job->g->a_dtype));
        strip.out = gemm_out_at(job, block->row + row, block->column + column, (block->k + k) / job->k_block, sums, sums_stride);
        kernel->strip(&strip);
        strip.b += strip.n_words * kernel->b.width;
        k += n_k;
    } while (k < block->n_k);
}

/* Panels of a tile: the thread's own, packed now, or its part of everybody's. */
static void set_panels(const GemmJob *job, const Block *block, Tile *tile)
{
    PanelShape a = job->kernel->a, b = job->kernel->b;
    int64_t thread = job->n_threads > 1 ? omp_get_thread_num() : 0;
    if (block->b_steps_lie) {  /* nor is A packed */
        tile->a = job->a_panels, tile->b = job->b_panels;
        return;
    }
    if (block->own & OWN_A) {
        uint32_t *own = job->a_panels + thread * block->own_a_words;
        job->kernel->pack(own, a, tile->row_end - tile->row, block->n_k, gemm_lanes_of_a(job->g, block->row + tile->row, block->k));
        tile->a = own;
    } else {
        tile->a = job->a_panels + panel_words(block, a, tile->row);
    }
    if (job->g->b_panels) {
        int64_t word = block->k / job->kernel->k_per_word;
        tile->b = (const uint32_t *)job->g->b_panels + (block->column + tile->column) * block->b_depth + word * b.width;
    } else if (block->own & OWN_B) {
        uint32_t *own = job->b_panels + thread * block->own_b_words;
        job->kernel->pack(own, b, tile->column_end - tile->column, block->n_k, gemm_lanes_of_b(job->g, block->column + tile->column, block->k));
        tile->b = own;
    } else {
        tile->b = job->b_panels + panel_words(block, b, tile->column);
    }
}

/* A tile in one range of K, its panels being there: in pieces of some rows by some columns, one above the other. */
typedef struct {
    const GemmJob *job;
    const Block *block;
    Tile tile;
    int64_t row_step, column_step, n_row_pieces, n_pieces;
} Range;

static Range cut_range(const GemmJob *job, const Block *block, const Tile *tile)
{
    PanelShape a = job->kernel->a, b = job->kernel->b;
    int64_t n_rows = tile->row_end - tile->row;
    Range range = {.job = job, .block = block, .tile = *tile};
    range.column_step = max_i64(b_words_near(job) / max_i64(block->n_words, 1) / b.lanes, 1) * b.lanes;
    if (job->g->b_panels && block->own == OWN_A)
        range.column_step = min_i64(range.column_step, READY_OWN_COLUMNS);
    if (job->g->c_dtype != DTYPE_F32)
        range.column_step = min_i64(range.column_step, SUM_COLUMNS_MAX);
    range.row_step = block->own & OWN_B && !block->a_steps_lie ? min_i64(TILE_PANELS * a.lanes, n_rows) : n_rows;
    range.n_row_pieces = divide_up(n_rows, range.row_step);
    range.n_pieces = range.n_row_pieces * divide_up(tile->column_end - tile->column, range.column_step);
    return range;
}

static void compute_piece(const Range *range, int64_t piece)
{
    const GemmJob *job = range->job;
    const Block *block = range->block;
    const Tile *tile = &range->tile;
    int64_t row = tile->row + piece % range->n_row_pieces * range->row_step, row_end = min_i64(row + range->row_step, tile->row_end);
    int64_t column = tile->column + piece / range->n_row_pieces * range->column_step;
    int64_t column_end = min_i64(column + range->column_step, tile->column_end);
    for (int64_t r = row; r < row_end; r += block->strip_rows)
        compute_strip(job, block, tile, r, column, column_end);
    if (block->k + block->n_k >= job->g->k)
        gemm_finish_part(job->g, block->row + row, row_end - row, block->column + column, column_end - column);
}

/* One of the pieces that are left of what a thread has begun. */
static bool compute_begun(GemmBegun *begun)
{
    if (atomic_load_explicit(&begun->n_left, memory_order_relaxed) <= 0)
        return false;
    long long n_left = atomic_fetch_sub_explicit(&begun->n_left, 1, memory_order_acquire);
    if (n_left <= 0)
        return false;
    const Range *range = begun->work;
    compute_piece(range, range->n_pieces - n_left);
    atomic_fetch_add_explicit(&begun->n_done, 1, memory_order_release);
    return true;
}

/* The thread's own: it needs the panels again, so it waits for those who help. Nobody helps with short leaves: one takes no longer than its panels and its
 * part of C take to another core and back. */
static void compute_range(const GemmJob *job, const Range *range)
{
    int thread = job->n_threads > 1 ? omp_get_thread_num() : GEMM_SHARES_MAX;
    if (thread >= GEMM_SHARES_MAX || range->block->own == OWN_BOTH) {
        for (int64_t piece = 0; piece < range->n_pieces; piece++)
            compute_piece(range, piece);
        return;
    }
    GemmBegun *begun = &job->begun[thread];
    begun->work = range;
    atomic_store_explicit(&begun->n_done, 0, memory_order_relaxed);
    atomic_store_explicit(&begun->n_left, range->n_pieces, memory_order_release);
    while (compute_begun(begun))
        ;
    for (int n = 0; atomic_load_explicit(&begun->n_done, memory_order_acquire) < range->n_pieces; n++)
        parallel_pause(n);
}

static void compute_tile(const GemmJob *job, const Block *block, int64_t piece)
{
    int64_t n_row_tiles = divide_up(block->n_rows, block->tile_rows);
    Tile tile = {.row = piece % n_row_tiles * block->tile_rows, .column = piece / n_row_tiles * block->tile_columns};
    tile.row_end = min_i64(tile.row + block->tile_rows, block->n_rows);
    tile.column_end = min_i64(tile.column + block->tile_columns, block->n_columns);
    Block part = *block;
    do {
        set_panels(job, &part, &tile);
        Range range = cut_range(job, &part, &tile);
        compute_range(job, &range);
        part.k += part.n_k;
        part.n_k = min_i64(part.n_k, part.k_end - part.k);
        part.n_words = divide_up(part.n_k, job->kernel->k_per_word);
        part.b_depth = depth_of_b(job, &part);
    } while (part.k < part.k_end);
}

/* Who has begun something may be packing between two ranges of K: who helps waits for more, as it would for the end of the product. */
static void help_others(const GemmJob *job)
{
    int n = (int)min_i64(job->n_threads, GEMM_SHARES_MAX), self = omp_get_thread_num(), n_pauses = 0;
    bool any_open;
    do {
        bool helped = any_open = false;
        for (int i = 1; i <= n; i++) {
            GemmBegun *begun = &job->begun[(self + i) % n];
            bool is_open = atomic_load_explicit(&begun->is_open, memory_order_relaxed);
            any_open = any_open || is_open;
            helped = (is_open && compute_begun(begun)) || helped;
        }
        n_pauses = helped ? 0 : n_pauses + 1;
        if (!helped)
            parallel_pause(n_pauses);
    } while (any_open);
}

/* Tiles until none is left to begin. */
static void compute_tiles(GemmJob *job, const Block *block, GemmPhase *phase)
{
    int64_t piece;
    bool is_team = job->n_threads > 1, can_be_helped = is_team && omp_get_thread_num() < GEMM_SHARES_MAX;
    phase->n_pieces = block->n_tiles;
    while (gemm_next_piece(job, phase, &piece)) {
        if (can_be_helped)
            atomic_store_explicit(&job->begun[omp_get_thread_num()].is_open, true, memory_order_relaxed);
        compute_tile(job, block, piece);
    }
    if (can_be_helped)
        atomic_store_explicit(&job->begun[omp_get_thread_num()].is_open, false, memory_order_relaxed);
    if (is_team)
        help_others(job);
}

static void run_block(GemmJob *job, Block *block, GemmPhase *phase)
{
    int64_t piece;
    cut_tiles(block, job);
    block->b_depth = depth_of_b(job, block);
    phase->n_pieces = shared_pieces_b(job, block) + shared_pieces_a(job, block);
    if (phase->n_pieces > 0) {
        while (gemm_next_piece(job, phase, &piece))
            pack_piece(job, block, piece);
        gemm_end_phase(job, phase);
    }
    compute_tiles(job, block, phase);
}

void gemm_run_many_rows(GemmJob *job)
{
    const Gemm *g = job->g;
    GemmPhase phase = {0};
    int k_per_word = job->kernel->k_per_word;
    int64_t rows = even_part(g->m, gemm_rows_max(g, k_per_word), 1), k_range = max_i64(gemm_k_range(g, k_per_word), 1);
    int64_t columns = even_part(g->n, gemm_columns_max(g, k_per_word), g->b_panels ? job->kernel->b.lanes : 1);
    if (job->k_block % k_per_word != 0)  /* no word belongs to two blocks */
        k_range = job->k_block;
    for (int64_t row = 0; row < g->m; row += rows)
        for (int64_t column = 0; column < g->n; column += columns) {
            int64_t k = 0;
            do {
                Block block = {.row = row, .n_rows = min_i64(rows, g->m - row), .column = column,
                               .n_columns = min_i64(columns, g->n - column), .k = k, .n_k = min_i64(k_range, g->k - k)};
                block.n_words = divide_up(block.n_k, job->kernel->k_per_word);
                block.k_end = k + block.n_k;
                block.strip_rows = job->kernel->a.lanes;
                if (phase.n_pieces > 0)  /* the first need not wait, nor the last for its end */
                    gemm_end_phase(job, &phase);
                run_block(job, &block, &phase);
                k = block.k_end;
            } while (k < g->k);
        }
}
