/* shingle_datatrove.c - shingles as datatrove 0.10 hashes them, words being runs between white space.
 *
 * Its normal form, in this order: lower case; numbers (digits of any script, with one separator inside) to 0; punctuation and controls to blanks;
 * white space to one blank; NFD without nonspacing marks. A shingle is n words joined by blanks, hashed by XXH64; texts with fewer words have none. */
#include "text/corpus/hash.h"
#include "text/corpus/shingle_internal.h"
#include "text/unicode/char_props.h"
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { SIGMA = 0x3A3, FINAL_SIGMA = 0x3C2 };

/* What datatrove's list makes a blank of, beside all of ASCII that is neither letter nor digit. */
static bool is_punctuation(uint32_t c)
{
    static const uint32_t wide[] = {
        0x2014, 0x201D, 0xFF1A, 0xFF05, 0xFF11, 0x3008, 0x3001, 0x2501, 0x3010, 0x300C, 0x300D, 0xFF0C, 0x3011, 0xFF1B, 0x201C, 0x300A, 0x201E, 0x2019, 0x2236, 0x00B4,
        0xFF0E, 0xFF08, 0x2013, 0xFF1F, 0xFF01, 0xFF04, 0x00AB, 0x3009, 0x300B, 0xFF09, 0x3002, 0x2026, 0x25BA, 0x00BB,
    };
    if (c < 0xA0)
        return true;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (wide[i] == c)
            return true;
    return false;
}

static bool is_separator(uint32_t c)
{
    return c == '.' || c == ',' || c == 0x060C || c == 0x066B || (c >= 0x2396 && c <= 0x2398);
}

static uint32_t peek(const char *at, const char *end)
{
    uint32_t c = 0;
    if (at < end)
        utf8_decode(&c, at, end);
    return c;
}

static const char *skip_digits(const char *at, const char *end)
{
    uint32_t c;
    while (at < end && char_is_digit(peek(at, end)))
        at += utf8_decode(&c, at, end);
    return at;
}

static const char *skip_number(const char *at, const char *end)
{
    uint32_t c;
    at = skip_digits(at, end);
    if (at < end && is_separator(peek(at, end))) {
        const char *behind = at + utf8_decode(&c, at, end);
        if (char_is_digit(peek(behind, end)))
            return skip_digits(behind, end);
    }
    return at;
}

static bool starts_with_digit(const char *at, const char *end)
{
    return (unsigned char)*at < 0x80 ? *at >= '0' && *at <= '9' : char_is_digit(peek(at, end));
}

static bool is_letter(uint32_t c)
{
    return c < 0x80 ? shingle_plain_ascii((unsigned char)c) > '9' : char_is_letter(c);
}

/* Text in its normal form, and where its words are. ASCII and syllables fall apart by themselves and nothing moves past them, so only the characters
 * between them, which wait in `others`, need the tables of normalisation. */
typedef struct {
    Arena *arena;
    char *bytes, *others;
    size_t n, room, n_others;
    uint32_t *begins, *ends;  /* of words; the present one begins at begins[n_words] */
    int64_t n_words;
    bool after_blank;
} Plain;

/* What was put there loses its nonspacing marks. */
static void put_without_marks(Plain *plain, const char *text, size_t n_bytes)
{
    assert(plain->n + n_bytes <= plain->room);
    for (const char *at = text, *end = text + n_bytes; at < end;) {
        uint32_t c;
        int step = utf8_decode(&c, at, end);
        if (!char_is_nonspacing(c)) {
            memcpy(plain->bytes + plain->n, at, (size_t)step);
            plain->n += (size_t)step;
        }
        at += step;
    }
}

static void end_others(Plain *plain)
{
    if (plain->n_others == 0)
        return;
    size_t n;
    const char *normal = normalize(plain->arena, NORMALIZE_NFD, plain->others, plain->n_others, &n);
    put_without_marks(plain, normal, n);
    plain->n_others = 0;
}

static void end_word(Plain *plain)
{
    end_others(plain);
    if (plain->n > plain->begins[plain->n_words])
        plain->ends[plain->n_words++] = (uint32_t)plain->n;
    plain->begins[plain->n_words] = (uint32_t)plain->n;
}

