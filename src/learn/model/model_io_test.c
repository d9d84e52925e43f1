/* model_io_test.c - what was saved loads to the same bits, and what does not fit says why. */
#include "base/file.h"
#include "base/test.h"
#include "engine/tensor/safetensors.h"
#include "learn/model/model.h"

static const char gpt2_json[] =
    "{\"model_type\": \"gpt2\", \"n_embd\": 12, \"n_layer\": 2, \"n_head\": 3, \"n_positions\": 9, \"vocab_size\": 50, \"eos_token_id\": 3}";

typedef struct {
    Arena *arena;
    const char *dir;
    ModelConfig config;
    Store *store;
} Saved;

static bool open_config(Saved *s, const char *json, DType dtype)
{
    *s = (Saved){.arena = arena_new(), .store = store_new()};
    s->dir = arena_strdup(s->arena, test_dir());
    const char *path = arena_printf(s->arena, "%s/config.json", s->dir);
    if (!CHECK_OK(file_write(path, json, strlen(json))) || !CHECK_OK(model_config_read(&s->config, s->arena, path)))
        return false;
    model_declare(&s->config, s->store, &(ModelDeclareOptions){dtype, false});
    return CHECK_OK(store_allocate(s->store));
}

static void close_saved(Saved *s)
{
    store_free(s->store);
    arena_free(s->arena);
}

static uint64_t hash_params(const Store *store)
{
    uint64_t hash = 0;
    for (int i = 0; i < store_n_params(store); i++) {
        Tensor t = store_param_tensor(store, i, NULL);
        hash = hash * 31 + hash_bytes(t.data, tensor_bytes(&t));
    }
    return hash;
}

TEST(model_io, what_was_saved_loads_to_the_same_bits)
{
    Saved s;
    REQUIRE(open_config(&s, gpt2_json, DTYPE_F32));
    model_init(&s.config, s.store, 11);
    const uint64_t hash = hash_params(s.store);
    REQUIRE_OK(model_save(&s.config, s.store, s.dir));
    model_init(&s.config, s.store, 12);
    CHECK(hash_params(s.store) != hash);
    REQUIRE_OK(model_load(&s.config, s.store, s.dir));
    CHECK(hash_params(s.store) == hash);

    Safetensors *file;
    REQUIRE_OK(safetensors_open(&file, s.dir));
    CHECK(safetensors_has(file, "transformer.h.1.attn.c_attn.weight"));
    CHECK(!safetensors_has(file, "lm_head.weight"));  /* tied: transformers expects it absent */
    CHECK_EQUAL(safetensors_count(file), store_n_params(s.store));
    safetensors_close(file);

    const char *text;
    size_t n_bytes;
    REQUIRE_OK(file_read(&text, &n_bytes, s.arena, arena_printf(s.arena, "%s/generation_config.json", s.dir)));
    CHECK(strstr(text, "\"eos_token_id\": 3"));
    close_saved(&s);
}

TEST(model_io, initial_weights_have_the_spread_of_the_paper_and_depend_on_the_seed_alone)
{
    Saved s;
    REQUIRE(open_config(&s, "{\"model_type\": \"gpt2\", \"n_embd\": 96, \"n_layer\": 8, \"n_head\": 3, \"vocab_size\": 50}", DTYPE_F32));
    model_init(&s.config, s.store, 3);
    const uint64_t hash = hash_params(s.store);
    const struct {
        const char *name;
        double mean, std;
    } wants[] = {
        {"transformer.wpe.weight", 0, 0.02}, {"transformer.h.3.mlp.c_fc.weight", 0, 0.02}, {"transformer.h.7.mlp.c_proj.weight", 0, 0.005},
        {"transformer.h.0.attn.c_proj.weight", 0, 0.005}, {"transformer.ln_f.weight", 1, 0}, {"transformer.h.0.attn.c_attn.bias", 0, 0},
    };
    for (size_t w = 0; w < sizeof wants / sizeof *wants; w++) {
        Tensor t = store_param_tensor(s.store, store_find_param(s.store, wants[w].name), NULL);
        double sum = 0, squares = 0, n = (double)tensor_count(&t);
        for (int64_t i = 0; i < tensor_count(&t); i++) {
            double x = tensor_get(&t, i);
            sum += x;
            squares += (x - wants[w].mean) * (x - wants[w].mean);
        }
        CHECK_CLOSE(sum / n, wants[w].mean, 4 * wants[w].std / sqrt(n));
        CHECK_CLOSE(sqrt(squares / n), wants[w].std, 4 * wants[w].std / sqrt(2 * n));
    }
    model_init(&s.config, s.store, 3);
    CHECK(hash_params(s.store) == hash);
    close_saved(&s);
}

