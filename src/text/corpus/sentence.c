/* sentence.c - the rules of sentence.h, one candidate place at a time. */
#include "text/corpus/sentence.h"

#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <stdint.h>
#include <string.h>

typedef struct {
    const char *text, *end;
    size_t begin;  /* of the sentence being read */
    bool korean;
} Reading;

static bool is_among(uint32_t c, const uint32_t *set, int n)
{
    for (int i = 0; i < n; i++)
        if (set[i] == c)
            return true;
    return false;
}
#define AMONG(c, ...) is_among(c, (const uint32_t[]){__VA_ARGS__}, (int)(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)))

/* Ends wherever it stands: scripts that write no blank behind it. */
static bool is_wide_stop(uint32_t c)
{
    return AMONG(c, 0x3002, 0xFF01, 0xFF1F, 0xFF0E, 0xFF61);
}

static bool is_stop(uint32_t c)
{
    if (c < 0x80)
        return c == '.' || c == '!' || c == '?';
    return is_wide_stop(c) || AMONG(c, 0x2026, 0x203C, 0x2047, 0x2048, 0x2049, 0x061F, 0x06D4, 0x0964, 0x0965, 0x0589, 0x1362, 0x104B, 0x17D4);
}

static bool is_closer(uint32_t c)
{
    if (c < 0x80)
        return c == '"' || c == '\'' || c == ')' || c == ']' || c == '*';
    return AMONG(c, 0x201D, 0x2019, 0x300D, 0x300F, 0x300B, 0x3009, 0x3011, 0xFF09, 0x00BB);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

static bool is_break(const char *at)
{
    return *at == '\n' || *at == '\f';
}

/* The last eojeol of [text + begin, at): where it begins. */
static const char *word_before(const Reading *r, const char *at)
{
    const char *word = at;
    while (word > r->text + r->begin && !is_blank(word[-1]))
        word--;
    return word;
}

static bool is_lower(uint32_t c)
{
    return c < 0x80 ? c >= 'a' && c <= 'z' : c < 0x530 && char_is_letter(c) && char_lower(c) == c && c != 0xDF;
}

static bool is_capital(uint32_t c)
{
    return c < 0x80 ? c >= 'A' && c <= 'Z' : char_lower(c) != c;
}

/* "Dr", "e.g", "J", "U.S": without their last full stop. */
static bool is_abbreviation(const char *word, size_t n)
{
    static const char *const known[] = {
        "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Sr", "Jr", "vs", "etc", "e.g", "i.e", "cf", "al", "No", "Nos", "Fig", "Figs", "Eq", "Vol", "pp", "Inc", "Ltd", "Co",
        "Corp", "Gen", "Col", "Lt", "Sgt", "Capt", "Rev", "Hon", "Gov", "Sen", "Rep", "Pres", "Ave", "Blvd", "Rd", "Mt", "Ft", "approx", "Jan", "Feb", "Mar", "Apr",
        "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec", "a.m", "p.m", "Ph.D", "ca", "bzw", "z.B", "d.h", "usw", "Nr", "Hr", "Fr", "Mme", "Mlle", "Sra",
        "ed", "eds", "ch", "sec", "est", "dept", "univ", "ibid", "op",
    };
    while (n > 0 && (word[0] == '(' || word[0] == '"' || word[0] == '\'' || word[0] == '['))
        word++, n--;
    uint32_t c = 0;
    if (n > 0 && (size_t)utf8_decode(&c, word, word + n) == n && is_capital(c))
        return true;
    if (n >= 3 && n <= 7 && word[1] == '.') {  /* U.S, J.R.R */
        bool initials = true;
        for (size_t i = 0; i < n; i++)
            initials = initials && (i % 2 ? word[i] == '.' : word[i] >= 'A' && word[i] <= 'Z');
        if (initials)
            return true;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i]) == n && strncasecmp(known[i], word, n) == 0)
            return true;
    return false;
}

static bool is_list_number(const Reading *r, const char *word, size_t n)
{
    if (n == 0 || n > 3 || word != r->text + r->begin)
        return false;
    for (size_t i = 0; i < n; i++)
        if (word[i] < '0' || word[i] > '9')
            return false;
    return true;
}

static uint32_t char_at(const char *at, const char *end)
{
    uint32_t c = ' ';
    if (at < end)
        utf8_decode(&c, at, end);
    return c;
}

/* Is a quote still open that this sentence opened? */
static bool in_quote(const Reading *r, const char *until)
{
    int n_straight = 0, n_open = 0;
    for (const char *at = r->text + r->begin; at < until; at++) {
        uint32_t c;
        n_straight += *at == '"';
        if (*at != '\xE2' && *at != '\xE3')  /* no other byte begins a bracket or a curly quote */
            continue;
        utf8_decode(&c, at, until);
        n_open += (c == 0x201C || c == 0x300C || c == 0x300E) - (c == 0x201D || c == 0x300D || c == 0x300F);
    }
    return n_straight % 2 == 1 || n_open > 0;
}

/* Korean. */

static bool ends_in(const char *begin, const char *end, const char *const *endings, int n)
{
    for (int i = 0; i < n; i++) {
        size_t m = strlen(endings[i]);
        if ((size_t)(end - begin) >= m && memcmp(end - m, endings[i], m) == 0)
            return true;
    }
    return false;
}

#define ENDS_IN(begin, end, ...) \
    ends_in(begin, end, (const char *const[]){__VA_ARGS__}, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)))

