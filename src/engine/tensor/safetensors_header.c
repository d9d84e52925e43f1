/* safetensors_header.c - reads one file's header and checks that it describes the file exactly. */
#include "engine/tensor/safetensors_internal.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, HEADER_BYTES_MAX = 100000000 };

/* The formats of the reference implementation, version 0.8. F4 and F6 pack several elements into a byte. */
static const struct {
    const char *name;
    int n_bits;
} formats[] = {
    {"BOOL", 8},   {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},   {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},   {"F64", 64},    {"I64", 64},    {"U64", 64},
};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

typedef struct {
    SafetensorsHeader *header;
    Arena *arena;
    JsonReader json;
    int tensor_capacity, metadata_capacity;
} Parse;

static void *list_grow(void *list, int n, int *capacity, size_t entry_bytes)
{
    if (n < *capacity)
        return list;
    *capacity = *capacity ? *capacity * 2 : 64;
    return mem_realloc(list, (size_t)*capacity * entry_bytes);
}

/* Names are C strings for us, so a NUL inside one, which JSON can say, is refused rather than cut short. */
static Err check_no_nul(Parse *p, const char *text, size_t n_bytes)
{
    if (strlen(text) != n_bytes)
        return json_fail(&p->json, "a NUL inside a name");
    return OK;
}

static Err read_metadata(Parse *p)
{
    SafetensorsHeader *h = p->header;
    JsonText key;
    TRY(json_object_begin(&p->json));
    while (json_object_next(&p->json, &key)) {
        h->metadata = list_grow(h->metadata, h->n_metadata, &p->metadata_capacity, sizeof *h->metadata);
        SafetensorsMetadata *entry = &h->metadata[h->n_metadata];
        size_t n_bytes;
        entry->key = json_text_value(key, p->arena, &n_bytes);
        TRY(check_no_nul(p, entry->key, n_bytes));
        TRY(json_string(&p->json, p->arena, &entry->value, &n_bytes));
        TRY(check_no_nul(p, entry->value, n_bytes));
        h->n_metadata++;
    }
    return p->json.err;
}

static Err read_format(Parse *p, SafeTensor *tensor)
{
    JsonText text;
    TRY(json_text(&p->json, &text));
    for (int i = 0; i < N_FORMATS; i++)
        if (json_text_is(text, formats[i].name)) {
            tensor->dtype_name = formats[i].name;
            return OK;
        }
    Err err = json_fail(&p->json, "tensor \"%s\": unknown dtype \"%.*s\"", tensor->name,
                        text.n_raw_bytes < 40 ? (int)text.n_raw_bytes : 40, text.raw);
    return err == ERR_FORMAT ? ERR_UNSUPPORTED : err;
}

static Err read_dims(Parse *p, SafeTensor *tensor)
{
    enum { DIMS_MAX = 32 };  /* of NumPy until version 2; a bound that no tensor meets */
    int64_t dims[DIMS_MAX];
    int n = 0;
    TRY(json_array_begin(&p->json));
    while (json_array_next(&p->json)) {
        if (n == DIMS_MAX)
            return json_fail(&p->json, "tensor \"%s\": more than %d dimensions", tensor->name, DIMS_MAX);
        TRY(json_int(&p->json, &dims[n]));
        if (dims[n] < 0)
            return json_fail(&p->json, "tensor \"%s\": a dimension of %" PRId64, tensor->name, dims[n]);
        n++;
    }
    TRY(p->json.err);
    int64_t *kept = ARENA_ARRAY(p->arena, int64_t, n);
    memcpy(kept, dims, (size_t)n * sizeof *dims);
    tensor->n_dims = n;
    tensor->dim = kept;
    return OK;
}

