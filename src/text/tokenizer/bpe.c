/* bpe.c - see bpe.h. Short runs of symbols look for the least rank by scanning; long ones keep a heap over a linked list, in which
 * a stale entry is known by its pair having changed. */
#include "text/tokenizer/bpe.h"
#include "base/arena.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BPE_EMPTY UINT64_MAX
enum { SCAN_SYMBOLS_MAX = 48 };

void bpe_merges_init(BpeMerges *merges, size_t n_expected)
{
    memset(merges, 0, sizeof *merges);
    merges->n_slots = 16;
    while (merges->n_slots < n_expected * 2)
        merges->n_slots *= 2;
    merges->slots = mem_alloc(merges->n_slots * sizeof *merges->slots);
    for (uint32_t i = 0; i < merges->n_slots; i++)
        merges->slots[i].pair = BPE_EMPTY;
}

void bpe_merges_release(BpeMerges *merges)
{
    free(merges->slots);
    memset(merges, 0, sizeof *merges);
}

static inline uint64_t pair_of(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

static inline uint32_t pair_hash(uint64_t pair)
{
    return (uint32_t)((pair * 0x9E3779B97F4A7C15u) >> 32);
}

static BpeMerge *slot_of(const BpeMerges *merges, uint64_t pair)
{
    uint32_t mask = merges->n_slots - 1, i = pair_hash(pair) & mask;
    while (merges->slots[i].pair != pair && merges->slots[i].pair != BPE_EMPTY)
        i = (i + 1) & mask;
    return &merges->slots[i];
}

static void grow(BpeMerges *merges)
{
    BpeMerges larger;
    bpe_merges_init(&larger, merges->n_slots);
    for (uint32_t i = 0; i < merges->n_slots; i++)
        if (merges->slots[i].pair != BPE_EMPTY)
            *slot_of(&larger, merges->slots[i].pair) = merges->slots[i];
    larger.n_merges = merges->n_merges;
    free(merges->slots);
    *merges = larger;
}

void bpe_merges_put(BpeMerges *merges, int32_t left, int32_t right, uint32_t rank, int32_t merged)
{
    if (merges->n_merges >= merges->n_slots / 2)
        grow(merges);
    BpeMerge *slot = slot_of(merges, pair_of(left, right));
    merges->n_merges += slot->pair == BPE_EMPTY;
    *slot = (BpeMerge){pair_of(left, right), rank, merged};
}

const BpeMerge *bpe_merges_find(const BpeMerges *merges, int32_t left, int32_t right)
{
    if (left < 0 || right < 0)
        return NULL;
    const BpeMerge *slot = slot_of(merges, pair_of(left, right));
    return slot->pair == BPE_EMPTY ? NULL : slot;
}

void bpe_scratch_release(BpeScratch *scratch)
{
    free(scratch->block);
    *scratch = (BpeScratch){NULL, 0};
}

void *bpe_scratch_reserve(BpeScratch *scratch, size_t n_bytes)
{
    if (scratch->n_bytes < n_bytes) {
        free(scratch->block);
        scratch->n_bytes = n_bytes * 2;
        scratch->block = mem_alloc(scratch->n_bytes);
    }
    return scratch->block;
}

size_t bpe_merge_plain(const BpeMerges *merges, BpeSymbol *symbols, size_t n)
{
    for (;;) {
        const BpeMerge *best = NULL;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            const BpeMerge *merge = bpe_merges_find(merges, symbols[i].id, symbols[i + 1].id);
            if (merge && (!best || merge->rank < best->rank)) {
                best = merge;
                at = i;
            }
        }
        if (!best)
            return n;
        symbols[at].id = best->merged;
        symbols[at].end = symbols[at + 1].end;
        memmove(symbols + at + 1, symbols + at + 2, (n - at - 2) * sizeof *symbols);
        n--;
    }
}

/* For a few symbols: ranks[i] belongs to the pair (i, i + 1) and is looked up again only where a neighbour changed. */
static size_t merge_by_scan(const BpeMerges *merges, BpeSymbol *symbols, size_t n, size_t n_wanted)
{
    uint32_t ranks[SCAN_SYMBOLS_MAX];
    int32_t merged[SCAN_SYMBOLS_MAX];
#define LOOK(i)                                                                                   \
    do {                                                                                          \
        const BpeMerge *m = bpe_merges_find(merges, symbols[i].id, symbols[(i) + 1].id);          \
        ranks[i] = m ? m->rank : BPE_NO_RANK;                                                     \
        merged[i] = m ? m->merged : -1;                                                           \
    } while (0)
    for (size_t i = 0; i + 1 < n; i++)
        LOOK(i);
    while (n > n_wanted) {
        uint32_t least = ranks[0];
        size_t at = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (ranks[i] < least) {
                least = ranks[i];
                at = i;
            }
        if (least == BPE_NO_RANK)
            break;
        symbols[at].id = merged[at];
        symbols[at].end = symbols[at + 1].end;
        size_t n_behind = n - at - 2;
        memmove(symbols + at + 1, symbols + at + 2, n_behind * sizeof *symbols);
        if (n_behind) {  /* the pair (at + 1, at + 2) goes, the ones behind it move up */
            memmove(ranks + at + 1, ranks + at + 2, (n_behind - 1) * sizeof *ranks);
            memmove(merged + at + 1, merged + at + 2, (n_behind - 1) * sizeof *merged);
        }
        n--;
        if (at + 1 < n)
            LOOK(at);
        if (at > 0)
            LOOK(at - 1);
    }
#undef LOOK
    return n;
}

