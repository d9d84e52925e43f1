/* bench_preset.c - models that are measured by name. */
#include "base/options.h"
#include "study/bench/bench_train.h"

#include <string.h>

static const struct {
    const char *name, *json;
    int64_t seq_len, batch_size, micro_batch_size;
} presets[] = {
    {"gpt2-124m",
     "{\"model_type\": \"gpt2\", \"vocab_size\": 50257, \"n_positions\": 1024, \"n_embd\": 768, \"n_layer\": 12, \"n_head\": 12}",
     1024, 4, 1},
    {"llama-110m",
     "{\"model_type\": \"llama\", \"vocab_size\": 32000, \"max_position_embeddings\": 1024, \"hidden_size\": 768, \"num_hidden_layers\": 12,"
     " \"num_attention_heads\": 12, \"num_key_value_heads\": 12, \"intermediate_size\": 2048, \"tie_word_embeddings\": true}",
     1024, 4, 1},
    {"nano",
     "{\"model_type\": \"gpt2\", \"vocab_size\": 65, \"n_positions\": 64, \"n_embd\": 128, \"n_layer\": 4, \"n_head\": 4}",
     64, 64, 64},
    {"mini",
     "{\"model_type\": \"gpt2\", \"vocab_size\": 65, \"n_positions\": 256, \"n_embd\": 384, \"n_layer\": 6, \"n_head\": 6}",
     256, 16, 16},
};

bool bench_preset(ModelConfig *config, BenchTrainOptions *options, Arena *arena, const char *name)
{
    for (int i = 0; i < N_ELEMENTS(presets); i++) {
        if (strcmp(presets[i].name, name) != 0)
            continue;
        options->seq_len = presets[i].seq_len;
        options->batch_size = presets[i].batch_size;
        options->micro_batch_size = presets[i].micro_batch_size;
        return model_config_parse(config, arena, name, presets[i].json, strlen(presets[i].json)) == OK;
    }
    return false;
}
