/* comm_internal.h - what a backend does. comm.c and comm_reduce.c make the door's operations of these.
 *
 * A backend moves bytes and never adds: arithmetic is done once, in comm_reduce.c, so its order is the same everywhere.
 * `link` is the backend's own state of one group. Functions return ERR_COMM with a message. */
#ifndef ENGINE_COMM_COMM_INTERNAL_H
#define ENGINE_COMM_COMM_INTERNAL_H

#include "engine/comm/comm.h"

/* A piece of an exchange: bytes to, and bytes from, one peer. */
typedef struct {
    const void *from;
    void *into;
    int64_t n_from, n_into;
} CommPiece;

typedef struct {
    const char *name;
    int (*rank)(const void *link);
    int (*size)(const void *link);
    Err (*barrier)(void *link);
    Err (*broadcast)(void *link, void *bytes, int64_t n_bytes, int root);
    /* pieces[size]; the entry of this rank itself is not looked at. */
    Err (*exchange)(void *link, const CommPiece *pieces);
    Err (*send)(void *link, const void *bytes, int64_t n_bytes, int to_rank, int tag);
    Err (*recv)(void *link, void *bytes, int64_t n_bytes, int from_rank, int tag);
    Err (*split)(void **part, void *link, int colour, int key);  /* NULL for a negative colour */
    void (*close)(void *link);
    void (*abort)(void *link, int exit_code) __attribute__((noreturn));
    Err (*counter_new)(void **counter, void *link);
    Err (*counter_take)(int64_t *first, void *counter, int64_t n);
    void (*counter_free)(void *counter);
} CommBackend;

struct Comm {
    const CommBackend *backend;
    void *link;
    int rank, size;
    CommPiece *pieces;  /* [size], for the collective under way */
    void *scratch;      /* COMM_SCRATCH_BYTES for reductions, NULL in a group of one */
    int64_t n_bytes_sent;
};

enum { COMM_SCRATCH_BYTES = 8 << 20 };

extern const CommBackend comm_alone_backend;
extern const CommBackend comm_mpi_backend;
Err comm_alone_open(void **link);
Err comm_mpi_open(void **link);

/* Runs group->pieces: this rank's own piece is copied here, the rest is the backend's. */
Err comm_exchange(Comm *group);

/* The longest message handed to MPI at once, at most INT_MAX; for tests, which cannot move 2 GiB to see it cut. */
void comm_mpi_set_message_bytes_max(Comm *group, int n_bytes);

#endif
