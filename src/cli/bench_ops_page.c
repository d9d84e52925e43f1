/* bench_ops_page.c - a drawing of operators under the roof, their shares, and the numbers. */
#include "cli/bench_ops_page.h"

#include "base/cpu_level.h"
#include "base/options.h"
#include "base/page.h"
#include "base/parallel.h"

#include <math.h>

enum { ROOF_POINTS = 3, SHOWN_MAX = 16 };

static int n_shown(const BenchOpsReport *r)
{
    return r->n < SHOWN_MAX ? r->n : SHOWN_MAX;
}

/* The roof bends where FLOPs and bytes take the same time. Operators without FLOPs stand in the tables only. */
static void add_roofline(Page *page, const BenchOpsReport *r, Arena *arena)
{
    const double bend = r->rates.matmul_flops / r->rates.bytes;
    double intensity[BENCH_OPS_MAX], rate[BENCH_OPS_MAX], roof_x[ROOF_POINTS] = {bend / 1000, bend, bend * 1000}, roof_y[ROOF_POINTS];
    const char *labels[BENCH_OPS_MAX];
    int n = 0;
    for (int i = 0; i < r->n; i++) {
        const BenchOp *op = &r->op[i];
        if (op->flops <= 0 || op->bytes <= 0 || op->seconds <= 0)
            continue;
        intensity[n] = op->flops / op->bytes;
        rate[n] = op->flops / op->seconds * 1e-9;
        labels[n++] = arena_printf(arena, "%s, %.1f %% of the step", op->op, 100 * op->share);
    }
    for (int i = 0; i < ROOF_POINTS; i++)
        roof_y[i] = fmin(r->rates.matmul_flops, roof_x[i] * r->rates.bytes) * 1e-9;
    const ChartSeries series[] = {
        {.name = PHRASE("roof: products and memory as probed", "지붕: 잰 행렬곱과 메모리"), .mark = SERIES_LINE, .x = roof_x, .y = roof_y, .n = ROOF_POINTS},
        {.name = PHRASE("operators", "연산자"), .mark = SERIES_DOTS, .x = intensity, .y = rate, .labels = labels, .n = n},
    };
    page_lines(page, &(LineChart){.title = PHRASE("Operators under the roof", "지붕 아래 연산자"),
                                  .note = PHRASE("hover over a dot for its name", "점에 올리면 이름이 보인다"),
                                  .x_name = PHRASE("FLOPs a byte", "바이트당 FLOP"), .y_name = PHRASE("GFLOP/s", "GFLOP/s"),
                                  .x_log = true, .y_log = true, .wide = true, .series = series, .n_series = N_ELEMENTS(series)});
}

/* Room for the bars of the longest operators. */
typedef struct {
    Phrase names[SHOWN_MAX];
    double values[SHOWN_MAX][2];
} Shares;

static BarChart shares_chart(Shares *shares, const BenchOpsReport *r)
{
    static const Phrase series[] = {{"share of the step", "스텝에서 차지하는 비율"}, {"share of its roofline", "자기 지붕 대비"}};
    for (int i = 0; i < n_shown(r); i++) {
        shares->names[i] = PHRASE_SAME(r->op[i].op);
        shares->values[i][0] = r->op[i].share;
        shares->values[i][1] = r->op[i].roofline_share;
    }
    return (BarChart){.title = PHRASE("Where the time goes, and how near to the roofline", "시간이 가는 곳과 지붕까지의 거리"),
                      .note = PHRASE("above 100 %: operands were still in the caches", "100 % 초과: 피연산자가 캐시에 남아 있었다"),
                      .value_name = PHRASE("share", "비율"), .kind = VALUE_PERCENT, .wide = true, .rows = shares->names, .n_rows = n_shown(r),
                      .series = series, .n_series = 2, .values = shares->values[0]};
}

static void add_shares(Page *page, const BenchOpsReport *r)
{
    Shares shares;
    BarChart chart = shares_chart(&shares, r);
    page_bars(page, &chart);
}

