/* split.c - the choice between scanners and regular expressions; see split.h. */
#include "text/unicode/split_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct Splitter {
    SplitKind kind;
    char *pattern;
    CharClasses classes;  /* of the scanners, as is the next */
    SplitPlain plain;
    SplitRegex *regex;
};

typedef struct {
    SplitKind kind;
    const char *name;  /* NULL: another text of the same pattern */
    const char *pattern;
} KnownPattern;

#define CONTRACTIONS_ANY_CASE "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define LLAMA3_WITH(digits) \
    CONTRACTIONS_ANY_CASE "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
/* Texts as their publishers print them. tiktoken writes runs possessively; the two forms of GPT-2 match alike. */
static const KnownPattern known_patterns[] = {
    {SPLIT_NONE, "none", ""},
    {SPLIT_GPT2, "gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
    {SPLIT_GPT2, NULL, "'s|'t|'re|'ve|'m|'ll|'d| ?[\\p{L}]+| ?[\\p{N}]+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
    {SPLIT_GPT2, NULL, "'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s++$|\\s+(?!\\S)|\\s"},
    {SPLIT_CL100K, "cl100k", "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+"
                             "|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"},
    {SPLIT_CL100K, NULL, "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                         "|\\s+\\z|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"},
    {SPLIT_LLAMA3, "llama3", LLAMA3_WITH("\\p{N}{1,3}")},
    {SPLIT_QWEN, "qwen", LLAMA3_WITH("\\p{N}")},
    {SPLIT_O200K, "o200k",
     "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" CONTRACTIONS_ANY_CASE
     "?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" CONTRACTIONS_ANY_CASE
     "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
};
enum { N_KNOWN = sizeof known_patterns / sizeof known_patterns[0] };

const char *split_pattern_of(SplitKind kind)
{
    for (int i = 0; i < N_KNOWN; i++)
        if (known_patterns[i].kind == kind && known_patterns[i].name)
            return known_patterns[i].pattern;
    return "";
}

static const KnownPattern *find_known(const char *pattern)
{
    for (int i = 0; i < N_KNOWN; i++) {
        const KnownPattern *known = &known_patterns[i];
        if (strcmp(known->pattern, pattern) == 0 || (known->name && strcmp(known->name, pattern) == 0))
            return known;
    }
    return NULL;
}

Err splitter_open(Splitter **out, const char *pattern, int unicode_version)
{
    const KnownPattern *known = find_known(pattern);
    if (!known)
        return splitter_open_regex(out, pattern);
    Splitter *splitter = mem_alloc(sizeof *splitter);
    splitter->kind = known->kind;
    splitter->pattern = mem_strdup(known->pattern);
    if (known->kind != SPLIT_NONE) {
        char_classes_init(&splitter->classes, unicode_version);
        split_plain_init(&splitter->plain, known->kind, &splitter->classes);
    }
    *out = splitter;
    return OK;
}

Err splitter_open_regex(Splitter **out, const char *pattern)
{
    const KnownPattern *known = find_known(pattern);
    const char *text = known ? known->pattern : pattern;
    SplitRegex *regex;
    TRY(split_regex_open(&regex, text));
    Splitter *splitter = mem_alloc(sizeof *splitter);
    splitter->kind = SPLIT_REGEX;
    splitter->pattern = mem_strdup(text);
    splitter->regex = regex;
    *out = splitter;
    return OK;
}

void splitter_free(Splitter *splitter)
{
    if (!splitter)
        return;
    split_regex_free(splitter->regex);
    if (splitter->classes.classes)
        char_classes_release(&splitter->classes);
    free(splitter->pattern);
    free(splitter);
}

SplitKind splitter_kind(const Splitter *splitter)
{
    return splitter->kind;
}

const char *splitter_pattern(const Splitter *splitter)
{
    return splitter->pattern;
}

const char *split_pattern_portable(const Splitter *splitter)
{
    if (splitter->kind != SPLIT_CL100K)
        return splitter->pattern;
    for (int i = 0; i < N_KNOWN; i++)
        if (known_patterns[i].kind == SPLIT_CL100K && !known_patterns[i].name)
            return known_patterns[i].pattern;
    return splitter->pattern;
}

bool splitter_next(const Splitter *splitter, const char *text, size_t n_bytes, size_t from, SplitSpan *span)
{
    if (from >= n_bytes)
        return false;
    if (splitter->kind == SPLIT_REGEX)
        return split_regex_next(splitter->regex, text, n_bytes, from, span);
    span->begin = from;
    int n_hard = 0;
    split_scan(splitter->kind, &splitter->classes, &splitter->plain, text, n_bytes, from, &span->end, 1, &n_hard);
    return true;
}

int splitter_ends(const Splitter *splitter, const char *text, size_t n_bytes, size_t at, size_t *ends, int n_max, int *n_hard)
{
    assert(splitter->kind != SPLIT_REGEX);
    return split_scan(splitter->kind, &splitter->classes, &splitter->plain, text, n_bytes, at, ends, n_max, n_hard);
}

/* In every scanned pattern a letter run ends before a space, and a space before a letter opens a piece. */
size_t splitter_safe_cut(const Splitter *splitter, const char *text, size_t n_bytes, size_t wanted)
{
    if (splitter->kind == SPLIT_NONE || splitter->kind == SPLIT_REGEX)
        return n_bytes;
    for (size_t i = wanted ? wanted : 1; i + 1 < n_bytes; i++) {
        if (text[i] != ' ')
            continue;
        size_t start = i - 1;
        while (start > 0 && i - start < UTF8_BYTES_MAX && ((unsigned char)text[start] & 0xC0) == 0x80)
            start--;
        uint32_t before, after;
        if (start + (size_t)utf8_decode(&before, text + start, text + i) != i)
            continue;
        utf8_decode(&after, text + i + 1, text + n_bytes);
        if (char_class(&splitter->classes, before) & char_class(&splitter->classes, after) & CHAR_ANY_LETTER)
            return i;
    }
    return n_bytes;
}
