/* cmd_tokenizer_code.c - jikji tokenizer encode and decode: ids from text, text from ids. */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/options.h"
#include "cli/cmd_tokenizer.h"
#include "text/corpus/byte_stream.h"
#include "text/tokenizer/sampling.h"
#include "text/tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OFFSETS_IN_BYTES, OFFSETS_IN_CHARS };
typedef struct {
    const char *tokenizer, *pattern, *field, *jsonl;
    bool offsets, bin, whole, special, keep_special;
    double dropout, sample;
    int64_t seed, nbest;
    int offset_unit;
} CodeSettings;

static const Option encode_options[] = {
    OPTION_TEXT("tokenizer", CodeSettings, tokenizer, "directory, tokenizer.json, .model, .tiktoken, vocab.json or vocab.txt"),
    OPTION_TEXT("jsonl", CodeSettings, jsonl, "a JSONL file: one text a line"),
    OPTION_TEXT("field", CodeSettings, field, "of the JSONL lines"),
    OPTION_BOOL("offsets", CodeSettings, offsets, "id:begin-end, in bytes of the text"),
    OPTION_CHOICE("offset-unit", CodeSettings, offset_unit, "byte|char", "what --offsets count; a part of a character covers the whole of it"),
    OPTION_BOOL("bin", CodeSettings, bin, "little-endian int32: a count, then the ids, for each text"),
    OPTION_BOOL("whole", CodeSettings, whole, "a file is one text, not one a line"),
    OPTION_BOOL("special", CodeSettings, special, "add what the tokenizer's own template adds ([CLS] ... [SEP])"),
    OPTION_REAL("dropout", CodeSettings, dropout, 0.0, 1.0, "BPE dropout: merges are passed over with this probability; 0: never"),
    OPTION_REAL("sample", CodeSettings, sample, -1.0, 1e6, "unigram: draw a cut by its probability to this power; below 0: the best"),
    OPTION_INT("nbest", CodeSettings, nbest, 0, TOKENIZER_N_BEST_MAX, "unigram: list so many best cuts; with --sample: draw among them"),
    OPTION_INT("seed", CodeSettings, seed, 0, 9e15, "of --dropout and --sample; a draw depends on it and on the number of the text alone"),
    OPTION_TEXT("pattern", CodeSettings, pattern, "for .tiktoken: gpt2|cl100k|o200k|llama3|qwen or a regular expression"),
};
const CommandHelp tokenizer_encode_help = {
    .synopsis = "tokenizer encode --tokenizer PATH [FILE... | --jsonl FILE --field text]",
    .examples = "    jikji tokenizer encode --tokenizer tok input.txt\n"
                "    jikji tokenizer encode --tokenizer tok --jsonl corpus.jsonl.zst --field text\n"
                "    jikji tokenizer encode --tokenizer tok --offsets --offset-unit char input.txt\n"
                "    jikji tokenizer encode --tokenizer bpe --dropout 0.1 --seed 7 input.txt\n"
                "    jikji tokenizer encode --tokenizer unigram --sample 0.2 --seed 7 input.txt\n"
                "    jikji tokenizer encode --tokenizer unigram --nbest 5 input.txt\n",
    .about = "Prints one line of ids a text. Files may be compressed; without one, standard input. --nbest without --sample prints a line a cut,\n"
             "best first: number of the text, log probability and ids, with tabs between.\n",
    .table = {encode_options, N_ELEMENTS(encode_options)},
    .n_words_max = COMMAND_WORDS_MAX,
};

static const Option decode_options[] = {
    OPTION_TEXT("tokenizer", CodeSettings, tokenizer, "as for encode"),
    OPTION_BOOL("keep-special", CodeSettings, keep_special, "write special tokens too"),
    OPTION_TEXT("pattern", CodeSettings, pattern, "for .tiktoken"),
};
const CommandHelp tokenizer_decode_help = {
    .synopsis = "tokenizer decode --tokenizer PATH [FILE...]",
    .examples = "    jikji tokenizer encode --tokenizer tok input.txt | jikji tokenizer decode --tokenizer tok\n",
    .about = "The inverse of encode on the same lines.\n",
    .table = {decode_options, N_ELEMENTS(decode_options)},
    .n_words_max = COMMAND_WORDS_MAX,
};