/* An entry orders by (rank, position): one 64-bit comparison. */
typedef struct {
    uint64_t *entries;
    size_t n;
} Heap;

static void heap_push(Heap *heap, uint64_t entry)
{
    size_t i = heap->n++;
    for (size_t parent; i > 0 && heap->entries[parent = (i - 1) / 4] > entry; i = parent)
        heap->entries[i] = heap->entries[parent];
    heap->entries[i] = entry;
}

static void heap_sift_down(Heap *heap, size_t i)
{
    uint64_t moved = heap->entries[i];
    for (size_t child; (child = 4 * i + 1) < heap->n; i = child) {
        size_t end = child + 4 < heap->n ? child + 4 : heap->n;
        for (size_t k = child + 1; k < end; k++)
            if (heap->entries[k] < heap->entries[child])
                child = k;
        if (heap->entries[child] >= moved)
            break;
        heap->entries[i] = heap->entries[child];
    }
    heap->entries[i] = moved;
}

static uint64_t heap_pop(Heap *heap)
{
    uint64_t top = heap->entries[0];
    heap->entries[0] = heap->entries[--heap->n];
    if (heap->n)
        heap_sift_down(heap, 0);
    return top;
}

/* The symbol at `i` as a list element: next and previous live positions, and what it would become with its next. */
typedef struct {
    uint32_t previous, next;
    uint32_t rank;  /* of the pair (i, next), BPE_NO_RANK when it may not merge */
    int32_t merged;
} Link;

static void link_look(const BpeMerges *merges, const BpeSymbol *symbols, Link *links, size_t n, size_t i)
{
    const BpeMerge *merge = links[i].next < n ? bpe_merges_find(merges, symbols[i].id, symbols[links[i].next].id) : NULL;
    links[i].rank = merge ? merge->rank : BPE_NO_RANK;
    links[i].merged = merge ? merge->merged : -1;
}

/* At most two entries are pushed a merge and n - 1 at the start: 3 n in all. An entry is stale when the pair at its position has another
 * rank by now, or none. Pairs that dropout (NULL: none) passed over wait for the next merge. */
static size_t merge_by_heap(const BpeMerges *merges, BpeScratch *scratch, BpeSymbol *symbols, size_t n, size_t n_wanted, const BpeDropout *dropout)
{
    size_t n_live = n, n_waiting = 0;
    Link *links = bpe_scratch_reserve(scratch, n * sizeof(Link) + 4 * n * sizeof(uint64_t));
    Heap heap = {(uint64_t *)(links + n), 0};
    uint64_t *waiting = heap.entries + 3 * n;
    for (size_t i = 0; i < n; i++) {
        links[i].previous = (uint32_t)i - 1;
        links[i].next = (uint32_t)i + 1;
        link_look(merges, symbols, links, n, i);
        if (links[i].rank != BPE_NO_RANK)
            heap.entries[heap.n++] = (uint64_t)links[i].rank << 32 | i;
    }
    for (size_t i = heap.n / 4 + 1; i-- > 0;)
        if (i < heap.n)
            heap_sift_down(&heap, i);
    while (heap.n && n_live > n_wanted) {
        uint64_t top = heap_pop(&heap);
        size_t i = (uint32_t)top;
        if (links[i].rank != top >> 32)
            continue;
        if (dropout && dropout->passes(dropout->context)) {
            waiting[n_waiting++] = top;
            continue;
        }
        while (n_waiting > 0)
            heap_push(&heap, waiting[--n_waiting]);
        size_t gone = links[i].next;
        n_live--;
        symbols[i].id = links[i].merged;
        symbols[i].end = symbols[gone].end;
        links[gone].rank = BPE_NO_RANK;
        links[i].next = links[gone].next;
        if (links[i].next < n)
            links[links[i].next].previous = (uint32_t)i;
        link_look(merges, symbols, links, n, i);
        if (links[i].rank != BPE_NO_RANK)
            heap_push(&heap, (uint64_t)links[i].rank << 32 | i);
        if (i > 0) {
            size_t before = links[i].previous;
            link_look(merges, symbols, links, n, before);
            if (links[before].rank != BPE_NO_RANK)
                heap_push(&heap, (uint64_t)links[before].rank << 32 | before);
        }
    }
    size_t n_left = 0;
    for (size_t i = 0; i < n; i = links[i].next)
        symbols[n_left++] = symbols[i];
    return n_left;
}

size_t bpe_merge_down_to(const BpeMerges *merges, BpeScratch *scratch, BpeSymbol *symbols, size_t n, size_t n_wanted)
{
    if (n <= n_wanted || merges->n_merges == 0)
        return n;
    if (n <= SCAN_SYMBOLS_MAX)
        return merge_by_scan(merges, symbols, n, n_wanted);
    return merge_by_heap(merges, scratch, symbols, n, n_wanted, NULL);
}

size_t bpe_merge(const BpeMerges *merges, BpeScratch *scratch, BpeSymbol *symbols, size_t n)
{
    return bpe_merge_down_to(merges, scratch, symbols, n, 1);
}

size_t bpe_merge_dropout(const BpeMerges *merges, BpeScratch *scratch, BpeSymbol *symbols, size_t n, BpeDropout dropout)
{
    return n < 2 || merges->n_merges == 0 ? n : merge_by_heap(merges, scratch, symbols, n, 1, &dropout);
}
