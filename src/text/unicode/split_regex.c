/* split_regex.c - split patterns by PCRE2. The only file that includes pcre2.h. */
#include "text/unicode/split_internal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct SplitRegex {
    pcre2_code *code;
    pcre2_match_context *limits;
};

/* Steps of the matcher for one match. A sane pattern takes a few a byte; one that explodes stops here, in well under a second. */
enum { MATCH_LIMIT = 4000000, HEAP_LIMIT_KIB = 64 * 1024 };

/* Puts the pattern into PCRE2's words: \s means White_Space (PCRE2 also takes U+180E), \uHHHH and \u{H} are code points.
 * Class intersection (&&) would be misread without a word, so it is refused. */
static Err translate(Arena *arena, const char *pattern, char **out)
{
    size_t n = strlen(pattern), k = 0;
    char *text = *out = arena_alloc(arena, n * 18 + 1);
    int class_depth = 0;
    for (size_t i = 0; i < n; i++) {
        if (pattern[i] == '\\' && i + 1 < n) {
            char c = pattern[++i];
            if (c == 's' || c == 'S')
                k += (size_t)sprintf(text + k, "\\%c{White_Space}", c == 's' ? 'p' : 'P');
            else if (c == 'u' && i + 1 < n && pattern[i + 1] == '{')
                k += (size_t)sprintf(text + k, "\\x");
            else if (c == 'u' && i + 4 < n) {
                k += (size_t)sprintf(text + k, "\\x{%.4s}", pattern + i + 1);
                i += 4;
            } else {
                text[k++] = '\\';
                text[k++] = c;
            }
            continue;
        }
        class_depth += pattern[i] == '[' ? 1 : pattern[i] == ']' && class_depth ? -1 : 0;
        if (class_depth && pattern[i] == '&' && pattern[i + 1] == '&')
            return err_set(ERR_UNSUPPORTED, "pattern, character %zu: class intersection (&&) is not supported", i);
        text[k++] = pattern[i];
    }
    text[k] = '\0';
    return OK;
}

Err split_regex_open(SplitRegex **out, const char *pattern)
{
    Arena *arena = arena_new();
    char *text;
    Err err = translate(arena, pattern, &text);
    if (err == OK) {
        int code;
        size_t offset;
        uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
        pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);
        if (compiled) {
            pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  /* where there is no JIT the interpreter runs */
            SplitRegex *regex = mem_alloc(sizeof *regex);
            regex->code = compiled;
            regex->limits = pcre2_match_context_create(NULL);
            pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
            pcre2_set_heap_limit(regex->limits, HEAP_LIMIT_KIB);
            *out = regex;
        } else {
            PCRE2_UCHAR why[128];
            pcre2_get_error_message(code, why, sizeof why);
            err = err_set(ERR_USAGE, "pattern, character %zu of \"%.80s\": %s", offset, text, (char *)why);
        }
    }
    arena_free(arena);
    return err;
}

void split_regex_free(SplitRegex *regex)
{
    if (!regex)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_code_free(regex->code);
    free(regex);
}

bool split_regex_next(const SplitRegex *regex, const char *text, size_t n_bytes, size_t from, SplitSpan *span)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY;
    int code = pcre2_match(regex->code, (PCRE2_SPTR)text, n_bytes, from, options, match, regex->limits);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT)  /* deep recursion: the interpreter keeps its frames on the heap */
        code = pcre2_match(regex->code, (PCRE2_SPTR)text, n_bytes, from, options | PCRE2_NO_JIT, match, regex->limits);
    bool found = code >= 0;
    if (found) {
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match);
        span->begin = ends[0];
        span->end = ends[1];
        found = span->end > span->begin;
    }
    pcre2_match_data_free(match);
    return found;
}
