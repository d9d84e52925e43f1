/* shard_internal.h - the bytes of Megatron's .idx, shared by shard.c and shard_writer.c. */
#ifndef CORPUS_SHARD_INTERNAL_H
#define CORPUS_SHARD_INTERNAL_H

#include "text/corpus/shard.h"

#include <stdint.h>

#define SHARD_MAGIC {'M', 'M', 'I', 'D', 'I', 'D', 'X', 0, 0}

/* Megatron's numbers for numpy dtypes. 6 and 7 are floats, which are no token ids. */
enum { SHARD_U8 = 1, SHARD_I8 = 2, SHARD_I16 = 3, SHARD_I32 = 4, SHARD_I64 = 5, SHARD_U16 = 8 };

enum { SHARD_VOCAB_U16_MAX = 65500 };  /* from this size on Megatron writes int32 */

typedef struct {
    unsigned char magic[9];
    uint64_t version;
    uint8_t dtype;
    uint64_t n_sequences;
    uint64_t n_boundaries;
} __attribute__((packed)) ShardHeader;

_Static_assert(sizeof(ShardHeader) == 34, "the header has no padding");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "shards are read and written as they lie in memory");

/* What PREFIX.sum records of the two files. */
typedef struct {
    int64_t bin_bytes, idx_bytes;
    uint64_t bin_hash, idx_hash;
} ShardSum;

#endif
