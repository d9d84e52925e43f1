/* model_config_test.c - what a config.json is taken to say, and what is refused. */
#include "base/file.h"
#include "base/test.h"
#include "learn/model/model.h"

#define GPT2_SMALL "\"model_type\": \"gpt2\", \"n_embd\": 12, \"n_layer\": 2, \"n_head\": 3, \"vocab_size\": 50"
#define LLAMA_SMALL \
    "\"model_type\": \"llama\", \"hidden_size\": 12, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, " \
    "\"intermediate_size\": 20, \"vocab_size\": 50"

#define QWEN3_SMALL \
    "\"model_type\": \"qwen3\", \"hidden_size\": 10, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 1, " \
    "\"head_dim\": 6, \"intermediate_size\": 20, \"vocab_size\": 50"

static Err read_text(ModelConfig *config, Arena *arena, const char *text)
{
    const char *path = arena_printf(arena, "%s/config.json", test_dir());
    TRY(file_write(path, text, strlen(text)));
    return model_config_read(config, arena, path);
}

/* Checks that `members` in a config are refused with `code` and a message that contains `word`. */
static void check_refused(const char *members, Err code, const char *word)
{
    Arena *arena = arena_new();
    ModelConfig config;
    Err err = read_text(&config, arena, arena_printf(arena, "{%s}", members));
    if (!CHECK(err == code) || !CHECK(strstr(err_message(), word)))
        test_note("%s: \"%s\"", members, err == OK ? "accepted" : err_message());
    arena_free(arena);
}

/* Goal: the published GPT-2 and a published Llama are what we think they are. Method: their known parameter counts. */
TEST(model_config, published_models_have_their_published_sizes)
{
    Arena *arena = arena_new();
    ModelConfig config;
    REQUIRE_OK(read_text(&config, arena,
                         "{\"model_type\": \"gpt2\", \"n_embd\": 768, \"n_layer\": 12, \"n_head\": 12, \"n_ctx\": 1024, \"n_positions\": 1024,"
                         " \"vocab_size\": 50257, \"resid_pdrop\": 0.1, \"bos_token_id\": 50256, \"eos_token_id\": 50256}"));
    CHECK_EQUAL(model_n_params(&config), 124439808);
    CHECK_CLOSE(config.dropout_hidden, 0.1, 0);
    CHECK(config.tied);
    CHECK_EQUAL(config.d_ff, 3072);
    /* 6 (12 layers of 12 d^2, and the head) and 6 L T d: about 0.85 GFLOP a token at 1024. */
    CHECK_CLOSE(model_train_flops_per_token(&config, 1024), 6.0 * (12 * 12 * 768.0 * 768 + 50257 * 768.0) + 6.0 * 12 * 1024 * 768, 0);

    REQUIRE_OK(read_text(&config, arena,
                         "{\"model_type\": \"llama\", \"hidden_size\": 2048, \"intermediate_size\": 5632, \"num_hidden_layers\": 22,"
                         " \"num_attention_heads\": 32, \"num_key_value_heads\": 4, \"vocab_size\": 32000,"
                         " \"tie_word_embeddings\": false, \"hidden_act\": \"silu\", \"torch_dtype\": \"bfloat16\"}"));
    CHECK_EQUAL(model_n_params(&config), 1100048384);  /* TinyLlama 1.1B */
    CHECK_EQUAL(config.dtype, DTYPE_BF16);
    arena_free(arena);
}

TEST(model_config, what_is_not_computed_is_refused_by_name)
{
    check_refused("\"model_type\": \"mamba\"", ERR_UNSUPPORTED, "mamba");
    check_refused("\"n_embd\": 12", ERR_FORMAT, "model_type");
    check_refused(GPT2_SMALL ", \"scale_attn_by_inverse_layer_idx\": true", ERR_UNSUPPORTED, "scale_attn_by_inverse_layer_idx");
    check_refused(GPT2_SMALL ", \"scale_attn_weights\": false", ERR_UNSUPPORTED, "scale_attn_weights");
    check_refused(GPT2_SMALL ", \"add_cross_attention\": true", ERR_UNSUPPORTED, "add_cross_attention");
    check_refused(GPT2_SMALL ", \"activation_function\": \"gelu_10\"", ERR_UNSUPPORTED, "\"gelu_10\"");
    check_refused(LLAMA_SMALL ", \"hidden_act\": \"mish\"", ERR_UNSUPPORTED, "mish");
    check_refused(LLAMA_SMALL ", \"rope_scaling\": {\"type\": \"longrope\", \"factor\": 2.0}", ERR_UNSUPPORTED, "longrope");
    check_refused(LLAMA_SMALL ", \"rope_parameters\": {\"full_attention\": {\"rope_type\": \"linear\"}}", ERR_UNSUPPORTED, "full_attention");
    check_refused(QWEN3_SMALL ", \"layer_types\": [\"linear_attention\", \"full_attention\"]", ERR_UNSUPPORTED, "linear_attention");
    check_refused(LLAMA_SMALL ", \"rope_parameters\": {\"rope_type\": \"default\", \"partial_rotary_factor\": 0.5}", ERR_UNSUPPORTED, "partial");
    check_refused(LLAMA_SMALL ", \"quantization_config\": {\"bits\": 4}", ERR_UNSUPPORTED, "quantization_config");
}