/* Offsets count from the start of the data; file_offset holds the start until the data is placed. */
static Err read_offsets(Parse *p, SafeTensor *tensor)
{
    int64_t offsets[2];
    int n = 0;
    TRY(json_array_begin(&p->json));
    while (json_array_next(&p->json)) {
        if (n == 2)
            return json_fail(&p->json, "tensor \"%s\": data_offsets has more than two numbers", tensor->name);
        TRY(json_int(&p->json, &offsets[n++]));
    }
    TRY(p->json.err);
    if (n != 2)
        return json_fail(&p->json, "tensor \"%s\": data_offsets needs two numbers", tensor->name);
    if (offsets[0] < 0 || offsets[1] < offsets[0])
        return json_fail(&p->json, "tensor \"%s\": data_offsets [%" PRId64 ", %" PRId64 "] run backwards", tensor->name,
                         offsets[0], offsets[1]);
    tensor->file_offset = offsets[0];
    tensor->n_bytes = offsets[1] - offsets[0];
    return OK;
}

static Err read_tensor(Parse *p, JsonText name)
{
    enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4, HAS_ALL = 7 };
    SafetensorsHeader *h = p->header;
    h->tensors = list_grow(h->tensors, h->n_tensors, &p->tensor_capacity, sizeof *h->tensors);
    SafeTensor *tensor = &h->tensors[h->n_tensors];
    memset(tensor, 0, sizeof *tensor);
    tensor->path = p->json.name;
    size_t n_name_bytes;
    tensor->name = json_text_value(name, p->arena, &n_name_bytes);
    TRY(check_no_nul(p, tensor->name, n_name_bytes));

    int seen = 0;
    JsonText key;
    TRY(json_object_begin(&p->json));
    while (json_object_next(&p->json, &key)) {
        int field = json_text_is(key, "dtype")          ? HAS_DTYPE
                    : json_text_is(key, "shape")        ? HAS_SHAPE
                    : json_text_is(key, "data_offsets") ? HAS_OFFSETS
                                                        : 0;
        if (seen & field)
            return json_fail(&p->json, "tensor \"%s\": a field given twice", tensor->name);
        seen |= field;
        if (field == HAS_DTYPE)
            TRY(read_format(p, tensor));
        else if (field == HAS_SHAPE)
            TRY(read_dims(p, tensor));
        else if (field == HAS_OFFSETS)
            TRY(read_offsets(p, tensor));
        else
            TRY(json_skip(&p->json));
    }
    TRY(p->json.err);
    if (seen != HAS_ALL)
        return json_fail(&p->json, "tensor \"%s\": has no %s", tensor->name,
                         !(seen & HAS_DTYPE)   ? "dtype"
                         : !(seen & HAS_SHAPE) ? "shape"
                                               : "data_offsets");
    h->n_tensors++;
    return OK;
}

static Err read_entries(Parse *p)
{
    bool has_metadata = false;
    JsonText key;
    TRY(json_object_begin(&p->json));
    while (json_object_next(&p->json, &key)) {
        if (!json_text_is(key, "__metadata__")) {
            TRY(read_tensor(p, key));
            continue;
        }
        if (has_metadata)
            return json_fail(&p->json, "__metadata__ given twice");
        has_metadata = true;
        TRY(read_metadata(p));
    }
    return json_reader_end(&p->json);
}

static int format_bits(const SafeTensor *tensor)
{
    for (int i = 0; i < N_FORMATS; i++)
        if (tensor->dtype_name == formats[i].name)
            return formats[i].n_bits;
    return 0;
}

