/* warc_writer.c - records, each compressed by itself. */
#include "text/corpus/warc_writer.h"

#include "base/file.h"
#include "text/corpus/part.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_LEVEL = 6 };

struct WarcWriter {
    FileWriter *file;
    bool is_gzip;
    Bytes packed;
    Arena *arena;  /* headers of one record */
};

/* One member: head, payload and the two line ends that close a record. */
static Err write_gzip(WarcWriter *writer, const char *const pieces[], const size_t n_bytes[], int n)
{
    z_stream zlib = {0};
    size_t total = 0;
    if (deflateInit2(&zlib, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_set(ERR_MEMORY, "no memory to compress");
    for (int i = 0; i < n; i++)
        total += n_bytes[i];
    writer->packed.n = 0;
    size_t bound = deflateBound(&zlib, total) + 64;
    if (bound > writer->packed.room)
        writer->packed.bytes = mem_realloc(writer->packed.bytes, writer->packed.room = bound);
    zlib.next_out = (Bytef *)writer->packed.bytes;
    zlib.avail_out = (uInt)writer->packed.room;
    for (int i = 0; i < n; i++) {
        zlib.next_in = (Bytef *)(uintptr_t)pieces[i];
        zlib.avail_in = (uInt)n_bytes[i];
        deflate(&zlib, i == n - 1 ? Z_FINISH : Z_NO_FLUSH);
    }
    Err err = file_writer_write(writer->file, writer->packed.bytes, zlib.total_out);
    deflateEnd(&zlib);
    return err;
}

static Err write_record(WarcWriter *writer, const char *head, const char *payload, size_t n_bytes)
{
    const char *const pieces[] = {head, payload, "\r\n\r\n"};
    const size_t sizes[] = {strlen(head), n_bytes, 4};
    if (writer->is_gzip)
        return write_gzip(writer, pieces, sizes, 3);
    for (int i = 0; i < 3; i++)
        TRY(file_writer_write(writer->file, pieces[i], sizes[i]));
    return OK;
}

Err warc_writer_open(WarcWriter **out, const char *path, const char *date)
{
    static const char info[] = "software: jikji\r\nformat: WARC File Format 1.0\r\n";
    size_t n = strlen(path);
    *out = NULL;
    WarcWriter *writer = mem_alloc(sizeof *writer);
    writer->is_gzip = n > 3 && strcmp(path + n - 3, ".gz") == 0;
    writer->arena = arena_new();
    Err err = file_writer_open(&writer->file, path);
    if (err == OK)
        err = write_record(writer, arena_printf(writer->arena, "WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Date: %s\r\nWARC-Record-ID: "
                                                "<urn:uuid:00000000-0000-4000-8000-000000000000>\r\nContent-Type: application/warc-fields\r\n"
                                                "Content-Length: %zu\r\n\r\n", date, strlen(info)), info, strlen(info));
    if (err != OK) {
        warc_writer_abort(writer);
        return err;
    }
    *out = writer;
    return OK;
}

Err warc_writer_add_response(WarcWriter *writer, const char *id, const char *url, const char *date, const char *content_type, const char *payload,
                             size_t n_bytes)
{
    arena_reset(writer->arena);
    const char *http = arena_printf(writer->arena, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", content_type, n_bytes);
    const char *head = arena_printf(writer->arena, "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: %s\r\nWARC-Date: %s\r\nWARC-Record-ID: "
                                    "<urn:uuid:%s>\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %zu\r\n\r\n%s", url, date, id,
                                    strlen(http) + n_bytes, http);
    return write_record(writer, head, payload, n_bytes);
}

static void warc_writer_free(WarcWriter *writer)
{
    bytes_free(&writer->packed);
    arena_free(writer->arena);
    free(writer);
}

Err warc_writer_commit(WarcWriter *writer)
{
    Err err = file_writer_commit(writer->file);
    warc_writer_free(writer);
    return err;
}

void warc_writer_abort(WarcWriter *writer)
{
    if (!writer)
        return;
    file_writer_abort(writer->file);
    warc_writer_free(writer);
}
