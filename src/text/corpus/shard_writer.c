/* shard_writer.c - writes a Megatron pair and its sum, each file whole or absent.
 *
 * Ids go straight to the temporary .bin; only the lengths (4 bytes a document) stay in memory until the index is written. */
#include "base/file.h"
#include "base/json.h"
#include "text/corpus/shard_internal.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

enum { CHUNK_TOKENS = 4096 };

struct ShardWriter {
    char *prefix;
    FileWriter *bin;
    int64_t vocab_size;
    int token_bytes;
    int32_t *lengths;
    int64_t n_documents, n_documents_max;
    int64_t n_tokens;
};

static char *shard_path(const char *prefix, const char *ending)
{
    size_t n = strlen(prefix);
    char *path = mem_alloc(n + strlen(ending) + 1);
    memcpy(path, prefix, n);
    strcpy(path + n, ending);
    return path;
}

Err shard_writer_open(ShardWriter **out, const char *prefix, int64_t vocab_size)
{
    *out = NULL;
    if (vocab_size < 1 || vocab_size > INT32_MAX)
        return err_set(ERR_USAGE, "%s: a vocabulary of %lld entries", prefix, (long long)vocab_size);
    char *path = shard_path(prefix, ".bin");
    FileWriter *bin;
    Err err = file_writer_open(&bin, path);
    free(path);
    TRY(err);

    ShardWriter *writer = mem_alloc(sizeof *writer);
    writer->prefix = mem_strdup(prefix);
    writer->bin = bin;
    writer->vocab_size = vocab_size;
    writer->token_bytes = vocab_size < SHARD_VOCAB_U16_MAX ? 2 : 4;
    *out = writer;
    return OK;
}

Err shard_writer_add(ShardWriter *writer, const int32_t *tokens, int64_t n_tokens)
{
    assert(n_tokens >= 1);
    if (n_tokens > INT32_MAX)
        return err_set(ERR_UNSUPPORTED, "%s: a document of %lld tokens; the format ends at 2147483647", writer->prefix,
                       (long long)n_tokens);
    uint16_t narrow[CHUNK_TOKENS];
    for (int64_t begin = 0; begin < n_tokens; begin += CHUNK_TOKENS) {
        int64_t n = n_tokens - begin < CHUNK_TOKENS ? n_tokens - begin : CHUNK_TOKENS;
        for (int64_t i = 0; i < n; i++) {
            int32_t token = tokens[begin + i];
            if (token < 0 || token >= writer->vocab_size)
                return err_set(ERR_FORMAT, "%s: document %lld: id %d outside a vocabulary of %lld", writer->prefix,
                               (long long)writer->n_documents, token, (long long)writer->vocab_size);
            narrow[i] = (uint16_t)token;
        }
        const void *bytes = writer->token_bytes == 2 ? (const void *)narrow : (const void *)(tokens + begin);
        TRY(file_writer_write(writer->bin, bytes, (size_t)n * (size_t)writer->token_bytes));
    }
    if (writer->n_documents == writer->n_documents_max) {
        writer->n_documents_max = 2 * writer->n_documents_max + 1024;
        writer->lengths = mem_realloc(writer->lengths, (size_t)writer->n_documents_max * sizeof *writer->lengths);
    }
    writer->lengths[writer->n_documents++] = (int32_t)n_tokens;
    writer->n_tokens += n_tokens;
    return OK;
}

static void shard_writer_free(ShardWriter *writer)
{
    free(writer->lengths);
    free(writer->prefix);
    free(writer);
}

void shard_writer_abort(ShardWriter *writer)
{
    if (!writer)
        return;
    file_writer_abort(writer->bin);
    shard_writer_free(writer);
}

static Err shard_write_index(const ShardWriter *writer, FileWriter *out)
{
    int64_t n = writer->n_documents;
    ShardHeader head = {.magic = SHARD_MAGIC, .version = 1, .n_sequences = (uint64_t)n, .n_boundaries = (uint64_t)n + 1};
    head.dtype = writer->token_bytes == 2 ? SHARD_U16 : SHARD_I32;
    TRY(file_writer_write(out, &head, sizeof head));
    TRY(file_writer_write(out, writer->lengths, (size_t)n * sizeof *writer->lengths));
    int64_t pointer = 0;
    for (int64_t i = 0; i < n; i++) {
        TRY(file_writer_write(out, &pointer, sizeof pointer));
        pointer += (int64_t)writer->lengths[i] * writer->token_bytes;
    }
    for (int64_t i = 0; i <= n; i++)
        TRY(file_writer_write(out, &i, sizeof i));
    return OK;
}

/* A hash as 16 hex digits: JSON numbers would lose its low bits in most readers. */
static void json_field_hash(JsonWriter *json, const char *key, uint64_t hash)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    json_field_string(json, key, text);
}

static Err shard_write_sum(const ShardWriter *writer, const ShardSum *sum, const char *provenance)
{
    JsonWriter *json = json_writer_new(2);
    json_write_object_begin(json);
    json_field_int(json, "format", 1);
    json_field_int(json, "documents", writer->n_documents);
    json_field_int(json, "tokens", writer->n_tokens);
    json_field_int(json, "vocab_size", writer->vocab_size);
    json_field_int(json, "bin_bytes", sum->bin_bytes);
    json_field_hash(json, "bin_xxh3_64", sum->bin_hash);
    json_field_int(json, "idx_bytes", sum->idx_bytes);
    json_field_hash(json, "idx_xxh3_64", sum->idx_hash);
    if (provenance) {
        json_write_key(json, "provenance");
        json_write_raw(json, provenance, strlen(provenance));
    }
    json_write_object_end(json);
    size_t n_bytes;
    const char *text = json_writer_text(json, &n_bytes);
    char *path = shard_path(writer->prefix, ".sum");
    Err err = file_write(path, text, n_bytes);
    free(path);
    json_writer_free(json);
    return err;
}

/* The old sum and index go first: a kill between the renames leaves no pair rather than a mixed one. */
Err shard_writer_commit(ShardWriter *writer, const char *provenance)
{
    char *idx_path = shard_path(writer->prefix, ".idx");
    char *sum_path = shard_path(writer->prefix, ".sum");
    ShardSum sum = {0};
    FileWriter *idx = NULL;
    Err err;
    TRY_GOTO(err, file_writer_open(&idx, idx_path), done);
    TRY_GOTO(err, shard_write_index(writer, idx), done);
    sum.bin_bytes = file_writer_offset(writer->bin);
    sum.bin_hash = file_writer_hash(writer->bin);
    sum.idx_bytes = file_writer_offset(idx);
    sum.idx_hash = file_writer_hash(idx);

    TRY_GOTO(err, file_remove_tree(sum_path), done);
    TRY_GOTO(err, file_remove_tree(idx_path), done);
    err = file_writer_commit(writer->bin);
    writer->bin = NULL;
    TRY_GOTO(err, err, done);
    err = file_writer_commit(idx);
    idx = NULL;
    TRY_GOTO(err, err, done);
    err = shard_write_sum(writer, &sum, provenance);
done:
    file_writer_abort(idx);
    file_writer_abort(writer->bin);
    shard_writer_free(writer);
    free(idx_path);
    free(sum_path);
    return err;
}
