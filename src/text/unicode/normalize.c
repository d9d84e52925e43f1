/* normalize.c - see normalize.h. Text that a cheap look proves normal is returned at once; the rest goes through ICU in UTF-16,
 * one well-formed stretch at a time. */
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"

#include <assert.h>
#include <string.h>
#include <unicode/unorm2.h>

static const UNormalizer2 *icu_of(NormalForm form)
{
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *icu = NULL;
    switch (form) {
    case NORMALIZE_NFC: icu = unorm2_getNFCInstance(&status); break;
    case NORMALIZE_NFD: icu = unorm2_getNFDInstance(&status); break;
    case NORMALIZE_NFKC: icu = unorm2_getNFKCInstance(&status); break;
    case NORMALIZE_NFKD: icu = unorm2_getNFKDInstance(&status); break;
    }
    assert(U_SUCCESS(status));  /* the data is linked into the library */
    return icu;
}

/* Below these bounds nothing changes: U+0300 is the first character that composes backwards, U+00C0 the first that falls apart,
 * U+00A0 the first with a compatibility mapping. Syllables stay in the composing forms as long as no trailing jamo follows, and jamo
 * lie outside the ranges named here. */
static bool is_plainly_normal(NormalForm form, uint32_t c)
{
    switch (form) {
    case NORMALIZE_NFC:
        return c < 0x300 || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3000 && c < 0x302A) ||
               (c >= 0x2010 && c <= 0x2025);
    case NORMALIZE_NFKC:
        return c < 0xA0 || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3001 && c < 0x302A);
    case NORMALIZE_NFD:
        return c < 0xC0 || (c >= 0x4E00 && c <= 0x9FFF);
    case NORMALIZE_NFKD:
        return c < 0xA0 || (c >= 0x4E00 && c <= 0x9FFF);
    }
    return false;
}

/* Bytes at the start of [at, end) that are normal whatever follows them up to the next such character. Ill-formed bytes pass. */
static size_t plain_prefix(NormalForm form, const char *text, size_t n_bytes)
{
    size_t i = 0, last = 0;  /* the last character may compose with what follows: it is not part of the prefix */
    bool composes = form == NORMALIZE_NFC || form == NORMALIZE_NFKC;
    while (i < n_bytes) {
        if ((unsigned char)text[i] < 0x80) {
            last = i++;
            continue;
        }
        if (composes && utf8_is_syllable(text + i, text + n_bytes)) {
            last = i;
            i += 3;
            continue;
        }
        uint32_t c;
        int length = utf8_decode(&c, text + i, text + n_bytes);
        if (c != UTF8_ILL_FORMED && !is_plainly_normal(form, c))
            return last;
        last = i;
        i += (size_t)length;
    }
    return n_bytes;
}

/* Into `units`, room for one a byte. */
static int32_t utf16_of(UChar *units, const char *text, size_t n_bytes)
{
    int32_t n = 0;
    for (size_t i = 0; i < n_bytes;) {
        uint32_t c;
        i += (size_t)utf8_decode_valid(&c, text + i);
        if (c >= 0x10000) {
            units[n++] = (UChar)(0xD7C0 + (c >> 10));
            units[n++] = (UChar)(0xDC00 | (c & 0x3FF));
        } else
            units[n++] = (UChar)c;
    }
    return n;
}

static size_t utf8_of(char *out, const UChar *units, int32_t n_units)
{
    size_t n = 0;
    for (int32_t i = 0; i < n_units; i++) {
        uint32_t c = units[i];
        if (c >= 0xD800 && c < 0xDC00)
            c = 0x10000 + ((c - 0xD800) << 10) + (units[++i] - 0xDC00u);
        n += (size_t)utf8_encode(out + n, c);
    }
    return n;
}

/* A growing output with, optionally, the source offset of each byte. */
typedef struct {
    Arena *arena;
    char *bytes;
    uint32_t *source;
    size_t n, capacity;
    bool mapped;
} Output;