/* Ids as decimal numbers with a space before each but the first of a line. */
static void print_numbers(const int32_t *ids, int64_t n, bool is_first)
{
    char text[4096];
    size_t k = 0;
    for (int64_t i = 0; i < n; i++) {
        char digits[16];
        int n_digits = 0;
        for (uint32_t id = (uint32_t)ids[i]; n_digits == 0 || id; id /= 10)
            digits[n_digits++] = (char)('0' + id % 10);
        if (i > 0 || !is_first)
            text[k++] = ' ';
        while (n_digits > 0)
            text[k++] = digits[--n_digits];
        if (k > sizeof text - 16)
            k = (fwrite(text, 1, k, stdout), 0);
    }
    fwrite(text, 1, k, stdout);
}

static void print_ids(const CodeSettings *settings, TokenSpan ids, const TokenOffset *offsets)
{
    if (settings->bin) {
        int32_t n = (int32_t)ids.n;
        fwrite(&n, sizeof n, 1, stdout);
        fwrite(ids.ids, sizeof *ids.ids, (size_t)ids.n, stdout);
        return;
    }
    if (!offsets)
        print_numbers(ids.ids, ids.n, true);
    for (int64_t i = 0; offsets && i < ids.n; i++)
        printf("%s%d:%lld-%lld", i ? " " : "", ids.ids[i], (long long)offsets[i].begin, (long long)offsets[i].end);
    putchar('\n');
}

/* Texts wait here until there is work for all threads. */
enum { BATCH_TEXTS = 20000, BATCH_BYTES = 8 << 20 };
typedef struct {
    const CodeSettings *settings;
    const Tokenizer *tok;
    Arena *arena;
    TokenText texts[BATCH_TEXTS];
    int64_t n, n_before;  /* texts in it, and in all batches before */
    size_t n_bytes;
} TextBatch;

static TokenizerSampling sampling_of(const CodeSettings *settings)
{
    return (TokenizerSampling){
        .dropout = settings->dropout,
        .draws_cut = settings->sample >= 0.0,
        .alpha = settings->sample,
        .n_best = settings->nbest,
        .seed = (uint64_t)settings->seed,
    };
}

static void print_best_cuts(const TextBatch *batch, int64_t i)
{
    TokenCut *cuts = ARENA_ARRAY(batch->arena, TokenCut, batch->settings->nbest);
    int64_t n = tokenizer_n_best(batch->tok, batch->arena, batch->texts[i].bytes, batch->texts[i].n_bytes, batch->settings->nbest, cuts);
    for (int64_t k = 0; k < n; k++) {
        printf("%lld\t%.6f\t", (long long)(batch->n_before + i), cuts[k].log_probability);
        print_numbers(cuts[k].ids.ids, cuts[k].ids.n, true);
        putchar('\n');
    }
}

static void batch_flush(TextBatch *batch)
{
    int flags = batch->settings->special ? TOKENIZER_ADD_SPECIAL : 0;
    TokenSpan *spans = ARENA_ARRAY(batch->arena, TokenSpan, batch->n);
    TokenizerSampling sampling = sampling_of(batch->settings);
    bool lists_cuts = sampling.n_best > 0 && !sampling.draws_cut;
    if (sampling.dropout > 0.0 || sampling.draws_cut)
        tokenizer_encode_sampled_batch(batch->tok, batch->arena, batch->texts, batch->n, flags, &sampling, (uint64_t)batch->n_before, spans);
    else if (!batch->settings->offsets && !lists_cuts)
        tokenizer_encode_batch(batch->tok, batch->arena, batch->texts, batch->n, flags, spans);
    for (int64_t i = 0; i < batch->n; i++) {
        TokenOffset *offsets = NULL;
        if (batch->settings->offsets)
            spans[i] = tokenizer_encode_with(batch->tok, batch->arena, batch->texts[i].bytes, batch->texts[i].n_bytes, flags, &offsets);
        if (offsets && batch->settings->offset_unit == OFFSETS_IN_CHARS)
            token_offsets_to_chars(offsets, spans[i].n, batch->texts[i].bytes, batch->texts[i].n_bytes);
        if (lists_cuts)
            print_best_cuts(batch, i);
        else
            print_ids(batch->settings, spans[i], offsets);
    }
    arena_reset(batch->arena);
    batch->n_before += batch->n;
    batch->n = 0;
    batch->n_bytes = 0;
}

