/* synth_write.c - generates in rounds: all threads tell documents, one writes them in order. */
#include "text/corpus/synth_write.h"

#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "text/corpus/document_writer.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUND = 2048, N_GROUPS = 32 };

typedef struct {
    const SynthOptions *options;
    uint64_t first;
    Arena *arenas[N_GROUPS];
    SynthDocument documents[ROUND];
} Round;

static void round_tell(void *context, int64_t group)
{
    Round *round = context;
    arena_reset(round->arenas[group]);
    for (int i = (int)group; i < ROUND; i += N_GROUPS)
        round->documents[i] = synth_document(round->options, round->first + (uint64_t)i, round->arenas[group]);
}

static Err synth_write_document(DocumentWriter *writer, const SynthOptions *options, uint64_t k, const SynthDocument *document)
{
    static const char *const languages[] = {"", "ko", "en", "", "ko+en"};
    char id[64];
    snprintf(id, sizeof id, "synth-%llu-%llu", (unsigned long long)options->seed, (unsigned long long)k);
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "id", id);
    json_field_string(json, "language", languages[document->language]);
    json_field_string(json, "kind", document->kind);
    json_write_key(json, "text");
    json_write_string_bytes(json, document->text, document->n_bytes);
    json_write_object_end(json);
    size_t n;
    const char *line = json_writer_text(json, &n);
    Err err = document_writer_add_record(writer, line, n, document->text, document->n_bytes);
    json_writer_free(json);
    return err;
}

static Err synth_write_rounds(SynthReport *report, Round *round, int64_t n_bytes, DocumentWriter *writer, Progress *progress)
{
    for (;; round->first += ROUND) {
        if (interrupt_requested())
            return err_set(ERR_INTERRUPTED, "interrupted; nothing was written");
        parallel_for(N_GROUPS, round_tell, round);
        for (int i = 0; i < ROUND; i++) {
            TRY(synth_write_document(writer, round->options, round->first + (uint64_t)i, &round->documents[i]));
            report->n_documents++;
            report->n_bytes += (int64_t)round->documents[i].n_bytes;
            if (report->n_bytes >= n_bytes)
                return OK;
        }
        progress_set(progress, report->n_bytes);
    }
}

Err synth_write(SynthReport *report, const SynthOptions *options, int64_t n_bytes, const char *path)
{
    double start = clock_seconds();
    *report = (SynthReport){0};
    DocumentWriter *writer;
    TRY(document_writer_open(&writer, path));
    Round *round = mem_alloc(sizeof *round);
    round->options = options;
    for (int i = 0; i < N_GROUPS; i++)
        round->arenas[i] = arena_new();
    Progress *progress = progress_new("synth", n_bytes, "B");
    Err err = synth_write_rounds(report, round, n_bytes, writer, progress);
    progress_free(progress);
    for (int i = 0; i < N_GROUPS; i++)
        arena_free(round->arenas[i]);
    free(round);
    if (err == OK)
        err = document_writer_commit(writer);
    else
        document_writer_abort(writer);
    report->seconds = clock_seconds() - start;
    return err;
}
