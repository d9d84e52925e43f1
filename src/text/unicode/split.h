/* split.h - cutting text into pretokens by the published patterns, or by any pattern.
 *
 * A pretoken never reaches across a cut, so these patterns decide what a byte-pair vocabulary can learn. The published ones are
 * compiled by hand into scanners that need no regular expressions, run in linear time and are held to PCRE2 by tests. Every other
 * pattern runs in PCRE2 (JIT, UTF, UCP) with \s and \S read as Unicode White_Space, which is what the tokenizer libraries mean.
 * An ill-formed subpart counts as one character that is neither letter, digit nor space; regular expressions need well-formed text.
 *
 * Class membership depends on the Unicode version: a letter of Unicode 15 is no letter to a library that knows 14. A Splitter
 * is opened for one version; PCRE2 10.42 knows 14.0 only. */
#ifndef TEXT_SPLIT_H
#define TEXT_SPLIT_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    SPLIT_NONE,    /* the whole text is one piece */
    SPLIT_GPT2,    /* Radford et al. 2019 */
    SPLIT_CL100K,  /* tiktoken's present cl100k_base: \s++$ before \s*[\r\n] */
    SPLIT_LLAMA3,  /* the older text of cl100k, as Llama 3 and the tokenizer.json of GPT-4 have it */
    SPLIT_QWEN,    /* Llama 3's with single digits, \p{N} */
    SPLIT_O200K,   /* GPT-4o */
    SPLIT_REGEX,   /* anything else, by PCRE2 */
} SplitKind;

typedef struct Splitter Splitter;

enum { SPLIT_UNICODE_14 = 14, SPLIT_UNICODE_15 = 15, SPLIT_UNICODE_16 = 16, SPLIT_UNICODE_LATEST = 16 };

/* `pattern` is a name (gpt2, cl100k, llama3, qwen, o200k, none) or a regular expression; the known expressions are recognised by
 * their text and get their scanner. ERR_USAGE: the expression does not compile; the message holds the offset and why. */
Err splitter_open(Splitter **out, const char *pattern, int unicode_version);
/* Never a scanner: PCRE2 runs the pattern, also a named one. The oracle of the tests. */
Err splitter_open_regex(Splitter **out, const char *pattern);
void splitter_free(Splitter *splitter);  /* NULL is fine */
SplitKind splitter_kind(const Splitter *splitter);
/* The regular expression, for files: also for a named pattern. "" for none. */
const char *splitter_pattern(const Splitter *splitter);
const char *split_pattern_of(SplitKind kind);
/* The same cuts in words that Oniguruma (Hugging Face's tokenizers) reads alike: there {1,3}+ is no possessive run and $ ends a line. */
const char *split_pattern_portable(const Splitter *splitter);

/* A match at or after `from`: [begin, end) in bytes. The scanners leave no gaps (begin = from) and no empty pieces. */
typedef struct {
    size_t begin, end;
} SplitSpan;
/* False when no further match lies in the text, also when PCRE2 gave up at its match limit (a pattern that explodes on this text:
 * the rest then is one piece to the caller, as any text between matches is). Text for SPLIT_REGEX is well-formed. */
bool splitter_next(const Splitter *splitter, const char *text, size_t n_bytes, size_t from, SplitSpan *span);

/* The ends of the pieces from `at` on, at most n_max of them; returns how many. For scanners only: much faster than one at a time.
 * *n_hard, 0 before the first call of a text, is carried from call to call: how hard the last pieces were to cut. */
int splitter_ends(const Splitter *splitter, const char *text, size_t n_bytes, size_t at, size_t *ends, int n_max, int *n_hard);

/* A cut near `wanted` at which the text falls into two parts whose pieces are those of the whole: for threads and for streams.
 * Looks from `wanted` to at most `n_bytes`; returns n_bytes when there is none. Regular expressions have no such place. */
size_t splitter_safe_cut(const Splitter *splitter, const char *text, size_t n_bytes, size_t wanted);

#endif