TEST(model_config, contradictions_are_format_errors)
{
    check_refused("\"model_type\": \"gpt2\", \"n_embd\": 12, \"n_layer\": 2, \"n_head\": 5", ERR_FORMAT, "do not divide");
    check_refused("\"model_type\": \"gpt2\", \"n_layer\": 2, \"n_head\": 5", ERR_FORMAT, "missing");
    check_refused("\"model_type\": \"gpt2\", \"n_embd\": -12, \"n_layer\": 2, \"n_head\": 2", ERR_FORMAT, "-12");
    check_refused("\"model_type\": \"gpt2\", \"n_embd\": 1e18, \"n_layer\": 2, \"n_head\": 2", ERR_FORMAT, "must be");
    check_refused(GPT2_SMALL ", \"n_head\": 3.5", ERR_FORMAT, "config.json:1");
    check_refused(GPT2_SMALL ", \"resid_pdrop\": 2", ERR_FORMAT, "resid_pdrop");
    check_refused(LLAMA_SMALL ", \"num_key_value_heads\": 2", ERR_FORMAT, "do not divide");
    check_refused(LLAMA_SMALL ", \"head_dim\": 3", ERR_FORMAT, "odd");
    check_refused(LLAMA_SMALL ", \"rope_theta\": 0", ERR_FORMAT, "rope_theta");
    check_refused(LLAMA_SMALL ", \"eos_token_id\": [1,2,3,4,5,6,7,8,9]", ERR_FORMAT, "eos_token_id");
    check_refused(LLAMA_SMALL ", \"rope_scaling\": {\"type\": \"linear\"}", ERR_FORMAT, "factor");
    check_refused(LLAMA_SMALL ", \"rope_parameters\": {\"rope_type\": \"llama3\", \"factor\": 8}", ERR_FORMAT, "low_freq_factor");
    check_refused(LLAMA_SMALL ", \"rope_parameters\": {\"rope_type\": \"yarn\", \"factor\": 8, \"beta_fast\": 0.5}", ERR_FORMAT, "beta_slow");
    check_refused(QWEN3_SMALL ", \"layer_types\": [\"full_attention\"]", ERR_FORMAT, "layer_types lists 1");
    check_refused(QWEN3_SMALL ", \"sliding_window\": -3, \"use_sliding_window\": true", ERR_FORMAT, "sliding_window");
    check_refused(QWEN3_SMALL ", \"max_window_layers\": -1", ERR_FORMAT, "max_window_layers is -1, must be 0");
    check_refused(LLAMA_SMALL ", \"rope_parameters\": 3", ERR_FORMAT, "config.json:1");
    check_refused(GPT2_SMALL ", ", ERR_FORMAT, "config.json:1");
}

/* Goal: a config survives reading and writing, whatever it holds beside what we interpret. Method: read, change, write, read. */
TEST(model_config, writing_keeps_what_it_does_not_interpret)
{
    Arena *arena = arena_new();
    ModelConfig config, again;
    REQUIRE_OK(read_text(&config, arena,
                         "{" LLAMA_SMALL ", \"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 500.0}, \"my note\": [1, {\"a\": 2}],"
                         " \"eos_token_id\": [7, 9], \"pad_token_id\": null, \"attention_dropout\": 0.25, \"torch_dtype\": \"float16\","
                         " \"head_dim\": 6, \"architectures\": [\"LlamaModel\"]}"));
    CHECK_CLOSE(config.rope.theta, 500, 0);
    CHECK_EQUAL(config.n_eos, 2);
    CHECK_EQUAL(config.pad_id, -1);
    CHECK_EQUAL(config.head_dim, 6);
    config.vocab_size = 77;
    const char *text = model_config_to_json(&config, arena);
    CHECK(strstr(text, "\"my note\""));
    CHECK(strstr(text, "\"LlamaForCausalLM\""));
    CHECK(!strstr(text, "LlamaModel\""));
    CHECK(!strstr(text, "torch_dtype"));
    CHECK(strstr(text, "\"attention_dropout\""));
    REQUIRE_OK(read_text(&again, arena, text));
    CHECK_EQUAL(again.vocab_size, 77);
    CHECK_EQUAL(again.n_eos, 2);
    CHECK_EQUAL(again.eos_id[1], 9);
    CHECK_CLOSE(again.rope.theta, 500, 0);
    CHECK_STRING(model_config_to_json(&again, arena), text);
    arena_free(arena);
}

