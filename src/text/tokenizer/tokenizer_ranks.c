/* tokenizer_ranks.c - files of ranked byte strings, where the rank is the id and merges are implied: OpenAI's .tiktoken (lines of base64 and a
 * rank) and llm.c's tokenizer file (binary). Neither says how text is split; published files are recognised by their SHA-256. */
#include "text/tokenizer/tokenizer_ranks.h"
#include "text/tokenizer/base64.h"
#include "text/tokenizer/byte_level.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

static Err read_ranks(Tokenizer *tok, const char *bytes, size_t n_bytes)
{
    const char *at = bytes, *end = bytes + n_bytes, *line;
    size_t n;
    Arena *arena = arena_new();
    Err err = OK;
    for (int64_t number = 1; err == OK && tokenizer_next_line(&at, end, &line, &n); number++) {
        if (n == 0)
            continue;
        const char *space = memchr(line, ' ', n);
        char *token = arena_alloc(arena, n), *text = arena_alloc(arena, 2 * n);
        int64_t n_token = space ? base64_decode(token, line, (size_t)(space - line)) : -1;
        char digits[24] = {0}, *stop = digits;
        if (space && n - (size_t)(space + 1 - line) < sizeof digits)
            memcpy(digits, space + 1, n - (size_t)(space + 1 - line));
        long long rank = strtoll(digits, &stop, 10);
        if (n_token < 0 || stop == digits || *stop || rank < 0 || rank > VOCAB_ID_MAX)
            err = err_set(ERR_FORMAT, "%s:%lld: expected base64 and a rank", tok->name, (long long)number);
        else if (n_token > 0 && (err = vocab_add(&tok->vocab, (int32_t)rank, text, byte_level_write(text, token, (size_t)n_token))) != OK)
            err_prefix(err, "%s:%lld", tok->name, (long long)number);
        if (number % 1024 == 0)
            arena_reset(arena);
    }
    arena_free(arena);
    if (err == OK && tok->vocab.n_tokens == 0)
        err = err_set(ERR_FORMAT, "%s: no lines of base64 and a rank", tok->name);
    return err;
}

/* tiktoken merges any two neighbours whose joint bytes are a token, the token of least rank first. Of a token's cuts only one ever happens: the
 * pair that the merges of lesser ranks leave of its own bytes, for inside a text they leave the same. A token of which they leave no pair is
 * found whole or not at all. */
enum { MERGED_BYTES_MAX = 4096 };  /* longer tokens are found whole only */

static void merges_of_ranks(Tokenizer *tok)
{
    int64_t capacity = 0;
    BpeScratch scratch = {0};
    BpeSymbol symbols[MERGED_BYTES_MAX];
    int32_t byte_id[256];
    for (int b = 0; b < 256; b++) {
        char byte = (char)b, text[2];
        byte_id[b] = vocab_find(&tok->vocab, text, byte_level_write(text, &byte, 1));
        if (byte_id[b] >= 0 && tokenizer_is_special(tok, byte_id[b]))
            byte_id[b] = -1;  /* an end of text that is spelt like a byte */
    }
    bpe_merges_init(&tok->merges, (size_t)tok->vocab.n_ids);
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        char bytes[2 * MERGED_BYTES_MAX];
        int64_t n_bytes = text && n <= sizeof bytes ? byte_level_read(bytes, text, n) : 0;
        bool whole = n_bytes > 1 && n_bytes <= MERGED_BYTES_MAX && !tokenizer_is_special(tok, id);
        for (int64_t i = 0; i < n_bytes && whole; i++) {
            symbols[i] = (BpeSymbol){byte_id[(unsigned char)bytes[i]], (uint32_t)i, (uint32_t)i + 1};
            whole = symbols[i].id >= 0;
        }
        if (!whole || bpe_merge(&tok->merges, &scratch, symbols, (size_t)n_bytes) != 2)
            continue;
        bpe_merges_put(&tok->merges, symbols[0].id, symbols[1].id, (uint32_t)id, id);
        tokenizer_push_rule(tok, &capacity, (MergeRule){symbols[0].id, symbols[1].id, id});
    }
    bpe_scratch_release(&scratch);
}

