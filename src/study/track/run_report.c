#include "study/track/run_report.h"

#include "base/log.h"
#include "base/page.h"
#include "study/track/run_report_internal.h"

#include <math.h>
#include <string.h>

static const Phrase step_name = PHRASE("step", "스텝");

/* ---- at a glance ---- */

static double last_value(const RunSeries *series)
{
    return series->n ? series->value[series->n - 1] : NAN;
}

static double outcome_or(const RunRecord *record, const char *name, double other)
{
    double value = run_number(&record->outcome, name);
    return isfinite(value) ? value : other;
}

static const char *forecast_text(Arena *arena, const RunRecord *record, const char *name, ValueKind kind, bool korean)
{
    double value = run_number(&record->forecast, name);
    return isfinite(value) ? arena_printf(arena, korean ? "예측 %s" : "forecast %s", value_text(arena, kind, value)) : NULL;
}

static Phrase forecast_phrase(Arena *arena, const RunRecord *record, const char *name, ValueKind kind)
{
    return PHRASE(forecast_text(arena, record, name, kind, false), forecast_text(arena, record, name, kind, true));
}

static Phrase share_phrase(Arena *arena, double share)
{
    if (!isfinite(share))
        return (Phrase){0};
    return PHRASE(arena_printf(arena, "%.0f %% of the rate of matrix products alone", 100 * share),
                  arena_printf(arena, "행렬 곱만 할 때 속도의 %.0f %%", 100 * share));
}

static void put_glance(Page *page, const RunRecord *record, Arena *arena)
{
    double val_loss = last_value(&record->series[RUN_VAL_LOSS]);
    double loss = isfinite(val_loss) ? val_loss : last_value(&record->series[RUN_LOSS]);
    PageFigure figures[] = {
        {isfinite(val_loss) ? PHRASE("validation loss", "검증 손실") : PHRASE("training loss", "학습 손실"), arena_printf(arena, "%.4f", loss),
         PHRASE("nats per token", "토큰당 nat")},
        {PHRASE("perplexity", "퍼플렉시티"), value_text(arena, VALUE_NUMBER, exp(loss)), {0}},
        {PHRASE("bits per byte", "바이트당 비트"), value_text(arena, VALUE_NUMBER, last_value(&record->series[RUN_BITS_PER_BYTE])), {0}},
        {PHRASE("tokens", "토큰"), value_text(arena, VALUE_NUMBER, last_value(&record->series[RUN_TOKENS])),
         forecast_phrase(arena, record, "tokens", VALUE_NUMBER)},
        {PHRASE("tokens per second", "초당 토큰"), value_text(arena, VALUE_NUMBER, run_number(&record->outcome, "tokens_per_second")),
         share_phrase(arena, run_number(&record->outcome, "share_of_peak"))},
        {PHRASE("time", "시간"), value_text(arena, VALUE_SECONDS, run_number(&record->outcome, "seconds")),
         forecast_phrase(arena, record, "seconds", VALUE_SECONDS)},
        {PHRASE("memory", "메모리"), value_text(arena, VALUE_BYTES, run_number(&record->outcome, "peak_bytes")),
         forecast_phrase(arena, record, "peak_bytes_forecast", VALUE_BYTES)},
        {PHRASE("incidents", "사건"), value_text(arena, VALUE_INTEGER, (double)record->n_incidents), {0}},
    };
    page_section(page, PHRASE("At a glance", "한눈에"));
    page_figures(page, figures, (int)(sizeof figures / sizeof figures[0]));
}

/* ---- curves ---- */

/* An exponential mean with a memory of a fiftieth of the run: enough to see a course through the noise of single batches. */
static RunSeries smoothed(const RunSeries *series, Arena *arena)
{
    RunSeries mean = {.n = series->n, .step = series->step, .value = ARENA_ARRAY(arena, double, series->n)};
    double memory = fmax(1.0, (double)series->n / 50.0), sum = 0, weight = 0;
    for (int64_t i = 0; i < series->n; i++) {
        sum += (series->value[i] - sum) / memory;
        weight += (1 - weight) / memory;  /* what the start at 0 left out */
        mean.value[i] = sum / weight;
    }
    return mean;
}

