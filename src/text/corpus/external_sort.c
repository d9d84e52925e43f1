/* external_sort.c - multikey quicksort for runs (Bentley & Sedgewick 1997), a heap for merging them. */
#include "text/corpus/external_sort.h"

#include "base/arena.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS_MIN = 1000, RUN_BUFFER_BYTES_MIN = 1 << 15, INSERTION_MAX = 12 };

typedef struct {
    int64_t begin, n;  /* records in the file; those not yet in the buffer */
    uint64_t *buffer;
    int64_t at, end;   /* records of the buffer */
} Run;

struct ExternalSort {
    int n_words;
    int64_t room, n, n_total;  /* records of the buffer, and all */
    uint64_t *buffer;
    char *folder;
    int fd;  /* of the runs; -1: none */
    int64_t *run_sizes;
    int64_t n_runs, n_runs_max;
    bool is_reading;
    int64_t at;   /* in memory: the next record */
    Run *heap;    /* the runs being merged, the one with the smallest record first */
    int64_t n_heap;
};

static int compare_records(const uint64_t *a, const uint64_t *b, int n_words)
{
    for (int i = 0; i < n_words; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* Sorting in place: quicksort that parts records by one word into smaller, equal, larger, and goes on with the next word among the equal. */

static void swap_records(uint64_t *a, uint64_t *b, int n_words)
{
    for (int i = 0; i < n_words; i++) {
        uint64_t t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

static void insertion_sort(uint64_t *records, int64_t n, int n_words)
{
    for (int64_t i = 1; i < n; i++)
        for (int64_t k = i; k > 0 && compare_records(records + (k - 1) * n_words, records + k * n_words, n_words) > 0; k--)
            swap_records(records + (k - 1) * n_words, records + k * n_words, n_words);
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

static void sort_records(uint64_t *records, int64_t n, int n_words, int word)
{
    while (n > INSERTION_MAX && word < n_words) {
        uint64_t pivot = median(records[word], records[n / 2 * n_words + word], records[(n - 1) * n_words + word]);
        int64_t less = 0, more = n;
        for (int64_t i = 0; i < more;) {
            uint64_t value = records[i * n_words + word];
            if (value < pivot)
                swap_records(records + less++ * n_words, records + i++ * n_words, n_words);
            else if (value > pivot)
                swap_records(records + --more * n_words, records + i * n_words, n_words);
            else
                i++;
        }
        sort_records(records, less, n_words, word);
        sort_records(records + less * n_words, more - less, n_words, word + 1);
        records += more * n_words;
        n -= more;
    }
    if (word < n_words)
        insertion_sort(records, n, n_words);
}

/* Runs. */

ExternalSort *external_sort_new(int n_words, int64_t memory_bytes, const char *folder)
{
    assert(n_words >= 1 && n_words <= EXTERNAL_SORT_WORDS_MAX);
    ExternalSort *sort = mem_alloc(sizeof *sort);
    sort->n_words = n_words;
    sort->room = memory_bytes / (int64_t)sizeof(uint64_t) / n_words;
    if (sort->room < RECORDS_MIN)
        sort->room = RECORDS_MIN;
    sort->folder = mem_strdup(folder);
    sort->fd = -1;
    return sort;
}

static void heap_free(ExternalSort *sort)
{
    for (int64_t i = 0; i < sort->n_heap; i++)
        free(sort->heap[i].buffer);
    free(sort->heap);
    sort->heap = NULL;
    sort->n_heap = 0;
}

void external_sort_free(ExternalSort *sort)
{
    if (!sort)
        return;
    heap_free(sort);
    if (sort->fd >= 0)
        close(sort->fd);
    free(sort->buffer);
    free(sort->run_sizes);
    free(sort->folder);
    free(sort);
}

static size_t record_bytes(const ExternalSort *sort)
{
    return (size_t)sort->n_words * sizeof(uint64_t);
}

static Err open_file(ExternalSort *sort, int *fd)
{
    char name[4096];
    snprintf(name, sizeof name, "%s/sort-XXXXXX", sort->folder);
    *fd = mkstemp(name);
    if (*fd < 0)
        return err_set(ERR_IO, "%s: no temporary file: %s", sort->folder, strerror(errno));
    unlink(name);
    return OK;
}

static Err write_all(const ExternalSort *sort, int fd, const void *bytes, size_t n_bytes)
{
    for (const char *at = bytes; n_bytes > 0;) {
        ssize_t n = write(fd, at, n_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(ERR_IO, "%s: cannot write a temporary file: %s", sort->folder, strerror(errno));
        at += n;
        n_bytes -= (size_t)n;
    }
    return OK;
}

static void add_run(ExternalSort *sort, int64_t n)
{
    if (sort->n_runs == sort->n_runs_max) {
        sort->n_runs_max = 2 * sort->n_runs_max + 64;
        sort->run_sizes = mem_realloc(sort->run_sizes, (size_t)sort->n_runs_max * sizeof *sort->run_sizes);
    }
    sort->run_sizes[sort->n_runs++] = n;
}

static Err write_run(ExternalSort *sort)
{
    if (sort->fd < 0)
        TRY(open_file(sort, &sort->fd));
    sort_records(sort->buffer, sort->n, sort->n_words, 0);
    TRY(write_all(sort, sort->fd, sort->buffer, (size_t)sort->n * record_bytes(sort)));
    add_run(sort, sort->n);
    sort->n = 0;
    return OK;
}

Err external_sort_add(ExternalSort *sort, const uint64_t *record)
{
    assert(!sort->is_reading);
    if (!sort->buffer)
        sort->buffer = mem_alloc((size_t)sort->room * record_bytes(sort));
    if (sort->n == sort->room)
        TRY(write_run(sort));
    memcpy(sort->buffer + sort->n * sort->n_words, record, record_bytes(sort));
    sort->n++;
    sort->n_total++;
    return OK;
}

/* Merging. */

static Err run_fill(const ExternalSort *sort, Run *run, int64_t room)
{
    int64_t n = run->n < room ? run->n : room;
    char *at = (char *)run->buffer;
    size_t n_left = (size_t)n * record_bytes(sort);
    off_t offset = (off_t)run->begin * (off_t)record_bytes(sort);
    while (n_left > 0) {
        ssize_t got = pread(sort->fd, at, n_left, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(ERR_IO, "%s: cannot read a temporary file: %s", sort->folder, got < 0 ? strerror(errno) : "it ends early");
        at += got, offset += got, n_left -= (size_t)got;
    }
    run->begin += n;
    run->n -= n;
    run->at = 0;
    run->end = n;
    return OK;
}

static bool run_is_less(const ExternalSort *sort, const Run *a, const Run *b)
{
    return compare_records(a->buffer + a->at * sort->n_words, b->buffer + b->at * sort->n_words, sort->n_words) < 0;
}

static void heap_down(ExternalSort *sort, int64_t i)
{
    for (;;) {
        int64_t least = i;
        for (int64_t child = 2 * i + 1; child <= 2 * i + 2 && child < sort->n_heap; child++)
            if (run_is_less(sort, &sort->heap[child], &sort->heap[least]))
                least = child;
        if (least == i)
            return;
        Run t = sort->heap[i];
        sort->heap[i] = sort->heap[least];
        sort->heap[least] = t;
        i = least;
    }
}

/* Records of a run's buffer when k runs share the memory. */
static int64_t run_room(const ExternalSort *sort, int64_t k)
{
    int64_t n = sort->room / (k > 0 ? k : 1), least = RUN_BUFFER_BYTES_MIN / (int64_t)record_bytes(sort);
    return n > least ? n : least;
}

/* The heap over runs [first, first + n), the first of which begins at record `begin`. */
static Err heap_open(ExternalSort *sort, int64_t first, int64_t n, int64_t begin)
{
    heap_free(sort);
    sort->heap = mem_alloc((size_t)n * sizeof *sort->heap + 1);
    for (int64_t i = 0; i < n; i++) {
        Run *run = &sort->heap[sort->n_heap++];
        *run = (Run){.begin = begin, .n = sort->run_sizes[first + i]};
        run->buffer = mem_alloc((size_t)run_room(sort, n) * record_bytes(sort));
        begin += run->n;
        TRY(run_fill(sort, run, run_room(sort, n)));
    }
    for (int64_t i = sort->n_heap / 2 - 1; i >= 0; i--)
        heap_down(sort, i);
    return OK;
}

static bool heap_next(ExternalSort *sort, uint64_t *record, int64_t n_merged, Err *err)
{
    *err = OK;
    if (sort->n_heap == 0)
        return false;
    Run *run = &sort->heap[0];
    memcpy(record, run->buffer + run->at * sort->n_words, record_bytes(sort));
    run->at++;
    if (run->at == run->end && run->n > 0 && (*err = run_fill(sort, run, run_room(sort, n_merged))) != OK)
        return false;
    if (run->at == run->end) {
        free(run->buffer);
        *run = sort->heap[--sort->n_heap];
    }
    heap_down(sort, 0);
    return true;
}

/* Merges groups of runs into one each, until as few are left as buffers fit. */
static Err merge_level(ExternalSort *sort, int64_t fan)
{
    int fd;
    int64_t n_runs = sort->n_runs, *sizes = sort->run_sizes, begin = 0;
    TRY(open_file(sort, &fd));
    int64_t n_out = 0, *merged = mem_alloc((size_t)(n_runs / fan + 1) * sizeof *merged);
    uint64_t *out = mem_alloc(RUN_BUFFER_BYTES_MIN);
    int64_t out_room = RUN_BUFFER_BYTES_MIN / (int64_t)record_bytes(sort);
    Err err = OK;
    for (int64_t first = 0; first < n_runs && err == OK; first += fan) {
        int64_t n = n_runs - first < fan ? n_runs - first : fan, total = 0, n_buffered = 0;
        for (int64_t i = 0; i < n; i++)
            total += sizes[first + i];
        err = heap_open(sort, first, n, begin);
        while (err == OK && heap_next(sort, out + n_buffered * sort->n_words, n, &err))
            if (++n_buffered == out_room) {
                err = write_all(sort, fd, out, (size_t)n_buffered * record_bytes(sort));
                n_buffered = 0;
            }
        if (err == OK)
            err = write_all(sort, fd, out, (size_t)n_buffered * record_bytes(sort));
        begin += total;
        merged[n_out++] = total;
    }
    free(out);
    close(sort->fd);
    free(sort->run_sizes);
    sort->fd = fd;
    sort->run_sizes = merged;
    sort->n_runs = n_out;
    sort->n_runs_max = n_runs / fan + 1;
    return err;
}

Err external_sort_begin(ExternalSort *sort)
{
    if (!sort->is_reading && sort->n_runs == 0)
        sort_records(sort->buffer, sort->n, sort->n_words, 0);
    if (!sort->is_reading && sort->n_runs > 0) {
        if (sort->n > 0)
            TRY(write_run(sort));
        free(sort->buffer);
        sort->buffer = NULL;
    }
    sort->is_reading = true;
    sort->at = 0;
    int64_t fan = sort->room * (int64_t)record_bytes(sort) / RUN_BUFFER_BYTES_MIN;
    fan = fan > 8 ? fan : 8;
    while (sort->n_runs > fan)
        TRY(merge_level(sort, fan));
    return sort->n_runs > 0 ? heap_open(sort, 0, sort->n_runs, 0) : OK;
}

bool external_sort_next(ExternalSort *sort, uint64_t *record, Err *err)
{
    assert(sort->is_reading);
    if (sort->n_runs > 0)
        return heap_next(sort, record, sort->n_runs, err);
    *err = OK;
    if (sort->at == sort->n)
        return false;
    memcpy(record, sort->buffer + sort->at++ * sort->n_words, record_bytes(sort));
    return true;
}

int64_t external_sort_n(const ExternalSort *sort)
{
    return sort->n_total;
}

int64_t external_sort_n_runs(const ExternalSort *sort)
{
    return sort->n_runs;
}
