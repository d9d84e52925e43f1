/* stats_stages.c - what each stage of a build let through, as the build recorded it. */
#include "text/corpus/pipeline.h"
#include "text/corpus/stats_internal.h"

#include <string.h>

static const char *example_of(const PipelineStage *stage, const char *rule)
{
    for (int i = 0; i < stage->n_examples; i++)
        if (strcmp(stage->examples[i].rule, rule) == 0)
            return stage->examples[i].text;
    return NULL;
}

static void take_drops(StatsStage *to, const PipelineStage *from, Arena *arena)
{
    to->drops = ARENA_ARRAY(arena, StatsCount, from->counts.n_drops + 1);
    for (int i = 0; i < from->counts.n_drops; i++) {
        StatsCount drop = {from->counts.drops[i].rule, from->counts.drops[i].n, example_of(from, from->counts.drops[i].rule)};
        int at = to->n_drops++;
        for (; at > 0 && to->drops[at - 1].n < drop.n; at--)
            to->drops[at] = to->drops[at - 1];
        to->drops[at] = drop;
    }
}

Err stats_read_build(Stats *stats, Arena *arena, const char *folder)
{
    PipelineReport *report = ARENA_NEW(arena, PipelineReport);
    const char **names;
    TRY(pipeline_read_report(report, &names, &stats->n_stages, arena, folder));
    stats->stages = ARENA_ARRAY(arena, StatsStage, stats->n_stages + 1);
    for (int i = 0; i < stats->n_stages; i++) {
        const PipelineStage *from = &report->stages[i];
        const StageReport *c = &from->counts;
        StatsStage *to = &stats->stages[i];
        *to = (StatsStage){.name = names[i], .n_in = c->n_in, .n_out = c->n_out, .n_passed_by = c->n_passed_by, .n_changed = c->n_changed,
                           .n_bytes_in = c->n_bytes_in, .n_bytes_out = c->n_bytes_out,
                           .n_tokens_in = pipeline_stage_tokens(from, 0), .n_tokens_out = pipeline_stage_tokens(from, 1)};
        take_drops(to, from, arena);
    }
    return OK;
}

