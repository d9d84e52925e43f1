/* langid.c - scripts first, then the model. */
#include "text/corpus/langid_internal.h"
#include "text/unicode/char_props.h"

#include <math.h>
#include <string.h>

/* A third, a twentieth, and when a line is a program's: symbols a character. */
#define KOREAN_SHARE (1.0 / 3.0)
#define KANA_SHARE 0.05
#define CODE_SYMBOLS 0.12
#define OVERLAP (LANGID_RUN_MAX + 1)

/* Languages that a script alone says, for models that do not know the script. */
static const char *script_language(const LangidModel *model, int script)
{
    static const char *const known[][2] = {
        {"Hang", "ko"}, {"Grek", "el"}, {"Thai", "th"}, {"Armn", "hy"}, {"Geor", "ka"}, {"Khmr", "km"}, {"Laoo", "lo"}, {"Mymr", "my"},
        {"Sinh", "si"}, {"Taml", "ta"}, {"Telu", "te"}, {"Knda", "kn"}, {"Mlym", "ml"}, {"Gujr", "gu"}, {"Guru", "pa"}, {"Orya", "or"},
        {"Tibt", "bo"}, {"Thaa", "dv"},
    };
    const LangidScript *s = &model->scripts[script];
    if (s->n_languages == 1)
        return model->names[s->languages[0]];
    const char *name = char_script_name(script);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (name && strcmp(name, known[i][0]) == 0)
            return known[i][1];
    return NULL;
}

static double script_weight(const LangidCount *count, int script)
{
    bool dense = script == SCRIPT_HAN || script == SCRIPT_HANGUL;
    return (dense ? 2.0 : 1.0) * (double)count->letters[script];
}

/* The script that a text is read in, and the weight of all letters. */
static int choose_script(const LangidCount *count, double *weight)
{
    int best = LANGID_NO_LETTER;
    double most = 0;
    *weight = 0;
    for (int script = LANGID_ANY_SCRIPT + 1; script < LANGID_SCRIPTS; script++) {
        double its = script_weight(count, script);
        *weight += its;
        if (its > most)
            most = its, best = script;
    }
    if (*weight > 0 && script_weight(count, SCRIPT_HANGUL) >= KOREAN_SHARE * *weight)
        return SCRIPT_HANGUL;
    return best;
}

/* sums[k] += rows[row[i]][k]: 128 values of int8 fit into int16. */
static void add_rows(int32_t *sums, const LangidScript *script, const uint32_t *row, int n)
{
    enum { ROWS = 128 };
    for (int first = 0; first < n; first += ROWS) {
        int n_block = n - first < ROWS ? n - first : ROWS;
        for (int lane = 0; lane < script->row_bytes; lane += LANGID_ROW_STEP) {
            int16_t part[LANGID_ROW_STEP] = {0};
            for (int i = 0; i < n_block; i++) {
                const int8_t *values = script->rows + (int64_t)row[first + i] * script->row_bytes + lane;
                for (int k = 0; k < LANGID_ROW_STEP; k++)
                    part[k] = (int16_t)(part[k] + values[k]);
            }
            for (int k = 0; k < LANGID_ROW_STEP; k++)
                sums[lane + k] += part[k];
        }
    }
}

static int top_of(const int32_t *sums, int n, int *second)
{
    int best = 0;
    *second = -1;
    for (int k = 1; k < n; k++) {
        if (sums[k] > sums[best])
            *second = best, best = k;
        else if (*second < 0 || sums[k] > sums[*second])
            *second = k;
    }
    return best;
}

static const LangidWord *find_word(const LangidScript *script, const uint32_t *word, int n)
{
    uint64_t hash = langid_word_hash(word, n);
    for (uint64_t i = hash & script->word_mask;; i = (i + 1) & script->word_mask)
        if (script->words[i].hash == hash || script->words[i].hash == 0)
            return script->words[i].hash ? &script->words[i] : NULL;
}

/* Adds the next word's features; returns how many. */
static int add_word(int32_t *sums, const LangidScript *script, int script_number, const uint32_t *word, int n_letters)
{
    uint32_t features[LANGID_WORD_FEATURES_MAX];
    const LangidWord *listed = find_word(script, word, n_letters);
    if (listed) {
        const int16_t *values = script->word_rows + (int64_t)listed->row * script->row_bytes;
        for (int lane = 0; lane < script->row_bytes; lane += LANGID_ROW_STEP)
            for (int k = lane; k < lane + LANGID_ROW_STEP; k++)
                sums[k] += values[k];
        return (int)listed->n_features;
    }
    int n = langid_word_rows(features, script, script_number, word, n_letters);
    add_rows(sums, script, features, n);
    return n;
}

/* Naive Bayes over the words of the script; stops early once nothing can turn the result any more, as far as experience goes. */
static LangidGuess guess_by_model(const LangidModel *model, int script_number, const char *text, size_t n_bytes)
{
    enum { FEATURES_BEFORE_STOP = 250 };
    const double nats_to_stop = 14 * OVERLAP;
    const LangidScript *script = &model->scripts[script_number];
    const char *at = text, *end = text + n_bytes;
    int32_t sums[LANGID_LANGUAGES_MAX + LANGID_ROW_STEP] = {0};
    uint32_t word[LANGID_WORD_MAX];
    int n, best = 0, second;
    for (int64_t n_seen = 0, next_check = FEATURES_BEFORE_STOP; (n = langid_next_word(&model->letters, script_number, &at, end, word)) > 0;) {
        n_seen += add_word(sums, script, script_number, word, n);
        if (n_seen < next_check)
            continue;
        next_check = n_seen + FEATURES_BEFORE_STOP;
        best = top_of(sums, script->n_languages, &second);
        if ((sums[best] - sums[second]) * (double)script->scale > nats_to_stop)
            break;
    }
    best = top_of(sums, script->n_languages, &second);
    double total = 0;
    for (int k = 0; k < script->n_languages; k++)
        total += exp((sums[k] - sums[best]) * (double)script->scale / OVERLAP);
    return (LangidGuess){.language = model->names[script->languages[best]], .confidence = 1.0 / total};
}

