/* gzip_member.h - one whole gzip member from memory to memory, with libdeflate where the build has it.
 *
 * Archives hold a member a record, most of them small; decoding one at once is two to three times as fast as through zlib's stream.
 * What does not fit, is damaged, or is there only in part is left to the stream, which also says what is wrong: this door never fails. */
#ifndef CORPUS_GZIP_MEMBER_H
#define CORPUS_GZIP_MEMBER_H

#include <stddef.h>

enum { GZIP_MEMBER_BYTES_MAX = 1 << 22 };  /* of a member's text: the most memory that a decoder takes */

typedef struct GzipMember GzipMember;

typedef enum {
    GZIP_MEMBER_WHOLE,
    GZIP_MEMBER_PARTIAL,  /* it does not end in these bytes, or it is damaged: more bytes may help */
    GZIP_MEMBER_LARGE,    /* it holds more than GZIP_MEMBER_BYTES_MAX */
} GzipMemberState;

GzipMember *gzip_member_new(void);  /* NULL in a build without libdeflate */
void gzip_member_free(GzipMember *member);  /* NULL is fine */

/* Decodes the member at the front of `bytes` and checks its sum. When it is whole, *n_taken is its length there and *text, *n_text what it
 * holds, until the next call. */
GzipMemberState gzip_member_read(GzipMember *member, const unsigned char *bytes, size_t n_bytes, size_t *n_taken, const unsigned char **text,
                                 size_t *n_text);

#endif
