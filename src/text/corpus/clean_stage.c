/* clean_stage.c - one document at a time. */
#include "text/corpus/clean_stage.h"

#include "text/unicode/utf8.h"

static void clean_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    size_t n_bytes;
    const char *text = utf8_repair(arena, document->text, document->n_bytes, &n_bytes);
    result->text = clean_text(arena, context, text, n_bytes, &result->n_bytes);
    if (result->n_bytes == 0)
        result->drop_rule = "normalize.empty";
}

Stage clean_stage(const CleanOptions *options)
{
    return (Stage){.name = "normalize", .work = clean_work, .context = (void *)(uintptr_t)options};
}
