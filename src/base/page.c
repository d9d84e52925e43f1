/* page.c - the body grows piece by piece; the head, with the list of sections, is written when the page is saved. */
#include "base/page_internal.h"

#include "base/chart_internal.h"
#include "base/file.h"
#include "base/page.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MAX = 64 };

struct Page {
    Arena *arena;
    Phrase title, subtitle, sections[SECTIONS_MAX];
    int n_sections, n_folds;
    bool korean;
    bool in_charts;  /* charts that follow each other stand side by side */
    char *body;
    size_t n_body_bytes;
    FILE *out;  /* grows body */
};

static Phrase phrase_keep(Arena *arena, Phrase phrase)
{
    return (Phrase){phrase.en ? arena_strdup(arena, phrase.en) : NULL, phrase.ko ? arena_strdup(arena, phrase.ko) : NULL};
}

Page *page_new(Phrase title, Phrase subtitle, bool korean)
{
    Page *page = mem_alloc(sizeof *page);
    page->arena = arena_new();
    page->title = phrase_keep(page->arena, title);
    page->subtitle = phrase_keep(page->arena, subtitle);
    page->korean = korean;
    page->out = open_memstream(&page->body, &page->n_body_bytes);
    return page;
}

void page_free(Page *page)
{
    if (!page)
        return;
    fclose(page->out);
    free(page->body);
    arena_free(page->arena);
    free(page);
}

bool page_locale_is_korean(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return strncmp(value, "ko", 2) == 0;
    }
    return false;
}

/* ---- pieces ---- */

static void leave_charts(Page *page)
{
    if (page->in_charts)
        fputs("</div>\n", page->out);
    page->in_charts = false;
}

static void put_element(FILE *out, const char *tag, Phrase text)
{
    if (phrase_is_empty(text))
        return;
    fprintf(out, "<%s>", tag);
    markup_phrase(out, "span", text);
    fprintf(out, "</%s>\n", tag);
}

void page_section(Page *page, Phrase title)
{
    assert(page->n_sections < SECTIONS_MAX && page->n_folds == 0);
    leave_charts(page);
    page->sections[page->n_sections++] = phrase_keep(page->arena, title);
    fprintf(page->out, "<h2 id=\"s%d\">", page->n_sections);
    markup_phrase(page->out, "span", title);
    fputs("</h2>\n", page->out);
}

void page_text(Page *page, Phrase text)
{
    leave_charts(page);
    put_element(page->out, "p", text);
}

void page_figures(Page *page, const PageFigure *figures, int n_figures)
{
    leave_charts(page);
    fputs("<dl class=\"figures\">\n", page->out);
    for (int i = 0; i < n_figures; i++) {
        fputs("<div>", page->out);
        put_element(page->out, "dt", figures[i].name);
        put_element(page->out, "dd", PHRASE_SAME(figures[i].value));
        put_element(page->out, "dd", figures[i].note);
        fputs("</div>\n", page->out);
    }
    fputs("</dl>\n", page->out);
}

static void put_table_rows(FILE *out, const PageTable *table)
{
    for (int row = 0; row < table->n_rows; row++) {
        fputs("<tr>", out);
        for (int c = 0; c < table->n_columns; c++) {
            fputs(c == 0 ? "<th scope=\"row\">" : "<td>", out);
            markup_phrase(out, "span", table->cells[row * table->n_columns + c]);
            fputs(c == 0 ? "</th>" : "</td>", out);
        }
        fputs("</tr>\n", out);
    }
}