static void output_reserve(Output *out, size_t n_more)
{
    if (out->n + n_more <= out->capacity)
        return;
    size_t capacity = (out->n + n_more) * 2;
    char *bytes = arena_alloc(out->arena, capacity + 1);
    if (out->n)  /* memcpy wants real pointers even for nothing */
        memcpy(bytes, out->bytes, out->n);
    out->bytes = bytes;
    if (out->mapped) {
        uint32_t *source = ARENA_ARRAY(out->arena, uint32_t, capacity + 1);
        if (out->n)
            memcpy(source, out->source, out->n * sizeof *source);
        out->source = source;
    }
    out->capacity = capacity;
}

/* Bytes that did not change: each stands for its own character. */
static void output_copy(Output *out, const char *text, size_t begin, size_t end)
{
    output_reserve(out, end - begin);
    memcpy(out->bytes + out->n, text + begin, end - begin);
    if (out->mapped) {
        size_t start = begin;
        for (size_t i = begin; i < end; i++) {
            if (((unsigned char)text[i] & 0xC0) != 0x80)
                start = i;
            out->source[out->n + i - begin] = (uint32_t)start;
        }
    }
    out->n += end - begin;
}

/* Normalises one group, a stretch between two boundaries of the form. Its bytes all stem from its first character. */
static void output_normalized(Output *out, const UNormalizer2 *icu, const char *text, size_t begin, size_t end)
{
    enum { FEW_BYTES = 32, GROWTH_MAX = 18 };  /* U+FDFA, the longest expansion, gives 18 */
    size_t n_bytes = end - begin, capacity = (n_bytes + 1) * GROWTH_MAX;
    UChar few[FEW_BYTES + (FEW_BYTES + 1) * GROWTH_MAX], *units = few;
    Arena *scratch = n_bytes > FEW_BYTES ? arena_new() : NULL;
    if (scratch)
        units = arena_alloc_unset(scratch, (n_bytes + capacity) * sizeof *units);
    UChar *normal = units + n_bytes;
    UErrorCode status = U_ZERO_ERROR;
    int32_t n_units = utf16_of(units, text + begin, n_bytes), n_normal = unorm2_normalize(icu, units, n_units, normal, (int32_t)capacity, &status);
    assert(U_SUCCESS(status));
    output_reserve(out, (size_t)n_normal * 3);
    size_t n = utf8_of(out->bytes + out->n, normal, n_normal);
    if (out->mapped)
        for (size_t i = 0; i < n; i++)
            out->source[out->n + i] = (uint32_t)begin;
    out->n += n;
    if (scratch)
        arena_free(scratch);
}

/* End of the group that starts at `begin`: the next character before which the form has a boundary. */
static size_t group_end(const UNormalizer2 *icu, const char *text, size_t begin, size_t end)
{
    uint32_t c;
    size_t i = begin + (size_t)utf8_decode_valid(&c, text + begin);
    while (i < end) {
        int length = utf8_decode_valid(&c, text + i);
        if (unorm2_hasBoundaryBefore(icu, (UChar32)c))
            break;
        i += (size_t)length;
    }
    return i;
}

/* NFD of syllables is arithmetic (Unicode 15, section 3.12): two or three jamo. */
static void output_jamo(Output *out, uint32_t syllable)
{
    enum { S_BASE = 0xAC00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11A7, N_VT = 588, N_T = 28, JAMO_BYTES = 3 };
    uint32_t s = syllable - S_BASE, trail = s % N_T;
    output_reserve(out, 3 * JAMO_BYTES);
    out->n += (size_t)utf8_encode(out->bytes + out->n, L_BASE + s / N_VT);
    out->n += (size_t)utf8_encode(out->bytes + out->n, V_BASE + s % N_VT / N_T);
    if (trail)
        out->n += (size_t)utf8_encode(out->bytes + out->n, T_BASE + trail);
}

