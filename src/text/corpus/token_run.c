/* token_run.c - one run of tokens over shards or an array. */
#include "text/corpus/token_run.h"

#include "base/arena.h"
#include "text/corpus/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

Err token_run_open_shards(TokenRun *stream, const char *const *prefixes, int n_prefixes, int64_t vocab_size)
{
    *stream = (TokenRun){0};
    stream->shards = mem_alloc((size_t)n_prefixes * sizeof *stream->shards);
    stream->token_begins = mem_alloc((size_t)(n_prefixes + 1) * sizeof(int64_t));
    stream->document_begins = mem_alloc((size_t)(n_prefixes + 1) * sizeof(int64_t));
    for (int i = 0; i < n_prefixes; i++) {
        Err err = shard_open(&stream->shards[i], prefixes[i]);
        if (err == OK) {
            stream->n_shards = i + 1;
            if (vocab_size > 0 && (err = shard_check_tokens(stream->shards[i], vocab_size)) != OK)
                err_prefix(err, "%s.bin", prefixes[i]);
        }
        if (err != OK) {
            token_run_close(stream);
            return err;
        }
        stream->n_tokens += shard_n_tokens(stream->shards[i]);
        stream->n_documents += shard_n_documents(stream->shards[i]);
        stream->token_begins[i + 1] = stream->n_tokens;
        stream->document_begins[i + 1] = stream->n_documents;
    }
    return OK;
}

Err token_run_open_array(TokenRun *stream, const int32_t *tokens, int64_t n_tokens, const int64_t *document_begins,
                            int64_t n_documents, int64_t vocab_size)
{
    *stream = (TokenRun){.tokens = tokens, .n_tokens = n_tokens, .n_documents = 1};
    if (document_begins) {
        stream->array_begins = document_begins;
        stream->n_documents = n_documents;
        assert(n_documents >= 1 && document_begins[0] == 0);
        for (int64_t d = 1; d < n_documents; d++)
            assert(document_begins[d - 1] <= document_begins[d] && document_begins[d] <= n_tokens);
    }
    for (int64_t i = 0; vocab_size > 0 && i < n_tokens; i++)
        if (tokens[i] < 0 || tokens[i] >= vocab_size)
            return err_set(ERR_FORMAT, "token %" PRId64 " is %d, outside a vocabulary of %" PRId64, i, tokens[i], vocab_size);
    return OK;
}

void token_run_close(TokenRun *stream)
{
    for (int i = 0; i < stream->n_shards; i++)
        shard_free(stream->shards[i]);
    free(stream->shards);
    free(stream->token_begins);
    free(stream->document_begins);
    *stream = (TokenRun){0};
}

/* The shard that holds `index`: the last whose begin is not above it. Begins rise, there are few shards. */
static int part_of(const int64_t *begins, int n_parts, int64_t index)
{
    int low = 0, high = n_parts - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (begins[middle] <= index)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

void token_run_read(const TokenRun *stream, int64_t first, int64_t n, int32_t *tokens)
{
    assert(0 <= first && 0 <= n && n <= stream->n_tokens - first);
    if (!stream->shards) {
        for (int64_t i = 0; i < n; i++)
            tokens[i] = stream->tokens[first + i];
        return;
    }
    int part = part_of(stream->token_begins, stream->n_shards, first);
    while (n > 0) {
        int64_t left = stream->token_begins[part + 1] - first;
        int64_t m = n < left ? n : left;
        shard_read(stream->shards[part], first - stream->token_begins[part], m, tokens);
        first += m, tokens += m, n -= m;
        part++;
    }
}

int64_t token_run_document_begin(const TokenRun *stream, int64_t document)
{
    assert(0 <= document && document <= stream->n_documents);
    if (document == stream->n_documents)
        return stream->n_tokens;
    if (!stream->shards)
        return stream->array_begins ? stream->array_begins[document] : 0;
    int part = part_of(stream->document_begins, stream->n_shards, document);
    return stream->token_begins[part] + shard_document_begin(stream->shards[part], document - stream->document_begins[part]);
}

int64_t token_run_document(const TokenRun *stream, int64_t position)
{
    int64_t low = 0, high = stream->n_documents - 1;
    assert(0 <= position && position < stream->n_tokens);
    while (low < high) {  /* the first that ends after the position: empty ones hold nothing */
        int64_t middle = low + (high - low) / 2;
        if (token_run_document_begin(stream, middle + 1) > position)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int token_run_shard(const TokenRun *stream, int64_t document, int64_t *first_document)
{
    int shard = stream->shards ? part_of(stream->document_begins, stream->n_shards, document) : 0;
    *first_document = stream->shards ? stream->document_begins[shard] : 0;
    return shard;
}

uint64_t token_run_hash(const TokenRun *stream)
{
    uint64_t hash = hash64(&stream->n_tokens, sizeof stream->n_tokens, 0);
    for (int i = 0; i < stream->n_shards; i++) {
        uint64_t shard = shard_hash(stream->shards[i]);
        hash = hash64(&shard, sizeof shard, hash);
    }
    if (stream->tokens)
        hash = hash64(stream->tokens, (size_t)stream->n_tokens * sizeof *stream->tokens, hash);
    if (stream->array_begins)
        hash = hash64(stream->array_begins, (size_t)stream->n_documents * sizeof(int64_t), hash);
    return hash;
}
