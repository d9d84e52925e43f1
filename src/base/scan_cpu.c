/* scan_cpu.c - 32 bytes a step where the CPU has registers for them, else byte by byte.
 *
 * Whether bytes are UTF-8 shows in pairs (Keiser & Lemire 2021, arXiv:2010.03090, section 6): of two neighbours, the high half of the first, its
 * low half and the high half of the second each allow a set of faults; a fault that all three allow is one. What is left is that the third and
 * fourth byte of a character, and no others, follow a continuation with a continuation. */
#include "base/scan.h"

#include "base/wtf8.h"

#include <stdint.h>
#include <string.h>

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static size_t json_plain_tail(const char *bytes, size_t i, size_t n_bytes)
{
    while (i < n_bytes && is_plain(bytes[i]))
        i++;
    return i;
}

/* Counts of up to 255 in bytes of their own, which vectors can add. */
size_t KERNEL(scan_count_chars)(const char *bytes, size_t n_bytes)
{
    enum { LANES = 32, ROUNDS = 255 };
    size_t n = 0, i = 0;
    while (n_bytes - i >= LANES) {
        uint8_t counts[LANES] = {0};
        for (int round = 0; round < ROUNDS && n_bytes - i >= LANES; round++, i += LANES)
            for (int lane = 0; lane < LANES; lane++)
                counts[lane] = (uint8_t)(counts[lane] + ((signed char)bytes[i + (size_t)lane] > (signed char)0xBF));
        for (int lane = 0; lane < LANES; lane++)
            n += counts[lane];
    }
    for (; i < n_bytes; i++)
        n += (signed char)bytes[i] > (signed char)0xBF;
    return n;
}

static uint64_t spaces_tail(const char *bytes, size_t n_bytes, bool lines)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        char c = bytes[i];
        mask |= (uint64_t)(c == ' ' || (lines && (c == '\n' || c == '\t' || c == '\r'))) << i;
    }
    return mask;
}

static bool holds_three_tail(const char *bytes, size_t i, size_t n_bytes, const char three[3])
{
    for (; i + 3 <= n_bytes; i++)
        if (memcmp(bytes + i, three, 3) == 0)
            return true;
    return false;
}

/* The places of 64 bytes at which a word begins or ends; *inside: the byte before is of a word, and then the last one. Eight places are written at a
 * time, needed or not: how many there are is hard to foretell. */
static uint32_t *put_edges(uint32_t *edges, uint64_t spaces, uint64_t *inside, uint32_t at)
{
    uint64_t words = ~spaces, left = words ^ (words << 1 | *inside);
    *inside = words >> 63;
    uint32_t *end = edges + __builtin_popcountll(left);
    for (; left; edges += SCAN_EDGES_ROOM)
        for (int i = 0; i < SCAN_EDGES_ROOM; i++, left &= left - 1)
            edges[i] = at + (uint32_t)__builtin_ctzll(left | (uint64_t)1 << 63);
    return end;
}

#if defined __AVX2__
#include <immintrin.h>

/* Of 32 bytes. The low half of a byte names the one white space with it; 0xFF matches none. */
static uint32_t spaces_of(const char *bytes, __m256i named)
{
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_shuffle_epi8(named, x)));
}

void KERNEL(scan_spaces)(const char *bytes, size_t n_bytes, bool lines, uint64_t *masks)
{
    const char tab = lines ? '\t' : (char)0xFF, feed = lines ? '\n' : (char)0xFF, carriage = lines ? '\r' : (char)0xFF, none = (char)0xFF;
    const __m256i named = _mm256_broadcastsi128_si256(_mm_setr_epi8(' ', none, none, none, none, none, none, none, none, tab, feed, none, none, carriage,
                                                                    none, none));
    size_t i = 0;
    for (; i + 64 <= n_bytes; i += 64)
        *masks++ = spaces_of(bytes + i, named) | (uint64_t)spaces_of(bytes + i + 32, named) << 32;
    if (i < n_bytes)
        *masks = spaces_tail(bytes + i, n_bytes - i, lines);
}

