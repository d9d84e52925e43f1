/* model_config.c - config.json to ModelConfig and back.
 *
 * Members that a family interprets stand in its table; some are common to all. Whatever else the file holds is kept as it is. What
 * would change the computation and is not computed here is refused by name: a model that loads is a model that is right. */
#include "learn/model/model_internal.h"

#include "base/file.h"
#include "base/log.h"
#include "base/options.h"

#include <string.h>

static const ConfigField common_fields[] = {
    {"vocab_size", FIELD_INT, offsetof(ModelConfig, vocab_size), NULL},
    {"initializer_range", FIELD_REAL, offsetof(ModelConfig, init_std), NULL},
    {"tie_word_embeddings", FIELD_BOOL, offsetof(ModelConfig, tied), NULL},
    {"bos_token_id", FIELD_INT, offsetof(ModelConfig, bos_id), NULL},
    {"pad_token_id", FIELD_INT, offsetof(ModelConfig, pad_id), NULL},
};

/* Written anew whatever the source says. */
static const char *const special_members[] = {"model_type", "architectures", "eos_token_id", "dtype", "torch_dtype"};

static const ConfigField *field_find(const ConfigField *fields, int n_fields, JsonText key)
{
    for (int i = 0; i < n_fields; i++)
        if (json_text_is(key, fields[i].name))
            return &fields[i];
    return NULL;
}

static const ConfigField *field_of(const ModelFamily *family, JsonText key)
{
    const ConfigField *field = field_find(common_fields, N_ELEMENTS(common_fields), key);
    return field ? field : field_find(family->fields, family->n_fields, key);
}

/* transformers' names of functions. */
static const struct {
    const char *name;
    Activation activation;
} activations[] = {
    {"gelu_new", ACTIVATION_GELU_TANH}, {"gelu_pytorch_tanh", ACTIVATION_GELU_TANH}, {"gelu", ACTIVATION_GELU_ERF},
    {"relu", ACTIVATION_RELU},          {"silu", ACTIVATION_SILU},                   {"swish", ACTIVATION_SILU},
};

static void set_activation(ModelConfig *config, const char *name, size_t n_bytes)
{
    for (int i = 0; i < N_ELEMENTS(activations); i++)
        if (strlen(activations[i].name) == n_bytes && strncmp(activations[i].name, name, n_bytes) == 0) {
            config->activation = activations[i].activation;
            config->activation_name = activations[i].name;
        }
}

/* "b" is among "a|b|c". */
static bool is_among(const char *text, const char *choices)
{
    size_t n = strlen(text);
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strncmp(at, text, n) == 0 && (at[n] == '|' || at[n] == '\0'))
            return true;
    return false;
}

static Err read_field(JsonReader *r, Arena *arena, ModelConfig *config, const ConfigField *field)
{
    void *place = (char *)config + field->offset;
    if (json_peek(r) == JSON_NULL) {
        if (field->kind == FIELD_INT_OR_NONE)
            *(int64_t *)place = 0;
        if (field->kind == FIELD_REAL_OR_NONE)
            *(double *)place = 0;
        return json_null(r);  /* else as if absent */
    }
    switch (field->kind) {
    case FIELD_INT:
    case FIELD_INT_OR_NONE: return json_int(r, place);
    case FIELD_REAL:
    case FIELD_REAL_OR_NONE: return json_double(r, place);
    case FIELD_BOOL: return json_bool(r, place);
    case FIELD_DROPOUT: {
        double *rate = place;
        TRY(json_double(r, rate));
        return *rate >= 0 && *rate < 1 ? OK : json_fail(r, "%s is %g, must be 0 .. 1, not 1 itself", field->name, *rate);
    }
    case FIELD_NOT_APPLIED: {
        double rate;
        TRY(json_double(r, &rate));
        if (rate != 0)
            log_warn("%s: %s %g is not applied: %s", r->name, field->name, rate, field->accepted);
        return OK;
    }
    case FIELD_ACTIVATION:
    case FIELD_ONE_OF: {
        const char *text;
        TRY(json_string(r, arena, &text, NULL));
        if (is_among(text, field->accepted)) {
            if (field->kind == FIELD_ACTIVATION)
                set_activation(config, text, strlen(text));
            return OK;
        }
        return err_set(ERR_UNSUPPORTED, "%s: %s \"%s\" is not supported; known: %s", r->name, field->name, text, field->accepted);
    }
    case FIELD_MUST_BE: {
        bool value;
        TRY(json_bool(r, &value));
        if (value == (strcmp(field->accepted, "true") == 0))
            return OK;
        return err_set(ERR_UNSUPPORTED, "%s: %s: %s is not supported", r->name, field->name, value ? "true" : "false");
    }
    }
    return OK;
}

