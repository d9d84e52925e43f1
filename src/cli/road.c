/* road.c - a road's settings, and the walk along its stages. */
#include "cli/road.h"

#include "base/file.h"
#include "base/log.h"
#include "cli/road_stages.h"
#include "text/corpus/batch.h"
#include "text/corpus/document.h"

#include <string.h>

/* ---- settings ---- */

/* Rows of a training recipe that the road fills in by itself. */
static const char *const decided[] = {"data.text", "data.train", "data.val", "data.split", "data.tokenizer", "model.from", "train.steps"};

static const Option rows[] = {
    OPTION_TEXT("recipe", RoadSettings, recipe_path, "a training recipe to start from, instead of the built-in one"),
    OPTION_TEXTS("text", RoadSettings, text, "your own text: files, folders or patterns; none: stories made by corpus synth"),
    OPTION_CHOICE("format", RoadSettings, text_format, DOCUMENT_FORMAT_CHOICES, "of your own text"),
    OPTION_TEXT("field", RoadSettings, text_field, "jsonl: the member, tsv and csv: the column that holds the text"),
    OPTION_INT("synth.bytes", RoadSettings, synth.bytes, 1, 1e15, "text to make"),
    OPTION_INT("synth.seed", RoadSettings, synth.seed, 0, 9e15, "same seed, same text"),
    OPTION_TEXTS("synth.languages", RoadSettings, synth.languages, "ko, en, parallel (the same document in both)"),
    OPTION_CHOICE("tokenizer.type", RoadSettings, tokenizer.type, "byte-bpe|char|byte", "what a token is"),
    OPTION_INT("tokenizer.vocab_size", RoadSettings, tokenizer.vocab_size, 0, 1 << 28, "tokens; 0: 4096, or less where the text is short"),
    OPTION_TEXT("tokenizer.pattern", RoadSettings, tokenizer.pattern, "gpt2|cl100k|o200k|llama3|qwen|none or a regular expression"),
    OPTION_REAL("shards.split", RoadSettings, recipe.data.split, 0.01, 1.0, "share of the text to train on; the rest is for evaluation"),
    OPTION_INT("model.n_layer", RoadSettings, model.n_layer, 1, 1 << 14, "layers of the llama that is trained, unless model.config is set"),
    OPTION_INT("model.d_model", RoadSettings, model.d_model, 1, 1 << 20, "its width"),
    OPTION_INT("model.n_head", RoadSettings, model.n_head, 1, 1 << 14, "its query heads"),
    OPTION_INT("model.n_kv_head", RoadSettings, model.n_kv_head, 1, 1 << 14, "its key-value heads"),
    OPTION_INT("model.d_ff", RoadSettings, model.d_ff, 1, 1 << 24, "width of its feed-forward layers"),
    OPTION_INT("train.steps", RoadSettings, recipe.train.steps, 0, 1e9, "optimizer steps; 0: as many as the built-in road, at most ten passes over the text"),
    OPTION_TEXTS("generate.prompts", RoadSettings, generate.prompts, "texts to continue; none: the beginnings of stories, or of your text"),
    OPTION_INT("generate.max_tokens", RoadSettings, generate.max_tokens, 1, 1e9, "new tokens at most"),
    OPTION_REAL("generate.temperature", RoadSettings, generate.temperature, 0.0, 1e3, "0 takes the most likely token, more is wilder"),
    OPTION_REAL("generate.top_p", RoadSettings, generate.top_p, 0.0, 1.0, "draw among the most likely tokens of this total probability"),
    OPTION_INT("generate.seed", RoadSettings, generate.seed, 0, 9e15, "same seed, same text"),
    OPTION_CHOICE("force", RoadSettings, force, "none|" ROAD_STAGE_CHOICES "|all", "do this stage again although nothing changed"),
    OPTION_CHOICE("until", RoadSettings, until, ROAD_STAGE_CHOICES, "the last stage to do"),
    OPTION_BOOL("json", RoadSettings, json, "one JSON object as the last line of stdout"),
};

static bool is_decided(const char *name)
{
    for (int i = 0; i < N_ELEMENTS(decided); i++)
        if (strcmp(decided[i], name) == 0)
            return true;
    return false;
}

OptionTable road_table(Arena *arena)
{
    Option *all = ARENA_ARRAY(arena, Option, recipe_table.n_rows + N_ELEMENTS(rows));
    int n = 0;
    for (int i = 0; i < recipe_table.n_rows && n < 3; i++)  /* run, out, seed come first */
        all[n++] = recipe_table.rows[i];
    for (int i = 0; i < N_ELEMENTS(rows); i++)
        all[n++] = rows[i];
    for (int i = 3; i < recipe_table.n_rows; i++)
        if (!is_decided(recipe_table.rows[i].name))
            all[n++] = recipe_table.rows[i];
    return (OptionTable){all, n};
}

/* Sizes chosen by measurement: a step takes 0.47 seconds of CPU time on an Ice Lake core at 2.8 GHz, the whole road less than four minutes
 * on two of them. 1.4 million tokens are one pass over the text. */
