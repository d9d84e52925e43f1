/* run_gradients.c - a report's section on fp16: how many gradients overflowed, fell below the normal numbers, or vanished, layer by layer. */
#include "base/json.h"
#include "study/track/run_report_internal.h"

#include <string.h>

enum { LAYERS_MAX = 512, EXPONENTS_MAX = 64 };

typedef struct {
    double layer, elements, overflow, subnormal, zero;
} Layer;

typedef struct {
    double step, loss_scale, exponent_min;
    Layer layer[LAYERS_MAX];
    int n_layers;
    double counts[EXPONENTS_MAX];
    int n_counts;
} Gradients;

static void read_number(JsonReader *r, double *value)
{
    if (json_peek(r) == JSON_NUMBER)
        json_double(r, value);
    else
        json_skip(r);
}

static void read_layers(Gradients *g, JsonReader *r)
{
    json_array_begin(r);
    while (json_array_next(r)) {
        Layer layer = {0};
        JsonText key;
        json_object_begin(r);
        while (json_object_next(r, &key)) {
            double *const values[] = {&layer.layer, &layer.elements, &layer.overflow, &layer.subnormal, &layer.zero};
            static const char *const names[] = {"layer", "elements", "overflow", "subnormal", "zero"};
            double unknown, *value = &unknown;
            for (int i = 0; i < 5; i++)
                value = json_text_is(key, names[i]) ? values[i] : value;
            read_number(r, value);
        }
        if (g->n_layers < LAYERS_MAX)
            g->layer[g->n_layers++] = layer;
    }
}

static void read_counts(Gradients *g, JsonReader *r)
{
    json_array_begin(r);
    while (json_array_next(r)) {
        double count = 0;
        read_number(r, &count);
        if (g->n_counts < EXPONENTS_MAX)
            g->counts[g->n_counts++] = count;
    }
}

static bool read_gradients(Gradients *g, const char *line)
{
    JsonReader r;
    JsonText key;
    json_reader_init(&r, "log.jsonl", line, strlen(line));
    json_object_begin(&r);
    while (json_object_next(&r, &key)) {
        JsonKind kind = json_peek(&r);
        if (kind == JSON_ARRAY && json_text_is(key, "layers"))
            read_layers(g, &r);
        else if (kind == JSON_ARRAY && json_text_is(key, "exponents"))
            read_counts(g, &r);
        else if (json_text_is(key, "step"))
            read_number(&r, &g->step);
        else if (json_text_is(key, "loss_scale"))
            read_number(&r, &g->loss_scale);
        else if (json_text_is(key, "exponent_min"))
            read_number(&r, &g->exponent_min);
        else
            json_skip(&r);
    }
    return json_reader_end(&r) == OK && g->n_layers > 0 && g->n_counts > 0;
}

static Phrase share(Arena *arena, double part, double whole)
{
    return PHRASE_SAME(whole > 0 ? value_text(arena, VALUE_PERCENT, part / whole) : "0 %");
}

static void put_layers(Page *page, const Gradients *g, Arena *arena)
{
    enum { N_COLUMNS = 5 };
    Phrase columns[N_COLUMNS] = {PHRASE("layer", "층"), PHRASE("gradients", "기울기 수"), PHRASE("overflowed", "넘침"),
                                 PHRASE("below normal numbers", "정규수 아래"), PHRASE("zero", "0")};
    Phrase *cells = ARENA_ARRAY(arena, Phrase, N_COLUMNS * g->n_layers);
    for (int i = 0; i < g->n_layers; i++) {
        const Layer *layer = &g->layer[i];
        Phrase *row = cells + N_COLUMNS * i;
        row[0] = layer->layer < 0 ? PHRASE("in none", "층 밖") : PHRASE_SAME(value_text(arena, VALUE_INTEGER, layer->layer));
        row[1] = PHRASE_SAME(value_text(arena, VALUE_INTEGER, layer->elements));
        row[2] = share(arena, layer->overflow, layer->elements);
        row[3] = share(arena, layer->subnormal, layer->elements);
        row[4] = share(arena, layer->zero, layer->elements);
    }
    page_table(page, &(PageTable){.columns = columns, .n_columns = N_COLUMNS, .cells = cells, .n_rows = g->n_layers, .numbers = true});
}

static void put_exponents(Page *page, const Gradients *g, Arena *arena)
{
    double *edges = ARENA_ARRAY(arena, double, g->n_counts + 1), n = 0;
    for (int i = 0; i < g->n_counts; i++)
        n += g->counts[i];
    if (n == 0)
        return;  /* all overflowed or vanished */
    for (int i = 0; i <= g->n_counts; i++)
        edges[i] = g->exponent_min + i;
    page_histogram(page, &(Histogram){.title = PHRASE("Exponents of gradients", "기울기의 지수"),
                                      .note = PHRASE("fp16 is normal from 2^-14 and ends below 2^16; what overflowed or vanished is in the table.",
                                                     "fp16은 2^-14부터 정규수이고 2^16 아래에서 끝난다; 넘친 것과 0이 된 것은 표에 있다."),
                                      .x_name = PHRASE("power of two", "2의 거듭제곱"), .y_name = PHRASE("gradients", "기울기 수"),
                                      .x_kind = VALUE_INTEGER, .wide = true, .edges = edges, .counts = g->counts, .n_bins = g->n_counts});
}

void run_report_gradients(Page *page, const RunRecord *record, Arena *arena)
{
    Gradients *g = ARENA_NEW(arena, Gradients);
    if (!record->gradients || !read_gradients(g, record->gradients))
        return;
    const char *step = value_text(arena, VALUE_INTEGER, g->step), *scale = value_text(arena, VALUE_NUMBER, g->loss_scale);
    page_section(page, PHRASE("Gradients in fp16", "fp16의 기울기"));
    page_text(page, PHRASE(arena_printf(arena, "Of step %s, times the loss scale of %s: the last step that the log counted.", step, scale),
                           arena_printf(arena, "스텝 %s에서, 손실 배율 %s을 곱한 것: 기록이 센 마지막 스텝.", step, scale)));
    put_layers(page, g, arena);
    put_exponents(page, g, arena);
}
