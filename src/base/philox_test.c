/* philox_test.c - the published vectors, and what the numbers made from them promise. */
#include "base/philox.h"
#include "base/test.h"

#include <stdlib.h>

static void check_block(Philox got, uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3)
{
    CHECK_EQUAL(got.word[0], w0);
    CHECK_EQUAL(got.word[1], w1);
    CHECK_EQUAL(got.word[2], w2);
    CHECK_EQUAL(got.word[3], w3);
}

/* Goal: this is Philox4x32-10 and nothing near it. Oracle: the known answers of the Random123 distribution. */
TEST(philox, gives_the_published_vectors)
{
    check_block(philox(0, 0, 0, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    check_block(philox(UINT64_MAX, 0, UINT64_MAX, UINT64_MAX), 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    /* counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0: digits of pi */
    check_block(philox(0x299f31d0a4093822u, 0, 0x0370734413198a2eu, 0x85a308d3243f6a88u),
                0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
}

TEST(philox, streams_and_seeds_differ)
{
    CHECK(philox(1, 0, 0, 0).word[0] != philox(1, 1, 0, 0).word[0]);
    CHECK(philox(1, 0, 0, 0).word[0] != philox(2, 0, 0, 0).word[0]);
    CHECK(philox_stream("init") != philox_stream("shuffle"));
    CHECK_EQUAL(philox_stream("abc"), 0x32D153FF);  /* XXH32 of "abc", seed 0, as xxHash documents it */
}

TEST(philox, uniform_covers_its_interval_exactly)
{
    CHECK(philox_uniform(0) == 0.0f);
    CHECK(philox_uniform(UINT32_MAX) == 1.0f - 0x1p-24f);
    CHECK(philox_uniform(0x80000000u) == 0.5f);
}

/* Goal: mean, variance, kurtosis and correlation of normal values. Method: 2^18 pairs; the bounds are 5 standard errors. */
TEST(philox, normal_has_the_moments_of_a_normal)
{
    enum { N = 1 << 18 };
    double sum = 0.0, sum2 = 0.0, sum4 = 0.0, cross = 0.0;
    for (uint64_t i = 0; i < N; i++) {
        Philox block = philox(7, 3, 0, i);
        float a, b;
        philox_normal(block.word[0], block.word[1], &a, &b);
        sum += a + b;
        sum2 += (double)a * a + (double)b * b;
        sum4 += pow(a, 4) + pow(b, 4);
        cross += (double)a * b;
    }
    double n = 2.0 * N;
    CHECK_CLOSE(sum / n, 0.0, 5.0 / sqrt(n));
    CHECK_CLOSE(sum2 / n, 1.0, 5.0 * sqrt(2.0 / n));
    CHECK_CLOSE(sum4 / n, 3.0, 5.0 * sqrt(96.0 / n));
    CHECK_CLOSE(cross / N, 0.0, 5.0 / sqrt(N));
}

TEST(philox, normal_is_finite_at_the_corners)
{
    const uint32_t corners[] = {0, 1, 0x7FFFFFFF, 0x80000000, UINT32_MAX};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            float a, b;
            philox_normal(corners[i], corners[j], &a, &b);
            CHECK(isfinite(a) && isfinite(b) && fabsf(a) < 7.0f && fabsf(b) < 7.0f);
        }
}

/* Goal: no value of [0, n) is favoured, also where n does not divide 2^64. Method: chi-squared over n = 7, 60000 draws;
 * 6 degrees of freedom pass 22.5 once in a thousand. With n = 3 * 2^62 a quarter of the draws is rejected; kept, they
 * would make multiples of 3 twice as frequent. */
TEST(philox, below_is_unbiased_and_in_range)
{
    int count[7] = {0};
    for (uint64_t i = 0; i < 60000; i++) {
        uint64_t x = philox_below(11, 5, i, 7);
        REQUIRE(x < 7);
        count[x]++;
    }
    double chi = 0.0;
    for (int k = 0; k < 7; k++)
        chi += pow(count[k] - 60000.0 / 7, 2) / (60000.0 / 7);
    CHECK(chi < 22.5);

    const uint64_t n = UINT64_C(3) << 62;
    int thirds[3] = {0};
    for (uint64_t i = 0; i < 30000; i++) {
        uint64_t x = philox_below(11, 6, i, n);
        REQUIRE(x < n);
        thirds[x % 3]++;
    }
    for (int k = 0; k < 3; k++)
        CHECK_CLOSE(thirds[k], 10000, 5 * sqrt(30000.0 * 2 / 9));
    CHECK_EQUAL(philox_below(1, 2, 3, 1), 0);
}

/* Goal: a permutation, for every small n and for sizes around powers of two. Method: mark each image once. */
TEST(philox, permute_hits_every_index_once)
{
    for (uint64_t n = 1; n < 200; n++) {
        char seen[200] = {0};
        for (uint64_t i = 0; i < n; i++) {
            uint64_t image = philox_permute(3, 4, i, n);
            REQUIRE(image < n);
            CHECK_EQUAL(seen[image]++, 0);
        }
    }
    enum { LARGE = 65537 };
    char *seen = calloc(LARGE, 1);
    int n_fixed = 0;
    for (uint64_t i = 0; i < LARGE; i++) {
        uint64_t image = philox_permute(3, 4, i, LARGE);
        if (image >= LARGE || seen[image]++)
            CHECK(!"each image once");
        n_fixed += image == i;
    }
    CHECK(n_fixed < 10);  /* Poisson with mean 1 */
    free(seen);
    CHECK(philox_permute(1, 1, UINT64_MAX - 1, UINT64_MAX) < UINT64_MAX);
}

/* Goal: small shuffles are fair too. Method: all 120 orders of 5 over 12000 seeds; 119 degrees of freedom exceed 173 once
 * in a thousand. */
TEST(philox, permute_makes_all_orders_of_a_few_equally_often)
{
    int count[3125] = {0};
    for (uint64_t seed = 0; seed < 12000; seed++) {
        int order = 0;
        for (uint64_t i = 0; i < 5; i++)
            order = order * 5 + (int)philox_permute(seed, 9, i, 5);
        count[order]++;
    }
    double chi = 0.0;
    int n_orders = 0;
    for (int k = 0; k < 3125; k++)
        if (count[k]) {
            n_orders++;
            chi += pow(count[k] - 100.0, 2) / 100.0;
        }
    CHECK_EQUAL(n_orders, 120);
    CHECK(chi < 173.0);
}
