/* shingle_internal.h - what both ways of making text plain share. */
#ifndef CORPUS_SHINGLE_INTERNAL_H
#define CORPUS_SHINGLE_INTERNAL_H

#include "text/corpus/shingle.h"

/* ASCII made plain: small letters, 0 for digits, NUL for a border. */
static inline char shingle_plain_ascii(unsigned char c)
{
    static const char plain[128] = {
        ['0'] = '0', '0', '0', '0', '0', '0', '0', '0', '0', '0',
        ['A'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
        ['a'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    };
    return plain[c];
}

#endif
