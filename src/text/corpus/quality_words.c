/* quality_words.c - one walk over the characters finds the words and all that is asked of them. */
#include "text/corpus/quality_internal.h"

#include "base/arena_limit.h"
#include "text/corpus/hash.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <string.h>

/* What a character makes of its word. */
enum { HAS_LETTER = 1, HAS_MORE_THAN_SYMBOLS = 2, ENDS_WORD = 4 };

static int kind_of_ascii(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return HAS_LETTER | HAS_MORE_THAN_SYMBOLS;
    if (c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31))
        return ENDS_WORD;
    return (c >= '0' && c <= '9') || c == '$' || c == '\\' ? HAS_MORE_THAN_SYMBOLS : 0;
}

static int kind_of(uint32_t c)
{
    if (char_is_space(c))
        return ENDS_WORD;
    bool letter = c != UTF8_ILL_FORMED && char_is_word(c) && !char_is_number(c) && !char_is_mark(c);
    return (letter ? HAS_LETTER : 0) | (char_is_punctuation(c) ? 0 : HAS_MORE_THAN_SYMBOLS);
}

static uint64_t read_8(const unsigned char *at)
{
    uint64_t x;
    memcpy(&x, at, sizeof x);
    return x;
}

static uint64_t read_4(const unsigned char *at)
{
    uint32_t x;
    memcpy(&x, at, sizeof x);
    return x;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Words are short: two reads that overlap, one product. */
static uint64_t word_hash(const unsigned char *word, size_t n)
{
    uint64_t a, b;
    if (n > 16)
        return hash64(word, n, 0);
    if (n >= 8)
        a = read_8(word), b = read_8(word + n - 8);
    else if (n >= 4)
        a = read_4(word), b = read_4(word + n - 4);
    else
        a = (uint64_t)word[0] << 16 | (uint64_t)word[n / 2] << 8 | word[n - 1], b = 0;
    return fold(a ^ 0x9E3779B97F4A7C15u, b ^ (0xE7037ED1A0B428DBu + n * 0x8EBC6AF09C88C6E3u));
}

static uint32_t stop_word_en(const unsigned char *word, size_t n)
{
    static const char *const stop[] = {"the", "be", "to", "of", "and", "that", "have", "with"};
    static const size_t n_stop[] = {3, 2, 2, 2, 3, 4, 4, 4};
    if (n < 2 || n > 4)
        return 0;
    for (int i = 0; i < 8; i++)
        if (n == n_stop[i] && word[0] == (unsigned char)stop[i][0] && memcmp(word, stop[i], n) == 0)
            return 1u << i;
    return 0;
}

/* Particles and endings stand at the end of an eojeol, whose last syllable is `c`; before it stand `n` bytes. */
static uint32_t stop_word_ko(uint32_t c, const unsigned char *word, size_t n)
{
    switch (c) {
    case 0xC758: return 1u << 0;   /* 의 */
    case 0xB2E4: return 1u << 1;   /* 다 */
    case 0xC774: return 1u << 2;   /* 이 */
    case 0xB294: return 1u << 3;   /* 는 */
    case 0xC5D0: return 1u << 4;   /* 에 */
    case 0xC744: return 1u << 5;   /* 을 */
    case 0xD55C: return 1u << 6;   /* 한 */
    case 0xB144: return 1u << 7;   /* 년 */
    case 0xD558: return 1u << 8;   /* 하 */
    case 0xC740: return 1u << 9;   /* 은 */
    case 0xB97C: return 1u << 10;  /* 를 */
    case 0xD588: return 1u << 11;  /* 했 */
    case 0xACE0: return 1u << 12;  /* 고 */
    case 0xC11C: return n >= 3 && memcmp(word + n - 3, "에", 3) == 0 ? 1u << 13 : 0;  /* 에서 */
    case 0xAC00: return 1u << 14;  /* 가 */
    case 0xC788: return 1u << 15;  /* 있 */
    case 0xC778: return 1u << 16;  /* 인 */
    case 0xC6D4: return 1u << 17;  /* 월 */
    case 0xB85C: return 1u << 18 | (n >= 3 && memcmp(word + n - 3, "으", 3) == 0 ? 1u << 19 : 0);  /* 로, 으로 */
    case 0xB418: return 1u << 20;  /* 되 */
    default: return 0;
    }
}

static void add_word(QualityWords *words, const unsigned char *word, size_t n, uint32_t n_chars, int kinds)
{
    words->hash[words->n] = word_hash(word, n);
    words->n_chars[words->n++] = n_chars;
    words->n_with_letter += (kinds & HAS_LETTER) != 0;
    if (kinds & HAS_MORE_THAN_SYMBOLS) {
        words->n_plain++;
        words->n_plain_chars += n_chars;
    }
    words->stop_words_en |= stop_word_en(word, n);
    if (n >= 3 && utf8_is_syllable((const char *)word + n - 3, (const char *)word + n)) {
        uint32_t c;
        utf8_decode_valid(&c, (const char *)word + n - 3);
        words->stop_words_ko |= stop_word_ko(c, word, n - 3);
    }
}

/* No more words than bytes that a blank can begin with, and one: White_Space beyond ASCII begins with C2, E1, E2 or E3. */
static size_t n_words_max(const char *text, size_t n_bytes)
{
    size_t n = 1;
    for (size_t i = 0; i < n_bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        n += (c <= ' ') | (c == 0xC2) | (c == 0xE1) | (c == 0xE2) | (c == 0xE3);
    }
    return n;
}

/* The end of the word that begins at `at`, which is no white space. */
static const unsigned char *word_end(const uint8_t *kinds_ascii, const unsigned char *at, const unsigned char *end, uint32_t *n_chars, int *kinds)
{
    *n_chars = 0;
    *kinds = 0;
    while (at < end) {
        int kind, step = 1;
        if (*at < 0x80) {
            kind = kinds_ascii[*at];
        } else if (utf8_is_syllable((const char *)at, (const char *)end)) {
            kind = HAS_LETTER | HAS_MORE_THAN_SYMBOLS;
            step = 3;
        } else {
            uint32_t c;
            step = utf8_decode(&c, (const char *)at, (const char *)end);
            kind = kind_of(c);
        }
        if (kind == ENDS_WORD)
            break;
        *kinds |= kind;
        ++*n_chars;
        at += step;
    }
    return at;
}

enum { LOOKS_A_CHECK = 1 << 14 };

QualityWords quality_words(Arena *arena, const char *text, size_t n_bytes)
{
    size_t n_max = n_words_max(text, n_bytes);
    QualityWords words = {.hash = arena_alloc_unset(arena, n_max * sizeof(uint64_t)), .n_chars = arena_alloc_unset(arena, n_max * sizeof(uint32_t))};
    uint8_t kinds_ascii[0x80];
    for (int c = 0; c < 0x80; c++)
        kinds_ascii[c] = (uint8_t)kind_of_ascii((unsigned char)c);
    const unsigned char *at = (const unsigned char *)text, *end = at + n_bytes;
    for (int64_t n_looks = 1; at < end && (n_looks % LOOKS_A_CHECK != 0 || !arena_is_spent(arena)); n_looks++) {
        uint32_t n_chars, c;
        int kinds;
        const unsigned char *begin = at;
        at = word_end(kinds_ascii, begin, end, &n_chars, &kinds);
        if (at > begin)
            add_word(&words, begin, (size_t)(at - begin), n_chars, kinds);
        if (at < end)
            at += *at < 0x80 ? 1 : utf8_decode(&c, (const char *)at, (const char *)end);
    }
    return words;
}
