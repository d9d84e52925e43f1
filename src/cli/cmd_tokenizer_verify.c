/* cmd_tokenizer_verify.c - `jikji tokenizer verify`: what is wrong with a vocabulary, and what it does to Korean. */
#include "base/json.h"
#include "cli/cmd_tokenizer.h"
#include "text/tokenizer/survey.h"
#include "text/unicode/hangul.h"

#include <stdio.h>

typedef struct {
    const char *tokenizer, *pattern;
    bool json;
} VerifySettings;

static const Option options[] = {
    OPTION_TEXT("tokenizer", VerifySettings, tokenizer, "directory, tokenizer.json, .model, .tiktoken, vocab.json, vocab.txt or llm.c's .bin"),
    OPTION_TEXT("pattern", VerifySettings, pattern, "for .tiktoken and .bin: gpt2|cl100k|o200k|llama3|qwen or a regular expression"),
    OPTION_BOOL("json", VerifySettings, json, "one JSON object on stdout"),
};
const CommandHelp tokenizer_verify_help = {
    .synopsis = "tokenizer verify --tokenizer PATH",
    .examples = "    jikji tokenizer verify --tokenizer tok\n"
                "    jikji tokenizer verify --tokenizer gpt2.tiktoken --json\n",
    .about = "Looks for ids without a token, tokens that are there twice, ids that are not in the order of merges, tokens that no text becomes, and what\n"
             "happens to Korean: the 11,172 syllables, and NFD. A merge that names a missing token, or a model that fails its own tests, does not load.\n",
    .table = {options, N_ELEMENTS(options)},
};

static void say(const Tokenizer *tok, const char *what, int64_t n, int64_t first)
{
    printf("%-34s %lld", what, (long long)n);
    if (n)
        printf("   first: %lld \"%s\"", (long long)first, tokenizer_text_of(tok, (int32_t)first) ? tokenizer_text_of(tok, (int32_t)first) : "");
    putchar('\n');
}

static void print_text(const Tokenizer *tok, const TokenizerReport *r, const SyllableCoverage *c, const NfdHazard *nfd, const int64_t *scripts)
{
    printf("%-34s %lld (highest id + 1: %lld)\n", "tokens", (long long)r->n_tokens, (long long)tokenizer_vocab_size(tok));
    say(tok, "ids without a token", r->n_gaps, r->first_gap);
    say(tok, "tokens that are there twice", r->n_duplicates, r->first_duplicate);
    say(tok, "ids out of the order of merges", r->n_diverging, r->first_diverging);
    say(tok, "unreachable: no merges or path", r->n_unreachable, r->first_unreachable);
    say(tok, "unreachable: changed or cut before", r->n_cut, r->first_cut);
    printf("%-34s %lld whole, %lld in parts, %lld changed, %lld lost; %.2f tokens each\n", "the 11,172 syllables", (long long)c->n_whole,
           (long long)c->n_parts, (long long)c->n_changed, (long long)c->n_lost,
           c->n_lost == HANGUL_N_SYLLABLES ? 0.0 : (double)c->n_tokens / (double)(HANGUL_N_SYLLABLES - c->n_lost));
    printf("%-34s %s\n", "NFD", nfd->same_ids ? "the ids of NFC" : "");
    if (!nfd->same_ids)
        printf("%-34s %.2f tokens for one of NFC; NFD %s\n", "  hazard", nfd->inflation, nfd->nfd_comes_back ? "comes back as it was" : "does not come back");
    int32_t pad = tokenizer_special_id(tok, SPECIAL_PAD), eos = tokenizer_special_id(tok, SPECIAL_EOS);
    if (pad >= 0 && pad == eos)
        printf("%-34s pad is eos: losses must be masked by place, never by id\n", "special tokens");
    for (int s = 0; s < N_TOKEN_SCRIPTS; s++)
        if (scripts[s])
            printf("%-34s %lld (%.1f %%)\n", survey_script_name((TokenScript)s), (long long)scripts[s], 100.0 * (double)scripts[s] / (double)r->n_tokens);
}

static void print_json(const Tokenizer *tok, const TokenizerReport *r, const SyllableCoverage *c, const NfdHazard *nfd, const int64_t *scripts)
{
    JsonWriter *w = json_writer_new(0);
    json_write_object_begin(w);
    json_field_int(w, "tokens", r->n_tokens);
    json_field_int(w, "vocab_size", tokenizer_vocab_size(tok));
    json_field_int(w, "gaps", r->n_gaps);
    json_field_int(w, "duplicates", r->n_duplicates);
    json_field_int(w, "diverging", r->n_diverging);
    json_field_int(w, "unreachable", r->n_unreachable);
    json_field_int(w, "cut", r->n_cut);
    json_field_int(w, "syllables_whole", c->n_whole);
    json_field_int(w, "syllables_parts", c->n_parts);
    json_field_int(w, "syllables_changed", c->n_changed);
    json_field_int(w, "syllables_lost", c->n_lost);
    json_field_bool(w, "nfd_same_ids", nfd->same_ids);
    json_field_double(w, "nfd_inflation", nfd->inflation);
    json_field_bool(w, "nfd_comes_back", nfd->nfd_comes_back);
    json_field_bool(w, "pad_is_eos", tokenizer_special_id(tok, SPECIAL_PAD) >= 0 && tokenizer_special_id(tok, SPECIAL_PAD) == tokenizer_special_id(tok, SPECIAL_EOS));
    json_write_key(w, "scripts");
    json_write_object_begin(w);
    for (int s = 0; s < N_TOKEN_SCRIPTS; s++)
        json_field_int(w, survey_script_name((TokenScript)s), scripts[s]);
    json_write_object_end(w);
    json_write_object_end(w);
    puts(json_writer_text(w, NULL));
    json_writer_free(w);
}

Err cmd_tokenizer_verify(Arena *arena, int argc, char **argv)
{
    VerifySettings settings = {0};
    CommandWords words;
    TRY(command_line_read(&words, &tokenizer_verify_help, &settings, arena, argc, argv));
    if (words.helped)
        return OK;
    if (!settings.tokenizer)
        return err_set(ERR_USAGE, "tokenizer verify: expected --tokenizer PATH");
    Tokenizer *tok;
    TRY(tokenizer_load_with(&tok, settings.tokenizer, &(TokenizerLoadOptions){.pattern = settings.pattern}));
    TokenizerReport report = survey_tokens(tok);
    SyllableCoverage coverage = survey_syllables(tok);
    NfdHazard nfd = survey_nfd(tok);
    int64_t scripts[N_TOKEN_SCRIPTS];
    survey_scripts(tok, scripts);
    (settings.json ? print_json : print_text)(tok, &report, &coverage, &nfd, scripts);
    tokenizer_free(tok);
    return OK;
}