static Err read_eos(JsonReader *r, ModelConfig *config)
{
    config->n_eos = 0;
    if (json_peek(r) == JSON_NULL)
        return json_null(r);
    if (json_peek(r) != JSON_ARRAY) {
        config->n_eos = 1;
        return json_int(r, &config->eos_id[0]);
    }
    TRY(json_array_begin(r));
    while (json_array_next(r)) {
        if (config->n_eos == MODEL_EOS_MAX)
            return json_fail(r, "eos_token_id lists more than %d ids", MODEL_EOS_MAX);
        TRY(json_int(r, &config->eos_id[config->n_eos++]));
    }
    return r->err;
}

/* "sliding_attention" or "full_attention" for each layer. */
static Err read_layer_types(JsonReader *r, Arena *arena, ModelConfig *config)
{
    enum { LAYERS_MAX = 1 << 14 };
    if (json_peek(r) == JSON_NULL)
        return json_null(r);
    bool *slides = ARENA_ARRAY(arena, bool, LAYERS_MAX);
    TRY(json_array_begin(r));
    config->n_layer_types = 0;
    while (json_array_next(r)) {
        const char *type;
        TRY(json_string(r, arena, &type, NULL));
        if (config->n_layer_types == LAYERS_MAX)
            return json_fail(r, "layer_types lists more than %d layers", LAYERS_MAX);
        if (!is_among(type, "sliding_attention|full_attention"))
            return err_set(ERR_UNSUPPORTED, "%s: layer type \"%s\" is not supported; known: full_attention, sliding_attention", r->name, type);
        slides[config->n_layer_types++] = strcmp(type, "sliding_attention") == 0;
    }
    config->layer_slides = slides;
    return r->err;
}

static Err read_dtype(JsonReader *r, Arena *arena, ModelConfig *config)
{
    if (json_peek(r) != JSON_STRING)
        return json_skip(r);
    const char *name;
    TRY(json_string(r, arena, &name, NULL));
    config->dtype = strcmp(name, "bfloat16") == 0 ? DTYPE_BF16 : strcmp(name, "float64") == 0 ? DTYPE_F64 : DTYPE_F32;
    return OK;
}

static bool is_member(JsonText key, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (json_text_is(key, names[i]))
            return true;
    return false;
}

static Err read_member(JsonReader *r, Arena *arena, ModelConfig *config, JsonText key)
{
    const ConfigField *field = field_of(config->family, key);
    if (field)
        return read_field(r, arena, config, field);
    if (json_text_is(key, "eos_token_id"))
        return read_eos(r, config);
    if (json_text_is(key, "dtype") || json_text_is(key, "torch_dtype"))
        return read_dtype(r, arena, config);
    if (config->family->has_rope && rope_is_member(key))
        return rope_read(r, arena, config, key);
    if (config->family->has_layer_types && json_text_is(key, "layer_types"))
        return read_layer_types(r, arena, config);
    if (json_text_is(key, "quantization_config") && json_peek(r) != JSON_NULL)
        return err_set(ERR_UNSUPPORTED, "%s: quantization_config is not supported", r->name);
    return json_skip(r);
}

/* The family comes first: what the other members mean depends on it. */
static Err read_family(ModelConfig *config, Arena *arena, const char *path, const char *bytes, size_t n_bytes)
{
    JsonReader r;
    JsonText key;
    const char *model_type = NULL;
    json_reader_init(&r, path, bytes, n_bytes);
    TRY(json_object_begin(&r));
    while (json_object_next(&r, &key))
        if (json_text_is(key, "model_type"))
            TRY(json_string(&r, arena, &model_type, NULL));
        else
            TRY(json_skip(&r));
    TRY(json_reader_end(&r));
    if (!model_type)
        return err_set(ERR_FORMAT, "%s: model_type is missing", path);
    const char *known;
    config->family = model_family_find(model_type, &known);
    if (!config->family)
        return err_set(ERR_UNSUPPORTED, "%s: model_type \"%s\" is not supported; known: %s", path, model_type, known);
    config->model_type = config->family->model_type;
    return OK;
}

