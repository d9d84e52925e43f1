/* sample_test.c - the choice of a token: how often each comes, and from what. */
#include "base/test.h"
#include "learn/generate/generate.h"

enum { V = 6 };

/* How often each token comes in n draws. */
static void count_draws(double share[V], const float *logits, const SampleOptions *options, int n)
{
    Arena *arena = arena_new();
    void *scratch = arena_alloc(arena, sample_scratch_bytes(V));
    Tensor row = tensor_contiguous(DTYPE_F32, shape_1(V), (void *)logits);
    memset(share, 0, sizeof(double) * V);
    for (int i = 0; i < n; i++) {
        int32_t id = -1;
        REQUIRE_OK(sample_token(&id, &row, options, 3, (uint64_t)i, scratch));
        REQUIRE(id >= 0 && id < V);
        share[id] += 1.0 / n;
    }
    arena_free(arena);
}

/* Goal: tokens come as often as softmax(logits / temperature) says, and only those that top-k and top-p leave.
 * Method: 40,000 draws against the exact shares; four standard deviations of the likeliest are 0.01. */
TEST(sample, tokens_come_as_often_as_they_should)
{
    const float logits[V] = {0.0f, 2.0f, 1.0f, 1.0f, -1.0f, 0.5f};
    const struct {
        SampleOptions options;
        bool stays[V];
    } cases[] = {
        {{.temperature = 1, .top_p = 1}, {1, 1, 1, 1, 1, 1}},
        {{.temperature = 0.5, .top_p = 1, .seed = 9}, {1, 1, 1, 1, 1, 1}},
        {{.temperature = 1, .top_k = 2, .top_p = 1}, {0, 1, 1, 1, 0, 0}},    /* the third equals the second */
        {{.temperature = 1, .top_k = 1, .top_p = 1}, {0, 1, 0, 0, 0, 0}},
        {{.temperature = 1, .top_k = 99, .top_p = 0.6}, {0, 1, 1, 0, 0, 0}}, /* 0.45, 0.16, 0.16, ...: two reach 0.6 */
        {{.temperature = 1, .top_k = 3, .top_p = 0.8}, {0, 1, 1, 1, 0, 0}},  /* of three: 0.58, 0.21, 0.21 */
        {{.temperature = 1, .top_p = 0}, {0, 1, 0, 0, 0, 0}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double share[V], total = 0;
        count_draws(share, logits, &cases[c].options, 40000);
        for (int i = 0; i < V; i++)
            total += cases[c].stays[i] ? exp(logits[i] / cases[c].options.temperature) : 0;
        for (int i = 0; i < V; i++)
            CHECK_CLOSE(share[i], cases[c].stays[i] ? exp(logits[i] / cases[c].options.temperature) / total : 0, 0.01);
    }
}

TEST(sample, temperature_zero_takes_the_first_of_the_largest)
{
    const float logits[V] = {0, 3, 1, 3, -1, 2};
    double share[V];
    count_draws(share, logits, &(SampleOptions){.temperature = 0, .top_p = 1}, 10);
    CHECK_CLOSE(share[1], 1, 1e-12);
}

TEST(sample, a_draw_is_a_function_of_seed_sequence_and_position)
{
    float logits[V] = {0};
    double scratch[4 * V];
    Tensor row = tensor_contiguous(DTYPE_F32, shape_1(V), logits);
    int n_seed = 0, n_sequence = 0, n_position = 0;
    for (uint64_t i = 0; i < 100; i++) {
        int32_t a, again, seed, sequence, position;
        SampleOptions o = {.temperature = 1, .top_p = 1, .seed = i}, other = o;
        other.seed = i + 1000;
        REQUIRE_OK(sample_token(&a, &row, &o, 0, 5, scratch));
        REQUIRE_OK(sample_token(&again, &row, &o, 0, 5, scratch));
        REQUIRE_OK(sample_token(&seed, &row, &other, 0, 5, scratch));
        REQUIRE_OK(sample_token(&sequence, &row, &o, 1, 5, scratch));
        REQUIRE_OK(sample_token(&position, &row, &o, 0, 6, scratch));
        CHECK_EQUAL(a, again);
        n_seed += a != seed;
        n_sequence += a != sequence;
        n_position += a != position;
    }
    CHECK(n_seed > 60 && n_sequence > 60 && n_position > 60);  /* five of six differ by chance */
}

TEST(sample, a_logit_that_is_no_number_is_an_error)
{
    float logits[V] = {0, 1, NAN};
    double scratch[4 * V];
    int32_t id;
    Tensor row = tensor_contiguous(DTYPE_F32, shape_1(V), logits);
    CHECK(sample_token(&id, &row, &(SampleOptions){.temperature = 1, .top_p = 1}, 0, 0, scratch) == ERR_NUMERIC);
}
