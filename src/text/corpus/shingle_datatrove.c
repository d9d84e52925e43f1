/* shingle_datatrove.c - shingles as datatrove 0.10 hashes them, words being runs between white space.
 *
 * Its normal form, in this order: lower case; numbers (digits of any script, with one separator inside) to 0; punctuation and controls to blanks;
 * white space to one blank; NFD without nonspacing marks. A shingle is n words joined by blanks, hashed by XXH64; texts with fewer words have none. */
#include "text/corpus/shingle_internal.h"
#include "text/unicode/char_props.h"
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"

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

/* ASCII and syllables fall apart by themselves and nothing moves past them, so only the characters between them, which wait in `others`, need the
 * tables of normalisation. */
typedef struct {
    ShingleRuns runs;
    Arena *scratch;  /* of one normalisation */
    char *others;
    size_t n_others, others_room;
    bool after_blank;
} Plain;

/* What was put there loses its nonspacing marks. */
static void put_without_marks(ShingleRuns *runs, const char *text, size_t n_bytes)
{
    shingle_runs_reserve(runs, n_bytes + SHINGLE_STEP);
    for (const char *at = text, *end = text + n_bytes; at < end;) {
        uint32_t c;
        int step = utf8_decode(&c, at, end);
        if (!char_is_nonspacing(c)) {
            memcpy(runs->bytes + runs->n_bytes, at, (size_t)step);
            runs->n_bytes += (size_t)step;
        }
        at += step;
    }
}

static void put_other(Plain *plain, uint32_t c)
{
    if (plain->n_others + UTF8_BYTES_MAX > plain->others_room) {
        plain->others_room = 2 * plain->others_room + 64;
        char *more = arena_alloc_unset(plain->runs.arena, plain->others_room);
        if (plain->n_others > 0)
            memcpy(more, plain->others, plain->n_others);
        plain->others = more;
    }
    plain->n_others += (size_t)utf8_encode(plain->others + plain->n_others, c);
    plain->after_blank = false;
}

static void end_others(Plain *plain)
{
    if (plain->n_others == 0)
        return;
    size_t n;
    arena_reset(plain->scratch);
    const char *normal = normalize(plain->scratch, NORMALIZE_NFD, plain->others, plain->n_others, &n);
    put_without_marks(&plain->runs, normal, n);
    plain->n_others = 0;
}

static void end_word(Plain *plain)
{
    ShingleRuns *runs = &plain->runs;
    end_others(plain);
    if (runs->n_bytes > runs->begins[runs->n_units])
        shingle_runs_end_unit(runs);
}

static void put_blank(Plain *plain)
{
    ShingleRuns *runs = &plain->runs;
    end_word(plain);
    if (!plain->after_blank)
        runs->bytes[runs->n_bytes++] = ' ';
    runs->begins[runs->n_units] = runs->n_bytes;
    plain->after_blank = true;
}

static void put_ascii(Plain *plain, char c)
{
    end_others(plain);
    plain->runs.bytes[plain->runs.n_bytes++] = c;
    plain->after_blank = false;
}

static void put_3_bytes(ShingleRuns *runs, uint32_t c)
{
    runs->bytes[runs->n_bytes++] = (char)(0xE0 | c >> 12);
    runs->bytes[runs->n_bytes++] = (char)(0x80 | (c >> 6 & 0x3F));
    runs->bytes[runs->n_bytes++] = (char)(0x80 | (c & 0x3F));
}

/* NFD of a syllable: two or three jamo (Unicode 15, section 3.12). */
static void put_syllable(Plain *plain, const char *at)
{
    enum { S_BASE = 0xAC00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11A7, N_VT = 588, N_T = 28 };
    uint32_t c;
    utf8_decode_valid(&c, at);
    uint32_t s = c - S_BASE, trail = s % N_T;
    end_others(plain);
    put_3_bytes(&plain->runs, L_BASE + s / N_VT);
    put_3_bytes(&plain->runs, V_BASE + s % N_VT / N_T);
    if (trail)
        put_3_bytes(&plain->runs, T_BASE + trail);
    plain->after_blank = false;
}

/* Lower case, numbers, blanks, NFD, no marks; words end where a blank stands. */
static void make_plain(Plain *plain, const char *text, size_t n_bytes)
{
    const char *end = text + n_bytes;
    bool after_letter = false;
    for (const char *at = text; at < end && shingle_runs_have_room(&plain->runs);) {
        uint32_t c;
        if (utf8_is_syllable(at, end)) {
            put_syllable(plain, at);
            at += 3;
            after_letter = true;
        } else if (starts_with_digit(at, end)) {
            at = skip_number(at, end);
            put_ascii(plain, '0');
            after_letter = false;
        } else if ((unsigned char)*at < 0x80) {
            char letter = shingle_plain_ascii((unsigned char)*at++);
            after_letter = letter != '\0';
            if (letter)
                put_ascii(plain, letter);
            else
                put_blank(plain);
        } else {
            at += utf8_decode(&c, at, end);
            if (c == SIGMA && after_letter && !is_letter(peek(at, end)))
                c = FINAL_SIGMA;
            after_letter = is_letter(c);
            if (is_punctuation(c) || char_is_space(c))
                put_blank(plain);
            else
                put_other(plain, char_lower(c));
        }
    }
    end_word(plain);
}

void shingle_each_datatrove(Arena *arena, const char *text, size_t n_bytes, int n, ShingleVisit *visit, void *context)
{
    Plain plain = {.runs = shingle_runs_new(arena, n, true, visit, context), .scratch = arena_new(), .after_blank = true};
    make_plain(&plain, text, n_bytes);
    shingle_runs_end(&plain.runs, false);
    arena_free(plain.scratch);
}
