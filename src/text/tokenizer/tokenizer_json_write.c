/* tokenizer_json_write.c - a Tokenizer as Hugging Face's tokenizer.json, and the directory round it. */
#include "text/tokenizer/base64.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/unigram.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    JsonWriter *w;
    const Tokenizer *tok;
    bool for_hash;
} Writer;

static void field_text(Writer *out, const char *key, const char *text)
{
    json_write_key(out->w, key);
    if (text)
        json_write_string(out->w, text);
    else
        json_write_null(out->w);
}

static void open_type(Writer *out, const char *type)
{
    json_write_object_begin(out->w);
    json_field_string(out->w, "type", type);
}

static void write_pattern(Writer *out, const char *kind, const char *text)
{
    json_write_key(out->w, "pattern");
    json_write_object_begin(out->w);
    json_field_string(out->w, kind, text);
    json_write_object_end(out->w);
}

static void write_base64(Writer *out, const char *bytes, size_t n)
{
    char *text = mem_alloc((n + 2) / 3 * 4 + 1);
    json_write_string_bytes(out->w, text, base64_encode(text, bytes, n));
    free(text);
}

static void write_normalizer(Writer *out, const NormalizerStep *step)
{
    static const char *const names[] = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Replace", "Prepend",
                                        "BertNormalizer", "Precompiled", "SentencePiece"};
    open_type(out, names[step->kind]);
    switch (step->kind) {
    case NORMALIZER_STRIP:
        json_field_bool(out->w, "strip_left", step->left);
        json_field_bool(out->w, "strip_right", step->right);
        break;
    case NORMALIZER_REPLACE:
        write_pattern(out, step->regex ? "Regex" : "String", step->pattern);
        field_text(out, "content", step->content);
        break;
    case NORMALIZER_PREPEND:
        field_text(out, "prepend", step->content);
        break;
    case NORMALIZER_BERT:
        json_field_bool(out->w, "clean_text", step->clean_text);
        json_field_bool(out->w, "handle_chinese_chars", step->chinese_chars);
        json_field_bool(out->w, "strip_accents", step->strip_accents);
        json_field_bool(out->w, "lowercase", step->lowercase);
        if (out->for_hash && step->keeps_private)
            json_field_bool(out->w, "keeps_private", true);
        break;
    case NORMALIZER_SENTENCEPIECE:
        json_field_bool(out->w, "add_dummy_prefix", step->add_dummy_prefix);
        json_field_bool(out->w, "remove_extra_whitespaces", step->remove_extra_spaces);
        json_field_bool(out->w, "escape_whitespaces", step->escape_spaces);
        json_field_bool(out->w, "treat_whitespace_as_suffix", step->spaces_behind);
        /* fall through */
    case NORMALIZER_CHARSMAP: {
        size_t n;
        const char *blob = charsmap_blob(step->charsmap, &n);
        json_write_key(out->w, "precompiled_charsmap");
        write_base64(out, blob, n);
        break;
    }
    default:
        break;
    }
    json_write_object_end(out->w);
}

static const char *const behavior_names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
static const char *const prepend_names[] = {"always", "first", "never"};

static void write_pretokenizer(Writer *out, const PretokenizerStep *step)
{
    static const char *const names[] = {"Split", "ByteLevel", "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Metaspace",
                                        "Punctuation", "Digits"};
    open_type(out, step->jamo ? "JamoByteLevel" : names[step->kind]);
    switch (step->kind) {
    case PRETOKENIZER_SPLIT:
        write_pattern(out, step->splitter ? "Regex" : "String",
                      step->splitter ? split_pattern_portable(step->splitter) : step->literal);
        json_field_string(out->w, "behavior", behavior_names[step->behavior]);
        json_field_bool(out->w, "invert", step->invert);
        break;
    case PRETOKENIZER_BYTE_LEVEL:
        json_field_bool(out->w, "add_prefix_space", step->add_prefix_space);
        json_field_bool(out->w, "trim_offsets", step->trim_offsets);
        json_field_bool(out->w, "use_regex", step->splitter != NULL);
        break;
    case PRETOKENIZER_METASPACE:
        json_field_string(out->w, "replacement", step->literal);
        json_field_string(out->w, "prepend_scheme", prepend_names[step->prepend]);
        json_field_bool(out->w, "split", step->metaspace_split);
        break;
    case PRETOKENIZER_PUNCTUATION:
        json_field_string(out->w, "behavior", behavior_names[step->behavior]);
        break;
    case PRETOKENIZER_DIGITS:
        json_field_bool(out->w, "individual_digits", step->individual_digits);
        break;
    default:
        break;
    }
    json_write_object_end(out->w);
}

