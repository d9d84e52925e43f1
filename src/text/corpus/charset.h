/* charset.h - bytes of an unknown or doubtful encoding to UTF-8.
 *
 * Order of trust: a byte-order mark; the zero bytes of UTF-16; what is valid UTF-8; what HTTP says; what the page says; else a guess between
 * CP949 (which holds EUC-KR), Shift_JIS, EUC-JP, GB18030, Big5 and windows-1252 by how well the bytes fit and how common the letters
 * they give are. A declared encoding that the bytes break is not believed. */
#ifndef CORPUS_CHARSET_H
#define CORPUS_CHARSET_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *text;  /* UTF-8; the input itself when it is UTF-8 already, else in the arena (NUL added) */
    size_t n_bytes;
    const char *charset;  /* "utf-8", "cp949", ...: what was read */
    int64_t n_bad;     /* bytes that had no meaning there: U+FFFD each */
} CharsetText;

/* `declared` and `inner` are lower case or "". */
CharsetText charset_decode(Arena *arena, const char *bytes, size_t n_bytes, const char *declared, const char *inner);
/* The guess between encodings of one and two bytes alone. */
const char *charset_guess(const char *bytes, size_t n_bytes);

#endif
