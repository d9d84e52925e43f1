/* bpe_short.h - byte-pair encoding of words of a few bytes, by merging: the lowest rank first, of equals the leftmost. Where tokens fight for each other's
 * ends, as in random letters, this costs less than searching. */
#ifndef TEXT_BPE_SHORT_H
#define TEXT_BPE_SHORT_H

#include "text/tokenizer/byte_edges.h"
#include "text/tokenizer/pair_ranks.h"

enum { BPE_SHORT_BYTES = 32 };
/* Start symbols are single bytes, and each of bytes[0, n), n <= BPE_SHORT_BYTES, is a token. Puts the ids into `ids` (room for n) and returns how many. */
size_t bpe_short_merge(const PairRanks *ranks, const ByteEdges *edges, const BpeMade *made, const char *bytes, size_t n, int32_t *ids);

#endif
