/* langid_stage.c - the stage `langid`: tags each document with its language and the shares of all, keeps the languages that are wanted. */
#include "base/json.h"
#include "text/corpus/langid.h"
#include "text/corpus/stage_kinds.h"

#include <string.h>

typedef struct {
    const char *model;
    OptionTexts keep;
    double confidence_min;
    bool paragraphs;
} LangidSettings;

typedef struct {
    const LangidSettings *settings;
    LangidModel *model;
} LangidStage;

static const char *document_tags(Arena *arena, const LangidDocument *document, bool paragraphs)
{
    JsonWriter *json = stage_tags_begin();
    json_field_string(json, "language", document->guess.language);
    json_write_key(json, "langid");
    json_write_object_begin(json);
    json_field_int(json, "version", LANGID_VERSION);
    json_field_double(json, "confidence", document->guess.confidence);
    json_write_key(json, "shares");
    json_write_object_begin(json);
    for (int i = 0; i < document->n_shares; i++)
        json_field_double(json, document->shares[i].language, document->shares[i].share);
    json_write_object_end(json);
    if (paragraphs) {
        json_write_key(json, "paragraphs");
        json_write_array_begin(json);
        for (int i = 0; i < document->n_paragraphs; i++) {
            const LangidParagraph *paragraph = &document->paragraphs[i];
            stage_tags_place(json, paragraph->guess.language, paragraph->begin, paragraph->end);
        }
        json_write_array_end(json);
    }
    json_write_object_end(json);
    return stage_tags_end(json, arena);
}

static bool is_wanted(const OptionTexts *keep, const char *language)
{
    for (int i = 0; i < keep->n; i++)
        if (strcmp(keep->value[i], language) == 0)
            return true;
    return keep->n == 0;
}

static void langid_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    const LangidStage *stage = context;
    LangidDocument found = langid_document(arena, stage->model, document->text, document->n_bytes);
    result->tags = document_tags(arena, &found, stage->settings->paragraphs);
    result->drop_value = found.guess.confidence;
    if (!is_wanted(&stage->settings->keep, found.guess.language))
        result->drop_rule = "langid.language";
    else if (found.guess.confidence < stage->settings->confidence_min)
        result->drop_rule = "langid.confidence";
}

static const Option rows[] = {
    OPTION_TEXT("model", LangidSettings, model, "made by `corpus langid train`; without one the rules of scripts decide alone"),
    OPTION_TEXTS("keep", LangidSettings, keep, "languages that stay (ko,en); none: all"),
    OPTION_REAL("confidence_min", LangidSettings, confidence_min, 0.0, 1.0, "documents below it are dropped"),
    OPTION_BOOL("paragraphs", LangidSettings, paragraphs, "tag each paragraph too: [language, begin, end] in bytes"),
};

static void langid_close_stage(void *context)
{
    langid_close(((LangidStage *)context)->model);
}

static Err langid_open_stage(Stage *stage, const void *settings, Arena *arena)
{
    LangidStage *state = ARENA_NEW(arena, LangidStage);
    state->settings = settings;
    TRY(langid_open(&state->model, state->settings->model));
    stage->work = langid_work;
    stage->close = langid_close_stage;
    stage->identity = langid_identity(state->model);
    stage->context = state;
    return OK;
}

const StageKind langid_stage_kind = {
    .name = "langid",
    .help = "find each document's language and the shares of a mixed one; train a model, measure it",
    .examples = "    jikji corpus langid train sentences.tsv.zst --out lid.lid\n"
                "    jikji corpus langid text.jsonl.zst --model lid.lid --keep ko,en --out koen.jsonl.zst\n"
                "    jikji corpus langid text.jsonl.zst --paragraphs --out tagged.jsonl\n",
    .about = "Tags: \"language\", and \"langid\" with its confidence and the share of each language. Korean with Hanja, kana, Latin or programs between\n"
             "stays Korean. Drops: langid.language, langid.confidence.\n",
    .version = LANGID_VERSION,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(LangidSettings),
    .open = langid_open_stage,
};
