#include "learn/train/recipe_size.h"

#include "base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_DIM = 64, DEPTH_MAX = 200 };

/* ---- shape ---- */

static void set_shape(RecipeSize *size, int64_t depth, int64_t width)
{
    size->n_layer = depth;
    size->d_model = width;
    size->n_head = width / HEAD_DIM;
    size->d_ff = (8 * width / 3 + HEAD_DIM - 1) / HEAD_DIM * HEAD_DIM;
    size->n_params = depth * (4 * width * width + 3 * width * size->d_ff + 2 * width) + width;  /* attention, SwiGLU, norms */
}

/* Of all depths with widths of 48 to 96 a layer: the nearest count, and of equals the nearest to 64. */
static void find_shape(RecipeSize *size, double wanted)
{
    double best = INFINITY;
    RecipeSize tried = {0};
    for (int64_t depth = 1; depth <= DEPTH_MAX; depth++)
        for (int64_t width = HEAD_DIM; width <= 96 * depth || width == HEAD_DIM; width += HEAD_DIM) {
            if (width < 48 * depth && depth > 1)
                continue;
            set_shape(&tried, depth, width);
            double distance = fabs(log((double)tried.n_params / wanted)) + 1e-3 * fabs(log((double)width / (64.0 * (double)depth)));
            if (distance < best) {
                best = distance;
                *size = tried;
            }
        }
}

/* "d12" is a depth, anything else a number as options write it. */
static Err read_size(RecipeSize *size, const char *text, Arena *arena)
{
    static const Option number = {"size", OPTION_KIND_REAL, 0, 1e5, 1e13, NULL, NULL};
    char *end;
    double wanted = 0;
    if (text[0] == 'd') {
        long depth = strtol(text + 1, &end, 10);
        if (end == text + 1 || *end || depth < 1 || depth > DEPTH_MAX)
            return err_set(ERR_USAGE, "size: %s is no depth, must be d1 .. d%d", text, DEPTH_MAX);
        set_shape(size, depth, 64 * depth);
        return OK;
    }
    TRY(options_set(&(OptionTable){&number, 1}, &wanted, arena, "size", "size", text));
    find_shape(size, wanted);
    return OK;
}

/* ---- what follows from it ---- */

/* Two figures: a rule is no more exact. */
static double rounded(double value)
{
    double unit = pow(10, floor(log10(value)) - 1);
    return round(value / unit) * unit;
}

static int64_t warmup_of(int64_t steps)
{
    return steps / 50 < 2000 ? (steps + 49) / 50 : 2000;
}

/* What follows from the sequences of a step. */
static void follow_batch(RecipeSize *size, int64_t batch_size, int64_t seq_len)
{
    enum { MICRO_TOKENS_MAX = 4096 };
    size->steps = (int64_t)fmax(1, ceil(size->n_tokens / (double)(batch_size * seq_len)));
    size->warmup_steps = warmup_of(size->steps);
    for (size->micro_batch_size = batch_size; size->micro_batch_size > 1; size->micro_batch_size--)
        if (batch_size % size->micro_batch_size == 0 && size->micro_batch_size * seq_len <= MICRO_TOKENS_MAX)
            break;
}

Err recipe_size_derive(RecipeSize *size, const char *text, int64_t seq_len, Arena *arena)
{
    *size = (RecipeSize){0};
    TRY(read_size(size, text, arena));
    size->n_tokens = 20.0 * (double)size->n_params;
    size->compute = 6.0 * (double)size->n_params * size->n_tokens;
    size->batch_tokens = 0.292 * pow(size->compute, 0.3271);
    int64_t n = (int64_t)fmax(1, round(size->batch_tokens / (double)seq_len));
    size->batch_size = n < 8 ? n : (n + 4) / 8 * 8;
    size->lr = rounded(0.3118 * pow(size->compute, -0.125));
    follow_batch(size, size->batch_size, seq_len);
    size->min_lr = rounded(size->lr / 10);
    return OK;
}

Err recipe_size_apply(Recipe *recipe, Arena *arena)
{
    RecipeSize size;
    if (!recipe->size)
        return OK;
    TRY(recipe_size_derive(&size, recipe->size, recipe->data.seq_len, arena));
    recipe->model.config = recipe->model.from = NULL;
    recipe->train.steps = size.steps;
    recipe->train.batch_size = size.batch_size;
    recipe->train.micro_batch_size = size.micro_batch_size;
    recipe->optim.lr = size.lr;
    recipe->schedule.min_lr = size.min_lr;
    recipe->schedule.warmup_steps = size.warmup_steps;
    return OK;
}

