/* http_payload.h - an HTTP/1.x message as an archive keeps it: status line, headers, body, in one block of bytes. */
#ifndef CORPUS_HTTP_PAYLOAD_H
#define CORPUS_HTTP_PAYLOAD_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int status;  /* 0: not an HTTP response */
    const char *media_type, *charset;
    const char *body;
    size_t n_bytes;
    bool is_cut, is_undecoded;
} HttpPayload;

/* Never fails: what cannot be decoded is given as it stands. The body lives in `arena` or in the block; at most n_bytes_max long. */
HttpPayload http_payload_read(Arena *arena, const char *block, size_t n_bytes, size_t n_bytes_max);
/* "Text/HTML; charset=\"EUC-KR\"" -> "text/html", "euc-kr". */
void media_type_read(Arena *arena, const char *value, const char **media_type, const char **charset);

#endif
