/* split_scan.c - the published split patterns as scanners: one look at each character, no back-tracking.
 *
 * A pattern is an ordered list of alternatives; at each place the first that matches wins. What the scanners use is that the
 * alternatives begin with disjoint characters but for an optional prefix, and that the runs are greedy, so the place where a run
 * would have to give characters back can be named beforehand (see scan_space and scan_cased_word). */
#include "text/unicode/split_internal.h"

#include "text/unicode/char_run.h"
#include "text/unicode/split_window.h"

enum { CHAR_END = 128, NOT_OTHER = CHAR_ANY_LETTER | CHAR_NUMBER | CHAR_SPACE | CHAR_END };

typedef struct {
    const CharClasses *table;
    const uint8_t *ascii;  /* the classes of the first 128 */
    const char *text;
    size_t n;
    SplitWindow (*look)(const char *text, bool cased);
    SplitWindow window;  /* of the text from `base` on */
    size_t base;
    const SplitPlain *plain;
    int n_hard;  /* pieces in a row that were not easy; below 0: such pieces to wait */
} Scan;

/* The class of a character that is not ASCII. */
static inline uint8_t class_of_wide(const Scan *s, size_t at, size_t *next)
{
    if (is_syllable(s->text + at, s->n - at)) {
        *next = at + SYLLABLE_BYTES;
        return CHAR_LETTER;
    }
    if (at + 1 == s->n || ((unsigned char)s->text[at + 1] & 0xC0) != 0x80 || (unsigned char)s->text[at] < 0xC2) {  /* begins no character */
        *next = at + 1;
        return 0;
    }
    uint32_t c;
    *next = at + (size_t)utf8_decode_quick(&c, s->text + at, s->text + s->n);
    return char_class(s->table, c);
}

/* The class of the character at `at`, CHAR_END past the text. */
static inline uint8_t class_at(const Scan *s, size_t at, size_t *next)
{
    if (at >= s->n) {
        *next = at;
        return CHAR_END;
    }
    unsigned char first = (unsigned char)s->text[at];
    if (first < 0x80) {
        *next = at + 1;
        return s->ascii[first];
    }
    return class_of_wide(s, at, next);
}

/* End of the run of characters that have a class in `mask`. */
static inline size_t run_of(const Scan *s, size_t at, uint8_t mask)
{
    size_t next;
    while (class_at(s, at, &next) & mask)
        at = next;
    return at;
}

/* The same for all letters: words are what most text is made of. */
static inline size_t run_of_letters(const Scan *s, size_t at)
{
    for (;;) {
        at = ascii_letters_end(s->text, at, s->n);
        at = syllables_end(s->text, at, s->n);
        size_t next;
        if (!(class_at(s, at, &next) & CHAR_ANY_LETTER))
            return at;
        at = next;
    }
}

/* End of the run of [^\s\p{L}\p{N}]. */
static inline size_t run_of_others(const Scan *s, size_t at)
{
    size_t next;
    while (!(class_at(s, at, &next) & NOT_OTHER))
        at = next;
    return at;
}

static inline size_t digits(const Scan *s, size_t at, int n_max)
{
    size_t next;
    for (int i = 0; i < n_max && class_at(s, at, &next) & CHAR_NUMBER; i++)
        at = next;
    return at;
}

/* Bytes of 's 't 're 've 'm 'll 'd at `at`, 0 when there is none. Without case, U+017F (long s) is an s as well. */
static size_t contraction(const Scan *s, size_t at, bool any_case)
{
    if (at + 1 >= s->n || s->text[at] != '\'')
        return 0;
    unsigned char a = (unsigned char)s->text[at + 1];
    if (any_case && a == 0xC5 && at + 2 < s->n && (unsigned char)s->text[at + 2] == 0xBF)
        return 3;
    unsigned char b = at + 2 < s->n ? (unsigned char)s->text[at + 2] : 0;
    if (any_case) {
        a |= a >= 'A' && a <= 'Z' ? 0x20 : 0;
        b |= b >= 'A' && b <= 'Z' ? 0x20 : 0;
    }
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return 2;
    return (a == 'l' && b == 'l') || ((a == 'v' || a == 'r') && b == 'e') ? 3 : 0;
}

/* \s*[\r\n]+ | \s+(?!\S) | \s+ from a white-space character. The first ends behind the last newline of the run; the second leaves the
 * last space to the word that follows, unless it is the only one or the text ends. */
