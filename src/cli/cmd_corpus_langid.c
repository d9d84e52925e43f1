/* cmd_corpus_langid.c - `jikji corpus langid`: the stage, `train`, which makes its model, and `eval`, which measures one. */
#include "base/json.h"
#include "base/log.h"
#include "cli/cmd_corpus.h"
#include "cli/corpus_stage.h"
#include "text/corpus/langid_train.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *out, *model, *text, *label;
    int64_t hold, inner, confusions;
    LangidTrainOptions train;
    bool json;
} Settings;

#define SOURCE_ROWS                                                                                                                     \
    OPTION_TEXT("text", Settings, text, "jsonl: the field that holds the text"),                                                        \
    OPTION_TEXT("label", Settings, label, "jsonl: the field that holds the language"),                                                  \
    OPTION_INT("hold", Settings, hold, 0, 1e9, "set every hold-th example aside by hash: train leaves these out, eval takes these alone; 0: all"), \
    OPTION_INT("inner", Settings, inner, 0, 1e9, "the same among those that are not held, by another hash: to choose settings on"),               \
    OPTION_BOOL("json", Settings, json, "one JSON object as the last line of stdout")

static const Option train_rows[] = {
    OPTION_TEXT("out", Settings, out, "the model"),
    OPTION_INT("count-min", Settings, train.count_min, 1, 1e9, "features seen less often are left out"),
    OPTION_INT("features-max", Settings, train.features_max, 1000, 1e9, "features of a script; the most frequent stay"),
    OPTION_REAL("smoothing", Settings, train.smoothing, 1e-6, 10.0, "what every count is raised by"),
    OPTION_INT("rounds", Settings, train.refine_rounds, 0, 1000, "over examples that another language comes close to; 0: plain naive Bayes"),
    SOURCE_ROWS,
};

static const Option eval_rows[] = {
    OPTION_TEXT("model", Settings, model, "made by `corpus langid train`"),
    OPTION_INT("confusions", Settings, confusions, 0, 10000, "how many of the most frequent ones are listed"),
    SOURCE_ROWS,
};

static const CommandHelp train_help = {
    .synopsis = "corpus langid train IN... --out MODEL [settings]",
    .examples = "    jikji corpus langid train sentences.tsv.zst --out lid.lid\n"
                "    jikji corpus langid train sentences.tsv.zst --hold 5 --out lid80.lid\n",
    .about = "Inputs are lines of LABEL<TAB>TEXT, or JSON lines (.jsonl). A few hundred sentences a language do well.\n",
    .table = {train_rows, N_ELEMENTS(train_rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

static const CommandHelp eval_help = {
    .synopsis = "corpus langid eval IN... --model MODEL [settings]",
    .examples = "    jikji corpus langid eval sentences.tsv.zst --hold 5 --model lid80.lid\n",
    .about = "How often a model is right: by language, their mean, and the mean with bs hr sr, id ms, nb nn da taken as one each.\n",
    .table = {eval_rows, N_ELEMENTS(eval_rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

static Err train(const Settings *settings, const LangidSource *source)
{
    LangidTrainReport report;
    if (!settings->out)
        return err_set(ERR_USAGE, "corpus langid train: --out is missing");
    double start = clock_seconds();
    TRY(langid_train(&report, &settings->train, source, settings->out));
    double seconds = clock_seconds() - start;
    log_info("%lld examples, %d languages, %lld features, %.1f s", (long long)report.n_examples, report.n_languages, (long long)report.n_features, seconds);
    if (settings->json)
        printf("{\"examples\":%lld,\"languages\":%d,\"features\":%lld,\"seconds\":%.3f}\n", (long long)report.n_examples, report.n_languages,
               (long long)report.n_features, seconds);
    return OK;
}

static void print_json(const LangidEvaluation *r)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_double(json, "macro", r->macro);
    json_field_double(json, "macro_groups", r->macro_groups);
    json_field_double(json, "mb_per_second", (double)r->n_bytes / 1e6 / r->seconds);
    json_write_key(json, "languages");
    json_write_object_begin(json);
    for (int i = 0; i < r->n; i++)
        json_field_double(json, r->scores[i].name, (double)r->scores[i].n_right / (double)r->scores[i].n);
    json_write_object_end(json);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static Err evaluate(const Settings *settings, const LangidSource *source, Arena *arena)
{
    LangidModel *model;
    LangidEvaluation r;
    TRY(langid_open(&model, settings->model));
    Err err = langid_evaluate(&r, arena, model, source);
    if (err == OK && settings->json) {
        print_json(&r);
    } else if (err == OK) {
        for (int i = 0; i < r.n; i++)
            printf("%-8s %6lld  %.4f\n", r.scores[i].name, (long long)r.scores[i].n, (double)r.scores[i].n_right / (double)r.scores[i].n);
        for (int i = 0; i < r.n_confusions && i < settings->confusions; i++)
            printf("%s taken for %s %lld times\n", r.confusions[i].of, r.confusions[i].as, (long long)r.confusions[i].n);
        printf("mean of %d languages %.4f, with groups %.4f; %.1f MB/s\n", r.n, r.macro, r.macro_groups, (double)r.n_bytes / 1e6 / r.seconds);
    }
    langid_close(model);
    return err;
}

Err cmd_corpus_langid(int argc, char **argv)
{
    bool trains = argc > 1 && strcmp(argv[1], "train") == 0, evaluates = argc > 1 && strcmp(argv[1], "eval") == 0;
    if (!trains && !evaluates)
        return corpus_stage_command(stage_kind_find("langid"), argc, argv);
    Arena *arena = arena_new();
    Settings settings = {.text = "text", .label = "language", .confusions = 20, .train = langid_train_options_default()};
    CommandWords words;
    Err err = command_line_read(&words, trains ? &train_help : &eval_help, &settings, arena, argc - 1, argv + 1);
    LangidSource source = {.inputs = words.word, .n_inputs = words.n, .text_field = settings.text, .label_field = settings.label, .hold = settings.hold, .inner = settings.inner};
    if (err == OK && !words.helped)
        err = trains ? train(&settings, &source) : evaluate(&settings, &source, arena);
    arena_free(arena);
    return err;
}
