/* document_reader.c - the record formats of document.h over lines of a byte stream. */
#include "text/corpus/document.h"

#include "base/json.h"
#include "text/corpus/byte_stream.h"
#include "text/unicode/utf8.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct DocumentReader {
    DocumentFormat format;
    char *path, *field;
    int column;  /* tsv and csv: from 0; -1 until the header is read */
    int64_t bytes_max;
    LineReader *lines;
    Arena *arena;  /* of the present document */
    char *block;   /* text joined from several lines */
    size_t n_block, block_room;
    DocumentCounts counts;
};

DocumentOptions document_options_default(void)
{
    return (DocumentOptions){.format = DOCUMENT_AUTO, .field = "text", .bytes_max = 256000000};
}

/* Opening. */

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* The name without what says how it is compressed. */
static bool path_has_ending(const char *path, const char *ending)
{
    char plain[16];
    if (ends_with(path, ending))
        return true;
    snprintf(plain, sizeof plain, "%s.zst", ending);
    if (ends_with(path, plain))
        return true;
    snprintf(plain, sizeof plain, "%s.gz", ending);
    return ends_with(path, plain);
}

static Err document_reader_recognise(DocumentReader *reader)
{
    const char *head;
    size_t n;
    TRY(line_reader_peek(reader->lines, &head, &n, 4096));
    size_t i = n >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < n && isspace((unsigned char)head[i]))
        i++;
    if (i < n && head[i] == '{' && !path_has_ending(reader->path, ".txt"))
        reader->format = DOCUMENT_JSONL;
    else if (path_has_ending(reader->path, ".tsv"))
        reader->format = DOCUMENT_TSV;
    else if (path_has_ending(reader->path, ".csv"))
        reader->format = DOCUMENT_CSV;
    else
        reader->format = DOCUMENT_TEXT;
    return OK;
}

static bool document_reader_row(DocumentReader *reader, char **cells, int *n_cells, int n_cells_max, Err *err);

enum { CELLS_MAX = 256 };

/* Finds the column: a number needs no header, a name is looked up in the first row. */
static Err document_reader_header(DocumentReader *reader)
{
    char *end;
    long number = strtol(reader->field, &end, 10);
    if (*end == '\0' && number >= 1 && number <= CELLS_MAX) {
        reader->column = (int)number - 1;
        return OK;
    }
    char *cells[CELLS_MAX];
    int n_cells;
    Err err;
    if (!document_reader_row(reader, cells, &n_cells, CELLS_MAX, &err)) {
        TRY(err);
        return err_set(ERR_FORMAT, "%s: empty, expected a header line", reader->path);
    }
    for (int i = 0; i < n_cells; i++)
        if (strcmp(cells[i], reader->field) == 0)
            reader->column = i;
    if (reader->column < 0)
        return err_set(ERR_FORMAT, "%s:1: no column \"%s\" in the header (it begins with \"%s\"); a number needs no header",
                       reader->path, reader->field, cells[0]);
    return OK;
}

Err document_reader_open(DocumentReader **out, const char *path, const DocumentOptions *options)
{
    *out = NULL;
    ByteStream *stream;
    TRY(byte_stream_open(&stream, path));
    DocumentReader *reader = mem_alloc(sizeof *reader);
    reader->format = options->format;
    reader->path = mem_strdup(byte_stream_path(stream));
    reader->field = mem_strdup(options->field ? options->field : "text");
    reader->column = -1;
    reader->bytes_max = options->bytes_max;
    reader->lines = line_reader_new(stream, (size_t)options->bytes_max);
    reader->arena = arena_new();
    Err err = reader->format == DOCUMENT_AUTO ? document_reader_recognise(reader) : OK;
    if (err == OK && (reader->format == DOCUMENT_TSV || reader->format == DOCUMENT_CSV))
        err = document_reader_header(reader);
    if (err != OK) {
        document_reader_free(reader);
        return err;
    }
    *out = reader;
    return OK;
}

void document_reader_free(DocumentReader *reader)
{
    if (!reader)
        return;
    line_reader_free(reader->lines);
    arena_free(reader->arena);
    free(reader->block);
    free(reader->path);
    free(reader->field);
    free(reader);
}

/* Reading. */

