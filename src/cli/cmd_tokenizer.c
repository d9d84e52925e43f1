/* cmd_tokenizer.c - jikji tokenizer: vocabularies from text, ids from text, text from ids; and the list of its verbs. */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/options.h"
#include "cli/cmd_tokenizer.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/help_formats.h"
#include "text/corpus/byte_stream.h"
#include "text/corpus/document.h"
#include "text/tokenizer/mixture.h"
#include "text/tokenizer/sampling.h"
#include "text/tokenizer/survey.h"
#include "text/tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_CHOICES "byte-bpe|char-bpe|wordpiece|bert-bpe|unigram|jamo|char|word|byte"  /* in the order of TokenizerType */

typedef struct {
    int type, format;
    const char *out, *pattern, *field, *work, *extend;
    OptionTexts specials;
    const char *bos, *eos, *pad, *unk, *mask;
    int64_t vocab_size, min_frequency, max_token_chars, threads, memory;
    double temperature;
    int64_t seed;
    int fallback;
    bool nfc, particles, quiet;
} TrainSettings;

static const Option train_options[] = {
    OPTION_CHOICE("type", TrainSettings, type, TYPE_CHOICES, "family"),
    OPTION_INT("vocab-size", TrainSettings, vocab_size, 1, 1 << 28, "tokens, special ones and the alphabet included"),
    OPTION_TEXT("out", TrainSettings, out, "directory to write"),
    OPTION_TEXT("extend", TrainSettings, extend, "a tokenizer that grows to --vocab-size: its ids stay, new tokens follow (byte-level BPE, unigram)"),
    OPTION_TEXT("pattern", TrainSettings, pattern, "gpt2|cl100k|o200k|llama3|qwen|eojeol|none or a regular expression"),
    OPTION_BOOL("particles", TrainSettings, particles, "cut Korean particles and endings off their stems (byte-bpe, jamo, unigram)"),
    OPTION_CHOICE("fallback", TrainSettings, fallback, "none|bytes|jamo", "char, unigram: what stands for a character without a token"),
    OPTION_TEXTS("special", TrainSettings, specials, "special tokens; the first takes id 0"),
    OPTION_TEXT("bos", TrainSettings, bos, "special token that begins a document"),
    OPTION_TEXT("eos", TrainSettings, eos, "special token that ends a document"),
    OPTION_TEXT("pad", TrainSettings, pad, "special token that fills up a batch"),
    OPTION_TEXT("unk", TrainSettings, unk, "special token for what no token covers"),
    OPTION_TEXT("mask", TrainSettings, mask, "special token that hides a token"),
    OPTION_INT("min-frequency", TrainSettings, min_frequency, 0, 1e15, "pairs seen less often are not merged"),
    OPTION_INT("max-token-chars", TrainSettings, max_token_chars, 0, 1e6, "longest token in start symbols; 0: any"),
    OPTION_BOOL("nfc", TrainSettings, nfc, "normalise to NFC, now and ever after"),
    OPTION_CHOICE("format", TrainSettings, format, DOCUMENT_FORMAT_CHOICES, "how files hold documents"),
    OPTION_TEXT("field", TrainSettings, field, "field or column of a record"),
    OPTION_REAL("temperature", TrainSettings, temperature, 1.0, 1000.0, "each FILE is a language; shares p become p^(1/temperature): 1 leaves them"),
    OPTION_INT("seed", TrainSettings, seed, 0, 9e15, "of the sampling by temperature"),
    OPTION_INT("threads", TrainSettings, threads, 0, 4096, "0: all; the result does not depend on it"),
    OPTION_INT("memory", TrainSettings, memory, 0, 1e15, "bytes that words, and what is learnt from them, may take, beside some MB; 0: any"),
    OPTION_TEXT("work", TrainSettings, work, "folder for words that do not fit, read from there again and again; a killed run goes on from it; removed at the end"),
    OPTION_BOOL("quiet", TrainSettings, quiet, "no progress"),
};
static const CommandHelp train_help = {
    .synopsis = "tokenizer train --out DIR FILE... [settings]",
    .examples = "    jikji tokenizer train --type byte-bpe --vocab-size 32000 --out tok corpus.txt\n"
                "    jikji tokenizer train --type char --out tok input.txt\n"
                "    jikji tokenizer train --pattern o200k --special '<|end|>' --eos '<|end|>' --field text --out tok corpus.jsonl.zst\n"
                "    jikji tokenizer train --type jamo --nfc --out tok korean/\n"
                "    jikji tokenizer train --extend gpt2 --vocab-size 60000 --out gpt2-ko korean.txt\n"
                "    jikji tokenizer train --temperature 3 --out tok korean/ english.txt japanese.txt\n",
    .about = "Learns a vocabulary and writes a Hugging Face directory. Without special tokens given, those usual for the type: <|endoftext|> as\n"
             "bos and eos, [PAD] [UNK] [CLS] [SEP] [MASK], <unk> <s> </s>, or none for characters and bytes.\n",
    .table = {train_options, N_ELEMENTS(train_options)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

typedef struct {
    const char *tokenizer, *pattern, *field, *jsonl;
    bool offsets, bin, whole, special, keep_special;
    double dropout, sample;
    int64_t seed, nbest;
} CodeSettings;

static const Option encode_options[] = {
    OPTION_TEXT("tokenizer", CodeSettings, tokenizer, "directory, tokenizer.json, .model, .tiktoken, vocab.json or vocab.txt"),
    OPTION_TEXT("jsonl", CodeSettings, jsonl, "a JSONL file: one text a line"),
    OPTION_TEXT("field", CodeSettings, field, "of the JSONL lines"),
    OPTION_BOOL("offsets", CodeSettings, offsets, "id:begin-end, in bytes of the text"),
    OPTION_BOOL("bin", CodeSettings, bin, "little-endian int32: a count, then the ids, for each text"),
    OPTION_BOOL("whole", CodeSettings, whole, "a file is one text, not one a line"),
    OPTION_BOOL("special", CodeSettings, special, "add what the tokenizer's own template adds ([CLS] ... [SEP])"),
    OPTION_REAL("dropout", CodeSettings, dropout, 0.0, 1.0, "BPE dropout: merges are passed over with this probability; 0: never"),
    OPTION_REAL("sample", CodeSettings, sample, -1.0, 1e6, "unigram: draw a cut by its probability to this power; below 0: the best"),
    OPTION_INT("nbest", CodeSettings, nbest, 0, TOKENIZER_N_BEST_MAX, "unigram: list so many best cuts; with --sample: draw among them"),
    OPTION_INT("seed", CodeSettings, seed, 0, 9e15, "of --dropout and --sample; a draw depends on it and on the number of the text alone"),
    OPTION_TEXT("pattern", CodeSettings, pattern, "for .tiktoken: gpt2|cl100k|o200k|llama3|qwen or a regular expression"),
};
static const CommandHelp encode_help = {
    .synopsis = "tokenizer encode --tokenizer PATH [FILE... | --jsonl FILE --field text]",
    .examples = "    jikji tokenizer encode --tokenizer tok input.txt\n"
                "    jikji tokenizer encode --tokenizer tok --jsonl corpus.jsonl.zst --field text\n"
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
static const CommandHelp decode_help = {
    .synopsis = "tokenizer decode --tokenizer PATH [FILE...]",
    .examples = "    jikji tokenizer encode --tokenizer tok input.txt | jikji tokenizer decode --tokenizer tok\n",
    .about = "The inverse of encode on the same lines.\n",
    .table = {decode_options, N_ELEMENTS(decode_options)},
    .n_words_max = COMMAND_WORDS_MAX,
};

/* Documents of all files, one after another, each as often as its language's weight says. */
typedef struct {
    char **paths;
    int *languages;   /* [n_paths]: the word of the command line that a path comes from */
    int n_paths, at;
    DocumentOptions options;
    DocumentReader *reader;
    double weights[COMMAND_WORDS_MAX];
    int64_t n_bytes[COMMAND_WORDS_MAX], n_taken[COMMAND_WORDS_MAX];  /* of each language: there, and taken */
    uint64_t seed;
    Document document;
    int64_t number, copies;  /* of the document that is handed out, and how often it still will be */
} Documents;

static Err list_documents(Documents *documents, Arena *arena, const CommandWords *files)
{
    for (int i = 0; i < files->n; i++) {
        char **paths;
        int n;
        TRY(document_list_files(&paths, &n, arena, &files->word[i], 1));
        char **all = ARENA_ARRAY(arena, char *, documents->n_paths + n);
        int *languages = ARENA_ARRAY(arena, int, documents->n_paths + n);
        for (int k = 0; k < documents->n_paths + n; k++) {
            all[k] = k < documents->n_paths ? documents->paths[k] : paths[k - documents->n_paths];
            languages[k] = k < documents->n_paths ? documents->languages[k] : i;
        }
        documents->paths = all;
        documents->languages = languages;
        documents->n_paths += n;
        documents->weights[i] = 1.0;
    }
    return OK;
}

static Err next_document(void *context, const char **text, size_t *n_bytes)
{
    Documents *documents = context;
    for (;;) {
        Err err = OK;
        int language = documents->at ? documents->languages[documents->at - 1] : 0;
        if (documents->copies > 0) {
            documents->copies--;
            documents->n_taken[language] += (int64_t)documents->document.n_bytes;
            *text = documents->document.text;
            *n_bytes = documents->document.n_bytes;
            return OK;
        }
        if (documents->reader && document_reader_next(documents->reader, &documents->document, &err)) {
            documents->copies = mixture_copies(documents->seed, language, documents->number++, documents->weights[language]);
            continue;
        }
        document_reader_free(documents->reader);
        documents->reader = NULL;
        TRY(err);
        *text = NULL;
        if (documents->at == documents->n_paths)
            return OK;
        TRY(document_reader_open(&documents->reader, documents->paths[documents->at++], &documents->options));
    }
}

/* Reads everything once to learn how much there is of each language, then weighs them. */
static Err weigh_documents(Documents *documents, int n_languages, double temperature)
{
    const char *text;
    size_t n;
    do
        TRY(next_document(documents, &text, &n));
    while (text && !interrupt_requested());
    memcpy(documents->n_bytes, documents->n_taken, sizeof documents->n_bytes);
    memset(documents->n_taken, 0, sizeof documents->n_taken);
    documents->at = 0;
    documents->number = 0;
    mixture_weights(documents->n_bytes, n_languages, temperature, documents->weights);
    return OK;
}

/* What each language gave, and what each script got. */
static void report_languages(const Documents *documents, const CommandWords *files, const Tokenizer *tok)
{
    double total = 0.0, taken = 0.0;
    int64_t scripts[N_TOKEN_SCRIPTS];
    for (int i = 0; i < files->n; i++) {
        total += (double)documents->n_bytes[i];
        taken += (double)documents->n_taken[i];
    }
    for (int i = 0; i < files->n && total > 0.0 && taken > 0.0; i++)
        log_info("%s: %.1f %% of the text, taken %.3f times on average, %.1f %% of what was learnt from", files->word[i],
                 100.0 * (double)documents->n_bytes[i] / total, documents->weights[i], 100.0 * (double)documents->n_taken[i] / taken);
    survey_scripts(tok, scripts);
    for (int s = 0; s < N_TOKEN_SCRIPTS; s++)
        if (scripts[s])
            log_info("%s: %lld tokens, %.1f %%", survey_script_name((TokenScript)s), (long long)scripts[s],
                     100.0 * (double)scripts[s] / (double)tokenizer_vocab_size(tok));
}

static Err take_special(TokenizerTrainOptions *train, const char *text)
{
    for (int i = 0; i < train->n_specials; i++)
        if (!text || strcmp(train->specials[i], text) == 0)
            return OK;
    if (!text)
        return OK;
    if (train->n_specials == TOKENIZER_SPECIALS_MAX)
        return err_set(ERR_USAGE, "more than %d special tokens", TOKENIZER_SPECIALS_MAX);
    train->specials[train->n_specials++] = text;
    return OK;
}

/* Special tokens: those given, else the family's usual ones. A role names its token into being. */
static Err choose_specials(const TrainSettings *settings, TokenizerTrainOptions *train)
{
    const char *roles[] = {settings->unk, settings->bos, settings->eos, settings->pad, settings->mask};
    bool given = settings->specials.n > 0;
    for (int i = 0; i < N_ELEMENTS(roles); i++)
        given |= roles[i] != NULL;
    if (!given)
        return OK;
    train->n_specials = 0;
    train->bos = settings->bos;
    train->eos = settings->eos;
    for (int i = 0; i < settings->specials.n; i++)
        TRY(take_special(train, settings->specials.value[i]));
    for (int i = 0; i < N_ELEMENTS(roles); i++)
        TRY(take_special(train, roles[i]));
    train->pad = settings->pad;
    train->unk = settings->unk;
    train->mask = settings->mask;
    return OK;
}

static Err run_train(const TrainSettings *settings, const CommandWords *files, Arena *arena)
{
    TokenizerTrainOptions train = tokenizer_train_options_for((TokenizerType)settings->type);
    train.vocab_size = settings->vocab_size;
    train.pattern = settings->pattern;
    train.min_frequency = settings->min_frequency;
    train.max_token_chars = settings->max_token_chars;
    train.nfc = settings->nfc;
    train.particles = settings->particles;
    train.fallback = (TokenizerFallback)settings->fallback;
    train.n_threads = (int)settings->threads;
    train.memory_bytes_max = settings->memory;
    train.work_dir = settings->work;
    train.quiet = settings->quiet;
    TRY(choose_specials(settings, &train));
    if (!settings->out)
        return err_set(ERR_USAGE, "tokenizer train: expected --out DIR");

    Documents documents = {.options = document_options_default()};
    documents.options.format = settings->format;
    documents.options.field = settings->field;
    documents.options.bytes_max = INT64_MAX / 4;
    documents.seed = (uint64_t)settings->seed;
    TRY(list_documents(&documents, arena, files));
    interrupt_install();
    if (settings->temperature != 1.0)
        TRY(weigh_documents(&documents, files->n, settings->temperature));
    double start = clock_seconds();
    Tokenizer *tok = NULL;
    TokenizerSource source = {next_document, &documents};
    Err err = settings->extend ? tokenizer_load(&tok, settings->extend) : tokenizer_train(&tok, &train, source);
    if (err == OK && settings->extend)
        err = tokenizer_extend(tok, &train, source);
    document_reader_free(documents.reader);
    if (err == OK)
        err = tokenizer_save(tok, settings->out);
    if (err == OK && settings->work)
        err = file_remove_tree(settings->work);
    if (err == OK && !settings->quiet)
        log_info("%lld tokens in %s, %s", (long long)tokenizer_vocab_size(tok), settings->out,
                 format_seconds(arena, clock_seconds() - start));
    if (err == OK && !settings->quiet && settings->temperature != 1.0)
        report_languages(&documents, files, tok);
    tokenizer_free(tok);
    return err;
}

static Err command_train(Arena *arena, int argc, char **argv)
{
    TokenizerTrainOptions defaults = tokenizer_train_options_default();
    TrainSettings settings = {
        .vocab_size = defaults.vocab_size,
        .min_frequency = defaults.min_frequency,
        .pattern = defaults.pattern,
        .field = "text",
        .temperature = 1.0,
    };
    CommandWords files;
    TRY(command_line_read(&files, &train_help, &settings, arena, argc, argv));
    return files.helped ? OK : run_train(&settings, &files, arena);
}

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

static Err command_encode(Arena *arena, int argc, char **argv)
{
    CodeSettings settings = {.field = "text", .sample = -1.0};
    CommandWords files;
    TRY(command_line_read(&files, &encode_help, &settings, arena, argc, argv));
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

static Err command_decode(Arena *arena, int argc, char **argv)
{
    CodeSettings settings = {.sample = -1.0};
    CommandWords files;
    TRY(command_line_read(&files, &decode_help, &settings, arena, argc, argv));
    return files.helped ? OK : run_files(&settings, &files, decode_lines);
}

typedef struct {
    const char *name;
    Err (*run)(Arena *arena, int argc, char **argv);
    const CommandHelp *help;
} Verb;
static const Verb verbs[] = {
    {"train", command_train, &train_help},
    {"encode", command_encode, &encode_help},
    {"decode", command_decode, &decode_help},
    {"convert", cmd_tokenizer_convert, &tokenizer_convert_help},
    {"verify", cmd_tokenizer_verify, &tokenizer_verify_help},
    {"compare", cmd_tokenizer_compare, &tokenizer_compare_help},
    {"show", cmd_tokenizer_show, &tokenizer_show_help},
    {"chat", cmd_tokenizer_chat, &tokenizer_chat_help},
};

static void print_help(void)
{
    for (int i = 0; i < N_ELEMENTS(verbs); i++)
        printf("jikji %s\n%s\n", verbs[i].help->synopsis, verbs[i].help->examples);
    printf("jikji tokenizer VERB --help shows the settings\n");
}

static const char *verb_names(Arena *arena)
{
    const char *names = verbs[0].name;
    for (int i = 1; i < N_ELEMENTS(verbs); i++)
        names = arena_printf(arena, "%s%s%s", names, i + 1 < N_ELEMENTS(verbs) ? ", " : " or ", verbs[i].name);
    return names;
}

static Err verbs_describe(char *flag)
{
    Arena *arena = arena_new();
    Err err = OK;
    for (int i = 0; i < N_ELEMENTS(verbs) && err == OK; i++)
        err = verbs[i].run(arena, 2, (char *[]){arena_strdup(arena, verbs[i].name), flag, NULL});
    arena_free(arena);
    return err;
}

Err cmd_tokenizer(int argc, char **argv)
{
    if (help_format(argc, argv) && argc == 2)
        return verbs_describe(argv[1]);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return OK;
    }
    Arena *arena = arena_new();
    Err err = err_set(ERR_USAGE, "tokenizer: expected %s; `jikji tokenizer --help` shows examples", verb_names(arena));
    for (int i = 0; i < N_ELEMENTS(verbs) && argc > 1; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            err = verbs[i].run(arena, argc - 1, argv + 1);
    arena_free(arena);
    return err;
}
