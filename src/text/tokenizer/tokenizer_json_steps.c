/* tokenizer_json_steps.c - normalizers, pre-tokenizers and decoders of a tokenizer.json. */
#include "text/tokenizer/base64.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/tokenizer_json.h"

#include <stdlib.h>
#include <string.h>

static Err read_charsmap(TokenizerJsonReader *in, NormalizerStep *step)
{
    const char *text;
    size_t n;
    if (step->charsmap)
        return json_fail(in->r, "a second \"precompiled_charsmap\"");
    TRY(json_string(in->r, in->arena, &text, &n));
    char *blob = arena_alloc(in->arena, n + 1);
    int64_t n_blob = base64_decode(blob, text, n);
    return n_blob < 0 ? json_fail(in->r, "expected base64") : charsmap_open(&step->charsmap, in->tok->name, blob, (size_t)n_blob);
}

Err tokenizer_json_read_normalizer(TokenizerJsonReader *in)
{
    static const char *const names[] = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Replace", "Prepend",
                                        "BertNormalizer", "Precompiled", NULL};
    const char *type;
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    TRY(tokenizer_json_peek_type(in, &type));
    if (strcmp(type, "Sequence") == 0)
        return tokenizer_json_sequence(in, "normalizers", tokenizer_json_read_normalizer);
    int kind = tokenizer_json_index(names, type);
    if (kind < 0)
        return tokenizer_json_unknown(in, "normalizer", type);
    NormalizerStep *step = tokenizer_push_normalizer(in->tok, (NormalizerKind)kind);
    step->clean_text = step->chinese_chars = step->lowercase = step->left = step->right = true;
    bool accents_given = false, is_regex = false;
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (json_text_is(key, "strip_left"))
            TRY(json_bool(in->r, &step->left));
        else if (json_text_is(key, "strip_right"))
            TRY(json_bool(in->r, &step->right));
        else if (json_text_is(key, "clean_text"))
            TRY(json_bool(in->r, &step->clean_text));
        else if (json_text_is(key, "handle_chinese_chars"))
            TRY(json_bool(in->r, &step->chinese_chars));
        else if (json_text_is(key, "lowercase"))
            TRY(json_bool(in->r, &step->lowercase));
        else if (json_text_is(key, "strip_accents")) {
            accents_given = json_peek(in->r) != JSON_NULL;
            TRY(tokenizer_json_optional_bool(in, &step->strip_accents));
        } else if (json_text_is(key, "content") || json_text_is(key, "prepend"))
            TRY(tokenizer_json_optional_string(in, &step->content));
        else if (json_text_is(key, "pattern"))
            TRY(tokenizer_json_pattern(in, &step->pattern, &is_regex));
        else if (json_text_is(key, "precompiled_charsmap"))
            TRY(read_charsmap(in, step));
        else
            TRY(json_skip(in->r));
    }
    TRY(in->r->err);
    if (!accents_given)
        step->strip_accents = step->lowercase;
    bool needs_content = step->kind == NORMALIZER_REPLACE || step->kind == NORMALIZER_PREPEND;
    if ((needs_content && !step->content) || (step->kind == NORMALIZER_REPLACE && !step->pattern) ||
        (step->kind == NORMALIZER_CHARSMAP && !step->charsmap))
        return json_fail(in->r, "normalizer \"%s\" is incomplete", type);
    return is_regex ? splitter_open_regex(&step->regex, step->pattern) : OK;
}

static Err read_behavior(TokenizerJsonReader *in, SplitBehavior *behavior)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous", NULL};
    const char *text;
    TRY(json_string(in->r, in->arena, &text, NULL));
    int kind = tokenizer_json_index(names, text);
    if (kind < 0)
        return json_fail(in->r, "unknown split behavior \"%s\"", text);
    *behavior = (SplitBehavior)kind;
    return OK;
}

static Err read_prepend_scheme(TokenizerJsonReader *in, MetaspacePrepend *prepend)
{
    static const char *const names[] = {"always", "first", "never", NULL};
    const char *text;
    TRY(json_string(in->r, in->arena, &text, NULL));
    int kind = tokenizer_json_index(names, text);
    if (kind < 0)
        return json_fail(in->r, "unknown prepend_scheme \"%s\"", text);
    *prepend = (MetaspacePrepend)kind;
    return OK;
}

/* \w is Alphabetic, marks, decimal digits, connectors and joiners to tokenizers' regular expressions. */
#define WORD_CHARS "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}"