/* NFD of one well-formed stretch, without a map: syllables and ASCII need no tables and are never reordered, being starters; what lies between goes
 * to ICU. */
static void output_decomposed(Output *out, const UNormalizer2 *icu, const char *text, size_t begin, size_t end)
{
    for (size_t at = begin; at < end;) {
        size_t stop = at;
        uint32_t c;
        while (stop < end && (unsigned char)text[stop] < 0x80)
            stop++;
        output_copy(out, text, at, stop);
        for (at = stop; at < end && utf8_is_syllable(text + at, text + end); at += 3) {
            utf8_decode_valid(&c, text + at);
            output_jamo(out, c);
        }
        stop = at;
        while (stop < end && (unsigned char)text[stop] >= 0x80 && !utf8_is_syllable(text + stop, text + end))
            stop += (size_t)utf8_decode_valid(&c, text + stop);
        if (stop > at)
            output_normalized(out, icu, text, at, stop);
        at = stop;
    }
}

/* One well-formed stretch. Without a map whole stretches go to ICU at once, with one each group does. */
static void output_stretch(Output *out, const UNormalizer2 *icu, const char *text, size_t begin, size_t end)
{
    enum { STRETCH_BYTES = 1 << 16 };
    for (size_t at = begin; at < end;) {
        size_t stop = group_end(icu, text, at, end);
        while (!out->mapped && stop < end && stop - at < STRETCH_BYTES)
            stop = group_end(icu, text, stop, end);
        output_normalized(out, icu, text, at, stop);
        at = stop;
    }
}

static const char *normalize_run(Arena *arena, NormalForm form, const char *text, size_t n_bytes, size_t *n_out_bytes,
                                 uint32_t **source)
{
    size_t plain = plain_prefix(form, text, n_bytes);
    if (plain == n_bytes && !source) {
        *n_out_bytes = n_bytes;
        return text;
    }
    const UNormalizer2 *icu = icu_of(form);
    Output out = {.arena = arena, .mapped = source != NULL};
    output_reserve(&out, n_bytes + 1);
    output_copy(&out, text, 0, plain);
    for (size_t at = plain; at < n_bytes;) {
        size_t good = utf8_valid_prefix(text + at, n_bytes - at);
        if (form == NORMALIZE_NFD && !source)
            output_decomposed(&out, icu, text, at, at + good);
        else
            output_stretch(&out, icu, text, at, at + good);
        at += good;
        if (at < n_bytes) {
            uint32_t c;
            size_t bad = (size_t)utf8_decode(&c, text + at, text + n_bytes);
            output_copy(&out, text, at, at + bad);
            at += bad;
        }
    }
    *n_out_bytes = out.n;
    out.bytes[out.n] = '\0';
    if (source) {
        out.source[out.n] = (uint32_t)n_bytes;
        *source = out.source;
    }
    return out.n == n_bytes && memcmp(out.bytes, text, n_bytes) == 0 ? text : out.bytes;
}

const char *normalize(Arena *arena, NormalForm form, const char *text, size_t n_bytes, size_t *n_out_bytes)
{
    return normalize_run(arena, form, text, n_bytes, n_out_bytes, NULL);
}

const char *normalize_mapped(Arena *arena, NormalForm form, const char *text, size_t n_bytes, size_t *n_out_bytes,
                             uint32_t **source)
{
    return normalize_run(arena, form, text, n_bytes, n_out_bytes, source);
}

bool normalize_is_inert(NormalForm form, uint32_t c)
{
    return unorm2_isInert(icu_of(form), (UChar32)c);
}

bool normalize_is(NormalForm form, const char *text, size_t n_bytes)
{
    Arena *arena = arena_new();
    size_t n;
    bool is = normalize(arena, form, text, n_bytes, &n) == text;
    arena_free(arena);
    return is;
}
