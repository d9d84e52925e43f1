/* cmd_tokenizer_compare.c - `jikji tokenizer compare`: several tokenizers on several texts in one run. */
#include "base/file.h"
#include "base/log.h"
#include "cli/cmd_tokenizer.h"
#include "cli/tokenizer_compare.h"
#include "text/corpus/document.h"
#include "text/unicode/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    OptionTexts tokenizers;
    const char *pattern, *out, *json, *field;
    int format;
    int64_t bytes_max;
    bool sweep;
} CompareSettings;

static const Option options[] = {
    OPTION_TEXTS("tokenizer", CompareSettings, tokenizers, "NAME=PATH or PATH; given for each tokenizer"),
    OPTION_TEXT("out", CompareSettings, out, "the page to write, in HTML"),
    OPTION_TEXT("json", CompareSettings, json, "the numbers to write; - is stdout"),
    OPTION_INT("bytes-max", CompareSettings, bytes_max, 1000, 1e12, "taken of each text"),
    OPTION_BOOL("sweep", CompareSettings, sweep, "also train byte-bpe on the texts with 1k to 64k tokens, and compare merges by count and by likelihood"),
    OPTION_CHOICE("format", CompareSettings, format, DOCUMENT_FORMAT_CHOICES, "how files hold documents"),
    OPTION_TEXT("field", CompareSettings, field, "field or column of a record"),
    OPTION_TEXT("pattern", CompareSettings, pattern, "for .tiktoken and .bin"),
};
const CommandHelp tokenizer_compare_help = {
    .synopsis = "tokenizer compare --tokenizer PATH... [DOMAIN=]FILE...",
    .examples = "    jikji tokenizer compare --tokenizer tok --tokenizer gpt2=gpt2.tiktoken law=laws.jsonl.zst review=reviews.txt --out compare.html\n"
                "    jikji tokenizer compare --tokenizer tok prose=book.txt code=main.c --sweep --json -\n",
    .about = "Sizes, coverage, tokens per word and eojeol, words kept whole, seams of particles, NFD, efficiency, speed, memory; by domain. Every text is also\n"
             "decoded again, line by line, in the same run. The column bits per byte belongs to a model and stays empty here.\n",
    .table = {options, N_ELEMENTS(options)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

double compare_ratio(double a, double b)
{
    return b != 0.0 ? a / b : 0.0;
}

/* "NAME=PATH" or "PATH", whose last part is the name. */
static void split_name(Arena *arena, const char *word, const char **name, const char **path)
{
    const char *equals = strchr(word, '='), *slash;
    *path = equals ? equals + 1 : word;
    slash = strrchr(*path, '/');
    *name = equals ? arena_strndup(arena, word, (size_t)(equals - word)) : slash && slash[1] ? slash + 1 : *path;
}

/* Documents one below the other, until there is enough. */
static Err read_text(const CompareSettings *settings, Arena *arena, ComparedText *text)
{
    DocumentOptions documents = document_options_default();
    documents.format = settings->format;
    documents.field = settings->field;
    DocumentReader *reader;
    Document document;
    TRY(document_reader_open(&reader, text->path, &documents));
    char *bytes = NULL;
    size_t n = 0, capacity = 0;
    Err err = OK;
    while (n < (size_t)settings->bytes_max && document_reader_next(reader, &document, &err)) {
        size_t room = (size_t)settings->bytes_max - n, take = document.n_bytes;
        if (take > room)
            take = utf8_valid_prefix(document.text, room);  /* no half characters */
        if (n + take + 1 > capacity) {
            capacity = (n + take + 1) * 2;
            bytes = mem_realloc(bytes, capacity);
        }
        memcpy(bytes + n, document.text, take);
        n += take;
        if (n && bytes[n - 1] != '\n')
            bytes[n++] = '\n';
    }
    document_reader_free(reader);
    if (err == OK && n == 0)
        err = err_set(ERR_FORMAT, "%s: no text in it", text->path);
    text->bytes = err == OK ? arena_strndup(arena, bytes, n) : NULL;
    text->n_bytes = n;
    free(bytes);
    return err;
}

static const char *type_name(const Tokenizer *tok)
{
    static const char *const names[] = {
        [TOKENIZER_BYTE_BPE] = "byte-level BPE", [TOKENIZER_CHAR_BPE] = "BPE", [TOKENIZER_WORDPIECE] = "WordPiece", [TOKENIZER_BERT_BPE] = "WordPiece",
        [TOKENIZER_UNIGRAM] = "Unigram", [TOKENIZER_JAMO] = "jamo BPE", [TOKENIZER_CHAR] = "characters", [TOKENIZER_WORD] = "words", [TOKENIZER_BYTE] = "bytes",
    };
    return names[tokenizer_type(tok)];
}

/* The beginning of the first text, cut into tokens. */
static const char *sample_of(const Tokenizer *tok, Arena *arena, const ComparedText *text)
{
    enum { SAMPLE_BYTES = 240 };
    size_t n = text->n_bytes < SAMPLE_BYTES ? text->n_bytes : SAMPLE_BYTES;
    n -= utf8_incomplete_tail(text->bytes, n);
    TokenOffset *at;
    TokenSpan ids = tokenizer_encode_with(tok, arena, text->bytes, n, 0, &at);
    char *out = arena_alloc(arena, n + (size_t)ids.n * 4 + 1);
    size_t k = 0;
    int64_t from = 0;
    for (int64_t i = 0; i < ids.n; i++) {
        if (at[i].end <= from || (size_t)at[i].end > n)
            continue;
        size_t length = (size_t)(at[i].end - from);
        memcpy(out + k, text->bytes + from, length);
        k += length;
        memcpy(out + k, "\u2502", 3);
        k += 3;
        from = at[i].end;
    }
    out[k] = '\0';
    return out;
}

/* Loads and makes the tables that wait for a first text. */
static Err load(Tokenizer **tok, const CompareSettings *settings, ComparedTokenizer *compared, Arena *arena)
{
    TokenizerLoadOptions with = {.pattern = settings->pattern};
    double start = clock_seconds();
    TRY(tokenizer_load_with(tok, compared->path, &with));
    tokenizer_encode(*tok, arena, "a", 1);
    double seconds = clock_seconds() - start;
    if (compared->load_seconds == 0.0 || seconds < compared->load_seconds)
        compared->load_seconds = seconds;
    return OK;
}

/* A cold start for every text: loaded anew. */
static Err measure(const CompareSettings *settings, const Comparison *comparison, ComparedTokenizer *compared, Arena *arena)
{
    compared->texts = ARENA_ARRAY(arena, TextNumbers, comparison->n_texts);
    compared->all = (TextNumbers){0};
    for (int i = 0; i < comparison->n_texts; i++) {
        Tokenizer *tok;
        TRY(load(&tok, settings, compared, arena));
        compared->texts[i] = compare_measure(tok, comparison->texts[i].bytes, comparison->texts[i].n_bytes);
        compare_add(&compared->all, &compared->texts[i]);
        if (i == 0) {
            compared->type = type_name(tok);
            compared->hash = tokenizer_hash(tok);
            compared->vocab_size = tokenizer_vocab_size(tok);
            compared->report = survey_tokens(tok);
            compared->coverage = survey_syllables(tok);
            compared->nfd = survey_nfd(tok);
            survey_scripts(tok, compared->scripts);
            compared->mean_length = survey_mean_length(tok);
            compared->sample = sample_of(tok, arena, &comparison->texts[0]);
        }
        tokenizer_free(tok);
        if (interrupt_requested())
            return err_set(ERR_INTERRUPTED, "interrupted while comparing");
    }
    return OK;
}

typedef struct {
    const Comparison *comparison;
    int at;
} TextSource;

static Err next_text(void *context, const char **text, size_t *n_bytes)
{
    TextSource *source = context;
    *text = NULL;
    if (source->at == source->comparison->n_texts)
        return OK;
    *text = source->comparison->texts[source->at].bytes;
    *n_bytes = source->comparison->texts[source->at++].n_bytes;
    return OK;
}

static Err train(Tokenizer **out, const Comparison *comparison, TokenizerType type, int64_t vocab_size)
{
    TokenizerTrainOptions learn = tokenizer_train_options_for(type);
    TextSource source = {comparison, 0};
    learn.vocab_size = vocab_size;
    learn.pattern = "o200k";
    learn.quiet = true;
    return tokenizer_train(out, &learn, (TokenizerSource){next_text, &source});
}

static Err run_sweep(Comparison *comparison)
{
    for (int i = 0; i < SWEEP_POINTS; i++) {
        Tokenizer *tok;
        TextNumbers all = {0};
        TRY(train(&tok, comparison, TOKENIZER_BYTE_BPE, 1000LL << i));
        for (int k = 0; k < comparison->n_texts; k++) {
            TextNumbers one = compare_measure(tok, comparison->texts[k].bytes, comparison->texts[k].n_bytes);
            compare_add(&all, &one);
        }
        bool full = tokenizer_vocab_size(tok) == 1000LL << i;
        if (full)
            comparison->sweep[comparison->n_sweep++] = (SweepPoint){
                tokenizer_vocab_size(tok), compare_ratio((double)all.n_eojeol_tokens, (double)all.n_eojeol),
                compare_ratio((double)all.n_word_tokens, (double)all.n_words), compare_ratio((double)all.n_bytes, (double)all.n_tokens), all.renyi_efficiency};
        tokenizer_free(tok);
        if (!full)
            break;  /* the texts hold no more merges */
    }
    return OK;
}

/* Tokens of `tok` that `other` lacks, the first of them as one text; counts those it has. */
static const char *only_in(const Tokenizer *tok, const Tokenizer *other, Arena *arena, int64_t *n_shared)
{
    const char *list = "";
    int n_listed = 0;
    *n_shared = 0;
    for (int32_t id = 0; id < tokenizer_vocab_size(tok); id++) {
        const char *text = tokenizer_text_of(tok, id);
        if (!text)
            continue;
        bool shared = tokenizer_id_of(other, text) >= 0;
        *n_shared += shared;
        if (!shared && n_listed++ < 40)
            list = arena_printf(arena, "%s%s%s", list, *list ? " " : "", text);
    }
    return list;
}

static Err compare_merges(Comparison *comparison, Arena *arena)
{
    enum { MERGED_VOCABULARY = 8000 };
    Tokenizer *by_count = NULL, *by_likelihood = NULL;
    Err err = train(&by_count, comparison, TOKENIZER_BERT_BPE, MERGED_VOCABULARY);
    if (err == OK)
        err = train(&by_likelihood, comparison, TOKENIZER_WORDPIECE, MERGED_VOCABULARY);
    if (err == OK) {
        MergeComparison *merges = &comparison->merges;
        int64_t n;
        merges->vocab_size = tokenizer_vocab_size(by_count);
        merges->only_count = only_in(by_count, by_likelihood, arena, &merges->n_shared);
        merges->only_likelihood = only_in(by_likelihood, by_count, arena, &n);
    }
    tokenizer_free(by_count);
    tokenizer_free(by_likelihood);
    return err;
}

static void print_table(const Comparison *comparison)
{
    printf("%-20s %-12s %9s %9s %9s %9s %9s %7s %7s %9s\n", "tokenizer", "text", "tok/word", "tok/eoj", "bytes/tok", "chars/tok", "whole %", "seams %", "back %",
           "MB/s cold");
    for (int i = 0; i < comparison->n_tokenizers; i++)
        for (int k = 0; k <= comparison->n_texts; k++) {
            const ComparedTokenizer *t = &comparison->tokenizers[i];
            const TextNumbers *n = k < comparison->n_texts ? &t->texts[k] : &t->all;
            if (k == comparison->n_texts && k == 1)
                continue;
            printf("%-20.20s %-12.12s %9.3f %9.3f %9.3f %9.3f %9.1f %7.1f %7.1f %9.1f\n", t->name, k < comparison->n_texts ? comparison->texts[k].domain : "all",
                   compare_ratio((double)n->n_word_tokens, (double)n->n_words), compare_ratio((double)n->n_eojeol_tokens, (double)n->n_eojeol),
                   compare_ratio((double)n->n_bytes, (double)n->n_tokens), compare_ratio((double)n->n_chars, (double)n->n_tokens),
                   100.0 * compare_ratio((double)n->n_whole_words, (double)n->n_words), 100.0 * compare_ratio((double)n->n_seams_met, (double)n->n_seams),
                   100.0 * compare_ratio((double)n->n_lines_back, (double)n->n_lines), compare_ratio((double)n->n_bytes, n->cold_seconds) / 1e6);
        }
}

static Err run_compare(const CompareSettings *settings, const CommandWords *words, Arena *arena)
{
    Comparison comparison = {
        .texts = ARENA_ARRAY(arena, ComparedText, words->n),
        .n_texts = words->n,
        .tokenizers = ARENA_ARRAY(arena, ComparedTokenizer, settings->tokenizers.n),
        .n_tokenizers = settings->tokenizers.n,
    };
    for (int i = 0; i < words->n; i++) {
        split_name(arena, words->word[i], &comparison.texts[i].domain, &comparison.texts[i].path);
        TRY(read_text(settings, arena, &comparison.texts[i]));
    }
    for (int i = 0; i < settings->tokenizers.n; i++) {
        ComparedTokenizer *compared = &comparison.tokenizers[i];
        split_name(arena, settings->tokenizers.value[i], &compared->name, &compared->path);
        TRY(measure(settings, &comparison, compared, arena));
    }
    if (settings->sweep) {
        TRY(run_sweep(&comparison));
        TRY(compare_merges(&comparison, arena));
    }
    if (!settings->json || strcmp(settings->json, "-") != 0)
        print_table(&comparison);
    if (settings->json)
        TRY(tokenizer_compare_json(&comparison, settings->json));
    return settings->out ? tokenizer_compare_page(&comparison, settings->out) : OK;
}

Err cmd_tokenizer_compare(Arena *arena, int argc, char **argv)
{
    CompareSettings settings = {.field = "text", .bytes_max = 4000000};
    CommandWords words;
    TRY(command_line_read(&words, &tokenizer_compare_help, &settings, arena, argc, argv));
    if (words.helped)
        return OK;
    if (settings.tokenizers.n == 0)
        return err_set(ERR_USAGE, "tokenizer compare: expected --tokenizer PATH at least once");
    interrupt_install();
    return run_compare(&settings, &words, arena);
}