Err tokenizer_json_read_pretokenizer(TokenizerJsonReader *in)
{
    static const char *const names[] = {"Split", "ByteLevel", "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Metaspace",
                                        "Punctuation", "Digits", NULL};
    const char *type;
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    TRY(tokenizer_json_peek_type(in, &type));
    if (strcmp(type, "Sequence") == 0)
        return tokenizer_json_sequence(in, "pretokenizers", tokenizer_json_read_pretokenizer);
    bool jamo = strcmp(type, "JamoByteLevel") == 0;
    int kind = jamo ? PRETOKENIZER_BYTE_LEVEL : tokenizer_json_index(names, type);
    if (kind < 0)
        return tokenizer_json_unknown(in, "pre-tokenizer", type);
    PretokenizerStep *step = tokenizer_push_pretokenizer(in->tok, (PretokenizerKind)kind);
    step->jamo = jamo;
    step->behavior = SPLIT_ISOLATED;
    step->trim_offsets = step->metaspace_split = true;
    bool use_regex = true, is_regex = false, prefix_space = true, invert = false;
    char *pattern = NULL;
    JsonText key;
    Err err = json_object_begin(in->r);
    while (err == OK && json_object_next(in->r, &key)) {
        if (json_text_is(key, "add_prefix_space"))
            err = json_bool(in->r, &prefix_space);
        else if (json_text_is(key, "trim_offsets"))
            err = json_bool(in->r, &step->trim_offsets);
        else if (json_text_is(key, "use_regex"))
            err = json_bool(in->r, &use_regex);
        else if (json_text_is(key, "pattern"))
            err = tokenizer_json_pattern(in, &pattern, &is_regex);
        else if (json_text_is(key, "behavior"))
            err = read_behavior(in, &step->behavior);
        else if (json_text_is(key, "invert"))
            err = json_bool(in->r, &invert);
        else if (json_text_is(key, "replacement"))
            err = tokenizer_json_optional_string(in, &step->literal);
        else if (json_text_is(key, "prepend_scheme"))
            err = read_prepend_scheme(in, &step->prepend);
        else if (json_text_is(key, "split"))
            err = json_bool(in->r, &step->metaspace_split);
        else if (json_text_is(key, "individual_digits"))
            err = json_bool(in->r, &step->individual_digits);
        else
            err = json_skip(in->r);
    }
    if (err == OK)
        err = in->r->err;
    step->invert = invert;
    if (err == OK && step->kind == PRETOKENIZER_BYTE_LEVEL) {
        step->add_prefix_space = prefix_space;
        if (use_regex)
            err = splitter_open(&step->splitter, "gpt2", SPLIT_UNICODE_LATEST);
    } else if (err == OK && step->kind == PRETOKENIZER_SPLIT && !pattern) {
        err = json_fail(in->r, "Split without a pattern");
    } else if (err == OK && step->kind == PRETOKENIZER_SPLIT && is_regex) {
        err = splitter_open(&step->splitter, pattern, SPLIT_UNICODE_LATEST);
    } else if (err == OK && step->kind == PRETOKENIZER_SPLIT) {
        free(step->literal);
        step->literal = pattern;
        pattern = NULL;
    } else if (err == OK && step->kind == PRETOKENIZER_WHITESPACE) {
        step->behavior = SPLIT_REMOVED;
        step->invert = true;
        err = splitter_open(&step->splitter, "[" WORD_CHARS "]+|[^" WORD_CHARS "\\s]+", SPLIT_UNICODE_LATEST);
    } else if (err == OK && step->kind == PRETOKENIZER_METASPACE) {
        if (!step->literal)
            step->literal = mem_strdup("\xE2\x96\x81");
        if (!prefix_space)
            step->prepend = METASPACE_NEVER;
    }
    free(pattern);
    return err;
}

Err tokenizer_json_read_decoder(TokenizerJsonReader *in)
{
    static const char *const names[] = {"ByteLevel", "WordPiece", "Metaspace", "BPEDecoder", "ByteFallback", "Fuse", "Strip",
                                        "Replace", "JamoByteLevel", "JamoFallback", NULL};
    const char *type;
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    TRY(tokenizer_json_peek_type(in, &type));
    if (strcmp(type, "Sequence") == 0)
        return tokenizer_json_sequence(in, "decoders", tokenizer_json_read_decoder);
    int kind = tokenizer_json_index(names, type);
    if (kind < 0)
        return tokenizer_json_unknown(in, "decoder", type);
    DecoderStep *step = tokenizer_push_decoder(in->tok, (DecoderKind)kind);
    step->cleanup = true;
    bool is_regex = false, prefix_space = true;
    int64_t start = 0, stop = 0;
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        bool is_content = json_text_is(key, "content");
        if (json_text_is(key, "prefix") || json_text_is(key, "suffix") || json_text_is(key, "replacement") ||
            (is_content && step->kind == DECODER_STRIP))
            TRY(tokenizer_json_optional_string(in, &step->text));
        else if (is_content)
            TRY(tokenizer_json_optional_string(in, &step->content));
        else if (json_text_is(key, "pattern"))
            TRY(tokenizer_json_pattern(in, &step->text, &is_regex));
        else if (json_text_is(key, "cleanup"))
            TRY(json_bool(in->r, &step->cleanup));
        else if (json_text_is(key, "prepend_scheme"))
            TRY(read_prepend_scheme(in, &step->prepend));
        else if (json_text_is(key, "add_prefix_space"))
            TRY(json_bool(in->r, &prefix_space));
        else if (json_text_is(key, "start"))
            TRY(json_int(in->r, &start));
        else if (json_text_is(key, "stop"))
            TRY(json_int(in->r, &stop));
        else
            TRY(json_skip(in->r));
    }
    TRY(in->r->err);
    step->start = start < 0 ? 0 : start > 1 << 20 ? 1 << 20 : (int)start;
    step->stop = stop < 0 ? 0 : stop > 1 << 20 ? 1 << 20 : (int)stop;
    if (is_regex)
        return tokenizer_json_unknown(in, "decoder", "Replace by Regex");
    if (step->kind == DECODER_METASPACE && !prefix_space)
        step->prepend = METASPACE_NEVER;
    bool needs_text = step->kind != DECODER_BYTE_LEVEL && step->kind != DECODER_FUSE && step->kind != DECODER_BYTE_FALLBACK &&
                      step->kind != DECODER_JAMO && step->kind != DECODER_JAMO_FALLBACK;
    if (needs_text && !step->text)
        step->text = mem_strdup(step->kind == DECODER_WORDPIECE ? "##" : step->kind == DECODER_BPE ? "</w>" : "\xE2\x96\x81");
    if (step->kind == DECODER_REPLACE && !step->content)
        step->content = mem_strdup("");
    return OK;
}

