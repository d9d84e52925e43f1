/* quality_stage.c - measures, tags, judges. */
#include "text/corpus/quality_stage.h"

#include "base/json.h"

static const char *figure_tags(Arena *arena, const QualityRules *rules, const QualityFigures *figures)
{
    bool used[N_QUALITY] = {false};
    for (int i = 0; i < rules->n; i++)
        used[rules->rules[i].figure] = true;
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_write_key(json, "quality");
    json_write_object_begin(json);
    json_field_int(json, "version", QUALITY_VERSION);
    for (int i = 0; i < N_QUALITY; i++)
        if (used[i])
            json_field_double(json, quality_figure_name((QualityFigure)i), figures->value[i]);
    json_write_object_end(json);
    size_t n;
    const char *text = json_writer_text(json, &n);
    text = arena_strndup(arena, text + 1, n - 1);
    json_writer_free(json);
    return text;
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

Stage quality_stage(const QualityRules *rules)
{
    return (Stage){.name = "quality", .work = quality_work, .context = (void *)(uintptr_t)rules};
}
