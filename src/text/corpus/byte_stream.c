/* byte_stream.c - plain, gzip and Zstandard files behind one read call. */
#include "text/corpus/byte_stream.h"

#include "base/arena.h"
#include "text/corpus/gzip_member.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum {
    INPUT_BYTES = 1 << 17,
    GZIP_INPUT_BYTES = 1 << 20,  /* a member of at most so many bytes is decoded at once */
    GZIP_AHEAD_BYTES = 1 << 17,  /* read more before a member when less is there: most are shorter */
    ZSTD_WINDOW_LOG_MAX = 27,
};

typedef enum { FORM_PLAIN, FORM_GZIP, FORM_ZSTD } Form;

struct ByteStream {
    char *path;
    int fd;
    Form form;
    int64_t consumed, size;
    unsigned char *input;
    size_t at, end;  /* unread part of input */
    bool at_eof;
    z_stream zlib;
    ZSTD_DStream *zstd;
    bool inside;  /* a member or frame has begun and not ended */
    int64_t member_begin;  /* gzip: where in the file the present member begins */
    GzipMember *member;    /* of a gzip file: NULL when members cannot be decoded at once */
    const unsigned char *text;  /* of a member decoded at once: what is not read yet */
    size_t n_text;
};

/* Bytes of the file as they are, straight to where they are wanted. */
static Err byte_stream_take(ByteStream *s, void *bytes, size_t n_max, size_t *n_read)
{
    ssize_t n;
    do
        n = read(s->fd, bytes, n_max);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set(ERR_IO, "%s: %s", s->path, strerror(errno));
    s->consumed += n;
    s->at_eof = n == 0;
    *n_read = (size_t)n;
    return OK;
}

static Err byte_stream_refill(ByteStream *s)
{
    if (s->at < s->end || s->at_eof)
        return OK;
    s->at = 0;
    return byte_stream_take(s, s->input, INPUT_BYTES, &s->end);
}

static Err byte_stream_start(ByteStream *s)
{
    TRY(byte_stream_refill(s));
    const unsigned char *head = s->input + s->at;
    size_t n = s->end - s->at;
    if (n >= 2 && head[0] == 0x1f && head[1] == 0x8b) {
        s->form = FORM_GZIP;
        if (inflateInit2(&s->zlib, 15 + 16) != Z_OK)
            return err_set(ERR_MEMORY, "%s: no memory to decompress", s->path);
        if (s->size > 0 && (s->member = gzip_member_new()) != NULL)  /* a pipe may be slow: its bytes are not waited for */
            s->input = mem_realloc(s->input, GZIP_INPUT_BYTES);
    } else if (n >= 4 && head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd) {
        s->form = FORM_ZSTD;
        s->zstd = ZSTD_createDStream();
        if (!s->zstd || ZSTD_isError(ZSTD_initDStream(s->zstd)))
            return err_set(ERR_MEMORY, "%s: no memory to decompress", s->path);
        ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    }
    return OK;
}

Err byte_stream_open(ByteStream **out, const char *path)
{
    *out = NULL;
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        Err err = err_set(ERR_IO, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return err;
    }
    if (S_ISDIR(info.st_mode)) {
        close(fd);
        return err_set(ERR_IO, "%s: is a folder", path);
    }
    ByteStream *s = mem_alloc(sizeof *s);
    s->path = mem_strdup(is_stdin ? "standard input" : path);
    s->fd = fd;
    s->size = S_ISREG(info.st_mode) ? info.st_size : 0;
    s->input = mem_alloc(INPUT_BYTES);
    Err err = byte_stream_start(s);
    if (err != OK) {
        byte_stream_free(s);
        return err;
    }
    *out = s;
    return OK;
}

void byte_stream_free(ByteStream *s)
{
    if (!s)
        return;
    if (s->form == FORM_GZIP)
        inflateEnd(&s->zlib);
    ZSTD_freeDStream(s->zstd);
    gzip_member_free(s->member);
    close(s->fd);
    free(s->input);
    free(s->path);
    free(s);
}

/* Of the next unread byte, in the file. */
static int64_t byte_stream_position(const ByteStream *s)
{
    return s->consumed - (int64_t)(s->end - s->at);
}

static Err byte_stream_damaged(const ByteStream *s, const char *what)
{
    return err_set(ERR_FORMAT, "%s: byte %" PRId64 " of the compressed file: %s", s->path, byte_stream_position(s), what);
}

/* Moves the unread bytes to the front and fills the rest of the gzip input. */
static Err byte_stream_fill(ByteStream *s)
{
    size_t n = 1;
    memmove(s->input, s->input + s->at, s->end - s->at);
    s->end -= s->at;
    s->at = 0;
    for (; n > 0 && s->end < GZIP_INPUT_BYTES; s->end += n)
        TRY(byte_stream_take(s, s->input + s->end, GZIP_INPUT_BYTES - s->end, &n));
    s->at_eof = s->at == s->end;
    return OK;
}

/* Decodes the member that begins at `at` at once when it is whole in the input; else leaves everything to the stream. */
static Err byte_stream_read_member(ByteStream *s)
{
    size_t n_taken;
    if (s->end - s->at < GZIP_AHEAD_BYTES)
        TRY(byte_stream_fill(s));
    GzipMemberState state = gzip_member_read(s->member, s->input + s->at, s->end - s->at, &n_taken, &s->text, &s->n_text);
    if (state == GZIP_MEMBER_PARTIAL && s->end - s->at < GZIP_INPUT_BYTES) {
        size_t n_before = s->end - s->at;
        TRY(byte_stream_fill(s));
        if (s->end - s->at > n_before)
            state = gzip_member_read(s->member, s->input + s->at, s->end - s->at, &n_taken, &s->text, &s->n_text);
    }
    if (state == GZIP_MEMBER_WHOLE)
        s->at += n_taken;
    else
        s->n_text = 0;
    s->inside = state != GZIP_MEMBER_WHOLE;
    return OK;
}

