/* gzip_member.c - libdeflate's decoder, and a buffer that grows to what members hold and no further than they may. */
#include "text/corpus/gzip_member.h"

#include "base/arena.h"

#include <stdlib.h>

#ifdef JIKJI_LIBDEFLATE
#include <libdeflate.h>

enum { ROOM_FIRST = 1 << 18, ROOM_GROWTH = 4 };

struct GzipMember {
    struct libdeflate_decompressor *decoder;
    unsigned char *text;
    size_t room;
};

GzipMember *gzip_member_new(void)
{
    struct libdeflate_decompressor *decoder = libdeflate_alloc_decompressor();
    if (!decoder)
        return NULL;
    GzipMember *member = mem_alloc(sizeof *member);
    *member = (GzipMember){.decoder = decoder, .text = mem_alloc(ROOM_FIRST), .room = ROOM_FIRST};
    return member;
}

void gzip_member_free(GzipMember *member)
{
    if (!member)
        return;
    libdeflate_free_decompressor(member->decoder);
    free(member->text);
    free(member);
}

GzipMemberState gzip_member_read(GzipMember *member, const unsigned char *bytes, size_t n_bytes, size_t *n_taken, const unsigned char **text,
                                 size_t *n_text)
{
    for (;;) {
        enum libdeflate_result code =
            libdeflate_gzip_decompress_ex(member->decoder, bytes, n_bytes, member->text, member->room, n_taken, n_text);
        *text = member->text;
        if (code == LIBDEFLATE_SUCCESS)
            return GZIP_MEMBER_WHOLE;
        if (code != LIBDEFLATE_INSUFFICIENT_SPACE)
            return GZIP_MEMBER_PARTIAL;
        if (member->room >= GZIP_MEMBER_BYTES_MAX)
            return GZIP_MEMBER_LARGE;
        member->room *= ROOM_GROWTH;
        free(member->text);
        member->text = mem_alloc(member->room);
    }
}
#else
GzipMember *gzip_member_new(void)
{
    return NULL;
}

void gzip_member_free(GzipMember *member)
{
    (void)member;
}

GzipMemberState gzip_member_read(GzipMember *member, const unsigned char *bytes, size_t n_bytes, size_t *n_taken, const unsigned char **text,
                                 size_t *n_text)
{
    (void)member, (void)bytes, (void)n_bytes;
    *n_taken = *n_text = 0;
    *text = NULL;
    return GZIP_MEMBER_PARTIAL;
}
#endif
