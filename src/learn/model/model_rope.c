/* model_rope.c - rotary settings in config.json: "rope_theta" with "rope_scaling", and since transformers 5 "rope_parameters", which holds
 * both. A scaling is read with all it needs, or refused by name. */
#include "learn/model/model_internal.h"

#include <math.h>
#include <string.h>

/* Names of RopeScaling in files. */
static const char *const type_names[] = {"default", "linear", "dynamic", "yarn", "llama3"};
enum { N_TYPES = sizeof type_names / sizeof *type_names };

typedef struct {
    const char *name;
    size_t offset;  /* a double, in RopeFile */
} RopeMember;

/* What the object holds beside its type; 0: absent. */
typedef struct {
    double theta, factor, original_len, low, high, beta_fast, beta_slow, attention_factor, mscale, mscale_all_dim, partial;
} RopeFile;

static const RopeMember members[] = {
    {"rope_theta", offsetof(RopeFile, theta)},
    {"factor", offsetof(RopeFile, factor)},
    {"original_max_position_embeddings", offsetof(RopeFile, original_len)},
    {"low_freq_factor", offsetof(RopeFile, low)},
    {"high_freq_factor", offsetof(RopeFile, high)},
    {"beta_fast", offsetof(RopeFile, beta_fast)},
    {"beta_slow", offsetof(RopeFile, beta_slow)},
    {"attention_factor", offsetof(RopeFile, attention_factor)},
    {"mscale", offsetof(RopeFile, mscale)},
    {"mscale_all_dim", offsetof(RopeFile, mscale_all_dim)},
    {"partial_rotary_factor", offsetof(RopeFile, partial)},
};
enum { N_MEMBERS = sizeof members / sizeof *members };

bool rope_is_member(JsonText key)
{
    return json_text_is(key, "rope_theta") || json_text_is(key, "rope_parameters") || json_text_is(key, "rope_scaling") ||
           json_text_is(key, "original_max_position_embeddings");
}

/* ---- reading ---- */

static Err read_type(JsonReader *r, Arena *arena, RotaryOptions *rope)
{
    const char *type;
    TRY(json_string(r, arena, &type, NULL));
    for (int i = 0; i < N_TYPES; i++)
        if (strcmp(type, type_names[i]) == 0) {
            rope->scaling = i;
            return OK;
        }
    return err_set(ERR_UNSUPPORTED, "%s: rope_type \"%s\" is not supported; known: default, linear, dynamic, yarn, llama3", r->name, type);
}

static Err read_rope_member(JsonReader *r, Arena *arena, RotaryOptions *rope, RopeFile *file, JsonText key)
{
    if (json_text_is(key, "rope_type") || json_text_is(key, "type"))
        return read_type(r, arena, rope);
    if (json_peek(r) == JSON_NULL)
        return json_null(r);
    if (json_text_is(key, "truncate")) {
        bool is_rounded;
        TRY(json_bool(r, &is_rounded));
        rope->is_ramp_exact = !is_rounded;
        return OK;
    }
    for (int i = 0; i < N_MEMBERS; i++)
        if (json_text_is(key, members[i].name))
            return json_double(r, (double *)((char *)file + members[i].offset));
    if (json_peek(r) == JSON_OBJECT)
        return err_set(ERR_UNSUPPORTED, "%s: rotary settings of their own for some layers (%.*s) are not supported", r->name, (int)key.n_raw_bytes, key.raw);
    return json_skip(r);
}

/* How much longer rotated vectors get: yarn makes up for the flatter softmax of a longer text. */
static double yarn_mscale(double factor, double mscale)
{
    return factor <= 1.0 ? 1.0 : 0.1 * mscale * log(factor) + 1.0;
}

static void take_yarn(RotaryOptions *rope, const RopeFile *file)
{
    rope->fast = file->beta_fast != 0.0 ? file->beta_fast : 32.0;
    rope->slow = file->beta_slow != 0.0 ? file->beta_slow : 1.0;
    rope->amplitude = file->attention_factor;
    if (rope->amplitude == 0.0 && file->mscale != 0.0 && file->mscale_all_dim != 0.0)
        rope->amplitude = yarn_mscale(rope->factor, file->mscale) / yarn_mscale(rope->factor, file->mscale_all_dim);
}

static Err take_file(const char *name, RotaryOptions *rope, const RopeFile *file)
{
    if (file->partial != 0.0 && file->partial != 1.0)
        return err_set(ERR_UNSUPPORTED, "%s: partial_rotary_factor %g is not supported", name, file->partial);
    if (file->theta != 0.0)
        rope->theta = file->theta;
    rope->factor = file->factor;
    if (file->original_len != 0.0) {
        if (!(file->original_len >= 1.0 && file->original_len <= INT32_MAX))
            return err_set(ERR_FORMAT, "%s: original_max_position_embeddings is %g, not a number of positions", name, file->original_len);
        rope->original_len = (int64_t)file->original_len;
    }
    rope->slow = file->low, rope->fast = file->high;
    if (rope->scaling == ROPE_YARN)
        take_yarn(rope, file);
    return OK;
}

