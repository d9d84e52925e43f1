/* mixture_test.c - shares after sampling are those that the temperature asks for. */
#include "text/tokenizer/mixture.h"
#include "base/test.h"

TEST(mixture, temperature_one_takes_every_document_once)
{
    static const int64_t n_bytes[] = {900, 90, 10};
    double weights[3];
    mixture_weights(n_bytes, 3, 1.0, weights);
    for (int i = 0; i < 3; i++)
        CHECK_CLOSE(weights[i], 1.0, 1e-12);
    for (int64_t d = 0; d < 100; d++)
        CHECK_EQUAL(mixture_copies(1, 0, d, 1.0), 1);
}

/* Goal: p = .9, .1 at T = 2 becomes .75, .25; all text together stays. Method: 100,000 documents; the mean is within four deviations. */
TEST(mixture, a_temperature_brings_shares_together)
{
    static const int64_t n_bytes[] = {900, 100, 0};
    double weights[3];
    mixture_weights(n_bytes, 3, 2.0, weights);
    CHECK_CLOSE(weights[0] * 0.9, 0.75, 1e-12);
    CHECK_CLOSE(weights[1] * 0.1, 0.25, 1e-12);
    CHECK(weights[2] == 0.0);
    for (int language = 0; language < 2; language++) {
        int64_t n = 0;
        for (int64_t d = 0; d < 100000; d++)
            n += mixture_copies(7, language, d, weights[language]);
        CHECK_CLOSE((double)n / 100000.0, weights[language], 4 * 0.5 / 316.0);
    }
    CHECK(mixture_copies(7, 0, 5, weights[0]) == mixture_copies(7, 0, 5, weights[0]));
}
