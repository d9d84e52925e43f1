/* patterns.c - one walk over the bytes; a digit, a colon, a w or an @ begins a look around. */
#include "text/corpus/patterns.h"

#include "base/arena_limit.h"
#include "text/corpus/mail_address.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

const char *pattern_name(PatternClass class)
{
    static const char *const names[N_PATTERNS] = {"number", "url", "email"};
    return names[class];
}

typedef struct {
    Arena *arena;
    const unsigned char *c;
    size_t n;
    Patterns found;
    int64_t room;
} Walk;

static bool is_digit(const Walk *w, size_t i)
{
    return i < w->n && w->c[i] >= '0' && w->c[i] <= '9';
}

static bool is_name_char(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || c == '_');
}

/* Spans that reach into this one turn out to be parts of it. */
static void add_span(Walk *w, PatternClass class, size_t begin, size_t end)
{
    Patterns *f = &w->found;
    while (f->n > 0 && f->spans[f->n - 1].end > begin)
        f->n--;
    if (f->n == w->room) {
        PatternSpan *old = f->spans;
        w->room = 2 * w->room + 64;
        f->spans = ARENA_ARRAY(w->arena, PatternSpan, w->room);
        if (f->n > 0)
            memcpy(f->spans, old, (size_t)f->n * sizeof *old);
    }
    f->spans[f->n++] = (PatternSpan){class, begin, end};
}

/* Where the last span ends: nothing begins before it. */
static size_t low_of(const Walk *w)
{
    return w->found.n > 0 ? w->found.spans[w->found.n - 1].end : 0;
}

static size_t skip_digits(const Walk *w, size_t i)
{
    while (is_digit(w, i))
        i++;
    return i;
}

/* Groups of three behind commas, parts behind points, an exponent, a per cent sign. */
static size_t number_end(const Walk *w, size_t begin)
{
    size_t at = skip_digits(w, begin);
    if (at - begin <= 3)
        while (at + 3 < w->n && w->c[at] == ',' && skip_digits(w, at + 1) == at + 4)
            at += 4;
    while (at + 1 < w->n && w->c[at] == '.' && is_digit(w, at + 1))
        at = skip_digits(w, at + 1);
    if (at + 1 < w->n && (w->c[at] == 'e' || w->c[at] == 'E')) {
        size_t digits = at + 1 + (w->c[at + 1] == '-' || w->c[at + 1] == '+'), end = skip_digits(w, digits);
        if (end > digits && (end == w->n || !is_name_char(w->c[end])))
            at = end;
    }
    return at + (at < w->n && w->c[at] == '%');
}

static size_t find_number(Walk *w, size_t i)
{
    if (i > 0 && is_name_char(w->c[i - 1])) {
        while (i < w->n && is_name_char(w->c[i]))
            i++;
        return i;
    }
    if (w->c[i] == '0' && i + 1 < w->n && (w->c[i + 1] | 0x20) == 'x')
        return i + 2;
    bool has_sign = i > 0 && (w->c[i - 1] == '-' || w->c[i - 1] == '+') && (i == 1 || w->c[i - 2] <= ' ' || w->c[i - 2] == '(') && low_of(w) < i;
    size_t end = number_end(w, i);
    add_span(w, PATTERN_NUMBER, i - has_sign, end);
    return end;
}

static bool is_url_char(unsigned char c)
{
    return c > ' ' && c < 0x7F && !strchr("<>\"{}|\\^`", c);
}

/* Marks at the end belong to the sentence; a closing parenthesis stays where it was opened inside. */
static size_t url_end(const Walk *w, size_t begin)
{
    size_t end = begin;
    int depth = 0;
    for (; end < w->n && is_url_char(w->c[end]); end++)
        depth += (w->c[end] == '(') - (w->c[end] == ')');
    while (end > begin && strchr(".,;:!?'])*_~", w->c[end - 1]) && !(w->c[end - 1] == ')' && depth >= 0)) {
        depth += w->c[end - 1] == ')';
        end--;
    }
    return end;
}

static bool ends_in(const Walk *w, size_t low, size_t end, const char *word)
{
    size_t n = strlen(word);
    if (end - low < n || (end - low > n && is_name_char(w->c[end - n - 1])))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((w->c[end - n + i] | 0x20) != (unsigned char)word[i])
            return false;
    return true;
}

/* At the colon of "://": is a known scheme before it? */
static size_t find_scheme_url(Walk *w, size_t colon)
{
    static const char *const schemes[] = {"https", "http", "ftps", "ftp", "sftp", "wss", "ws", "git", "ssh", "file"};
    for (size_t k = 0; k < sizeof schemes / sizeof schemes[0]; k++) {
        if (!ends_in(w, low_of(w), colon, schemes[k]))
            continue;
        size_t end = url_end(w, colon + 3);
        if (end == colon + 3)
            return 0;
        add_span(w, PATTERN_URL, colon - strlen(schemes[k]), end);
        return end;
    }
    return 0;
}

static size_t find_www_url(Walk *w, size_t i)
{
    if (i > 0 && is_name_char(w->c[i - 1]))
        return 0;
    size_t end = url_end(w, i), n_dots = 0;
    for (size_t k = i; k < end; k++)
        n_dots += w->c[k] == '.';
    if (n_dots < 2 || !is_name_char(w->c[i + 4]))
        return 0;
    add_span(w, PATTERN_URL, i, end);
    return end;
}

static size_t find_email(Walk *w, size_t at)
{
    size_t begin, end;
    size_t low = at;  /* a number before may be the local part: then its span goes */
    while (low > 0 && at - low < 64 && mail_is_local_char(w->c[low - 1]))
        low--;
    const PatternSpan *last = w->found.n > 0 ? &w->found.spans[w->found.n - 1] : NULL;
    if (last && last->class != PATTERN_NUMBER && low < last->end)
        low = last->end;
    if (!mail_address_find(w->c, w->n, low, at, &begin, &end))
        return 0;
    add_span(w, PATTERN_EMAIL, begin, end);
    return end;
}

static size_t look_at(Walk *w, size_t i)
{
    unsigned char c = w->c[i];
    if (c >= '0' && c <= '9')
        return find_number(w, i);
    if (c == '@')
        return find_email(w, i);
    if (c == ':' && i + 3 < w->n && w->c[i + 1] == '/' && w->c[i + 2] == '/')
        return find_scheme_url(w, i);
    if ((c | 0x20) == 'w' && i + 4 < w->n && (w->c[i + 1] | 0x20) == 'w' && (w->c[i + 2] | 0x20) == 'w' && w->c[i + 3] == '.')
        return find_www_url(w, i);
    return 0;
}

enum { LOOKS_A_CHECK = 1 << 16 };

Patterns patterns_find(Arena *arena, const char *text, size_t n_bytes)
{
    bool starts[256] = {['@'] = true, [':'] = true, ['w'] = true, ['W'] = true};
    for (int c = '0'; c <= '9'; c++)
        starts[c] = true;
    int n_looks = 0;
    Walk w = {.arena = arena, .c = (const unsigned char *)text, .n = n_bytes};
    for (size_t i = 0; i < n_bytes;) {
        if (!starts[w.c[i]]) {
            i++;
            continue;
        }
        if (++n_looks % LOOKS_A_CHECK == 0 && arena_is_spent(arena))
            break;
        size_t next = look_at(&w, i);
        i = next > i ? next : i + 1;
    }
    for (int64_t k = 0; k < w.found.n; k++) {
        w.found.n_of[w.found.spans[k].class]++;
        w.found.n_bytes += w.found.spans[k].end - w.found.spans[k].begin;
    }
    return w.found;
}
