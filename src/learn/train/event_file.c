/* event_file.c - events as protobuf, framed as TFRecords. */
#include "learn/train/event_file.h"

#include "base/arena.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/protobuf.h"
#include "base/wtf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct EventFile {
    int fd;
    char *path;
    Protobuf event, summary, value, part, shape;  /* kept between events: their memory is reused */
};

/* ---- records ---- */

/* A check of a check, so that a record that holds records is not taken for its own frame (record_writer). */
static uint32_t masked(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

static void put_little(unsigned char *at, uint64_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* One write: a reader that watches the file, or a kill, sees whole records or a last one that is cut and ignored. */
static Err append_record(EventFile *file, const Protobuf *event)
{
    unsigned char head[12], tail[4];
    put_little(head, event->n_bytes, 8);
    put_little(head + 8, masked(crc32c(head, 8)), 4);
    put_little(tail, masked(crc32c(event->bytes, event->n_bytes)), 4);
    size_t n_bytes = sizeof head + event->n_bytes + sizeof tail;
    unsigned char *bytes = mem_alloc(n_bytes);
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof head, event->bytes, event->n_bytes);
    memcpy(bytes + sizeof head + event->n_bytes, tail, sizeof tail);
    ssize_t written = write(file->fd, bytes, n_bytes);
    free(bytes);
    return written == (ssize_t)n_bytes ? OK : err_set(ERR_IO, "%s: %s", file->path, strerror(errno));
}

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- events (field numbers: event.proto, summary.proto, tensor.proto) ---- */

enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5, EVENT_SESSION_LOG = 7 };
enum { SESSION_STATUS = 1, SESSION_START = 1 };
enum { SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_HISTO = 5, VALUE_TENSOR = 8, VALUE_METADATA = 9 };
enum { METADATA_PLUGIN = 1, PLUGIN_NAME = 1 };
enum { TENSOR_DTYPE = 1, TENSOR_SHAPE = 2, TENSOR_STRING = 8, DTYPE_STRING = 7, SHAPE_DIM = 2, DIM_SIZE = 1 };
enum { HISTO_MIN = 1, HISTO_MAX, HISTO_NUM, HISTO_SUM, HISTO_SUM_SQUARES, HISTO_LIMITS, HISTO_COUNTS };

static void event_begin(EventFile *file, int64_t step)
{
    protobuf_clear(&file->event);
    protobuf_double(&file->event, EVENT_WALL_TIME, wall_seconds());
    protobuf_int(&file->event, EVENT_STEP, step);
}

static void value_begin(EventFile *file, const char *name)
{
    protobuf_clear(&file->value);
    protobuf_text(&file->value, VALUE_TAG, name);
}

/* Puts the value into an event of this step and appends it. */
static Err value_end(EventFile *file, int64_t step)
{
    protobuf_clear(&file->summary);
    protobuf_message(&file->summary, SUMMARY_VALUE, &file->value);
    event_begin(file, step);
    protobuf_message(&file->event, EVENT_SUMMARY, &file->summary);
    return append_record(file, &file->event);
}

Err event_file_scalar(EventFile *file, int64_t step, const char *name, double value)
{
    value_begin(file, name);
    protobuf_float(&file->value, VALUE_SIMPLE, (float)value);
    return value_end(file, step);
}

/* Every line four blanks in, which Markdown shows as it stands. */
static char *indented(const char *text, size_t *n_bytes)
{
    char *out = NULL;
    FILE *stream = open_memstream(&out, n_bytes);
    const unsigned char *p = (const unsigned char *)text, *stop = p + strlen(text);
    fputs("    ", stream);
    while (p < stop) {
        int length = wtf8_length(p, (size_t)(stop - p)), n = length < 0 ? -length : length;
        if (length < 0 || wtf8_is_surrogate(p, length))
            fputs("\xEF\xBF\xBD", stream);
        else
            fwrite(p, 1, (size_t)n, stream);
        if (*p == '\n')
            fputs("    ", stream);
        p += n;
    }
    fclose(stream);
    return out;
}

Err event_file_text(EventFile *file, int64_t step, const char *name, const char *text)
{
    size_t n_bytes;
    char *shown = indented(text, &n_bytes);
    value_begin(file, name);
    protobuf_int(&file->part, TENSOR_DTYPE, DTYPE_STRING);
    protobuf_int(&file->summary, DIM_SIZE, 1);
    protobuf_message(&file->shape, SHAPE_DIM, &file->summary);
    protobuf_message(&file->part, TENSOR_SHAPE, &file->shape);
    protobuf_bytes(&file->part, TENSOR_STRING, shown, n_bytes);
    protobuf_message(&file->value, VALUE_TENSOR, &file->part);
    free(shown);
    protobuf_text(&file->shape, PLUGIN_NAME, "text");
    protobuf_message(&file->part, METADATA_PLUGIN, &file->shape);
    protobuf_message(&file->value, VALUE_METADATA, &file->part);
    return value_end(file, step);
}

Err event_file_histogram(EventFile *file, int64_t step, const char *name, const EventHistogram *histogram)
{
    double limits[EVENT_HISTOGRAM_BUCKETS], counts[EVENT_HISTOGRAM_BUCKETS];
    EventHistogramSums sums = event_histogram_sums(histogram);
    size_t n = event_histogram_buckets(histogram, limits, counts);
    value_begin(file, name);
    protobuf_double(&file->part, HISTO_MIN, sums.min);
    protobuf_double(&file->part, HISTO_MAX, sums.max);
    protobuf_double(&file->part, HISTO_NUM, sums.n);
    protobuf_double(&file->part, HISTO_SUM, sums.sum);
    protobuf_double(&file->part, HISTO_SUM_SQUARES, sums.sum_squares);
    protobuf_doubles(&file->part, HISTO_LIMITS, limits, n);
    protobuf_doubles(&file->part, HISTO_COUNTS, counts, n);
    protobuf_message(&file->value, VALUE_HISTO, &file->part);
    return value_end(file, step);
}

/* ---- the file ---- */

static Err write_opening(EventFile *file, int64_t first_step)
{
    event_begin(file, 0);
    protobuf_text(&file->event, EVENT_FILE_VERSION, "brain.Event:2");
    TRY(append_record(file, &file->event));
    if (first_step <= 0)
        return OK;
    event_begin(file, first_step);
    protobuf_int(&file->part, SESSION_STATUS, SESSION_START);
    protobuf_message(&file->event, EVENT_SESSION_LOG, &file->part);
    return append_record(file, &file->event);
}

Err event_file_open(EventFile **out, const char *dir, int64_t first_step)
{
    *out = NULL;
    TRY(file_make_dirs(dir));
    EventFile *file = mem_alloc(sizeof *file);
    Arena *arena = arena_new();
    /* TensorBoard orders the files of a run by name, so by these seconds; the process tells apart two within one. */
    file->path = mem_strdup(arena_printf(arena, "%s/events.out.tfevents.%010lld.jikji.%d", dir, (long long)wall_seconds(), (int)getpid()));
    arena_free(arena);
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    Err err = file->fd >= 0 ? write_opening(file, first_step) : err_set(ERR_IO, "%s: %s", file->path, strerror(errno));
    if (err != OK) {
        event_file_close(file);
        return err;
    }
    *out = file;
    return OK;
}

void event_file_close(EventFile *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    Protobuf *messages[] = {&file->event, &file->summary, &file->value, &file->part, &file->shape};
    for (int i = 0; i < 5; i++)
        protobuf_free(messages[i]);
    free(file->path);
    free(file);
}
