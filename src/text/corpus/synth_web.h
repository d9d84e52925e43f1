/* synth_web.h - a synthetic web: noisy pages around the small world, and the truth about each, for every stage of the corpus.
 *
 * Page k is a pure function of (seed, k): an article (Korean and English stories of the small world; short ones in Japanese, Chinese, German,
 * French, Spanish and Russian) inside menus, adverts, share buttons, related links, comments and a footer; or a page of links alone. Some are
 * copies of earlier pages in another dress, some near copies (a sentence more), some hold personal data of a class, and many come in another
 * encoding than UTF-8, declared rightly, not at all, or wrongly. */
#ifndef CORPUS_SYNTH_WEB_H
#define CORPUS_SYNTH_WEB_H

#include "base/err.h"
#include "text/corpus/pii.h"

#include <stdint.h>

enum { WEB_PII_MAX = 16 };
typedef struct {
    const char *id, *url;       /* id: a UUID */
    const char *html;           /* in its encoding */
    size_t n_html_bytes;
    const char *content_type;   /* of HTTP */
    const char *charset;        /* true one */
    const char *declared;       /* "", or what HTTP and page say */
    const char *language;       /* "ko", "en", ... */
    const char *text;           /* main text, a paragraph a line; "" for a page of links */
    int64_t copy_of, near_of;   /* number of the page it was taken from, -1: none */
    int n_pii;
    struct {
        PiiClass class;
        const char *value;
    } pii[WEB_PII_MAX];
} WebPage;

/* Everything lives in `arena`. */
WebPage synth_web_page(uint64_t seed, uint64_t k, Arena *arena);

typedef struct {
    int64_t n_pages, n_copies, n_near, n_pii, n_bytes;
} WebReport;
/* Pages 0, 1, ... until their HTML reaches n_bytes: PATH (NAME.warc or NAME.warc.gz), and NAME.truth.jsonl with one line a page: id, url, language,
 * text, charset, declared, copy_of, near_of (urls), pii [[class, value] ...]. ERR_USAGE: another ending. */
Err synth_web_write(WebReport *report, uint64_t seed, int64_t n_bytes, const char *path);

#endif
