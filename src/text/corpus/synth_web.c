/* synth_web.c - what a page is about, its dress, its encoding. */
#include "text/corpus/synth_web.h"

#include "base/philox.h"
#include "text/corpus/synth.h"
#include "text/corpus/synth_pii.h"
#include "text/corpus/synth_web_foreign.h"

#include <errno.h>
#include <iconv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS_PERCENT = 5, COPY_PERCENT = 10, NEAR_PERCENT = 10, FOREIGN_PERCENT = 25, PII_PERCENT = 60 };

/* What a page says, before its dress. */
typedef struct {
    const char *title, *text, *language;
    bool is_links;
    int64_t origin, copy_of, near_of;
} Matter;

static Dice page_dice(uint64_t seed, uint64_t k, const char *what)
{
    return (Dice){.seed = seed, .document = k, .stream = philox_stream(what)};
}

/* The kind of page k: copies are taken from earlier originals only, so that one look back is enough. */
static bool is_original(uint64_t seed, uint64_t k)
{
    Dice dice = page_dice(seed, k, "web.kind");
    return dice_below(&dice, 100) >= LINKS_PERCENT + COPY_PERCENT + NEAR_PERCENT;
}

static int64_t earlier_original(uint64_t seed, uint64_t k, Dice *dice)
{
    for (int turn = 0; k > 0 && turn < 100; turn++) {
        uint64_t back = 1 + (uint64_t)dice_below(dice, k < 200 ? (int)k : 200);
        if (is_original(seed, k - back))
            return (int64_t)(k - back);
    }
    return -1;
}

/* One paragraph a line; empty lines are dropped. */
static const char *as_lines(Arena *arena, const char *text)
{
    char *out = arena_alloc(arena, strlen(text) + 1), *to = out;
    for (const char *at = text; *at; at++)
        if (*at != '\n' || (to > out && to[-1] != '\n'))
            *to++ = *at;
    return out;
}

static Matter original_matter(uint64_t seed, uint64_t k, Arena *arena)
{
    Dice dice = page_dice(seed, k, "web.matter");
    Matter m = {.origin = (int64_t)k, .copy_of = -1, .near_of = -1};
    if (dice_below(&dice, 100) < FOREIGN_PERCENT) {
        m.text = synth_foreign_text(arena, &dice, &m.language, &m.title);
        return m;
    }
    SynthOptions options = {.seed = seed, .languages = dice_chance(&dice, 60) ? SYNTH_KO : SYNTH_EN};
    SynthDocument one = synth_document(&options, 2 * k, arena), two = synth_document(&options, 2 * k + 1, arena);
    m.text = as_lines(arena, arena_printf(arena, "%s\n%s", one.text, two.text));
    m.language = one.language == SYNTH_KO ? "ko" : "en";
    m.title = arena_printf(arena, "%s %" PRIu64, one.language == SYNTH_KO ? "마을 이야기" : "Stories of the village", k);
    return m;
}

static Matter page_matter(uint64_t seed, uint64_t k, Arena *arena)
{
    Dice dice = page_dice(seed, k, "web.kind");
    int throw = dice_below(&dice, 100);
    if (throw < LINKS_PERCENT)
        return (Matter){"Links", "", dice_chance(&dice, 50) ? "ko" : "en", true, (int64_t)k, -1, -1};
    int64_t from = throw < LINKS_PERCENT + COPY_PERCENT + NEAR_PERCENT ? earlier_original(seed, k, &dice) : -1;
    Matter m = original_matter(seed, from >= 0 ? (uint64_t)from : k, arena);
    if (from >= 0 && throw < LINKS_PERCENT + COPY_PERCENT)
        m.copy_of = from;
    else if (from >= 0)
        m.near_of = from;
    return m;
}

/* Personal data belongs to the matter: copies hold the same. */
static void add_pii(WebPage *page, uint64_t seed, const Matter *m, Arena *arena)
{
    Dice dice = page_dice(seed, (uint64_t)m->origin, "web.pii");
    bool english = strcmp(m->language, "en") == 0;
    if (m->is_links || (!english && strcmp(m->language, "ko") != 0) || dice_below(&dice, 100) >= PII_PERCENT)
        return;
    int n = 1 + dice_below(&dice, WEB_PII_MAX);
    for (int i = 0; i < n; i++) {
        PiiClass class = (PiiClass)dice_below(&dice, N_PII);
        const char *value = synth_pii_value(arena, &dice, class);
        page->text = arena_printf(arena, "%s\n%s", page->text, synth_pii_phrase(arena, &dice, class, value, english));
        page->pii[i].class = class;
        page->pii[i].value = value;
    }
    page->n_pii = n;
}

/* Dress. */

static const char *escape(Arena *arena, const char *text)
{
    size_t n = strlen(text);
    char *out = arena_alloc(arena, 6 * n + 1), *to = out;
    for (const char *at = text; *at; at++)
        to += *at == '&' ? sprintf(to, "&amp;") : *at == '<' ? sprintf(to, "&lt;") : *at == '>' ? sprintf(to, "&gt;") : (*to = *at, 1);
    return out;
}

static const char *paragraphs(Arena *arena, const char *text, bool board)
{
    char *out = arena_alloc(arena, 7 * strlen(text) + 16), *to = out;
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "\n");
        const char *line = escape(arena, arena_strndup(arena, at, n));
        to += sprintf(to, board ? "%s<br>\n" : "<p>%s</p>\n", line);
        at += n + (at[n] == '\n');
    }
    return out;
}

typedef struct {
    const char *menu[6], *related, *share, *footer, *advert, *comments;
} Chrome;
static const Chrome korean_chrome = {{"홈", "소식", "이야기", "게시판", "회사 소개", "로그인"}, "관련 글", "공유하기", "모든 권리 보유. 이용약관 개인정보처리방침",
                                     "지금 가입하면 첫 달 무료", "댓글"};
