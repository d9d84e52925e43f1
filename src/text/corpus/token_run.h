/* token_run.h - several shards, or one array, seen as one long run of tokens with document borders. Private to batches. */
#ifndef CORPUS_TOKEN_RUN_H
#define CORPUS_TOKEN_RUN_H

#include "text/corpus/shard.h"

#include <stdint.h>

typedef struct {
    Shard **shards;  /* NULL: the array */
    int n_shards;
    int64_t *token_begins, *document_begins;  /* [n_shards + 1] of each shard in the stream */
    const int32_t *tokens;
    const int64_t *array_begins;  /* [n_documents] of the array, NULL: one document */
    int64_t n_tokens, n_documents;
} TokenRun;

Err token_run_open_shards(TokenRun *stream, const char *const *prefixes, int n_prefixes, int64_t vocab_size);
Err token_run_open_array(TokenRun *stream, const int32_t *tokens, int64_t n_tokens, const int64_t *document_begins,
                            int64_t n_documents, int64_t vocab_size);
void token_run_close(TokenRun *stream);  /* a zeroed stream is fine */

void token_run_read(const TokenRun *stream, int64_t first, int64_t n, int32_t *tokens);
int64_t token_run_document_begin(const TokenRun *stream, int64_t document);  /* n_tokens at n_documents */
/* The document that holds token `position` (0 <= position < n_tokens). */
int64_t token_run_document(const TokenRun *stream, int64_t position);
/* The shard that holds the document, and the number of its first one; 0 and 0 for an array. */
int token_run_shard(const TokenRun *stream, int64_t document, int64_t *first_document);
/* Of all document lengths and, for an array, its tokens. */
uint64_t token_run_hash(const TokenRun *stream);

#endif
