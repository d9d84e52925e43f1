/* run_log.c - appending lines, and cutting a log back to a step. */
#include "learn/train/run_log.h"

#include "base/arena.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct RunLog {
    int fd;
    char *path;
    int64_t n_rollbacks;
    JsonWriter *json;
};

typedef struct {
    int64_t rollbacks, step;  /* step -1: not a record */
} LinePlace;

static LinePlace line_place(const char *path, const char *line, size_t n_bytes)
{
    const LinePlace none = {0, -1};
    LinePlace place = none;
    JsonReader json;
    JsonText key;
    json_reader_init(&json, path, line, n_bytes);
    if (json_object_begin(&json) != OK)
        return none;
    while (json_object_next(&json, &key)) {
        int64_t *number = json_text_is(key, "step") ? &place.step : json_text_is(key, "rollbacks") ? &place.rollbacks : NULL;
        if ((number ? json_int(&json, number) : json_skip(&json)) != OK)
            return none;
    }
    return json_reader_end(&json) == OK ? place : none;
}

static bool is_after(LinePlace a, LinePlace b)
{
    return a.rollbacks > b.rollbacks || (a.rollbacks == b.rollbacks && a.step > b.step);
}

/* Bytes of the leading lines that stand no later than `last`. */
static size_t kept_bytes(const char *path, const char *bytes, size_t n_bytes, LinePlace last)
{
    size_t kept = 0;
    while (kept < n_bytes) {
        const char *end = memchr(bytes + kept, '\n', n_bytes - kept);
        if (!end)
            break;
        LinePlace place = line_place(path, bytes + kept, (size_t)(end - bytes) - kept);
        if (place.step < 0 || is_after(place, last))
            break;
        kept = (size_t)(end - bytes) + 1;
    }
    return kept;
}

Err run_log_open(RunLog **out, const char *path, int64_t last_step, int64_t n_rollbacks)
{
    *out = NULL;
    size_t keep = 0;
    if (last_step >= 0 && file_exists(path)) {
        Arena *arena = arena_new();
        const char *bytes;
        size_t n_bytes;
        Err err = file_read(&bytes, &n_bytes, arena, path);
        if (err == OK)
            keep = kept_bytes(path, bytes, n_bytes, (LinePlace){n_rollbacks, last_step});
        arena_free(arena);
        TRY(err);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, (off_t)keep) != 0 || lseek(fd, 0, SEEK_END) < 0) {
        Err err = err_set(ERR_IO, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return err;
    }
    RunLog *log = mem_alloc(sizeof *log);
    *log = (RunLog){.fd = fd, .path = mem_strdup(path), .n_rollbacks = n_rollbacks};
    *out = log;
    return OK;
}

void run_log_set_rollbacks(RunLog *log, int64_t n_rollbacks)
{
    log->n_rollbacks = n_rollbacks;
}

JsonWriter *run_log_begin(RunLog *log, int64_t step)
{
    log->json = json_writer_new(0);
    json_write_object_begin(log->json);
    json_field_int(log->json, "step", step);
    if (log->n_rollbacks > 0)
        json_field_int(log->json, "rollbacks", log->n_rollbacks);
    return log->json;
}

Err run_log_end(RunLog *log)
{
    json_write_object_end(log->json);
    size_t n_bytes;
    const char *text = json_writer_text(log->json, &n_bytes);
    char *line = mem_alloc(n_bytes + 1);
    memcpy(line, text, n_bytes);
    line[n_bytes] = '\n';
    ssize_t written = write(log->fd, line, n_bytes + 1);  /* one call: a line is whole or, on a full disk, cut and dropped on resume */
    free(line);
    json_writer_free(log->json);
    log->json = NULL;
    return written == (ssize_t)n_bytes + 1 ? OK : err_set(ERR_IO, "%s: %s", log->path, strerror(errno));
}

Err run_log_sync(RunLog *log)
{
    return fsync(log->fd) == 0 ? OK : err_set(ERR_IO, "%s: %s", log->path, strerror(errno));
}

void run_log_close(RunLog *log)
{
    if (!log)
        return;
    close(log->fd);
    free(log->path);
    free(log);
}