Err rope_read(JsonReader *r, Arena *arena, ModelConfig *config, JsonText member)
{
    if (json_peek(r) == JSON_NULL)
        return json_null(r);
    if (json_text_is(member, "rope_theta"))
        return json_double(r, &config->rope.theta);
    if (json_text_is(member, "original_max_position_embeddings"))
        return json_int(r, &config->rope.original_len);
    RopeFile file = {0};
    TRY(json_object_begin(r));
    JsonText key;
    while (json_object_next(r, &key))
        TRY(read_rope_member(r, arena, &config->rope, &file, key));
    TRY(r->err);
    return take_file(r->name, &config->rope, &file);
}

/* Dynamic scaling begins where max_position_embeddings ends; the others may name another length. */
void rope_derive(ModelConfig *config)
{
    RotaryOptions *rope = &config->rope;
    if (rope->scaling == ROPE_DYNAMIC || rope->original_len == 0)
        rope->original_len = config->seq_len_max;
    if (rope->scaling == ROPE_YARN && rope->factor == 0.0)
        rope->factor = (double)config->seq_len_max / (double)rope->original_len;
    if (rope->scaling == ROPE_YARN && rope->amplitude == 0.0)
        rope->amplitude = yarn_mscale(rope->factor, 1.0);
    rope->seq_len = config->seq_len_max;
}

Err rope_check(const ModelConfig *config)
{
    const RotaryOptions *rope = &config->rope;
    if (config->head_dim % 2 != 0)
        return err_set(ERR_FORMAT, "heads of odd width %lld cannot be rotated", (long long)config->head_dim);
    if (!(rope->theta > 0 && rope->theta < 1e30))
        return err_set(ERR_FORMAT, "rope_theta is %g, must be positive", rope->theta);
    if (rope->scaling == ROPE_PLAIN)
        return OK;
    if (!(rope->factor >= 1.0 && rope->factor <= 1e6))
        return err_set(ERR_FORMAT, "rope_type \"%s\" needs a factor from 1 to 1e6, not %g", type_names[rope->scaling], rope->factor);
    if (rope->original_len < 1 || rope->original_len > INT32_MAX)
        return err_set(ERR_FORMAT, "original_max_position_embeddings is %lld, must be positive", (long long)rope->original_len);
    if (rope->scaling == ROPE_YARN && !(rope->theta > 1.0 && rope->amplitude > 0.0 && rope->amplitude < 1e6))
        return err_set(ERR_FORMAT, "rope_type \"yarn\" with rope_theta %g and attention_factor %g", rope->theta, rope->amplitude);
    if ((rope->scaling == ROPE_YARN || rope->scaling == ROPE_LLAMA3) && !(rope->slow > 0.0 && rope->fast > rope->slow && rope->fast < 1e6))
        return err_set(ERR_FORMAT, "rope_type \"%s\" needs 0 < %s < %s, not %g and %g", type_names[rope->scaling],
                       rope->scaling == ROPE_YARN ? "beta_slow" : "low_freq_factor",
                       rope->scaling == ROPE_YARN ? "beta_fast" : "high_freq_factor", rope->slow, rope->fast);
    return OK;
}

/* ---- writing ---- */

static void write_members(JsonWriter *w, const RotaryOptions *rope)
{
    json_field_double(w, "rope_theta", rope->theta);
    json_field_string(w, "rope_type", type_names[rope->scaling]);
    if (rope->scaling != ROPE_PLAIN)
        json_field_double(w, "factor", rope->factor);
    if (rope->scaling == ROPE_YARN || rope->scaling == ROPE_LLAMA3)
        json_field_int(w, "original_max_position_embeddings", rope->original_len);
    if (rope->scaling == ROPE_YARN) {
        json_field_double(w, "beta_fast", rope->fast);
        json_field_double(w, "beta_slow", rope->slow);
        json_field_double(w, "attention_factor", rope->amplitude);
        json_field_bool(w, "truncate", !rope->is_ramp_exact);
    } else if (rope->scaling == ROPE_LLAMA3) {
        json_field_double(w, "low_freq_factor", rope->slow);
        json_field_double(w, "high_freq_factor", rope->fast);
    }
}

/* The old form and the new one: each version of transformers finds its own. */
void rope_write(JsonWriter *w, const ModelConfig *config)
{
    json_field_double(w, "rope_theta", config->rope.theta);
    const char *const homes[] = {"rope_parameters", "rope_scaling"};
    for (int i = 0; i < (config->rope.scaling == ROPE_PLAIN ? 1 : 2); i++) {
        json_write_key(w, homes[i]);
        json_write_object_begin(w);
        write_members(w, &config->rope);
        json_write_object_end(w);
    }
}
