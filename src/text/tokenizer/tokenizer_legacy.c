/* tokenizer_legacy.c - formats from before tokenizer.json: vocab.json beside merges.txt (GPT-2, CLIP) and vocab.txt (BERT). They hold tokens
 * only; the rules round them are those of the program that the format belongs to. */
#include "text/tokenizer/byte_level.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

bool tokenizer_next_line(const char **at, const char *end, const char **line, size_t *n)
{
    if (*at >= end)
        return false;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    *line = *at;
    *at = stop ? stop + 1 : end;
    *n = (size_t)((stop ? stop : end) - *line);
    if (*n && (*line)[*n - 1] == '\r')
        --*n;
    return true;
}

static Err read_vocab_json(Tokenizer *tok, const char *bytes, size_t n_bytes)
{
    Arena *arena = arena_new();
    JsonReader *r = mem_alloc(sizeof *r);
    JsonText key;
    json_reader_init(r, tok->name, bytes, n_bytes);
    Err err = json_object_begin(r);
    while (err == OK && json_object_next(r, &key)) {
        int64_t id;
        size_t n;
        const char *text = json_text_value(key, arena, &n);
        err = json_int(r, &id);
        if (err == OK && (id < 0 || id > VOCAB_ID_MAX))
            err = json_fail(r, "token id %lld is out of range", (long long)id);
        if (err == OK) {
            err = vocab_add(&tok->vocab, (int32_t)id, text, n);
            if (err != OK)
                err_prefix(err, "%s", tok->name);
        }
    }
    if (err == OK)
        err = json_reader_end(r);
    free(r);
    arena_free(arena);
    return err;
}

static Err read_merges_txt(Tokenizer *tok, const char *bytes, size_t n_bytes)
{
    const char *at = bytes, *end = bytes + n_bytes, *line;
    size_t n;
    int64_t capacity = 0;
    bpe_merges_init(&tok->merges, n_bytes / 10);
    for (int64_t number = 1; tokenizer_next_line(&at, end, &line, &n); number++) {
        if (n == 0 || (number == 1 && n >= 8 && memcmp(line, "#version", 8) == 0))
            continue;
        const char *space = memchr(line, ' ', n);
        if (!space || memchr(space + 1, ' ', n - (size_t)(space + 1 - line)))
            return err_set(ERR_FORMAT, "%s: line %lld of the merges: expected two tokens with one space between", tok->name,
                           (long long)number);
        TRY(tokenizer_add_merge(tok, &capacity, line, (size_t)(space - line), space + 1, n - (size_t)(space - line) - 1));
    }
    return OK;
}

static void add_special_if_there(Tokenizer *tok, const char *text)
{
    int32_t id = tokenizer_id_of(tok, text);
    if (id >= 0)
        tokenizer_push_added(tok, text, strlen(text), id)->special = true;
}

static Err push_split(Tokenizer *tok, const char *pattern, SplitBehavior behavior, bool invert)
{
    Splitter *splitter;
    TRY(splitter_open(&splitter, pattern, SPLIT_UNICODE_LATEST));
    PretokenizerStep *step = tokenizer_push_pretokenizer(tok, PRETOKENIZER_SPLIT);
    step->splitter = splitter;
    step->behavior = behavior;
    step->invert = invert;
    return OK;
}

Err tokenizer_push_byte_level(Tokenizer *tok, const char *pattern)
{
    TRY(push_split(tok, pattern, SPLIT_ISOLATED, false));
    PretokenizerStep *split = &tok->pretokenizers[tok->n_pretokenizers - 1];
    if (splitter_kind(split->splitter) == SPLIT_GPT2)
        split->kind = PRETOKENIZER_BYTE_LEVEL;
    else
        tokenizer_push_pretokenizer(tok, PRETOKENIZER_BYTE_LEVEL);
    tokenizer_push_decoder(tok, DECODER_BYTE_LEVEL);
    return OK;
}

/* CLIP: NFC, white space to one space, lower case; words end in </w> (Radford et al. 2021). */
static Err push_clip(Tokenizer *tok)
{
    tokenizer_push_normalizer(tok, NORMALIZER_NFC);
    NormalizerStep *spaces = tokenizer_push_normalizer(tok, NORMALIZER_REPLACE);
    spaces->pattern = mem_strdup("\\s+");
    spaces->content = mem_strdup(" ");
    TRY(splitter_open_regex(&spaces->regex, spaces->pattern));
    tokenizer_push_normalizer(tok, NORMALIZER_LOWERCASE);
    TRY(push_split(tok, "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", SPLIT_REMOVED, true));
    tokenizer_push_pretokenizer(tok, PRETOKENIZER_BYTE_LEVEL);
    tok->suffix = mem_strdup("</w>");
    tokenizer_push_decoder(tok, DECODER_BYTE_LEVEL);
    tokenizer_push_decoder(tok, DECODER_BPE)->text = mem_strdup("</w>");
    return OK;
}

