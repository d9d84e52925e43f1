/* sha256.c - the compression function as the standard has it. */
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void compress(uint32_t state[8], const unsigned char block[64])
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t sum1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25), choose = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t t1 = s[7] + sum1 + choose + round_constants[i] + w[i];
        uint32_t sum0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22), majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + sum0 + majority;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

/* The hash of two stretches, one behind the other. */
static Sha256 sha256_of_two(const unsigned char *a, size_t n_a, const unsigned char *b, size_t n_b)
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    unsigned char block[64];
    size_t n = n_a + n_b, n_padded = (n + 9 + 63) / 64 * 64;
    for (size_t at = 0; at < n_padded; at++) {
        unsigned char byte = at < n_a ? a[at] : at < n ? b[at - n_a] : at == n ? 0x80 : 0;
        if (at >= n_padded - 8)
            byte = (unsigned char)((uint64_t)n * 8 >> 8 * (n_padded - 1 - at));
        block[at % 64] = byte;
        if (at % 64 == 63)
            compress(state, block);
    }
    Sha256 hash;
    for (int i = 0; i < 32; i++)
        hash.bytes[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
    return hash;
}

Sha256 sha256(const void *bytes, size_t n_bytes)
{
    return sha256_of_two(bytes, n_bytes, NULL, 0);
}

Sha256 sha256_hmac(const void *key, size_t n_key_bytes, const void *bytes, size_t n_bytes)
{
    unsigned char inner[64] = {0}, outer[64];
    Sha256 short_key;
    if (n_key_bytes > 64) {
        short_key = sha256(key, n_key_bytes);
        key = short_key.bytes, n_key_bytes = 32;
    }
    memcpy(inner, key, n_key_bytes);
    for (int i = 0; i < 64; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    Sha256 hash = sha256_of_two(inner, 64, bytes, n_bytes);
    return sha256_of_two(outer, 64, hash.bytes, 32);
}

void sha256_hex(char out[65], const Sha256 *hash)
{
    for (int i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", hash->bytes[i]);
}
