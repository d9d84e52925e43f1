/* shares.h - pieces of work in shares of neighbours, one a thread: who reads memory reads one stream, and what is fetched ahead at the end of a piece is
 * the begin of the next one. A thread that has done its share helps the others with theirs. For results that do not care who computes them.
 *
 *     Shares shares = shares_of(n_pieces);
 *     #pragma omp parallel
 *     for (int64_t first, n; (n = shares_take(&shares, 1, &first)) > 0;)
 *         ...
 */
#ifndef ENGINE_OP_SHARES_H
#define ENGINE_OP_SHARES_H

#include <omp.h>
#include <stdint.h>

enum { SHARES_MAX = 64 };

typedef struct {
    int n;
    struct {
        _Alignas(64) int64_t next;  /* a cache line each */
        int64_t end;
    } share[SHARES_MAX];
} Shares;

static inline Shares shares_of(int64_t n_pieces)
{
    Shares s;
    int n_threads = omp_get_max_threads();
    s.n = n_threads < SHARES_MAX ? n_threads : SHARES_MAX;
    for (int64_t i = 0; i < s.n; i++) {
        s.share[i].next = n_pieces * i / s.n;
        s.share[i].end = n_pieces * (i + 1) / s.n;
    }
    return s;
}

/* The next pieces for this thread, [first, first + n): at most n_max of its own share, or one of another's. Returns n; 0: none is left. */
static inline int64_t shares_take(Shares *s, int64_t n_max, int64_t *first)
{
    int own = omp_get_thread_num();
    for (int i = 0; i < s->n; i++) {
        int at = (own + i) % s->n;
        int64_t wanted = i == 0 ? n_max : 1;
        *first = __atomic_fetch_add(&s->share[at].next, wanted, __ATOMIC_RELAXED);
        if (*first < s->share[at].end)
            return *first + wanted < s->share[at].end ? wanted : s->share[at].end - *first;
    }
    return 0;
}

/* Half of what is left of this thread's share, at least 1, to be taken at once where memory is read: each taking waits until all reading before it is done.
 * Others can help with the rest. */
static inline int64_t shares_half(const Shares *s)
{
    int own = omp_get_thread_num() % s->n;
    int64_t left = s->share[own].end - __atomic_load_n(&s->share[own].next, __ATOMIC_RELAXED);
    return left < 2 ? 1 : left / 2;
}

#endif
