/* families.c - see families.h. */
#include "families.h"

static const Family families[] = {
    {"gpt2", "\"n_embd\": 18, \"n_layer\": 2, \"n_head\": 3, \"n_positions\": 64, \"attn_pdrop\": 0.1, \"embd_pdrop\": 0.1, \"resid_pdrop\": 0.1"},
    {"llama", "\"hidden_size\": 18, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 1, \"head_dim\": 10,"
              " \"intermediate_size\": 22, \"max_position_embeddings\": 64, \"rope_parameters\": {\"rope_type\": \"llama3\", \"rope_theta\": 50.0,"
              " \"factor\": 4.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 16}"},
    {"mistral", "\"hidden_size\": 18, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 1, \"head_dim\": 10,"
                " \"intermediate_size\": 22, \"max_position_embeddings\": 64, \"sliding_window\": 9, \"attention_dropout\": 0.1"},
    {"qwen2", "\"hidden_size\": 18, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 3, \"intermediate_size\": 22,"
              " \"max_position_embeddings\": 64, \"tie_word_embeddings\": true, \"rope_parameters\": {\"rope_type\": \"yarn\", \"rope_theta\": 50.0,"
              " \"factor\": 4.0, \"original_max_position_embeddings\": 16}"},
    {"qwen3", "\"hidden_size\": 14, \"num_hidden_layers\": 2, \"num_attention_heads\": 5, \"num_key_value_heads\": 1, \"head_dim\": 6,"
              " \"intermediate_size\": 22, \"max_position_embeddings\": 64, \"use_sliding_window\": true, \"sliding_window\": 5,"
              " \"max_window_layers\": 1"},
    {"gemma", "\"hidden_size\": 15, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 1, \"head_dim\": 8,"
              " \"intermediate_size\": 22, \"max_position_embeddings\": 64"},
    {"gemma2", "\"hidden_size\": 15, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 3, \"head_dim\": 8,"
               " \"intermediate_size\": 22, \"max_position_embeddings\": 64, \"sliding_window\": 6, \"attn_logit_softcapping\": 3.0,"
               " \"final_logit_softcapping\": 4.0, \"query_pre_attn_scalar\": 11, \"attention_dropout\": 0.1"},
    {"opt", "\"hidden_size\": 15, \"ffn_dim\": 22, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"max_position_embeddings\": 64,"
            " \"word_embed_proj_dim\": 9, \"do_layer_norm_before\": false, \"dropout\": 0.1"},
    {"bloom", "\"hidden_size\": 18, \"n_layer\": 2, \"n_head\": 3, \"seq_length\": 64, \"hidden_dropout\": 0.1, \"attention_dropout\": 0.1"},
};

int n_families(void)
{
    return sizeof families / sizeof *families;
}

const Family *family_at(int index)
{
    return &families[index];
}

bool family_shop(Shop *shop, const Family *family)
{
    return shop_open(shop) &&
           shop_write(shop, "model.json", arena_printf(shop->arena, "{\"model_type\": \"%s\", %s}", family->name, family->config));
}
