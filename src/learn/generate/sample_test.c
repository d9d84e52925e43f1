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
        REQUIRE_OK(sample_token(&id, &row, options, NULL, 3, (uint64_t)i, scratch));
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
        {{.temperature = 1, .top_p = 1, .min_p = 0.3}, {0, 1, 1, 1, 0, 0}},      /* e^-1 = 0.37 stays, e^-1.5 = 0.22 goes */
        {{.temperature = 2, .top_p = 1, .min_p = 0.3}, {1, 1, 1, 1, 0, 1}},      /* of probabilities after the temperature */
        {{.temperature = 1, .top_p = 1, .min_p = 1}, {0, 1, 0, 0, 0, 0}},
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
        REQUIRE_OK(sample_token(&a, &row, &o, NULL, 0, 5, scratch));
        REQUIRE_OK(sample_token(&again, &row, &o, NULL, 0, 5, scratch));
        REQUIRE_OK(sample_token(&seed, &row, &other, NULL, 0, 5, scratch));
        REQUIRE_OK(sample_token(&sequence, &row, &o, NULL, 1, 5, scratch));
        REQUIRE_OK(sample_token(&position, &row, &o, NULL, 0, 6, scratch));
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
    CHECK(sample_token(&id, &row, &(SampleOptions){.temperature = 1, .top_p = 1}, NULL, 0, 0, scratch) == ERR_NUMERIC);
}

/* Goal: penalties change logits as their authors say. Method: the shares of 40,000 draws, against logits changed by hand. */
TEST(sample, penalties_count_what_was_written)
{
    const float logits[V] = {0.0f, 2.0f, 1.0f, 1.0f, -1.0f, 0.5f};
    const int32_t ids[] = {4, 1, 1, 3, 3, 3, 1};  /* the prompt is 4 1 1 */
    const SampleHistory history = {ids, 7, 4};
    const struct {
        SampleOptions options;
        double logit[V];
    } cases[] = {
        {{.temperature = 1, .top_p = 1, .repetition_penalty = 2}, {0, 1, 1, 0.5, -2, 0.5}},
        {{.temperature = 1, .top_p = 1, .frequency_penalty = 0.5}, {0, 1.5, 1, -0.5, -1, 0.5}},
        {{.temperature = 1, .top_p = 1, .presence_penalty = 0.75}, {0, 1.25, 1, 0.25, -1, 0.5}},
        {{.temperature = 2, .top_p = 1, .repetition_penalty = 2, .frequency_penalty = -1}, {0, 1, 0.5, 1.75, -1, 0.25}},
    };
    double scratch[4 * V];
    Tensor row = tensor_contiguous(DTYPE_F32, shape_1(V), (void *)logits);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double share[V] = {0}, total = 0;
        for (int i = 0; i < 40000; i++) {
            int32_t id;
            REQUIRE_OK(sample_token(&id, &row, &cases[c].options, &history, 3, (uint64_t)i, scratch));
            share[id] += 1.0 / 40000;
        }
        for (int i = 0; i < V; i++)
            total += exp(cases[c].logit[i]);
        for (int i = 0; i < V; i++)
            CHECK_CLOSE(share[i], exp(cases[c].logit[i]) / total, 0.01);
    }
    int32_t id;
    REQUIRE_OK(sample_token(&id, &row, &(SampleOptions){.frequency_penalty = 1.5}, &history, 0, 0, scratch));
    CHECK_EQUAL(id, 2);  /* greedy too */
}

TEST(sample, log_probabilities_are_those_of_softmax_the_likeliest_first)
{
    const float logits[V] = {0.0f, 2.0f, 1.0f, 1.0f, -1.0f, 0.5f};
    const int32_t order[V] = {1, 2, 3, 5, 0, 4};
    Tensor row = tensor_contiguous(DTYPE_F32, shape_1(V), (void *)logits);
    double total = 0;
    for (int i = 0; i < V; i++)
        total += exp(logits[i]);
    for (int n_top = 0; n_top <= V; n_top++) {
        TokenScore scores[V + 1];
        sample_log_probs(scores, &row, 4, n_top);
        CHECK_EQUAL(scores[0].id, 4);
        CHECK_CLOSE(scores[0].log_prob, -1 - log(total), 1e-14);
        for (int k = 0; k < n_top; k++) {
            CHECK_EQUAL(scores[k + 1].id, order[k]);
            CHECK_CLOSE(scores[k + 1].log_prob, logits[order[k]] - log(total), 1e-14);
        }
    }
}
