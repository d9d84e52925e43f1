/* langid_source.c - labelled examples out of files. */
#include "base/json.h"
#include "text/corpus/hash.h"
#include "text/corpus/langid_train.h"

#include <string.h>

static Err read_json(LangidExample *example, const LangidSource *source, const Document *document, Arena *arena)
{
    JsonReader json;
    JsonText key;
    json_reader_init(&json, document->path, document->record, document->n_record_bytes);
    TRY(json_object_begin(&json));
    *example = (LangidExample){.text = document->text, .n_bytes = document->n_bytes};
    while (json_object_next(&json, &key)) {
        if (!json_text_is(key, source->label_field)) {
            json_skip(&json);
            continue;
        }
        TRY(json_string(&json, arena, &example->label, NULL));
    }
    return json_reader_end(&json);
}

static Err read_example(LangidExample *example, const LangidSource *source, const Document *document, Arena *arena)
{
    if (document->record) {
        TRY(read_json(example, source, document, arena));
    } else {
        const char *tab = memchr(document->text, '\t', document->n_bytes);
        *example = (LangidExample){.label = tab ? arena_strndup(arena, document->text, (size_t)(tab - document->text)) : NULL};
        example->text = tab ? tab + 1 : document->text;
        example->n_bytes = tab ? document->n_bytes - (size_t)(tab + 1 - document->text) : 0;
    }
    if (!example->label || !example->label[0] || strlen(example->label) > LANGID_NAME_MAX)
        return err_set(ERR_FORMAT, "%s:%lld: expected LABEL<TAB>TEXT, or a JSON object with \"%s\"; labels of 1 to %d bytes", document->path,
                       (long long)document->line, source->label_field, LANGID_NAME_MAX);
    return OK;
}

static bool is_aside(const LangidExample *example, int64_t every, uint64_t seed)
{
    return every > 1 && hash64(example->text, example->n_bytes, seed) % (uint64_t)every == 0;
}

static bool is_wanted(const LangidSource *source, const LangidExample *example, bool held)
{
    bool outer = is_aside(example, source->hold, 0);
    if (source->inner > 1)
        return !outer && is_aside(example, source->inner, 7) == held;
    return source->hold <= 1 || outer == held;
}

static Err each_of_file(const LangidSource *source, const char *path, bool held, LangidVisit visit, void *context)
{
    DocumentReader *reader;
    DocumentOptions options = document_options_default();
    options.field = source->text_field;
    options.format = strstr(path, ".jsonl") ? DOCUMENT_JSONL : DOCUMENT_LINES;
    TRY(document_reader_open(&reader, path, &options));
    Arena *arena = arena_new();
    Document document;
    LangidExample example;
    Err err = OK;
    while (err == OK && document_reader_next(reader, &document, &err)) {
        arena_reset(arena);
        err = read_example(&example, source, &document, arena);
        if (err != OK)
            break;
        if (is_wanted(source, &example, held))
            err = visit(context, &example);
    }
    arena_free(arena);
    document_reader_free(reader);
    return err;
}

Err langid_each(const LangidSource *source, bool held, LangidVisit visit, void *context)
{
    Arena *arena = arena_new();
    char **paths;
    int n_paths;
    Err err = document_list_files(&paths, &n_paths, arena, source->inputs, source->n_inputs);
    for (int i = 0; i < n_paths && err == OK; i++)
        err = each_of_file(source, paths[i], held, visit, context);
    arena_free(arena);
    return err;
}
