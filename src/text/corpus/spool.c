/* spool.c - each record is its length and its bytes, through stdio's buffer. */
#include "text/corpus/spool.h"

#include "base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 16 };

struct Spool {
    FILE *file;
    char *folder;
    char *record;
    size_t room;
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
    spool->file = fdopen(fd, "w+b");
    setvbuf(spool->file, NULL, _IOFBF, BUFFER_BYTES);
    spool->folder = mem_strdup(folder);
    *out = spool;
    return OK;
}

void spool_free(Spool *spool)
{
    if (!spool)
        return;
    fclose(spool->file);
    free(spool->folder);
    free(spool->record);
    free(spool);
}

Err spool_add(Spool *spool, const void *bytes, size_t n_bytes)
{
    uint64_t length = n_bytes;
    spool->n++;
    spool->n_bytes += (int64_t)n_bytes;
    if (fwrite(&length, sizeof length, 1, spool->file) != 1 || (n_bytes > 0 && fwrite(bytes, n_bytes, 1, spool->file) != 1))
        return spool_fail(spool, "cannot write a temporary file");
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
    if (fflush(spool->file) != 0 || fseek(spool->file, 0, SEEK_SET) != 0)
        return spool_fail(spool, "cannot write a temporary file");
    return OK;
}

bool spool_next(Spool *spool, const void **bytes, size_t *n_bytes, Err *err)
{
    uint64_t length;
    *err = OK;
    if (fread(&length, sizeof length, 1, spool->file) != 1) {
        if (ferror(spool->file))
            *err = spool_fail(spool, "cannot read a temporary file");
        return false;
    }
    if (length > spool->room) {
        spool->room = length + length / 2;
        spool->record = mem_realloc(spool->record, spool->room);
    }
    if (length > 0 && fread(spool->record, length, 1, spool->file) != 1) {
        *err = spool_fail(spool, "cannot read a temporary file");
        return false;
    }
    *bytes = length > 0 ? spool->record : "";
    *n_bytes = length;
    return true;
}
