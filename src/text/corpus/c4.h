/* c4.h - the rules of C4 (Raffel et al. 2020, JMLR 21:140, section 2.2) and of mC4 (Xue et al. 2021, arXiv:2010.11934, section 3.1).
 *
 * Lines are judged first, in this order: a word too long; [1], [edit] and [citation needed] are taken out; no end mark (. ? ! " ' but not ...); too few words; a
 * page with "lorem ipsum" goes; javascript; a page with { goes; words of cookie banners and terms of use. Of the lines that stay the
 * sentences are counted (sentence.h); too few, and the page goes. The decisions are those of datatrove's C4QualityFilter given the same sentences. */
#ifndef CORPUS_C4_H
#define CORPUS_C4_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { C4_VERSION = 1 };

typedef enum { C4_LINE_WORD_CHARS, C4_LINE_END, C4_LINE_WORDS, C4_LINE_JAVASCRIPT, C4_LINE_POLICY, N_C4_LINES } C4Line;
const char *c4_line_name(C4Line why);

typedef struct {
    int64_t word_chars_max, line_words_min, sentences_min;
    bool line_end, lorem_ipsum, javascript, braces, policy, citations;
    int64_t paragraphs_min, paragraph_chars;  /* mC4: lines of so many characters; paragraphs_min 0: not asked */
} C4Options;
C4Options c4_options_default(void);  /* all of C4, nothing of mC4 */

typedef struct {
    const char *text;  /* the lines that stay, joined by line breaks */
    size_t n_bytes;
    const char *drop_rule;  /* NULL: the page stays */
    double drop_value;
    int64_t n_lines, n_removed[N_C4_LINES], n_sentences;
} C4Result;

C4Result c4_clean(Arena *arena, const C4Options *options, const char *text, size_t n_bytes);

#endif