static void batch_push(TextBatch *batch, const char *text, size_t n)
{
    batch->texts[batch->n++] = (TokenText){arena_strndup(batch->arena, text, n), n};
    batch->n_bytes += n;
    if (batch->n == BATCH_TEXTS || batch->n_bytes >= BATCH_BYTES)
        batch_flush(batch);
}

static TextBatch *batch_new(const CodeSettings *settings, const Tokenizer *tok, Arena *arena)
{
    TextBatch *batch = mem_alloc(sizeof *batch);
    batch->settings = settings;
    batch->tok = tok;
    batch->arena = arena;
    return batch;
}

/* Lines of a file exactly as they are: no line is skipped, so line n of the output belongs to line n of the input. */
static Err encode_lines(const CodeSettings *settings, const Tokenizer *tok, const char *path, Arena *arena)
{
    ByteStream *stream;
    TRY(byte_stream_open(&stream, path));
    LineReader *lines = line_reader_new(stream, SIZE_MAX / 4);
    TextBatch *batch = batch_new(settings, tok, arena);
    Err err = OK;
    const char *line;
    size_t n;
    while (line_reader_next(lines, &line, &n, &err))
        batch_push(batch, line, n);
    batch_flush(batch);
    free(batch);
    line_reader_free(lines);
    return err;
}

/* One line of ids for a file of any length, in a few megabytes. */
static Err encode_parts(const CodeSettings *settings, const Tokenizer *tok, ByteStream *stream)
{
    TokenEncoder *encoder = token_encoder_new(tok, settings->special ? TOKENIZER_ADD_SPECIAL : 0);
    char buffer[1 << 16];
    bool is_first = true;
    Err err = OK;
    for (size_t n = 1; n > 0 && err == OK;) {
        err = byte_stream_read(stream, buffer, sizeof buffer, &n);
        TokenSpan ids = n && err == OK ? token_encoder_push(encoder, buffer, n) : token_encoder_finish(encoder);
        print_numbers(ids.ids, ids.n, is_first);
        is_first &= ids.n == 0;
    }
    putchar('\n');
    token_encoder_free(encoder);
    return err;
}

static bool is_sampled(const CodeSettings *settings)
{
    return settings->dropout > 0.0 || settings->sample >= 0.0 || settings->nbest > 0;
}

/* Offsets, a count before the ids and draws need the whole text at once. */
static Err encode_whole(const CodeSettings *settings, const Tokenizer *tok, const char *path, Arena *arena)
{
    if (!settings->offsets && !settings->bin && !is_sampled(settings)) {
        ByteStream *stream;
        TRY(byte_stream_open(&stream, path));
        Err err = encode_parts(settings, tok, stream);
        byte_stream_free(stream);
        return err;
    }
    const char *bytes;
    size_t n;
    Arena *text = arena_new();
    Err err = file_read(&bytes, &n, text, path);
    if (err == OK) {
        TextBatch *batch = batch_new(settings, tok, arena);
        batch_push(batch, bytes, n);
        batch_flush(batch);
        free(batch);
    }
    arena_free(text);
    return err;
}

/* The field of one line of JSONL. Every line must have it: skipping would shift the lines. */
static Err field_of(const CodeSettings *settings, const char *path, int64_t number, const char *line, size_t n, Arena *arena,
                    const char **text, size_t *n_text)
{
    JsonReader reader;
    JsonText key;
    *text = NULL;
    json_reader_init(&reader, path, line, n);
    reader.first_line = number;
    TRY(json_object_begin(&reader));
    while (json_object_next(&reader, &key))
        TRY(json_text_is(key, settings->field) ? json_string(&reader, arena, text, n_text) : json_skip(&reader));
    TRY(json_reader_end(&reader));
    return *text ? OK : err_set(ERR_FORMAT, "%s:%lld: no field \"%s\"", path, (long long)number, settings->field);
}

