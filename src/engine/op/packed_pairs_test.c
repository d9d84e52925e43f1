/* packed_pairs_test.c - the kernel of packed bf16 weights at CPU_AVX512_BF16 on CPUs without it; see bf16_dot_case.h. linear_packed_test.c has the rest. */
#include "base/test.h"
#include "engine/op/bf16_dot_case.h"
#define PAIRS_UNROLL  /* compiles faster */
#include "engine/op/packed_pairs_kernel.h"

#include <stdlib.h>

enum { N_WORDS = 13, X_STRIDE = 15, ROWS = 9, PANELS = 4, PANEL_WORDS = 17 * PACKED_COLUMNS };

typedef struct {
    uint32_t x[ROWS][X_STRIDE], weights[PANELS][PANEL_WORDS];
    float total[ROWS][PACKED_COLUMNS];
} Case;

/* Pairs of bf16 between 0.5 and 2 of either sign. */
static uint32_t pair(uint32_t i)
{
    uint32_t word = i * 2654435761u;
    return (word & 0x80ff80ff) | 0x3f003f00;
}

static void fill_case(Case *c)
{
    for (uint32_t i = 0; i < ROWS * X_STRIDE; i++)
        c->x[i / X_STRIDE][i % X_STRIDE] = pair(i);
    for (uint32_t i = 0; i < PANELS * PANEL_WORDS; i++)
        c->weights[i / PANEL_WORDS][i % PANEL_WORDS] = pair(i + 1000);
    for (int i = 0; i < ROWS * PACKED_COLUMNS; i++)
        c->total[i / PACKED_COLUMNS][i % PACKED_COLUMNS] = (float)i;
}

/* A block's sum from zero, word after word, to the total so far. */
static float want(const Case *c, int row, int panel, int column, bool is_first, float total)
{
    float sum = 0.0f;
    for (int k = 0; k < N_WORDS; k++)
        sum = bf16_dot(sum, c->x[row][k], c->weights[panel][k * PACKED_COLUMNS + column]);
    return is_first ? sum : total + sum;
}

/* Panels of PANEL_WORDS / 64 words, in blocks: a block's sum from zero, the blocks' sums one after the other. */
static float want_of_blocks(const Case *c, int panel, int column, int block)
{
    const int n_words = PANEL_WORDS / PACKED_COLUMNS;
    const uint32_t *x = c->x[0];
    float total = 0.0f;
    for (int first = 0; first < n_words; first += block) {
        float sum = 0.0f;
        for (int k = first; k < first + block && k < n_words; k++)
            sum = bf16_dot(sum, x[k], c->weights[panel][k * PACKED_COLUMNS + column]);
        total = first == 0 ? sum : total + sum;
    }
    return total;
}

/* Goal: a row by panels one after the other, in one loop, has the sums of its blocks, whether the last one is whole or not. */
TEST(packed_pairs, one_row_goes_through_panels_and_blocks)
{
    Case *c = mem_alloc(sizeof *c);
    for (int block = 1; block <= 18; block++) {
        fill_case(c);
        pairs_row(c->x, PANEL_WORDS / PACKED_COLUMNS, block, (const float *)c->weights, PANELS, *c->total);
        for (int i = 0; i < PANELS * PACKED_COLUMNS; i++)
            CHECK(c->total[i / PACKED_COLUMNS][i % PACKED_COLUMNS] == want_of_blocks(c, i / PACKED_COLUMNS, i % PACKED_COLUMNS, block));
    }
    free(c);
}

/* Goal: rows by a panel, and a row by panels side by side, give the sums of gemm.h in its order, in a first and in a later block.
 * Method: the emulated instruction in the kernel and in plain loops, bit for bit; nine rows take every kernel there is. */
TEST(packed_pairs, follow_the_order_of_gemm_to_the_bit)
{
    Case *c = mem_alloc(sizeof *c);
    for (int is_first = 0; is_first < 2; is_first++) {
        fill_case(c);
        pairs_rows((PairsTile){c->x, X_STRIDE, N_WORDS, c->weights, *c->total, is_first}, ROWS);
        for (int i = 0; i < ROWS * PACKED_COLUMNS; i++) {
            int row = i / PACKED_COLUMNS, column = i % PACKED_COLUMNS;
            CHECK(c->total[row][column] == want(c, row, 0, column, is_first, (float)i));
        }
        for (int n = 1; n <= PANELS; n *= 2) {
            fill_case(c);
            pairs_streams((PairsTile){c->x, X_STRIDE, N_WORDS, c->weights, *c->total, is_first}, n, sizeof *c->weights);
            for (int i = 0; i < n * PACKED_COLUMNS; i++) {
                int panel = i / PACKED_COLUMNS, column = i % PACKED_COLUMNS;
                CHECK(c->total[panel][column] == want(c, 0, panel, column, is_first, (float)i));
            }
        }
    }
    free(c);
}
