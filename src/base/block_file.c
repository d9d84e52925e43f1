/* block_file.c - a queue of requests, and the thread that serves them in turn. */
#include "base/block_file.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096 };

typedef struct {
    int64_t offset, size;  /* in the file */
    char *bytes;           /* of the request under way */
    size_t n_bytes;
    bool is_write, busy;
} Block;

struct BlockFile {
    Block *blocks;
    int n_blocks, capacity;
    int64_t file_bytes;
    char *dir;
    int fd;
    bool running, ending;
    pthread_t thread;
    pthread_mutex_t lock;        /* of all below, and of the blocks' requests */
    pthread_cond_t asked, done;
    int *queue;                  /* [n_blocks] a ring of block numbers: each is in it at most once */
    int n_queued, first_queued;
    BlockFileUse use;
    bool failed;                 /* the first failure */
    int failed_errno;            /* 0: the file ended */
    Block failed_block;
};

BlockFile *block_file_new(void)
{
    BlockFile *f = mem_alloc(sizeof *f);
    f->fd = -1;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->asked, NULL);
    pthread_cond_init(&f->done, NULL);
    return f;
}

int block_file_add(BlockFile *f, int64_t n_bytes)
{
    assert(f->fd < 0 && n_bytes > 0);
    if (f->n_blocks == f->capacity) {
        f->capacity = 2 * f->capacity + 16;
        f->blocks = mem_realloc(f->blocks, (size_t)f->capacity * sizeof *f->blocks);
    }
    f->blocks[f->n_blocks] = (Block){.offset = f->file_bytes, .size = n_bytes};
    f->file_bytes += (n_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    return f->n_blocks++;
}

int64_t block_file_bytes(const BlockFile *f)
{
    return f->file_bytes;
}

/* ---- the thread ---- */

/* The whole of a request, however many pieces the system makes of it. False: errno says why, 0: the file ended. */
static bool transfer(int fd, const Block *block)
{
    for (size_t at = 0; at < block->n_bytes;) {
        off_t offset = (off_t)(block->offset + (int64_t)at);
        ssize_t n = block->is_write ? pwrite(fd, block->bytes + at, block->n_bytes - at, offset)
                                    : pread(fd, block->bytes + at, block->n_bytes - at, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = 0;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *serve(void *context)
{
    BlockFile *f = context;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        while (f->n_queued == 0 && !f->ending)
            pthread_cond_wait(&f->asked, &f->lock);
        if (f->n_queued == 0)
            break;
        Block *block = &f->blocks[f->queue[f->first_queued]];
        f->first_queued = (f->first_queued + 1) % f->n_blocks;
        f->n_queued--;
        pthread_mutex_unlock(&f->lock);
        bool ok = transfer(f->fd, block);
        int why = errno;
        pthread_mutex_lock(&f->lock);
        if (!ok && !f->failed) {
            f->failed = true;
            f->failed_errno = why;
            f->failed_block = *block;
        }
        f->use.busy_seconds = thread_seconds();
        *(block->is_write ? &f->use.written_bytes : &f->use.read_bytes) += (int64_t)block->n_bytes;
        block->busy = false;
        pthread_cond_broadcast(&f->done);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- opening ---- */

/* A file without a name; where the file system cannot make one, its name lives for a moment. */
static int open_nameless(const char *dir, Arena *arena)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd;
    char *path = arena_printf(arena, "%s/jikji-offload-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static Err open_file(BlockFile *f, Arena *arena)
{
    TRY(file_make_dirs(f->dir));
    f->fd = open_nameless(f->dir, arena);
    if (f->fd < 0)
        return err_set(ERR_IO, "%s: no file for activations can be made there: %s", f->dir, strerror(errno));
    struct statvfs space = {0};
    fstatvfs(f->fd, &space);
    int why = posix_fallocate(f->fd, 0, (off_t)f->file_bytes);
    if (why == 0)
        return OK;
    return err_set(ERR_IO, "%s: a file of %lld bytes is needed for activations, %lld are free there: %s", f->dir, (long long)f->file_bytes,
                   (long long)space.f_bavail * (long long)space.f_frsize, strerror(why));
}

Err block_file_open(BlockFile *f, const char *dir)
{
    assert(f->fd < 0);
    if (f->n_blocks == 0)
        return OK;
    f->dir = mem_strdup(dir);
    f->queue = mem_alloc((size_t)f->n_blocks * sizeof *f->queue);
    Arena *arena = arena_new();
    Err err = open_file(f, arena);
    arena_free(arena);
    TRY(err);
    int why = pthread_create(&f->thread, NULL, serve, f);
    if (why != 0)
        return err_set(ERR_IO, "%s: no thread for its file can be started: %s", dir, strerror(why));
    f->running = true;
    return OK;
}

void block_file_free(BlockFile *f)
{
    if (!f)
        return;
    if (f->running) {
        pthread_mutex_lock(&f->lock);
        f->ending = true;
        pthread_cond_signal(&f->asked);
        pthread_mutex_unlock(&f->lock);
        pthread_join(f->thread, NULL);
    }
    if (f->fd >= 0)
        close(f->fd);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->asked);
    pthread_cond_destroy(&f->done);
    free(f->blocks);
    free(f->queue);
    free(f->dir);
    free(f);
}

/* ---- requests ---- */

static void ask(BlockFile *f, int number, void *bytes, size_t n_bytes, bool is_write)
{
    Block *block = &f->blocks[number];
    assert(f->running && (int64_t)n_bytes <= block->size);
    pthread_mutex_lock(&f->lock);
    assert(!block->busy);
    block->bytes = bytes;
    block->n_bytes = n_bytes;
    block->is_write = is_write;
    block->busy = true;
    f->queue[(f->first_queued + f->n_queued++) % f->n_blocks] = number;
    pthread_cond_signal(&f->asked);
    pthread_mutex_unlock(&f->lock);
}

void block_file_write(BlockFile *f, int block, const void *bytes, size_t n_bytes)
{
    ask(f, block, (void *)(uintptr_t)bytes, n_bytes, true);
}

void block_file_read(BlockFile *f, int block, void *bytes, size_t n_bytes)
{
    ask(f, block, bytes, n_bytes, false);
}

void block_file_wait(BlockFile *f, int block)
{
    pthread_mutex_lock(&f->lock);
    if (f->blocks[block].busy) {
        double start = clock_seconds();
        while (f->blocks[block].busy)
            pthread_cond_wait(&f->done, &f->lock);
        f->use.waited_seconds += clock_seconds() - start;
    }
    pthread_mutex_unlock(&f->lock);
}

Err block_file_error(BlockFile *f)
{
    pthread_mutex_lock(&f->lock);
    bool failed = f->failed;
    Block block = f->failed_block;
    int why = f->failed_errno;
    pthread_mutex_unlock(&f->lock);
    if (!failed)
        return OK;
    return err_set(ERR_IO, "%s: %lld bytes of activations at offset %lld of their file cannot be %s: %s", f->dir, (long long)block.n_bytes,
                   (long long)block.offset, block.is_write ? "written" : "read", why ? strerror(why) : "the file ends before them");
}

BlockFileUse block_file_use(BlockFile *f)
{
    pthread_mutex_lock(&f->lock);
    BlockFileUse use = f->use;
    pthread_mutex_unlock(&f->lock);
    return use;
}