typedef enum { SPACE_PLAIN, SPACE_NEWLINE_FIRST, SPACE_END_FIRST } SpaceRule;
static size_t scan_space(const Scan *s, size_t at, SpaceRule rule)
{
    size_t end = at, last = at, after_newline = 0, next;
    for (uint8_t c; (c = class_at(s, end, &next)) & CHAR_SPACE; end = next) {
        last = end;
        if (c & CHAR_NEWLINE)
            after_newline = next;
    }
    if (rule == SPACE_END_FIRST && end == s->n)
        return end;
    if (rule != SPACE_PLAIN && after_newline)
        return after_newline;
    return end < s->n && last > at ? last : end;
}

/*  's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+  */
static size_t scan_gpt2(const Scan *s, size_t at)
{
    size_t n = contraction(s, at, false);
    if (n)
        return at + n;
    size_t next, start = s->text[at] == ' ' ? at + 1 : at;
    uint8_t c = class_at(s, start, &next);
    if (c & CHAR_ANY_LETTER)
        return run_of_letters(s, next);
    if (c & CHAR_NUMBER)
        return run_of(s, next, CHAR_NUMBER);
    if (!(c & NOT_OTHER))
        return run_of_others(s, next);
    return scan_space(s, at, SPACE_PLAIN);
}

/*  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * Llama 3 has n = 3, Qwen 1; cl100k differs in white space only. */
static size_t scan_cl100k(const Scan *s, size_t at, int n_digits, SpaceRule rule)
{
    size_t n = contraction(s, at, true);
    if (n)
        return at + n;
    size_t next, after;
    uint8_t c = class_at(s, at, &next);
    if (c & CHAR_ANY_LETTER)
        return run_of_letters(s, next);
    if (c & CHAR_NUMBER)
        return digits(s, at, n_digits);
    if (!(c & CHAR_NEWLINE) && class_at(s, next, &after) & CHAR_ANY_LETTER)
        return run_of_letters(s, after);
    size_t start = s->text[at] == ' ' ? next : at;
    if (!(class_at(s, start, &after) & NOT_OTHER))
        return run_of(s, run_of_others(s, after), CHAR_NEWLINE);
    return scan_space(s, at, rule);
}

/* [U]*[D]+ and, failing that, [U]+[D]*, where U = Lu Lt Lm Lo M, D = Ll Lm Lo M: upper case, then lower case, caseless letters being
 * both. The greedy U-run must leave a character to D+: if none of D follows it, it gives back all behind its last caseless character.
 * Returns `at` when neither matches. */
static size_t scan_cased_word(const Scan *s, size_t at)
{
    enum { BOTH = CHAR_LETTER | CHAR_MARK, U = CHAR_UPPER | BOTH, D = CHAR_LOWER | BOTH };
    size_t end = at, after_caseless = 0, next;
    uint8_t c;
    for (; (c = class_at(s, end, &next)) & U; end = next)
        if (c & BOTH)
            after_caseless = next;
    if (c & D)
        return run_of(s, next, D);
    return after_caseless ? after_caseless : end;
}

/*  [^\r\n\p{L}\p{N}]?[U]*[D]+(?i:'s|...)?|[^\r\n\p{L}\p{N}]?[U]+[D]*(?i:'s|...)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*
 *  |\s*[\r\n]+|\s+(?!\S)|\s+
 * A mark is both a possible prefix and a member of the word. As a prefix it is tried first, and for the first alternative only: a word
 * that begins with a mark always satisfies that one. */
static size_t scan_o200k(const Scan *s, size_t at)
{
    size_t next, after;
    uint8_t c = class_at(s, at, &next);
    if (c & CHAR_NUMBER)
        return digits(s, at, 3);
    size_t end = at;
    if (c & CHAR_ANY_LETTER) {
        end = scan_cased_word(s, at);
    } else if (!(c & CHAR_NEWLINE)) {
        end = scan_cased_word(s, next);
        if (end == next)
            end = at;
        if (c & CHAR_MARK) {
            /* with the mark as prefix only [U]*[D]+ counts before the mark itself opens the word */
            bool has_lower = end > at && run_of(s, next, CHAR_UPPER) != end;
            if (!has_lower)
                end = scan_cased_word(s, at);
        }
    }
    if (end > at)
        return end + contraction(s, end, true);
    size_t start = s->text[at] == ' ' ? next : at;
    if (!(class_at(s, start, &after) & NOT_OTHER)) {
        for (end = run_of_others(s, after); end < s->n; end++)
            if (s->text[end] != '\r' && s->text[end] != '\n' && s->text[end] != '/')
                break;
        return end;
    }
    return scan_space(s, at, SPACE_NEWLINE_FIRST);
}

