/* quality.c - measures a text once: words, lines, paragraphs, n-grams. */
#include "text/corpus/quality.h"

#include "text/corpus/hash.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <stdint.h>
#include <string.h>

const char *quality_figure_name(QualityFigure figure)
{
    static const char *const names[N_QUALITY] = {
        "words", "word_chars_mean", "hashes", "ellipses", "bullet_lines", "ellipsis_lines", "alpha_words", "stop_words_en", "stop_words_ko",
        "duplicate_paragraphs", "duplicate_paragraph_chars", "duplicate_lines", "duplicate_line_chars", "top_2", "top_3", "top_4", "duplicate_5",
        "duplicate_6", "duplicate_7", "duplicate_8", "duplicate_9", "duplicate_10", "lines_ended", "short_lines", "repeated_line_chars", "breaks",
    };
    return names[figure];
}

typedef struct {
    const char *text;
    size_t n_bytes;
    int n_chars;
    uint64_t hash;
    bool is_symbol, has_letter;  /* words: nothing but punctuation; a letter somewhere */
} Part;

typedef struct {
    Part *parts;
    int n;
} Parts;

static int count_chars(const char *text, size_t n)
{
    int n_chars = 0;
    for (size_t i = 0; i < n; i++)
        n_chars += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n_chars;
}

static bool is_letter(uint32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c >= 0xAC00 && c <= 0xD7A3)
        return true;
    return c != UTF8_ILL_FORMED && char_is_word(c) && !char_is_number(c) && !char_is_mark(c);
}

static bool is_symbol(uint32_t c)
{
    if (c < 0x80)
        return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '$' || c == '\\');
    return !(c >= 0xAC00 && c <= 0xD7A3) && char_is_punctuation(c);
}

static bool is_space(uint32_t c)
{
    return c < 0x80 ? c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31) : char_is_space(c);
}

static Parts words_of(Arena *arena, const char *text, size_t n_bytes)
{
    Parts words = {.parts = ARENA_ARRAY(arena, Part, n_bytes / 2 + 1)};
    const char *end = text + n_bytes, *begin = NULL;
    Part word = {.is_symbol = true};
    for (const char *at = text; at <= end;) {
        uint32_t c = ' ';
        int step = at < end ? utf8_decode(&c, at, end) : 1;
        bool space = at == end || is_space(c);
        if (space && begin) {
            word.text = begin;
            word.n_bytes = (size_t)(at - begin);
            word.hash = hash64(begin, word.n_bytes, 0);
            words.parts[words.n++] = word;
            begin = NULL;
        } else if (!space) {
            if (!begin) {
                begin = at;
                word = (Part){.is_symbol = true};
            }
            word.n_chars++;
            word.is_symbol = word.is_symbol && is_symbol(c);
            word.has_letter = word.has_letter || is_letter(c);
        }
        at += step;
    }
    return words;
}

/* Pieces between runs of at least n_breaks line breaks. */
static Parts split_at_breaks(Arena *arena, const char *text, size_t n_bytes, int n_breaks)
{
    int64_t n_max = 1;
    for (size_t i = 0; i < n_bytes; i++)
        n_max += text[i] == '\n';
    Parts parts = {.parts = ARENA_ARRAY(arena, Part, n_max)};
    size_t begin = 0;
    for (size_t i = 0; i <= n_bytes;) {
        size_t run = 0;
        while (i + run < n_bytes && text[i + run] == '\n')
            run++;
        if (i == n_bytes || run >= (size_t)n_breaks) {
            Part part = {.text = text + begin, .n_bytes = i - begin};
            part.n_chars = count_chars(part.text, part.n_bytes);
            part.hash = hash64(part.text, part.n_bytes, 0);
            parts.parts[parts.n++] = part;
            begin = i + run;
        }
        i += run ? run : 1;
    }
    return parts;
}

/* A set of 64-bit hashes with a count each. */
typedef struct {
    uint64_t *keys;
    int *counts;
    uint64_t mask;
} HashCounts;

static HashCounts hash_counts_new(Arena *arena, int n)
{
    uint64_t room = 16;
    while (room < 2 * (uint64_t)n)
        room *= 2;
    return (HashCounts){ARENA_ARRAY(arena, uint64_t, room), ARENA_ARRAY(arena, int, room), room - 1};
}

static int *hash_counts_at(HashCounts *counts, uint64_t hash)
{
    hash |= 1;  /* 0 marks a free slot */
    uint64_t i = (hash * 0x9E3779B97F4A7C15u) >> 20 & counts->mask;
    while (counts->keys[i] && counts->keys[i] != hash)
        i = (i + 1) & counts->mask;
    counts->keys[i] = hash;
    return &counts->counts[i];
}

static void measure_duplicates(Arena *arena, const Parts *parts, int *n_duplicates, int *n_chars)
{
    HashCounts seen = hash_counts_new(arena, parts->n);
    *n_duplicates = *n_chars = 0;
    for (int i = 0; i < parts->n; i++) {
        if ((*hash_counts_at(&seen, parts->parts[i].hash))++ == 0)
            continue;
        ++*n_duplicates;
        *n_chars += parts->parts[i].n_chars;
    }
}