static void write_decoder(Writer *out, const DecoderStep *step)
{
    static const char *const names[] = {"ByteLevel", "WordPiece", "Metaspace", "BPEDecoder", "ByteFallback", "Fuse", "Strip",
                                        "Replace",   "JamoByteLevel", "JamoFallback"};
    open_type(out, names[step->kind]);
    switch (step->kind) {
    case DECODER_BYTE_LEVEL:
        json_field_bool(out->w, "add_prefix_space", true);
        json_field_bool(out->w, "trim_offsets", true);
        json_field_bool(out->w, "use_regex", true);
        break;
    case DECODER_WORDPIECE:
        json_field_string(out->w, "prefix", step->text);
        json_field_bool(out->w, "cleanup", step->cleanup);
        break;
    case DECODER_METASPACE:
        json_field_string(out->w, "replacement", step->text);
        json_field_string(out->w, "prepend_scheme", prepend_names[step->prepend]);
        json_field_bool(out->w, "split", true);
        break;
    case DECODER_BPE:
        json_field_string(out->w, "suffix", step->text);
        break;
    case DECODER_STRIP:
        json_field_string(out->w, "content", step->text);
        json_field_int(out->w, "start", step->start);
        json_field_int(out->w, "stop", step->stop);
        break;
    case DECODER_REPLACE:
        write_pattern(out, "String", step->text);
        json_field_string(out->w, "content", step->content);
        break;
    case DECODER_BYTE_FALLBACK:
    case DECODER_FUSE:
    case DECODER_JAMO:
    case DECODER_JAMO_FALLBACK:
        break;
    }
    json_write_object_end(out->w);
}

/* null, the only step, or a Sequence of them. */
#define WRITE_STEPS(out, key, list_key, steps, n, write_one)     \
    do {                                                         \
        json_write_key((out)->w, key);                           \
        if ((n) == 0)                                            \
            json_write_null((out)->w);                           \
        if ((n) > 1) {                                           \
            open_type(out, "Sequence");                          \
            json_write_key((out)->w, list_key);                  \
            json_write_array_begin((out)->w);                    \
        }                                                        \
        for (int step_ = 0; step_ < (n); step_++)                \
            write_one(out, &(steps)[step_]);                     \
        if ((n) > 1) {                                           \
            json_write_array_end((out)->w);                      \
            json_write_object_end((out)->w);                     \
        }                                                        \
    } while (0)

static void write_added(Writer *out)
{
    json_write_key(out->w, "added_tokens");
    json_write_array_begin(out->w);
    for (int i = 0; i < out->tok->n_added; i++) {
        const AddedToken *token = &out->tok->added[i];
        json_write_object_begin(out->w);
        json_field_int(out->w, "id", token->id);
        json_write_key(out->w, "content");
        json_write_string_bytes(out->w, token->content, token->n_bytes);
        json_field_bool(out->w, "single_word", token->single_word);
        json_field_bool(out->w, "lstrip", token->lstrip);
        json_field_bool(out->w, "rstrip", token->rstrip);
        json_field_bool(out->w, "normalized", token->normalized);
        json_field_bool(out->w, "special", token->special);
        json_write_object_end(out->w);
    }
    json_write_array_end(out->w);
}

static void write_token(Writer *out, int32_t id)
{
    size_t n;
    const char *text = vocab_text(&out->tok->vocab, id, &n);
    json_write_string_bytes(out->w, text, n);
}

