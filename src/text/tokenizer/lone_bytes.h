/* lone_bytes.h - pieces of text of which no two bytes side by side merge: they come out byte by byte, with no search. Most pieces of random bytes are such. */
#ifndef TEXT_LONE_BYTES_H
#define TEXT_LONE_BYTES_H

#include "text/tokenizer/byte_edges.h"

#include <stdbool.h>

enum { LONE_PIECES_MAX = 128, LONE_TEXT_BYTES = 4096, LONE_PIECE_BYTES = 32 };
/* Says of n pieces of a text, at most LONE_PIECES_MAX, which are such: of pieces of at most LONE_PIECE_BYTES that lie among the first LONE_TEXT_BYTES, and
 * false of all others. The first begins at `at`, each where the one before ends. */
void lone_bytes_find(const ByteEdges *edges, const char *text, size_t at, const size_t *ends, int n, bool *is_lone);

#endif
