/* convert.c - the choice of the writer, and the proof. */
#include "text/tokenizer/convert.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/tokenizer_ranks.h"
#include "base/file.h"
#include "base/log.h"
#include "base/philox.h"

#include <stdio.h>
#include <string.h>

static bool same_ids(const Tokenizer *a, const Tokenizer *b, Arena *arena, const char *text, size_t n)
{
    TokenSpan x = tokenizer_encode(a, arena, text, n), y = tokenizer_encode(b, arena, text, n);
    return x.n == y.n && (x.n == 0 || memcmp(x.ids, y.ids, (size_t)x.n * sizeof *x.ids) == 0);
}

/* Words and marks of several scripts, in random order; and texts of random tokens. */
enum { N_PROBES = 400, PROBE_BYTES = 400 };
static size_t make_probe(const Tokenizer *tok, uint64_t number, char *text)
{
    static const char *const parts[] = {"the", " The", "don't", " we'll", "12345", " 3.14", "\n", "\n\n", "\t", " ", "   ", "...", "?!", "(", "한국어", " 학교에서는",
                                        "뷁", "\u1112\u1161\u11ab", "ㅋㅋ", "é", "e\u0301", "日本語", "мир", "😀", "\u2581", "<s>", "<0x41>", "Ġ", "\u3000", "ǅ"};
    size_t n = 0;
    for (uint64_t k = 0; k < 2 + number % 14; k++) {
        Philox r = philox(17, 0, number, k);
        const char *part = parts[r.word[0] % (sizeof parts / sizeof parts[0])];
        if (number & 1) {
            const char *token = vocab_text(&tok->vocab, (int32_t)(r.word[1] % (uint32_t)tok->vocab.n_ids), NULL);
            part = token ? token : part;
        }
        size_t length = strlen(part);
        if (n + length > PROBE_BYTES || !utf8_is_valid(part, length))
            break;
        memcpy(text + n, part, length);
        n += length;
    }
    return n;
}

Err tokenizer_check_same(const Tokenizer *a, const Tokenizer *b)
{
    Arena *arena = arena_new();
    Err err = OK;
    for (uint64_t i = 0; i < N_PROBES && err == OK; i++) {
        char text[PROBE_BYTES];
        size_t n = make_probe(a, i, text);
        if (!same_ids(a, b, arena, text, n))
            err = err_set(ERR_FORMAT, "what was written encodes \"%.*s\" differently", n < 60 ? (int)n : 60, text);
        arena_reset(arena);
    }
    arena_free(arena);
    return err;
}

static Err read_back(Tokenizer **out, const Tokenizer *tok, TokenizerFormat format, const char *path)
{
    const Splitter *splitter = tok->n_pretokenizers ? tok->pretokenizers[0].splitter : NULL;
    TokenizerLoadOptions options = {.pattern = splitter ? splitter_pattern(splitter) : "none"};
    Arena *arena = arena_new();
    const char *bytes;
    size_t n;
    Err err = OK;
    switch (format) {
    case FORMAT_VOCAB_MERGES: err = tokenizer_load(out, arena_printf(arena, "%s/vocab.json", path)); break;
    case FORMAT_VOCAB_TXT: err = tokenizer_load(out, arena_printf(arena, "%s/vocab.txt", path)); break;
    case FORMAT_JSON: err = tokenizer_load(out, path); break;
    case FORMAT_SENTENCEPIECE:
    case FORMAT_TIKTOKEN:
    case FORMAT_LLMC:
        err = file_read(&bytes, &n, arena, path);
        if (err == OK)
            err = format == FORMAT_SENTENCEPIECE ? tokenizer_read_sentencepiece(out, path, bytes, n)
                  : format == FORMAT_TIKTOKEN    ? tokenizer_read_tiktoken(out, path, bytes, n, options.pattern)
                                                 : tokenizer_read_llmc(out, path, bytes, n, options.pattern);
        break;
    }
    arena_free(arena);
    return err;
}

static Err write_format(const Tokenizer *tok, TokenizerFormat format, const char *path)
{
    switch (format) {
    case FORMAT_JSON: return tokenizer_save(tok, path);
    case FORMAT_SENTENCEPIECE: return tokenizer_write_sentencepiece(tok, path);
    case FORMAT_TIKTOKEN: return tokenizer_write_tiktoken(tok, path);
    case FORMAT_VOCAB_MERGES: return tokenizer_write_vocab_merges(tok, path);
    case FORMAT_VOCAB_TXT: return tokenizer_write_vocab_txt(tok, path);
    case FORMAT_LLMC: return tokenizer_write_llmc(tok, path);
    }
    return err_set(ERR_UNSUPPORTED, "%s: no such format", path);
}

Err tokenizer_write_as(const Tokenizer *tok, TokenizerFormat format, const char *path)
{
    bool was_there = file_exists(path);
    if (was_there && !file_is_dir(path) && (format == FORMAT_JSON || format == FORMAT_VOCAB_MERGES || format == FORMAT_VOCAB_TXT))
        return err_set(ERR_USAGE, "%s: this format is a directory, and a file is there", path);
    TRY(write_format(tok, format, path));
    Tokenizer *again = NULL;
    Err err = read_back(&again, tok, format, path);
    if (err == OK)
        err = tokenizer_check_same(tok, again);
    tokenizer_free(again);
    if (err == OK)
        return OK;
    err_prefix(err, "%s", path);
    if (!was_there)
        file_remove_tree(path);
    return err == ERR_FORMAT ? ERR_UNSUPPORTED : err;
}
