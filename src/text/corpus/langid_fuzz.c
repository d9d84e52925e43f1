/* langid_fuzz.c - any bytes are a model or one error, and any bytes have a language. */
#include "text/corpus/langid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void look_at(const LangidModel *model, const char *text, size_t n_bytes)
{
    Arena *arena = arena_new();
    LangidDocument document = langid_document(arena, model, text, n_bytes);
    if (!document.guess.language || !(document.guess.confidence >= 0 && document.guess.confidence <= 1.0 + 1e-9))
        abort();
    for (int i = 0; i < document.n_paragraphs; i++)
        if (document.paragraphs[i].begin >= document.paragraphs[i].end || document.paragraphs[i].end > n_bytes)
            abort();
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static const char text[] = "mola rimo lanosi\nkralt tilsk\n학교에 간다\n";
    char path[64];
    snprintf(path, sizeof path, "/tmp/langid-fuzz-%d", (int)getpid());
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    fwrite(data, 1, n_bytes, file);
    fclose(file);
    LangidModel *model;
    if (langid_open(&model, path) == OK) {
        look_at(model, text, sizeof text - 1);
        langid_close(model);
    }
    if (langid_open(&model, NULL) != OK)
        abort();
    look_at(model, (const char *)data, n_bytes);
    langid_close(model);
    unlink(path);
    return 0;
}
