/* document_writer.c - formats and compresses documents on their way to a FileWriter. */
#include "text/corpus/document_writer.h"

#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { ZSTD_LEVEL = 6, OUT_BYTES = 1 << 17 };

typedef enum { PACK_NONE, PACK_ZSTD, PACK_GZIP } Pack;

struct DocumentWriter {
    FileWriter *file;  /* NULL: standard output */
    bool is_jsonl;
    Pack pack;
    ZSTD_CCtx *zstd;
    z_stream zlib;
    unsigned char *out;
    int64_t n_documents;
};

/* Takes `ending` off the first *n bytes of the name, if it is there. */
static bool strip(const char *path, size_t *n, const char *ending)
{
    size_t m = strlen(ending);
    if (*n < m || strncmp(path + *n - m, ending, m) != 0)
        return false;
    *n -= m;
    return true;
}

Err document_writer_open(DocumentWriter **out, const char *path)
{
    *out = NULL;
    size_t n = strlen(path);
    bool is_stdout = strcmp(path, "-") == 0;
    Pack pack = strip(path, &n, ".zst") ? PACK_ZSTD : strip(path, &n, ".gz") ? PACK_GZIP : PACK_NONE;
    bool is_jsonl = is_stdout || strip(path, &n, ".jsonl");
    if (!is_jsonl && !strip(path, &n, ".txt"))
        return err_set(ERR_USAGE, "%s: expected a name in .jsonl or .txt, with .zst or .gz behind it to compress", path);

    FileWriter *file = NULL;
    if (!is_stdout)
        TRY(file_writer_open(&file, path));
    DocumentWriter *writer = mem_alloc(sizeof *writer);
    writer->file = file;
    writer->is_jsonl = is_jsonl;
    writer->pack = pack;
    writer->out = mem_alloc(OUT_BYTES);
    bool ready = true;
    if (pack == PACK_ZSTD) {
        writer->zstd = ZSTD_createCCtx();
        ready = writer->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
                !ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1));
    } else if (pack == PACK_GZIP) {
        ready = deflateInit2(&writer->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    if (!ready) {
        document_writer_abort(writer);
        return err_set(ERR_MEMORY, "%s: no memory to compress", path);
    }
    *out = writer;
    return OK;
}

static Err writer_emit(DocumentWriter *writer, const void *bytes, size_t n_bytes)
{
    if (writer->file)
        return file_writer_write(writer->file, bytes, n_bytes);
    if (fwrite(bytes, 1, n_bytes, stdout) != n_bytes)
        return err_set(ERR_IO, "standard output: %s", strerror(errno));
    return OK;
}

static Err writer_zstd(DocumentWriter *writer, const void *bytes, size_t n_bytes, ZSTD_EndDirective how)
{
    ZSTD_inBuffer in = {bytes, n_bytes, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {writer->out, OUT_BYTES, 0};
        left = ZSTD_compressStream2(writer->zstd, &out, &in, how);
        if (ZSTD_isError(left))
            return err_set(ERR_MEMORY, "compressing: %s", ZSTD_getErrorName(left));
        TRY(writer_emit(writer, writer->out, out.pos));
    } while (in.pos < in.size || (how == ZSTD_e_end && left > 0));
    return OK;
}

static Err writer_gzip(DocumentWriter *writer, const void *bytes, size_t n_bytes, int how)
{
    z_stream *z = &writer->zlib;
    z->next_in = (unsigned char *)(uintptr_t)bytes;  /* zlib reads it only */
    z->avail_in = (uInt)n_bytes;
    do {
        z->next_out = writer->out;
        z->avail_out = OUT_BYTES;
        deflate(z, how);
        TRY(writer_emit(writer, writer->out, OUT_BYTES - z->avail_out));
    } while (z->avail_out == 0);
    return OK;
}

static Err writer_put(DocumentWriter *writer, const void *bytes, size_t n_bytes)
{
    switch (writer->pack) {
    case PACK_ZSTD: return writer_zstd(writer, bytes, n_bytes, ZSTD_e_continue);
    case PACK_GZIP: return writer_gzip(writer, bytes, n_bytes, Z_NO_FLUSH);
    default: return writer_emit(writer, bytes, n_bytes);
    }
}

Err document_writer_add_record(DocumentWriter *writer, const char *json, size_t n_json_bytes, const char *text, size_t n_bytes)
{
    if (!writer->is_jsonl && writer->n_documents > 0)
        TRY(writer_put(writer, "\n", 1));
    writer->n_documents++;
    if (writer->is_jsonl)
        TRY(writer_put(writer, json, n_json_bytes));
    else
        TRY(writer_put(writer, text, n_bytes));
    bool ends = !writer->is_jsonl && n_bytes > 0 && text[n_bytes - 1] == '\n';
    return ends ? OK : writer_put(writer, "\n", 1);
}

Err document_writer_add(DocumentWriter *writer, const char *text, size_t n_bytes)
{
    if (!writer->is_jsonl)
        return document_writer_add_record(writer, NULL, 0, text, n_bytes);
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_write_key(json, "text");
    json_write_string_bytes(json, text, n_bytes);
    json_write_object_end(json);
    size_t n_json_bytes;
    const char *line = json_writer_text(json, &n_json_bytes);
    Err err = document_writer_add_record(writer, line, n_json_bytes, text, n_bytes);
    json_writer_free(json);
    return err;
}

int64_t document_writer_n_documents(const DocumentWriter *writer)
{
    return writer->n_documents;
}

static void document_writer_free(DocumentWriter *writer)
{
    ZSTD_freeCCtx(writer->zstd);
    if (writer->pack == PACK_GZIP)
        deflateEnd(&writer->zlib);
    free(writer->out);
    free(writer);
}

Err document_writer_commit(DocumentWriter *writer)
{
    Err err = OK;
    if (writer->pack == PACK_ZSTD)
        err = writer_zstd(writer, NULL, 0, ZSTD_e_end);
    else if (writer->pack == PACK_GZIP)
        err = writer_gzip(writer, NULL, 0, Z_FINISH);
    FileWriter *file = writer->file;
    document_writer_free(writer);
    if (err != OK) {
        file_writer_abort(file);
        return err;
    }
    return file ? file_writer_commit(file) : OK;
}

void document_writer_abort(DocumentWriter *writer)
{
    if (!writer)
        return;
    file_writer_abort(writer->file);
    document_writer_free(writer);
}