static void put_table(FILE *out, const PageTable *table)
{
    fprintf(out, "<div class=\"scroll\"><table%s>\n", table->numbers ? " class=\"numbers\"" : "");
    put_element(out, "caption", table->title);
    fputs("<thead><tr>", out);
    for (int c = 0; c < table->n_columns; c++) {
        fputs("<th scope=\"col\">", out);
        markup_phrase(out, "span", table->columns[c]);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    put_table_rows(out, table);
    fputs("</tbody></table></div>\n", out);
}

void page_table(Page *page, const PageTable *table)
{
    leave_charts(page);
    put_table(page->out, table);
}

static void put_text_block(Page *page, Phrase caption, const char *class, const char *text, size_t n_bytes)
{
    leave_charts(page);
    fputs("<div class=\"text\">", page->out);
    put_element(page->out, "p", caption);
    fprintf(page->out, "<pre%s>", class);
    markup_bytes(page->out, text, n_bytes);
    fputs("</pre></div>\n", page->out);
}

void page_sample(Page *page, Phrase caption, const char *text, size_t n_bytes)
{
    put_text_block(page, caption, "", text, n_bytes);
}

void page_code(Page *page, Phrase caption, const char *text, size_t n_bytes)
{
    put_text_block(page, caption, " class=\"code\"", text, n_bytes);
}

void page_fold_begin(Page *page, Phrase summary)
{
    leave_charts(page);
    page->n_folds++;
    fputs("<details>", page->out);
    put_element(page->out, "summary", summary);
}

void page_fold_end(Page *page)
{
    assert(page->n_folds > 0);
    leave_charts(page);
    page->n_folds--;
    fputs("</details>\n", page->out);
}

/* ---- charts ---- */

static void figure_begin(Page *page, Phrase title, Phrase note, bool wide)
{
    if (!page->in_charts)
        fputs("<div class=\"charts\">\n", page->out);
    page->in_charts = true;
    fprintf(page->out, "<figure%s><figcaption>", wide ? " class=\"wide\"" : "");
    put_element(page->out, "h3", title);
    put_element(page->out, "p", note);
}

static void put_legend_entry(FILE *out, Phrase name, const char *sign)
{
    fprintf(out, "<span><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\">%s</svg>", sign);
    markup_phrase(out, "span", name);
    fputs("</span>\n", out);
}

static void put_line_legend(Page *page, const LineChart *chart)
{
    if (chart->n_series < 2)
        return;
    fputs("<div class=\"legend\">", page->out);
    for (int s = 0; s < chart->n_series; s++) {
        const ChartSeries *series = &chart->series[s];
        const char *line = arena_printf(page->arena, "<path class=\"line s%d%s\" d=\"M1 5H25\"/>", s, series_class(series));
        const char *dot = arena_printf(page->arena, "<circle class=\"dot s%d\" cx=\"13\" cy=\"5\" r=\"3.4\"/>", s);
        put_legend_entry(page->out, series->name, series->mark == SERIES_LINE ? line : series->mark == SERIES_DOTS ? dot
                         : arena_printf(page->arena, "%s%s", line, dot));
    }
    fputs("</div>\n", page->out);
}

static void put_bar_legend(Page *page, const BarChart *chart)
{
    if (chart->n_series < 2)
        return;
    fputs("<div class=\"legend\">", page->out);
    for (int s = 0; s < chart->n_series; s++)
        put_legend_entry(page->out, chart->series[s],
                         arena_printf(page->arena, "<rect class=\"bar s%d\" x=\"4\" width=\"18\" height=\"10\" rx=\"2\"/>", s));
    fputs("</div>\n", page->out);
}

/* A chart's values for those who do not see it; of long series a choice at equal distances, with the last. */
static void put_line_numbers(Page *page, const LineChart *chart)
{
    enum { ROWS_MAX = 12 };
    static const Phrase summary = PHRASE("Values", "값");
    Phrase columns[] = {PHRASE("series", "계열"), chart->x_name, chart->y_name};
    Phrase *cells = ARENA_ARRAY(page->arena, Phrase, 3 * ROWS_MAX * CHART_SERIES_MAX);
    int n_rows = 0;
    for (int s = 0; s < chart->n_series; s++) {
        const ChartSeries *series = &chart->series[s];
        int64_t n = series->n < ROWS_MAX ? series->n : ROWS_MAX;
        for (int64_t row = 0; row < n; row++) {
            int64_t i = n > 1 ? row * (series->n - 1) / (n - 1) : 0;
            cells[3 * n_rows] = series->labels ? PHRASE_SAME(series->labels[i]) : series->name;
            cells[3 * n_rows + 1] = PHRASE_SAME(value_text(page->arena, chart->x_kind, series->x[i]));
            cells[3 * n_rows + 2] = PHRASE_SAME(value_text(page->arena, chart->y_kind, series->y[i]));
            n_rows++;
        }
    }
    fputs("<details>", page->out);
    put_element(page->out, "summary", summary);
    put_table(page->out, &(PageTable){.columns = columns, .n_columns = 3, .cells = cells, .n_rows = n_rows, .numbers = true});
    fputs("</details>", page->out);
}

void page_lines(Page *page, const LineChart *chart)
{
    figure_begin(page, chart->title, chart->note, chart->wide);
    put_line_legend(page, chart);
    fputs("</figcaption>\n", page->out);
    chart_lines(page->out, chart, page->korean);
    put_line_numbers(page, chart);
    fputs("</figure>\n", page->out);
}

void page_bars(Page *page, const BarChart *chart)
{
    figure_begin(page, chart->title, chart->note, chart->wide);
    put_bar_legend(page, chart);
    fputs("</figcaption>\n", page->out);
    chart_bars(page->out, chart, page->korean);
    fputs("</figure>\n", page->out);
}

void page_histogram(Page *page, const Histogram *chart)
{
    figure_begin(page, chart->title, chart->note, chart->wide);
    fputs("</figcaption>\n", page->out);
    chart_histogram(page->out, chart, page->korean);
    fputs("</figure>\n", page->out);
}

/* ---- the whole ---- */

static void put_head(FILE *out, const Page *page)
{
    fprintf(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n", page->korean ? "ko" : "en");
    fputs("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<meta name=\"generator\" content=\"Jikji\">\n<title>", out);
    markup_text(out, phrase_text(page->title, page->korean));
    fprintf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n", page_style);
    static const char *const tongues[2][2] = {{"en", "English"}, {"ko", "한국어"}};
    for (int i = 0; i < 2; i++)
        fprintf(out, "<input class=\"tongue\" type=\"radio\" name=\"tongue\" id=\"in-%s\" aria-label=\"%s\"%s>\n", tongues[i][0], tongues[i][1],
                page->korean == (i == 1) ? " checked" : "");
    fputs("<div class=\"page\">\n<header><div class=\"tongues\">", out);
    for (int i = 0; i < 2; i++)
        fprintf(out, "<label for=\"in-%s\" lang=\"%s\">%s</label>", tongues[i][0], tongues[i][0], tongues[i][1]);
    fputs("</div>\n", out);
}

static void put_contents(FILE *out, const Page *page)
{
    put_element(out, "h1", page->title);
    put_element(out, "p", page->subtitle);
    if (page->n_sections > 1) {
        fprintf(out, "<nav aria-label=\"%s\">", page->korean ? "차례" : "Contents");
        for (int i = 0; i < page->n_sections; i++) {
            fprintf(out, "<a href=\"#s%d\">", i + 1);
            markup_phrase(out, "span", page->sections[i]);
            fputs("</a>", out);
        }
        fputs("</nav>", out);
    }
    fputs("</header>\n<main>\n", out);
}

Err page_save(Page *page, const char *path)
{
    assert(page->n_folds == 0);
    leave_charts(page);
    fflush(page->out);
    char *text = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&text, &n_bytes);
    put_head(out, page);
    put_contents(out, page);
    fwrite(page->body, 1, page->n_body_bytes, out);
    fputs("</main>\n<footer>Jikji 직지</footer>\n</div>\n</body>\n</html>\n", out);
    fclose(out);
    Err err = file_write(path, text, n_bytes);
    free(text);
    return err;
}
