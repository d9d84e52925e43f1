/* word_spill.c - see word_spill.h. A run: RunHead, then for each word its count (i64), its length (u32) and its bytes; little-endian. */
#include "text/tokenizer/word_spill.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct {
    uint64_t magic, identity;
    WordSpillPlace place;
    int64_t n_words;
} RunHead;
enum { RUN_WORD_BYTES = sizeof(int64_t) + sizeof(uint32_t), DROP_BYTES = 1 << 20 };
static const uint64_t run_magic = 0x31534452574B494Au;  /* JIKWRDS1 */

struct WordSpill {
    char *dir;
    uint64_t identity;
    int n_runs;
};

static char *run_path(const WordSpill *spill, Arena *arena, int run)
{
    return arena_printf(arena, "%s/run-%06d.words", spill->dir, run);
}

static Err read_head(const WordSpill *spill, const char *path, RunHead *head)
{
    FileMap map = {0};
    TRY(file_map(&map, path));
    size_t n_bytes = map.n_bytes;
    bool whole = n_bytes >= sizeof *head;
    if (whole)
        memcpy(head, map.bytes, sizeof *head);
    file_unmap(&map);
    if (!whole || head->magic != run_magic)
        return err_set(ERR_FORMAT, "%s: not a run of counted words", path);
    if (head->n_words < 0 || head->n_words > (int64_t)(n_bytes / RUN_WORD_BYTES))
        return err_set(ERR_FORMAT, "%s: %lld words in %zu bytes", path, (long long)head->n_words, n_bytes);
    if (head->identity != spill->identity)
        return err_set(ERR_USAGE, "%s: counted under other settings; remove the folder to begin anew", path);
    return OK;
}

Err word_spill_open(WordSpill **out, const char *dir, uint64_t identity, WordSpillPlace *place)
{
    TRY(file_make_dirs(dir));
    WordSpill *spill = mem_alloc(sizeof *spill);
    spill->dir = mem_strdup(dir);
    spill->identity = identity;
    *place = (WordSpillPlace){0};
    Arena *arena = arena_new();
    Err err = OK;
    RunHead head;
    for (; err == OK && file_exists(run_path(spill, arena, spill->n_runs)); spill->n_runs++) {
        err = read_head(spill, run_path(spill, arena, spill->n_runs), &head);
        if (err == OK)
            *place = head.place;
    }
    arena_free(arena);
    if (err == OK)
        *out = spill;
    else
        word_spill_free(spill);
    return err;
}

void word_spill_free(WordSpill *spill)
{
    if (!spill)
        return;
    free(spill->dir);
    free(spill);
}

int word_spill_n_runs(const WordSpill *spill)
{
    return spill->n_runs;
}

Err word_spill_write(WordSpill *spill, const WordCounts *counts, WordSpillPlace place)
{
    Arena *arena = arena_new();
    FileWriter *writer = NULL;
    Err err = file_writer_open(&writer, run_path(spill, arena, spill->n_runs));
    arena_free(arena);
    TRY(err);
    RunHead head = {run_magic, spill->identity, place, counts->n};
    file_writer_write(writer, &head, sizeof head);
    for (int64_t w = 0; w < counts->n; w++) {
        const Word *word = &counts->words[w];
        file_writer_write(writer, &word->count, sizeof word->count);
        file_writer_write(writer, &word->n_bytes, sizeof word->n_bytes);
        file_writer_write(writer, counts->pool + word->offset, word->n_bytes);
    }
    TRY(file_writer_commit(writer));
    spill->n_runs++;
    return OK;
}

/* A run while it is read. */
typedef struct {
    FileMap map;
    size_t at, dropped;
    int64_t n_left, count;
    const char *bytes;  /* of the present word; NULL behind the last */
    uint32_t n_bytes;
} Run;

static Err run_next(Run *run, int number)
{
    run->bytes = NULL;
    if (run->n_left-- == 0)
        return OK;
    size_t n_rest = run->map.n_bytes - run->at;
    const unsigned char *at = run->map.bytes + run->at;
    if (n_rest >= RUN_WORD_BYTES) {
        memcpy(&run->count, at, sizeof run->count);
        memcpy(&run->n_bytes, at + sizeof run->count, sizeof run->n_bytes);
    }
    if (n_rest < RUN_WORD_BYTES || run->n_bytes > n_rest - RUN_WORD_BYTES)
        return err_set(ERR_FORMAT, "run %d of counted words ends in the middle of one", number);
    if (run->count < 1)
        return err_set(ERR_FORMAT, "run %d of counted words: a count of %lld at byte %zu", number, (long long)run->count, run->at);
    run->bytes = (const char *)at + RUN_WORD_BYTES;
    run->at += RUN_WORD_BYTES + run->n_bytes;
    return OK;
}

static int order(const Run *a, const Run *b)
{
    uint32_t n = a->n_bytes < b->n_bytes ? a->n_bytes : b->n_bytes;
    int bytes = memcmp(a->bytes, b->bytes, n);
    return bytes ? bytes : (a->n_bytes > b->n_bytes) - (a->n_bytes < b->n_bytes);
}

static Err open_runs(const WordSpill *spill, Run *runs)
{
    Arena *arena = arena_new();
    Err err = OK;
    for (int r = 0; r < spill->n_runs && err == OK; r++) {
        RunHead head;
        err = read_head(spill, run_path(spill, arena, r), &head);
        if (err == OK)
            err = file_map(&runs[r].map, run_path(spill, arena, r));
        if (err != OK)
            break;
        runs[r].at = sizeof head;
        runs[r].n_left = head.n_words;
        err = run_next(&runs[r], r);
    }
    arena_free(arena);
    return err;
}

/* Lets go of the pages that were read. */
static void drop_read(Run *run)
{
    size_t done = run->at / DROP_BYTES * DROP_BYTES;
    if (done <= run->dropped)
        return;
    madvise((void *)(uintptr_t)(run->map.bytes + run->dropped), done - run->dropped, MADV_DONTNEED);
    run->dropped = done;
}

/* The least of the runs' present words is shown with its counts added up, and those runs go on. */
static Err show_least(Run *runs, int n_runs, const Run *least, WordVisitor visit, void *context)
{
    Run word = *least;
    int64_t count = 0;
    for (int r = 0; r < n_runs; r++)
        if (runs[r].bytes && order(&runs[r], &word) == 0 && __builtin_add_overflow(count, runs[r].count, &count))
            return err_set(ERR_FORMAT, "a count of words is beyond 2^63");
    TRY(visit(context, word.bytes, word.n_bytes, count));
    for (int r = 0; r < n_runs; r++)
        if (runs[r].bytes && order(&runs[r], &word) == 0) {
            TRY(run_next(&runs[r], r));
            drop_read(&runs[r]);
        }
    return OK;
}

Err word_spill_each(const WordSpill *spill, WordVisitor visit, void *context)
{
    Run *runs = mem_alloc((size_t)spill->n_runs * sizeof *runs);
    Err err = open_runs(spill, runs);
    while (err == OK) {
        const Run *least = NULL;
        for (int r = 0; r < spill->n_runs; r++)
            if (runs[r].bytes && (!least || order(&runs[r], least) < 0))
                least = &runs[r];
        if (!least)
            break;
        err = show_least(runs, spill->n_runs, least, visit, context);
    }
    for (int r = 0; r < spill->n_runs; r++)
        file_unmap(&runs[r].map);
    free(runs);
    return err;
}
