/* road_report.c - what a road came to: a table, the loss curve, samples, where the files lie; or one JSON object. */
#include "cli/road.h"

#include "base/file.h"
#include "base/log.h"
#include "cli/curve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *prompt, *text;
} Sample;

typedef struct {
    int n;
    Sample sample[OPTION_LIST_MAX];
} Samples;

static Err read_samples(const Road *road, Samples *samples)
{
    const char *path = road_path(road, "samples.jsonl"), *bytes;
    size_t n_bytes;
    *samples = (Samples){0};
    if (road->n_stages <= ROAD_GENERATE)
        return OK;
    TRY(file_read(&bytes, &n_bytes, road->arena, path));
    for (const char *at = bytes, *end; samples->n < OPTION_LIST_MAX && (end = strchr(at, '\n')); at = end + 1) {
        Sample *sample = &samples->sample[samples->n++];
        JsonReader r;
        JsonText key;
        json_reader_init(&r, path, at, (size_t)(end - at));
        TRY(json_object_begin(&r));
        while (json_object_next(&r, &key)) {
            if (json_text_is(key, "prompt"))
                TRY(json_string(&r, road->arena, &sample->prompt, NULL));
            else if (json_text_is(key, "text"))
                TRY(json_string(&r, road->arena, &sample->text, NULL));
            else
                TRY(json_skip(&r));
        }
        TRY(json_reader_end(&r));
    }
    return OK;
}

/* ---- for people ---- */

static void print_stages(const Road *road)
{
    double seconds = 0;
    printf("\n%-12s%10s   %s\n", "stage", "seconds", "result");
    for (int i = 0; i < road->n_stages; i++) {
        const StageRecord *r = &road->record[i];
        printf("%-12s%10.1f   %s%s\n", r->stage, r->seconds, r->result, road->kept[i] ? "  (kept)" : "");
        seconds += r->seconds;
    }
    printf("%-12s%10.1f   %.1f of them now\n", "all", seconds, road->seconds);
}

static Err print_curve(const Road *road)
{
    CurveSeries series[2];
    if (road->n_stages <= ROAD_TRAIN)
        return OK;
    TRY(curve_read_log(series, road->arena, road_path(road, "log.jsonl")));
    CurveOptions options = {.n_columns = curve_terminal_columns(), .n_rows = 16, .ascii = !curve_terminal_is_utf8(),
                            .title = "loss, nats a token", .x_name = "step"};
    printf("\n%s", curve_draw(series, 2, &options, road->arena));
    return OK;
}

static void print_samples(const Samples *samples)
{
    for (int i = 0; i < samples->n; i++)
        printf("\n> %s%s\n", samples->sample[i].prompt, samples->sample[i].text);
}

static void print_places(const Road *road)
{
    static const struct {
        int stage;
        const char *name, *what;
    } places[] = {
        {ROAD_CORPUS, "corpus/synth.jsonl", "text"},
        {ROAD_TOKENIZER, "tokenizer", "tokenizer"},
        {ROAD_SHARDS, "shards", "tokens"},
        {ROAD_TRAIN, "checkpoints/best", "model"},
        {ROAD_TRAIN, "log.jsonl", "log"},
        {ROAD_TRAIN, "recipe.yaml", "recipe"},
        {ROAD_GENERATE, "samples.jsonl", "samples"},
    };
    printf("\n");
    for (int i = 0; i < N_ELEMENTS(places); i++)
        if (places[i].stage < road->n_stages && file_exists(road_path(road, places[i].name)))
            printf("%-12s%s\n", places[i].what, road_path(road, places[i].name));
    if (road->n_stages > ROAD_TRAIN)
        printf("\njikji generate %s --prompt TEXT    goes on writing\n", road->out);
}

Err road_print(Road *road)
{
    Samples samples;
    TRY(read_samples(road, &samples));
    print_stages(road);
    TRY(print_curve(road));
    print_samples(&samples);
    print_places(road);
    return OK;
}

/* ---- for programs ---- */

static void write_stage(JsonWriter *json, const Road *road, int id)
{
    const StageRecord *r = &road->record[id];
    json_write_object_begin(json);
    json_field_string(json, "stage", r->stage);
    json_field_bool(json, "kept", road->kept[id]);
    json_field_double(json, "seconds", r->seconds);
    for (int i = 0; i < r->n_values; i++)
        json_field_double(json, r->value_name[i], r->value[i]);
    json_write_object_end(json);
}

Err road_print_json(Road *road)
{
    Samples samples;
    TRY(read_samples(road, &samples));
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "out", road->out);
    json_field_double(json, "seconds", road->seconds);
    json_write_key(json, "stages");
    json_write_array_begin(json);
    for (int i = 0; i < road->n_stages; i++)
        write_stage(json, road, i);
    json_write_array_end(json);
    json_write_key(json, "samples");
    json_write_array_begin(json);
    for (int i = 0; i < samples.n; i++) {
        json_write_object_begin(json);
        json_field_string(json, "prompt", samples.sample[i].prompt);
        json_field_string(json, "text", samples.sample[i].text);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
    return OK;
}
