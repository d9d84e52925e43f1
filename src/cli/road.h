/* road.h - the whole road from raw text to a model that writes: its settings, its stages, what they leave behind.
 *
 *     OUT/corpus/    synth.jsonl, unless the text is the user's own          stages/STAGE.json  (road_record.h)
 *     OUT/tokenizer/ tokenizer.json and its companions
 *     OUT/shards/    train.bin|idx|sum, val.bin|idx|sum
 *     OUT/           model.json, recipe.yaml, log.jsonl, checkpoints/: the run, as `jikji train` leaves it
 *     OUT/samples.jsonl
 *
 * The stages are the commands corpus synth, tokenizer train, corpus build, train and generate, each through the same door as its
 * command. A stage is skipped when nothing that it depends on has changed, and training goes on where it was stopped. */
#ifndef CLI_ROAD_H
#define CLI_ROAD_H

#include "base/json.h"
#include "base/options.h"
#include "cli/road_record.h"
#include "learn/train/recipe.h"

typedef enum { ROAD_CORPUS, ROAD_TOKENIZER, ROAD_SHARDS, ROAD_TRAIN, ROAD_GENERATE, N_ROAD_STAGES } RoadStageId;
#define ROAD_STAGE_CHOICES "corpus|tokenizer|shards|train|generate"

typedef struct {
    Recipe recipe;  /* first: its rows keep their offsets. data.* and model.config are filled in by the road */
    const char *recipe_path;
    OptionTexts text;  /* the user's own, instead of synth */
    int text_format;
    const char *text_field;
    struct {
        int64_t bytes, seed;
        OptionTexts languages;
    } synth;
    struct {
        int type;
        int64_t vocab_size;  /* 0: from the size of the text */
        const char *pattern;
    } tokenizer;
    struct {
        int64_t n_layer, d_model, n_head, n_kv_head, d_ff;
    } model;
    struct {
        OptionTexts prompts;
        int64_t max_tokens, seed;
        double temperature, top_p;
    } generate;
    int force, until;  /* force: 0 none, 1 + RoadStageId, or 1 + N_ROAD_STAGES for all */
    bool json;
} RoadSettings;

RoadSettings road_settings_default(void);
/* Every setting: the road's own rows and those of a training recipe that the road does not decide itself. Lives in `arena`. */
OptionTable road_table(Arena *arena);

typedef struct {
    RoadSettings settings;
    Arena *arena;
    const char *out;
    StageRecord record[N_ROAD_STAGES];
    bool kept[N_ROAD_STAGES];  /* not done now, for nothing had changed */
    int n_stages;              /* done or kept so far */
    double seconds;
} Road;

/* "OUT/name". */
const char *road_path(const Road *road, const char *name);
/* Does every stage up to settings.until. ERR_INTERRUPTED leaves everything so that the next call goes on. */
Err road_run(Road *road);

/* The table of stages, the loss curve, samples, and where the files lie: on stdout. */
Err road_print(Road *road);
Err road_print_json(Road *road);

#endif