static bool is_korean_final(const char *word, const char *end)
{
    while (end > word && (end[-1] == '~' || end[-1] == ';' || end[-1] == '^'))
        end--;
    if (end - word < 6 || !ENDS_IN(word, end, "다", "요", "여", "까", "음", "됨", "오", "죠", "줘", "때", "야", "려"))
        return false;
    if (ENDS_IN(word, end, "요", "여"))  /* polite; but nouns end so too, and -여 is also a link */
        return ENDS_IN(word, end, "네여", "세여", "어여", "아여", "해여") ||
               (ENDS_IN(word, end, "요") && !ENDS_IN(word, end, "필요", "중요", "주요", "수요", "개요", "소요", "강요", "동요", "가요", "민요", "긴요", "이요"));
    return ENDS_IN(word, end, "니다", "습니까", "입니까", "합니까", "됩니까", "었다", "았다", "였다", "했다", "됐다", "갔다", "왔다", "봤다", "줬다", "렸다", "졌다", "겠다", "셨다", "한다", "된다", "이다", "많다", "쉽다",
                   "었음", "했음", "있음", "없음", "였음", "졌음", "않음", "좋음", "됨", "십시오", "하시오", "으시오", "주시오", "죠", "보여줘", "알려줘", "찾아줘", "추천해줘", "어때", "얼마야", "걸려");
}

/* Words that lean on the ending before them: quotation, "but", "and". */
static bool leans(const char *at, const char *end)
{
    static const char *const words[] = {"고", "라고", "라는", "는", "며", "면서", "있", "하고", "하며", "하는", "하면", "하지", "하더", "해도", "해서", "했", "할", "만 ", "지만", "싶", "보니", "보면", "치면"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t m = strlen(words[i]);
        if ((size_t)(end - at) >= m && memcmp(at, words[i], m) == 0)
            return true;
    }
    return false;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* Does a sentence end before the blank at `at`, with no stop written? */
static bool ends_unwritten(const Reading *r, const char *at)
{
    if (!r->korean)
        return false;
    const char *word = word_before(r, at), *next = skip_blanks(at, r->end);
    return is_korean_final(word, at) && !leans(next, r->end) && !in_quote(r, at);
}

/* Does a sentence end with the stops [stop, after), closers included up to `behind`? */
static bool ends_at_stop(const Reading *r, const char *stop, const char *after, const char *behind, uint32_t last)
{
    bool wide = is_wide_stop(last), one_dot = *stop == '.' && after - stop == 1;
    if (behind < r->end && !is_blank(*behind) && !(wide && !in_quote(r, behind)))
        return false;
    const char *word = word_before(r, stop), *next = skip_blanks(behind, r->end);
    if (in_quote(r, behind))
        return false;
    if (next >= r->end || (behind < r->end && is_break(behind)))
        return true;
    uint32_t c = char_at(next, r->end);
    if (is_lower(c) && (*stop == '.' || char_at(stop, r->end) == 0x2026 || behind > after))
        return false;
    if (one_dot && behind == after && (is_abbreviation(word, (size_t)(stop - word)) || is_list_number(r, word, (size_t)(stop - word))))
        return false;
    return true;
}

static void add(Sentences *sentences, Reading *r, const char *end)
{
    const char *begin = skip_blanks(r->text + r->begin, end);
    while (end > begin && is_blank(end[-1]))
        end--;
    if (end > begin)
        sentences->sentences[sentences->n++] = (Sentence){(size_t)(begin - r->text), (size_t)(end - r->text)};
    r->begin = (size_t)(skip_blanks(end, r->end) - r->text);
}

/* Can a sentence end at a character that begins with this byte? Breaks, stops of all scripts; a blank where Korean endings count. */
static bool may_end(unsigned char c, bool korean)
{
    static const unsigned char ends[256] = {['\n'] = 2, ['\f'] = 2, ['.'] = 2, ['!'] = 2, ['?'] = 2, [0xD6] = 2, [0xD8] = 2, [0xDB] = 2, [0xE0 ... 0xE3] = 2,
                                            [0xEF] = 2, [' '] = 1, ['\t'] = 1, ['\r'] = 1, ['\v'] = 1};
    return ends[c] + korean >= 2;
}

Sentences sentence_split(Arena *arena, const char *text, size_t n_bytes, bool korean)
{
    Reading r = {.text = text, .end = text + n_bytes, .korean = korean};
    Sentences sentences = {.sentences = arena_alloc_unset(arena, (n_bytes / 2 + 2) * sizeof(Sentence))};
    for (const char *at = text; at < r.end;) {
        uint32_t c;
        if (!may_end((unsigned char)*at, korean)) {
            at++;
            continue;
        }
        int step = utf8_decode(&c, at, r.end);
        if (is_break(at) || (is_blank(*at) && ends_unwritten(&r, at))) {
            add(&sentences, &r, at);
            at += step;
            continue;
        }
        if (!is_stop(c)) {
            at += step;
            continue;
        }
        const char *stop = at, *after = at + step;
        uint32_t last = c;
        for (uint32_t next; after < r.end && is_stop(next = char_at(after, r.end)); after += utf8_decode(&next, after, r.end))
            last = next;
        const char *behind = after;
        for (uint32_t next; behind < r.end && is_closer(next = char_at(behind, r.end));)
            behind += utf8_decode(&next, behind, r.end);
        if (ends_at_stop(&r, stop, after, behind, last))
            add(&sentences, &r, behind);
        at = behind;
    }
    add(&sentences, &r, r.end);
    return sentences;
}
