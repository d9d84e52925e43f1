/* normalizer_steps.c - the steps that rewrite a text before it is cut, as tokenizer.json names them. */
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/unicode/char_props.h"
#include "text/unicode/normalize.h"

#include <stdlib.h>
#include <string.h>

void normalizer_step_release(NormalizerStep *step)
{
    free(step->pattern);
    free(step->content);
    splitter_free(step->regex);
    charsmap_free(step->charsmap);
}

static Piece run_form(NormalForm form, Arena *arena, Piece text)
{
    size_t n;
    if (!text.source) {
        const char *bytes = normalize(arena, form, text.bytes, text.n, &n);
        return (Piece){bytes, n, NULL, text.at_start};
    }
    uint32_t *source;
    const char *bytes = normalize_mapped(arena, form, text.bytes, text.n, &n, &source);
    for (size_t i = 0; i <= n; i++)
        source[i] = text.source[source[i]];
    return (Piece){bytes, n, source, text.at_start};
}

/* Rewrites character by character. `map` writes what stands for c (at most 32 bytes) and returns the length; SIZE_MAX keeps it. */
typedef size_t (*CharMap)(uint32_t c, char *out);
static Piece run_char_map(CharMap map, Arena *arena, Piece text)
{
    Rewriter rewriter;
    rewriter_init(&rewriter, arena, text);
    char out[32];
    for (size_t at = 0; at < text.n;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
        size_t n = c == UTF8_ILL_FORMED ? SIZE_MAX : map(c, out);
        if (n == SIZE_MAX)
            rewriter_copy(&rewriter, text, at, at + length);
        else
            rewriter_put(&rewriter, out, n, text.source ? text.source[at] : 0);
        at += length;
    }
    return rewriter_finish(&rewriter, text);
}

/* Full mappings without context: only U+0130 becomes two characters. */
static size_t map_lower(uint32_t c, char *out)
{
    if (c == 0x130) {
        memcpy(out, "i\xCC\x87", 3);
        return 3;
    }
    uint32_t lower = char_lower(c);
    return lower == c ? SIZE_MAX : (size_t)utf8_encode(out, lower);
}

static size_t map_drop_marks(uint32_t c, char *out)
{
    (void)out;
    return char_is_mark(c) ? 0 : SIZE_MAX;
}

static size_t map_drop_nonspacing(uint32_t c, char *out)
{
    (void)out;
    return char_is_nonspacing(c) ? 0 : SIZE_MAX;
}

/* Controls, formats and private characters go; white space becomes a space. */
static size_t map_clean(uint32_t c, char *out)
{
    if (c == 0 || c == 0xFFFD)
        return 0;
    bool kept_control = c == '\t' || c == '\n' || c == '\r';
    if (!kept_control && char_is_control(c))
        return 0;
    if (char_is_space(c)) {
        out[0] = ' ';
        return 1;
    }
    return SIZE_MAX;
}

static size_t map_clean_original(uint32_t c, char *out)
{
    return char_is_private(c) ? SIZE_MAX : map_clean(c, out);
}

