/* warc.h - web archives: WARC 0.17, 1.0 and 1.1 (ISO 28500:2017), WET and WAT, and the older ARC, record by record.
 *
 * Plain or gzip, one member a record or one for all. An archive is somebody else's file: a record that breaks its own promises (a
 * length that is no number, a member that does not inflate, a block that ends early) is counted with its reason, and reading goes on at the next
 * thing that looks like a record. The payload of an HTTP response is given decoded: chunks joined, gzip and deflate undone, never
 * more than the stated size (what a bomb holds beyond is cut and marked). */
#ifndef CORPUS_WARC_H
#define CORPUS_WARC_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    WARC_INFO, WARC_REQUEST, WARC_RESPONSE, WARC_METADATA, WARC_RESOURCE, WARC_CONVERSION, WARC_REVISIT, WARC_CONTINUATION, WARC_OTHER,
    N_WARC_TYPES
} WarcType;

/* Valid until the reader's next record. Texts are never NULL. */
typedef struct {
    WarcType type;        /* an ARC record that is not its file header is a response */
    const char *uri, *date, *id;
    const char *media_type;  /* of the payload: "text/html", lower case, without parameters; "" when not stated */
    const char *charset;     /* parameter of the content type, lower case; "" */
    int http_status;         /* 0: no HTTP */
    const char *payload;     /* after HTTP headers and decoding; NUL added */
    size_t n_payload_bytes;
    bool is_cut;             /* the payload was longer than allowed */
    bool is_undecoded;       /* a content encoding that this build does not have (br) */
} WarcRecord;

typedef struct {
    int64_t n_records, n_broken;
    char reason[160];  /* of the first broken record */
} WarcCounts;

typedef struct WarcReader WarcReader;

/* True when the file begins like an archive (after gzip): "WARC/" or "filedesc://". */
Err warc_is_archive(bool *is, const char *path);
Err warc_reader_open(WarcReader **out, const char *path, size_t payload_bytes_max);
void warc_reader_free(WarcReader *reader);  /* NULL is fine */
/* False at the end (*err OK) or when the file itself cannot be read. */
bool warc_reader_next(WarcReader *reader, WarcRecord *record, Err *err);
const WarcCounts *warc_reader_counts(const WarcReader *reader);
int64_t warc_reader_consumed(const WarcReader *reader);  /* bytes of the file, for progress */
const char *warc_type_name(WarcType type);

#endif