static RunSeries tokens_per_second(const RunRecord *record, Arena *arena)
{
    const RunSeries *tokens = &record->series[RUN_TOKENS], *seconds = &record->series[RUN_SECONDS];
    RunSeries speed = {.step = ARENA_ARRAY(arena, double, tokens->n), .value = ARENA_ARRAY(arena, double, tokens->n)};
    for (int64_t i = 0; i < tokens->n && i < seconds->n; i++) {
        if (tokens->step[i] <= 0 || seconds->value[i] <= 0)
            continue;
        speed.step[speed.n] = tokens->step[i];
        speed.value[speed.n++] = tokens->value[i] / tokens->step[i] / seconds->value[i];  /* every step has as many */
    }
    return speed;
}

static ChartSeries chart_series(const RunSeries *series, Phrase name, SeriesMark mark, bool faint)
{
    return (ChartSeries){.name = name, .mark = mark, .faint = faint, .x = series->step, .y = series->value, .n = series->n};
}

static ChartEvent *incident_events(const RunRecord *record, Arena *arena)
{
    ChartEvent *events = ARENA_ARRAY(arena, ChartEvent, record->n_incidents);
    for (int64_t i = 0; i < record->n_incidents; i++)
        events[i] = (ChartEvent){(double)record->incidents[i].step,
                                 PHRASE_SAME(arena_printf(arena, "%lld: %s", (long long)record->incidents[i].step, record->incidents[i].event))};
    return events;
}

static void put_loss(Page *page, const RunRecord *record, Arena *arena)
{
    const RunSeries *loss = &record->series[RUN_LOSS], *val_loss = &record->series[RUN_VAL_LOSS];
    RunSeries mean = smoothed(loss, arena);
    ChartSeries series[3] = {chart_series(&mean, PHRASE("training, smoothed", "학습, 평활"), SERIES_LINE, false),
                             chart_series(val_loss, PHRASE("validation", "검증"), SERIES_LINE_DOTS, false),
                             chart_series(loss, PHRASE("training, each step logged", "학습, 기록된 스텝마다"), SERIES_LINE, true)};
    int n_events = record->n_incidents < 64 ? (int)record->n_incidents : 64;
    page_lines(page, &(LineChart){.title = PHRASE("Loss", "손실"), .x_name = step_name, .y_name = PHRASE("nats per token", "토큰당 nat"),
                                  .x_kind = VALUE_INTEGER, .wide = true, .series = series, .n_series = 3,
                                  .events = incident_events(record, arena), .n_events = n_events});
}

static void put_curve(Page *page, const RunSeries *series, Phrase title, Phrase unit, bool from_zero, bool log)
{
    enum { DOTS_MAX = 40 };  /* few values are seen as what they are, one value is seen at all */
    ChartSeries line = chart_series(series, title, series->n <= DOTS_MAX ? SERIES_LINE_DOTS : SERIES_LINE, false);
    if (series->n > 0)
        page_lines(page, &(LineChart){.title = title, .x_name = step_name, .y_name = unit, .x_kind = VALUE_INTEGER, .y_from_zero = from_zero,
                                      .y_log = log, .series = &line, .n_series = 1});
}

static void put_curves(Page *page, const RunRecord *record, Arena *arena)
{
    RunSeries speed = tokens_per_second(record, arena);
    const RunSeries *norm = &record->series[RUN_GRAD_NORM];
    page_section(page, PHRASE("Curves", "곡선"));
    put_loss(page, record, arena);
    put_curve(page, &record->series[RUN_LR], PHRASE("Learning rate", "학습률"), (Phrase){0}, true, false);
    put_curve(page, norm, PHRASE("Gradient norm, before clipping", "기울기 노름, 자르기 전"), (Phrase){0}, false, true);
    put_curve(page, &speed, PHRASE("Speed", "속도"), PHRASE("tokens per second", "초당 토큰"), true, false);
    put_curve(page, &record->series[RUN_BITS_PER_BYTE], PHRASE("Validation, bits per byte", "검증, 바이트당 비트"), (Phrase){0}, false, false);
}

/* ---- samples ---- */