static LangidGuess guess_counted(const LangidModel *model, const LangidCount *count, const char *text, size_t n_bytes)
{
    double weight;
    int script = choose_script(count, &weight);
    LangidGuess guess = {.language = LANGID_NO_LANGUAGE, .confidence = 1.0};
    if (script == LANGID_NO_LETTER || (script == SCRIPT_LATIN && (double)count->n_symbols > CODE_SYMBOLS * (double)count->n_chars))
        return guess;
    const char *by_script = script_language(model, script);
    if (script == SCRIPT_HAN && model->scripts[script].n_languages < 2)
        by_script = (double)count->kana >= KANA_SHARE * (double)count->letters[script] ? "ja" : "zh";
    if (by_script)
        guess = (LangidGuess){.language = by_script, .confidence = script_weight(count, script) / weight};
    else if (model->scripts[script].n_languages > 1)
        guess = guess_by_model(model, script, text, n_bytes);
    else
        guess = (LangidGuess){.language = LANGID_UNKNOWN};
    guess.weight = weight;
    return guess;
}

LangidGuess langid_guess(const LangidModel *model, const char *text, size_t n_bytes)
{
    LangidCount count = {.kana = 0};
    langid_count(&model->letters, &count, text, n_bytes);
    return guess_counted(model, &count, text, n_bytes);
}

/* Documents. */

#define SURE 0.8

static LangidShare *share_of(LangidDocument *document, const char *language)
{
    for (int i = 0; i < document->n_shares; i++)
        if (strcmp(document->shares[i].language, language) == 0)
            return &document->shares[i];
    if (document->n_shares == LANGID_SHARES_MAX)
        return &document->shares[LANGID_SHARES_MAX - 1];
    document->shares[document->n_shares] = (LangidShare){.language = language};
    return &document->shares[document->n_shares++];
}

static bool has_language(const LangidGuess *guess)
{
    return strcmp(guess->language, LANGID_NO_LANGUAGE) != 0;
}

static bool is_blank(const char *text, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        if (!strchr(" \t\r", text[i]))
            return false;
    return true;
}

static void find_paragraphs(LangidDocument *document, Arena *arena, const LangidModel *model, const char *text, size_t n_bytes)
{
    int64_t n_max = 1;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(text + n_bytes - at))) != NULL; at++)
        n_max++;
    document->paragraphs = ARENA_ARRAY(arena, LangidParagraph, n_max);
    for (size_t begin = 0; begin < n_bytes;) {
        const char *newline = memchr(text + begin, '\n', n_bytes - begin);
        size_t end = newline ? (size_t)(newline - text) : n_bytes;
        LangidParagraph *paragraph = &document->paragraphs[document->n_paragraphs];
        *paragraph = (LangidParagraph){.begin = begin, .end = end};
        paragraph->guess = langid_guess(model, text + begin, end - begin);
        document->n_paragraphs += !is_blank(text + begin, end - begin);
        begin = end + 1;
    }
}

static void sort_shares(LangidDocument *document, double weight)
{
    for (int i = 0; i < document->n_shares; i++) {
        document->shares[i].share = weight > 0 ? document->shares[i].share / weight : 0;
        for (int k = i; k > 0 && document->shares[k].share > document->shares[k - 1].share; k--) {
            LangidShare swap = document->shares[k];
            document->shares[k] = document->shares[k - 1];
            document->shares[k - 1] = swap;
        }
    }
}

/* The language of all: Korean from its share on; else the largest share of the sure paragraphs; else of the whole text at once. */
static LangidGuess guess_whole(LangidDocument *document, const LangidModel *model, const char *text, size_t n_bytes)
{
    LangidDocument sure = {.n_shares = 0};
    double weight = 0, korean = 0;
    for (int i = 0; i < document->n_paragraphs; i++) {
        const LangidGuess *guess = &document->paragraphs[i].guess;
        if (!has_language(guess) || guess->confidence < SURE)
            continue;
        weight += guess->weight;
        korean += strcmp(guess->language, "ko") == 0 ? guess->weight : 0;
        share_of(&sure, guess->language)->share += guess->weight;
    }
    sort_shares(&sure, weight);
    LangidGuess whole = {.language = sure.n_shares ? sure.shares[0].language : NULL};
    if (weight > 0 && korean >= KOREAN_SHARE * weight)
        whole.language = "ko";
    return whole.language ? whole : langid_guess(model, text, n_bytes);
}

LangidDocument langid_document(Arena *arena, const LangidModel *model, const char *text, size_t n_bytes)
{
    LangidDocument document = {.n_shares = 0};
    find_paragraphs(&document, arena, model, text, n_bytes);
    document.guess = guess_whole(&document, model, text, n_bytes);
    double weight = 0, certain = 0;
    for (int i = 0; i < document.n_paragraphs; i++) {
        LangidGuess *guess = &document.paragraphs[i].guess;
        if (!has_language(guess))
            continue;
        if (guess->confidence < SURE && has_language(&document.guess))
            guess->language = document.guess.language;
        weight += guess->weight;
        share_of(&document, guess->language)->share += guess->weight;
        certain += strcmp(guess->language, document.guess.language) == 0 ? guess->weight * guess->confidence : 0;
    }
    sort_shares(&document, weight);
    document.guess.weight = weight;
    document.guess.confidence = weight > 0 ? certain / weight : 1.0;
    return document;
}
