/* quality.c - measures a text once: lines and paragraphs here, words in quality_words.c, their repetition in quality_ngrams.c. */
#include "text/corpus/quality_internal.h"

#include "base/scan.h"
#include "text/corpus/hash.h"

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
} Part;

typedef struct {
    Part *parts;
    int n;
} Parts;

static void measure_duplicates(Arena *arena, const Parts *parts, int *n_duplicates, int64_t *n_chars)
{
    HashCounts seen = hash_counts_new(arena, parts->n);
    *n_duplicates = 0;
    *n_chars = 0;
    for (int i = 0; i < parts->n; i++) {
        const Part *part = &parts->parts[i];
        if (seen.slots[hash_counts_slot(&seen, hash64(part->text, part->n_bytes, 0))].count++ == 0)
            continue;
        ++*n_duplicates;
        *n_chars += (int64_t)scan_count_chars(part->text, part->n_bytes);
    }
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

static void measure_words(QualityFigures *figures, const QualityWords *words)
{
    figures->value[QUALITY_WORDS] = words->n_plain;
    figures->value[QUALITY_WORD_CHARS_MEAN] = words->n_plain ? (double)words->n_plain_chars / words->n_plain : 0;
    figures->value[QUALITY_ALPHA_WORDS] = words->n ? (double)words->n_with_letter / words->n : 0;
    figures->value[QUALITY_STOP_WORDS_EN] = __builtin_popcount(words->stop_words_en);
    figures->value[QUALITY_STOP_WORDS_KO] = __builtin_popcount(words->stop_words_ko);
}

static size_t trimmed_end(const Part *line)
{
    size_t n = line->n_bytes;
    while (n > 0 && strchr(" \t\r\f\v", line->text[n - 1]))
        n--;
    return n;
}

/* Does it end with one of the marks that end a sentence? */
static bool is_ended(const Part *line)
{
    static const char *const marks[] = {"。", "！", "？", "．", "｡", "؟", "۔", "।", "॥", "։", "።", "‼", "⁇", "⁈", "⁉"};
    unsigned char last = line->n_bytes > 0 ? (unsigned char)line->text[line->n_bytes - 1] : 'x';
    return last < 0x80 ? last == '.' || last == '!' || last == '?' : ends_with(line, line->n_bytes, marks, sizeof marks / sizeof marks[0]);
}

static bool is_short(const Part *line)
{
    enum { SHORT_CHARS = 30 };
    if (line->n_bytes <= SHORT_CHARS)
        return true;
    return line->n_bytes <= 4 * SHORT_CHARS && scan_count_chars(line->text, line->n_bytes) <= SHORT_CHARS;
}

static void measure_lines(QualityFigures *figures, Arena *arena, const Parts *lines, size_t n_chars_no_breaks)
{
    static const char *const ellipses[] = {"...", "…"};
    int n_bullets = 0, n_ellipses = 0, n_ended = 0, n_short = 0;
    Parts full = {.parts = arena_alloc_unset(arena, (size_t)lines->n * sizeof(Part))};
    for (int i = 0; i < lines->n; i++) {
        const Part *line = &lines->parts[i];
        size_t end = trimmed_end(line), begin = strspn(line->text, " \t\r\f\v");
        begin = begin < line->n_bytes ? begin : line->n_bytes;
        n_bullets += line->n_bytes > begin && (line->text[begin] == '-' || (line->n_bytes - begin >= 3 && memcmp(line->text + begin, "•", 3) == 0));
        if (end == 0)
            continue;
        n_ellipses += ends_with(line, end, ellipses, 2);
        full.parts[full.n++] = *line;
        n_ended += is_ended(line);
        n_short += is_short(line);
    }
    int n_lines = lines->n > 0 ? lines->n : 1, n_duplicates;
    int64_t n_chars;
    measure_duplicates(arena, &full, &n_duplicates, &n_chars);
    figures->value[QUALITY_BULLET_LINES] = (double)n_bullets / n_lines;
    figures->value[QUALITY_ELLIPSIS_LINES] = (double)n_ellipses / n_lines;
    figures->value[QUALITY_LINES_ENDED] = full.n ? (double)n_ended / full.n : 0;
    figures->value[QUALITY_SHORT_LINES] = full.n ? (double)n_short / full.n : 1;
    figures->value[QUALITY_REPEATED_LINE_CHARS] = n_chars_no_breaks ? (double)n_chars / (double)n_chars_no_breaks : 0;
}

/* Every line break ends a line, as Python's splitlines has it: none after the last. */
static Parts all_lines(Arena *arena, const char *text, size_t n_bytes, int n_breaks)
{
    Parts lines = {.parts = arena_alloc_unset(arena, ((size_t)n_breaks + 1) * sizeof(Part))};
    for (size_t at = 0; at < n_bytes;) {
        const char *newline = memchr(text + at, '\n', n_bytes - at);
        size_t n = newline ? (size_t)(newline - text) - at : n_bytes - at;
        lines.parts[lines.n++] = (Part){text + at, n};
        at += n + 1;
    }
    return lines;
}

/* Pieces between runs of line breaks: lines that are not empty, with an empty piece before a run at the beginning and behind one at the end. */
static Parts lines_between_runs(Arena *arena, const char *text, size_t n_bytes, const Parts *lines)
{
    Parts parts = {.parts = arena_alloc_unset(arena, ((size_t)lines->n + 2) * sizeof(Part))};
    if (n_bytes == 0 || text[0] == '\n')
        parts.parts[parts.n++] = (Part){text, 0};
    for (int i = 0; i < lines->n; i++)
        if (lines->parts[i].n_bytes > 0)
            parts.parts[parts.n++] = lines->parts[i];
    if (n_bytes > 0 && text[n_bytes - 1] == '\n')
        parts.parts[parts.n++] = (Part){text + n_bytes, 0};
    return parts;
}

/* Pieces between runs of two and more line breaks; white space round the text does not count. */
static Parts paragraphs_of(Arena *arena, const char *text, size_t n_bytes, int n_breaks)
{
    size_t begin = 0, end = n_bytes;
    while (begin < end && strchr(" \t\r\n\f\v", text[begin]))
        begin++;
    while (end > begin && strchr(" \t\r\n\f\v", text[end - 1]))
        end--;
    Parts parts = {.parts = arena_alloc_unset(arena, ((size_t)n_breaks / 2 + 1) * sizeof(Part))};
    for (size_t at = begin;;) {
        const char *newline = memchr(text + at, '\n', end - at);
        size_t stop = newline ? (size_t)(newline - text) : end, next = stop;
        while (next < end && text[next] == '\n')
            next++;
        if (stop == end || next - stop >= 2) {
            parts.parts[parts.n++] = (Part){text + begin, stop - begin};
            begin = next;
        }
        if (stop == end)
            return parts;
        at = next;
    }
}

static void measure_repetition(QualityFigures *figures, Arena *arena, const Parts *lines, const Parts *paragraphs, double n_chars)
{
    int n_duplicates;
    int64_t n_duplicate_chars;
    measure_duplicates(arena, paragraphs, &n_duplicates, &n_duplicate_chars);
    figures->value[QUALITY_DUPLICATE_PARAGRAPHS] = (double)n_duplicates / paragraphs->n;
    figures->value[QUALITY_DUPLICATE_PARAGRAPH_CHARS] = (double)n_duplicate_chars / n_chars;
    measure_duplicates(arena, lines, &n_duplicates, &n_duplicate_chars);
    figures->value[QUALITY_DUPLICATE_LINES] = (double)n_duplicates / lines->n;
    figures->value[QUALITY_DUPLICATE_LINE_CHARS] = (double)n_duplicate_chars / n_chars;
}

QualityFigures quality_measure(Arena *arena, const char *text, size_t n_bytes)
{
    QualityFigures figures = {{0}};
    QualityWords words = quality_words(arena, text, n_bytes);
    int n_breaks = (int)count_text(text, n_bytes, "\n");
    int64_t n_chars = (int64_t)scan_count_chars(text, n_bytes);
    Parts lines = all_lines(arena, text, n_bytes, n_breaks), runs = lines_between_runs(arena, text, n_bytes, &lines);
    Parts paragraphs = paragraphs_of(arena, text, n_bytes, n_breaks);
    double n_words = words.n ? words.n : 1, chars = n_chars ? (double)n_chars : 1;
    measure_words(&figures, &words);
    figures.value[QUALITY_HASHES] = (double)count_text(text, n_bytes, "#") / n_words;
    figures.value[QUALITY_ELLIPSES] = (double)(count_text(text, n_bytes, "...") + count_text(text, n_bytes, "…")) / n_words;
    figures.value[QUALITY_BREAKS] = n_breaks / n_words;
    measure_lines(&figures, arena, &lines, (size_t)(n_chars - n_breaks));
    measure_repetition(&figures, arena, &runs, &paragraphs, chars);
    quality_measure_ngrams(&figures, arena, &words, chars);
    return figures;
}