Err model_config_parse(ModelConfig *config, Arena *arena, const char *path, const char *bytes, size_t n_bytes)
{
    *config = (ModelConfig){.bos_id = -1, .pad_id = -1, .init_std = 0.02, .dtype = DTYPE_F32, .source_json = bytes};
    TRY(read_family(config, arena, path, bytes, n_bytes));
    config->family->defaults(config);
    for (int i = 0; i < config->family->n_fields; i++) {
        const ConfigField *field = &config->family->fields[i];
        if (field->kind == FIELD_ACTIVATION)
            set_activation(config, field->accepted, strcspn(field->accepted, "|"));
    }
    JsonReader r;
    JsonText key;
    json_reader_init(&r, path, bytes, n_bytes);
    TRY(json_object_begin(&r));
    while (json_object_next(&r, &key))
        TRY(read_member(&r, arena, config, key));
    TRY(json_reader_end(&r));
    config->family->derive(config);
    if (config->family->has_rope)
        rope_derive(config);

    Err err = model_config_check(config);
    return err == OK ? OK : err_prefix(err, "%s", path);
}

Err model_config_read(ModelConfig *config, Arena *arena, const char *path)
{
    if (file_is_dir(path))
        path = arena_printf(arena, "%s/config.json", path);
    const char *bytes;
    size_t n_bytes;
    TRY(file_read(&bytes, &n_bytes, arena, path));
    return model_config_parse(config, arena, path, bytes, n_bytes);
}

/* ---- checks ---- */

/* Bounds keep every product of sizes far from overflow and are beyond any model there is. */
static Err check_size(const char *name, int64_t value, int64_t min, int64_t max)
{
    if (value == 0 && min > 0)
        return err_set(ERR_FORMAT, "%s is missing or 0", name);
    if (value < min || value > max)
        return err_set(ERR_FORMAT, "%s is %lld, must be %lld .. %lld", name, (long long)value, (long long)min, (long long)max);
    return OK;
}

/* Ids past the table are let through: files exist whose pad id is one, and an id that cannot come up does no harm. */
static Err check_id(const char *name, int64_t id)
{
    if (id < -1 || id > INT32_MAX)
        return err_set(ERR_FORMAT, "%s is %lld, not a token id", name, (long long)id);
    return OK;
}

Err model_config_check(const ModelConfig *config)
{
    TRY(check_size("vocab_size", config->vocab_size, 0, INT32_MAX));
    TRY(check_size("the model's width", config->d_model, 1, 1 << 20));
    TRY(check_size("the number of layers", config->n_layer, 1, 1 << 14));
    TRY(check_size("the number of heads", config->n_head, 1, 1 << 14));
    TRY(check_size("the number of key-value heads", config->n_kv_head, 1, 1 << 14));
    TRY(check_size("the width of a head", config->head_dim, 1, 1 << 14));
    TRY(check_size("the width of the feed-forward layer", config->d_ff, 1, 1 << 24));
    TRY(check_size("the number of positions", config->seq_len_max, 1, INT32_MAX));
    if (config->d_model % config->n_head != 0 && !(config->family->llama.any_width))
        return err_set(ERR_FORMAT, "%lld heads do not divide the model's width %lld", (long long)config->n_head, (long long)config->d_model);
    if (config->n_head % config->n_kv_head != 0)
        return err_set(ERR_FORMAT, "%lld key-value heads do not divide %lld heads", (long long)config->n_kv_head, (long long)config->n_head);
    if (config->family->has_rope)
        TRY(rope_check(config));
    TRY(check_size("query_pre_attn_scalar", config->query_scale, 0, 1 << 20));
    TRY(check_size("word_embed_proj_dim", config->d_embedding, 0, 1 << 20));
    if (!(config->softcap_scores >= 0 && config->softcap_scores < 1e9) || !(config->softcap_logits >= 0 && config->softcap_logits < 1e9))
        return err_set(ERR_FORMAT, "soft-caps of %g and %g: must be positive or null", config->softcap_scores, config->softcap_logits);
    TRY(check_size("max_window_layers", config->max_window_layers, 0, 1 << 20));
    TRY(check_size("sliding_window", config->window, 0, INT32_MAX));
    if (config->layer_slides && config->n_layer_types != config->n_layer)
        return err_set(ERR_FORMAT, "layer_types lists %lld layers, the model has %lld", (long long)config->n_layer_types, (long long)config->n_layer);
    if (!(config->norm_eps >= 0 && config->norm_eps < 1))
        return err_set(ERR_FORMAT, "the norm's epsilon is %g, must be 0 .. 1", config->norm_eps);
    if (!(config->init_std >= 0 && config->init_std <= 1))
        return err_set(ERR_FORMAT, "initializer_range is %g, must be 0 .. 1", config->init_std);
    TRY(check_id("bos_token_id", config->bos_id));
    TRY(check_id("pad_token_id", config->pad_id));
    for (int i = 0; i < config->n_eos; i++)
        TRY(check_id("eos_token_id", config->eos_id[i]));
    return OK;
}

