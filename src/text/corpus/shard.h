/* shard.h - token ids on disk: Megatron's .bin/.idx pair, written whole and read through mmap.
 *
 * PREFIX.bin holds the ids of all documents one after another, as uint16 when the vocabulary has fewer than 65,500 entries
 * and as int32 otherwise. PREFIX.idx says where they begin. Layout (Megatron-LM, core/datasets/indexed_dataset.py; little
 * endian, no padding):
 *
 *     9 bytes "MMIDIDX\0\0"   u64 version = 1   u8 dtype code
 *     u64 n_sequences   u64 n_boundaries (documents + 1)
 *     i32 lengths[n_sequences]           tokens in each sequence
 *     i64 pointers[n_sequences]          byte offset of each sequence in .bin
 *     i64 documents[n_boundaries]        0, then the sequence number after each document's last
 *
 * We write one sequence a document and read any number. Beside the pair lies PREFIX.sum: a JSON object with the sizes and
 * XXH3-64 hashes of both files, their provenance, and the counts. Each file is whole or absent and .sum comes last, so a
 * pair without it was cut short while being written by us, or was written by somebody else. */
#ifndef CORPUS_SHARD_H
#define CORPUS_SHARD_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ShardWriter ShardWriter;

/* Ids must lie in [0, vocab_size), which also chooses the width. Nothing is visible under PREFIX before the commit. */
Err shard_writer_open(ShardWriter **out, const char *prefix, int64_t vocab_size);
/* One document of n_tokens >= 1 ids. ERR_FORMAT names an id outside the vocabulary. */
Err shard_writer_add(ShardWriter *writer, const int32_t *tokens, int64_t n_tokens);
/* Writes .bin, .idx and .sum. `provenance` is a JSON object (tokenizer, sources, split) or NULL. Frees the writer, also on
 * an error. */
Err shard_writer_commit(ShardWriter *writer, const char *provenance);
void shard_writer_abort(ShardWriter *writer);  /* nothing stays on disk; NULL is fine */

typedef struct Shard Shard;

/* Maps PREFIX.idx and PREFIX.bin and checks every length, pointer and boundary: afterwards all reads are in range. Pointers must be
 * contiguous, as Megatron writes them. ERR_FORMAT: "PREFIX.idx: ..." names the entry. Does not read the tokens themselves. */
Err shard_open(Shard **out, const char *prefix);
void shard_free(Shard *shard);  /* NULL is fine */

int64_t shard_n_tokens(const Shard *shard);
int64_t shard_n_documents(const Shard *shard);
/* The number of the document's first token; shard_n_tokens for document == shard_n_documents. */
int64_t shard_document_begin(const Shard *shard, int64_t document);
int shard_token_bytes(const Shard *shard);  /* 1, 2, 4 or 8 */
/* Tokens [first, first + n) of the whole shard, widened to i32. */
void shard_read(const Shard *shard, int64_t first, int64_t n, int32_t *tokens);
/* Reads every token: ERR_FORMAT names the first outside [0, vocab_size). About 5 GB/s. */
Err shard_check_tokens(const Shard *shard, int64_t vocab_size);
/* Compares both files with PREFIX.sum. ERR_FORMAT names the file that differs; without .sum there is nothing to compare and
 * *has_sum says so. */
Err shard_check_sum(const char *prefix, bool *has_sum);
/* XXH3-64 of the index, which holds every length: the shard's identity in a checkpoint. */
uint64_t shard_hash(const Shard *shard);

#endif
