/* quality_stage.c - the stage `quality`: drops by the first rule that a document breaks, tags all figures that its rules read. */
#include "base/json.h"
#include "text/corpus/quality.h"
#include "text/corpus/stage_kinds.h"

#include <stdlib.h>
#include <string.h>

static const char *figure_tags(Arena *arena, const QualityRules *rules, const QualityFigures *figures)
{
    bool used[N_QUALITY] = {false};
    for (int i = 0; i < rules->n; i++)
        used[rules->rules[i].figure] = true;
    JsonWriter *json = stage_tags_begin();
    json_write_key(json, "quality");
    json_write_object_begin(json);
    json_field_int(json, "version", QUALITY_VERSION);
    for (int i = 0; i < N_QUALITY; i++)
        if (used[i])
            json_field_double(json, quality_figure_name((QualityFigure)i), figures->value[i]);
    json_write_object_end(json);
    return stage_tags_end(json, arena);
}

static void quality_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    const QualityRules *rules = context;
    QualityFigures figures = quality_measure(arena, document->text, document->n_bytes);
    const QualityRule *broken = quality_judge(rules, &figures);
    result->tags = figure_tags(arena, rules, &figures);
    if (broken) {
        result->drop_rule = broken->name;
        result->drop_value = figures.value[broken->figure];
    }
}

typedef struct {
    OptionTexts rules, thresholds;
} QualitySettings;

static const Option rows[] = {
    OPTION_TEXTS("rules", QualitySettings, rules, "sets of rules, judged in this order: gopher, fineweb, fineweb2-ko"),
    OPTION_TEXTS("threshold", QualitySettings, thresholds, "RULE=VALUE in place of a rule's own; may be given more than once"),
};

static void quality_defaults(void *settings)
{
    *(QualitySettings *)settings = (QualitySettings){.rules = {2, {"gopher", "fineweb"}}};
}

static Err quality_open(Stage *stage, const void *settings, Arena *arena)
{
    const QualitySettings *s = settings;
    QualityRules *rules = ARENA_NEW(arena, QualityRules);
    for (int i = 0; i < s->rules.n; i++)
        if (!quality_rules_add(rules, s->rules.value[i]))
            return err_set(ERR_USAGE, "rules: \"%s\" is none of gopher, fineweb, fineweb2-ko", s->rules.value[i]);
    for (int i = 0; i < s->thresholds.n; i++) {
        const char *text = s->thresholds.value[i], *equals = strchr(text, '=');
        char *end = NULL;
        double value = equals ? strtod(equals + 1, &end) : 0;
        if (!equals || end == equals + 1 || *end != '\0')
            return err_set(ERR_USAGE, "threshold: \"%s\" is not RULE=VALUE", text);
        const char *name = arena_strndup(arena, text, (size_t)(equals - text));
        if (!quality_rules_set(rules, name, value))
            return err_set(ERR_USAGE, "threshold: no rule \"%s\" in these sets", name);
    }
    stage->work = quality_work;
    stage->context = rules;
    return OK;
}

const StageKind quality_stage_kind = {
    .name = "quality",
    .help = "judge documents by the rules of Gopher, FineWeb and FineWeb-2 (Korean)",
    .examples = "    jikji corpus quality text.jsonl.zst --out good.jsonl.zst\n"
                "    jikji corpus quality ko.jsonl --rules fineweb2-ko --threshold fineweb2-ko.words_min=20 --out good.jsonl\n"
                "    jikji corpus quality text.jsonl --rules gopher --keep-dropped --out judged.jsonl\n",
    .about = "Each document gets its figures as the tag \"quality\"; a drop names its rule and the value that broke it.\n",
    .version = QUALITY_VERSION,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(QualitySettings),
    .defaults = quality_defaults,
    .open = quality_open,
};
