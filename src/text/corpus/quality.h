/* quality.h - figures of a text, and the published rules that judge web pages by them.
 *
 *   gopher       Rae et al. 2021, arXiv:2112.11446, tables A1: words, symbols, bullets, repetition
 *   fineweb      Penedo et al. 2024, arXiv:2406.17557: lines that end, short lines, repeated lines, line breaks
 *   fineweb2-ko  Penedo et al. 2025: the thresholds of the Korean configuration; Korean stop words
 * Words are runs between white space (an eojeol is a word). With the same words the decisions are those of datatrove's filters. The
 * paper's Korean thresholds were found for morphemes: with eojeol they judge more mildly by word length, more strictly by stop words,
 * which here may also be the end of an eojeol. */
#ifndef CORPUS_QUALITY_H
#define CORPUS_QUALITY_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum { QUALITY_VERSION = 1 };

typedef enum {
    QUALITY_WORDS, QUALITY_WORD_CHARS_MEAN, QUALITY_HASHES, QUALITY_ELLIPSES, QUALITY_BULLET_LINES, QUALITY_ELLIPSIS_LINES, QUALITY_ALPHA_WORDS,
    QUALITY_STOP_WORDS_EN, QUALITY_STOP_WORDS_KO, QUALITY_DUPLICATE_PARAGRAPHS, QUALITY_DUPLICATE_PARAGRAPH_CHARS, QUALITY_DUPLICATE_LINES,
    QUALITY_DUPLICATE_LINE_CHARS, QUALITY_TOP_2, QUALITY_TOP_3, QUALITY_TOP_4, QUALITY_DUPLICATE_5, QUALITY_DUPLICATE_6, QUALITY_DUPLICATE_7,
    QUALITY_DUPLICATE_8, QUALITY_DUPLICATE_9, QUALITY_DUPLICATE_10, QUALITY_LINES_ENDED, QUALITY_SHORT_LINES, QUALITY_REPEATED_LINE_CHARS,
    QUALITY_BREAKS, N_QUALITY
} QualityFigure;

typedef struct {
    double value[N_QUALITY];
} QualityFigures;

QualityFigures quality_measure(Arena *arena, const char *text, size_t n_bytes);
const char *quality_figure_name(QualityFigure figure);

typedef struct {
    const char *name;  /* "gopher.words_min" */
    QualityFigure figure;
    bool is_min;       /* fails below the threshold; else above */
    double threshold;
} QualityRule;

typedef struct {
    QualityRule rules[64];
    int n;
} QualityRules;

/* Adds the rules of a set; false when there is no such set. */
bool quality_rules_add(QualityRules *rules, const char *set);
/* Changes the threshold of a rule; false when there is no such rule. */
bool quality_rules_set(QualityRules *rules, const char *name, double threshold);
/* The first rule that the figures break, NULL: none. */
const QualityRule *quality_judge(const QualityRules *rules, const QualityFigures *figures);

#endif