/* The CJK blocks that BERT puts spaces round. Hangul and kana are not among them. */
static size_t map_chinese(uint32_t c, char *out)
{
    bool is = (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
              (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
              (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
    if (!is)
        return SIZE_MAX;
    out[0] = ' ';
    int n = utf8_encode(out + 1, c);
    out[n + 1] = ' ';
    return (size_t)n + 2;
}

BertFate normalizer_bert_fate(const NormalizerStep *step, uint32_t c)
{
    char out[32];
    size_t n = !step->clean_text ? SIZE_MAX : step->keeps_private ? map_clean_original(c, out) : map_clean(c, out);
    if (n == 0)
        return BERT_DROPS;
    if (n != SIZE_MAX || (step->strip_accents && !normalize_is_inert(NORMALIZE_NFD, c)) || (step->lowercase && map_lower(c, out) != SIZE_MAX))
        return BERT_REWRITES;
    if (step->strip_accents && map_drop_nonspacing(c, out) == 0)
        return BERT_DROPS;
    return step->chinese_chars && map_chinese(c, out) != SIZE_MAX ? BERT_SETS_APART : BERT_KEEPS;
}

bool normalizer_bert_is_clean(const NormalizerStep *step, uint32_t c)
{
    char out[32];
    return !step->clean_text || (step->keeps_private ? map_clean_original(c, out) : map_clean(c, out)) == SIZE_MAX;
}

bool normalizer_bert_keeps_late(const NormalizerStep *step, uint32_t c)
{
    char out[32];
    return !char_is_space(c) && !(step->lowercase && map_lower(c, out) != SIZE_MAX);
}

static Piece run_bert(const NormalizerStep *step, Arena *arena, Piece text)
{
    if (step->clean_text)
        text = run_char_map(step->keeps_private ? map_clean_original : map_clean, arena, text);
    if (step->chinese_chars)
        text = run_char_map(map_chinese, arena, text);
    if (step->strip_accents)
        text = run_char_map(map_drop_nonspacing, arena, run_form(NORMALIZE_NFD, arena, text));
    if (step->lowercase)
        text = run_char_map(map_lower, arena, text);
    return text;
}

static Piece run_strip(const NormalizerStep *step, Piece text)
{
    size_t begin = 0, end = text.n;
    uint32_t c;
    while (step->left && begin < end) {
        int length = utf8_decode_quick(&c, text.bytes + begin, text.bytes + end);
        if (!char_is_space(c))
            break;
        begin += (size_t)length;
    }
    while (step->right && begin < end) {
        size_t start = end - 1;
        while (start > begin && end - start < UTF8_BYTES_MAX && ((unsigned char)text.bytes[start] & 0xC0) == 0x80)
            start--;
        int length = utf8_decode_quick(&c, text.bytes + start, text.bytes + end);
        if (start + (size_t)length != end || !char_is_space(c))
            break;
        end = start;
    }
    Piece stripped = piece_part(text, begin, end);
    stripped.at_start = text.at_start;
    return stripped;
}

static bool next_hit(const NormalizerStep *step, Piece text, size_t from, SplitSpan *span)
{
    if (step->regex)
        return splitter_next(step->regex, text.bytes, text.n, from, span);
    size_t n = strlen(step->pattern);
    const char *hit = n ? memmem(text.bytes + from, text.n - from, step->pattern, n) : NULL;
    if (!hit)
        return false;
    span->begin = (size_t)(hit - text.bytes);
    span->end = span->begin + n;
    return true;
}

/* Ill-formed subparts as U+FFFD, for regular expressions. */
static Piece repair(Arena *arena, Piece text)
{
    if (utf8_is_valid(text.bytes, text.n))
        return text;
    Rewriter rewriter;
    rewriter_init(&rewriter, arena, text);
    for (size_t at = 0; at < text.n;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
        if (c == UTF8_ILL_FORMED)
            rewriter_put(&rewriter, "\xEF\xBF\xBD", 3, text.source ? text.source[at] : 0);
        else
            rewriter_copy(&rewriter, text, at, at + length);
        at += length;
    }
    return rewriter_finish(&rewriter, text);
}

static Piece run_replace(const NormalizerStep *step, Arena *arena, Piece text)
{
    if (step->regex)
        text = repair(arena, text);
    Rewriter rewriter;
    rewriter_init(&rewriter, arena, text);
    size_t at = 0;
    for (SplitSpan span; next_hit(step, text, at, &span); at = span.end) {
        rewriter_copy(&rewriter, text, at, span.begin);
        rewriter_put(&rewriter, step->content, strlen(step->content), text.source ? text.source[span.begin] : 0);
    }
    rewriter_copy(&rewriter, text, at, text.n);
    return rewriter_finish(&rewriter, text);
}

static Piece run_prepend(const NormalizerStep *step, Arena *arena, Piece text)
{
    if (text.n == 0)
        return text;
    Rewriter rewriter;
    rewriter_init(&rewriter, arena, text);
    rewriter_put(&rewriter, step->content, strlen(step->content), text.source ? text.source[0] : 0);
    rewriter_copy(&rewriter, text, 0, text.n);
    return rewriter_finish(&rewriter, text);
}

Piece normalizer_run(const NormalizerStep *steps, int n_steps, Arena *arena, Piece text)
{
    for (int i = 0; i < n_steps; i++) {
        const NormalizerStep *step = &steps[i];
        switch (step->kind) {
        case NORMALIZER_NFC: text = run_form(NORMALIZE_NFC, arena, text); break;
        case NORMALIZER_NFD: text = run_form(NORMALIZE_NFD, arena, text); break;
        case NORMALIZER_NFKC: text = run_form(NORMALIZE_NFKC, arena, text); break;
        case NORMALIZER_NFKD: text = run_form(NORMALIZE_NFKD, arena, text); break;
        case NORMALIZER_LOWERCASE: text = run_char_map(map_lower, arena, text); break;
        case NORMALIZER_STRIP: text = run_strip(step, text); break;
        case NORMALIZER_STRIP_ACCENTS: text = run_char_map(map_drop_marks, arena, text); break;
        case NORMALIZER_REPLACE: text = run_replace(step, arena, text); break;
        case NORMALIZER_PREPEND: text = run_prepend(step, arena, text); break;
        case NORMALIZER_BERT: text = run_bert(step, arena, text); break;
        case NORMALIZER_CHARSMAP: text = charsmap_run_graphemes(step->charsmap, arena, text); break;
        case NORMALIZER_SENTENCEPIECE: text = charsmap_run_sentencepiece(step, arena, text); break;
        }
    }
    return text;
}
