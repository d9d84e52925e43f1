/* dedup.c - keys to edges, edges to stars, stars to survivors. */
#include "text/corpus/dedup.h"

#include "base/arena.h"
#include "text/corpus/external_sort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SHARES = 3 };  /* so many sorts hold memory at a time */

typedef struct {
    uint64_t rank[4];  /* the smaller stays: length downwards, content, record */
} Fact;

struct Dedup {
    int n_keys;
    bool exact;
    int64_t memory_bytes;
    char *folder;
    ExternalSort *keys;  /* band or high half of the content, key or low half, document */
    Spool *facts;
    uint64_t n;
};

static ExternalSort *sort_new(const Dedup *dedup, int n_words)
{
    return external_sort_new(n_words, dedup->memory_bytes / SHARES, dedup->folder);
}

Err dedup_new(Dedup **out, int n_keys, bool exact, int64_t memory_bytes, const char *folder)
{
    *out = NULL;
    Dedup *dedup = mem_alloc(sizeof *dedup);
    *dedup = (Dedup){.n_keys = exact ? 0 : n_keys, .exact = exact, .memory_bytes = memory_bytes, .folder = mem_strdup(folder)};
    dedup->keys = sort_new(dedup, 3);
    Err err = spool_new(&dedup->facts, folder);
    if (err != OK) {
        dedup_free(dedup);
        return err;
    }
    *out = dedup;
    return OK;
}

void dedup_free(Dedup *dedup)
{
    if (!dedup)
        return;
    external_sort_free(dedup->keys);
    spool_free(dedup->facts);
    free(dedup->folder);
    free(dedup);
}

Err dedup_add(Dedup *dedup, Hash128 content, int64_t length, uint64_t record, const uint64_t *keys)
{
    Fact fact = {{~(uint64_t)length, content.high, content.low, record}};
    uint64_t number = dedup->n++;
    TRY(spool_add(dedup->facts, &fact, sizeof fact));
    if (dedup->exact)
        return external_sort_add(dedup->keys, (const uint64_t[]){content.high, content.low, number});
    for (int band = 0; band < dedup->n_keys; band++)
        TRY(external_sort_add(dedup->keys, (const uint64_t[]){(uint64_t)band, keys[band], number}));
    return OK;
}

/* Documents with the same key hang on the first of them. */
static Err keys_to_edges(Dedup *dedup, ExternalSort *edges)
{
    uint64_t key[3], first[3] = {0};
    Err err;
    bool any = false;
    TRY(external_sort_begin(dedup->keys));
    while (external_sort_next(dedup->keys, key, &err)) {
        if (!any || key[0] != first[0] || key[1] != first[1])
            memcpy(first, key, sizeof first);
        else if (key[2] != first[2])
            TRY(external_sort_add(edges, (const uint64_t[]){first[2], key[2]}));
        any = true;
    }
    external_sort_free(dedup->keys);
    dedup->keys = NULL;
    return err;
}

static Err add_edge(ExternalSort *edges, uint64_t a, uint64_t b)
{
    return a == b ? OK : external_sort_add(edges, (const uint64_t[]){a, b});
}

/* Sorted by (u, v): each edge stands under both its ends. Every neighbour of u that is larger than u hangs on the least of u and its neighbours. */
static Err large_star(ExternalSort *in, ExternalSort *out)
{
    uint64_t edge[2], last[2] = {UINT64_MAX, UINT64_MAX}, least = 0;
    Err err;
    TRY(external_sort_begin(in));
    while (external_sort_next(in, edge, &err)) {
        if (edge[0] == last[0] && edge[1] == last[1])
            continue;
        if (edge[0] != last[0])
            least = edge[1] < edge[0] ? edge[1] : edge[0];  /* the first neighbour is the least */
        if (edge[1] > edge[0])
            TRY(add_edge(out, edge[1], least));
        memcpy(last, edge, sizeof last);
    }
    return err;
}

/* Sorted by (larger end, smaller end): the smaller neighbours of u, and u, hang on the least of them. */
static Err small_star(ExternalSort *in, ExternalSort *out)
{
    uint64_t edge[2], last[2] = {UINT64_MAX, UINT64_MAX}, least = 0;
    Err err;
    TRY(external_sort_begin(in));
    while (external_sort_next(in, edge, &err)) {
        if (edge[0] == last[0] && edge[1] == last[1])
            continue;
        if (edge[0] != last[0]) {
            least = edge[1];
            TRY(add_edge(out, edge[0], least));
        } else {
            TRY(add_edge(out, edge[1], least));
        }
        memcpy(last, edge, sizeof last);
    }
    return err;
}

/* Copies the edges of a sort into another, each once or under both ends; a fingerprint of the set tells when nothing changes any more. */
static Err copy_edges(ExternalSort *in, ExternalSort *out, bool both, uint64_t *fingerprint)
{
    uint64_t edge[2], last[2] = {UINT64_MAX, UINT64_MAX};
    Err err;
    *fingerprint = 0;
    TRY(external_sort_begin(in));
    while (external_sort_next(in, edge, &err)) {
        if (edge[0] == last[0] && edge[1] == last[1])
            continue;
        *fingerprint += hash64(edge, sizeof edge, 7);
        TRY(external_sort_add(out, edge));
        if (both)
            TRY(external_sort_add(out, (const uint64_t[]){edge[1], edge[0]}));
        memcpy(last, edge, sizeof last);
    }
    return err;
}

