/* shard_fuzz.c - no index and no tokens, however wrong, lead outside the mapped files.
 * Input: two bytes give the length of .idx, the rest is .idx then .bin. */
#include "base/file.h"
#include "text/corpus/shard.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void put(const char *path, const uint8_t *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    fwrite(bytes, 1, n_bytes, file);
    fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes < 2)
        return 0;
    size_t n_idx = data[0] + 256u * data[1];
    data += 2, n_bytes -= 2;
    n_idx = n_idx < n_bytes ? n_idx : n_bytes;
    char prefix[64], path[80];
    snprintf(prefix, sizeof prefix, "/tmp/shard-fuzz-%d", (int)getpid());
    snprintf(path, sizeof path, "%s.idx", prefix);
    put(path, data, n_idx);
    snprintf(path, sizeof path, "%s.bin", prefix);
    put(path, data + n_idx, n_bytes - n_idx);

    Shard *shard;
    if (shard_open(&shard, prefix) == OK) {
        int64_t n = shard_n_tokens(shard);
        int32_t *tokens = malloc((size_t)n * sizeof *tokens + 1);
        for (int64_t d = 0; d < shard_n_documents(shard); d++) {
            int64_t begin = shard_document_begin(shard, d);
            shard_read(shard, begin, shard_document_begin(shard, d + 1) - begin, tokens);
        }
        shard_read(shard, 0, n, tokens);
        shard_check_tokens(shard, 1000);
        free(tokens);
    }
    shard_free(shard);
    unlink(path);
    snprintf(path, sizeof path, "%s.idx", prefix);
    unlink(path);
    return 0;
}