bool KERNEL(scan_holds_three)(const char *bytes, size_t n_bytes, const char three[3])
{
    const __m256i first = _mm256_set1_epi8(three[0]), second = _mm256_set1_epi8(three[1]), third = _mm256_set1_epi8(three[2]);
    size_t i = 0;
    for (; i + 34 <= n_bytes; i += 32) {
        __m256i a = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(bytes + i)), first);
        __m256i b = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(bytes + i + 1)), second);
        __m256i c = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(bytes + i + 2)), third);
        if (_mm256_movemask_epi8(_mm256_and_si256(_mm256_and_si256(a, b), c)))
            return true;
    }
    return holds_three_tail(bytes, i, n_bytes, three);
}

size_t KERNEL(scan_json_plain)(const char *bytes, size_t n_bytes)
{
    const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\'), last_control = _mm256_set1_epi8(0x1F);
    size_t i = 0;
    for (; i + 32 <= n_bytes; i += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + i));
        __m256i hits = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(x, quote), _mm256_cmpeq_epi8(x, backslash)),
                                       _mm256_cmpeq_epi8(_mm256_min_epu8(x, last_control), x));
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(hits);
        if (mask)
            return i + (size_t)__builtin_ctz(mask);
    }
    return json_plain_tail(bytes, i, n_bytes);
}

/* Faults of two neighbours, a bit each. OVERLONG_4 and TOO_LARGE_1000 never meet in the same pair of bytes. */
enum {
    TOO_SHORT = 1, TOO_LONG = 2, OVERLONG_3 = 4, TOO_LARGE = 8, SURROGATE = 16, OVERLONG_2 = 32, OVERLONG_4 = 64, TOO_LARGE_1000 = 64, TWO_CONTINUED = 128,
    ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTINUED, HIGH_LOW = ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
    CONTINUED = TOO_LONG | OVERLONG_2 | TWO_CONTINUED,
};

#define TABLE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                                                                     \
    _mm256_setr_epi8((char)(a), (char)(b), (char)(c), (char)(d), (char)(e), (char)(f), (char)(g), (char)(h), (char)(i), (char)(j), (char)(k),   \
                     (char)(l), (char)(m), (char)(n), (char)(o), (char)(p), (char)(a), (char)(b), (char)(c), (char)(d), (char)(e), (char)(f), \
                     (char)(g), (char)(h), (char)(i), (char)(j), (char)(k), (char)(l), (char)(m), (char)(n), (char)(o), (char)(p))

static __m256i high_halves(__m256i x)
{
    return _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(15));
}

static __m256i pair_faults(__m256i now, __m256i before)
{
    const __m256i first_high = TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TWO_CONTINUED, TWO_CONTINUED,
                                     TWO_CONTINUED, TWO_CONTINUED, TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
                                     TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
    const __m256i first_low = TABLE(ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, ANY_LOW | OVERLONG_2, ANY_LOW, ANY_LOW, ANY_LOW | TOO_LARGE,
                                    HIGH_LOW, HIGH_LOW, HIGH_LOW, HIGH_LOW, HIGH_LOW, HIGH_LOW, HIGH_LOW, HIGH_LOW, HIGH_LOW | SURROGATE, HIGH_LOW, HIGH_LOW);
    const __m256i second_high = TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
                                      CONTINUED | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4, CONTINUED | OVERLONG_3 | TOO_LARGE,
                                      CONTINUED | SURROGATE | TOO_LARGE, CONTINUED | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
    __m256i low = _mm256_and_si256(before, _mm256_set1_epi8(15));
    return _mm256_and_si256(_mm256_and_si256(_mm256_shuffle_epi8(first_high, high_halves(before)), _mm256_shuffle_epi8(first_low, low)),
                            _mm256_shuffle_epi8(second_high, high_halves(now)));
}

