/* cmd_tokenizer_train.c - jikji tokenizer train: a vocabulary from documents, or a larger one from a smaller. */
#include "base/file.h"
#include "base/log.h"
#include "base/options.h"
#include "cli/cmd_tokenizer.h"
#include "text/corpus/document.h"
#include "text/tokenizer/mixture.h"
#include "text/tokenizer/survey.h"
#include "text/tokenizer/tokenizer.h"

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
    bool nfc, particles, quiet, verbose;
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
    OPTION_INT("memory", TrainSettings, memory, 0, 1e15, "bytes that words, and what is learnt from them, may take, beside some 40 MB; 0: any"),
    OPTION_TEXT("work", TrainSettings, work, "folder for words that do not fit, read from there again and again; a killed run goes on from it; removed at the end"),
    OPTION_BOOL("quiet", TrainSettings, quiet, "no progress"),
    OPTION_BOOL("verbose", TrainSettings, verbose, "wordpiece: each merge on stderr, with its score and the loss it leaves, in nats a token"),
};
const CommandHelp tokenizer_train_help = {
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
    if (settings->verbose)
        log_set_level(LOG_DEBUG);
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

Err cmd_tokenizer_train(Arena *arena, int argc, char **argv)
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
    TRY(command_line_read(&files, &tokenizer_train_help, &settings, arena, argc, argv));
    return files.helped ? OK : run_train(&settings, &files, arena);
}
