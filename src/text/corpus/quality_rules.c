/* quality_rules.c - the rule sets as tables. */
#include "text/corpus/quality.h"

#include <string.h>

static const QualityRule gopher[] = {
    {"gopher.duplicate_paragraphs", QUALITY_DUPLICATE_PARAGRAPHS, false, 0.30},
    {"gopher.duplicate_paragraph_chars", QUALITY_DUPLICATE_PARAGRAPH_CHARS, false, 0.20},
    {"gopher.duplicate_lines", QUALITY_DUPLICATE_LINES, false, 0.30},
    {"gopher.duplicate_line_chars", QUALITY_DUPLICATE_LINE_CHARS, false, 0.20},
    {"gopher.top_2", QUALITY_TOP_2, false, 0.20},
    {"gopher.top_3", QUALITY_TOP_3, false, 0.18},
    {"gopher.top_4", QUALITY_TOP_4, false, 0.16},
    {"gopher.duplicate_5", QUALITY_DUPLICATE_5, false, 0.15},
    {"gopher.duplicate_6", QUALITY_DUPLICATE_6, false, 0.14},
    {"gopher.duplicate_7", QUALITY_DUPLICATE_7, false, 0.13},
    {"gopher.duplicate_8", QUALITY_DUPLICATE_8, false, 0.12},
    {"gopher.duplicate_9", QUALITY_DUPLICATE_9, false, 0.11},
    {"gopher.duplicate_10", QUALITY_DUPLICATE_10, false, 0.10},
    {"gopher.words_min", QUALITY_WORDS, true, 50},
    {"gopher.words_max", QUALITY_WORDS, false, 100000},
    {"gopher.word_chars_min", QUALITY_WORD_CHARS_MEAN, true, 3},
    {"gopher.word_chars_max", QUALITY_WORD_CHARS_MEAN, false, 10},
    {"gopher.hashes", QUALITY_HASHES, false, 0.1},
    {"gopher.ellipses", QUALITY_ELLIPSES, false, 0.1},
    {"gopher.bullet_lines", QUALITY_BULLET_LINES, false, 0.9},
    {"gopher.ellipsis_lines", QUALITY_ELLIPSIS_LINES, false, 0.3},
    {"gopher.alpha_words", QUALITY_ALPHA_WORDS, true, 0.8},
    {"gopher.stop_words", QUALITY_STOP_WORDS_EN, true, 2},
};

static const QualityRule fineweb[] = {
    {"fineweb.lines_ended", QUALITY_LINES_ENDED, true, 0.12},
    {"fineweb.short_lines", QUALITY_SHORT_LINES, false, 0.67},
    {"fineweb.repeated_line_chars", QUALITY_REPEATED_LINE_CHARS, false, 0.01},
    {"fineweb.breaks", QUALITY_BREAKS, false, 0.3},
};

static const QualityRule fineweb2_ko[] = {
    {"fineweb2-ko.duplicate_lines", QUALITY_DUPLICATE_LINES, false, 0.374},
    {"fineweb2-ko.top_2", QUALITY_TOP_2, false, 0.282},
    {"fineweb2-ko.top_3", QUALITY_TOP_3, false, 0.228},
    {"fineweb2-ko.top_4", QUALITY_TOP_4, false, 0.185},
    {"fineweb2-ko.duplicate_5", QUALITY_DUPLICATE_5, false, 0.201},
    {"fineweb2-ko.duplicate_6", QUALITY_DUPLICATE_6, false, 0.184},
    {"fineweb2-ko.duplicate_7", QUALITY_DUPLICATE_7, false, 0.168},
    {"fineweb2-ko.duplicate_8", QUALITY_DUPLICATE_8, false, 0.154},
    {"fineweb2-ko.duplicate_9", QUALITY_DUPLICATE_9, false, 0.14},
    {"fineweb2-ko.duplicate_10", QUALITY_DUPLICATE_10, false, 0.127},
    {"fineweb2-ko.words_min", QUALITY_WORDS, true, 50},
    {"fineweb2-ko.words_max", QUALITY_WORDS, false, 100000},
    {"fineweb2-ko.word_chars_min", QUALITY_WORD_CHARS_MEAN, true, 1},
    {"fineweb2-ko.word_chars_max", QUALITY_WORD_CHARS_MEAN, false, 6},
    {"fineweb2-ko.hashes", QUALITY_HASHES, false, 0.1},
    {"fineweb2-ko.ellipses", QUALITY_ELLIPSES, false, 0.1},
    {"fineweb2-ko.bullet_lines", QUALITY_BULLET_LINES, false, 0.9},
    {"fineweb2-ko.ellipsis_lines", QUALITY_ELLIPSIS_LINES, false, 0.3},
    {"fineweb2-ko.alpha_words", QUALITY_ALPHA_WORDS, true, 0.791},
    {"fineweb2-ko.stop_words", QUALITY_STOP_WORDS_KO, true, 2},
    {"fineweb2-ko.lines_ended", QUALITY_LINES_ENDED, true, 0.062},
    {"fineweb2-ko.repeated_line_chars", QUALITY_REPEATED_LINE_CHARS, false, 0.1},
    {"fineweb2-ko.breaks", QUALITY_BREAKS, false, 0.196},
};

bool quality_rules_add(QualityRules *rules, const char *set)
{
    static const struct { const char *name; const QualityRule *rules; int n; } sets[] = {
        {"gopher", gopher, sizeof gopher / sizeof gopher[0]},
        {"fineweb", fineweb, sizeof fineweb / sizeof fineweb[0]},
        {"fineweb2-ko", fineweb2_ko, sizeof fineweb2_ko / sizeof fineweb2_ko[0]},
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (strcmp(set, sets[i].name) != 0)
            continue;
        for (int k = 0; k < sets[i].n && rules->n < 64; k++)
            rules->rules[rules->n++] = sets[i].rules[k];
        return true;
    }
    return false;
}

bool quality_rules_set(QualityRules *rules, const char *name, double threshold)
{
    bool found = false;
    for (int i = 0; i < rules->n; i++)
        if (strcmp(rules->rules[i].name, name) == 0) {
            rules->rules[i].threshold = threshold;
            found = true;
        }
    return found;
}

const QualityRule *quality_judge(const QualityRules *rules, const QualityFigures *figures)
{
    for (int i = 0; i < rules->n; i++) {
        const QualityRule *rule = &rules->rules[i];
        double value = figures->value[rule->figure];
        if (rule->is_min ? value < rule->threshold : value > rule->threshold)
            return rule;
    }
    return NULL;
}