static void document_reader_skip(DocumentReader *reader, int64_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void document_reader_skip(DocumentReader *reader, int64_t line, const char *format, ...)
{
    if (reader->counts.n_skipped++ > 0)
        return;
    char *reason = reader->counts.reason;
    size_t room = sizeof reader->counts.reason;
    int n = snprintf(reason, room, "%s:%" PRId64 ": ", reader->path, line);
    if (n < 0 || (size_t)n >= room)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason + n, room - (size_t)n, format, arguments);
    va_end(arguments);
}

static void block_append(DocumentReader *reader, const char *bytes, size_t n)
{
    if (reader->n_block + n + 1 > reader->block_room) {
        reader->block_room = 2 * (reader->n_block + n) + 4096;
        reader->block = mem_realloc(reader->block, reader->block_room);
    }
    memcpy(reader->block + reader->n_block, bytes, n);
    reader->n_block += n;
    reader->block[reader->n_block] = '\0';
}

/* Splits a row into cells, in place; csv cells may go on in further lines. The cells live until the next row. */
static bool document_reader_row(DocumentReader *reader, char **cells, int *n_cells, int n_cells_max, Err *err)
{
    const char *line;
    size_t n;
    if (!line_reader_next(reader->lines, &line, &n, err))
        return false;
    reader->n_block = 0;
    if (line_reader_number(reader->lines) == 1 && n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3, n -= 3;
    block_append(reader, line, n);
    if (reader->format == DOCUMENT_CSV) {
        int64_t n_quotes = 0;
        for (size_t i = 0; i < n; i++)
            n_quotes += line[i] == '"';
        while (n_quotes % 2 == 1 && (int64_t)reader->n_block < reader->bytes_max && line_reader_next(reader->lines, &line, &n, err)) {
            block_append(reader, "\n", 1);
            block_append(reader, line, n);
            for (size_t i = 0; i < n; i++)
                n_quotes += line[i] == '"';
        }
        if (*err != OK)
            return false;
    }
    char separator = reader->format == DOCUMENT_CSV ? ',' : '\t';
    char *from = reader->block, *to = reader->block, *end = reader->block + reader->n_block;
    bool quoted = false;
    *n_cells = 0;
    cells[(*n_cells)++] = to;
    for (; from < end; from++) {
        if (*from == '"' && reader->format == DOCUMENT_CSV) {
            if (quoted && from + 1 < end && from[1] == '"')
                *to++ = *++from;
            else
                quoted = !quoted;
        } else if (*from == separator && !quoted) {
            *to++ = '\0';
            if (*n_cells < n_cells_max)
                cells[(*n_cells)++] = to;
        } else {
            *to++ = *from == '\0' ? ' ' : *from;
        }
    }
    *to = '\0';
    return true;
}

/* The field's text, in the reader's arena. False: the record is skipped. */
static bool document_reader_json(DocumentReader *reader, const char *line, size_t n, Document *document)
{
    JsonReader json;
    json_reader_init(&json, reader->path, line, n);
    JsonText key;
    bool found = false;
    Err err = json_object_begin(&json);
    while (err == OK && json_object_next(&json, &key)) {
        if (json_text_is(key, reader->field) && !found) {
            err = json_string(&json, reader->arena, &document->text, &document->n_bytes);
            found = true;
        } else {
            err = json_skip(&json);
        }
    }
    if (err == OK)
        err = json_reader_end(&json);
    int64_t number = line_reader_number(reader->lines);
    if (err != OK)
        document_reader_skip(reader, number, "%s", err_message());
    else if (!found)
        document_reader_skip(reader, number, "no field \"%s\"", reader->field);
    return err == OK && found;
}

static bool is_blank(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isspace((unsigned char)text[i]))
            return false;
    return true;
}

/* The rest of the file as one block, with its own line ends but '\r'. */
static bool document_reader_whole(DocumentReader *reader, Document *document, Err *err)
{
    const char *line;
    size_t n;
    reader->n_block = 0;
    document->line = 1;
    bool fits = true;
    while (line_reader_next(reader->lines, &line, &n, err)) {
        fits = fits && (int64_t)(reader->n_block + n) < reader->bytes_max;
        if (!fits)
            continue;
        block_append(reader, line, n);
        block_append(reader, "\n", 1);
    }
    if (*err != OK || line_reader_number(reader->lines) == 0)
        return false;
    if (!fits) {
        document_reader_skip(reader, 1, "longer than %" PRId64 " bytes", reader->bytes_max);
        return false;
    }
    document->text = reader->block;
    document->n_bytes = reader->n_block;
    return reader->n_block > 0;
}

