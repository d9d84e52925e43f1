/* hash.c - the only place of this room that knows xxHash. */
#include "text/corpus/hash.h"

#include <xxhash.h>

uint64_t hash64(const void *bytes, size_t n_bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n_bytes, seed);
}

uint64_t hash64_xxh64(const void *bytes, size_t n_bytes)
{
    return XXH64(bytes, n_bytes, 0);
}

Hash128 hash128(const void *bytes, size_t n_bytes, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, n_bytes, seed);
    return (Hash128){hash.low64, hash.high64};
}
