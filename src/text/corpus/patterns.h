/* patterns.h - numbers, addresses of the net and mail addresses in a text: what filters, tokenizers and readers of a corpus ask for.
 *
 *   number   12, 1,234.5, -3.2e10, 99.5%, 1.2.3 (one span); the digits of 10kg and 3만, not those inside a name (b2b, 0x1F)
 *   url      http, https, ftp, ... :// or www. and what follows in ASCII; marks at the end and a particle behind (naver.com에서) do not belong
 *   email    mail_address.h
 * Spans do not overlap: what an address holds is no number. Linear in the text. */
#ifndef CORPUS_PATTERNS_H
#define CORPUS_PATTERNS_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

typedef enum { PATTERN_NUMBER, PATTERN_URL, PATTERN_EMAIL, N_PATTERNS } PatternClass;

typedef struct {
    PatternClass class;
    size_t begin, end;  /* bytes of the text */
} PatternSpan;

typedef struct {
    PatternSpan *spans;  /* in order */
    int64_t n, n_of[N_PATTERNS];
    size_t n_bytes;  /* of all spans together */
} Patterns;

enum { PATTERNS_VERSION = 1 };

Patterns patterns_find(Arena *arena, const char *text, size_t n_bytes);
const char *pattern_name(PatternClass class);  /* "number", "url", "email" */

#endif
