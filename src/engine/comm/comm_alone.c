/* comm_alone.c - the group of one: nobody to wait for, nothing to send. */
#include "engine/comm/comm_internal.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A group of one has no state; its link is only not NULL. */
static char nothing;

Err comm_alone_open(void **link)
{
    *link = &nothing;
    return OK;
}

static int alone_rank(const void *link)
{
    (void)link;
    return 0;
}

static int alone_size(const void *link)
{
    (void)link;
    return 1;
}

static Err alone_barrier(void *link)
{
    (void)link;
    return OK;
}

static Err alone_broadcast(void *link, void *bytes, int64_t n_bytes, int root)
{
    (void)link, (void)bytes, (void)n_bytes, (void)root;
    return OK;
}

static Err alone_exchange(void *link, const CommPiece *pieces)
{
    (void)link, (void)pieces;
    return OK;
}

static Err alone_split(void **part, void *link, int colour, int key)
{
    (void)key;
    *part = colour < 0 ? NULL : link;
    return OK;
}

static void alone_close(void *link)
{
    (void)link;
}

__attribute__((noreturn)) static void alone_abort(void *link, int exit_code)
{
    (void)link;
    fprintf(stderr, "jikji: %s\n", err_message());
    fflush(NULL);
    _exit(exit_code);  /* as MPI_Abort: no handler of exit runs in a process that has lost its way */
}

static Err alone_counter_new(void **counter, void *link)
{
    (void)link;
    *counter = mem_alloc(sizeof(int64_t));
    return OK;
}

static Err alone_counter_take(int64_t *first, void *counter, int64_t n)
{
    int64_t *next = counter;
    *first = *next;
    *next += n;
    return OK;
}

/* No send and recv: there is no peer to name. */
const CommBackend comm_alone_backend = {
    .name = "alone",
    .rank = alone_rank,
    .size = alone_size,
    .barrier = alone_barrier,
    .broadcast = alone_broadcast,
    .exchange = alone_exchange,
    .split = alone_split,
    .close = alone_close,
    .abort = alone_abort,
    .counter_new = alone_counter_new,
    .counter_take = alone_counter_take,
    .counter_free = free,
};
