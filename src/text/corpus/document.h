/* document.h - documents out of files, one at a time, in constant memory.
 *
 *   text        the whole file is one document
 *   lines       each line that is not blank
 *   paragraphs  runs of lines between blank lines
 *   jsonl       one JSON object a line; the text is a field of it
 *   tsv, csv    one row a line; the text is a column, by the name in the header line or by its number from 1 (then there is no
 *               header). tsv has no quoting; csv quotes as RFC 4180 does, also across lines
 * Each also compressed with gzip or Zstandard. `auto` asks the content (a first '{' is jsonl), then the name (.tsv, .csv), else text.
 *
 * What cannot be a document (a malformed record, a missing field, a line beyond the limit) is skipped and counted with the reason of
 * the first one; ill-formed UTF-8 and lone surrogates become U+FFFD and are counted. Blank documents are skipped in silence. */
#ifndef CORPUS_DOCUMENT_H
#define CORPUS_DOCUMENT_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    DOCUMENT_AUTO, DOCUMENT_TEXT, DOCUMENT_LINES, DOCUMENT_PARAGRAPHS, DOCUMENT_JSONL, DOCUMENT_TSV, DOCUMENT_CSV,
} DocumentFormat;
#define DOCUMENT_FORMAT_CHOICES "auto|text|lines|paragraphs|jsonl|tsv|csv"

typedef struct {
    int format;           /* DocumentFormat */
    const char *field;    /* jsonl: name, default "text"; tsv and csv: column name or number, default "text" */
    int64_t bytes_max;    /* of one document; longer ones are skipped */
} DocumentOptions;
DocumentOptions document_options_default(void);  /* auto, "text", 256 MB */

/* Valid until the reader's next document. */
typedef struct {
    const char *text;    /* well-formed UTF-8, a NUL follows */
    size_t n_bytes;
    const char *record;  /* jsonl: the whole object as it stood in the line; else NULL */
    size_t n_record_bytes;
    const char *path;    /* of the file */
    int64_t line;        /* in the file, from 1: where the document began */
} Document;

typedef struct DocumentReader DocumentReader;

/* ERR_IO: cannot be read. ERR_FORMAT: the header lacks the column. */
Err document_reader_open(DocumentReader **out, const char *path, const DocumentOptions *options);
void document_reader_free(DocumentReader *reader);  /* NULL is fine */
/* False at the end (*err OK) or on an error: damaged compression, or the disk. */
bool document_reader_next(DocumentReader *reader, Document *document, Err *err);

typedef struct {
    int64_t n_documents, n_text_bytes;
    int64_t n_skipped;   /* records that could not be documents */
    int64_t n_repaired;  /* documents with ill-formed UTF-8 */
    char reason[160];    /* of the first skipped record: "path:12: ..."; "" when none */
} DocumentCounts;
const DocumentCounts *document_reader_counts(const DocumentReader *reader);
void document_counts_add(DocumentCounts *sum, const DocumentCounts *counts);
/* Bytes of the file taken so far and its size: for progress. */
int64_t document_reader_consumed(const DocumentReader *reader);
int64_t document_reader_size(const DocumentReader *reader);

/* The files that the arguments mean, in `arena`: a file or "-" is itself, a folder is every file below it whose name does not begin
 * with a dot, sorted by path; a pattern with * or ? is what it matches. ERR_IO: nothing there. */
Err document_list_files(char ***paths, int *n_paths, Arena *arena, const char *const *arguments, int n_arguments);

#endif
