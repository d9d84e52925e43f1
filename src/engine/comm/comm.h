/* comm.h - a group of processes (ranks) and what they do together.
 *
 * A Comm is a group: this process is rank `comm_rank` of `comm_size`. A laptop is a group of size 1, where every call
 * returns at once, so callers have no second version. Behind the door stands one backend for all groups of a job: alone
 * or MPI (any MPI-3.1), chosen by comm_open.
 *
 * Collectives are called by every rank of the group, in the same order, with the same sizes; those that break this get
 * ERR_COMM or wait for ever, as with MPI. One thread of a process, always the same, calls into this room. Sizes are 64-bit
 * everywhere; large ones travel in pieces. Between open and close nothing of ours is allocated but by split and counters.
 *
 * Bits. Sums and maxima give the same bits on every rank, and from run to run for one number of ranks, whatever the
 * message size, the network and the MPI library: element by element, ranks are added in the fixed order
 *     ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + r6)
 * a binary tree over neighbours, an odd one out moving up. Hence power-of-two groups compose: reducing inside {0,1}, {2,3}
 * and then between the pairs gives the bits of reducing {0,1,2,3}.
 *
 * Failure. A rank that fails alone must not leave the others waiting: comm_agree tells all of them, comm_abort ends all of
 * them. A rank that dies by itself is found by the launcher, which ends the others: mpirun always, srun with
 * --kill-on-bad-exit. */
#ifndef ENGINE_COMM_COMM_H
#define ENGINE_COMM_COMM_H

#include "base/err.h"
#include "engine/tensor/dtype.h"

#include <stdint.h>

typedef struct Comm Comm;

typedef enum {
    COMM_AUTO,   /* MPI when mpirun, srun or another PMI launcher started more than one of us; alone otherwise */
    COMM_ALONE,
    COMM_MPI,
} CommKind;

/* Opens the group of all ranks of the job. Once a process for MPI, which cannot start twice. ERR_COMM says why it failed. */
Err comm_open(Comm **world, CommKind kind);
/* Splits a group: ranks of equal colour become a group, ordered by key, then by old rank. A negative colour joins none and
 * gets NULL. Collective. The parent outlives its parts. */
Err comm_split(Comm **part, Comm *group, int colour, int key);
/* Collective, after success: closing the world waits until all ranks do. After an error use comm_abort. NULL is fine. */
void comm_close(Comm *group);

int comm_rank(const Comm *group);
int comm_size(const Comm *group);
const char *comm_backend(const Comm *group);  /* "alone", "mpi" */

/* Ends all processes of the job, also those outside `group`, with `exit_code` (> 0), after printing
 * "jikji: rank 2 of 4: " and err_message() on stderr. */
_Noreturn void comm_abort(Comm *group, int exit_code);
/* Collective: OK if all ranks brought OK. Otherwise every rank gets the code and message of the lowest failing rank, as
 * "rank 2 of 4: ...", and they can stop together. Sends 8 bytes a peer while all is well. */
Err comm_agree(Comm *group, Err err);

Err comm_barrier(Comm *group);

/* --- moving bytes; P is comm_size. "Sends" is what one rank sends --- */

/* Sends at most n_bytes * (P - 1) from the root, spread over the ranks by MPI. */
Err comm_broadcast(Comm *group, void *bytes, int64_t n_bytes, int root);
/* Rank r's n_bytes come to into + r * n_bytes. `from` may be its own place inside `into`. Sends n_bytes * (P - 1). */
Err comm_all_gather(Comm *group, void *into, const void *from, int64_t n_bytes);
/* n_from[r] bytes go to rank r, n_into[r] come from rank r; pieces lie one after the other, in rank order. Both sides of a
 * pair know its size (exchange sizes first, with an all_to_all of one int64 a rank). Buffers do not overlap.
 * Sends the sum of n_from without its own. */
Err comm_all_to_all(Comm *group, void *into, const int64_t *n_into, const void *from, const int64_t *n_from);
/* One message; the receiver knows its size. Messages of one pair and tag arrive in order. 0 <= tag <= 32766. A send may wait
 * for its receiver, so two ranks that send to each other first wait for ever: let the lower rank send first. */
Err comm_send(Comm *group, const void *bytes, int64_t n_bytes, int to_rank, int tag);
Err comm_recv(Comm *group, void *bytes, int64_t n_bytes, int from_rank, int tag);

/* --- reducing: f32, f64 or i64, in the fixed order above; integer sums wrap --- */

typedef enum {
    COMM_SUM,
    COMM_MAX,  /* NaN if any rank has NaN: a broken value is not to be lost */
} CommOp;

/* In place. Slices are exchanged, summed by one rank each, and gathered: sends 2 (P - 1) / P of the array, what no
 * algorithm betters, in 2 rounds of P - 1 messages for every 8 MiB. */
Err comm_all_reduce(Comm *group, void *values, int64_t n, DType dtype, CommOp op);
/* `from` holds P pieces of n_each elements; this rank's piece, reduced, comes to `into`, which may be its place in `from`.
 * Sends (P - 1) * n_each elements. */
Err comm_reduce_scatter(Comm *group, void *into, const void *from, int64_t n_each, DType dtype, CommOp op);

static inline Err comm_sum_i64(Comm *group, int64_t *values, int64_t n)
{
    return comm_all_reduce(group, values, n, DTYPE_I64, COMM_SUM);
}

static inline Err comm_sum_f64(Comm *group, double *values, int64_t n)
{
    return comm_all_reduce(group, values, n, DTYPE_F64, COMM_SUM);
}

/* Bytes this rank has sent through this group so far, broadcasts counted at the root. */
int64_t comm_bytes_sent(const Comm *group);

/* --- sharing out work: a number that all ranks draw from --- */

typedef struct CommCounter CommCounter;
/* Starts at 0. Collective. */
Err comm_counter_new(CommCounter **out, Comm *group);
/* Draws [*first, *first + n): each number goes to one rank. Not collective. Rank 0 holds the counter; on networks without
 * remote atomics others wait until rank 0 next calls into this room. */
Err comm_counter_take(int64_t *first, CommCounter *counter, int64_t n);
void comm_counter_free(CommCounter *counter);  /* collective; NULL is fine */

#endif
