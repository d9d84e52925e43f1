/* flat_shard.h - token ids as llm.c and nanoGPT read them: one file, no borders between documents but the end token.
 *
 *   llm.c    256 int32: 20240520, version 1, number of tokens, zeros; then uint16. From a vocabulary of 65,536 on: 20240801, version 7, then
 *            uint32 (dev/data/data_common.py). The header ends at 2^31 - 1 tokens.
 *   nanoGPT  uint16, nothing else (data/openwebtext/prepare.py) */
#ifndef CORPUS_FLAT_SHARD_H
#define CORPUS_FLAT_SHARD_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct FlatShard FlatShard;

/* Opens PATH for exactly n_tokens ids in [0, vocab_size). ERR_UNSUPPORTED: more than the format can say. */
Err flat_shard_open(FlatShard **out, const char *path, bool is_llmc, int64_t vocab_size, int64_t n_tokens);
Err flat_shard_add(FlatShard *shard, const int32_t *tokens, int64_t n_tokens);
uint64_t flat_shard_hash(const FlatShard *shard);  /* XXH3-64 of the file so far */
/* Frees the shard, also on an error. */
Err flat_shard_commit(FlatShard *shard);
void flat_shard_abort(FlatShard *shard);  /* NULL is fine */

#endif
