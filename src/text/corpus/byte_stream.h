/* byte_stream.h - the bytes of a file, of a compressed file, or of standard input, in order and in constant memory.
 *
 * The form is recognised by the first bytes, not by the name: gzip (several members in a row are one stream), Zstandard (several
 * frames too), else the bytes themselves. */
#ifndef CORPUS_BYTE_STREAM_H
#define CORPUS_BYTE_STREAM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ByteStream ByteStream;

/* "-" is standard input. ERR_IO: cannot be read. */
Err byte_stream_open(ByteStream **out, const char *path);
void byte_stream_free(ByteStream *stream);  /* NULL is fine */

/* Up to n_max bytes; *n_read is 0 only at the end. ERR_FORMAT: damaged or cut compressed data ("path: byte 123 of the compressed
 * file: ..."); what came before was delivered. */
Err byte_stream_read(ByteStream *stream, void *bytes, size_t n_max, size_t *n_read);
/* After ERR_FORMAT in a gzip file: goes on at the next member. False when there is none, or the form has no members. */
bool byte_stream_resync(ByteStream *stream, Err *err);
/* Bytes of the file itself taken so far, and its size (0 when unknown): for progress. */
int64_t byte_stream_consumed(const ByteStream *stream);
int64_t byte_stream_size(const ByteStream *stream);
const char *byte_stream_path(const ByteStream *stream);

/* A window on the stream that grows to hold one line: LineReader lines end at '\n', which is cut off together with a '\r' before it. */
typedef struct LineReader LineReader;
/* Lines longer than n_bytes_max are skipped whole and counted. Takes the stream over. */
LineReader *line_reader_new(ByteStream *stream, size_t n_bytes_max);
void line_reader_free(LineReader *lines);  /* NULL is fine; frees the stream */
/* False at the end (*err OK) or on an error. The line lives until the next call; a NUL follows it. */
bool line_reader_next(LineReader *lines, const char **line, size_t *n_bytes, Err *err);
/* Looks at the next bytes without taking them: at most n_max, fewer at the end. */
Err line_reader_peek(LineReader *lines, const char **bytes, size_t *n_bytes, size_t n_max);
Err line_reader_skip(LineReader *lines, int64_t n_bytes);  /* takes bytes that are no line; stops at the end */
/* Drops what is buffered and goes on at the next gzip member; see byte_stream_resync. */
bool line_reader_resync(LineReader *lines, Err *err);
int64_t line_reader_number(const LineReader *lines);  /* of the last line, from 1; skipped ones count */
int64_t line_reader_n_skipped(const LineReader *lines);
ByteStream *line_reader_stream(LineReader *lines);

#endif
