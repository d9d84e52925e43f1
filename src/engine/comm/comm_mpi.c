/* comm_mpi.c - groups of MPI ranks (MPI 3.1, https://www.mpi-forum.org). The only file with mpi.h.
 *
 * MPI counts with int, so messages are cut at message_bytes_max; pieces of one pair and tag arrive in order. Errors come
 * back as codes (MPI_ERRORS_RETURN) and become ERR_COMM with MPI's own words. */
#include "engine/comm/comm_internal.h"

#include "base/arena.h"

#include <assert.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAG_COLLECTIVE = 0, TAG_FIRST = 1, MESSAGE_BYTES_MAX = 1 << 30 };

typedef struct {
    MPI_Comm comm;
    int rank, size;
    bool is_world;
    int message_bytes_max;
    MPI_Request *requests;  /* [2 * size], one exchange round */
    MPI_Status *statuses;
} Link;

static Err fail(const Link *l, const char *what, int code)
{
    char text[MPI_MAX_ERROR_STRING];
    int n;
    if (MPI_Error_string(code, text, &n) != MPI_SUCCESS)
        snprintf(text, sizeof text, "MPI error %d", code);
    return err_set(ERR_COMM, "rank %d of %d: %s: %s", l->rank, l->size, what, text);
}

#define TRY_MPI(l, what, call)                 \
    do {                                       \
        int code_ = (call);                    \
        if (code_ != MPI_SUCCESS)              \
            return fail((l), (what), code_);   \
    } while (0)

static Link *link_new(MPI_Comm comm, bool is_world)
{
    Link *l = mem_alloc(sizeof *l);
    *l = (Link){.comm = comm, .is_world = is_world, .message_bytes_max = MESSAGE_BYTES_MAX};
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm, &l->rank);
    MPI_Comm_size(comm, &l->size);
    l->requests = mem_alloc(2 * (size_t)l->size * sizeof *l->requests);
    l->statuses = mem_alloc(2 * (size_t)l->size * sizeof *l->statuses);
    return l;
}

/* The group talks through a copy of MPI_COMM_WORLD, so that nobody else's messages can meet ours. */
Err comm_mpi_open(void **link)
{
    int is_initialized, provided;
    MPI_Comm comm;
    MPI_Initialized(&is_initialized);
    if (is_initialized)
        return err_set(ERR_COMM, "MPI was started before in this process, and it starts only once");
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
        return err_set(ERR_COMM, "MPI does not start");
    if (provided < MPI_THREAD_FUNNELED)
        return err_set(ERR_COMM, "this MPI library cannot live in a process with threads");
    if (MPI_Comm_dup(MPI_COMM_WORLD, &comm) != MPI_SUCCESS)
        return err_set(ERR_COMM, "MPI does not give a communicator");
    *link = link_new(comm, true);
    return OK;
}

static int mpi_rank(const void *link)
{
    return ((const Link *)link)->rank;
}

static int mpi_size(const void *link)
{
    return ((const Link *)link)->size;
}

static Err mpi_barrier(void *link)
{
    Link *l = link;
    TRY_MPI(l, "barrier", MPI_Barrier(l->comm));
    return OK;
}

/* An empty message is one message too, so that both sides always agree on how many there are. */
static int64_t count_messages(const Link *l, int64_t n_bytes)
{
    return n_bytes == 0 ? 1 : (n_bytes - 1) / l->message_bytes_max + 1;
}

static int message_bytes(const Link *l, int64_t n_bytes, int64_t i)
{
    int64_t left = n_bytes - i * l->message_bytes_max;
    return (int)(left < l->message_bytes_max ? left : l->message_bytes_max);
}

/* Where message i starts; NULL stays NULL, for nothing. */
static void *message_at(const Link *l, const void *bytes, int64_t i)
{
    return i ? (char *)bytes + i * l->message_bytes_max : (char *)bytes;
}

static Err mpi_broadcast(void *link, void *bytes, int64_t n_bytes, int root)
{
    Link *l = link;
    for (int64_t i = 0; i < count_messages(l, n_bytes); i++)
        TRY_MPI(l, "broadcast",
                MPI_Bcast(message_at(l, bytes, i), message_bytes(l, n_bytes, i), MPI_BYTE, root, l->comm));
    return OK;
}

static Err check_received(const Link *l, const MPI_Status *status, int peer, int n_bytes_expected)
{
    int n_bytes;
    TRY_MPI(l, "receive", MPI_Get_count(status, MPI_BYTE, &n_bytes));
    if (n_bytes != n_bytes_expected)
        return err_set(ERR_COMM, "rank %d of %d: rank %d sent %d bytes where %d were expected", l->rank, l->size, peer,
                       n_bytes, n_bytes_expected);
    return OK;
}

/* Waitall reports a failure inside the statuses. */
static Err wait_for_all(const Link *l, int n_requests)
{
    int code = MPI_Waitall(n_requests, l->requests, l->statuses);
    if (code != MPI_ERR_IN_STATUS)
        return code == MPI_SUCCESS ? OK : fail(l, "exchange", code);
    for (int i = 0; i < n_requests; i++)
        if (l->statuses[i].MPI_ERROR != MPI_SUCCESS && l->statuses[i].MPI_ERROR != MPI_ERR_PENDING)
            code = l->statuses[i].MPI_ERROR;
    return fail(l, "exchange", code);
}

/* Message i of every pair that has one; receives are posted first. Each rank begins with its right neighbour, so that the
 * ranks do not all knock at the same door. *n_active counts messages. */
