/* page.h - one self-contained HTML page for people: figures, tables, charts, texts.
 *
 * A page opens offline and runs no script; it is light or dark as the reader's system asks, prints well, can be walked by keyboard and
 * screen reader, and shows English or Korean by a switch at its head. Every text is escaped (markup.h).
 *
 *     Page *page = page_new(PHRASE("A run", "학습 기록"), PHRASE("nsmc", NULL), false);
 *     page_section(page, PHRASE("Curves", "곡선"));
 *     page_lines(page, &chart);
 *     Err err = page_save(page, "report.html");
 *     page_free(page); */
#ifndef BASE_PAGE_H
#define BASE_PAGE_H

#include "base/chart.h"
#include "base/err.h"

typedef struct Page Page;

/* `korean`: the language that the page opens in. */
Page *page_new(Phrase title, Phrase subtitle, bool korean);
void page_free(Page *page);  /* NULL is fine */
/* Whether a page should open in Korean here: LC_ALL, LC_MESSAGES, LANG begin with "ko". */
bool page_locale_is_korean(void);

/* A heading; all sections are listed at the head of the page. */
void page_section(Page *page, Phrase title);
void page_text(Page *page, Phrase text);  /* a paragraph */

/* Headline figures, side by side. */
typedef struct {
    Phrase name;
    const char *value;
    Phrase note;  /* small, below; may be nothing */
} PageFigure;
void page_figures(Page *page, const PageFigure *figures, int n_figures);

/* A table. Column 0 is the row's name; `numbers` sets the other columns right. */
typedef struct {
    Phrase title;           /* may be nothing */
    const Phrase *columns;  /* [n_columns] */
    int n_columns;
    const Phrase *cells;    /* [n_rows][n_columns] */
    int n_rows;
    bool numbers;
} PageTable;
void page_table(Page *page, const PageTable *table);

/* Text as it stands, line breaks kept: a sample, a log line, a recipe. `caption` may be nothing. */
void page_sample(Page *page, Phrase caption, const char *text, size_t n_bytes);
void page_code(Page *page, Phrase caption, const char *text, size_t n_bytes);
/* What follows is folded away until opened. */
void page_fold_begin(Page *page, Phrase summary);
void page_fold_end(Page *page);

void page_lines(Page *page, const LineChart *chart);
void page_bars(Page *page, const BarChart *chart);
void page_histogram(Page *page, const Histogram *chart);

/* Writes the file, whole or not at all. The page may grow on and be saved again. */
Err page_save(Page *page, const char *path);

#endif
