/* c4.c - C4's rules, line by line. */
#include "text/corpus/c4.h"

#include "text/corpus/sentence.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <string.h>

const char *c4_line_name(C4Line why)
{
    static const char *const names[N_C4_LINES] = {"word_chars", "line_end", "line_words", "javascript", "policy"};
    return names[why];
}

C4Options c4_options_default(void)
{
    return (C4Options){.word_chars_max = 1000, .line_words_min = 3, .sentences_min = 5, .line_end = true, .lorem_ipsum = true, .javascript = true,
                       .braces = true, .policy = true, .citations = true, .paragraph_chars = 200};
}

typedef struct {
    const char *text;
    size_t n_bytes;
} Line;

static bool is_space(uint32_t c)
{
    return c < 0x80 ? c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31) : char_is_space(c);
}

/* The character at `at` in one step where it is ASCII or a syllable, as most are. Well-formed text. */
static int step(bool *space, const char *at, const char *end)
{
    uint32_t c = (unsigned char)*at;
    *space = false;
    if (c < 0x80) {
        *space = c <= ' ' && is_space(c);
        return 1;
    }
    if (utf8_is_syllable(at, end))
        return 3;
    int n = utf8_decode(&c, at, end);
    *space = is_space(c);
    return n;
}

static Line trimmed(Line line)
{
    const char *at = line.text, *end = line.text + line.n_bytes;
    bool space = true;
    while (at < end && space) {
        int n = step(&space, at, end);
        at += space ? n : 0;
    }
    for (space = true; at < end && space;) {
        const char *before = end - 1;
        while (before > at && ((unsigned char)*before & 0xC0) == 0x80)
            before--;
        step(&space, before, end);
        end = space ? before : end;
    }
    return (Line){at, (size_t)(end - at)};
}

/* Words between white space, and the characters of the longest. */
static int64_t count_words(Line line, int64_t *longest)
{
    int64_t n = 0, n_chars = 0;
    *longest = 0;
    for (const char *at = line.text, *end = line.text + line.n_bytes; at < end;) {
        bool space;
        at += step(&space, at, end);
        n += n_chars == 0 && !space;
        n_chars = space ? 0 : n_chars + 1;
        *longest = n_chars > *longest ? n_chars : *longest;
    }
    return n;
}

static size_t citation_at(const char *at, const char *end)
{
    static const char *const notes[] = {"[edit]", "[citation needed]"};
    for (int i = 0; i < 2; i++)
        if ((size_t)(end - at) >= strlen(notes[i]) && memcmp(at, notes[i], strlen(notes[i])) == 0)
            return strlen(notes[i]);
    const char *digit = at + 1;
    while (digit < end && *digit >= '0' && *digit <= '9')
        digit++;
    return digit < end && *digit == ']' ? (size_t)(digit + 1 - at) : 0;
}

static Line without_citations(Arena *arena, Line line)
{
    if (!memchr(line.text, '[', line.n_bytes))
        return line;
    char *out = arena_alloc(arena, line.n_bytes + 1);
    size_t n = 0;
    for (const char *at = line.text, *end = line.text + line.n_bytes; at < end;) {
        size_t skip = *at == '[' ? citation_at(at, end) : 0;
        if (skip == 0)
            out[n++] = *at++;
        at += skip;
    }
    return (Line){out, n};
}

/* What a line may say, in letters of either case. */
enum { SAYS_LOREM_IPSUM = 1, SAYS_JAVASCRIPT = 2, SAYS_POLICY = 0xFC };

#define EITHER_CASE(letter, phrases) [letter] = (phrases), [(letter) - 32] = (phrases)