static void put_blank(Plain *plain)
{
    end_word(plain);
    if (!plain->after_blank)
        plain->bytes[plain->n++] = ' ';
    plain->begins[plain->n_words] = (uint32_t)plain->n;
    plain->after_blank = true;
}

static void put_ascii(Plain *plain, char c)
{
    end_others(plain);
    plain->bytes[plain->n++] = c;
    plain->after_blank = false;
}

static void put_3_bytes(Plain *plain, uint32_t c)
{
    plain->bytes[plain->n++] = (char)(0xE0 | c >> 12);
    plain->bytes[plain->n++] = (char)(0x80 | (c >> 6 & 0x3F));
    plain->bytes[plain->n++] = (char)(0x80 | (c & 0x3F));
}

/* NFD of a syllable: two or three jamo (Unicode 15, section 3.12). */
static void put_syllable(Plain *plain, const char *at)
{
    enum { S_BASE = 0xAC00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11A7, N_VT = 588, N_T = 28 };
    uint32_t c;
    utf8_decode_valid(&c, at);
    uint32_t s = c - S_BASE, trail = s % N_T;
    end_others(plain);
    put_3_bytes(plain, L_BASE + s / N_VT);
    put_3_bytes(plain, V_BASE + s % N_VT / N_T);
    if (trail)
        put_3_bytes(plain, T_BASE + trail);
    plain->after_blank = false;
}

static Plain plain_new(Arena *arena, size_t n_bytes)
{
    enum { GROWTH = 3 };  /* the most that bytes of UTF-8 become in NFD: unicode.org/faq/normalization.html */
    Plain plain = {.arena = arena, .room = GROWTH * n_bytes + 8, .after_blank = true};
    plain.bytes = arena_alloc_unset(arena, plain.room);
    plain.others = arena_alloc_unset(arena, 2 * n_bytes + 8);
    plain.begins = arena_alloc_unset(arena, (n_bytes / 2 + 3) * sizeof *plain.begins);
    plain.ends = arena_alloc_unset(arena, (n_bytes / 2 + 3) * sizeof *plain.ends);
    plain.begins[0] = 0;
    return plain;
}

/* Lower case, numbers, blanks, NFD, no marks. */
static Plain make_plain(Arena *arena, const char *text, size_t n_bytes)
{
    Plain plain = plain_new(arena, n_bytes);
    const char *end = text + n_bytes;
    bool after_letter = false;
    for (const char *at = text; at < end;) {
        uint32_t c;
        if (utf8_is_syllable(at, end)) {
            put_syllable(&plain, at);
            at += 3;
            after_letter = true;
        } else if (starts_with_digit(at, end)) {
            at = skip_number(at, end);
            put_ascii(&plain, '0');
            after_letter = false;
        } else if ((unsigned char)*at < 0x80) {
            char letter = shingle_plain_ascii((unsigned char)*at++);
            after_letter = letter != '\0';
            if (letter)
                put_ascii(&plain, letter);
            else
                put_blank(&plain);
        } else {
            at += utf8_decode(&c, at, end);
            if (c == SIGMA && after_letter && !is_letter(peek(at, end)))
                c = FINAL_SIGMA;
            after_letter = is_letter(c);
            if (is_punctuation(c) || char_is_space(c)) {
                put_blank(&plain);
                continue;
            }
            plain.n_others += (size_t)utf8_encode(plain.others + plain.n_others, char_lower(c));
            plain.after_blank = false;
        }
    }
    end_word(&plain);
    return plain;
}

ShingleSet shingle_list_datatrove(Arena *arena, const char *text, size_t n_bytes, int n)
{
    Plain plain = make_plain(arena, text, n_bytes);
    ShingleSet set = {.hashes = arena_alloc_unset(arena, (size_t)(plain.n_words + 1) * sizeof *set.hashes)};
    for (int64_t i = 0; i + n <= plain.n_words; i++)
        set.hashes[set.n++] = hash64_xxh64(plain.bytes + plain.begins[i], plain.ends[i + n - 1] - plain.begins[i]);
    return set;
}