static void write_vocab(Writer *out)
{
    const Tokenizer *tok = out->tok;
    json_write_key(out->w, "vocab");
    if (tok->unigram) {
        json_write_array_begin(out->w);
        for (int32_t id = 0; id < tok->unigram->n; id++) {
            json_write_array_begin(out->w);
            write_token(out, id);
            json_write_double(out->w, tok->unigram->scores[id]);
            json_write_array_end(out->w);
        }
        json_write_array_end(out->w);
        return;
    }
    json_write_object_begin(out->w);
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        if (!text || tokenizer_is_added_only(tok, id))
            continue;
        json_write_key(out->w, text);
        json_write_int(out->w, id);
    }
    json_write_object_end(out->w);
}

static void write_merges(Writer *out)
{
    json_write_key(out->w, "merges");
    json_write_array_begin(out->w);
    for (int64_t i = 0; i < out->tok->n_rules; i++) {
        json_write_array_begin(out->w);
        write_token(out, out->tok->rules[i].left);
        write_token(out, out->tok->rules[i].right);
        json_write_array_end(out->w);
    }
    json_write_array_end(out->w);
}

static void write_jamo_fallback(Writer *out)
{
    if (out->tok->jamo_fallback)
        json_field_bool(out->w, "jamo_fallback", true);
}

static void write_model(Writer *out)
{
    static const char *const names[] = {"BPE", "WordPiece", "Unigram", "WordLevel"};
    const Tokenizer *tok = out->tok;
    const char *unk = tok->unk_id >= 0 ? vocab_text(&tok->vocab, tok->unk_id, NULL) : NULL;
    json_write_key(out->w, "model");
    open_type(out, names[tok->model]);
    switch (tok->model) {
    case MODEL_BPE:
        field_text(out, "dropout", NULL);
        field_text(out, "unk_token", unk);
        field_text(out, "continuing_subword_prefix", tok->prefix);
        field_text(out, "end_of_word_suffix", tok->suffix);
        json_field_bool(out->w, "fuse_unk", tok->fuse_unk);
        json_field_bool(out->w, "byte_fallback", tok->byte_fallback);
        json_field_bool(out->w, "ignore_merges", tok->ignore_merges);
        write_jamo_fallback(out);
        write_vocab(out);
        write_merges(out);
        break;
    case MODEL_WORDPIECE:
        field_text(out, "unk_token", unk ? unk : "");
        field_text(out, "continuing_subword_prefix", tok->prefix ? tok->prefix : "");
        json_field_int(out->w, "max_input_chars_per_word", tok->max_word_chars);
        write_vocab(out);
        break;
    case MODEL_UNIGRAM:
        json_write_key(out->w, "unk_id");
        if (tok->unk_id >= 0)
            json_write_int(out->w, tok->unk_id);
        else
            json_write_null(out->w);
        write_vocab(out);
        json_field_bool(out->w, "byte_fallback", tok->byte_fallback);
        write_jamo_fallback(out);
        break;
    case MODEL_WORDLEVEL:
        write_vocab(out);
        field_text(out, "unk_token", unk ? unk : "");
        break;
    }
    json_write_object_end(out->w);
}

/* JSON holds well-formed text; a NUL would end a key. */
static Err check_texts(const Tokenizer *tok)
{
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        if (text && (!utf8_is_valid(text, n) || memchr(text, 0, n)))
            return err_set(ERR_UNSUPPORTED, "%s: tokenizer.json cannot say token %d, which is not UTF-8 text", tok->name, id);
    }
    return OK;
}

