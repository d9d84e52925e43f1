/* markup.h - text into HTML and SVG: escaping, and phrases in two languages.
 *
 * Whatever bytes come, well-formed markup goes out: < > & " are escaped; bytes that are not UTF-8, and control characters that no
 * page may hold, become U+FFFD. */
#ifndef BASE_MARKUP_H
#define BASE_MARKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A label in English and Korean. `ko` NULL: the same in both (a number, a name). {NULL, NULL}: nothing. */
typedef struct {
    const char *en, *ko;
} Phrase;
#define PHRASE(en, ko) ((Phrase){(en), (ko)})
#define PHRASE_SAME(text) ((Phrase){(text), NULL})

void markup_text(FILE *out, const char *text);
void markup_bytes(FILE *out, const char *bytes, size_t n_bytes);
/* <tag lang="en">...</tag><tag lang="ko">...</tag>, of which the page shows one; plain text when both are the same. Inside SVG text
 * the tag is "tspan", elsewhere "span". */
void markup_phrase(FILE *out, const char *tag, Phrase phrase);
/* The text of one language, for places that hold no markup (attributes, <title>). Never NULL. */
const char *phrase_text(Phrase phrase, bool korean);
bool phrase_is_empty(Phrase phrase);

#endif