static uint64_t ngram_hash(const Parts *words, int i, int n)
{
    uint64_t hash = 0;
    for (int k = 0; k < n; k++)
        hash = (hash ^ words->parts[i + k].hash) * 0x9FB21C651E98DF25u + 0x2545F4914F6CDD1Du;
    return hash;
}

/* Characters of the most frequent n-gram (blanks between its words counted) times how often it comes; of equals the first. */
static int64_t top_ngram_chars(Arena *arena, const Parts *words, int n)
{
    HashCounts counts = hash_counts_new(arena, words->n);
    for (int i = 0; i + n <= words->n; i++)
        ++*hash_counts_at(&counts, ngram_hash(words, i, n));
    int best = 0, best_at = 0;
    for (int i = 0; i + n <= words->n; i++) {
        int count = *hash_counts_at(&counts, ngram_hash(words, i, n));
        if (count > best)
            best = count, best_at = i;
    }
    int64_t n_chars = n - 1;
    for (int k = 0; k < n && best > 0; k++)
        n_chars += words->parts[best_at + k].n_chars;
    return n_chars * best;
}

/* Characters of n-grams seen before, none counted twice. */
static int64_t duplicate_ngram_chars(Arena *arena, const Parts *words, int n)
{
    HashCounts seen = hash_counts_new(arena, words->n);
    int64_t n_chars = 0;
    for (int i = 0; i + n <= words->n;) {
        if ((*hash_counts_at(&seen, ngram_hash(words, i, n)))++ == 0) {
            i++;
            continue;
        }
        for (int k = 0; k < n; k++)
            n_chars += words->parts[i + k].n_chars;
        i += n;
    }
    return n_chars;
}

static int64_t count_text(const char *text, size_t n_bytes, const char *what)
{
    size_t m = strlen(what);
    int64_t n = 0;
    for (const char *at = text; (at = memmem(at, (size_t)(text + n_bytes - at), what, m)) != NULL; at += m)
        n++;
    return n;
}

static bool ends_with(const Part *line, size_t n, const char *const *endings, int n_endings)
{
    for (int i = 0; i < n_endings; i++) {
        size_t m = strlen(endings[i]);
        if (n >= m && memcmp(line->text + n - m, endings[i], m) == 0)
            return true;
    }
    return false;
}

static void measure_words(QualityFigures *figures, const Parts *words)
{
    static const char *const stop_en[] = {"the", "be", "to", "of", "and", "that", "have", "with"};
    static const char *const stop_ko[] = {"의", "다", "이", "는", "에", "을", "한", "년", "하", "은", "를", "했", "고", "에서", "가", "있", "으로", "인", "월", "로", "되"};
    int n_plain = 0, n_letter = 0;
    int64_t n_chars = 0;
    uint32_t seen_en = 0, seen_ko = 0;
    for (int i = 0; i < words->n; i++) {
        const Part *word = &words->parts[i];
        n_letter += word->has_letter;
        if (!word->is_symbol) {
            n_plain++;
            n_chars += word->n_chars;
        }
        for (int k = 0; k < 8; k++)
            if (word->n_bytes == strlen(stop_en[k]) && memcmp(word->text, stop_en[k], word->n_bytes) == 0)
                seen_en |= 1u << k;
        for (int k = 0; k < 21; k++) {  /* particles and endings stand at the end of an eojeol */
            size_t m = strlen(stop_ko[k]);
            if (word->n_bytes >= m && memcmp(word->text + word->n_bytes - m, stop_ko[k], m) == 0)
                seen_ko |= 1u << k;
        }
    }
    figures->value[QUALITY_WORDS] = n_plain;
    figures->value[QUALITY_WORD_CHARS_MEAN] = n_plain ? (double)n_chars / n_plain : 0;
    figures->value[QUALITY_ALPHA_WORDS] = words->n ? (double)n_letter / words->n : 0;
    figures->value[QUALITY_STOP_WORDS_EN] = __builtin_popcount(seen_en);
    figures->value[QUALITY_STOP_WORDS_KO] = __builtin_popcount(seen_ko);
}

static size_t trimmed_end(const Part *line)
{
    size_t n = line->n_bytes;
    while (n > 0 && strchr(" \t\r\f\v", line->text[n - 1]))
        n--;
    return n;
}