static void put_sample(Page *page, const RunSample *sample, Arena *arena)
{
    page_sample(page, PHRASE(arena_printf(arena, "step %lld", (long long)sample->step), arena_printf(arena, "스텝 %lld", (long long)sample->step)),
                sample->text, strlen(sample->text));
}

/* The first, the middle and the last show how far it came; the others are folded away. */
static void put_samples(Page *page, const RunRecord *record, Arena *arena)
{
    int64_t n = record->n_samples, shown[] = {0, n / 2, n - 1};
    if (n == 0)
        return;
    page_section(page, PHRASE("Samples", "견본"));
    for (int i = 0; i < 3; i++)
        if (i == 0 || shown[i] > shown[i - 1])
            put_sample(page, &record->samples[shown[i]], arena);
    if (n <= 3)
        return;
    page_fold_begin(page, PHRASE("All samples", "모든 견본"));
    for (int64_t i = 0; i < n; i++)
        put_sample(page, &record->samples[i], arena);
    page_fold_end(page);
}

/* ---- forecast and outcome ---- */

typedef struct {
    Phrase name;
    const char *forecast, *outcome;  /* names of numbers */
    ValueKind kind;
} Compared;

static void put_comparison(Page *page, const RunRecord *record, Arena *arena)
{
    static const Compared rows[] = {
        {PHRASE("tokens", "토큰"), "tokens", "tokens", VALUE_INTEGER},
        {PHRASE("seconds", "초"), "seconds", "seconds", VALUE_SECONDS},
        {PHRASE("peak memory", "최대 메모리"), "peak_bytes_forecast", "peak_bytes", VALUE_BYTES},
        {PHRASE("time spent on recomputing", "재계산에 쓴 시간"), "recompute_share", "recompute_share", VALUE_PERCENT},
        {PHRASE("activations in a file, a micro step", "파일에 둔 활성값, 마이크로 스텝마다"), "offload_bytes", "offload_bytes", VALUE_BYTES},
        {PHRASE("time spent on that file", "그 파일에 든 시간"), "offload_share", "offload_share", VALUE_PERCENT},
    };
    const int n_compared = sizeof rows / sizeof rows[0];
    Phrase columns[] = {PHRASE("", ""), PHRASE("forecast", "예측"), PHRASE("outcome", "결과"), PHRASE("outcome / forecast", "결과 / 예측")};
    Phrase cells[4 * sizeof rows / sizeof rows[0]];
    int n_rows = 0;
    for (int i = 0; i < n_compared; i++) {
        double forecast = run_number(&record->forecast, rows[i].forecast), outcome = run_number(&record->outcome, rows[i].outcome);
        if (!isfinite(forecast) || !isfinite(outcome) || forecast <= 0)
            continue;
        cells[4 * n_rows] = rows[i].name;
        cells[4 * n_rows + 1] = PHRASE_SAME(value_text(arena, rows[i].kind, forecast));
        cells[4 * n_rows + 2] = PHRASE_SAME(value_text(arena, rows[i].kind, outcome));
        cells[4 * n_rows++ + 3] = PHRASE_SAME(arena_printf(arena, "%.3f", outcome / forecast));
    }
    if (n_rows > 0)
        page_table(page, &(PageTable){.columns = columns, .n_columns = 4, .cells = cells, .n_rows = n_rows, .numbers = true});
}

static Phrase memory_name(const char *name)
{
    static const Phrase known[] = {
        PHRASE("parameters", "매개변수"), PHRASE("gradients", "기울기"), PHRASE("moments", "모멘트"), PHRASE("copies", "사본"),
        PHRASE("caches", "캐시"), PHRASE("other", "그 밖"), PHRASE("activations", "활성값"), PHRASE("update", "갱신"),
        PHRASE("evaluation", "평가"), PHRASE("samples", "견본"), PHRASE("inputs", "입력"),
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].en, name) == 0)
            return known[i];
    return PHRASE_SAME(name);
}

