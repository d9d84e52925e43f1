/* philox.h - random numbers that are a pure function of where they are used.
 *
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): 128 bits of counter and 64 bits of key
 * give 128 random bits; no state, so any thread, rank or resumed run asks for the same number and gets it. The key is
 * seed + stream * 0x9E3779B97F4A7C15; a stream is what the numbers are for (an operator's logical id, "shuffle", "init"). The counter is the
 * position (sample id, token position, channel). */
#ifndef BASE_PHILOX_H
#define BASE_PHILOX_H

#include <stdint.h>

typedef struct {
    uint32_t word[4];
} Philox;

/* The block at counter (hi, lo) of the stream: the paper's counter words are lo, lo >> 32, hi, hi >> 32. */
Philox philox(uint64_t seed, uint32_t stream, uint64_t hi, uint64_t lo);
/* A stream id from a name: XXH32 of the bytes. */
uint32_t philox_stream(const char *name);

/* 32 bits to a float in [0, 1): 24 bits, every value exactly representable. */
float philox_uniform(uint32_t word);
/* Two independent standard normal values from two words (Box & Muller 1958), in double then rounded. */
void philox_normal(uint32_t word_a, uint32_t word_b, float *a, float *b);
/* An integer in [0, n) without bias, n >= 1 (Lemire 2019, with further blocks of the stream when rejected). */
uint64_t philox_below(uint64_t seed, uint32_t stream, uint64_t counter, uint64_t n);
/* The image of `index` under a permutation of [0, n) that depends on (seed, stream) only: a Feistel cipher with cycle walking,
 * so a shuffled epoch needs no array. */
uint64_t philox_permute(uint64_t seed, uint32_t stream, uint64_t index, uint64_t n);

#endif
