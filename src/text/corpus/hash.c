/* hash.c - the only place of this room that knows xxHash. */
#include "text/corpus/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(const void *bytes, size_t n_bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n_bytes, seed);
}

uint64_t hash64_xxh64(const void *bytes, size_t n_bytes)
{
    return XXH64(bytes, n_bytes, 0);
}

void hash64_pieces(uint64_t *hashes, const char *bytes, const size_t *begins, const size_t *ends, int64_t n, bool older)
{
    for (int64_t i = 0; i < n && older; i++)
        hashes[i] = XXH64(bytes + begins[i], ends[i] - begins[i], 0);
    for (int64_t i = 0; i < n && !older; i++)
        hashes[i] = XXH3_64bits(bytes + begins[i], ends[i] - begins[i]);
}

Hash128 hash128(const void *bytes, size_t n_bytes, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, n_bytes, seed);
    return (Hash128){hash.low64, hash.high64};
}