/* Most pieces are a space, or none, and letters that need no table: their end is the first bit that is not set. Every pattern agrees on those, whatever
 * ends them but the others of the window. 0: not such a piece, or not to be told here. */
static inline size_t scan_easy_word(Scan *s, size_t at, bool cased)
{
    enum { ROOM_WANTED = 28, LAST = SPLIT_WINDOW_BYTES - 1, CHAR_BYTES = 3 };
    bool is_fresh = false;
    for (;;) {
        size_t offset = at - s->base, first = offset + (s->text[at] == ' ');
        if (offset > LAST - ROOM_WANTED) {
            if (at + SPLIT_WINDOW_BYTES > s->n)
                return 0;
            s->base = at;
            s->window = s->look(s->text + at, cased);
            is_fresh = true;
            continue;
        }
        uint64_t behind = ~(s->window.letters >> first);
        size_t length = behind ? (size_t)__builtin_ctzll(behind) : LAST, end = first + length;
        if (length == 0)
            return 0;
        if (end < LAST - CHAR_BYTES + 1)
            return s->window.others >> end & 1 ? 0 : s->base + end;
        if (is_fresh)
            return 0;
        s->base = at - LAST;  /* the window ends too early for this word */
    }
}

/* Where pieces are not easy one after another, the table of split_plain.h cuts the next ones, as far as it can. Texts in which it cannot, or whose pieces
 * are as long as words, are asked again only now and then; one long word is not for it. Returns how many it cut. */
static inline int scan_plain(Scan *s, size_t at, size_t *ends, int n_max)
{
    enum { HARD_ONES_WANTED = 4, PATIENCE = 64, WORD_BYTES = 4, BYTES_AT_ONCE = 256 };
    if (++s->n_hard < HARD_ONES_WANTED || s->n - at < BYTES_AT_ONCE + 1 || n_max < SPLIT_PLAIN_ENDS)
        return 0;
    int n = split_plain(s->plain, s->text, s->n, at, at + BYTES_AT_ONCE, ends, n_max);
    if (n == 0 || ends[n - 1] - at >= (size_t)n * WORD_BYTES)
        s->n_hard = -PATIENCE;
    return n;
}

/* One loop a pattern, so that each scanner is compiled into its own. */
#define SCAN_ALL(cased, scan_one)                               \
    do {                                                        \
        for (size_t end; at < n_bytes && n < n_max;) {          \
            if ((end = scan_easy_word(s, at, cased))) {         \
                s->n_hard = s->n_hard < 0 ? s->n_hard : 0;      \
                ends[n++] = at = end;                           \
                continue;                                       \
            }                                                   \
            int n_plain = scan_plain(s, at, ends + n, n_max - n); \
            n += n_plain;                                       \
            if (n_plain > 0)                                    \
                at = ends[n - 1];                               \
            if (n < n_max)                                      \
                ends[n++] = at = (scan_one);                    \
        }                                                       \
    } while (0)

int split_scan(SplitKind kind, const CharClasses *table, const SplitPlain *plain, const char *text, size_t n_bytes, size_t at, size_t *ends, int n_max, int *n_hard)
{
    Scan scan = {table, table->classes ? table->classes + table->block[0] * CHAR_CLASS_BLOCK : NULL, text, n_bytes, KERNEL_PICK(split_window), {0, 0},
                 at - SPLIT_WINDOW_BYTES, plain, *n_hard},
         *s = &scan;
    int n = 0;
    switch (kind) {
    case SPLIT_GPT2: SCAN_ALL(false, scan_gpt2(s, at)); break;
    case SPLIT_CL100K: SCAN_ALL(false, scan_cl100k(s, at, 3, SPACE_END_FIRST)); break;
    case SPLIT_LLAMA3: SCAN_ALL(false, scan_cl100k(s, at, 3, SPACE_NEWLINE_FIRST)); break;
    case SPLIT_QWEN: SCAN_ALL(false, scan_cl100k(s, at, 1, SPACE_NEWLINE_FIRST)); break;
    case SPLIT_O200K: SCAN_ALL(true, scan_o200k(s, at)); break;
    case SPLIT_NONE:
    case SPLIT_REGEX:
        if (at < n_bytes && n_max > 0)
            ends[n++] = n_bytes;
        break;
    }
    *n_hard = scan.n_hard;
    return n;
}
