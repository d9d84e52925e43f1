/* shard.c - reads Megatron pairs through mmap; everything is checked when opened. */
#include "text/corpus/shard.h"

#include "base/file.h"
#include "base/json.h"
#include "text/corpus/shard_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct Shard {
    FileMap idx, bin;
    const unsigned char *lengths, *pointers, *boundaries;  /* inside idx, not aligned */
    int64_t n_sequences, n_documents, n_tokens;
    int token_bytes;
    uint8_t dtype;
    uint64_t hash;
};

static int32_t load_i32(const unsigned char *at, int64_t i)
{
    int32_t value;
    memcpy(&value, at + 4 * i, sizeof value);
    return value;
}

static int64_t load_i64(const unsigned char *at, int64_t i)
{
    int64_t value;
    memcpy(&value, at + 8 * i, sizeof value);
    return value;
}

static int dtype_bytes(uint8_t dtype)
{
    switch (dtype) {
    case SHARD_U8: case SHARD_I8: return 1;
    case SHARD_I16: case SHARD_U16: return 2;
    case SHARD_I32: return 4;
    case SHARD_I64: return 8;
    default: return 0;
    }
}

/* Finds the three arrays; counts are compared by division, so no product can overflow. */
static Err shard_check_header(Shard *shard)
{
    static const unsigned char magic[] = SHARD_MAGIC;
    ShardHeader head;
    size_t n_bytes = shard->idx.n_bytes;
    if (n_bytes < sizeof head || memcmp(shard->idx.bytes, magic, sizeof magic) != 0)
        return err_set(ERR_FORMAT, "not a Megatron index (no MMIDIDX at its head)");
    memcpy(&head, shard->idx.bytes, sizeof head);
    if (head.version != 1)
        return err_set(ERR_UNSUPPORTED, "version %" PRIu64 " of the index format; only 1 is known", head.version);
    shard->dtype = head.dtype;
    shard->token_bytes = dtype_bytes(head.dtype);
    if (shard->token_bytes == 0)
        return err_set(ERR_FORMAT, "dtype code %u is not an integer type", head.dtype);

    uint64_t room = n_bytes - sizeof head;
    if (head.n_sequences > room / 12)
        return err_set(ERR_FORMAT, "%" PRIu64 " sequences do not fit a file of %zu bytes", head.n_sequences, n_bytes);
    room -= 12 * head.n_sequences;
    if (head.n_boundaries < 1 || head.n_boundaries > room / 8)
        return err_set(ERR_FORMAT, "%" PRIu64 " document boundaries do not fit a file of %zu bytes", head.n_boundaries, n_bytes);
    room -= 8 * head.n_boundaries;
    if (room != 0 && room != head.n_sequences)  /* multimodal indices end with a byte a sequence */
        return err_set(ERR_FORMAT, "%" PRIu64 " bytes after the end of the index", room);

    shard->n_sequences = (int64_t)head.n_sequences;
    shard->n_documents = (int64_t)head.n_boundaries - 1;
    shard->lengths = shard->idx.bytes + sizeof head;
    shard->pointers = shard->lengths + 4 * head.n_sequences;
    shard->boundaries = shard->pointers + 8 * head.n_sequences;
    return OK;
}

static Err shard_check_entries(Shard *shard)
{
    int64_t pointer = 0;
    for (int64_t i = 0; i < shard->n_sequences; i++) {
        int32_t length = load_i32(shard->lengths, i);
        if (length < 0)
            return err_set(ERR_FORMAT, "sequence %" PRId64 ": length %d", i, length);
        if (load_i64(shard->pointers, i) != pointer)
            return err_set(ERR_FORMAT, "sequence %" PRId64 ": pointer %" PRId64 ", expected %" PRId64, i,
                           load_i64(shard->pointers, i), pointer);
        pointer += (int64_t)length * shard->token_bytes;
    }
    if ((uint64_t)pointer != shard->bin.n_bytes)
        return err_set(ERR_FORMAT, "the index speaks of %" PRId64 " bytes of tokens, .bin has %zu", pointer, shard->bin.n_bytes);
    shard->n_tokens = pointer / shard->token_bytes;

    int64_t last = 0;
    for (int64_t d = 0; d <= shard->n_documents; d++) {
        int64_t boundary = load_i64(shard->boundaries, d);
        if (boundary < last || boundary > shard->n_sequences || (d == 0 && boundary != 0))
            return err_set(ERR_FORMAT, "document boundary %" PRId64 ": %" PRId64 " after %" PRId64 ", of %" PRId64 " sequences", d,
                           boundary, last, shard->n_sequences);
        last = boundary;
    }
    if (last != shard->n_sequences)
        return err_set(ERR_FORMAT, "the last document ends at sequence %" PRId64 " of %" PRId64, last, shard->n_sequences);
    return OK;
}

Err shard_open(Shard **out, const char *prefix)
{
    *out = NULL;
    Arena *scratch = arena_new();
    Shard *shard = mem_alloc(sizeof *shard);
    const char *idx_path = arena_printf(scratch, "%s.idx", prefix);
    Err err;
    TRY_GOTO(err, file_map(&shard->idx, idx_path), done);
    TRY_GOTO(err, file_map(&shard->bin, arena_printf(scratch, "%s.bin", prefix)), done);
    err = shard_check_header(shard);
    if (err == OK)
        err = shard_check_entries(shard);
    if (err != OK)
        err_prefix(err, "%s", idx_path);
    else
        err = file_hash(&shard->hash, idx_path);
done:
    arena_free(scratch);
    if (err == OK)
        *out = shard;
    else
        shard_free(shard);
    return err;
}

