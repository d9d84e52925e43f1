/* inspect_params.c - a model's parameters from its config.json alone. */
#include "base/json.h"
#include "base/log.h"
#include "cli/command_line.h"
#include "cli/inspect.h"
#include "cli/model_dir.h"

#include <stdio.h>

typedef struct {
    bool json;
} ParamsOptions;

static const Option rows[] = {
    OPTION_BOOL("json", ParamsOptions, json, "one JSON object instead of the table"),
};

static const CommandHelp help = {
    .synopsis = "inspect params DIR|config.json [--json]",
    .examples = "    jikji inspect params runs/nano/checkpoints/best\n"
                "    jikji inspect params recipes/models/gpt2-124m.json\n",
    .about = "No weights are read. A bucket is the memory that parameters share; the optimizer decays those of \"decay\".\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

static const char *with_commas(Arena *arena, int64_t n)
{
    if (n < 1000)
        return arena_printf(arena, "%lld", (long long)n);
    return arena_printf(arena, "%s,%03lld", with_commas(arena, n / 1000), (long long)(n % 1000));
}

static void print_table(const ModelConfig *config, const Store *store, Arena *arena)
{
    char shape[SHAPE_TEXT_BYTES];
    for (int i = 0; i < store_n_params(store); i++) {
        const Param *p = store_param(store, i);
        printf("%-52s %-16s %14s  %s\n", p->name, shape_to_text(shape, p->shape), with_commas(arena, shape_count(p->shape)),
               store_bucket(store, p->bucket)->name);
    }
    const int64_t n = store_n_param_elements(store);
    printf("%s: %s parameters, %s in f32; %s FLOPs a trained token at %lld tokens of context\n", config->model_type,
           with_commas(arena, n), format_bytes(arena, 4.0 * (double)n),
           format_count(arena, model_train_flops_per_token(config, config->seq_len_max)), (long long)config->seq_len_max);
}

static void print_json(const ModelConfig *config, const Store *store)
{
    JsonWriter *w = json_writer_new(0);
    json_write_object_begin(w);
    json_field_string(w, "model_type", config->model_type);
    json_write_key(w, "params");
    json_write_array_begin(w);
    for (int i = 0; i < store_n_params(store); i++) {
        const Param *p = store_param(store, i);
        json_write_object_begin(w);
        json_field_string(w, "name", p->name);
        json_write_key(w, "shape");
        json_write_array_begin(w);
        for (int d = 0; d < p->shape.n_dims; d++)
            json_write_int(w, p->shape.dim[d]);
        json_write_array_end(w);
        json_field_string(w, "bucket", store_bucket(store, p->bucket)->name);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    json_field_int(w, "n_params", store_n_param_elements(store));
    json_field_double(w, "train_flops_per_token", model_train_flops_per_token(config, config->seq_len_max));
    json_write_object_end(w);
    printf("%s\n", json_writer_text(w, NULL));
    json_writer_free(w);
}

static Err show(Arena *arena, int argc, char **argv)
{
    ParamsOptions options = {0};
    CommandWords words;
    TRY(command_line_read(&words, &help, &options, arena, argc, argv));
    if (words.helped)
        return OK;
    ModelConfig config;
    TRY(model_config_read(&config, arena, model_dir_find(words.word[0], arena)));
    Store *store = store_new();
    model_declare(&config, store, &(ModelDeclareOptions){DTYPE_F32, true});
    if (options.json)
        print_json(&config, store);
    else
        print_table(&config, store, arena);
    store_free(store);
    return OK;
}

Err inspect_params(int argc, char **argv)
{
    Arena *arena = arena_new();
    Err err = show(arena, argc, argv);
    arena_free(arena);
    return err;
}
