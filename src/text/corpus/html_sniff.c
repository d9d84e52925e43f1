/* html_sniff.c - is a text a web page? Fields of records may hold either. */
#include "text/corpus/html.h"

#include <string.h>
#include <strings.h>

static bool begins_with_any(const char *at, const char *end, const char *const *words)
{
    for (; *words; words++)
        if ((size_t)(end - at) >= strlen(*words) && strncasecmp(at, *words, strlen(*words)) == 0)
            return true;
    return false;
}

bool html_looks_like_page(const char *text, size_t n_bytes)
{
    enum { LOOK_BYTES = 2048 };
    static const char *const whole[] = {"<!doctype html", "<html", "<head>", "<body", NULL};
    static const char *const parts[] = {"<?xml", "<!--", "<div", "<p>", "<p ", "<article", "<section", "<main", "<table", "<span", "<h1", "<h2", "<ul", "<meta", NULL};
    const char *end = text + n_bytes, *at = text;
    if (n_bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    while (at < end && strchr(" \t\r\n\f", *at) && *at)
        at++;
    if (begins_with_any(at, end, parts))
        return true;
    const char *stop = end - at < LOOK_BYTES ? end : at + LOOK_BYTES;
    const char *code = memchr(at, '`', (size_t)(stop - at));  /* Markdown that shows a page is none */
    stop = code ? code : stop;
    while ((at = memchr(at, '<', (size_t)(stop - at))) != NULL && !begins_with_any(at, end, whole))
        if (++at >= stop)
            return false;
    return at != NULL;
}
