/* sha256.h - SHA-256 and HMAC (FIPS 180-4, RFC 2104): names of published files, and logs whose entries must neither be changed nor turned back into
 * values. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char bytes[32];
} Sha256;

Sha256 sha256(const void *bytes, size_t n_bytes);
Sha256 sha256_hmac(const void *key, size_t n_key_bytes, const void *bytes, size_t n_bytes);
void sha256_hex(char out[65], const Sha256 *hash);

#endif
