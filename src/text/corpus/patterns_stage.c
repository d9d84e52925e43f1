/* patterns_stage.c - the stage `patterns`: tags numbers, addresses of the net and mail addresses; drops what is little else. */
#include "base/json.h"
#include "text/corpus/patterns.h"
#include "text/corpus/stage_kinds.h"

typedef struct {
    bool spans;
    double share_max;
} PatternsSettings;

static const char *pattern_tags(Arena *arena, const Patterns *found, double share, bool spans)
{
    JsonWriter *json = stage_tags_begin();
    json_write_key(json, "patterns");
    json_write_object_begin(json);
    json_field_int(json, "version", PATTERNS_VERSION);
    json_field_int(json, "numbers", found->n_of[PATTERN_NUMBER]);
    json_field_int(json, "urls", found->n_of[PATTERN_URL]);
    json_field_int(json, "emails", found->n_of[PATTERN_EMAIL]);
    json_field_double(json, "share", share);
    if (spans) {
        json_write_key(json, "spans");
        json_write_array_begin(json);
        for (int64_t i = 0; i < found->n; i++) {
            stage_tags_place(json, pattern_name(found->spans[i].class), found->spans[i].begin, found->spans[i].end);
        }
        json_write_array_end(json);
    }
    json_write_object_end(json);
    return stage_tags_end(json, arena);
}

static void patterns_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    const PatternsSettings *settings = context;
    Patterns found = patterns_find(arena, document->text, document->n_bytes);
    double share = document->n_bytes > 0 ? (double)found.n_bytes / (double)document->n_bytes : 0;
    result->tags = pattern_tags(arena, &found, share, settings->spans);
    if (share > settings->share_max) {
        result->drop_rule = "patterns.share";
        result->drop_value = share;
    }
}

static const Option rows[] = {
    OPTION_BOOL("spans", PatternsSettings, spans, "tag each place too: [class, begin, end] in bytes"),
    OPTION_REAL("share_max", PatternsSettings, share_max, 0.0, 1.0, "documents of which patterns are a larger share are dropped"),
};

static void patterns_defaults(void *settings)
{
    *(PatternsSettings *)settings = (PatternsSettings){.spans = true, .share_max = 1.0};
}

static Err patterns_open(Stage *stage, const void *settings, Arena *arena)
{
    (void)arena;
    stage->work = patterns_work;
    stage->context = (void *)(uintptr_t)settings;
    return OK;
}

const StageKind patterns_stage_kind = {
    .name = "patterns",
    .help = "tag numbers, addresses of the net and mail addresses; drop documents that are little else",
    .examples = "    jikji corpus patterns text.jsonl.zst --out tagged.jsonl.zst\n"
                "    jikji corpus patterns text.jsonl --spans false --share-max 0.5 --out tagged.jsonl\n",
    .about = "The tag \"patterns\" holds how many of each, their share of the text's bytes, and the spans. Drops: patterns.share.\n",
    .version = PATTERNS_VERSION,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(PatternsSettings),
    .defaults = patterns_defaults,
    .open = patterns_open,
};
