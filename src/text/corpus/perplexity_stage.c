/* perplexity_stage.c - the stage `perplexity`: tags value and bucket, keeps the wanted buckets. */
#include "text/corpus/perplexity.h"
#include "text/corpus/stage_kinds.h"

typedef struct {
    const char *model;
    int worst;
    double value_max;
} PerplexitySettings;

typedef struct {
    const PerplexitySettings *settings;
    PerplexityModel *model;
} PerplexityStage;

static void perplexity_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    const PerplexityStage *stage = context;
    double value = perplexity_of(stage->model, arena, document->text, document->n_bytes);
    int bucket = perplexity_bucket(stage->model, value);
    static const char *const names[] = {"head", "middle", "tail"};
    result->tags = arena_printf(arena, "\"perplexity\":{\"version\":%d,\"value\":%.6g,\"bucket\":\"%s\"}", PERPLEXITY_VERSION, value, names[bucket]);
    result->drop_value = value;
    if (bucket > stage->settings->worst)
        result->drop_rule = "perplexity.bucket";
    else if (stage->settings->value_max > 0 && value > stage->settings->value_max)
        result->drop_rule = "perplexity.value_max";
}

static const Option rows[] = {
    OPTION_TEXT("model", PerplexitySettings, model, "made by `corpus perplexity train`"),
    OPTION_CHOICE("worst", PerplexitySettings, worst, "head|middle|tail", "the last bucket that stays; tail: all"),
    OPTION_REAL("value_max", PerplexitySettings, value_max, 0.0, 1e12, "documents above it are dropped; 0: none"),
};

static void perplexity_defaults(void *settings)
{
    *(PerplexitySettings *)settings = (PerplexitySettings){.worst = 2};
}

static void perplexity_close_stage(void *context)
{
    perplexity_close(((PerplexityStage *)context)->model);
}

static Err perplexity_open_stage(Stage *stage, const void *settings, Arena *arena)
{
    PerplexityStage *state = ARENA_NEW(arena, PerplexityStage);
    state->settings = settings;
    if (!state->settings->model)
        return err_set(ERR_USAGE, "perplexity: model is missing");
    TRY(perplexity_open(&state->model, state->settings->model));
    stage->work = perplexity_work;
    stage->close = perplexity_close_stage;
    stage->identity = perplexity_identity(state->model);
    stage->context = state;
    return OK;
}

const StageKind perplexity_stage_kind = {
    .name = "perplexity",
    .help = "sort documents by how expected they are to a model of good text; train that model",
    .examples = "    jikji corpus perplexity train wiki.txt --limits-from web.jsonl.zst --out wiki.ppl\n"
                "    jikji corpus perplexity web.jsonl.zst --model wiki.ppl --worst middle --out good.jsonl.zst\n",
    .about = "Buckets head and middle end at the 30th and 60th percentile of the corpus that the model's training was shown (--limits-from); the\n"
             "rest is tail. Drops: perplexity.bucket, perplexity.value_max.\n",
    .version = PERPLEXITY_VERSION,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(PerplexitySettings),
    .defaults = perplexity_defaults,
    .open = perplexity_open_stage,
};
