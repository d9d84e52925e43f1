/* cmd_corpus_perplexity.c - `jikji corpus perplexity`: the stage, and `train`, which makes its model. */
#include "base/log.h"
#include "cli/cmd_corpus.h"
#include "cli/corpus_stage.h"
#include "text/corpus/perplexity.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    StageSettings stage;
    PerplexityTrainOptions train;
} Settings;

static const Option rows[] = {
    OPTION_TEXT("out", StageSettings, out, "the model"),
    OPTION_INT("order", Settings, train.order, 1, PERPLEXITY_ORDER_MAX, "characters a run"),
    OPTION_INT("entries-max", Settings, train.entries_max, 1000, 1e10, "runs held, 48 bytes each; no new ones after that"),
    OPTION_INT("hold", Settings, train.hold, 0, 1e9, "every hold-th document sets the limits of the buckets instead; 0: none"),
    OPTION_TEXTS("limits-from", Settings, train.limits_from, "files that are to be judged: 30 % of their documents will be head, 30 % middle, the rest tail"),
    OPTION_CHOICE("format", StageSettings, format, DOCUMENT_FORMAT_CHOICES, "how a file falls into documents"),
    OPTION_TEXT("field", StageSettings, field, "jsonl: the field that holds the text; tsv, csv: the column"),
    OPTION_BOOL("json", StageSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "corpus perplexity train IN... --out MODEL [settings]",
    .examples = "    jikji corpus perplexity train wiki.txt.zst --limits-from web.jsonl --out wiki.ppl\n"
                "    jikji corpus perplexity train wiki.txt.zst --format lines --out wiki.ppl\n",
    .about = "A Kneser-Ney model of character runs, from text that is as good as the corpus should be. Where the buckets end is learnt from the corpus\n"
             "(--limits-from), or from every 50th text: then most documents that are not like these texts are tail.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

static Err train(const Settings *settings, const CommandWords *words)
{
    PerplexityTrainReport r;
    if (!settings->stage.out)
        return err_set(ERR_USAGE, "corpus perplexity train: --out is missing");
    StageOptions options = corpus_stage_options(&settings->stage, words->word, words->n);
    TRY(perplexity_train(&r, &settings->train, words->word, words->n, &options.documents, settings->stage.out));
    log_info("%lld documents, %lld characters, %lld runs; head to %.4g, middle to %.4g (of %lld documents)", (long long)r.n_texts, (long long)r.n_chars,
             (long long)r.n_entries, r.limits[0], r.limits[1], (long long)r.n_held);
    if (settings->stage.json)
        printf("{\"documents\":%lld,\"held\":%lld,\"chars\":%lld,\"runs\":%lld,\"limits\":[%.9g,%.9g]}\n", (long long)r.n_texts, (long long)r.n_held,
               (long long)r.n_chars, (long long)r.n_entries, r.limits[0], r.limits[1]);
    return OK;
}

Err cmd_corpus_perplexity(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "train") != 0)
        return corpus_stage_command(stage_kind_find("perplexity"), argc, argv);
    Arena *arena = arena_new();
    Settings settings = {.stage = stage_settings_default(), .train = perplexity_train_options_default()};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc - 1, argv + 1);
    if (err == OK && !words.helped)
        err = train(&settings, &words);
    arena_free(arena);
    return err;
}