/* Goal: files that were saved without a head, with derived buffers, or with the tied head spelled out load as well.
 * Method: rewrite a saved file under other names. */
static Err rewrite(const Saved *s, const char *drop_prefix, const char *extra, double extra_value)
{
    const int n = store_n_params(s->store);
    SafetensorsEntry *entries = ARENA_ARRAY(s->arena, SafetensorsEntry, n + 1);
    const char **from = ARENA_ARRAY(s->arena, const char *, n + 1);
    size_t n_drop = strlen(drop_prefix);
    for (int i = 0; i < n; i++) {
        const Param *p = store_param(s->store, i);
        from[i] = p->name;
        entries[i] = (SafetensorsEntry){strncmp(p->name, drop_prefix, n_drop) == 0 ? p->name + n_drop : p->name, DTYPE_F32, p->shape};
    }
    Tensor table = store_param_tensor(s->store, 0, NULL);
    entries[n] = (SafetensorsEntry){extra, DTYPE_F32, table.shape};
    SafetensorsWriter *writer;
    TRY(safetensors_writer_open(&writer, arena_printf(s->arena, "%s/model.safetensors", s->dir), entries, extra ? n + 1 : n));
    for (int i = 0; i < n; i++) {
        Tensor t = store_param_tensor(s->store, store_find_param(s->store, from[i]), NULL);
        TRY(safetensors_writer_tensor(writer, &t));
    }
    if (extra) {
        Tensor copy = tensor_contiguous(DTYPE_F32, table.shape, arena_alloc(s->arena, tensor_bytes(&table)));
        memcpy(copy.data, table.data, tensor_bytes(&table));
        tensor_set(&copy, 5, tensor_get(&copy, 5) + extra_value);
        TRY(safetensors_writer_tensor(writer, &copy));
    }
    return safetensors_writer_commit(writer, NULL);
}

TEST(model_io, older_ways_to_save_a_model_load_too)
{
    Saved s;
    REQUIRE(open_config(&s, gpt2_json, DTYPE_F32));
    model_init(&s.config, s.store, 11);
    const uint64_t hash = hash_params(s.store);
    const struct {
        const char *drop_prefix, *extra;
    } ways[] = {{"transformer.", NULL}, {"", "lm_head.weight"}, {"transformer.", "h.0.attn.bias"}, {"", "transformer.h.1.attn.masked_bias"}};
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        REQUIRE_OK(rewrite(&s, ways[w].drop_prefix, ways[w].extra, 0));
        memset(store_param_tensor(s.store, 0, NULL).data, 0, 100);
        REQUIRE_OK(model_load(&s.config, s.store, s.dir));
        CHECK(hash_params(s.store) == hash);
    }
    close_saved(&s);
}

TEST(model_io, what_does_not_fit_is_named)
{
    Saved s;
    REQUIRE(open_config(&s, gpt2_json, DTYPE_F32));
    model_init(&s.config, s.store, 11);
    REQUIRE_OK(rewrite(&s, "", "transformer.h.2.ln_1.weight", 0));
    CHECK(model_load(&s.config, s.store, s.dir) == ERR_FORMAT);
    CHECK(strstr(err_message(), "transformer.h.2.ln_1.weight"));

    REQUIRE_OK(rewrite(&s, "", "lm_head.weight", 0.5));
    CHECK(model_load(&s.config, s.store, s.dir) == ERR_FORMAT);
    CHECK(strstr(err_message(), "tie"));

    REQUIRE_OK(rewrite(&s, "transformer.h.0.ln_1.", NULL, 0));
    CHECK(model_load(&s.config, s.store, s.dir) == ERR_FORMAT);

    REQUIRE_OK(rewrite(&s, "", NULL, 0));
    ModelConfig other = s.config;
    other.seq_len_max = 8;
    Store *store = store_new();
    model_declare(&other, store, &(ModelDeclareOptions){DTYPE_F32, false});
    REQUIRE_OK(store_allocate(store));
    CHECK(model_load(&other, store, s.dir) == ERR_FORMAT);
    CHECK(strstr(err_message(), "transformer.wpe.weight is [9, 12]"));
    store_free(store);

    Tensor gain = store_param_tensor(s.store, store_find_param(s.store, "transformer.h.1.ln_2.weight"), NULL);
    tensor_set(&gain, 7, NAN);
    REQUIRE_OK(rewrite(&s, "", NULL, 0));
    CHECK(model_load(&s.config, s.store, s.dir) == ERR_NUMERIC);
    CHECK(strstr(err_message(), "transformer.h.1.ln_2.weight: element 7"));
    close_saved(&s);
}