static const Chrome english_chrome = {{"Home", "News", "Stories", "Board", "About us", "Log in"}, "Related", "Share", "All rights reserved. Terms. Privacy.",
                                      "Join now, the first month is free", "Comments"};

static const char *link_list(Arena *arena, Dice *dice, const Chrome *c, const char *class, int n)
{
    const char *out = arena_printf(arena, "<ul class=\"%s\">", class);
    for (int i = 0; i < n; i++)
        out = arena_printf(arena, "%s<li><a href=\"/p%d\">%s %d</a></li>", out, dice_below(dice, 9999), c->menu[dice_below(dice, 6)], i);
    return arena_printf(arena, "%s</ul>\n", out);
}

static const char *page_html(Arena *arena, Dice *dice, const WebPage *page, const char *title, const char *meta)
{
    const Chrome *c = strcmp(page->language, "ko") == 0 ? &korean_chrome : &english_chrome;
    bool board = dice_chance(dice, 25);
    const char *head = arena_printf(arena, "<!DOCTYPE html>\n<html lang=\"%s\"><head>%s<title>%s</title><style>p { margin: 0 }</style>"
                                    "<script>var a = \"<p>not text</p>\";</script></head><body>\n", page->language, meta, escape(arena, title));
    const char *menu = link_list(arena, dice, c, "nav-menu", 6 + dice_below(dice, 20));
    const char *advert = dice_chance(dice, 60) ? arena_printf(arena, "<div class=\"advertisement\"><a href=\"/ad\">%s</a></div>\n", c->advert) : "";
    const char *body = !page->text[0] ? link_list(arena, dice, c, "link-list", 30 + dice_below(dice, 60))
                       : board ? arena_printf(arena, "<div id=\"board\"><div class=\"view_content\">%s</div></div>\n", paragraphs(arena, page->text, true))
                               : arena_printf(arena, "<article>%s</article>\n", paragraphs(arena, page->text, false));
    const char *aside = arena_printf(arena, "<aside class=\"sidebar\"><h3>%s</h3>%s</aside>\n<div class=\"share\"><a href=\"#\">%s</a></div>\n", c->related,
                                     link_list(arena, dice, c, "related", 3 + dice_below(dice, 8)), c->share);
    return arena_printf(arena, "%s<header><nav>%s</nav></header>\n%s<div id=\"wrap\">%s</div>\n%s<footer>© %s</footer>\n</body></html>\n", head, menu, advert,
                        body, aside, c->footer);
}

/* Encodings. */

static const char *charset_of(const char *language, Dice *dice)
{
    if (dice_chance(dice, 55))
        return "utf-8";
    if (strcmp(language, "ko") == 0)
        return "cp949";
    if (strcmp(language, "ja") == 0)
        return "shift_jis";
    return strcmp(language, "zh") == 0 ? "gb18030" : strcmp(language, "ru") == 0 ? "utf-8" : "cp1252";
}

/* NULL: a character that the encoding does not have. */
static const char *encode(Arena *arena, const char *text, const char *charset, size_t *n_bytes)
{
    size_t n_from = strlen(text), n_to = 2 * n_from + 16, room = n_to;
    char *out = arena_alloc(arena, n_to), *to = out, *from = (char *)(uintptr_t)text;
    iconv_t cd = iconv_open(strcmp(charset, "shift_jis") == 0 ? "CP932" : charset, "UTF-8");
    bool fine = cd != (iconv_t)-1 && iconv(cd, &from, &n_from, &to, &n_to) != (size_t)-1;
    if (cd != (iconv_t)-1)
        iconv_close(cd);
    *n_bytes = room - n_to;
    return fine ? out : NULL;
}

/* Declared rightly, not at all, or wrongly; UTF-8 called EUC-KR is what broken servers do. */
static const char *declare(Dice *dice, const char *charset)
{
    int throw = dice_below(dice, 100);
    if (throw < 60)
        return charset;
    return throw < 85 ? "" : strcmp(charset, "utf-8") == 0 ? "euc-kr" : "utf-8";
}

WebPage synth_web_page(uint64_t seed, uint64_t k, Arena *arena)
{
    Dice dice = page_dice(seed, k, "web.dress");
    Matter m = page_matter(seed, k, arena);
    WebPage page = {.language = m.language, .text = m.text, .copy_of = m.copy_of, .near_of = m.near_of};
    page.id = arena_printf(arena, "%08" PRIx64 "-0000-4000-8000-%012" PRIx64, seed & 0xffffffff, k);
    page.url = arena_printf(arena, "http://site%d.example/%" PRIu64, dice_below(&dice, 50), k);
    add_pii(&page, seed, &m, arena);
    if (m.near_of >= 0)
        page.text = arena_printf(arena, "%s\n%s", page.text, strcmp(m.language, "ko") == 0 ? "더 읽기는 다음 쪽에서." : "Read on tomorrow.");
    const char *charset = charset_of(page.language, &dice);
    const char *declared = declare(&dice, charset);
    for (;;) {
        const char *meta = declared[0] ? arena_printf(arena, "<meta charset=\"%s\">", declared) : "";
        Dice dress = dice;
        const char *html = page_html(arena, &dress, &page, m.title, meta);
        page.html = encode(arena, html, charset, &page.n_html_bytes);
        if (page.html)
            break;
        charset = declared = "utf-8";
    }
    page.charset = charset;
    page.declared = declared;
    page.content_type = declared[0] && dice_chance(&dice, 50) ? arena_printf(arena, "text/html; charset=%s", declared) : "text/html";
    return page;
}