static void put_memory(Page *page, const RunRecord *record, Arena *arena)
{
    Phrase *rows = ARENA_ARRAY(arena, Phrase, record->forecast.n + 2), one = PHRASE("bytes", "바이트");
    double *values = ARENA_ARRAY(arena, double, record->forecast.n + 2);
    int n = 0;
    for (int i = 0; i < record->forecast.n; i++) {
        const RunNumber *number = &record->forecast.number[i];
        if (strncmp(number->name, "memory.", 7) != 0 || number->value <= 0)
            continue;
        rows[n] = memory_name(number->name + 7);
        values[n++] = number->value;
    }
    double forecast = run_number(&record->forecast, "peak_bytes_forecast"), outcome = run_number(&record->outcome, "peak_bytes");
    if (n == 0)
        return;
    rows[n] = PHRASE("all, forecast", "모두, 예측");
    values[n++] = forecast;
    if (isfinite(outcome)) {
        rows[n] = PHRASE("all, measured", "모두, 실측");
        values[n++] = outcome;
    }
    page_bars(page, &(BarChart){.title = PHRASE("Memory", "메모리"),
                                .note = PHRASE("As planned from the compiled programs before the first step; measured: the growth of resident memory.",
                                               "첫 스텝 전에 컴파일된 프로그램에서 계산한 값. 실측은 상주 메모리가 늘어난 양."),
                                .kind = VALUE_BYTES, .wide = true, .rows = rows, .n_rows = n, .series = &one, .n_series = 1, .values = values});
}

static void put_forecast(Page *page, const RunRecord *record, Arena *arena)
{
    if (record->forecast.n == 0)
        return;
    page_section(page, PHRASE("Forecast and outcome", "예측과 결과"));
    put_comparison(page, record, arena);
    put_memory(page, record, arena);
}

/* ---- incidents, recipe ---- */

static void put_incidents(Page *page, const RunRecord *record, Arena *arena)
{
    page_section(page, PHRASE("Incidents", "사건"));
    if (record->n_incidents == 0) {
        page_text(page, PHRASE("None: every step was finite.", "없음. 모든 스텝이 유한했다."));
        return;
    }
    Phrase columns[] = {step_name, PHRASE("event", "종류"), PHRASE("what happened", "무슨 일")};
    Phrase *cells = ARENA_ARRAY(arena, Phrase, 3 * record->n_incidents);
    for (int64_t i = 0; i < record->n_incidents; i++) {
        cells[3 * i] = PHRASE_SAME(value_text(arena, VALUE_INTEGER, (double)record->incidents[i].step));
        cells[3 * i + 1] = PHRASE_SAME(record->incidents[i].event);
        cells[3 * i + 2] = PHRASE_SAME(record->incidents[i].what);
    }
    page_table(page, &(PageTable){.columns = columns, .n_columns = 3, .cells = cells, .n_rows = (int)record->n_incidents});
    page_fold_begin(page, PHRASE("The records", "기록 그대로"));
    for (int64_t i = 0; i < record->n_incidents; i++)
        page_code(page, (Phrase){0}, record->incidents[i].line, strlen(record->incidents[i].line));
    page_fold_end(page);
}

Err run_report_write(const RunRecord *record, const char *path, bool korean)
{
    Arena *arena = arena_new();
    const char *size = value_text(arena, VALUE_NUMBER, run_number(&record->forecast, "parameters"));
    const char *steps = value_text(arena, VALUE_INTEGER, outcome_or(record, "steps", record->series[RUN_LOSS].n ?
                                   record->series[RUN_LOSS].step[record->series[RUN_LOSS].n - 1] : 0));
    Page *page = page_new(PHRASE_SAME(record->name), PHRASE(arena_printf(arena, "Report of a training run: %s parameters, %s steps", size, steps),
                                                            arena_printf(arena, "학습 보고서: 매개변수 %s, 스텝 %s", size, steps)), korean);
    put_glance(page, record, arena);
    put_curves(page, record, arena);
    put_samples(page, record, arena);
    put_forecast(page, record, arena);
    put_incidents(page, record, arena);
    run_report_gradients(page, record, arena);
    page_section(page, PHRASE("Recipe", "레시피"));
    page_fold_begin(page, PHRASE("Every setting of this run", "이 실행의 모든 설정"));
    page_code(page, (Phrase){0}, record->recipe, strlen(record->recipe));
    page_fold_end(page);
    Err err = page_save(page, path);
    page_free(page);
    arena_free(arena);
    return err;
}