Err recipe_size_settle(Recipe *recipe, Arena *arena)
{
    RecipeSize size, other;
    if (!recipe->size)
        return OK;
    TRY(recipe_size_derive(&size, recipe->size, recipe->data.seq_len, arena));
    other = size;
    follow_batch(&other, recipe->train.batch_size, recipe->data.seq_len);
    if (recipe->train.micro_batch_size == size.micro_batch_size)
        recipe->train.micro_batch_size = other.micro_batch_size;
    if (recipe->train.steps == size.steps)
        recipe->train.steps = other.steps;
    if (recipe->schedule.warmup_steps == size.warmup_steps)
        recipe->schedule.warmup_steps = warmup_of(recipe->train.steps);
    if (recipe->schedule.min_lr == size.min_lr && recipe->optim.lr != size.lr)
        recipe->schedule.min_lr = rounded(recipe->optim.lr / 10);
    return OK;
}

const char *recipe_size_config(const RecipeSize *size, int64_t seq_len, Arena *arena)
{
    return arena_printf(arena, "{\"model_type\": \"llama\", \"num_hidden_layers\": %lld, \"hidden_size\": %lld, \"num_attention_heads\": %lld,"
                        " \"num_key_value_heads\": %lld, \"intermediate_size\": %lld, \"max_position_embeddings\": %lld, \"rms_norm_eps\": 1e-05,"
                        " \"rope_theta\": 10000.0, \"hidden_act\": \"silu\", \"initializer_range\": 0.02, \"tie_word_embeddings\": true}",
                        (long long)size->n_layer, (long long)size->d_model, (long long)size->n_head, (long long)size->n_head,
                        (long long)size->d_ff, (long long)seq_len);
}

/* ---- why ---- */

typedef struct {
    const char *what, *derived, *now, *why;  /* now NULL: not a setting of the recipe */
} Reason;

static const char *int_text(Arena *arena, int64_t value)
{
    return arena_printf(arena, "%lld", (long long)value);
}

const char *recipe_size_text(const Recipe *r, Arena *arena)
{
    RecipeSize s;
    if (!r->size || recipe_size_derive(&s, r->size, r->data.seq_len, arena) != OK)
        return "";
    const char *lr = arena_printf(arena, "%g", s.lr), *min_lr = arena_printf(arena, "%g", s.min_lr);
    const Reason reasons[] = {
        {"n_layer", int_text(arena, s.n_layer), NULL, "the depth whose model comes nearest to the size"},
        {"d_model", int_text(arena, s.d_model), NULL, "about 64 a layer, in heads of 64"},
        {"n_head", int_text(arena, s.n_head), NULL, "d_model / 64"},
        {"d_ff", int_text(arena, s.d_ff), NULL, "8/3 d_model, the SwiGLU that costs as much as 4 d_model (Shazeer 2020)"},
        {"parameters", format_count(arena, (double)s.n_params), NULL, "N, of the layers; the embedding table comes on top"},
        {"tokens", format_count(arena, s.n_tokens), NULL, "D = 20 N (Hoffmann et al. 2022)"},
        {"train.batch_size", int_text(arena, s.batch_size), int_text(arena, r->train.batch_size),
         arena_printf(arena, "0.292 C^0.3271 = %s tokens, with C = 6 N D (DeepSeek LLM 2024)", format_count(arena, s.batch_tokens))},
        {"train.micro_batch_size", int_text(arena, s.micro_batch_size), int_text(arena, r->train.micro_batch_size),
         "a divisor of it, 4096 tokens at most: memory, not the result"},
        {"train.steps", int_text(arena, s.steps), int_text(arena, r->train.steps), "D / (batch_size seq_len)"},
        {"optim.lr", lr, arena_printf(arena, "%g", r->optim.lr), "0.3118 C^-0.125 (DeepSeek LLM 2024)"},
        {"schedule.min_lr", min_lr, arena_printf(arena, "%g", r->schedule.min_lr), "a tenth of lr (Hoffmann et al. 2022)"},
        {"schedule.warmup_steps", int_text(arena, s.warmup_steps), int_text(arena, r->schedule.warmup_steps),
         "a fiftieth of the steps, at most 2000 (DeepSeek LLM 2024)"},
    };
    const char *text = arena_printf(arena, "size %s\n", r->size);
    for (int i = 0; i < N_ELEMENTS(reasons); i++) {
        const Reason *why = &reasons[i];
        bool is_other = why->now && strcmp(why->now, why->derived) != 0;
        text = arena_printf(arena, "%s  %-22s %10s   %s%s%s\n", text, why->what, why->derived, why->why, is_other ? "; set otherwise: " : "",
                            is_other ? why->now : "");
    }
    return text;
}
