/* road_stages.h - what the stages of a road do; for road_run. */
#ifndef CLI_ROAD_STAGES_H
#define CLI_ROAD_STAGES_H

#include "cli/road.h"
#include "text/corpus/document.h"

typedef struct {
    const char *name;
    bool resumes;  /* can go on from where it was stopped */
    /* Fills record->settings and inputs (hashed) and the names of outputs, for what is to be done now. */
    Err (*describe)(Road *road, StageRecord *record);
    /* Does it. Sets record's values and result. `resume`: with the same settings and inputs it was begun before. */
    Err (*run)(Road *road, StageRecord *record, bool resume);
} RoadStage;

extern const RoadStage road_corpus, road_tokenizer, road_shards, road_train, road_generate;

/* ---- shared by stages ---- */

/* The files that hold the text: synth.jsonl, or what settings.text means. Paths as they are opened. */
Err road_text_files(Road *road, char ***paths, int *n_paths);
/* How they are read. */
DocumentOptions road_document_options(const Road *road);
/* Adds the text's files to the inputs. */
Err road_add_text_inputs(Road *road, StageRecord *record);
/* Values the text decides, where the settings leave them open. */
int64_t road_vocab_size(const Road *road);
/* The training recipe with everything filled in. ERR_USAGE: settings that contradict each other. */
Err road_recipe(Road *road, Recipe *recipe);

#endif
