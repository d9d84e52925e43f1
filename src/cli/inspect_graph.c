/* inspect_graph.c - the calls of a program and the memory they share: of a recipe's training step, or of a model by its config.json. */
#include "base/log.h"
#include "cli/command_line.h"
#include "cli/inspect.h"
#include "cli/model_dir.h"
#include "engine/graph/program.h"
#include "engine/pass/differentiate.h"
#include "learn/objective/objective.h"
#include "study/plan/plan.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    int64_t tokens;
    bool forward, memory, dot;
} GraphOptions;

static const Option rows[] = {
    OPTION_INT("tokens", GraphOptions, tokens, 1, 1e9, "tokens of one micro batch; a recipe knows its own"),
    OPTION_BOOL("forward", GraphOptions, forward, "the loss only, without its derivative"),
    OPTION_BOOL("memory", GraphOptions, memory, "also the map of a step's memory"),
    OPTION_BOOL("dot", GraphOptions, dot, "a drawing for Graphviz instead of a list"),
};

static const CommandHelp help = {
    .synopsis = "inspect graph DIR|config.json|RECIPE.yaml [settings]",
    .examples = "    jikji inspect graph runs/nano/checkpoints/best --forward\n"
                "    jikji inspect graph recipes/models/gpt2-nano.json --tokens 768 --memory\n"
                "    jikji inspect graph recipes/shakespeare.yaml\n"
                "    jikji inspect graph recipes/models/gpt2-nano.json --forward --dot | dot -Tsvg -o graph.svg\n",
    .about = "Nothing is run: calls, shapes, bytes and FLOPs are known when the graph is compiled. Of a recipe the whole step is shown, with\n"
             "its precision and its update.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

static void record(Graph *g, const ModelConfig *config, const GraphOptions *options)
{
    ModelInputs inputs = model_inputs(g, options->tokens, false);
    int bound = graph_bound(g, "n_tokens", options->tokens);
    Node *labels = graph_input(g, "labels", DTYPE_I32, shape_1(options->tokens), bound);
    Node *weights = graph_input(g, "weights", DTYPE_F32, shape_1(options->tokens), bound);
    Node *loss = objective_causal(g, model_hidden(g, config, &inputs), model_head(g, config), labels, weights, model_loss_options(config));
    graph_output(g, "loss", loss);
    if (!options->forward)
        pass_differentiate(g, loss);
}

static void print_plan(const Program *program, const Store *store, Arena *arena)
{
    const ProgramPlan *plan = program_plan(program);
    static const char *const names[N_SEGMENTS] = {"forward", "backward", "update"};
    printf("\n%lld calls; activations %s, inputs %s, state %s\n", (long long)plan->n_calls, format_bytes(arena, (double)plan->slab_bytes),
           format_bytes(arena, (double)plan->input_bytes), format_bytes(arena, (double)store_bytes(store)));
    for (int s = 0; s < N_SEGMENTS; s++) {
        double flops = plan->cost[s].matmul_flops + plan->cost[s].other_flops;
        if (flops > 0)
            printf("%-10s %s FLOPs, %s of them in matrix products\n", names[s], format_count(arena, flops),
                   format_count(arena, plan->cost[s].matmul_flops));
    }
}

static Err show_graph(const ModelConfig *config, const GraphOptions *options, Store *store, Graph *g, Arena *arena)
{
    Program *program;
    model_declare(config, store, &(ModelDeclareOptions){DTYPE_F32, !options->forward});
    record(g, config, options);
    TRY(graph_compile(&program, g, &(CompileOptions){BACKEND_CPU}));
    if (options->dot) {
        printf("%s", graphs_to_dot((const Graph *const[]){g}, 1, arena));
    } else {
        printf("%s", graph_to_text(g, arena));
        if (options->memory)
            printf("\n%s", program_memory_text(program, arena));
        print_plan(program, store, arena);
    }
    program_free(program);
    return OK;
}

static Err show_recipe(const char *path, const GraphOptions *shown, Arena *arena)
{
    Recipe recipe = recipe_default();
    Pretrain *pretrain;
    Trainer *trainer;
    TRY(options_read_yaml(&recipe_table, &recipe, arena, path));
    TRY(recipe_check(&recipe, arena));
    TRY(pretrain_new(&pretrain, &recipe, true));
    TrainerOptions options = plan_trainer_options(&recipe, pretrain_config(pretrain));
    Err err = trainer_new(&trainer, pretrain_store(pretrain), pretrain_task(pretrain), &options);
    if (err == OK) {
        printf("%s", shown->dot ? trainer_to_dot(trainer, arena) : trainer_to_text(trainer, shown->memory, arena));
        trainer_free(trainer);
    }
    pretrain_free(pretrain);
    return err;
}

static bool is_recipe(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static Err show(Arena *arena, int argc, char **argv)
{
    GraphOptions options = {.tokens = 64};
    CommandWords words;
    TRY(command_line_read(&words, &help, &options, arena, argc, argv));
    if (words.helped)
        return OK;
    if (is_recipe(words.word[0]))
        return show_recipe(words.word[0], &options, arena);
    ModelConfig config;
    TRY(model_config_read(&config, arena, model_dir_find(words.word[0], arena)));
    if (config.vocab_size == 0)
        return err_set(ERR_USAGE, "%s: vocab_size is left to the tokenizer; without it there is no graph", words.word[0]);
    Store *store = store_new();
    Graph *g = graph_new(store);
    Err err = show_graph(&config, &options, store, g, arena);
    graph_free(g);
    store_free(store);
    return err;
}

Err inspect_graph(int argc, char **argv)
{
    Arena *arena = arena_new();
    Err err = show(arena, argc, argv);
    arena_free(arena);
    return err;
}