RoadSettings road_settings_default(void)
{
    RoadSettings s = {
        .recipe = recipe_default(),
        .text_field = "text",
        .synth = {.bytes = 8000000, .seed = 1, .languages = {3, {"ko", "en", "parallel"}}},
        .model = {.n_layer = 4, .d_model = 192, .n_head = 6, .n_kv_head = 2, .d_ff = 512},
        .generate = {.max_tokens = 160, .seed = 1, .temperature = 0.7, .top_p = 0.95},
        .until = ROAD_GENERATE,
    };
    Recipe *r = &s.recipe;
    r->run = "road";
    r->seed = 1;
    r->data.seq_len = 256;
    r->data.split = 0.97;
    r->data.mode = BATCH_WINDOWS;
    r->optim.lr = 3e-3;
    r->schedule.warmup_steps = 40;
    r->schedule.min_lr = 3e-4;
    r->train.steps = 0;
    r->train.batch_size = 8;
    r->train.eval_every = 100;
    r->train.eval_rows = 64;
    r->train.checkpoint_every = 100;
    return s;
}

/* ---- the walk ---- */

static const RoadStage *const stages[N_ROAD_STAGES] = {&road_corpus, &road_tokenizer, &road_shards, &road_train, &road_generate};

const char *road_path(const Road *road, const char *name)
{
    return arena_printf(road->arena, "%s/%s", road->out, name);
}

static Err hash_outputs(const Road *road, const StageRecord *record, RecordPairs *hashed)
{
    for (int i = 0; i < record->outputs.n; i++)
        TRY(record_add_file(hashed, road->arena, road->out, record->outputs.name[i]));
    return OK;
}

/* Why the stage must be done (in words), or NULL when its record still holds. */
static Err find_reason(const Road *road, const StageRecord *was, const StageRecord *now, bool forced, const char **reason)
{
    Arena *arena = road->arena;
    *reason = forced ? "as asked" : record_difference(&was->settings, &now->settings, arena);
    if (!*reason)
        *reason = record_difference(&was->inputs, &now->inputs, arena);
    if (!*reason && !was->done)
        *reason = "it was not finished";
    if (*reason)
        return OK;
    RecordPairs found = {0};
    TRY(hash_outputs(road, now, &found));
    *reason = record_difference(&was->outputs, &found, arena);
    return OK;
}

static Err do_stage(Road *road, const RoadStage *stage, StageRecord *now, const char *record_path, bool resume)
{
    TRY(record_write(now, record_path));
    double start = clock_seconds(), before = now->seconds;
    Err err = stage->run(road, now, resume);
    now->seconds = before + clock_seconds() - start;
    if (err != OK) {
        if (stage->resumes && record_write(now, record_path) != OK)  /* the time it took so far */
            log_warn("%s", err_message());
        return err;
    }
    RecordPairs found = {0};
    TRY(hash_outputs(road, now, &found));
    now->outputs = found;
    now->done = true;
    return record_write(now, record_path);
}

static Err road_stage(Road *road, RoadStageId id)
{
    const RoadStage *stage = stages[id];
    const RoadSettings *s = &road->settings;
    const char *path = road_path(road, arena_printf(road->arena, "stages/%s.json", stage->name)), *reason = NULL;
    StageRecord was, *now = &road->record[id];
    bool exists, forced = s->force == 1 + (int)id || s->force == 1 + N_ROAD_STAGES;
    *now = (StageRecord){.stage = stage->name, .result = ""};
    TRY(stage->describe(road, now));
    TRY(record_read(&was, &exists, road->arena, path));
    if (exists) {
        TRY(find_reason(road, &was, now, forced, &reason));
        if (!reason) {
            *now = was;
            road->kept[id] = true;
            log_info("%s: nothing changed", stage->name);
            return OK;
        }
    }
    bool resume = exists && !forced && stage->resumes && !was.done && !record_difference(&was.settings, &now->settings, road->arena) &&
                  !record_difference(&was.inputs, &now->inputs, road->arena);
    if (resume)
        now->seconds = was.seconds;
    log_info("%s%s%s%s", stage->name, resume ? ", continued" : "", reason ? ": " : "", reason ? reason : "");
    return do_stage(road, stage, now, path, resume);
}

/* A folder with a run that no road made is somebody's: nothing of it is touched. */
static Err check_folder(const Road *road)
{
    if (file_exists(road_path(road, "checkpoints")) && !file_exists(road_path(road, "stages/train.json")))
        return err_set(ERR_USAGE, "%s holds a run that no road made; choose another --out", road->out);
    return OK;
}

Err road_run(Road *road)
{
    double start = clock_seconds();
    TRY(check_folder(road));
    TRY(file_make_dirs(road_path(road, "stages")));
    for (int id = 0; id <= road->settings.until; id++) {
        if (interrupt_requested())
            return err_set(ERR_INTERRUPTED, "interrupted before %s; the same command goes on", stages[id]->name);
        TRY(road_stage(road, (RoadStageId)id));
        road->n_stages = id + 1;
    }
    road->seconds = clock_seconds() - start;
    return OK;
}
