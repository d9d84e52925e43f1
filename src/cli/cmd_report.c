/* cmd_report.c - `jikji report RUN`: a run as one HTML page. */
#include "base/page.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "study/track/run_report.h"

#include <stdio.h>

typedef struct {
    const char *out;
    int language;
} ReportOptions;

enum { LANGUAGE_AUTO, LANGUAGE_EN, LANGUAGE_KO };

static const Option rows[] = {
    OPTION_TEXT("out", ReportOptions, out, "the page; RUN/report.html unless said"),
    OPTION_CHOICE("language", ReportOptions, language, "auto|en|ko", "that the page opens in; auto: the locale's. A switch at its head turns it"),
};

static const CommandHelp help = {
    .synopsis = "report RUN [settings]",
    .examples = "    jikji report runs/nsmc\n"
                "    jikji report runs/nsmc --language ko --out nsmc.html\n",
    .about = "One file that opens offline, in light and dark, in English and Korean: curves of loss, learning rate, gradient norm and\n"
             "speed, samples, memory, the forecast beside the outcome, incidents, the recipe. Also of a run that still goes on.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

static Err report(Arena *arena, int argc, char **argv)
{
    ReportOptions options = {0};
    CommandWords words;
    RunRecord record;
    TRY(command_line_read(&words, &help, &options, arena, argc, argv));
    if (words.helped)
        return OK;
    const char *out = options.out ? options.out : arena_printf(arena, "%s/report.html", words.word[0]);
    TRY(run_record_read(&record, arena, words.word[0]));
    TRY(run_report_write(&record, out, options.language == LANGUAGE_KO || (options.language == LANGUAGE_AUTO && page_locale_is_korean())));
    printf("%s\n", out);
    return OK;
}

Err cmd_report(int argc, char **argv)
{
    Arena *arena = arena_new();
    Err err = report(arena, argc, argv);
    arena_free(arena);
    return err;
}