static bool document_reader_paragraph(DocumentReader *reader, Document *document, Err *err)
{
    const char *line;
    size_t n;
    reader->n_block = 0;
    while (line_reader_next(reader->lines, &line, &n, err)) {
        if (is_blank(line, n) && reader->n_block > 0)
            break;
        if (is_blank(line, n))
            continue;
        if (reader->n_block == 0)
            document->line = line_reader_number(reader->lines);
        else
            block_append(reader, "\n", 1);
        if ((int64_t)(reader->n_block + n) < reader->bytes_max)
            block_append(reader, line, n);
    }
    document->text = reader->block;
    document->n_bytes = reader->n_block;
    return *err == OK && reader->n_block > 0;
}

/* One record, good or skipped. False at the end. *usable tells whether `document` was filled. */
static bool document_reader_record(DocumentReader *reader, Document *document, bool *usable, Err *err)
{
    const char *line;
    size_t n;
    char *cells[CELLS_MAX];
    int n_cells;
    *usable = true;
    switch (reader->format) {
    case DOCUMENT_TEXT:
        return document_reader_whole(reader, document, err);
    case DOCUMENT_PARAGRAPHS:
        return document_reader_paragraph(reader, document, err);
    case DOCUMENT_TSV:
    case DOCUMENT_CSV:
        document->line = line_reader_number(reader->lines) + 1;
        if (!document_reader_row(reader, cells, &n_cells, CELLS_MAX, err))
            return false;
        if (reader->column >= n_cells) {
            if (n_cells > 1 || cells[0][0] != '\0')
                document_reader_skip(reader, document->line, "%d columns, the text should be in column %d", n_cells,
                                     reader->column + 1);
            *usable = false;
            return true;
        }
        document->text = cells[reader->column];
        document->n_bytes = strlen(document->text);
        return true;
    default:
        if (!line_reader_next(reader->lines, &line, &n, err))
            return false;
        document->line = line_reader_number(reader->lines);
        if (reader->format == DOCUMENT_LINES) {
            document->text = line;
            document->n_bytes = n;
        } else if (is_blank(line, n)) {
            *usable = false;
        } else {
            if (document->line == 1 && n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
                line += 3, n -= 3;
            document->record = line;
            document->n_record_bytes = n;
            *usable = document_reader_json(reader, line, n, document);
        }
        return true;
    }
}

bool document_reader_next(DocumentReader *reader, Document *document, Err *err)
{
    bool usable, more;
    do {
        arena_reset(reader->arena);
        *document = (Document){.path = reader->path};
        int64_t n_too_long = line_reader_n_skipped(reader->lines);
        more = document_reader_record(reader, document, &usable, err);
        for (; n_too_long < line_reader_n_skipped(reader->lines); n_too_long++)
            document_reader_skip(reader, line_reader_number(reader->lines), "a line longer than %" PRId64 " bytes, here or before",
                                 reader->bytes_max);
        if (!more)
            return false;
        usable = usable && !is_blank(document->text, document->n_bytes);
    } while (!usable);

    const char *repaired = utf8_repair(reader->arena, document->text, document->n_bytes, &document->n_bytes);
    reader->counts.n_repaired += repaired != document->text;
    document->text = repaired;
    if (document->line == 1 && document->n_bytes >= 3 && memcmp(document->text, "\xef\xbb\xbf", 3) == 0)
        document->text += 3, document->n_bytes -= 3;
    reader->counts.n_documents++;
    reader->counts.n_text_bytes += (int64_t)document->n_bytes;
    return true;
}

const DocumentCounts *document_reader_counts(const DocumentReader *reader)
{
    return &reader->counts;
}

void document_counts_add(DocumentCounts *sum, const DocumentCounts *counts)
{
    if (sum->reason[0] == '\0')
        memcpy(sum->reason, counts->reason, sizeof sum->reason);
    sum->n_documents += counts->n_documents;
    sum->n_text_bytes += counts->n_text_bytes;
    sum->n_skipped += counts->n_skipped;
    sum->n_repaired += counts->n_repaired;
}

int64_t document_reader_consumed(const DocumentReader *reader)
{
    return byte_stream_consumed(line_reader_stream(reader->lines));
}

int64_t document_reader_size(const DocumentReader *reader)
{
    return byte_stream_size(line_reader_stream(reader->lines));
}
