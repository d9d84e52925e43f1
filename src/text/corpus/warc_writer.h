/* warc_writer.h - web archives out: WARC/1.0 (ISO 28500:2009), one gzip member a record when the name ends in .gz. */
#ifndef CORPUS_WARC_WRITER_H
#define CORPUS_WARC_WRITER_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct WarcWriter WarcWriter;

/* Whole or absent; begins with a warcinfo record. Times and ids come from the caller, so that the same pages give the same bytes. */
Err warc_writer_open(WarcWriter **out, const char *path, const char *date);
/* An HTTP response. `id` is a UUID's text without "urn:uuid:"; `content_type` goes into the HTTP header, "text/html; charset=utf-8". */
Err warc_writer_add_response(WarcWriter *writer, const char *id, const char *url, const char *date, const char *content_type, const char *payload,
                             size_t n_bytes);
/* Frees the writer, also on an error. */
Err warc_writer_commit(WarcWriter *writer);
void warc_writer_abort(WarcWriter *writer);  /* NULL is fine */

#endif
