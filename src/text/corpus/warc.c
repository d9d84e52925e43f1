/* warc.c - records of WARC and ARC over lines and blocks of a byte stream. */
#include "text/corpus/warc.h"

#include "text/corpus/byte_stream.h"
#include "text/corpus/http_payload.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_LINE_MAX = 1 << 20, HEADERS_MAX = 1000 };

struct WarcReader {
    LineReader *lines;
    Arena *arena;  /* of the present record */
    size_t payload_bytes_max;
    WarcCounts counts;
    bool after_broken;  /* what follows up to the next record belongs to the broken one */
};

static const char *const type_names[N_WARC_TYPES] = {
    "warcinfo", "request", "response", "metadata", "resource", "conversion", "revisit", "continuation", "other",
};

const char *warc_type_name(WarcType type)
{
    return type_names[type];
}

Err warc_is_archive(bool *is, const char *path)
{
    ByteStream *stream;
    *is = false;
    TRY(byte_stream_open(&stream, path));
    LineReader *lines = line_reader_new(stream, HEADER_LINE_MAX);
    const char *bytes;
    size_t n;
    if (line_reader_peek(lines, &bytes, &n, 11) == OK)
        *is = (n >= 5 && memcmp(bytes, "WARC/", 5) == 0) || (n == 11 && memcmp(bytes, "filedesc://", 11) == 0);
    line_reader_free(lines);
    return OK;
}

Err warc_reader_open(WarcReader **out, const char *path, size_t payload_bytes_max)
{
    *out = NULL;
    ByteStream *stream;
    TRY(byte_stream_open(&stream, path));
    WarcReader *reader = mem_alloc(sizeof *reader);
    reader->lines = line_reader_new(stream, HEADER_LINE_MAX);
    reader->arena = arena_new();
    reader->payload_bytes_max = payload_bytes_max;
    *out = reader;
    return OK;
}

void warc_reader_free(WarcReader *reader)
{
    if (!reader)
        return;
    line_reader_free(reader->lines);
    arena_free(reader->arena);
    free(reader);
}

