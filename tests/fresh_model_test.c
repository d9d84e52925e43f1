/* fresh_model_test.c - the causal loss of models that know nothing yet. */
#include "base/file.h"
#include "base/test.h"
#include "engine/graph/program.h"
#include "learn/model/model.h"
#include "learn/objective/objective.h"

enum { N = 60, VOCAB = 97 };

static double fresh_loss(const char *json)
{
    Arena *arena = arena_new();
    Store *store = store_new();
    ModelConfig config;
    Program *program = NULL;
    const char *path = arena_printf(arena, "%s/config.json", test_dir());
    CHECK_OK(file_write(path, json, strlen(json)));
    CHECK_OK(model_config_read(&config, arena, path));
    model_declare(&config, store, &(ModelDeclareOptions){DTYPE_F32, false});
    Graph *g = graph_new(store);
    ModelInputs inputs = model_inputs(g, N, false);
    const int bound = graph_bound(g, "n_tokens", N);
    Node *labels = graph_input(g, "labels", DTYPE_I32, shape_1(N), bound);
    Node *weights = graph_input(g, "weights", DTYPE_F32, shape_1(N), bound);
    graph_output(g, "loss", objective_causal(g, model_hidden(g, &config, &inputs), model_head(g, &config), labels, weights,
                                  model_loss_options(&config)));
    double total = 0;
    if (CHECK_OK(graph_compile(&program, g, &(CompileOptions){BACKEND_CPU})) && CHECK_OK(store_allocate(store)) && CHECK_OK(program_bind(program))) {
        model_init(&config, store, 1);
        for (int32_t i = 0; i < N; i++) {
            ((int32_t *)program_input(program, "tokens")->data)[i] = i * i % VOCAB;
            ((int32_t *)program_input(program, "labels")->data)[i] = (i + 1) * (i + 1) % VOCAB;
            ((float *)program_input(program, "weights")->data)[i] = 1;
            ((int32_t *)program_input(program, "positions")->data)[i] = i;
            ((int32_t *)program_input(program, "ranges")->data)[2 * i + 1] = i + 1;
        }
        program_run_all(program);
        for (int64_t i = 0; i < N; i++)
            total += tensor_get(program_output(program, "loss"), i);
    }
    program_free(program);
    graph_free(g);
    store_free(store);
    arena_free(arena);
    return total / N;
}

/* Goal: a model that knows nothing is as surprised as a fair die of V sides. Logits of a fresh model have a spread of about
 * 0.02 sqrt(C) = 0.16, which adds some 0.01 to ln V. */
TEST(fresh_model, its_loss_is_near_ln_v)
{
    CHECK_CLOSE(fresh_loss("{\"model_type\": \"gpt2\", \"n_embd\": 64, \"n_layer\": 3, \"n_head\": 4, \"n_positions\": 64, \"vocab_size\": 97}"),
                log(VOCAB), 0.1);
    CHECK_CLOSE(fresh_loss("{\"model_type\": \"llama\", \"hidden_size\": 64, \"num_hidden_layers\": 3, \"num_attention_heads\": 4,"
                           " \"num_key_value_heads\": 2, \"intermediate_size\": 128, \"vocab_size\": 97}"),
                log(VOCAB), 0.1);
}