static void measure_lines(QualityFigures *figures, Arena *arena, const Parts *lines, size_t n_chars_no_breaks)
{
    static const char *const ellipses[] = {"...", "…"};
    static const char *const marks[] = {".", "!", "?", "。", "！", "？", "．", "｡", "؟", "۔", "।", "॥", "։", "።", "‼", "⁇", "⁈", "⁉"};
    int n_bullets = 0, n_ellipses = 0, n_ended = 0, n_short = 0, n_full = 0;
    Parts full = {.parts = ARENA_ARRAY(arena, Part, lines->n + 1)};
    for (int i = 0; i < lines->n; i++) {
        const Part *line = &lines->parts[i];
        size_t end = trimmed_end(line), begin = strspn(line->text, " \t\r\f\v");
        begin = begin < line->n_bytes ? begin : line->n_bytes;
        n_bullets += line->n_bytes > begin && (line->text[begin] == '-' || (line->n_bytes - begin >= 3 && memcmp(line->text + begin, "•", 3) == 0));
        n_ellipses += ends_with(line, end, ellipses, 2);
        if (end == 0)
            continue;
        n_full++;
        full.parts[full.n++] = *line;
        n_ended += ends_with(line, line->n_bytes, marks, 18);
        n_short += line->n_chars <= 30;
    }
    int n_lines = lines->n > 0 ? lines->n : 1, n_duplicates, n_chars;
    measure_duplicates(arena, &full, &n_duplicates, &n_chars);
    figures->value[QUALITY_BULLET_LINES] = (double)n_bullets / n_lines;
    figures->value[QUALITY_ELLIPSIS_LINES] = (double)n_ellipses / n_lines;
    figures->value[QUALITY_LINES_ENDED] = n_full ? (double)n_ended / n_full : 0;
    figures->value[QUALITY_SHORT_LINES] = n_full ? (double)n_short / n_full : 1;
    figures->value[QUALITY_REPEATED_LINE_CHARS] = n_chars_no_breaks ? (double)n_chars / (double)n_chars_no_breaks : 0;
}

static void measure_repetition(QualityFigures *figures, Arena *arena, const char *text, size_t n_bytes, const Parts *words, double n_chars)
{
    size_t begin = 0, end = n_bytes;
    while (begin < end && strchr(" \t\r\n\f\v", text[begin]))
        begin++;
    while (end > begin && strchr(" \t\r\n\f\v", text[end - 1]))
        end--;
    Parts paragraphs = split_at_breaks(arena, text + begin, end - begin, 2), lines = split_at_breaks(arena, text, n_bytes, 1);
    int n_duplicates, n_duplicate_chars;
    measure_duplicates(arena, &paragraphs, &n_duplicates, &n_duplicate_chars);
    figures->value[QUALITY_DUPLICATE_PARAGRAPHS] = (double)n_duplicates / paragraphs.n;
    figures->value[QUALITY_DUPLICATE_PARAGRAPH_CHARS] = n_duplicate_chars / n_chars;
    measure_duplicates(arena, &lines, &n_duplicates, &n_duplicate_chars);
    figures->value[QUALITY_DUPLICATE_LINES] = (double)n_duplicates / lines.n;
    figures->value[QUALITY_DUPLICATE_LINE_CHARS] = n_duplicate_chars / n_chars;
    for (int n = 2; n <= 4; n++)
        figures->value[QUALITY_TOP_2 + n - 2] = (double)top_ngram_chars(arena, words, n) / n_chars;
    for (int n = 5; n <= 10; n++)
        figures->value[QUALITY_DUPLICATE_5 + n - 5] = (double)duplicate_ngram_chars(arena, words, n) / n_chars;
}

/* Every line break ends a line, as Python's splitlines has it: none after the last. */
static Parts all_lines(Arena *arena, const char *text, size_t n_bytes)
{
    int64_t n_max = 1;
    for (size_t i = 0; i < n_bytes; i++)
        n_max += text[i] == '\n';
    Parts lines = {.parts = ARENA_ARRAY(arena, Part, n_max)};
    for (size_t at = 0; at < n_bytes;) {
        const char *newline = memchr(text + at, '\n', n_bytes - at);
        size_t n = newline ? (size_t)(newline - text) - at : n_bytes - at;
        lines.parts[lines.n++] = (Part){.text = text + at, .n_bytes = n, .n_chars = count_chars(text + at, n), .hash = hash64(text + at, n, 0)};
        at += n + 1;
    }
    return lines;
}

QualityFigures quality_measure(Arena *arena, const char *text, size_t n_bytes)
{
    QualityFigures figures = {{0}};
    Parts words = words_of(arena, text, n_bytes), lines = all_lines(arena, text, n_bytes);
    int n_breaks = 0;
    for (size_t i = 0; i < n_bytes; i++)
        n_breaks += text[i] == '\n';
    int n_chars = count_chars(text, n_bytes);
    double n_words = words.n ? words.n : 1;
    measure_words(&figures, &words);
    figures.value[QUALITY_HASHES] = (double)count_text(text, n_bytes, "#") / n_words;
    figures.value[QUALITY_ELLIPSES] = (double)(count_text(text, n_bytes, "...") + count_text(text, n_bytes, "…")) / n_words;
    figures.value[QUALITY_BREAKS] = n_breaks / n_words;
    measure_lines(&figures, arena, &lines, (size_t)(n_chars - n_breaks));
    measure_repetition(&figures, arena, text, n_bytes, &words, n_chars ? n_chars : 1);
    return figures;
}
