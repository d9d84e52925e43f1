/* large.c - see large.h. */
#include "base/large.h"
#include "base/arena.h"

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
