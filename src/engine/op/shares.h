/* shares.h - pieces of work in shares of neighbours, one a thread: who reads memory reads one stream, and what is fetched ahead at the end of a piece is
 * the begin of the next one. A thread that has done its share helps the others with theirs. For results that do not care who computes them.
 *
 *     Shares shares = shares_of(n_pieces);
 *     #pragma omp parallel
 *     for (int64_t piece; shares_take(&shares, &piece);)
 *         ...
 *
 * Where one token is decoded a share is some microseconds of reading, and taking it piece by piece, which waits until all reading before is done, costs more
 * than help is worth: there each thread has its share for itself (share_begin). */
#ifndef ENGINE_OP_SHARES_H
#define ENGINE_OP_SHARES_H

#include <omp.h>
#include <stdbool.h>
#include <stdint.h>

enum { SHARES_MAX = 64 };

typedef struct {
    int n;
    struct {
        _Alignas(64) int64_t next;  /* a cache line each */
        int64_t end;
    } share[SHARES_MAX];
} Shares;

/* The first piece of share i of n: it ends where share i + 1 begins. */
static inline int64_t share_begin(int64_t n_pieces, int64_t i, int64_t n)
{
    return n_pieces * i / n;
}

static inline Shares shares_of(int64_t n_pieces)
{
    Shares s;
    int n_threads = omp_get_max_threads();
    s.n = n_threads < SHARES_MAX ? n_threads : SHARES_MAX;
    for (int64_t i = 0; i < s.n; i++) {
        s.share[i].next = share_begin(n_pieces, i, s.n);
        s.share[i].end = share_begin(n_pieces, i + 1, s.n);
    }
    return s;
}

/* The next piece for this thread, of its own share or else of another's; false: none is left. */
static inline bool shares_take(Shares *s, int64_t *piece)
{
    int own = omp_get_thread_num();
    for (int i = 0; i < s->n; i++) {
        int at = (own + i) % s->n;
        *piece = __atomic_fetch_add(&s->share[at].next, 1, __ATOMIC_RELAXED);
        if (*piece < s->share[at].end)
            return true;
    }
    return false;
}

#endif
