/* flat_shard.c - the two flat formats. */
#include "text/corpus/flat_shard.h"

#include "base/arena.h"
#include "base/file.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { HEADER_INTS = 256, CHUNK_TOKENS = 4096, LLMC_MAGIC_U16 = 20240520, LLMC_MAGIC_U32 = 20240801, VOCAB_U16_MAX = 65536 };

struct FlatShard {
    FileWriter *file;
    char *path;
    bool is_narrow;
    int64_t vocab_size, n_left;
};

static Err write_header(FlatShard *shard, int64_t n_tokens)
{
    int32_t header[HEADER_INTS] = {shard->is_narrow ? LLMC_MAGIC_U16 : LLMC_MAGIC_U32, shard->is_narrow ? 1 : 7, (int32_t)n_tokens};
    return file_writer_write(shard->file, header, sizeof header);
}

Err flat_shard_open(FlatShard **out, const char *path, bool is_llmc, int64_t vocab_size, int64_t n_tokens)
{
    bool is_narrow = vocab_size <= VOCAB_U16_MAX;
    *out = NULL;
    if (!is_llmc && !is_narrow)
        return err_set(ERR_UNSUPPORTED, "%s: nanoGPT's files hold 16 bits a token; a vocabulary of %" PRId64 " needs more: use megatron", path,
                       vocab_size);
    if (is_llmc && n_tokens > INT32_MAX)
        return err_set(ERR_UNSUPPORTED, "%s: %" PRId64 " tokens; llm.c's header ends at 2147483647: use megatron", path, n_tokens);
    FileWriter *file;
    TRY(file_writer_open(&file, path));
    FlatShard *shard = mem_alloc(sizeof *shard);
    *shard = (FlatShard){file, mem_strdup(path), is_narrow, vocab_size, n_tokens};
    Err err = is_llmc ? write_header(shard, n_tokens) : OK;
    if (err != OK) {
        flat_shard_abort(shard);
        return err;
    }
    *out = shard;
    return OK;
}

Err flat_shard_add(FlatShard *shard, const int32_t *tokens, int64_t n_tokens)
{
    uint16_t narrow[CHUNK_TOKENS];
    assert(n_tokens <= shard->n_left);
    shard->n_left -= n_tokens;
    for (int64_t begin = 0; begin < n_tokens; begin += CHUNK_TOKENS) {
        int64_t n = n_tokens - begin < CHUNK_TOKENS ? n_tokens - begin : CHUNK_TOKENS;
        for (int64_t i = 0; i < n; i++) {
            if (tokens[begin + i] < 0 || tokens[begin + i] >= shard->vocab_size)
                return err_set(ERR_FORMAT, "%s: id %d outside a vocabulary of %" PRId64, shard->path, tokens[begin + i], shard->vocab_size);
            narrow[i] = (uint16_t)tokens[begin + i];
        }
        if (shard->is_narrow)
            TRY(file_writer_write(shard->file, narrow, (size_t)n * sizeof *narrow));
        else
            TRY(file_writer_write(shard->file, tokens + begin, (size_t)n * sizeof *tokens));
    }
    return OK;
}

uint64_t flat_shard_hash(const FlatShard *shard)
{
    return file_writer_hash(shard->file);
}

static void flat_shard_free(FlatShard *shard)
{
    free(shard->path);
    free(shard);
}

Err flat_shard_commit(FlatShard *shard)
{
    assert(shard->n_left == 0);
    Err err = file_writer_commit(shard->file);
    flat_shard_free(shard);
    return err;
}

void flat_shard_abort(FlatShard *shard)
{
    if (!shard)
        return;
    file_writer_abort(shard->file);
    flat_shard_free(shard);
}
