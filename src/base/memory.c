/* memory.c - large memory straight from the system (file.h); small things live in arenas. */
#include "base/fence.h"
#include "base/file.h"
#include "base/parallel.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_BYTES = 2 << 20, FENCE_PAGES = FENCED };

static _Atomic int64_t mapped_bytes;

/* What is really taken for n_bytes: whole pages, and under AddressSanitizer one poisoned page behind. */
static size_t taken_bytes(size_t n_bytes)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t n_pages = (n_bytes ? n_bytes - 1 : 0) / page_bytes + 1;
    return (n_pages + FENCE_PAGES) * page_bytes;
}

static void *map_pages(size_t n_bytes)
{
    void *pages = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

/* Huge pages need an address that is a multiple of their size: ask for one more and give the ends back. */
static void *map_huge_pages(size_t n_bytes)
{
    unsigned char *wide = map_pages(n_bytes + HUGE_BYTES);
    if (!wide)
        return NULL;
    size_t head = (HUGE_BYTES - (uintptr_t)wide % HUGE_BYTES) % HUGE_BYTES;
    if (head)
        munmap(wide, head);
    munmap(wide + head + n_bytes, HUGE_BYTES - head);
    madvise(wide + head, n_bytes, MADV_HUGEPAGE);  /* a wish: without huge pages all still works */
    return wide + head;
}

Err memory_map(void **block, size_t n_bytes)
{
    size_t taken = taken_bytes(n_bytes);
    if (taken < n_bytes || taken > SIZE_MAX / 4)
        return err_set(ERR_MEMORY, "cannot map %zu bytes", n_bytes);
    *block = n_bytes >= HUGE_BYTES ? map_huge_pages(taken) : map_pages(taken);
    if (!*block)
        return err_set(ERR_MEMORY, "cannot map %zu bytes: %s", n_bytes, strerror(errno));
    atomic_fetch_add(&mapped_bytes, (int64_t)n_bytes);
    fence_close((unsigned char *)*block + n_bytes, taken - n_bytes);
    return OK;
}

void memory_unmap(void *block, size_t n_bytes)
{
    if (!block)
        return;
    fence_open(block, taken_bytes(n_bytes));
    munmap(block, taken_bytes(n_bytes));
    atomic_fetch_sub(&mapped_bytes, (int64_t)n_bytes);
}

typedef struct {
    unsigned char *block;
    size_t n_bytes, page_bytes;
} Touch;

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  /* Linux 5.14 */
#endif

/* The first access must write: a page that is read first becomes one of shared zeros, to be parted from them when it is written, which takes
 * several times as long where pages are huge. Without the system's help each page gets its own byte again, as one operation. */
static void touch_piece(void *context, int64_t piece)
{
    const Touch *touch = context;
    size_t first = (size_t)piece * HUGE_BYTES, left = touch->n_bytes - first, n = left < HUGE_BYTES ? left : HUGE_BYTES;
    if (madvise(touch->block + first, n, MADV_POPULATE_WRITE) == 0)
        return;
    for (size_t i = first; i < first + n; i += touch->page_bytes)
        __atomic_fetch_or(&touch->block[i], 0, __ATOMIC_RELAXED);
}

void memory_touch(void *block, size_t n_bytes)
{
    Touch touch = {block, n_bytes, (size_t)sysconf(_SC_PAGESIZE)};
    parallel_for((int64_t)((n_bytes + HUGE_BYTES - 1) / HUGE_BYTES), touch_piece, &touch);
}

int64_t memory_mapped_bytes(void)
{
    return atomic_load(&mapped_bytes);
}

/* A "VmRSS:     1234 kB" line of /proc/self/status. The peak is not taken from getrusage: that one remembers the
 * process that came before exec. */
static int64_t status_bytes(const char *field)
{
    FILE *status = fopen("/proc/self/status", "re");
    if (!status)
        return 0;
    char line[256];
    long long kib = 0;
    size_t n = strlen(field);
    while (fgets(line, sizeof line, status))
        if (strncmp(line, field, n) == 0 && line[n] == ':') {
            kib = strtoll(line + n + 1, NULL, 10);
            break;
        }
    fclose(status);
    return kib * 1024;
}

int64_t memory_resident_bytes(void)
{
    return status_bytes("VmRSS");
}

int64_t memory_resident_peak_bytes(void)
{
    return status_bytes("VmHWM");
}

void memory_resident_peak_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file)
        return;  /* the peak then also holds what came before */
    fputs("5", file);
    fclose(file);
}
