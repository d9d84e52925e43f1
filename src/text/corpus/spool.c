/* spool.c - each record is its length and its bytes up to a multiple of 8, in one buffer before a file. Records are read where they stand in it. */
#include "text/corpus/spool.h"

#include "base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 17 };

struct Spool {
    int fd;
    char *folder;
    char *buffer;
    size_t at, end, room;  /* [at, end) is what waits: to be written from 0, or to be read */
    bool is_in_file, is_read;  /* some was written; all was, and is read */
    int64_t n, n_bytes;
};

static Err spool_fail(const Spool *spool, const char *what)
{
    return err_set(ERR_IO, "%s: %s: %s", spool->folder, what, strerror(errno));
}

Err spool_new(Spool **out, const char *folder)
{
    char name[4096];
    *out = NULL;
    snprintf(name, sizeof name, "%s/spool-XXXXXX", folder);
    int fd = mkstemp(name);
    if (fd < 0)
        return err_set(ERR_IO, "%s: no temporary file: %s", folder, strerror(errno));
    unlink(name);
    Spool *spool = mem_alloc(sizeof *spool);
    spool->fd = fd;
    spool->room = BUFFER_BYTES;
    spool->buffer = mem_alloc(spool->room);
    spool->folder = mem_strdup(folder);
    *out = spool;
    return OK;
}

void spool_free(Spool *spool)
{
    if (!spool)
        return;
    close(spool->fd);
    free(spool->folder);
    free(spool->buffer);
    free(spool);
}

static Err spool_write(Spool *spool, const char *bytes, size_t n_bytes)
{
    while (n_bytes > 0) {
        ssize_t n = write(spool->fd, bytes, n_bytes);
        if (n < 0 && errno != EINTR)
            return spool_fail(spool, "cannot write a temporary file");
        if (n > 0)
            bytes += n, n_bytes -= (size_t)n;
    }
    return OK;
}

static Err spool_flush(Spool *spool)
{
    size_t n = spool->end;
    spool->end = 0;
    spool->is_in_file = true;
    return spool_write(spool, spool->buffer, n);
}

static void spool_put(Spool *spool, const void *bytes, size_t n_bytes)
{
    if (n_bytes > 0)
        memcpy(spool->buffer + spool->end, bytes, n_bytes);
    spool->end += n_bytes;
}

Err spool_add(Spool *spool, const void *bytes, size_t n_bytes)
{
    static const char zeros[8];
    uint64_t length = n_bytes;
    size_t n_more = -n_bytes & 7;
    spool->n++;
    spool->n_bytes += (int64_t)n_bytes;
    if (spool->room - spool->end < sizeof length + sizeof zeros)
        TRY(spool_flush(spool));
    spool_put(spool, &length, sizeof length);
    if (spool->room - spool->end < n_bytes + n_more)
        TRY(spool_flush(spool));
    if (spool->room < n_bytes + n_more)
        TRY(spool_write(spool, bytes, n_bytes));
    else
        spool_put(spool, bytes, n_bytes);
    spool_put(spool, zeros, n_more);
    return OK;
}

int64_t spool_n(const Spool *spool)
{
    return spool->n;
}

int64_t spool_n_bytes(const Spool *spool)
{
    return spool->n_bytes;
}

Err spool_rewind(Spool *spool)
{
    spool->at = 0;
    if (!spool->is_in_file)  /* all of it is in the buffer */
        return OK;
    if (!spool->is_read)
        TRY(spool_flush(spool));
    spool->is_read = true;
    spool->end = 0;
    return lseek(spool->fd, 0, SEEK_SET) == 0 ? OK : spool_fail(spool, "cannot read a temporary file");
}

/* Are there n_bytes to read? *err says why not, if it is not the end. */
static bool spool_fill(Spool *spool, size_t n_bytes, Err *err)
{
    if (spool->end - spool->at >= n_bytes)
        return true;
    if (!spool->is_in_file)
        return false;
    memmove(spool->buffer, spool->buffer + spool->at, spool->end - spool->at);
    spool->end -= spool->at;
    spool->at = 0;
    if (n_bytes > spool->room) {
        spool->room = n_bytes + n_bytes / 2;
        spool->buffer = mem_realloc(spool->buffer, spool->room);
    }
    while (spool->end < n_bytes) {
        ssize_t n = read(spool->fd, spool->buffer + spool->end, spool->room - spool->end);
        if (n < 0 && errno != EINTR)
            *err = spool_fail(spool, "cannot read a temporary file");
        if (n == 0 || *err != OK)
            return false;
        spool->end += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool spool_next(Spool *spool, const void **bytes, size_t *n_bytes, Err *err)
{
    uint64_t length;
    *err = OK;
    if (!spool_fill(spool, sizeof length, err))
        return false;
    memcpy(&length, spool->buffer + spool->at, sizeof length);
    size_t n_taken = sizeof length + length + (-length & 7);
    if (!spool_fill(spool, n_taken, err)) {
        errno = EIO;  /* it breaks off, or that was said already */
        *err = *err == OK ? spool_fail(spool, "cannot read a temporary file") : *err;
        return false;
    }
    *bytes = spool->buffer + spool->at + sizeof length;
    *n_bytes = length;
    spool->at += n_taken;
    return true;
}
