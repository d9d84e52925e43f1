/* road_record.h - what a stage of a road was made from, and what it made: OUT/stages/STAGE.json.
 *
 *     {"format":1, "stage":"tokenizer", "done":true,
 *      "settings":{"tokenizer.vocab_size":"4096"}, "inputs":{"corpus/synth.jsonl":"xxh3 9f3c..."},
 *      "outputs":{"tokenizer/tokenizer.json":"xxh3 77ab..."}, "values":{"vocab_size":4096.0}, "seconds":1.25, "result":"4096 tokens"}
 *
 * A stage whose settings, inputs and outputs are still those of its record is not done again. Files are known by the XXH3-64 of their
 * bytes; names are relative to OUT, so a road may be moved. The record is written before a stage begins (done: false) and
 * again at its end: one that was killed is told from one that was never begun. */
#ifndef CLI_ROAD_RECORD_H
#define CLI_ROAD_RECORD_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Names and texts, in order. A zeroed one is empty. */
typedef struct {
    int n, capacity;
    const char **name, **text;
} RecordPairs;

enum { RECORD_VALUES_MAX = 12 };
typedef struct {
    const char *stage;
    bool done;
    RecordPairs settings, inputs, outputs;
    int n_values;
    const char *value_name[RECORD_VALUES_MAX];
    double value[RECORD_VALUES_MAX];
    double seconds;
    const char *result;  /* one line for people */
} StageRecord;

void record_add(RecordPairs *pairs, Arena *arena, const char *name, const char *text);
/* The hash of DIR/name (an absolute name stands for itself) as its text; "absent" when there is none. */
Err record_add_file(RecordPairs *pairs, Arena *arena, const char *dir, const char *name);
void record_set_value(StageRecord *record, const char *name, double value);
double record_value(const StageRecord *record, const char *name);  /* NAN when it has none */
/* The first difference as a sentence ("tokenizer.vocab_size was 4096, is 512"), or NULL. */
const char *record_difference(const RecordPairs *was, const RecordPairs *is, Arena *arena);

/* *exists is false when there is no record, or a damaged one (with a warning): then the stage is simply done again. */
Err record_read(StageRecord *record, bool *exists, Arena *arena, const char *path);
Err record_write(const StageRecord *record, const char *path);

#endif