/* Published rank files: what splits their text and which special tokens their publishers add. */
typedef struct {
    const char *text;
    int32_t id;
} PublishedSpecial;
typedef struct {
    const char *name, *sha256, *pattern;
    PublishedSpecial specials[6];
} Published;
static const Published published[] = {
    {"r50k_base (GPT-2)", "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930", "gpt2", {{"<|endoftext|>", 50256}}},
    {"p50k_base", "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069", "gpt2", {{"<|endoftext|>", 50256}}},
    {"cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7", "cl100k",
     {{"<|endoftext|>", 100257}, {"<|fim_prefix|>", 100258}, {"<|fim_middle|>", 100259}, {"<|fim_suffix|>", 100260}, {"<|endofprompt|>", 100276}}},
    {"o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", "o200k", {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
    {"Whisper multilingual", "b34b360dbb493e781e479794586d661700670d65564001f23024971d1f2fa126", "gpt2", {{"<|endoftext|>", 50257}}},
    {"Llama 3", "82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55", "llama3",
     {{"<|begin_of_text|>", 128000}, {"<|end_of_text|>", 128001}, {"<|start_header_id|>", 128006}, {"<|end_header_id|>", 128007}, {"<|eot_id|>", 128009}}},
};

static const Published *recognise(const char *bytes, size_t n_bytes)
{
    char hex[65];
    Sha256 hash = sha256(bytes, n_bytes);
    sha256_hex(hex, &hash);
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++)
        if (strcmp(published[i].sha256, hex) == 0)
            return &published[i];
    return NULL;
}

static Err add_special(Tokenizer *tok, const char *text, int32_t id)
{
    if (vocab_text(&tok->vocab, id, NULL) || vocab_find_text(&tok->vocab, text) >= 0)
        return OK;
    TRY(tokenizer_add_special(tok, text, id));
    tok->added[tok->n_added - 1].added_only = true;
    return OK;
}

/* The split pattern: the one given, that of a published file, or GPT-2's; and a line that says which, when nobody chose. */
static Err choose_rules(Tokenizer *tok, const char *bytes, size_t n_bytes, const char *pattern)
{
    const Published *known = recognise(bytes, n_bytes);
    for (int i = 0; known && i < 6 && known->specials[i].text; i++)
        TRY(add_special(tok, known->specials[i].text, known->specials[i].id));
    if (!pattern && known)
        log_info("%s: recognised as %s; text is split by %s", tok->name, known->name, known->pattern);
    else if (!pattern)
        log_info("%s: the file does not say its split pattern; using gpt2 (--pattern chooses)", tok->name);
    merges_of_ranks(tok);
    tok->ignore_merges = true;
    return tokenizer_push_byte_level(tok, pattern ? pattern : known ? known->pattern : "gpt2");
}

static Err finish(Tokenizer **out, Tokenizer *tok, Err err)
{
    if (err == OK)
        err = tokenizer_finish(tok);
    if (err == OK)
        *out = tok;
    else
        tokenizer_free(tok);
    return err;
}

Err tokenizer_read_tiktoken(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes, const char *pattern)
{
    Tokenizer *tok = tokenizer_new(MODEL_BPE, name);
    Err err = read_ranks(tok, bytes, n_bytes);
    return finish(out, tok, err == OK ? choose_rules(tok, bytes, n_bytes, pattern) : err);
}

/* 256 int32 (magic, version, tokens, id of the end of text), then each token in order of ids: its length as one byte, its bytes. */
enum { LLMC_MAGIC = 20240328, LLMC_HEADER_BYTES = 1024, LLMC_TOKEN_BYTES_MAX = 255 };

bool tokenizer_is_llmc(const char *bytes, size_t n_bytes)
{
    uint32_t magic = LLMC_MAGIC;
    return n_bytes >= LLMC_HEADER_BYTES && memcmp(bytes, &magic, sizeof magic) == 0;
}

static Err read_llmc_tokens(Tokenizer *tok, const char *bytes, size_t n_bytes)
{
    int32_t head[4];
    if (!tokenizer_is_llmc(bytes, n_bytes))
        return err_set(ERR_FORMAT, "%s: not llm.c's tokenizer file", tok->name);
    memcpy(head, bytes, sizeof head);
    if (head[1] != 1 && head[1] != 2)
        return err_set(ERR_UNSUPPORTED, "%s: version %d of llm.c's tokenizer file; 1 and 2 are known", tok->name, head[1]);
    int32_t eot = head[1] == 2 ? head[3] : head[2] - 1;
    if (head[2] < 1 || head[2] > VOCAB_ID_MAX || eot < 0 || eot >= head[2])
        return err_set(ERR_FORMAT, "%s: %d tokens, the end of text being %d", tok->name, head[2], eot);
    const unsigned char *at = (const unsigned char *)bytes + LLMC_HEADER_BYTES, *end = (const unsigned char *)bytes + n_bytes;
    for (int32_t id = 0; id < head[2]; id++) {
        size_t n = at < end ? *at++ : 0;
        if (n == 0 || n > (size_t)(end - at))
            return err_set(ERR_FORMAT, "%s: token %d of %d is empty or cut off", tok->name, id, head[2]);
        char text[2 * LLMC_TOKEN_BYTES_MAX + 1] = {0};
        Err err;
        if (id == eot) {
            memcpy(text, at, n);
            err = memchr(at, 0, n) ? err_set(ERR_FORMAT, "the end of text holds a NUL") : add_special(tok, text, id);
        } else
            err = vocab_add(&tok->vocab, id, text, byte_level_write(text, (const char *)at, n));
        if (err != OK)
            return err_prefix(err, "%s: token %d", tok->name, id);
        at += n;
    }
    if (at != end)
        return err_set(ERR_FORMAT, "%s: %lld bytes behind the last token", tok->name, (long long)(end - at));
    tok->specials[SPECIAL_EOS] = tok->specials[SPECIAL_BOS] = eot;
    return OK;
}

Err tokenizer_read_llmc(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes, const char *pattern)
{
    Tokenizer *tok = tokenizer_new(MODEL_BPE, name);
    Err err = read_llmc_tokens(tok, bytes, n_bytes);
    return finish(out, tok, err == OK ? choose_rules(tok, bytes, n_bytes, pattern) : err);
}

static Err cannot(const Tokenizer *tok, const char *format, const char *what)
{
    return err_set(ERR_UNSUPPORTED, "%s: %s cannot say %s", tok->name, format, what);
}

/* Rank files mean: the pair whose joint bytes have the least id merges first. That is what tok does when no rule stands before the bytes and
 * each token is the outcome of the merges of lesser ids. */
static Err check_ranks(const Tokenizer *tok, const char *format)
{
    if (tok->model != MODEL_BPE || !tok->byte_level || tok->jamo)
        return cannot(tok, format, "anything but byte-level BPE");
    if (tok->n_normalizers)
        return cannot(tok, format, "a normalizer");
    if (tok->prefix || tok->suffix)
        return cannot(tok, format, "a prefix or suffix of tokens");
    for (int i = 0; i < tok->n_pretokenizers; i++)
        if (tok->pretokenizers[i].add_prefix_space)
            return cannot(tok, format, "add_prefix_space");
    if (tok->n_pretokenizers > 2 || (tok->n_pretokenizers == 2 && (tok->pretokenizers[0].kind != PRETOKENIZER_SPLIT || tok->pretokenizers[1].splitter ||
                                                                   !tok->pretokenizers[0].splitter || tok->pretokenizers[0].behavior != SPLIT_ISOLATED)))
        return cannot(tok, format, "more than one split pattern");
    for (int b = 0; b < 256; b++)
        if (tok->byte_id[b] < 0)
            return err_set(ERR_UNSUPPORTED, "%s: %s needs a token for every byte; 0x%02X has none", tok->name, format, (unsigned)b);
    TokenizerFaults faults;
    tokenizer_find_faults(tok, &faults);
    if (faults.n_diverging || faults.n_unmergeable) {
        int32_t id = faults.n_diverging ? faults.first_diverging : faults.first_unmergeable;
        return err_set(ERR_UNSUPPORTED, "%s: %s merges by id, and %lld tokens do not come out of merges in that order (the first is %d, \"%s\")", tok->name,
                       format, (long long)(faults.n_diverging + faults.n_unmergeable), id, tokenizer_text_of(tok, id));
    }
    return OK;
}

/* What such files leave to their reader. */
static void say_pattern(const Tokenizer *tok, const char *path)
{
    const Splitter *splitter = tok->n_pretokenizers ? tok->pretokenizers[0].splitter : NULL;
    log_info("%s: the file holds no split pattern; read it with --pattern '%s'", path, splitter ? splitter_pattern(splitter) : "none");
}

static void say_rest(const Tokenizer *tok, const char *path)
{
    say_pattern(tok, path);
    for (int i = 0; i < tok->n_added; i++)
        log_info("%s: the file holds no special tokens; \"%s\" is %d", path, tok->added[i].content, tok->added[i].id);
}

static bool is_rank(const Tokenizer *tok, int32_t id, const char **text, size_t *n)
{
    *text = vocab_text(&tok->vocab, id, n);
    return *text && !tokenizer_is_special(tok, id) && !tokenizer_is_added_only(tok, id);
}

Err tokenizer_write_tiktoken(const Tokenizer *tok, const char *path)
{
    TRY(check_ranks(tok, ".tiktoken"));
    FileWriter *writer;
    TRY(file_writer_open(&writer, path));
    Arena *arena = arena_new();
    Err err = OK;
    for (int32_t id = 0; id < tok->vocab.n_ids && err == OK; id++) {
        size_t n;
        const char *text;
        if (!is_rank(tok, id, &text, &n))
            continue;
        char *bytes = arena_alloc(arena, n + 1), *line = arena_alloc(arena, n * 2 + 8);
        int64_t n_bytes = byte_level_read(bytes, text, n);
        err = n_bytes <= 0 ? err_set(ERR_UNSUPPORTED, "%s: token %d, \"%s\", is not written in the alphabet of bytes", tok->name, id, text) : OK;
        if (err == OK)
            err = file_writer_printf(writer, "%.*s %d\n", (int)base64_encode(line, bytes, (size_t)n_bytes), line, id);
        arena_reset(arena);
    }
    arena_free(arena);
    if (err != OK) {
        file_writer_abort(writer);
        return err;
    }
    TRY(file_writer_commit(writer));
    say_rest(tok, path);
    return OK;
}

static Err write_llmc_tokens(const Tokenizer *tok, FileWriter *writer, Arena *arena)
{
    int32_t head[LLMC_HEADER_BYTES / 4] = {LLMC_MAGIC, 2, tok->vocab.n_ids, tok->specials[SPECIAL_EOS]};
    TRY(file_writer_write(writer, head, sizeof head));
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        if (!text)
            return err_set(ERR_UNSUPPORTED, "%s: llm.c's tokenizer file cannot say the gap at id %d", tok->name, id);
        char *bytes = arena_alloc(arena, n + 1);
        int64_t n_bytes = byte_level_read(bytes, text, n);
        if (n_bytes < 1 || n_bytes > LLMC_TOKEN_BYTES_MAX)
            return err_set(ERR_UNSUPPORTED, "%s: llm.c's tokenizer file cannot say token %d, of %lld bytes", tok->name, id, (long long)n_bytes);
        unsigned char length = (unsigned char)n_bytes;
        TRY(file_writer_write(writer, &length, 1));
        TRY(file_writer_write(writer, bytes, (size_t)n_bytes));
        arena_reset(arena);
    }
    return OK;
}

Err tokenizer_write_llmc(const Tokenizer *tok, const char *path)
{
    int32_t eos = tok->specials[SPECIAL_EOS];
    TRY(check_ranks(tok, "llm.c's tokenizer file"));
    if (eos < 0)
        return err_set(ERR_UNSUPPORTED, "%s: llm.c's tokenizer file needs an end of text; this tokenizer has no eos", tok->name);
    for (int i = 0; i < tok->n_added; i++)
        if (tok->added[i].id != eos)
            return err_set(ERR_UNSUPPORTED, "%s: llm.c's tokenizer file has one special token; it cannot say \"%s\" beside eos", tok->name,
                           tok->added[i].content);
    FileWriter *writer;
    TRY(file_writer_open(&writer, path));
    Arena *arena = arena_new();
    Err err = write_llmc_tokens(tok, writer, arena);
    arena_free(arena);
    if (err != OK) {
        file_writer_abort(writer);
        return err;
    }
    TRY(file_writer_commit(writer));
    say_pattern(tok, path);
    return OK;
}