static Err encode_jsonl(const CodeSettings *settings, const Tokenizer *tok, const char *path, Arena *arena)
{
    ByteStream *stream;
    TRY(byte_stream_open(&stream, path));
    LineReader *lines = line_reader_new(stream, SIZE_MAX / 4);
    TextBatch *batch = batch_new(settings, tok, arena);
    Arena *fields = arena_new();
    Err err = OK;
    const char *line, *text;
    size_t n, n_text;
    while (err == OK && line_reader_next(lines, &line, &n, &err)) {
        err = field_of(settings, path, line_reader_number(lines), line, n, fields, &text, &n_text);
        if (err == OK)
            batch_push(batch, text, n_text);
        arena_reset(fields);
    }
    batch_flush(batch);
    arena_free(fields);
    free(batch);
    line_reader_free(lines);
    return err;
}

typedef Err (*CodeFile)(const CodeSettings *settings, const Tokenizer *tok, const char *path, Arena *arena);

/* Loads the tokenizer and runs every file through it; standard input when there is none. */
static Err run_files(const CodeSettings *settings, const CommandWords *files, CodeFile run)
{
    if (!settings->tokenizer)
        return err_set(ERR_USAGE, "tokenizer: expected --tokenizer PATH");
    Tokenizer *tok;
    TokenizerLoadOptions load = {.pattern = settings->pattern};
    if (settings->offsets && is_sampled(settings))
        return err_set(ERR_USAGE, "tokenizer encode: --offsets belong to the one best encoding, not to --dropout, --sample or --nbest");
    TRY(tokenizer_load_with(&tok, settings->tokenizer, &load));
    TokenizerSampling sampling = sampling_of(settings);
    Arena *arena = arena_new();
    Err err = tokenizer_sampling_check(tok, &sampling);
    if (err == OK && settings->jsonl)
        err = encode_jsonl(settings, tok, settings->jsonl, arena);
    if (err == OK && files->n == 0 && !settings->jsonl)
        err = run(settings, tok, "-", arena);
    for (int i = 0; i < files->n && err == OK; i++)
        err = run(settings, tok, files->word[i], arena);
    arena_free(arena);
    tokenizer_free(tok);
    return err;
}

Err cmd_tokenizer_encode(Arena *arena, int argc, char **argv)
{
    CodeSettings settings = {.field = "text", .sample = -1.0};
    CommandWords files;
    TRY(command_line_read(&files, &tokenizer_encode_help, &settings, arena, argc, argv));
    return files.helped ? OK : run_files(&settings, &files, settings.whole ? encode_whole : encode_lines);
}

static Err decode_line(const CodeSettings *settings, const Tokenizer *tok, Arena *arena, const char *path, int64_t number, const char *line)
{
    int64_t n = 0;
    int32_t *ids = ARENA_ARRAY(arena, int32_t, strlen(line) / 2 + 2);
    for (const char *at = line; *at;) {
        char *end;
        long long id = strtoll(at, &end, 10);
        if (end == at || id < 0 || id > INT32_MAX || (*end != ' ' && *end != '\0'))
            return err_set(ERR_FORMAT, "%s:%lld: expected ids separated by spaces, found \"%.20s\"", path, (long long)number, at);
        if (!tokenizer_text_of(tok, (int32_t)id))
            return err_set(ERR_FORMAT, "%s:%lld: the tokenizer has no token %lld", path, (long long)number, id);
        ids[n++] = (int32_t)id;
        at = *end ? end + 1 : end;
    }
    TokenText text = tokenizer_decode(tok, arena, ids, n, settings->keep_special);
    fwrite(text.bytes, 1, text.n_bytes, stdout);
    putchar('\n');
    return OK;
}

static Err decode_lines(const CodeSettings *settings, const Tokenizer *tok, const char *path, Arena *arena)
{
    ByteStream *stream;
    TRY(byte_stream_open(&stream, path));
    LineReader *lines = line_reader_new(stream, SIZE_MAX / 4);
    Err err = OK;
    const char *line;
    size_t n;
    while (err == OK && line_reader_next(lines, &line, &n, &err)) {
        err = decode_line(settings, tok, arena, path, line_reader_number(lines), line);
        arena_reset(arena);
    }
    line_reader_free(lines);
    return err;
}

Err cmd_tokenizer_decode(Arena *arena, int argc, char **argv)
{
    CodeSettings settings = {.sample = -1.0};
    CommandWords files;
    TRY(command_line_read(&files, &tokenizer_decode_help, &settings, arena, argc, argv));
    return files.helped ? OK : run_files(&settings, &files, decode_lines);
}
