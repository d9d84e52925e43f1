/* file_writer.c - the one way to write a file for keeps: beside the target, synced, renamed over it. A device or a pipe is written as it is: a
 * file in its place would be no device any more. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { BUFFER_BYTES = 1 << 18 };

struct FileWriter {
    char *path, *temporary;  /* the latter NULL: written in place */
    int fd;
    Err err;          /* the first failure; later writes do nothing */
    char *message;    /* of that failure: err_message() may be overwritten before commit reports it */
    int64_t offset;   /* bytes accepted, buffered ones included */
    XXH3_state_t *hash;
    size_t n_buffered;
    char buffer[BUFFER_BYTES];
};

static Err writer_fail(FileWriter *writer, const char *what)
{
    writer->err = err_set(ERR_IO, "%s: cannot %s: %s", writer->path, what, strerror(errno));
    writer->message = mem_strdup(err_message());
    return writer->err;
}

static Err writer_error(const FileWriter *writer)
{
    return writer->err == OK ? OK : err_set(writer->err, "%s", writer->message);
}

static bool is_written_in_place(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

Err file_writer_open(FileWriter **out, const char *path)
{
    FileWriter *writer = mem_alloc(sizeof *writer);
    writer->path = mem_strdup(path);
    if (!is_written_in_place(path)) {
        writer->temporary = mem_alloc(strlen(path) + 32);
        sprintf(writer->temporary, "%s.tmp-%d", path, (int)getpid());
    }
    writer->hash = XXH3_createState();
    XXH3_64bits_reset(writer->hash);
    writer->fd = writer->temporary ? open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : open(path, O_WRONLY | O_CLOEXEC);
    if (writer->fd < 0) {
        Err err = err_set(ERR_IO, "%s: cannot create: %s", path, strerror(errno));
        file_writer_abort(writer);
        return err;
    }
    *out = writer;
    return OK;
}

static Err writer_send(FileWriter *writer, const char *bytes, size_t n_bytes)
{
    while (n_bytes > 0) {
        ssize_t sent = write(writer->fd, bytes, n_bytes);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return writer_fail(writer, "write");
        bytes += sent;
        n_bytes -= (size_t)sent;
    }
    return OK;
}

static Err writer_flush(FileWriter *writer)
{
    size_t n_bytes = writer->n_buffered;
    writer->n_buffered = 0;
    return writer_send(writer, writer->buffer, n_bytes);
}

Err file_writer_write(FileWriter *writer, const void *bytes, size_t n_bytes)
{
    TRY(writer_error(writer));
    XXH3_64bits_update(writer->hash, bytes, n_bytes);
    writer->offset += (int64_t)n_bytes;
    if (n_bytes > BUFFER_BYTES - writer->n_buffered)
        TRY(writer_flush(writer));
    if (n_bytes > BUFFER_BYTES)
        return writer_send(writer, bytes, n_bytes);
    if (n_bytes > 0)
        memcpy(writer->buffer + writer->n_buffered, bytes, n_bytes);
    writer->n_buffered += n_bytes;
    return OK;
}

Err file_writer_printf(FileWriter *writer, const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        return err_set(ERR_MEMORY, "%s: no memory for a line", writer->path);
    Err err = file_writer_write(writer, text, (size_t)n);
    free(text);
    return err;
}

int64_t file_writer_offset(const FileWriter *writer)
{
    return writer->offset;
}

uint64_t file_writer_hash(const FileWriter *writer)
{
    return XXH3_64bits_digest(writer->hash);
}

static Err writer_finish(FileWriter *writer)
{
    TRY(writer_error(writer));
    TRY(writer_flush(writer));
    if (fsync(writer->fd) != 0 && errno != EINVAL)  /* EINVAL: a device or pipe that cannot sync */
        return writer_fail(writer, "sync");
    int fd = writer->fd;
    writer->fd = -1;
    if (close(fd) != 0)
        return writer_fail(writer, "close");
    return writer->temporary ? file_rename(writer->temporary, writer->path) : OK;
}

Err file_writer_commit(FileWriter *writer)
{
    Err err = writer_finish(writer);
    file_writer_abort(writer);  /* after a rename there is no temporary file left to remove */
    return err;
}

void file_writer_abort(FileWriter *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->temporary)
        unlink(writer->temporary);
    XXH3_freeState(writer->hash);
    free(writer->message);
    free(writer->temporary);
    free(writer->path);
    free(writer);
}

Err file_write(const char *path, const void *bytes, size_t n_bytes)
{
    FileWriter *writer;
    TRY(file_writer_open(&writer, path));
    Err err = file_writer_write(writer, bytes, n_bytes);
    if (err != OK) {
        file_writer_abort(writer);
        return err;
    }
    return file_writer_commit(writer);
}

uint64_t hash_bytes(const void *bytes, size_t n_bytes)
{
    return XXH3_64bits(bytes, n_bytes);
}