static Err byte_stream_inflate(ByteStream *s, void *bytes, size_t n_max, size_t *n_read)
{
    z_stream *z = &s->zlib;
    if (!s->inside) {
        if (s->input[s->at] != 0x1f) {  /* zero padding after the last member is common; anything else is not gzip */
            s->at = s->end;
            return OK;
        }
        s->member_begin = byte_stream_position(s);
        s->inside = true;
        if (s->member)
            TRY(byte_stream_read_member(s));
        if (!s->inside)
            return OK;
        inflateReset(z);
    }
    z->next_in = s->input + s->at;
    z->avail_in = (uInt)(s->end - s->at);
    z->next_out = bytes;
    z->avail_out = (uInt)n_max;
    int code = inflate(z, Z_NO_FLUSH);
    s->at = s->end - z->avail_in;
    *n_read = n_max - z->avail_out;
    if (code == Z_STREAM_END)
        s->inside = false;
    else if (code != Z_OK && code != Z_BUF_ERROR)
        return byte_stream_damaged(s, z->msg ? z->msg : "damaged gzip data");
    return OK;
}

static Err byte_stream_unzstd(ByteStream *s, void *bytes, size_t n_max, size_t *n_read)
{
    ZSTD_inBuffer in = {s->input, s->end, s->at};
    ZSTD_outBuffer out = {bytes, n_max, 0};
    size_t code = ZSTD_decompressStream(s->zstd, &out, &in);
    s->at = in.pos;
    *n_read = out.pos;
    if (ZSTD_isError(code))
        return byte_stream_damaged(s, ZSTD_getErrorName(code));
    s->inside = code != 0;
    return OK;
}

Err byte_stream_read(ByteStream *s, void *bytes, size_t n_max, size_t *n_read)
{
    *n_read = 0;
    if (n_max > (1u << 30))
        n_max = 1u << 30;
    while (*n_read == 0 && n_max > 0) {
        if (s->n_text > 0) {
            *n_read = s->n_text < n_max ? s->n_text : n_max;
            memcpy(bytes, s->text, *n_read);
            s->text += *n_read;
            s->n_text -= *n_read;
            return OK;
        }
        if (s->form == FORM_PLAIN && s->at == s->end && !s->at_eof)
            return byte_stream_take(s, bytes, n_max, n_read);
        TRY(byte_stream_refill(s));
        bool may_hold_output = s->form == FORM_ZSTD && s->inside;  /* zstd may still flush after its input ended */
        if (s->at_eof && !may_hold_output) {
            if (s->inside)
                return byte_stream_damaged(s, "the data ends in the middle");
            return OK;
        }
        if (s->form == FORM_PLAIN) {
            size_t n = s->end - s->at < n_max ? s->end - s->at : n_max;
            memcpy(bytes, s->input + s->at, n);
            s->at += n;
            *n_read = n;
        } else if (s->form == FORM_GZIP) {
            TRY(byte_stream_inflate(s, bytes, n_max, n_read));
        } else {
            TRY(byte_stream_unzstd(s, bytes, n_max, n_read));
            if (s->at_eof && *n_read == 0)
                return s->inside ? byte_stream_damaged(s, "the data ends in the middle") : OK;
        }
    }
    return OK;
}

/* The head's first two bytes may lie in the block before: inflate is told of them apart. */
static void byte_stream_unread_head(ByteStream *s)
{
    unsigned char head[2] = {0x1f, 0x8b}, none;
    inflateReset(&s->zlib);
    s->zlib.next_in = head;
    s->zlib.avail_in = sizeof head;
    s->zlib.next_out = &none;
    s->zlib.avail_out = 0;
    inflate(&s->zlib, Z_NO_FLUSH);
    s->inside = true;
}

/* Damage may have led inflate past the end of its member: the search for the next begins right after this one's head. */
static void byte_stream_rewind(ByteStream *s)
{
    if (s->size == 0 || lseek(s->fd, s->member_begin + 1, SEEK_SET) < 0)
        return;  /* a pipe: from here on */
    s->consumed = s->member_begin + 1;
    s->at = s->end = 0;
    s->at_eof = false;
}

bool byte_stream_resync(ByteStream *s, Err *err)
{
    *err = OK;
    if (s->form != FORM_GZIP)
        return false;
    s->inside = false;
    s->n_text = 0;
    byte_stream_rewind(s);
    for (unsigned char one = 0, two = 0; *err == OK; s->at++) {
        if ((*err = byte_stream_refill(s)) != OK || s->at_eof)
            return false;
        unsigned char three = s->input[s->at];
        if (one == 0x1f && two == 0x8b && three == 8) {
            s->member_begin = byte_stream_position(s) - 2;
            byte_stream_unread_head(s);
            return true;
        }
        one = two, two = three;
    }
    return false;
}

int64_t byte_stream_consumed(const ByteStream *s)
{
    return s->consumed;
}

int64_t byte_stream_size(const ByteStream *s)
{
    return s->size;
}

const char *byte_stream_path(const ByteStream *s)
{
    return s->path;
}
