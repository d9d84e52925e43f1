/* chart_file.c - a drawing as a file of its own: what the page's style sheet gives it elsewhere, it brings along. */
#include "base/chart_internal.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

enum { LEGEND_HEIGHT = 30, LEGEND_WIDTH = 190 };

static const char style[] =
    "<style>text{font:12.5px system-ui,sans-serif;fill:#5f5a51}.value{fill:#1e1c19}.end{text-anchor:end}.axis{stroke:#5f5a51;fill:none}"
    ".bar{fill:currentColor}.s0{color:#a8321f}.s1{color:#2f746c}.s2{color:#34508c}.s3{color:#96690f}.s4{color:#7a4a86}.s5{color:#57534a}"
    ".ground{fill:#fbfaf6}</style>\n";

/* Series side by side in a strip above the drawing. */
static void put_legend(FILE *out, const BarChart *chart)
{
    for (int s = 0; s < chart->n_series && chart->n_series > 1; s++) {
        fprintf(out, "<rect class=\"bar s%d\" x=\"%d\" y=\"10\" width=\"14\" height=\"12\" rx=\"2\"/><text x=\"%d\" y=\"20\">", s,
                12 + s * LEGEND_WIDTH, 32 + s * LEGEND_WIDTH);
        markup_text(out, phrase_text(chart->series[s], false));
        fputs("</text>\n", out);
    }
}

Err chart_bars_save(const BarChart *chart, const char *path)
{
    char *drawing = NULL, *text = NULL;
    size_t n_drawing = 0, n_bytes = 0;
    double width = 0, height = 0;
    FILE *inner = open_memstream(&drawing, &n_drawing);
    chart_bars(inner, chart, false);
    fclose(inner);
    sscanf(drawing, "<svg viewBox=\"0 0 %lf %lf\"", &width, &height);
    FILE *out = open_memstream(&text, &n_bytes);
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\">\n%s<rect class=\"ground\" width=\"100%%\" height=\"100%%\"/>\n", width,
            height + LEGEND_HEIGHT, style);
    put_legend(out, chart);
    fprintf(out, "<svg y=\"%d\" width=\"%g\" height=\"%g\"%s</svg>\n", LEGEND_HEIGHT, width, height, drawing + strlen("<svg"));
    fclose(out);
    Err err = file_write(path, text, n_bytes);
    free(drawing);
    free(text);
    return err;
}