TEST(model_config, a_recipe_may_leave_the_vocabulary_to_the_tokenizer)
{
    Arena *arena = arena_new();
    ModelConfig config;
    REQUIRE_OK(read_text(&config, arena, "{\"model_type\": \"gpt2\", \"n_embd\": 12, \"n_layer\": 2, \"n_head\": 3}"));
    CHECK_EQUAL(config.vocab_size, 0);
    CHECK_EQUAL(config.seq_len_max, 1024);
    arena_free(arena);
}

/* Goal: who has a window is read as transformers reads it. Method: mistral's null and default, qwen's two switches, layer_types over both. */
TEST(model_config, windows_follow_the_familys_rule_or_layer_types)
{
    const struct {
        const char *members;
        int64_t windows[2];
    } cases[] = {
        {LLAMA_SMALL ", \"sliding_window\": 5", {0, 0}},  /* not a member of llama */
        {LLAMA_SMALL ", \"model_type\": \"mistral\", \"num_key_value_heads\": 1", {4096, 4096}},
        {LLAMA_SMALL ", \"model_type\": \"mistral\", \"num_key_value_heads\": 1, \"sliding_window\": null", {0, 0}},
        {QWEN3_SMALL ", \"sliding_window\": 7, \"max_window_layers\": 1", {0, 0}},
        {QWEN3_SMALL ", \"sliding_window\": 7, \"max_window_layers\": 1, \"use_sliding_window\": true", {0, 7}},
        {QWEN3_SMALL ", \"sliding_window\": 7, \"use_sliding_window\": true, \"layer_types\": [\"sliding_attention\", \"full_attention\"]", {7, 0}},
    };
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModelConfig config, again;
        REQUIRE_OK(read_text(&config, arena, arena_printf(arena, "{%s}", cases[i].members)));
        REQUIRE_OK(read_text(&again, arena, model_config_to_json(&config, arena)));
        for (int layer = 0; layer < 2; layer++) {
            CHECK_EQUAL(model_layer_window(&config, layer), cases[i].windows[layer]);
            CHECK_EQUAL(model_layer_window(&again, layer), cases[i].windows[layer]);
        }
    }
    arena_free(arena);
}

/* Goal: a scaled rotary embedding survives reading and writing, from the old form and the new one. */
TEST(model_config, rotary_scaling_is_read_and_written)
{
    const char *const forms[] = {
        "\"rope_theta\": 500.0, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.5}",
        "\"rope_parameters\": {\"rope_type\": \"dynamic\", \"factor\": 2.0, \"rope_theta\": 500.0}",
        "\"rope_parameters\": {\"rope_type\": \"yarn\", \"rope_theta\": 500.0, \"factor\": 4.0, \"original_max_position_embeddings\": 16, \"truncate\": false}",
        "\"rope_theta\": 500.0, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0,"
        " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 16}",
    };
    Arena *arena = arena_new();
    for (int i = 0; i < 4; i++) {
        ModelConfig config, again;
        REQUIRE_OK(read_text(&config, arena, arena_printf(arena, "{%s, %s}", LLAMA_SMALL, forms[i])));
        CHECK_EQUAL(config.rope.scaling, ROPE_LINEAR + i);
        CHECK_CLOSE(config.rope.theta, 500, 0);
        const char *text = model_config_to_json(&config, arena);
        REQUIRE_OK(read_text(&again, arena, text));
        CHECK_STRING(model_config_to_json(&again, arena), text);
        CHECK((model_config_set_context(&config, 2049) == OK) == (i == 1));
    }
    CHECK(model_config_set_context(&(ModelConfig){.seq_len_max = 5}, 0) == ERR_USAGE);
    /* What yarn does to lengths, as transformers has it: 0.1 ln 4 + 1; or the ratio of two such. */
    ModelConfig config;
    REQUIRE_OK(read_text(&config, arena, "{" LLAMA_SMALL ", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4}}"));
    CHECK_CLOSE(config.rope.amplitude, 1.138629436111989, 1e-15);
    REQUIRE_OK(read_text(&config, arena, "{" LLAMA_SMALL ", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, \"mscale\": 0.7, \"mscale_all_dim\": 0.9}}"));
    CHECK_CLOSE(config.rope.amplitude, 0.9753496504321066, 1e-15);
    arena_free(arena);
}