Err tokenizer_write_json(const Tokenizer *tok, Arena *arena, bool for_hash, const char **text, size_t *n_bytes)
{
    if (!for_hash && tok->n_normalizers && tok->normalizers[0].kind == NORMALIZER_SENTENCEPIECE) {
        Tokenizer *view;
        TRY(tokenizer_sentencepiece_to_json(tok, &view));
        Err err = tokenizer_write_json(view, arena, false, text, n_bytes);
        tokenizer_free(view);
        return err;
    }
    if (!for_hash)
        TRY(check_texts(tok));
    if (!for_hash && tok->model == MODEL_BPE && tok->n_rules == 0 && tok->merges.n_merges > 0)
        return err_set(ERR_UNSUPPORTED, "%s: the vocabulary has ranks but no list of merges", tok->name);
    for (int i = 0; i < tok->n_normalizers && !for_hash; i++)
        if (tok->normalizers[i].keeps_private)
            log_warn("%s: read from tokenizer.json, private-use characters (U+E000 ...) will be dropped instead of becoming unk", tok->name);
    Writer out = {json_writer_new(for_hash ? 0 : 2), tok, for_hash};
    json_write_object_begin(out.w);
    json_field_string(out.w, "version", "1.0");
    field_text(&out, "truncation", NULL);
    field_text(&out, "padding", NULL);
    write_added(&out);
    WRITE_STEPS(&out, "normalizer", "normalizers", tok->normalizers, tok->n_normalizers, write_normalizer);
    WRITE_STEPS(&out, "pre_tokenizer", "pretokenizers", tok->pretokenizers, tok->n_pretokenizers, write_pretokenizer);
    json_write_key(out.w, "post_processor");
    if (tok->post_processor_json)
        json_write_raw(out.w, tok->post_processor_json, strlen(tok->post_processor_json));
    else
        json_write_null(out.w);
    WRITE_STEPS(&out, "decoder", "decoders", tok->decoders, tok->n_decoders, write_decoder);
    write_model(&out);
    json_write_object_end(out.w);
    const char *written = json_writer_text(out.w, n_bytes);
    *text = arena_strndup(arena, written, *n_bytes);
    json_writer_free(out.w);
    return OK;
}

static void role_field(JsonWriter *w, const Tokenizer *tok, const char *key, SpecialToken which)
{
    if (tok->specials[which] >= 0)
        json_field_string(w, key, vocab_text(&tok->vocab, tok->specials[which], NULL));
}

static void write_roles(JsonWriter *w, const Tokenizer *tok)
{
    role_field(w, tok, "bos_token", SPECIAL_BOS);
    role_field(w, tok, "eos_token", SPECIAL_EOS);
    role_field(w, tok, "unk_token", SPECIAL_UNK);
    role_field(w, tok, "pad_token", SPECIAL_PAD);
    role_field(w, tok, "mask_token", SPECIAL_MASK);
    role_field(w, tok, "sep_token", SPECIAL_SEP);
    role_field(w, tok, "cls_token", SPECIAL_CLS);
}

static Err save_small(const char *dir, Arena *arena, const char *name, JsonWriter *w)
{
    size_t n;
    json_write_object_end(w);
    const char *text = json_writer_text(w, &n);
    Err err = file_write(arena_printf(arena, "%s/%s", dir, name), arena_printf(arena, "%s\n", text), n + 1);
    json_writer_free(w);
    return err;
}

Err tokenizer_save(const Tokenizer *tok, const char *dir)
{
    Arena *arena = arena_new();
    const char *text;
    size_t n;
    Err err = tokenizer_write_json(tok, arena, false, &text, &n);
    if (err == OK)
        err = file_make_dirs(dir);
    if (err == OK)
        err = file_write(arena_printf(arena, "%s/tokenizer.json", dir), text, n);
    if (err == OK && tok->chat_template)
        err = file_write(arena_printf(arena, "%s/chat_template.jinja", dir), tok->chat_template, strlen(tok->chat_template));
    if (err == OK && tok->config_json) {
        err = file_write(arena_printf(arena, "%s/tokenizer_config.json", dir), tok->config_json, strlen(tok->config_json));
    } else if (err == OK) {
        JsonWriter *w = json_writer_new(2);
        json_write_object_begin(w);
        json_field_string(w, "tokenizer_class", "PreTrainedTokenizerFast");
        json_field_bool(w, "clean_up_tokenization_spaces", false);
        if (tok->model_max_length > 0)
            json_field_int(w, "model_max_length", tok->model_max_length);
        write_roles(w, tok);
        err = save_small(dir, arena, "tokenizer_config.json", w);
    }
    if (err == OK) {
        JsonWriter *w = json_writer_new(2);
        json_write_object_begin(w);
        write_roles(w, tok);
        err = save_small(dir, arena, "special_tokens_map.json", w);
    }
    arena_free(arena);
    return err;
}
