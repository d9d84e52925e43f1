/* document_writer.h - documents into a file that is whole or absent: JSON lines or plain text, compressed by its name.
 *
 *   NAME.jsonl   {"text": "..."} or a record of the caller's, one a line
 *   NAME.txt     documents with an empty line between them
 * followed by .zst or .gz, or nothing. "-" is standard output: JSON lines, never compressed. */
#ifndef CORPUS_DOCUMENT_WRITER_H
#define CORPUS_DOCUMENT_WRITER_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct DocumentWriter DocumentWriter;

/* ERR_USAGE: a name with another ending. */
Err document_writer_open(DocumentWriter **out, const char *path);
/* The text alone. */
Err document_writer_add(DocumentWriter *writer, const char *text, size_t n_bytes);
/* jsonl: the JSON object as the line; txt: the text. */
Err document_writer_add_record(DocumentWriter *writer, const char *json, size_t n_json_bytes, const char *text, size_t n_bytes);
int64_t document_writer_n_documents(const DocumentWriter *writer);
/* Frees the writer, also on an error. */
Err document_writer_commit(DocumentWriter *writer);
void document_writer_abort(DocumentWriter *writer);  /* NULL is fine */

#endif
