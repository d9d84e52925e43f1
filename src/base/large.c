/* large.c - see large.h. */
#include "base/large.h"
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGE_BYTES = 1 << 20, HUGE_PAGE_BYTES = 2 << 20 };

void *mem_alloc_large(size_t n_bytes)
{
    if (n_bytes < LARGE_BYTES)
        return mem_alloc(n_bytes);
    size_t taken = (n_bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    void *block = aligned_alloc(HUGE_PAGE_BYTES, taken);
    if (!block)
        return mem_alloc(n_bytes);
    madvise(block, taken, MADV_HUGEPAGE);  /* a wish: without huge pages all still works */
    return memset(block, 0, n_bytes);
}

void *mem_grow(void *block, size_t n_old_bytes, size_t n_bytes)
{
    void *grown = block ? mremap(block, n_old_bytes, n_bytes, MREMAP_MAYMOVE)
                        : mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (grown == MAP_FAILED) {
        fprintf(stderr, "jikji: out of memory (%zu bytes asked)\n", n_bytes);
        abort();
    }
    return grown;
}

void mem_release_grown(void *block, size_t n_bytes)
{
    if (block)
        munmap(block, n_bytes);
}
