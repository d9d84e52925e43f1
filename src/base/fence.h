/* fence.h - bytes that nobody may touch: under AddressSanitizer a load or store there ends the process with a report; in other
 * builds nothing happens. Arenas and memory maps put fences between their blocks. */
#ifndef BASE_FENCE_H
#define BASE_FENCE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define FENCED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FENCED 1
#endif
#endif
#ifndef FENCED
#define FENCED 0
#endif

#if FENCED
#include <sanitizer/asan_interface.h>
#endif

static inline void fence_close(const void *start, size_t n_bytes)
{
#if FENCED
    ASAN_POISON_MEMORY_REGION(start, n_bytes);
#else
    (void)start, (void)n_bytes;
#endif
}

static inline void fence_open(const void *start, size_t n_bytes)
{
#if FENCED
    ASAN_UNPOISON_MEMORY_REGION(start, n_bytes);
#else
    (void)start, (void)n_bytes;
#endif
}

#endif
