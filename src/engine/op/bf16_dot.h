/* bf16_dot.h - what templates of pairs are made with where the CPU has the instructions: for *_bf16.c files alone. */
#ifndef ENGINE_OP_BF16_DOT_H
#define ENGINE_OP_BF16_DOT_H

#include <immintrin.h>

/* acc + a * b: sixteen sums of two products each, the odd number's first. */
#define BF16_DOT(acc, a, b) ((V16)_mm512_dpbf16_ps((__m512)(acc), (__m512bh)(a), (__m512bh)(b)))
/* Thirty-two f32 rounded to bf16, those of `low` in the lower half. */
#define BF16_ROUND(high, low) _mm512_cvtne2ps_pbh((__m512)(high), (__m512)(low))

#endif
