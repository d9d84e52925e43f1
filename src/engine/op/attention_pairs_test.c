/* attention_pairs_test.c - the products of attention in pairs of bf16, on any CPU: the same source, its two instructions done in C. */
#include "base/philox.h"
#include "base/test.h"
#include "engine/op/bf16_dot_case.h"

typedef uint16_t Halves __attribute__((vector_size(64)));

static __attribute__((noinline)) V16 round_halves(V16 high, V16 low)
{
    Half16 upper = v16_to_bf16(high), lower = v16_to_bf16(low);
    Halves both;
    for (int i = 0; i < 16; i++)
        both[i] = lower[i], both[16 + i] = upper[i];
    return (V16)both;
}

#define BF16_ROUND(high, low) round_halves(high, low)
#define TILE_UNROLL  /* compiles ten times faster */
#define TILE_UNROLL16
#include "engine/op/attention_product.h"

enum { ROWS = 13, VECS = 5, COLUMNS = 16 * VECS, WORDS = 32, TERMS = 2 * WORDS };

typedef struct {
    uint16_t a[ROWS][TERMS], b[TERMS][COLUMNS];  /* numbers in their order */
    float a_words[ROWS * WORDS], b_words[WORDS * COLUMNS], c[ROWS * COLUMNS];
    uint64_t seen[ROWS];
} PairsCase;

static uint16_t some_bf16(uint64_t i)
{
    Philox random = philox(3, 0, 0, i);
    float x, y;
    philox_normal(random.word[0], random.word[1], &x, &y);
    return bf16_from_f32(x);
}

static float word_of(uint16_t earlier, uint16_t later)
{
    uint32_t word = (uint32_t)earlier << 16 | later;
    float x;
    memcpy(&x, &word, sizeof x);
    return x;
}

static void make_words(PairsCase *p)
{
    for (int w = 0; w < WORDS; w++) {
        for (int r = 0; r < ROWS; r++)
            p->a_words[r * WORDS + w] = word_of(p->a[r][2 * w], p->a[r][2 * w + 1]);
        for (int i = 0; i < COLUMNS; i++)
            p->b_words[w * COLUMNS + i] = word_of(p->b[2 * w][i], p->b[2 * w + 1][i]);
    }
}

static void make_case(PairsCase *p)
{
    uint64_t n = 0;
    for (int r = 0; r < ROWS; r++) {
        Philox random = philox(4, 0, 0, (uint64_t)r);
        uint64_t any = (uint64_t)random.word[0] << 32 | random.word[1];
        p->seen[r] = r == 0 ? 0 : r % 3 == 2 ? any : ~(uint64_t)0 << (7 * r % 11) & ~(uint64_t)0 >> (5 * r);  /* runs, and single numbers */
        for (int k = 0; k < TERMS; k++)
            p->a[r][k] = some_bf16(n++);
    }
    for (int k = 0; k < TERMS; k++)
        for (int i = 0; i < COLUMNS; i++)
            p->b[k][i] = some_bf16(n++);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        p->c[i] = i % 7 ? f32_from_bf16(some_bf16(n++)) : -0.0f;
    make_words(p);
}

/* One multiply-add after the other over the terms that are seen. */
static float sum_of(const PairsCase *p, int row, int column, float sum, int n_terms, uint64_t seen)
{
    for (int k = 0; k < n_terms; k++)
        if (seen >> k & 1)
            sum = bf16_step(sum, p->a[row][k], p->b[k][column]);
    return sum;
}

static bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Goal: a product in pairs is that of single numbers in their order, of any size, added to what is there or scaled. Method: bit for bit. */
TEST(attention_pairs, products_are_of_single_numbers_in_their_order)
{
    static PairsCase p;
    const float factor = 0.3f;
    for (int rows = 1; rows <= ROWS; rows++)
        for (int adds = 0; adds < 2; adds++) {
            const int n_vecs = 1 + rows % VECS, n_words = rows % 2 ? WORDS : 5;
            make_case(&p);
            float c[ROWS * COLUMNS];
            memcpy(c, p.c, sizeof c);
            tile_product(c, COLUMNS, (Left){p.a_words, WORDS, 1}, (Right){p.b_words, COLUMNS}, rows, n_vecs, n_words, adds ? NULL : &factor);
            int n_wrong = 0;
            for (int i = 0; i < rows * 16 * n_vecs; i++) {
                int r = i / (16 * n_vecs), column = i % (16 * n_vecs), at = r * COLUMNS + column;
                float sum = sum_of(&p, r, column, adds ? p.c[at] : 0.0f, 2 * n_words, ~(uint64_t)0);
                n_wrong += !same_bits(c[at], adds ? sum : sum * factor);
            }
            CHECK_EQUAL(n_wrong, 0);
        }
}

/* Goal: a number that a row does not see takes no part, though it is half of a pair that is seen: neither a NaN nor the sign of a zero shows. Method: NaN
 * wherever nobody looks, sums that start at -0; against the sums of what is seen alone, bit for bit. */
TEST(attention_pairs, what_is_masked_is_not_touched)
{
    static PairsCase p;
    const uint16_t nan = 0x7fc0;
    for (int rows = 1; rows <= ROWS; rows++) {
        make_case(&p);
        uint64_t some = 0;
        for (int r = 0; r < rows; r++) {
            some |= p.seen[r];
            for (int k = 0; k < TERMS; k++)
                if (!(p.seen[r] >> k & 1))
                    p.a[r][k] = nan;
        }
        for (int k = 0; k < TERMS; k++)
            for (int i = 0; i < COLUMNS && (!(some >> k & 1) || k == 9); i++)
                p.b[k][i] = nan;
        make_words(&p);
        float c[ROWS * COLUMNS];
        memcpy(c, p.c, sizeof c);
        tile_product_masked(c, COLUMNS, (Left){p.a_words, WORDS, 1}, (Right){p.b_words, COLUMNS}, rows, VECS, p.seen);
        int n_wrong = 0;
        for (int i = 0; i < rows * COLUMNS; i++) {
            float want = sum_of(&p, i / COLUMNS, i % COLUMNS, p.c[i], TERMS, p.seen[i / COLUMNS]);
            n_wrong += isnan(want) ? !isnan(c[i]) : !same_bits(c[i], want);
        }
        CHECK_EQUAL(n_wrong, 0);
    }
}

/* Goal: numbers become words as make_words has them: of two vectors, of neighbours in one, and alone. */
TEST(attention_pairs, the_earlier_number_is_the_upper_one)
{
    V16 x[2], across, single;
    float along[8];
    for (int i = 0; i < 16; i++)
        x[0][i] = (float)i, x[1][i] = (float)(100 + i);
    across = words_across(x);
    single = words_single(x[1]);
    words_store_along(along, x[0]);
    for (int i = 0; i < 16; i++) {
        CHECK(same_bits(across[i], word_of(bf16_from_f32(x[0][i]), bf16_from_f32(x[1][i]))));
        CHECK(same_bits(single[i], word_of(bf16_from_f32(x[1][i]), 0x8000)));
        CHECK(i % 2 || same_bits(along[i / 2], word_of(bf16_from_f32(x[0][i]), bf16_from_f32(x[0][i + 1]))));
    }
}