Err bench_ops_svg_write(const BenchOpsRun *run, const char *path)
{
    Shares shares;
    BarChart chart = shares_chart(&shares, &run->report);
    return chart_bars_save(&chart, path);
}

static void add_numbers(Page *page, const BenchOpsReport *r, Arena *arena)
{
    const Phrase columns[] = {{"operator", "연산자"}, {"runs", "횟수"}, {"ms a step", "스텝당 ms"}, {"share", "비율"}, {"GFLOP", NULL}, {"GB", NULL},
                              {"roofline", "지붕 대비"}, {"bound by", "한계"}};
    enum { N_COLUMNS = N_ELEMENTS(columns) };
    Phrase *cells = ARENA_ARRAY(arena, Phrase, r->n * N_COLUMNS);
    for (int i = 0; i < r->n; i++) {
        const BenchOp *op = &r->op[i];
        Phrase *row = &cells[i * N_COLUMNS];
        row[0] = PHRASE_SAME(op->op);
        row[1] = PHRASE_SAME(arena_printf(arena, "%lld", (long long)op->n_runs));
        row[2] = PHRASE_SAME(arena_printf(arena, "%.2f", 1e3 * op->seconds));
        row[3] = PHRASE_SAME(arena_printf(arena, "%.1f %%", 100 * op->share));
        row[4] = PHRASE_SAME(arena_printf(arena, "%.3g", op->flops * 1e-9));
        row[5] = PHRASE_SAME(arena_printf(arena, "%.3g", op->bytes * 1e-9));
        row[6] = PHRASE_SAME(arena_printf(arena, "%.0f %%", 100 * op->roofline_share));
        row[7] = op->is_memory_bound ? PHRASE("memory", "메모리") : PHRASE("arithmetic", "계산");
    }
    page_table(page, &(PageTable){PHRASE("All operators", "모든 연산자"), columns, N_COLUMNS, cells, r->n, true});
}

static void add_figures(Page *page, const BenchOpsRun *run, Arena *arena)
{
    const BenchOpsReport *r = &run->report;
    const PageFigure figures[] = {
        {PHRASE("tokens a second", "초당 토큰"), arena_printf(arena, "%.1f", r->tokens_per_second), {0}},
        {PHRASE("matrix products", "행렬곱"), arena_printf(arena, "%.1f GFLOP/s", r->rates.matmul_flops * 1e-9), PHRASE("the best library, by shape", "모양마다 가장 빠른 라이브러리")},
        {PHRASE("memory", "메모리"), arena_printf(arena, "%.1f GB/s", r->rates.bytes * 1e-9), PHRASE("reading or copying", "읽기 또는 복사")},
        {PHRASE("optimizer", "옵티마이저"), arena_printf(arena, "%.0f %%", 100 * r->update.share),
         PHRASE("of updating in place", "제자리 갱신 대비")},
    };
    page_figures(page, figures, N_ELEMENTS(figures));
}

Err bench_ops_page_write(const BenchOpsRun *run, const char *path)
{
    Arena *arena = arena_new();
    const BenchTrainOptions *o = &run->options;
    const char *subtitle = arena_printf(arena, "%s, %lld x %lld, %s, %s, %d", run->name, (long long)o->batch_size, (long long)o->seq_len,
                                        dtype_name(o->compute), cpu_level_name(cpu_level()), parallel_threads());
    Page *page = page_new(PHRASE("A training step, operator by operator", "연산자로 본 학습 스텝"), PHRASE_SAME(subtitle), page_locale_is_korean());
    add_figures(page, run, arena);
    page_section(page, PHRASE("Roofline", "루프라인"));
    add_roofline(page, &run->report, arena);
    add_shares(page, &run->report);
    page_section(page, PHRASE("Numbers", "숫자"));
    add_numbers(page, &run->report, arena);
    Err err = page_save(page, path);
    page_free(page);
    arena_free(arena);
    return err;
}