/* Elements and bytes promised by shape and dtype; false when they overflow or end inside a byte. */
static bool promised_size(int64_t *n_elements, int64_t *n_bytes, const SafeTensor *tensor)
{
    int64_t product = 1, n_bits;
    bool empty = false;
    for (int i = 0; i < tensor->n_dims; i++) {
        if (tensor->dim[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(product, tensor->dim[i], &product))
            return false;
    }
    if (__builtin_mul_overflow(product, format_bits(tensor), &n_bits))
        return false;
    if (empty)
        product = n_bits = 0;
    *n_elements = product;
    *n_bytes = n_bits / 8;
    return n_bits % 8 == 0;
}

static int compare_places(const void *a, const void *b)
{
    const SafeTensor *x = a, *y = b;
    if (x->file_offset != y->file_offset)
        return x->file_offset < y->file_offset ? -1 : 1;
    if (x->n_bytes != y->n_bytes)  /* an empty tensor stands before the one that starts where it is */
        return x->n_bytes < y->n_bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Sorted by place, tensors must cover the data exactly: each starts where the last one ended. */
static Err place_tensors(SafetensorsHeader *h, const char *path, const unsigned char *bytes, int64_t data_start,
                         int64_t file_bytes)
{
    if (h->n_tensors)
        qsort(h->tensors, (size_t)h->n_tensors, sizeof *h->tensors, compare_places);
    int64_t at = data_start;
    for (int i = 0; i < h->n_tensors; i++) {
        SafeTensor *t = &h->tensors[i];
        int64_t n_bytes_promised;
        if (t->file_offset > file_bytes - data_start - t->n_bytes)
            return err_set(ERR_FORMAT, "%s: tensor \"%s\": data_offsets [%" PRId64 ", %" PRId64 "] reach beyond the %" PRId64
                           " bytes of data from offset %" PRId64 " on", path, t->name, t->file_offset,
                           t->file_offset + t->n_bytes, file_bytes - data_start, data_start);
        t->file_offset += data_start;
        if (t->file_offset != at)
            return err_set(ERR_FORMAT, "%s: tensor \"%s\" at offset %" PRId64 " %s the tensor before it, which ends at %" PRId64,
                           path, t->name, t->file_offset, t->file_offset < at ? "overlaps" : "leaves a gap after", at);
        if (!promised_size(&t->n_elements, &n_bytes_promised, t))
            return err_set(ERR_FORMAT, "%s: tensor \"%s\" at offset %" PRId64 ": its shape has no size in whole bytes", path,
                           t->name, at);
        if (n_bytes_promised != t->n_bytes)
            return err_set(ERR_FORMAT, "%s: tensor \"%s\" at offset %" PRId64 ": shape and %s need %" PRId64 " bytes, found %" PRId64,
                           path, t->name, at, t->dtype_name, n_bytes_promised, t->n_bytes);
        t->data = bytes + at;
        at += t->n_bytes;
    }
    if (at != file_bytes)
        return err_set(ERR_FORMAT, "%s: %" PRId64 " bytes after the last tensor, which ends at offset %" PRId64, path,
                       file_bytes - at, at);
    return OK;
}

static int compare_names(const void *a, const void *b)
{
    const SafeTensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static Err check_names_unique(const SafetensorsHeader *h, Arena *arena, const char *path)
{
    const SafeTensor **sorted = ARENA_ARRAY(arena, const SafeTensor *, h->n_tensors);
    for (int i = 0; i < h->n_tensors; i++)
        sorted[i] = &h->tensors[i];
    qsort(sorted, (size_t)h->n_tensors, sizeof *sorted, compare_names);
    for (int i = 1; i < h->n_tensors; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            return err_set(ERR_FORMAT, "%s: tensor \"%s\" is there twice", path, sorted[i]->name);
    return OK;
}

Err safetensors_header_read(SafetensorsHeader *header, Arena *arena, const char *path, const unsigned char *bytes,
                            size_t n_bytes)
{
    memset(header, 0, sizeof *header);
    if (n_bytes < LENGTH_BYTES)
        return err_set(ERR_FORMAT, "%s: %zu bytes are too few for a safetensors file", path, n_bytes);
    uint64_t length = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | bytes[i];
    if (length > HEADER_BYTES_MAX)
        return err_set(ERR_FORMAT, "%s: a header of %" PRIu64 " bytes; the format allows %d", path, length, HEADER_BYTES_MAX);
    if (length > n_bytes - LENGTH_BYTES)
        return err_set(ERR_FORMAT, "%s: a header of %" PRIu64 " bytes in a file of %zu", path, length, n_bytes);
    if (length == 0 || bytes[LENGTH_BYTES] != '{')
        return err_set(ERR_FORMAT, "%s: the header at offset %d does not start with {", path, LENGTH_BYTES);

    Parse p = {.header = header, .arena = arena};
    json_reader_init(&p.json, path, (const char *)bytes + LENGTH_BYTES, (size_t)length);
    TRY(read_entries(&p));
    TRY(check_names_unique(header, arena, path));
    return place_tensors(header, path, bytes, LENGTH_BYTES + (int64_t)length, (int64_t)n_bytes);
}

void safetensors_header_free(SafetensorsHeader *header)
{
    free(header->tensors);
    free(header->metadata);
    memset(header, 0, sizeof *header);
}