/* Not zero where 32 bytes, read after those in `last`, are ill-formed. */
static __m256i block_faults(__m256i now, __m256i last)
{
    __m256i joint = _mm256_permute2x128_si256(last, now, 0x21);
    __m256i back_1 = _mm256_alignr_epi8(now, joint, 15), back_2 = _mm256_alignr_epi8(now, joint, 14), back_3 = _mm256_alignr_epi8(now, joint, 13);
    __m256i third = _mm256_subs_epu8(back_2, _mm256_set1_epi8(0xE0 - 0x80)), fourth = _mm256_subs_epu8(back_3, _mm256_set1_epi8(0xF0 - 0x80));
    __m256i must_continue = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must_continue, pair_faults(now, back_1));
}

bool KERNEL(scan_is_utf8)(const char *bytes, size_t n_bytes)
{
    __m256i last = _mm256_setzero_si256(), faults = last;
    bool after_ascii = true;  /* nothing is begun that the next block must end */
    size_t i = 0;
    for (; i + 32 <= n_bytes; i += 32) {
        __m256i now = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + i));
        bool ascii = _mm256_movemask_epi8(now) == 0;
        if (!ascii || !after_ascii)
            faults = _mm256_or_si256(faults, block_faults(now, last));
        after_ascii = ascii;
        last = now;
    }
    char tail[32] = {0};  /* its zeros end what the text leaves open */
    if (i < n_bytes)
        memcpy(tail, bytes + i, n_bytes - i);
    faults = _mm256_or_si256(faults, block_faults(_mm256_loadu_si256((const __m256i *)(const void *)tail), last));
    return _mm256_testz_si256(faults, faults);
}

#else

void KERNEL(scan_spaces)(const char *bytes, size_t n_bytes, bool lines, uint64_t *masks)
{
    for (size_t i = 0; i < n_bytes; i += 64)
        *masks++ = spaces_tail(bytes + i, n_bytes - i < 64 ? n_bytes - i : 64, lines);
}

bool KERNEL(scan_holds_three)(const char *bytes, size_t n_bytes, const char three[3])
{
    return holds_three_tail(bytes, 0, n_bytes, three);
}

size_t KERNEL(scan_json_plain)(const char *bytes, size_t n_bytes)
{
    return json_plain_tail(bytes, 0, n_bytes);
}

bool KERNEL(scan_is_utf8)(const char *bytes, size_t n_bytes)
{
    const unsigned char *p = (const unsigned char *)bytes;
    for (size_t i = 0; i < n_bytes;) {
        uint64_t eight;
        if (n_bytes - i >= sizeof eight && (memcpy(&eight, p + i, sizeof eight), eight & 0x8080808080808080u) == 0) {
            i += sizeof eight;
            continue;
        }
        int length = wtf8_length(p + i, n_bytes - i);
        if (length < 0 || wtf8_is_surrogate(p + i, length))
            return false;
        i += (size_t)length;
    }
    return true;
}

#endif

size_t KERNEL(scan_word_edges)(const char *bytes, size_t n_bytes, bool lines, uint32_t *edges)
{
    enum { MASKS = 64 };
    uint64_t masks[MASKS], inside = 0;
    uint32_t *at = edges;
    for (size_t i = 0; i < n_bytes; i += MASKS * 64) {
        size_t n = n_bytes - i < MASKS * 64 ? n_bytes - i : MASKS * 64;
        KERNEL(scan_spaces)(bytes + i, n, lines, masks);
        if (n % 64)
            masks[n / 64] |= UINT64_MAX << n % 64;  /* no word goes on behind the text */
        for (size_t k = 0; k * 64 < n; k++)
            at = put_edges(at, masks[k], &inside, (uint32_t)(i + k * 64));
    }
    if (inside)
        *at++ = (uint32_t)n_bytes;
    return (size_t)(at - edges);
}
