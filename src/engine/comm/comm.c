/* comm.c - groups, and the operations that move bytes. */
#include "engine/comm/comm_internal.h"

#include "base/arena.h"
#include "base/file.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A launcher tells its children how many they are. Slurm sets SLURM_PROCID in a batch script too, where nobody else was
 * started; only srun sets SLURM_STEP_NUM_TASKS. A rank without a size (PMIx) is taken for one of many. */
static bool was_launched(void)
{
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
    for (int i = 0; i < 3; i++) {
        const char *size = getenv(sizes[i]);
        if (size)
            return atoi(size) > 1;
    }
    return getenv("PMIX_RANK") || getenv("PMI_RANK");
}

/* Takes `link` over. On an error it stays open: closing is collective, and the other ranks may have succeeded. */
static Err group_new(Comm **out, const CommBackend *backend, void *link)
{
    int size = backend->size(link);
    void *scratch = NULL;
    if (size > 1)
        TRY(memory_map(&scratch, COMM_SCRATCH_BYTES));
    Comm *group = mem_alloc(sizeof *group);
    *group = (Comm){.backend = backend, .link = link, .rank = backend->rank(link), .size = size, .scratch = scratch};
    group->pieces = mem_alloc((size_t)size * sizeof *group->pieces);
    *out = group;
    return OK;
}

Err comm_open(Comm **world, CommKind kind)
{
    void *link;
    bool with_mpi = kind == COMM_MPI || (kind == COMM_AUTO && was_launched());
    TRY(with_mpi ? comm_mpi_open(&link) : comm_alone_open(&link));
    return group_new(world, with_mpi ? &comm_mpi_backend : &comm_alone_backend, link);
}

Err comm_split(Comm **part, Comm *group, int colour, int key)
{
    void *link;
    *part = NULL;
    TRY(group->backend->split(&link, group->link, colour, key));
    return link ? group_new(part, group->backend, link) : OK;
}

void comm_close(Comm *group)
{
    if (!group)
        return;
    group->backend->close(group->link);
    if (group->scratch)
        memory_unmap(group->scratch, COMM_SCRATCH_BYTES);
    free(group->pieces);
    free(group);
}

int comm_rank(const Comm *group)
{
    return group->rank;
}

int comm_size(const Comm *group)
{
    return group->size;
}

const char *comm_backend(const Comm *group)
{
    return group->backend->name;
}

int64_t comm_bytes_sent(const Comm *group)
{
    return group->n_bytes_sent;
}

void comm_abort(Comm *group, int exit_code)
{
    assert(exit_code > 0);
    group->backend->abort(group->link, exit_code);
}

/* The all-reduce finds the lowest failing rank; only then does its message travel. */
Err comm_agree(Comm *group, Err err)
{
    struct {
        int64_t code;
        char message[1024];
    } verdict = {.code = err};
    int64_t failing = err == OK ? 0 : group->size - group->rank;
    TRY(comm_all_reduce(group, &failing, 1, DTYPE_I64, COMM_MAX));
    if (failing == 0 || group->size == 1)
        return err;
    int root = group->size - (int)failing;
    if (group->rank == root)
        strncpy(verdict.message, err_message(), sizeof verdict.message - 1);
    TRY(comm_broadcast(group, &verdict, sizeof verdict, root));
    return err_set((Err)verdict.code, "rank %d of %d: %.960s", root, group->size, verdict.message);
}

Err comm_barrier(Comm *group)
{
    return group->backend->barrier(group->link);
}

Err comm_broadcast(Comm *group, void *bytes, int64_t n_bytes, int root)
{
    assert(root >= 0 && root < group->size && n_bytes >= 0);
    if (root == group->rank)
        group->n_bytes_sent += n_bytes * (group->size - 1);
    return group->backend->broadcast(group->link, bytes, n_bytes, root);
}

Err comm_exchange(Comm *group)
{
    const CommPiece *own = &group->pieces[group->rank];
    assert(own->n_from == own->n_into);
    if (own->n_from > 0 && own->into != own->from)
        memmove(own->into, own->from, (size_t)own->n_from);
    for (int r = 0; r < group->size; r++)
        group->n_bytes_sent += r == group->rank ? 0 : group->pieces[r].n_from;
    return group->backend->exchange(group->link, group->pieces);
}

Err comm_all_gather(Comm *group, void *into, const void *from, int64_t n_bytes)
{
    assert(n_bytes >= 0);
    for (int r = 0; r < group->size; r++)
        group->pieces[r] = (CommPiece){from, (char *)into + r * n_bytes, n_bytes, n_bytes};
    return comm_exchange(group);
}

Err comm_all_to_all(Comm *group, void *into, const int64_t *n_into, const void *from, const int64_t *n_from)
{
    const char *from_at = from;
    char *into_at = into;
    for (int r = 0; r < group->size; r++) {
        assert(n_from[r] >= 0 && n_into[r] >= 0);
        group->pieces[r] = (CommPiece){from_at, into_at, n_from[r], n_into[r]};
        from_at += n_from[r];
        into_at += n_into[r];
    }
    return comm_exchange(group);
}

enum { TAG_MAX = 32766 };  /* MPI promises tags to 32767; one is the backend's own */

static void check_peer(const Comm *group, int64_t n_bytes, int peer, int tag)
{
    assert(peer >= 0 && peer < group->size && peer != group->rank);
    assert(tag >= 0 && tag <= TAG_MAX);
    assert(n_bytes >= 0);
}

Err comm_send(Comm *group, const void *bytes, int64_t n_bytes, int to_rank, int tag)
{
    check_peer(group, n_bytes, to_rank, tag);
    group->n_bytes_sent += n_bytes;
    return group->backend->send(group->link, bytes, n_bytes, to_rank, tag);
}

Err comm_recv(Comm *group, void *bytes, int64_t n_bytes, int from_rank, int tag)
{
    check_peer(group, n_bytes, from_rank, tag);
    return group->backend->recv(group->link, bytes, n_bytes, from_rank, tag);
}

struct CommCounter {
    const CommBackend *backend;
    void *counter;
};

Err comm_counter_new(CommCounter **out, Comm *group)
{
    void *counter;
    TRY(group->backend->counter_new(&counter, group->link));
    *out = mem_alloc(sizeof **out);
    **out = (CommCounter){group->backend, counter};
    return OK;
}

Err comm_counter_take(int64_t *first, CommCounter *counter, int64_t n)
{
    assert(n >= 0);
    return counter->backend->counter_take(first, counter->counter, n);
}

void comm_counter_free(CommCounter *counter)
{
    if (!counter)
        return;
    counter->backend->counter_free(counter->counter);
    free(counter);
}
