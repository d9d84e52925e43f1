/* cmd_corpus_quality.c - `jikji corpus quality`. */
#include "cli/cmd_corpus.h"
#include "cli/corpus_stage.h"
#include "text/corpus/quality_stage.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    StageSettings stage;
    OptionTexts rules, thresholds;
} QualitySettings;

static const Option rows[] = {
    STAGE_ROWS,
    OPTION_TEXTS("rules", QualitySettings, rules, "sets of rules, judged in this order: gopher, fineweb, fineweb2-ko"),
    OPTION_TEXTS("threshold", QualitySettings, thresholds, "RULE=VALUE in place of a rule's own; may be given more than once"),
};

static const CommandHelp help = {
    .synopsis = "corpus quality IN... --out FILE [settings]",
    .examples = "    jikji corpus quality text.jsonl.zst --out good.jsonl.zst\n"
                "    jikji corpus quality ko.jsonl --rules fineweb2-ko --threshold fineweb2-ko.words_min=20 --out good.jsonl\n"
                "    jikji corpus quality text.jsonl --rules gopher --keep-dropped --out judged.jsonl\n",
    .about = "Each document gets its figures as the tag \"quality\"; a drop names its rule and the value that broke it.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

static Err read_rules(QualityRules *rules, const QualitySettings *settings, Arena *arena)
{
    for (int i = 0; i < settings->rules.n; i++)
        if (!quality_rules_add(rules, settings->rules.value[i]))
            return err_set(ERR_USAGE, "--rules: \"%s\" is none of gopher, fineweb, fineweb2-ko", settings->rules.value[i]);
    for (int i = 0; i < settings->thresholds.n; i++) {
        const char *text = settings->thresholds.value[i], *equals = strchr(text, '=');
        char *end = NULL;
        double value = equals ? strtod(equals + 1, &end) : 0;
        if (!equals || end == equals + 1 || *end != '\0')
            return err_set(ERR_USAGE, "--threshold: \"%s\" is not RULE=VALUE", text);
        const char *name = arena_strndup(arena, text, (size_t)(equals - text));
        if (!quality_rules_set(rules, name, value))
            return err_set(ERR_USAGE, "--threshold: no rule \"%s\" in these sets", name);
    }
    return OK;
}

Err cmd_corpus_quality(int argc, char **argv)
{
    Arena *arena = arena_new();
    QualitySettings settings = {.stage = stage_settings_default(), .rules = {2, {"gopher", "fineweb"}}};
    CommandWords words;
    QualityRules rules = {.n = 0};
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        Stage stage = quality_stage(&rules);
        StageReport report;
        err = read_rules(&rules, &settings, arena);
        if (err == OK)
            err = corpus_stage_run(&stage, &settings.stage, &words, &report);
        if (err == OK)
            corpus_stage_print(&stage, &settings.stage, &report, NULL);
    }
    arena_free(arena);
    return err;
}