void shard_free(Shard *shard)
{
    if (!shard)
        return;
    file_unmap(&shard->idx);
    file_unmap(&shard->bin);
    free(shard);
}

int64_t shard_n_tokens(const Shard *shard)
{
    return shard->n_tokens;
}

int64_t shard_n_documents(const Shard *shard)
{
    return shard->n_documents;
}

int64_t shard_document_begin(const Shard *shard, int64_t document)
{
    assert(0 <= document && document <= shard->n_documents);
    int64_t sequence = load_i64(shard->boundaries, document);
    return sequence < shard->n_sequences ? load_i64(shard->pointers, sequence) / shard->token_bytes : shard->n_tokens;
}

int shard_token_bytes(const Shard *shard)
{
    return shard->token_bytes;
}

uint64_t shard_hash(const Shard *shard)
{
    return shard->hash;
}

static int64_t shard_token(const Shard *shard, int64_t i)
{
    const unsigned char *at = shard->bin.bytes + i * shard->token_bytes;
    uint16_t u16;
    int16_t i16;
    switch (shard->dtype) {
    case SHARD_U8: return *at;
    case SHARD_I8: return (int8_t)*at;
    case SHARD_U16: return memcpy(&u16, at, 2), u16;
    case SHARD_I16: return memcpy(&i16, at, 2), i16;
    case SHARD_I32: return load_i32(at, 0);
    default: return load_i64(at, 0);
    }
}

void shard_read(const Shard *shard, int64_t first, int64_t n, int32_t *tokens)
{
    assert(0 <= first && 0 <= n && n <= shard->n_tokens - first);
    const unsigned char *at = shard->bin.bytes + first * shard->token_bytes;
    if (shard->dtype == SHARD_I32) {
        memcpy(tokens, at, 4 * (size_t)n);
    } else if (shard->dtype == SHARD_U16) {
        const uint16_t *narrow = (const uint16_t *)at;  /* .bin is mapped at a page and holds only u16 */
        for (int64_t i = 0; i < n; i++)
            tokens[i] = narrow[i];
    } else {
        for (int64_t i = 0; i < n; i++)
            tokens[i] = (int32_t)shard_token(shard, first + i);
    }
}

Err shard_check_tokens(const Shard *shard, int64_t vocab_size)
{
    int64_t bad = -1;
    if (shard->dtype == SHARD_U16) {
        const uint16_t *narrow = (const uint16_t *)shard->bin.bytes;
        uint16_t largest = 0;
        for (int64_t i = 0; i < shard->n_tokens; i++)
            largest = narrow[i] > largest ? narrow[i] : largest;
        if (largest < vocab_size)
            return OK;
    }
    for (int64_t i = 0; i < shard->n_tokens && bad < 0; i++)
        if (shard_token(shard, i) < 0 || shard_token(shard, i) >= vocab_size)
            bad = i;
    if (bad < 0)
        return OK;
    return err_set(ERR_FORMAT, "token %" PRId64 " is %" PRId64 ", outside a vocabulary of %" PRId64, bad, shard_token(shard, bad),
                   vocab_size);
}

static Err shard_sum_read(ShardSum *sum, Arena *arena, const char *path)
{
    const char *text;
    size_t n_bytes;
    TRY(file_read(&text, &n_bytes, arena, path));
    JsonReader json;
    json_reader_init(&json, path, text, n_bytes);
    TRY(json_object_begin(&json));
    JsonText key;
    const char *bin_hash = "", *idx_hash = "";
    while (json_object_next(&json, &key)) {
        if (json_text_is(key, "bin_bytes"))
            TRY(json_int(&json, &sum->bin_bytes));
        else if (json_text_is(key, "idx_bytes"))
            TRY(json_int(&json, &sum->idx_bytes));
        else if (json_text_is(key, "bin_xxh3_64"))
            TRY(json_string(&json, arena, &bin_hash, NULL));
        else if (json_text_is(key, "idx_xxh3_64"))
            TRY(json_string(&json, arena, &idx_hash, NULL));
        else
            TRY(json_skip(&json));
    }
    TRY(json_reader_end(&json));
    sum->bin_hash = strtoull(bin_hash, NULL, 16);
    sum->idx_hash = strtoull(idx_hash, NULL, 16);
    return OK;
}

static Err shard_sum_compare(const char *path, int64_t n_bytes, uint64_t hash)
{
    int64_t found_bytes;
    uint64_t found_hash;
    TRY(file_size(&found_bytes, path));
    if (found_bytes != n_bytes)
        return err_set(ERR_FORMAT, "%s: %" PRId64 " bytes, its sum says %" PRId64, path, found_bytes, n_bytes);
    TRY(file_hash(&found_hash, path));
    if (found_hash != hash)
        return err_set(ERR_FORMAT, "%s: its content does not match its sum", path);
    return OK;
}

Err shard_check_sum(const char *prefix, bool *has_sum)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s.sum", prefix);
    ShardSum sum = {0};
    Err err = OK;
    *has_sum = file_exists(path);
    if (!*has_sum)
        goto done;
    TRY_GOTO(err, shard_sum_read(&sum, arena, path), done);
    TRY_GOTO(err, shard_sum_compare(arena_printf(arena, "%s.idx", prefix), sum.idx_bytes, sum.idx_hash), done);
    err = shard_sum_compare(arena_printf(arena, "%s.bin", prefix), sum.bin_bytes, sum.bin_hash);
done:
    arena_free(arena);
    return err;
}