/* One turn over *edges (member, smaller). */
static Err star_turn(const Dedup *dedup, ExternalSort **edges, uint64_t *fingerprint)
{
    ExternalSort *both = sort_new(dedup, 2), *oriented = NULL, *stars = NULL;
    Err err = copy_edges(*edges, both, true, fingerprint);
    external_sort_free(*edges);
    *edges = NULL;
    oriented = sort_new(dedup, 2);
    if (err == OK)
        err = large_star(both, oriented);
    external_sort_free(both);
    stars = sort_new(dedup, 2);
    if (err == OK)
        err = small_star(oriented, stars);
    external_sort_free(oriented);
    *edges = stars;
    return err;
}

static Err edges_to_stars(const Dedup *dedup, ExternalSort **edges)
{
    uint64_t before = 0, now = 0;
    do {
        before = now;
        TRY(star_turn(dedup, edges, &now));
    } while (now != before);
    return OK;
}

/* (member, root) of every document that has a copy, roots too. */
static Err stars_to_members(const Dedup *dedup, ExternalSort *stars, ExternalSort **members)
{
    uint64_t edge[2], last[2] = {UINT64_MAX, UINT64_MAX};
    Err err;
    *members = sort_new(dedup, 2);
    TRY(external_sort_begin(stars));
    while (external_sort_next(stars, edge, &err)) {
        if (edge[0] == last[0] && edge[1] == last[1])
            continue;
        TRY(external_sort_add(*members, edge));
        TRY(external_sort_add(*members, (const uint64_t[]){edge[1], edge[1]}));
        memcpy(last, edge, sizeof last);
    }
    return err;
}

/* root, rank, document: the best of each cluster comes first. */
static Err rank_members(const Dedup *dedup, ExternalSort *members, ExternalSort *ranks)
{
    uint64_t member[2], last = UINT64_MAX;
    const void *fact;
    size_t n_bytes;
    int64_t at = -1;
    Err err;
    TRY(external_sort_begin(members));
    TRY(spool_rewind(dedup->facts));
    while (external_sort_next(members, member, &err)) {
        if (member[0] == last)
            continue;  /* a root stands once a member */
        for (; at < (int64_t)member[0]; at++)
            if (!spool_next(dedup->facts, &fact, &n_bytes, &err))
                return err;
        const Fact *f = fact;
        TRY(external_sort_add(ranks, (const uint64_t[]){member[1], f->rank[0], f->rank[1], f->rank[2], f->rank[3], member[0]}));
        last = member[0];
    }
    return err;
}

/* document, size of its cluster, does it stay. The ranks are read twice: sizes first. */
static Err ranks_to_verdicts(ExternalSort *ranks, Spool *sizes, ExternalSort *out)
{
    uint64_t rank[6], root = UINT64_MAX;
    int64_t size = 0;
    Err err;
    TRY(external_sort_begin(ranks));
    while (external_sort_next(ranks, rank, &err)) {
        if (rank[0] != root && size > 0)
            TRY(spool_add(sizes, &size, sizeof size));
        size = rank[0] != root ? 1 : size + 1;
        root = rank[0];
    }
    TRY(err);
    TRY(spool_add(sizes, &size, sizeof size));
    TRY(spool_rewind(sizes));
    root = UINT64_MAX;
    TRY(external_sort_begin(ranks));
    while (external_sort_next(ranks, rank, &err)) {
        const void *bytes;
        size_t n_bytes;
        bool is_first = rank[0] != root;
        if (is_first && spool_next(sizes, &bytes, &n_bytes, &err))
            memcpy(&size, bytes, sizeof size);
        TRY(err);
        TRY(external_sort_add(out, (const uint64_t[]){rank[5], (uint64_t)size, is_first}));
        root = rank[0];
    }
    return err;
}

static Err write_verdicts(const Dedup *dedup, ExternalSort *decided, Spool *verdicts)
{
    uint64_t next[3] = {UINT64_MAX};
    Err err;
    TRY(external_sort_begin(decided));
    bool any = external_sort_next(decided, next, &err);
    for (uint64_t i = 0; i < dedup->n && err == OK; i++) {
        bool has_copies = any && next[0] == i;
        DedupVerdict verdict = {1, 1};
        if (has_copies) {
            verdict = (DedupVerdict){(int64_t)next[2], (int64_t)next[1]};
            any = external_sort_next(decided, next, &err);
        }
        if (err == OK)
            err = spool_add(verdicts, &verdict, sizeof verdict);
    }
    return err;
}

/* From stars to what becomes of each member. */
static Err decide_members(const Dedup *dedup, ExternalSort *stars, ExternalSort *decided)
{
    ExternalSort *members = NULL, *ranks = sort_new(dedup, 6);
    Spool *sizes = NULL;
    Err err = stars_to_members(dedup, stars, &members);
    if (err == OK)
        err = rank_members(dedup, members, ranks);
    external_sort_free(members);
    if (err == OK)
        err = spool_new(&sizes, dedup->folder);
    if (err == OK)
        err = ranks_to_verdicts(ranks, sizes, decided);
    spool_free(sizes);
    external_sort_free(ranks);
    return err;
}

Err dedup_decide(Dedup *dedup, Spool *verdicts)
{
    ExternalSort *edges = sort_new(dedup, 2), *decided = NULL;
    Err err = keys_to_edges(dedup, edges);
    if (err == OK)
        err = edges_to_stars(dedup, &edges);
    decided = sort_new(dedup, 3);
    if (err == OK && external_sort_n(edges) > 0)
        err = decide_members(dedup, edges, decided);
    external_sort_free(edges);
    if (err == OK)
        err = write_verdicts(dedup, decided, verdicts);
    external_sort_free(decided);
    return err;
}