Err tokenizer_read_vocab_merges(Tokenizer **out, const char *name, const char *vocab, size_t n_vocab, const char *merges,
                                size_t n_merges)
{
    Tokenizer *tok = tokenizer_new(MODEL_BPE, name);
    Err err = read_vocab_json(tok, vocab, n_vocab);
    if (err == OK)
        err = read_merges_txt(tok, merges, n_merges);
    if (err == OK) {
        bool is_clip = memmem(merges, n_merges, "</w>\n", 5) != NULL;
        add_special_if_there(tok, "<|startoftext|>");
        add_special_if_there(tok, "<|endoftext|>");
        if (is_clip)
            tok->unk_id = tokenizer_id_of(tok, "<|endoftext|>");
        err = is_clip ? push_clip(tok) : tokenizer_push_byte_level(tok, "gpt2");
    }
    if (err == OK)
        err = tokenizer_finish(tok);
    if (err == OK)
        *out = tok;
    else
        tokenizer_free(tok);
    return err;
}

/* A vocabulary with capital letters was not made from lower-cased text. */
static bool has_capitals(const Tokenizer *tok)
{
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        const char *text = vocab_text(&tok->vocab, id, NULL);
        if (text && strncmp(text, "##", 2) == 0)
            text += 2;
        if (text && text[0] >= 'A' && text[0] <= 'Z')
            return true;
    }
    return false;
}

static Err push_bert(Tokenizer *tok, const BertOptions *options)
{
    static const char *const specials[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        add_special_if_there(tok, specials[i]);
    NormalizerStep *step = tokenizer_push_normalizer(tok, NORMALIZER_BERT);
    step->clean_text = true;
    step->keeps_private = !options->is_hugging_face;
    tok->max_word_chars = options->is_hugging_face ? 100 : 200;
    step->chinese_chars = options->chinese_chars != 0;
    step->lowercase = options->lowercase < 0 ? !has_capitals(tok) : options->lowercase;
    step->strip_accents = options->strip_accents < 0 ? step->lowercase : options->strip_accents;
    tokenizer_push_pretokenizer(tok, PRETOKENIZER_BERT);
    DecoderStep *decoder = tokenizer_push_decoder(tok, DECODER_WORDPIECE);
    decoder->text = mem_strdup("##");
    decoder->cleanup = true;
    tok->prefix = mem_strdup("##");
    tok->unk_id = tokenizer_id_of(tok, "[UNK]");
    int32_t cls = tokenizer_id_of(tok, "[CLS]"), sep = tokenizer_id_of(tok, "[SEP]");
    if (cls < 0 || sep < 0)
        return OK;
    tok->post_before[tok->n_post_before++] = cls;
    tok->post_after[tok->n_post_after++] = sep;
    Arena *arena = arena_new();
    tok->post_processor_json = mem_strdup(arena_printf(arena, "{\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", %d], \"cls\": [\"[CLS]\", %d]}",
                                                       sep, cls));
    arena_free(arena);
    return OK;
}

Err tokenizer_read_vocab_txt(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes, const BertOptions *options)
{
    Tokenizer *tok = tokenizer_new(MODEL_WORDPIECE, name);
    const char *at = bytes, *end = bytes + n_bytes, *line;
    size_t n;
    Err err = OK;
    for (int32_t id = 0; err == OK && tokenizer_next_line(&at, end, &line, &n); id++) {
        if (n == 0 && at >= end)
            break;
        err = vocab_add(&tok->vocab, id, line, n);
        if (err != OK)
            err_prefix(err, "%s:%d", name, id + 1);
    }
    if (err == OK)
        err = push_bert(tok, options);
    if (err == OK && tok->unk_id < 0)
        err = err_set(ERR_FORMAT, "%s: no [UNK] among the tokens", name);
    if (err == OK)
        err = tokenizer_finish(tok);
    if (err == OK)
        *out = tok;
    else
        tokenizer_free(tok);
    return err;
}