static void reader_broken(WarcReader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void reader_broken(WarcReader *reader, const char *format, ...)
{
    reader->after_broken = true;
    if (reader->counts.n_broken++ > 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->counts.reason, sizeof reader->counts.reason, format, arguments);
    va_end(arguments);
}

/* The next line. Damaged compression is stepped over to the next member and counted; *broke tells the caller that the record in hand
 * is lost. */
static bool reader_line(WarcReader *reader, const char **line, size_t *n, bool *broke, Err *err)
{
    *broke = false;
    if (line_reader_next(reader->lines, line, n, err))
        return true;
    if (*err != ERR_FORMAT)
        return false;
    reader_broken(reader, "%s", err_message());
    *broke = true;
    *err = OK;
    return line_reader_resync(reader->lines, err);
}

/* An ARC header ends in "IP date type length"; the URL before may hold spaces. Returns its length field or NULL. */
static const char *arc_length_field(const char *line, size_t n)
{
    size_t n_spaces = 0, n_digits = 0, at = n;
    for (size_t i = 0; i < n; i++)
        n_spaces += line[i] == ' ';
    while (at > 0 && isdigit((unsigned char)line[at - 1]))
        at--, n_digits++;
    bool has_scheme = memmem(line, n < 64 ? n : 64, "://", 3) != NULL || (n > 4 && strncasecmp(line, "dns:", 4) == 0);
    return n_spaces >= 4 && n_digits > 0 && n_digits < 13 && at > 0 && line[at - 1] == ' ' && has_scheme ? line + at : NULL;
}

static bool is_warc_start(const char *line, size_t n)
{
    return n >= 8 && strncmp(line, "WARC/", 5) == 0 && isdigit((unsigned char)line[5]);
}

/* Finds the first line of the next record; what lies between counts as one broken record when it is more than blank lines. */
static const char *reader_find_start(WarcReader *reader, Err *err)
{
    bool broke;
    const char *line;
    size_t n;
    for (;;) {
        if (!reader_line(reader, &line, &n, &broke, err))
            return NULL;
        if (broke)
            continue;
        bool is_text = memchr(line, '\0', n) == NULL;  /* from here on the line is a string */
        if (is_text && (is_warc_start(line, n) || arc_length_field(line, n))) {
            reader->after_broken = false;
            return arena_strndup(reader->arena, line, n);
        }
        if (n > 0 && !reader->after_broken)
            reader_broken(reader, "%s: line %" PRId64 ": no record begins here", byte_stream_path(line_reader_stream(reader->lines)),
                          line_reader_number(reader->lines));
    }
}

/* Reads the block of a record; what is beyond the limit is passed over. False: the record is lost. */
static bool reader_block(WarcReader *reader, int64_t length, const char **block, size_t *n_block, bool *is_cut, Err *err)
{
    size_t wanted = (uint64_t)length < reader->payload_bytes_max ? (size_t)length : reader->payload_bytes_max;
    *err = line_reader_peek(reader->lines, block, n_block, wanted);
    if (*err == OK && *n_block == wanted) {
        *block = memcpy(arena_alloc(reader->arena, *n_block + 1), *block, *n_block);
        *is_cut = (uint64_t)length > wanted;
        *err = line_reader_skip(reader->lines, length);
    } else if (*err == OK) {
        reader_broken(reader, "%s: the file ends inside a record", byte_stream_path(line_reader_stream(reader->lines)));
        return false;
    }
    if (*err == ERR_FORMAT) {
        reader_broken(reader, "%s", err_message());
        *err = OK;
        line_reader_resync(reader->lines, err);
        return false;
    }
    return *err == OK;
}

typedef struct {
    int64_t length;  /* -1: not stated */
    const char *content_type;
} WarcHeaders;

static WarcType type_of(const char *name)
{
    for (int i = 0; i < WARC_OTHER; i++)
        if (strcasecmp(name, type_names[i]) == 0)
            return (WarcType)i;
    return WARC_OTHER;
}

/* "<http://a.b/>" as some writers have it, or plain. */
static const char *without_brackets(char *uri)
{
    size_t n = strlen(uri);
    if (n < 2 || uri[0] != '<' || uri[n - 1] != '>')
        return uri;
    uri[n - 1] = '\0';
    return uri + 1;
}

static void headers_take(WarcReader *reader, WarcHeaders *headers, WarcRecord *record, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n);
    if (!colon)
        return;
    size_t n_name = (size_t)(colon - line);
    const char *at = colon + 1;
    while (at < line + n && (*at == ' ' || *at == '\t'))
        at++;
    char *value = arena_strndup(reader->arena, at, (size_t)(line + n - at));
    const struct { const char *name; const char **to; } texts[] = {
        {"WARC-Target-URI", &record->uri}, {"WARC-Date", &record->date}, {"WARC-Record-ID", &record->id}, {"Content-Type", &headers->content_type},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (n_name == strlen(texts[i].name) && strncasecmp(line, texts[i].name, n_name) == 0)
            *texts[i].to = i == 0 ? without_brackets(value) : value;
    if (n_name == 9 && strncasecmp(line, "WARC-Type", 9) == 0)
        record->type = type_of(value);
    if (n_name == 14 && strncasecmp(line, "Content-Length", 14) == 0 && isdigit((unsigned char)value[0])) {
        char *end;
        long long length = strtoll(value, &end, 10);
        headers->length = *end == '\0' && length >= 0 && length < INT64_MAX / 2 ? length : -1;
    }
}

/* Header lines up to the empty one. False: lost. */
static bool reader_warc_headers(WarcReader *reader, WarcHeaders *headers, WarcRecord *record, Err *err)
{
    const char *line;
    size_t n;
    for (int i = 0; i < HEADERS_MAX; i++) {
        bool broke;
        if (!reader_line(reader, &line, &n, &broke, err) || broke)
            return false;
        if (n == 0)
            return true;
        headers_take(reader, headers, record, line, n);
    }
    reader_broken(reader, "a record with more than %d header lines", HEADERS_MAX);
    return false;
}

static void record_decode(WarcReader *reader, WarcRecord *record, const WarcHeaders *headers, const char *block, size_t n_block)
{
    bool is_http = record->type == WARC_RESPONSE || record->type == WARC_REVISIT;
    record->payload = block;
    record->n_payload_bytes = n_block;
    if (is_http && n_block > 5 && memcmp(block, "HTTP/", 5) == 0) {
        HttpPayload http = http_payload_read(reader->arena, block, n_block, reader->payload_bytes_max);
        record->http_status = http.status;
        record->media_type = http.media_type;
        record->charset = http.charset;
        record->payload = http.body;
        record->n_payload_bytes = http.n_bytes;
        record->is_cut = record->is_cut || http.is_cut;
        record->is_undecoded = http.is_undecoded;
    } else {
        media_type_read(reader->arena, headers->content_type, &record->media_type, &record->charset);
    }
}

static bool reader_record(WarcReader *reader, const char *start, WarcRecord *record, Err *err)
{
    *record = (WarcRecord){.type = WARC_OTHER, .uri = "", .date = "", .id = "", .media_type = "", .charset = ""};
    WarcHeaders headers = {.length = -1, .content_type = ""};
    if (is_warc_start(start, strlen(start))) {
        if (!reader_warc_headers(reader, &headers, record, err))
            return false;
    } else {
        char *fields[4], *line = arena_strdup(reader->arena, start);
        for (int i = 3; i >= 0; i--) {  /* from the right: length, type, date, address */
            char *space = strrchr(line, ' ');
            fields[i] = space + 1;
            *space = '\0';
        }
        record->uri = line;
        record->date = fields[1];
        record->type = strncmp(line, "filedesc://", 11) == 0 ? WARC_INFO : WARC_RESPONSE;
        headers.content_type = fields[2];
        headers.length = strtoll(fields[3], NULL, 10);
    }
    if (headers.length < 0) {
        reader_broken(reader, "%s: a record without a usable length", record->uri);
        return false;
    }
    const char *block;
    size_t n_block;
    if (!reader_block(reader, headers.length, &block, &n_block, &record->is_cut, err))
        return false;
    record_decode(reader, record, &headers, block, n_block);
    return true;
}

bool warc_reader_next(WarcReader *reader, WarcRecord *record, Err *err)
{
    *err = OK;
    for (;;) {
        arena_reset(reader->arena);
        const char *start = reader_find_start(reader, err);
        if (!start)
            return false;
        if (reader_record(reader, start, record, err)) {
            reader->counts.n_records++;
            return true;
        }
        if (*err != OK)
            return false;
    }
}

const WarcCounts *warc_reader_counts(const WarcReader *reader)
{
    return &reader->counts;
}

int64_t warc_reader_consumed(const WarcReader *reader)
{
    return byte_stream_consumed(line_reader_stream(reader->lines));
}
