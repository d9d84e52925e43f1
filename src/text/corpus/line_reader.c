/* line_reader.c - lines out of a byte stream, in a buffer that grows to the longest line allowed and no further. */
#include "text/corpus/byte_stream.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES_MIN = 1 << 18 };

struct LineReader {
    ByteStream *stream;
    char *buffer;
    size_t at, end, room;  /* unread bytes are [at, end) */
    size_t n_bytes_max;
    bool at_eof, skipping;
    int64_t number, n_skipped;
};

LineReader *line_reader_new(ByteStream *stream, size_t n_bytes_max)
{
    LineReader *lines = mem_alloc(sizeof *lines);
    lines->stream = stream;
    lines->n_bytes_max = n_bytes_max;
    lines->room = BUFFER_BYTES_MIN;
    lines->buffer = mem_alloc(lines->room + 1);  /* + 1 for the NUL after the last line */
    return lines;
}

void line_reader_free(LineReader *lines)
{
    if (!lines)
        return;
    byte_stream_free(lines->stream);
    free(lines->buffer);
    free(lines);
}

/* Reads more behind `end`, making room first: by moving the unread bytes to the front, else by growing. */
static Err line_reader_more(LineReader *lines)
{
    if (lines->at > 0) {
        memmove(lines->buffer, lines->buffer + lines->at, lines->end - lines->at);
        lines->end -= lines->at;
        lines->at = 0;
    }
    if (lines->end == lines->room) {
        lines->room *= 2;
        lines->buffer = mem_realloc(lines->buffer, lines->room + 1);
    }
    size_t n;
    TRY(byte_stream_read(lines->stream, lines->buffer + lines->end, lines->room - lines->end, &n));
    lines->end += n;
    lines->at_eof = n == 0;
    return OK;
}

bool line_reader_next(LineReader *lines, const char **line, size_t *n_bytes, Err *err)
{
    size_t scanned = 0;  /* bytes after `at` known to hold no line end */
    *err = OK;
    for (;;) {
        char *begin = lines->buffer + lines->at;
        size_t n = lines->end - lines->at;
        char *newline = n > scanned ? memchr(begin + scanned, '\n', n - scanned) : NULL;
        bool is_last = lines->at_eof && !newline && n > 0;
        if (newline || is_last) {
            size_t length = newline ? (size_t)(newline - begin) : n;
            lines->at += length + (newline ? 1 : 0);
            lines->number++;
            if (lines->skipping || length > lines->n_bytes_max) {
                lines->skipping = false;
                lines->n_skipped++;
                scanned = 0;
                continue;
            }
            if (length > 0 && newline && begin[length - 1] == '\r')
                length--;
            begin[length] = '\0';
            *line = begin;
            *n_bytes = length;
            return true;
        }
        if (lines->at_eof) {
            if (lines->skipping) {  /* the too long line was the last and its rest is empty */
                lines->number++, lines->n_skipped++;
                lines->skipping = false;
            }
            return false;
        }
        scanned = n;
        if (n > lines->n_bytes_max) {
            lines->skipping = true;
            lines->at = lines->end;
            scanned = 0;
        }
        if ((*err = line_reader_more(lines)) != OK)
            return false;
    }
}

Err line_reader_peek(LineReader *lines, const char **bytes, size_t *n_bytes, size_t n_max)
{
    while (lines->end - lines->at < n_max && !lines->at_eof)
        TRY(line_reader_more(lines));
    *bytes = lines->buffer + lines->at;
    *n_bytes = lines->end - lines->at < n_max ? lines->end - lines->at : n_max;
    return OK;
}

Err line_reader_skip(LineReader *lines, int64_t n_bytes)
{
    while (n_bytes > 0) {
        if (lines->at == lines->end) {
            if (lines->at_eof)
                return OK;
            TRY(line_reader_more(lines));
            continue;
        }
        int64_t n = (int64_t)(lines->end - lines->at);
        n = n < n_bytes ? n : n_bytes;
        lines->at += (size_t)n;
        n_bytes -= n;
    }
    return OK;
}

bool line_reader_resync(LineReader *lines, Err *err)
{
    lines->at = lines->end = 0;
    lines->at_eof = lines->skipping = false;
    return byte_stream_resync(lines->stream, err);
}

int64_t line_reader_number(const LineReader *lines)
{
    return lines->number;
}

int64_t line_reader_n_skipped(const LineReader *lines)
{
    return lines->n_skipped;
}

ByteStream *line_reader_stream(LineReader *lines)
{
    return lines->stream;
}