/* The phrases of a line, a bit each. Their first three letters are looked up for all of them at once. */
static unsigned line_says(Line line)
{
    static const char *const phrases[8] = {"lorem ipsum", "javascript", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"};
    static const unsigned char first[256] = {EITHER_CASE('l', 1), EITHER_CASE('j', 2), EITHER_CASE('t', 4), EITHER_CASE('p', 8), EITHER_CASE('c', 16), EITHER_CASE('u', 0xE0)};
    static const unsigned char second[256] = {EITHER_CASE('o', 1 | 16), EITHER_CASE('a', 2), EITHER_CASE('e', 4), EITHER_CASE('r', 8), EITHER_CASE('s', 0xE0)};
    static const unsigned char third[256] = {EITHER_CASE('r', 1 | 4), EITHER_CASE('v', 2), EITHER_CASE('i', 8), EITHER_CASE('o', 16), EITHER_CASE('e', 0xE0)};
    const unsigned char *text = (const unsigned char *)line.text;
    unsigned found = 0;
    for (size_t i = 0; i + 10 <= line.n_bytes; i++) {  /* "javascript" is the shortest */
        unsigned maybe = first[text[i]] & second[text[i + 1]] & third[text[i + 2]];
        for (int k = 0; maybe; k++, maybe >>= 1)
            if ((maybe & 1) && i + strlen(phrases[k]) <= line.n_bytes && strncasecmp(line.text + i, phrases[k], strlen(phrases[k])) == 0)
                found |= 1u << k;
    }
    return found;
}

static bool is_ended(Line line)
{
    if (line.n_bytes == 0 || !strchr(".?!\"'", line.text[line.n_bytes - 1]))
        return false;
    return line.n_bytes < 3 || memcmp(line.text + line.n_bytes - 3, "...", 3) != 0;
}

/* Why the line goes, N_C4_LINES if it stays; or the page goes and result->drop_rule says why. */
static C4Line judge_line(C4Result *result, const C4Options *o, Arena *arena, Line *line)
{
    int64_t longest, n_words = count_words(*line, &longest);
    if (longest > o->word_chars_max)
        return C4_LINE_WORD_CHARS;
    if (o->citations)
        *line = without_citations(arena, *line);
    if (o->line_end && !is_ended(*line))
        return C4_LINE_END;
    if (n_words < o->line_words_min)
        return C4_LINE_WORDS;
    unsigned says = line_says(*line);
    if (o->lorem_ipsum && (says & SAYS_LOREM_IPSUM))
        result->drop_rule = "c4.lorem_ipsum", result->drop_value = 1;
    else if (o->javascript && (says & SAYS_JAVASCRIPT))
        return C4_LINE_JAVASCRIPT;
    else if (o->braces && memchr(line->text, '{', line->n_bytes))
        result->drop_rule = "c4.braces", result->drop_value = 1;
    else if (o->policy && (says & SAYS_POLICY))
        return C4_LINE_POLICY;
    return N_C4_LINES;
}

/* Of the page as it came: are there paragraphs_min lines of paragraph_chars characters? */
static int64_t count_paragraphs(const C4Options *o, const char *text, size_t n_bytes)
{
    int64_t n = 0;
    for (size_t at = 0; at <= n_bytes;) {
        const char *newline = memchr(text + at, '\n', n_bytes - at);
        size_t end = newline ? (size_t)(newline - text) : n_bytes;
        n += end - at >= (size_t)o->paragraph_chars && utf8_count(text + at, end - at) >= o->paragraph_chars;
        at = end + 1;
    }
    return n;
}

C4Result c4_clean(Arena *arena, const C4Options *options, const char *text, size_t n_bytes)
{
    C4Result result = {.n_lines = 0};
    char *out = arena_alloc(arena, n_bytes + 2);
    for (size_t at = 0; at < n_bytes && !result.drop_rule;) {
        size_t end = at;
        while (end < n_bytes && (unsigned char)(text[end] - '\n') > '\r' - '\n')  /* \n, \v, \f, \r */
            end++;
        Line line = trimmed((Line){text + at, end - at});
        at = end + 1 + (end + 1 < n_bytes && text[end] == '\r' && text[end + 1] == '\n');
        C4Line why = judge_line(&result, options, arena, &line);
        result.n_lines++;
        if (why < N_C4_LINES) {
            result.n_removed[why]++;
            continue;
        }
        result.n_sentences += sentence_split(arena, line.text, line.n_bytes, false).n;
        memcpy(out + result.n_bytes, line.text, line.n_bytes);
        result.n_bytes += line.n_bytes;
        out[result.n_bytes++] = '\n';
    }
    if (!result.drop_rule && result.n_sentences < options->sentences_min)
        result.drop_rule = "c4.sentences", result.drop_value = (double)result.n_sentences;
    int64_t n_paragraphs = options->paragraphs_min > 0 && !result.drop_rule ? count_paragraphs(options, text, n_bytes) : options->paragraphs_min;
    if (n_paragraphs < options->paragraphs_min)
        result.drop_rule = "mc4.paragraphs", result.drop_value = (double)n_paragraphs;
    Line all = trimmed((Line){out, result.n_bytes});
    result.text = all.text;
    result.n_bytes = all.n_bytes;
    return result;
}
