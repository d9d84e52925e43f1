/* http_payload.c - headers, chunks and content encodings. */
#include "text/corpus/http_payload.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

static char *lower_copy(Arena *arena, const char *text, size_t n)
{
    char *copy = arena_strndup(arena, text, n);
    for (char *at = copy; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return copy;
}

void media_type_read(Arena *arena, const char *value, const char **media_type, const char **charset)
{
    value += strspn(value, " \t");
    *media_type = lower_copy(arena, value, strcspn(value, "; \t,"));
    *charset = "";
    const char *at = strcasestr(value, "charset=");
    if (!at)
        return;
    at += strlen("charset=");
    at += strspn(at, " \"'");
    *charset = lower_copy(arena, at, strcspn(at, " \"';,>"));
}

/* A line of [at, end): its length without the line break, and where the next one begins. */
static size_t header_line(const char *at, const char *end, const char **next)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    *next = newline ? newline + 1 : end;
    size_t n = (size_t)((newline ? newline : end) - at);
    return n > 0 && at[n - 1] == '\r' ? n - 1 : n;
}

/* Joins chunks. False when the sizes make no sense: some archives keep the header but have joined them already. */
static bool join_chunks(Arena *arena, HttpPayload *payload)
{
    const char *at = payload->body, *end = at + payload->n_bytes, *next;
    char *joined = arena_alloc(arena, payload->n_bytes + 1);
    size_t n = 0;
    while (at < end) {
        size_t line = header_line(at, end, &next), size = 0, n_digits = 0;
        for (; n_digits < line && isxdigit((unsigned char)at[n_digits]) && n_digits < 8; n_digits++)
            size = size * 16 + (size_t)(isdigit((unsigned char)at[n_digits]) ? at[n_digits] - '0' : (tolower((unsigned char)at[n_digits]) - 'a' + 10));
        if (n_digits == 0)
            return false;
        if (size == 0)
            break;
        size_t left = (size_t)(end - next);
        if (size > left) {
            payload->is_cut = true;
            size = left;
        }
        memcpy(joined + n, next, size);
        n += size;
        at = next + size;
        if (at < end && *at == '\r')
            at++;
        if (at < end && *at == '\n')
            at++;
    }
    joined[n] = '\0';
    payload->body = joined;
    payload->n_bytes = n;
    return true;
}

/* gzip and zlib by their heads, else raw deflate. What inflates before an error is kept. */
static void inflate_body(Arena *arena, HttpPayload *payload, size_t n_bytes_max)
{
    z_stream z = {0};
    const unsigned char *head = (const unsigned char *)payload->body;
    bool framed = payload->n_bytes >= 2 && ((head[0] == 0x1f && head[1] == 0x8b) || ((head[0] & 15) == 8 && (head[0] * 256 + head[1]) % 31 == 0));
    if (inflateInit2(&z, framed ? 15 + 32 : -15) != Z_OK)
        return;
    size_t room = payload->n_bytes * 4 + 4096;
    room = room < n_bytes_max ? room : n_bytes_max;
    unsigned char *out = mem_alloc(room + 1);
    z.next_in = (unsigned char *)(uintptr_t)payload->body;
    z.avail_in = (uInt)payload->n_bytes;
    size_t n = 0;
    for (;;) {
        z.next_out = out + n;
        z.avail_out = (uInt)(room - n);
        int code = inflate(&z, Z_NO_FLUSH);
        n = room - z.avail_out;
        if (code != Z_OK || z.avail_out > 0)
            break;
        if (room == n_bytes_max) {
            payload->is_cut = true;
            break;
        }
        room = room * 2 < n_bytes_max ? room * 2 : n_bytes_max;
        out = mem_realloc(out, room + 1);
    }
    inflateEnd(&z);
    if (n > 0) {
        payload->body = memcpy(arena_alloc(arena, n + 1), out, n);
        payload->n_bytes = n;
    }
    free(out);
}

static bool header_is(const char *line, size_t n, const char *name, Arena *arena, const char **value)
{
    size_t m = strlen(name);
    if (n <= m || line[m] != ':' || strncasecmp(line, name, m) != 0)
        return false;
    *value = arena_strndup(arena, line + m + 1, n - m - 1);
    return true;
}

HttpPayload http_payload_read(Arena *arena, const char *block, size_t n_bytes, size_t n_bytes_max)
{
    HttpPayload payload = {.media_type = "", .charset = "", .body = block, .n_bytes = n_bytes};
    const char *end = block + n_bytes, *next, *value, *encoding = "";
    bool is_chunked = false;
    if (n_bytes < 12 || strncmp(block, "HTTP/", 5) != 0)
        return payload;
    size_t n = header_line(block, end, &next);
    const char *space = memchr(block, ' ', n);
    payload.status = space ? atoi(space) : 0;
    for (const char *at = next; at < end; at = next) {
        n = header_line(at, end, &next);
        if (n == 0)
            break;
        if (header_is(at, n, "Content-Type", arena, &value))
            media_type_read(arena, value, &payload.media_type, &payload.charset);
        else if (header_is(at, n, "Content-Encoding", arena, &value))
            encoding = lower_copy(arena, value, strlen(value));
        else if (header_is(at, n, "Transfer-Encoding", arena, &value))
            is_chunked = strcasestr(value, "chunked") != NULL;
    }
    payload.body = next;
    payload.n_bytes = (size_t)(end - next);
    if (is_chunked)
        join_chunks(arena, &payload);
    if (strstr(encoding, "gzip") || strstr(encoding, "deflate"))
        inflate_body(arena, &payload, n_bytes_max);
    else if (strstr(encoding, "br") || strstr(encoding, "zstd"))
        payload.is_undecoded = memchr(payload.body, '<', payload.n_bytes) == NULL;  /* many crawlers decode and keep the header */
    if (payload.n_bytes > n_bytes_max) {
        payload.n_bytes = n_bytes_max;
        payload.is_cut = true;
    }
    return payload;
}