/* ---- writing ---- */

static const char *const torch_dtype_names[DTYPE_COUNT] =
    {[DTYPE_F32] = "float32", [DTYPE_BF16] = "bfloat16", [DTYPE_F16] = "float16", [DTYPE_F64] = "float64"};

static void write_field(JsonWriter *w, const ModelConfig *config, const ConfigField *field)
{
    const void *place = (const char *)config + field->offset;
    const char *bar;
    switch (field->kind) {
    case FIELD_INT:
    case FIELD_INT_OR_NONE:
        json_write_key(w, field->name);
        if (*(const int64_t *)place < (field->kind == FIELD_INT_OR_NONE))
            json_write_null(w);
        else
            json_write_int(w, *(const int64_t *)place);
        break;
    case FIELD_REAL: json_field_double(w, field->name, *(const double *)place); break;
    case FIELD_REAL_OR_NONE:
        json_write_key(w, field->name);
        if (*(const double *)place == 0)
            json_write_null(w);
        else
            json_write_double(w, *(const double *)place);
        break;
    case FIELD_BOOL: json_field_bool(w, field->name, *(const bool *)place); break;
    case FIELD_ONE_OF:
        bar = strchr(field->accepted, '|');
        json_write_key(w, field->name);
        json_write_string_bytes(w, field->accepted, bar ? (size_t)(bar - field->accepted) : strlen(field->accepted));
        break;
    case FIELD_ACTIVATION: json_field_string(w, field->name, config->activation_name); break;
    case FIELD_MUST_BE: json_field_bool(w, field->name, strcmp(field->accepted, "true") == 0); break;
    case FIELD_DROPOUT:
    case FIELD_NOT_APPLIED: break;  /* kept from the source */
    }
}

void model_write_eos(JsonWriter *w, const ModelConfig *config)
{
    json_write_key(w, "eos_token_id");
    if (config->n_eos == 0)
        json_write_null(w);
    if (config->n_eos > 1)
        json_write_array_begin(w);
    for (int i = 0; i < config->n_eos; i++)
        json_write_int(w, config->eos_id[i]);
    if (config->n_eos > 1)
        json_write_array_end(w);
}

static bool is_rewritten(const ModelConfig *config, JsonText key)
{
    const ConfigField *field = field_of(config->family, key);
    if (field)
        return field->kind != FIELD_DROPOUT && field->kind != FIELD_NOT_APPLIED;
    return is_member(key, special_members, N_ELEMENTS(special_members)) ||
           (config->family->has_rope && rope_is_member(key));
}

/* The source was read once without error, so reading it again cannot fail. */
static void write_kept(JsonWriter *w, const ModelConfig *config, Arena *arena)
{
    JsonReader r;
    JsonText key;
    const char *raw;
    size_t n_raw;
    json_reader_init(&r, "config.json", config->source_json, strlen(config->source_json));
    if (json_object_begin(&r) != OK)
        return;
    while (json_object_next(&r, &key)) {
        if (json_raw(&r, &raw, &n_raw) != OK)
            return;
        if (is_rewritten(config, key))
            continue;
        json_write_key(w, json_text_value(key, arena, NULL));
        json_write_raw(w, raw, n_raw);
    }
}

const char *model_config_to_json(const ModelConfig *config, Arena *arena)
{
    const ModelFamily *family = config->family;
    JsonWriter *w = json_writer_new(2);
    json_write_object_begin(w);
    json_write_key(w, "architectures");
    json_write_array_begin(w);
    json_write_string(w, family->architecture);
    json_write_array_end(w);
    json_field_string(w, "model_type", family->model_type);
    for (int i = 0; i < family->n_fields; i++)
        write_field(w, config, &family->fields[i]);
    for (int i = 0; i < N_ELEMENTS(common_fields); i++)
        write_field(w, config, &common_fields[i]);
    model_write_eos(w, config);
    if (family->has_rope)
        rope_write(w, config);
    json_field_string(w, "dtype", torch_dtype_names[config->dtype]);
    if (config->source_json)
        write_kept(w, config, arena);
    json_write_object_end(w);
    const char *text = arena_printf(arena, "%s\n", json_writer_text(w, NULL));
    json_writer_free(w);
    return text;
}
