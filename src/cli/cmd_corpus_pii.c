/* cmd_corpus_pii.c - `jikji corpus pii`. */
#include "cli/cmd_corpus.h"
#include "cli/corpus_stage.h"
#include "text/corpus/pii_stage.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    StageSettings stage;
    int policy;
    const char *key, *audit;
    OptionTexts except;
} PiiSettings;

static const Option rows[] = {
    STAGE_ROWS,
    OPTION_CHOICE("policy", PiiSettings, policy, PII_POLICY_CHOICES, "what happens to a value; its span stays as a tag"),
    OPTION_TEXT("key", PiiSettings, key, "of pseudonyms and of the log's hashes"),
    OPTION_TEXT("audit", PiiSettings, audit, "a hash-chained log of every finding, without values"),
    OPTION_TEXTS("except", PiiSettings, except, "classes to leave alone: email phone rrn frn business corporate passport driver card account ip"),
};

static const CommandHelp help = {
    .synopsis = "corpus pii IN... --out FILE [settings]",
    .examples = "    jikji corpus pii text.jsonl.zst --out clean.jsonl.zst\n"
                "    jikji corpus pii reviews.tsv --field document --policy drop --out clean.jsonl\n"
                "    jikji corpus pii text.jsonl --policy pseudonym --key SECRET --audit audit.jsonl --out clean.jsonl\n",
    .about = "Korean and international telephone numbers, resident, foreigner, business, corporate and passport numbers, driver's licences,\n"
             "cards, bank accounts near a bank's name, mail and net addresses; by form, check digit and the words around.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

static Err read_except(PiiOptions *options, const OptionTexts *names)
{
    for (int i = 0; i < names->n; i++) {
        int class = 0;
        while (class < N_PII && strcmp(names->value[i], pii_class_name((PiiClass)class)) != 0)
            class++;
        if (class == N_PII)
            return err_set(ERR_USAGE, "--except: \"%s\" is no class of personal data", names->value[i]);
        options->is_on[class] = false;
    }
    return OK;
}

static Err pii(const PiiSettings *settings, const CommandWords *words, Arena *arena)
{
    PiiOptions options = pii_options_default();
    options.policy = settings->policy;
    options.key = settings->key;
    TRY(read_except(&options, &settings->except));
    FileWriter *audit = NULL;
    if (settings->audit)
        TRY(file_writer_open(&audit, settings->audit));
    PiiStage state;
    Stage stage = pii_stage(&state, &options, audit);
    StageReport report;
    Err err = corpus_stage_run(&stage, &settings->stage, words, &report);
    if (err == OK)
        err = state.audit_err;
    if (err != OK) {
        file_writer_abort(audit);
        return err;
    }
    if (audit)
        TRY(file_writer_commit(audit));
    const char *found = "";
    for (int i = 0; i < N_PII; i++)
        found = arena_printf(arena, "%s%s\"%s\":%lld", found, i ? "," : "", pii_class_name((PiiClass)i), (long long)state.n_found[i]);
    corpus_stage_print(&stage, &settings->stage, &report, arena_printf(arena, "\"found\":{%s}", found));
    return OK;
}

Err cmd_corpus_pii(int argc, char **argv)
{
    Arena *arena = arena_new();
    PiiSettings settings = {.stage = stage_settings_default(), .policy = PII_MASK, .key = "jikji"};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped)
        err = pii(&settings, &words, arena);
    arena_free(arena);
    return err;
}
