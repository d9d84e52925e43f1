/* tokenizer_legacy_write.c - directories from before tokenizer.json: vocab.json beside merges.txt, and vocab.txt. Such files hold tokens only, so
 * what else a tokenizer does must be what their programs do anyway. */
#include "text/tokenizer/convert.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/tokenizer_ranks.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#include <string.h>

static Err cannot(const Tokenizer *tok, const char *format, const char *what)
{
    return err_set(ERR_UNSUPPORTED, "%s: %s cannot say %s", tok->name, format, what);
}

static const char merges_format[] = "vocab.json and merges.txt";

static Err check_gpt2(const Tokenizer *tok)
{
    if (tok->model != MODEL_BPE || !tok->byte_level || tok->jamo)
        return cannot(tok, merges_format, "anything but byte-level BPE");
    if (tok->n_normalizers || tok->prefix || tok->suffix || tok->unk_id >= 0)
        return cannot(tok, merges_format, "a normalizer, a prefix, a suffix or an unknown token");
    if (tok->n_pretokenizers != 1 || !tok->pretokenizers[0].splitter || splitter_kind(tok->pretokenizers[0].splitter) != SPLIT_GPT2 ||
        tok->pretokenizers[0].add_prefix_space)
        return cannot(tok, merges_format, "a split pattern other than GPT-2's");
    TokenizerFaults faults;
    tokenizer_find_faults(tok, &faults);
    if (faults.n_bypassed)
        return cannot(tok, merges_format, "tokens that are looked up whole and never merged");
    for (int i = 0; i < tok->n_added; i++) {
        const char *text = tok->added[i].content;
        bool known = strcmp(text, "<|endoftext|>") == 0 || strcmp(text, "<|startoftext|>") == 0;
        if (!known || !tok->added[i].special)
            return err_set(ERR_UNSUPPORTED, "%s: %s cannot say that \"%s\" is a token apart", tok->name, merges_format, text);
    }
    return OK;
}

static Err write_vocab_json(const Tokenizer *tok, const char *path)
{
    JsonWriter *w = json_writer_new(0);
    json_write_object_begin(w);
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        const char *text = vocab_text(&tok->vocab, id, NULL);
        if (!text)
            continue;
        json_write_key(w, text);
        json_write_int(w, id);
    }
    json_write_object_end(w);
    size_t n;
    const char *text = json_writer_text(w, &n);
    Err err = file_write(path, text, n);
    json_writer_free(w);
    return err;
}

static Err write_merges_txt(const Tokenizer *tok, const char *path)
{
    FileWriter *writer;
    TRY(file_writer_open(&writer, path));
    Err err = file_writer_printf(writer, "#version: 0.2\n");
    for (int64_t i = 0; i < tok->n_rules && err == OK; i++)
        err = file_writer_printf(writer, "%s %s\n", vocab_text(&tok->vocab, tok->rules[i].left, NULL),
                                 vocab_text(&tok->vocab, tok->rules[i].right, NULL));
    if (err == OK)
        return file_writer_commit(writer);
    file_writer_abort(writer);
    return err;
}

Err tokenizer_write_vocab_merges(const Tokenizer *tok, const char *dir)
{
    TRY(check_gpt2(tok));
    TRY(file_make_dirs(dir));
    Arena *arena = arena_new();
    Err err = write_vocab_json(tok, arena_printf(arena, "%s/vocab.json", dir));
    if (err == OK)
        err = write_merges_txt(tok, arena_printf(arena, "%s/merges.txt", dir));
    arena_free(arena);
    return err;
}

static Err check_bert(const Tokenizer *tok)
{
    static const char *const bert[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    if (tok->model != MODEL_WORDPIECE)
        return cannot(tok, "vocab.txt", "anything but WordPiece");
    const NormalizerStep *step = tok->normalizers;
    if (tok->n_normalizers != 1 || step->kind != NORMALIZER_BERT || !step->clean_text)
        return cannot(tok, "vocab.txt", "normalizers other than BERT's");
    if (tok->n_pretokenizers != 1 || tok->pretokenizers[0].kind != PRETOKENIZER_BERT)
        return cannot(tok, "vocab.txt", "a pre-tokenizer other than BERT's");
    if (!tok->prefix || strcmp(tok->prefix, "##") != 0 || tok->max_word_chars != (step->keeps_private ? 200 : 100))
        return cannot(tok, "vocab.txt", "this prefix of continuations or longest word");
    if (tok->unk_id < 0 || strcmp(vocab_text(&tok->vocab, tok->unk_id, NULL), "[UNK]") != 0)
        return cannot(tok, "vocab.txt", "an unknown token other than [UNK]");
    for (int i = 0; i < tok->n_added; i++) {
        bool known = false;
        for (int k = 0; k < 5; k++)
            known |= strcmp(tok->added[i].content, bert[k]) == 0;
        if (!known || !tok->added[i].special)
            return err_set(ERR_UNSUPPORTED, "%s: vocab.txt cannot say that \"%s\" is a token apart", tok->name, tok->added[i].content);
    }
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        if (!text || n == 0 || memchr(text, '\n', n) || text[n - 1] == '\r')
            return err_set(ERR_UNSUPPORTED, "%s: vocab.txt cannot say token %d (a gap, or a line break in it)", tok->name, id);
    }
    return OK;
}

static Err write_bert_config(const Tokenizer *tok, const char *path)
{
    const NormalizerStep *step = tok->normalizers;
    JsonWriter *w = json_writer_new(2);
    json_write_object_begin(w);
    json_field_string(w, "tokenizer_class", "BertTokenizer");
    json_field_bool(w, "do_lower_case", step->lowercase);
    json_field_bool(w, "strip_accents", step->strip_accents);
    json_field_bool(w, "tokenize_chinese_chars", step->chinese_chars);
    json_write_object_end(w);
    size_t n;
    const char *text = json_writer_text(w, &n);
    Err err = file_write(path, text, n);
    json_writer_free(w);
    return err;
}

Err tokenizer_write_vocab_txt(const Tokenizer *tok, const char *dir)
{
    TRY(check_bert(tok));
    TRY(file_make_dirs(dir));
    Arena *arena = arena_new();
    FileWriter *writer;
    Err err = file_writer_open(&writer, arena_printf(arena, "%s/vocab.txt", dir));
    for (int32_t id = 0; id < tok->vocab.n_ids && err == OK; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        err = file_writer_write(writer, text, n);
        if (err == OK)
            err = file_writer_write(writer, "\n", 1);
    }
    if (err == OK)
        err = file_writer_commit(writer);
    if (err == OK && !tok->normalizers[0].keeps_private)
        err = write_bert_config(tok, arena_printf(arena, "%s/tokenizer_config.json", dir));
    if (err == OK && tok->n_decoders && !tok->decoders[0].cleanup)
        log_info("%s: BERT's programs also take spaces before punctuation away when they decode", dir);
    arena_free(arena);
    return err;
}