static Err exchange_round(Link *l, const CommPiece *pieces, int64_t i, int *n_active)
{
    int n = 0, n_receives = 0;
    for (int away = 1; away < l->size; away++) {
        int peer = (l->rank + l->size - away) % l->size;
        const CommPiece *p = &pieces[peer];
        if (i < count_messages(l, p->n_into))
            TRY_MPI(l, "receive", MPI_Irecv(message_at(l, p->into, i), message_bytes(l, p->n_into, i), MPI_BYTE, peer,
                                            TAG_COLLECTIVE, l->comm, &l->requests[n++]));
    }
    n_receives = n;
    for (int away = 1; away < l->size; away++) {
        int peer = (l->rank + away) % l->size;
        const CommPiece *p = &pieces[peer];
        if (i < count_messages(l, p->n_from))
            TRY_MPI(l, "send", MPI_Isend(message_at(l, p->from, i), message_bytes(l, p->n_from, i), MPI_BYTE, peer,
                                         TAG_COLLECTIVE, l->comm, &l->requests[n++]));
    }
    TRY(wait_for_all(l, n));
    for (int r = 0; r < n_receives; r++) {
        int peer = l->statuses[r].MPI_SOURCE;
        TRY(check_received(l, &l->statuses[r], peer, message_bytes(l, pieces[peer].n_into, i)));
    }
    *n_active = n;
    return OK;
}

static Err mpi_exchange(void *link, const CommPiece *pieces)
{
    int n_active = 1;
    for (int64_t i = 0; n_active > 0; i++)
        TRY(exchange_round(link, pieces, i, &n_active));
    return OK;
}

static Err mpi_send(void *link, const void *bytes, int64_t n_bytes, int to_rank, int tag)
{
    Link *l = link;
    for (int64_t i = 0; i < count_messages(l, n_bytes); i++)
        TRY_MPI(l, "send", MPI_Send(message_at(l, bytes, i), message_bytes(l, n_bytes, i), MPI_BYTE, to_rank,
                                    TAG_FIRST + tag, l->comm));
    return OK;
}

static Err mpi_recv(void *link, void *bytes, int64_t n_bytes, int from_rank, int tag)
{
    Link *l = link;
    for (int64_t i = 0; i < count_messages(l, n_bytes); i++) {
        MPI_Status status;
        int n = message_bytes(l, n_bytes, i);
        TRY_MPI(l, "receive", MPI_Recv(message_at(l, bytes, i), n, MPI_BYTE, from_rank, TAG_FIRST + tag, l->comm, &status));
        TRY(check_received(l, &status, from_rank, n));
    }
    return OK;
}

static Err mpi_split(void **part, void *link, int colour, int key)
{
    Link *l = link;
    MPI_Comm comm;
    TRY_MPI(l, "split", MPI_Comm_split(l->comm, colour < 0 ? MPI_UNDEFINED : colour, key, &comm));
    *part = comm == MPI_COMM_NULL ? NULL : link_new(comm, false);
    if (*part)
        ((Link *)*part)->message_bytes_max = l->message_bytes_max;
    return OK;
}

static void mpi_close(void *link)
{
    Link *l = link;
    bool is_world = l->is_world;
    MPI_Comm_free(&l->comm);
    free(l->requests);
    free(l->statuses);
    free(l);
    if (is_world)
        MPI_Finalize();
}

__attribute__((noreturn)) static void mpi_abort(void *link, int exit_code)
{
    Link *l = link;
    fprintf(stderr, "jikji: rank %d of %d: %s\n", l->rank, l->size, err_message());
    fflush(NULL);
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    exit(exit_code);
}

/* --- a counter: eight bytes at rank 0, reached one-sided --- */

typedef struct {
    const Link *link;
    MPI_Win window;
} Counter;

/* The window is locked for all for its whole life: each draw is then one atomic operation and one flush. */
static Err mpi_counter_new(void **counter, void *link)
{
    Link *l = link;
    Counter *c = mem_alloc(sizeof *c);
    int64_t *value;
    c->link = l;
    int code = MPI_Win_allocate(l->rank == 0 ? sizeof *value : 0, sizeof *value, MPI_INFO_NULL, l->comm, &value, &c->window);
    if (code != MPI_SUCCESS) {
        free(c);
        return fail(l, "counter", code);
    }
    MPI_Win_set_errhandler(c->window, MPI_ERRORS_RETURN);
    MPI_Win_lock_all(0, c->window);
    if (l->rank == 0) {
        *value = 0;
        MPI_Win_sync(c->window);
    }
    *counter = c;
    return mpi_barrier(link);
}

static Err mpi_counter_take(int64_t *first, void *counter, int64_t n)
{
    Counter *c = counter;
    TRY_MPI(c->link, "counter", MPI_Fetch_and_op(&n, first, MPI_INT64_T, 0, 0, MPI_SUM, c->window));
    TRY_MPI(c->link, "counter", MPI_Win_flush(0, c->window));
    return OK;
}

static void mpi_counter_free(void *counter)
{
    Counter *c = counter;
    MPI_Win_unlock_all(c->window);
    MPI_Win_free(&c->window);
    free(c);
}

void comm_mpi_set_message_bytes_max(Comm *group, int n_bytes)
{
    assert(group->backend == &comm_mpi_backend && n_bytes > 0);
    ((Link *)group->link)->message_bytes_max = n_bytes;
}

const CommBackend comm_mpi_backend = {
    .name = "mpi",
    .rank = mpi_rank,
    .size = mpi_size,
    .barrier = mpi_barrier,
    .broadcast = mpi_broadcast,
    .exchange = mpi_exchange,
    .send = mpi_send,
    .recv = mpi_recv,
    .split = mpi_split,
    .close = mpi_close,
    .abort = mpi_abort,
    .counter_new = mpi_counter_new,
    .counter_take = mpi_counter_take,
    .counter_free = mpi_counter_free,
};