void stats_write_stages(JsonWriter *json, const Stats *s)
{
    json_write_key(json, "stages");
    json_write_array_begin(json);
    for (int i = 0; i < s->n_stages; i++) {
        const StatsStage *stage = &s->stages[i];
        json_write_object_begin(json);
        json_field_string(json, "stage", stage->name);
        json_field_int(json, "documents_in", stage->n_in);
        json_field_int(json, "documents_out", stage->n_out);
        json_field_int(json, "passed_by", stage->n_passed_by);
        json_field_int(json, "changed", stage->n_changed);
        json_field_int(json, "bytes_in", stage->n_bytes_in);
        json_field_int(json, "bytes_out", stage->n_bytes_out);
        json_field_int(json, "tokens_in_estimated", stage->n_tokens_in);
        json_field_int(json, "tokens_out_estimated", stage->n_tokens_out);
        stats_write_counts(json, "drops", stage->drops, stage->n_drops);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

/* The page. */

/* A recipe may name a stage more than once. */
static Phrase numbered(Arena *arena, int i, const char *name)
{
    return PHRASE_SAME(arena_printf(arena, "%d. %s", i + 1, name));
}

static void add_table(Page *page, Arena *arena, const Stats *s)
{
    const Phrase columns[] = {PHRASE("stage", "단계"), PHRASE("documents in", "들어온 문서"), PHRASE("out", "나간 문서"), PHRASE("kept", "남은 비율"),
                              PHRASE("passed by", "지나친 문서"), PHRASE("changed", "고친 문서"), PHRASE("bytes in", "들어온 바이트"), PHRASE("out", "나간 바이트"),
                              PHRASE("tokens in, about", "들어온 토큰, 어림"), PHRASE("out, about", "나간 토큰, 어림")};
    enum { N = N_ELEMENTS(columns) };
    Phrase *cells = ARENA_ARRAY(arena, Phrase, s->n_stages * N);
    for (int i = 0; i < s->n_stages; i++) {
        const StatsStage *stage = &s->stages[i];
        const struct { ValueKind kind; double value; } values[N - 1] = {
            {VALUE_INTEGER, (double)stage->n_in}, {VALUE_INTEGER, (double)stage->n_out},
            {VALUE_PERCENT, stage->n_in ? (double)stage->n_out / (double)stage->n_in : 0}, {VALUE_INTEGER, (double)stage->n_passed_by},
            {VALUE_INTEGER, (double)stage->n_changed}, {VALUE_BYTES, (double)stage->n_bytes_in}, {VALUE_BYTES, (double)stage->n_bytes_out},
            {VALUE_INTEGER, (double)stage->n_tokens_in}, {VALUE_INTEGER, (double)stage->n_tokens_out}};
        cells[N * i] = numbered(arena, i, stage->name);
        for (int k = 1; k < N; k++) {
            bool untold = k >= N - 2 && values[k - 1].value == 0;  /* pages, or no tokenizer */
            cells[N * i + k] = PHRASE_SAME(untold ? "–" : value_text(arena, values[k - 1].kind, values[k - 1].value));
        }
    }
    page_table(page, &(PageTable){.columns = columns, .n_columns = N, .cells = cells, .n_rows = s->n_stages, .numbers = true});
}

static void add_bars(Page *page, Arena *arena, const Stats *s)
{
    Phrase *rows = ARENA_ARRAY(arena, Phrase, s->n_stages + 1), series = {0};
    double *values = ARENA_ARRAY(arena, double, s->n_stages + 1);
    rows[0] = PHRASE("read", "읽음");
    values[0] = (double)s->stages[0].n_in;
    for (int i = 0; i < s->n_stages; i++) {
        rows[i + 1] = numbered(arena, i, s->stages[i].name);
        values[i + 1] = (double)s->stages[i].n_out;
    }
    page_bars(page, &(BarChart){.title = PHRASE("Documents left after each stage", "단계마다 남은 문서"), .kind = VALUE_INTEGER, .rows = rows, .n_rows = s->n_stages + 1,
                                .series = &series, .n_series = 1, .values = values});
}

static void add_reasons(Page *page, Arena *arena, const Stats *s)
{
    const Phrase columns[] = {PHRASE("stage and rule", "단계와 규칙"), PHRASE("documents", "문서"), PHRASE("example", "예")};
    enum { N = N_ELEMENTS(columns) };
    int n_rows = 0;
    for (int i = 0; i < s->n_stages; i++)
        n_rows += s->stages[i].n_drops;
    Phrase *cells = ARENA_ARRAY(arena, Phrase, n_rows * N + 1), *at = cells;
    for (int i = 0; i < s->n_stages; i++)
        for (int k = 0; k < s->stages[i].n_drops; k++) {
            const StatsCount *drop = &s->stages[i].drops[k];
            *at++ = PHRASE_SAME(arena_printf(arena, "%d. %s: %s", i + 1, s->stages[i].name, drop->name));
            *at++ = PHRASE_SAME(value_text(arena, VALUE_INTEGER, (double)drop->n));
            *at++ = PHRASE_SAME(drop->example ? drop->example : "");
        }
    if (n_rows > 0)
        page_table(page, &(PageTable){.title = PHRASE("What stages dropped", "단계가 버린 것"), .columns = columns, .n_columns = N, .cells = cells, .n_rows = n_rows});
}

void stats_add_stages(Page *page, Arena *arena, const Stats *s)
{
    if (s->n_stages == 0)
        return;
    page_section(page, PHRASE("Stages", "단계"));
    add_table(page, arena, s);
    add_bars(page, arena, s);
    add_reasons(page, arena, s);
}
