/* sentence.c - the rules of sentence.h, asked only at the places that sentence_cpu.c finds. */
#include "text/corpus/sentence.h"

#include "base/arena_limit.h"
#include "text/corpus/sentence_internal.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <stdint.h>
#include <string.h>

typedef struct {
    Arena *arena;
    const char *text, *end;
    size_t begin;  /* of the sentence being read */
    bool korean;
    int n_straight, n_open;  /* quotes that stand in the sentence so far: straight ones, and openers less closers */
    Sentences sentences;
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

/* Is a word of n letters among `words`, which are as long, in small letters and one behind another? */
static bool is_known(const char *words, const char *word, size_t n)
{
    for (; *words; words += n) {
        size_t i = 0;
        while (i < n && words[i] == (word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i]))
            i++;
        if (i == n)
            return true;
    }
    return false;
}

/* "Dr", "e.g", "J", "U.S": without their last full stop. */
static bool is_abbreviation(const char *word, size_t n)
{
    static const char *const known[] = {
        [2] = "mrmsdrstsrjrvscfalnoeqppcoltrdmtftcanrhrfredchop",
        [3] = "mrsetce.gi.enosfigvolincltdgencolsgtrevhongovsenrepavejanfebmaraprjunjulaugsepoctnovdeca.mp.mbzwz.bd.huswmmesraedssecest",
        [4] = "proffigscorpcaptpresblvdseptph.dmlledeptunivibid",
        [6] = "approx",
    };
    while (n > 0 && (word[0] == '(' || word[0] == '"' || word[0] == '\'' || word[0] == '['))
        word++, n--;
    uint32_t c = 0;
    if (n > 0 && n <= UTF8_BYTES_MAX && (size_t)utf8_decode(&c, word, word + n) == n && is_capital(c))
        return true;
    if (n >= 3 && n <= 7 && word[1] == '.') {  /* U.S, J.R.R */
        bool initials = true;
        for (size_t i = 0; i < n; i++)
            initials = initials && (i % 2 ? word[i] == '.' : word[i] >= 'A' && word[i] <= 'Z');
        if (initials)
            return true;
    }
    return n < sizeof known / sizeof known[0] && known[n] && is_known(known[n], word, n);
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

static void count_quote(Reading *r, uint32_t c)
{
    r->n_straight += c == '"';
    r->n_open += (c == 0x201C || c == 0x300C || c == 0x300E) - (c == 0x201D || c == 0x300D || c == 0x300F);
}

/* Is a quote still open that this sentence opened? */
static bool in_quote(const Reading *r)
{
    return r->n_straight % 2 == 1 || r->n_open > 0;
}

/* Korean. */

#define ENDS(text) ((size_t)(end - word) >= sizeof text - 1 && memcmp(end - (sizeof text - 1), text, sizeof text - 1) == 0)

/* Does a word that ends in one of the syllables of may_be_final end a sentence? */
static bool is_korean_final(const char *word, const char *end)
{
    if (end - word < 6)
        return false;
    if (ENDS("다"))
        return ENDS("니다") || ENDS("었다") || ENDS("았다") || ENDS("였다") || ENDS("했다") || ENDS("됐다") || ENDS("갔다") || ENDS("왔다") || ENDS("봤다") ||
               ENDS("줬다") || ENDS("렸다") || ENDS("졌다") || ENDS("겠다") || ENDS("셨다") || ENDS("한다") || ENDS("된다") || ENDS("이다") || ENDS("많다") || ENDS("쉽다");
    if (ENDS("요"))  /* polite; but nouns end so too, and -여 is also a link */
        return !ENDS("필요") && !ENDS("중요") && !ENDS("주요") && !ENDS("수요") && !ENDS("개요") && !ENDS("소요") && !ENDS("강요") && !ENDS("동요") && !ENDS("가요") &&
               !ENDS("민요") && !ENDS("긴요") && !ENDS("이요");
    if (ENDS("여"))
        return ENDS("네여") || ENDS("세여") || ENDS("어여") || ENDS("아여") || ENDS("해여");
    if (ENDS("음"))
        return ENDS("었음") || ENDS("했음") || ENDS("있음") || ENDS("없음") || ENDS("였음") || ENDS("졌음") || ENDS("않음") || ENDS("좋음");
    return ENDS("습니까") || ENDS("입니까") || ENDS("합니까") || ENDS("됩니까") || ENDS("됨") || ENDS("십시오") || ENDS("하시오") || ENDS("으시오") || ENDS("주시오") ||
           ENDS("죠") || ENDS("보여줘") || ENDS("알려줘") || ENDS("찾아줘") || ENDS("추천해줘") || ENDS("어때") || ENDS("얼마야") || ENDS("걸려");
}

/* Most words do not: their last syllable tells. */
static bool may_be_final(const char *end)
{
    const unsigned char *b = (const unsigned char *)end - 3;
    switch ((uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2]) {
    case 0xEB8BA4: case 0xEC9A94: case 0xEC97AC: case 0xEAB98C: case 0xEC9D8C: case 0xEB90A8:  /* 다 요 여 까 음 됨 */
    case 0xEC98A4: case 0xECA3A0: case 0xECA498: case 0xEB958C: case 0xEC95BC: case 0xEBA0A4:  /* 오 죠 줘 때 야 려 */
        return true;
    default:
        return false;
    }
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
    const char *begin = r->text + r->begin, *end = at;
    while (end > begin && (end[-1] == '~' || end[-1] == ';' || end[-1] == '^'))
        end--;
    if (!r->korean || end - begin < 6 || !may_be_final(end))
        return false;
    return is_korean_final(word_before(r, end), end) && !leans(skip_blanks(at, r->end), r->end) && !in_quote(r);
}

/* Does a sentence end with the stops [stop, after), closers included up to `behind`? */
static bool ends_at_stop(const Reading *r, const char *stop, const char *after, const char *behind, uint32_t last)
{
    bool wide = is_wide_stop(last), one_dot = *stop == '.' && after - stop == 1;
    if (behind < r->end && !is_blank(*behind) && !(wide && !in_quote(r)))
        return false;
    if (in_quote(r))
        return false;
    const char *next = skip_blanks(behind, r->end);
    if (next >= r->end || (behind < r->end && is_break(behind)))
        return true;
    uint32_t c = char_at(next, r->end);
    if (is_lower(c) && (*stop == '.' || char_at(stop, r->end) == 0x2026 || behind > after))
        return false;
    if (!one_dot || behind > after)
        return true;
    const char *word = word_before(r, stop);
    return !is_abbreviation(word, (size_t)(stop - word)) && !is_list_number(r, word, (size_t)(stop - word));
}

void sentences_add(Sentences *s, Arena *arena, Sentence one)
{
    if (s->n == s->room) {
        s->room = 2 * s->room + 64;
        Sentence *more = arena_alloc_unset(arena, (size_t)s->room * sizeof *more);
        if (s->n > 0)
            memcpy(more, s->sentences, (size_t)s->n * sizeof *more);
        s->sentences = more;
    }
    s->sentences[s->n++] = one;
}

static void add(Reading *r, const char *end)
{
    const char *begin = skip_blanks(r->text + r->begin, end);
    while (end > begin && is_blank(end[-1]))
        end--;
    if (end > begin)
        sentences_add(&r->sentences, r->arena, (Sentence){(size_t)(begin - r->text), (size_t)(end - r->text)});
    r->begin = (size_t)(skip_blanks(end, r->end) - r->text);
    r->n_straight = r->n_open = 0;
}

/* Stops in a row and what closes behind them. Where to read on. */
static const char *take_stop(Reading *r, const char *stop, const char *after, uint32_t last)
{
    uint32_t next;
    for (; after < r->end && is_stop(next = char_at(after, r->end)); after += utf8_decode(&next, after, r->end))
        last = next;
    const char *behind = after;
    while (behind < r->end && is_closer(next = char_at(behind, r->end))) {
        count_quote(r, next);
        behind += utf8_decode(&next, behind, r->end);
    }
    if (ends_at_stop(r, stop, after, behind, last))
        add(r, behind);
    return behind;
}

/* What stands at a place that the kernel found. Where to read on. */
static const char *take_place(Reading *r, const char *at)
{
    if (is_blank(*at)) {
        if (is_break(at) || ends_unwritten(r, at))
            add(r, at);
        return at + 1;
    }
    uint32_t c = (unsigned char)*at;
    int step = c < 0x80 ? 1 : utf8_decode(&c, at, r->end);
    if (is_stop(c))
        return take_stop(r, at, at + step, c);
    count_quote(r, c);
    return at + step;
}

enum { BYTES_A_CHECK = 1 << 18 };

Sentences sentence_split(Arena *arena, const char *text, size_t n_bytes, bool korean)
{
    Reading r = {.arena = arena, .text = text, .end = text + n_bytes, .korean = korean};
    const char *next = text;
    for (size_t block = 0; block < n_bytes; block += SENTENCE_BLOCK) {
        if (block % BYTES_A_CHECK == 0 && block > 0 && arena_is_spent(arena))
            break;
        size_t n = n_bytes - block < SENTENCE_BLOCK ? n_bytes - block : SENTENCE_BLOCK;
        unsigned char before = block > 0 ? (unsigned char)text[block - 1] : 0;
        for (uint64_t places = KERNEL_PICK(sentence_places)(text + block, n, before, korean); places; places &= places - 1) {
            const char *at = text + block + __builtin_ctzll(places);
            if (at >= next)
                next = take_place(&r, at);
        }
    }
    add(&r, r.end);
    return r.sentences;
}
