/* pii.c - finds where a number, a mail address or an address of the net may begin, and asks the rules. */
#include "text/corpus/pii.h"

#include "base/arena_limit.h"
#include "text/corpus/mail_address.h"
#include "text/corpus/pii_internal.h"
#include "text/unicode/utf8.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *pii_class_name(PiiClass class)
{
    static const char *const names[N_PII] = {"email", "phone", "rrn", "frn", "business", "corporate", "passport", "driver", "card", "account", "ip"};
    return names[class];
}

/* Full-width ASCII, hyphens, dashes and middle dots between digits, blanks. */
static unsigned char plain_of(uint32_t c)
{
    if (c < 0x80)
        return (unsigned char)c;
    if (c >= 0xFF01 && c <= 0xFF5E)
        return (unsigned char)(c - 0xFF01 + '!');
    if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0x30FC || c == 0x3161 || c == 0xFE63)
        return '-';
    if (c == 0xA0 || (c >= 0x2000 && c <= 0x200A) || c == 0x3000)
        return ' ';
    if (c >= 0x0660 && c <= 0x0669)
        return (unsigned char)(c - 0x0660 + '0');
    return c == 0x2024 || c == 0x00B7 || c == 0x30FB ? '.' : 0x80;
}

PlainView plain_view(Arena *arena, const char *text, size_t n_bytes)
{
    PlainView view = {.text = text, .n_text_bytes = n_bytes};
    view.c = arena_alloc_unset(arena, n_bytes + 1);
    view.from = arena_alloc_unset(arena, (n_bytes + 1) * sizeof *view.from);
    const char *end = text + n_bytes;
    for (const char *at = text; at < end;) {
        uint32_t c;
        view.from[view.n] = (uint32_t)(at - text);
        if ((unsigned char)*at < 0x80) {
            view.c[view.n++] = (unsigned char)*at++;
            continue;
        }
        if (utf8_is_middle(at, end)) {  /* nothing there has a plain form */
            view.c[view.n++] = 0x80;
            at += 3;
            continue;
        }
        at += utf8_decode(&c, at, end);
        view.c[view.n++] = plain_of(c);
    }
    view.from[view.n] = (uint32_t)n_bytes;
    view.c[view.n] = '\0';
    return view;
}

bool view_has_cue(const PlainView *view, size_t begin, size_t end, const char *words, size_t n_before, size_t n_after)
{
    size_t from = view->from[begin], to = view->from[end];
    size_t low = from > n_before ? from - n_before : 0, high = to + n_after < view->n_text_bytes ? to + n_after : view->n_text_bytes;
    for (const char *word = words; *word;) {
        size_t n = strcspn(word, "|");
        for (size_t at = low; at + n <= high; at++) {
            if (((view->text[at] ^ word[0]) & ~0x20) != 0)
                continue;
            bool inside = at + n > from && at < to;
            if (!inside && strncasecmp(view->text + at, word, n) == 0)
                return true;
        }
        word += n + (word[n] == '|');
    }
    return false;
}

static bool digit_at(const PlainView *view, size_t i)
{
    return i < view->n && view->c[i] >= '0' && view->c[i] <= '9';
}

/* What stands between two runs: one of - . blank, a parenthesis with or without blank, a hyphen with blanks. Returns its length, 0: none. */
static size_t separator_at(const PlainView *view, size_t i, char *separator)
{
    const unsigned char *c = view->c + i;
    size_t n = 0;
    *separator = 0;
    while (i + n < view->n && n < 3 && (c[n] == '-' || c[n] == '.' || c[n] == ' ' || c[n] == ')' || c[n] == '(')) {
        if (c[n] != ' ' || *separator == 0)
            *separator = *separator && c[n] == ' ' ? *separator : (char)(c[n] == '(' ? ')' : c[n]);
        n++;
    }
    return n > 0 && digit_at(view, i + n) ? n : (*separator = 0, 0);
}

/* Reads the number at character i; the digits behind a decimal point of more than 19 digits are not a number of ours. */
static bool read_number(const PlainView *view, size_t i, NumberRuns *number)
{
    *number = (NumberRuns){.begin = i};
    size_t at = i;
    if (view->c[at] == '+') {
        number->has_plus = true;
        at++;
    }
    if (at < view->n && view->c[at] == '(') {
        number->has_parenthesis = true;
        at++;
    }
    size_t n_digits = 0;
    while (number->n_runs < RUNS_MAX && digit_at(view, at)) {
        size_t begin = at;
        for (; digit_at(view, at); at++) {
            if (at - begin >= RUN_DIGITS_MAX)
                return false;
            number->digits[n_digits++] = (char)view->c[at];
        }
        char separator;
        size_t n = separator_at(view, at, &separator);
        number->runs[number->n_runs].begin = begin;
        number->runs[number->n_runs].end = at;
        number->runs[number->n_runs].n = (int)(at - begin);
        number->runs[number->n_runs++].separator = separator;
        at += n;
        if (n == 0)
            break;
    }
    number->digits[n_digits] = '\0';
    return number->n_runs > 0;
}

typedef struct {
    Arena *arena;
    PiiSpan *spans;
    int n, room;
} SpanList;

static void add_span(SpanList *list, const PlainView *view, PiiClass class, size_t begin, size_t end)
{
    if (list->n == list->room) {
        PiiSpan *old = list->spans;
        list->room = 2 * list->room + 16;
        list->spans = ARENA_ARRAY(list->arena, PiiSpan, list->room);
        if (list->n > 0)
            memcpy(list->spans, old, (size_t)list->n * sizeof *old);
    }
    list->spans[list->n++] = (PiiSpan){class, view->from[begin], view->from[end]};
}

