/* byte_stream_test.c - gzip files of many members, whole and damaged, whatever decodes them. */
#include "base/arena.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/test.h"
#include "text/corpus/byte_stream.h"
#include "text/corpus/gzip_member.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MEMBERS_MAX = 16 };

/* The text of all members, the members themselves, and where each begins in either. */
typedef struct {
    unsigned char *text, *packed;
    size_t n_text, n_packed;
    size_t text_at[MEMBERS_MAX + 1], packed_at[MEMBERS_MAX + 1];
    int n;
} Members;

/* Words over and over when `repeats`, else bytes that nothing makes shorter. */
static void members_add(Members *m, size_t n_text, bool repeats)
{
    m->text = mem_realloc(m->text, m->n_text + n_text + 1);
    for (size_t i = 0; i < n_text; i++)
        m->text[m->n_text + i] = repeats ? (unsigned char)"one and another "[i % 16] : (unsigned char)philox(7, 0, (uint64_t)m->n, i).word[0];
    z_stream z = {0};
    deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    size_t bound = deflateBound(&z, n_text);
    m->packed = mem_realloc(m->packed, m->n_packed + bound);
    z.next_in = m->text + m->n_text;
    z.avail_in = (uInt)n_text;
    z.next_out = m->packed + m->n_packed;
    z.avail_out = (uInt)bound;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    m->n_text += n_text;
    m->n_packed += bound - z.avail_out;
    deflateEnd(&z);
    m->n++;
    m->text_at[m->n] = m->n_text;
    m->packed_at[m->n] = m->n_packed;
}

/* Small, empty, longer packed than the input, longer unpacked than a decoder's buffer, and small again. */
static Members members_of_all_kinds(void)
{
    static const struct { size_t n; bool repeats; } kinds[] = {
        {5, true}, {0, true}, {300000, true}, {200000, false}, {GZIP_MEMBER_BYTES_MAX + 5, true}, {70000, false}, {1500000, false},
        {1000000, false}, {3, true}, {GZIP_MEMBER_BYTES_MAX, true}, {100000, false}, {9, true},
    };
    Members m = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        members_add(&m, kinds[i].n, kinds[i].repeats);
    return m;
}

static void members_free(Members *m)
{
    free(m->text);
    free(m->packed);
}

/* Reads until the end or an error; what came is appended to *text. */
static Err read_on(ByteStream *stream, unsigned char *text, size_t room, size_t *n, size_t piece)
{
    size_t n_read = 1;
    while (n_read > 0 && *n < room) {
        TRY(byte_stream_read(stream, text + *n, room - *n < piece ? room - *n : piece, &n_read));
        *n += n_read;
    }
    return OK;
}

/* Goal: how long a member is, packed and unpacked, cannot show in what is read. */
TEST(byte_stream, members_of_any_length_are_read)
{
    Members m = members_of_all_kinds();
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/a.gz", test_dir());
    REQUIRE_OK(file_write(path, m.packed, m.n_packed));
    unsigned char *text = mem_alloc(m.n_text + 100);
    for (size_t piece = 999; piece < 10000000; piece *= 1000) {
        ByteStream *stream;
        size_t n = 0;
        REQUIRE_OK(byte_stream_open(&stream, path));
        CHECK_OK(read_on(stream, text, m.n_text + 100, &n, piece));
        CHECK_EQUAL(n, m.n_text);
        CHECK(n == m.n_text && memcmp(text, m.text, n) == 0);
        CHECK_EQUAL(byte_stream_consumed(stream), m.n_packed);
        byte_stream_free(stream);
    }
    free(text);
    arena_free(arena);
    members_free(&m);
}

/* Goal: a damaged member costs itself and nothing before or behind it. Method: one member at a time loses its last four bytes, its
 * length, to others: what was read before the error is a beginning of the truth and holds every whole member, and resync finds the next. */
TEST(byte_stream, a_damaged_member_costs_itself_alone)
{
    Members m = members_of_all_kinds();
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/a.gz", test_dir());
    unsigned char *text = mem_alloc(m.n_text + 100);
    for (int bad = 0; bad + 1 < m.n; bad++) {
        unsigned char *length = m.packed + m.packed_at[bad + 1] - 4;
        *length ^= 0x55;
        REQUIRE_OK(file_write(path, m.packed, m.n_packed));
        *length ^= 0x55;
        ByteStream *stream;
        Err err;
        size_t n = 0;
        REQUIRE_OK(byte_stream_open(&stream, path));
        CHECK_EQUAL(read_on(stream, text, m.n_text + 100, &n, 100000), ERR_FORMAT);
        CHECK(n >= m.text_at[bad] && n <= m.text_at[bad + 1] && memcmp(text, m.text, n) == 0);
        CHECK(strstr(err_message(), "of the compressed file: incorrect length check") != NULL);
        size_t behind = m.text_at[bad + 1], n_behind = 0;
        bool is_there = false;  /* random bytes may look like a head: then that "member" is damaged too */
        while (!is_there && byte_stream_resync(stream, &err))
            is_there = read_on(stream, text, m.n_text + 100, &n_behind, 100000) == OK;
        CHECK(is_there);
        CHECK(n_behind >= m.n_text - behind && memcmp(text + n_behind - (m.n_text - behind), m.text + behind, m.n_text - behind) == 0);
        byte_stream_free(stream);
    }
    free(text);
    arena_free(arena);
    members_free(&m);
}
