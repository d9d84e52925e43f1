/* pipeline_split.c - which side of the split a text belongs to. By hash each text says it itself; by position a last stage with a first pass adds
 * up the bytes of all documents that stayed and tells each how many of its own lie before the cut. */
#include "text/corpus/hash.h"
#include "text/corpus/pipeline_internal.h"

#include <string.h>

static void split_look(void *context, Arena *arena, const StageDocument *document, const void **note, size_t *n_note_bytes)
{
    (void)context;
    int64_t *n_bytes = ARENA_NEW(arena, int64_t);
    *n_bytes = (int64_t)document->n_bytes;
    *note = n_bytes;
    *n_note_bytes = sizeof *n_bytes;
}

static Err sum_notes(Spool *notes, int64_t *sum)
{
    const void *note;
    size_t n;
    Err err;
    int64_t n_bytes;
    for (*sum = 0; spool_next(notes, &note, &n, &err); *sum += n_bytes)
        memcpy(&n_bytes, note, sizeof n_bytes);
    TRY(err);
    return spool_rewind(notes);
}

static Err split_decide(void *context, Spool *notes, Spool *verdicts, const StageRoom *room)
{
    const PipelineOptions *o = context;
    int64_t n_all, done = 0;
    (void)room;
    TRY(sum_notes(notes, &n_all));
    int64_t cut = (int64_t)((double)n_all * o->split);
    const void *note;
    size_t n;
    Err err;
    while (spool_next(notes, &note, &n, &err)) {
        int64_t n_bytes;
        memcpy(&n_bytes, note, sizeof n_bytes);
        int64_t n_train = cut - done < 0 ? 0 : cut - done < n_bytes ? cut - done : n_bytes;
        done += n_bytes;
        TRY(spool_add(verdicts, &n_train, sizeof n_train));
    }
    return err;
}

static void split_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    (void)context, (void)arena, (void)document, (void)result;
}

void pipeline_add_split(PipelineOptions *o, Arena *arena)
{
    int n = o->n_stages++;
    Stage *stages = ARENA_ARRAY(arena, Stage, n + 1);
    const char **settings = ARENA_ARRAY(arena, const char *, n + 1);
    int *versions = ARENA_ARRAY(arena, int, n + 1);
    for (int i = 0; i < n; i++)
        stages[i] = o->stages[i], settings[i] = o->settings[i], versions[i] = o->versions[i];
    stages[n] = (Stage){.name = "split", .context = o, .look = split_look, .decide = split_decide, .work = split_work};
    settings[n] = arena_printf(arena, "share: %.17g\n", o->split);
    versions[n] = 1;
    o->stages = stages, o->settings = settings, o->versions = versions;
}

size_t split_train_bytes(const PipelineOptions *o, const StageDocument *document, const void *verdict)
{
    if (o->split_by == SPLIT_BY_HASH) {
        /* The top 53 bits of the hash as a number in [0, 1): the side of a text never changes, copies of it stay together. */
        double place = (double)(hash64(document->text, document->n_bytes, 0x53504c49u) >> 11) * 0x1p-53;
        return place < o->split ? document->n_bytes : 0;
    }
    int64_t cut;
    memcpy(&cut, verdict, sizeof cut);
    size_t n = (size_t)cut;
    while (n > 0 && n < document->n_bytes && ((unsigned char)document->text[n] & 0xC0) == 0x80)
        n--;
    return n;
}