static size_t find_email(SpanList *list, const PlainView *view, size_t at, size_t done)
{
    size_t begin, end;
    if (!mail_address_find(view->c, view->n, done, at, &begin, &end))
        return 0;
    add_span(list, view, PII_EMAIL, begin, end);
    return end;
}

/* M12345678, M123A4567 and like: a letter out of M S R O D that no letter or digit stands before. */
static size_t find_passport(SpanList *list, const PlainView *view, size_t i)
{
    size_t n = 0, n_digits = 0;
    while (n < 12 && i + 1 + n < view->n && isalnum(view->c[i + 1 + n]))
        n_digits += digit_at(view, i + 1 + n) != 0, n++;
    if (n != 8)
        return 0;
    bool is_new = n_digits == 7 && isupper(view->c[i + 4]);
    bool is_old = n_digits == 8 && view_has_cue(view, i, i + 9, "여권|assport", 40, 12);
    if (!is_new && !is_old)
        return 0;
    add_span(list, view, PII_PASSPORT, i, i + 9);
    return i + 9;
}

/* Groups of hex digits with colons; inet_pton has the last word. A time (12:30:45) has neither eight groups nor "::". */
static size_t find_ip6(SpanList *list, const PlainView *view, size_t i)
{
    char text[48];
    size_t n = 0, n_first = 0;
    int n_colons = 0;
    bool has_double = false;
    while (n_first <= 4 && i + n_first < view->n && isxdigit(view->c[i + n_first]))
        n_first++;
    if (n_first > 4 || i + n_first >= view->n || view->c[i + n_first] != ':')
        return 0;  /* most words that begin with a to f */
    while (i + n < view->n && n < sizeof text - 1 && (isxdigit(view->c[i + n]) || view->c[i + n] == ':')) {
        n_colons += view->c[i + n] == ':';
        has_double = has_double || (n > 0 && view->c[i + n] == ':' && view->c[i + n - 1] == ':');
        text[n] = (char)view->c[i + n];
        n++;
    }
    while (n > 1 && text[n - 1] == ':' && text[n - 2] != ':')
        n--, n_colons--;
    text[n] = '\0';
    unsigned char address[16];
    if (n < 6 || n_colons < 2 || (n_colons != 7 && !(has_double && n_colons >= 3)) || inet_pton(AF_INET6, text, address) != 1)
        return 0;
    add_span(list, view, PII_IP, i, i + n);
    return i + n;
}

/* A number that begins at i. Returns the character to go on with. */
static size_t find_number(SpanList *list, const PlainView *view, size_t i)
{
    NumberRuns number;
    size_t end;
    if (!read_number(view, i, &number)) {
        while (digit_at(view, i))
            i++;
        return i + 1;
    }
    PiiClass class = pii_classify(view, &number, &end);
    if (class != N_PII) {
        bool open = number.has_plus || (number.has_parenthesis && number.runs[0].separator == ')');
        add_span(list, view, class, open ? number.begin : number.runs[0].begin, end);
        return end;
    }
    return number.runs[0].end;  /* the next run may begin a number of its own */
}

/* Can a value, or what tells of one, begin with this character? */
static bool may_begin(unsigned char c)
{
    static const bool begins[256] = {['@'] = true, [':'] = true, ['+'] = true, ['('] = true, ['0' ... '9'] = true, ['a' ... 'f'] = true,
                                     ['A' ... 'F'] = true, ['M'] = true, ['S'] = true, ['R'] = true, ['O'] = true};
    return begins[c];
}

enum { LOOKS_A_CHECK = 4096 };

PiiSpans pii_find(Arena *arena, const char *text, size_t n_bytes)
{
    PlainView view = plain_view(arena, text, n_bytes);
    SpanList list = {.arena = arena};
    size_t done = 0;  /* characters before this belong to spans found */
    int n_looks = 0;
    for (size_t i = 0; i < view.n;) {
        if (!may_begin(view.c[i])) {
            i++;
            continue;
        }
        if (++n_looks % LOOKS_A_CHECK == 0 && arena_is_spent(arena))
            break;
        unsigned char c = view.c[i], before = i > 0 ? view.c[i - 1] : ' ';
        size_t next = 0;
        bool joined = isalnum(before) || before == '_';
        if (c == '@') {
            if (list.n > 0 && i > 0) {  /* digits of the local part may have passed as a number */
                size_t local = i;
                while (local > 0 && mail_is_local_char(view.c[local - 1]))
                    local--;
                while (list.n > 0 && list.spans[list.n - 1].begin >= view.from[local])
                    list.n--;
                done = list.n > 0 && list.spans[list.n - 1].end >= view.from[local] ? done : local;
            }
            next = find_email(&list, &view, i, done);
        } else if ((isxdigit(c) || c == ':') && !joined && before != ':') {
            next = find_ip6(&list, &view, i);
        }
        if (!next && !joined && strchr("MSROD", c) && c)
            next = find_passport(&list, &view, i);
        bool opens = c == '+' || c == '(' || (c >= '0' && c <= '9');
        bool after_point = before == '.' && i > 1 && digit_at(&view, i - 2);
        if (!next && opens && !joined && !after_point) {
            bool leads = (c >= '0' && c <= '9') || digit_at(&view, i + 1) || (c == '+' && i + 2 < view.n && view.c[i + 1] == '(' && digit_at(&view, i + 2));
            if (leads) {
                next = find_number(&list, &view, i);
                done = list.n > 0 && list.spans[list.n - 1].end == view.from[next < view.n ? next : view.n] ? next : done;
                i = next;
                continue;
            }
        }
        if (next)
            done = next;
        i = next ? next : i + 1;
    }
    return (PiiSpans){list.spans, list.n};
}
