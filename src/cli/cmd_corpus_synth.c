/* cmd_corpus_synth.c - `jikji corpus synth`. */
#include "base/json.h"
#include "base/log.h"
#include "cli/cmd_corpus.h"
#include "cli/command_line.h"
#include "text/corpus/synth_web.h"
#include "text/corpus/synth_write.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    int64_t bytes, seed;
    OptionTexts language;
    int kind;
    const char *out;
    bool json;
} SynthSettings;

static const Option rows[] = {
    OPTION_CHOICE("kind", SynthSettings, kind, "stories|web", "documents, or web pages around them with the truth beside"),
    OPTION_INT("bytes", SynthSettings, bytes, 1, 1e15, "text to write; the last document is finished"),
    OPTION_INT("seed", SynthSettings, seed, 0, 9e15, "same seed, same text, byte for byte"),
    OPTION_TEXTS("language", SynthSettings, language, "ko, en, parallel (the same document in both)"),
    OPTION_TEXT("out", SynthSettings, out, "NAME.jsonl or NAME.txt, with .zst or .gz behind to compress; - is stdout; web: NAME.warc or .warc.gz"),
    OPTION_BOOL("json", SynthSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "corpus synth --out FILE [settings]",
    .examples = "    jikji corpus synth --bytes 10M --seed 1 --out world.jsonl.zst\n"
                "    jikji corpus synth --bytes 2M --language ko --out ko.txt\n"
                "    jikji corpus synth --bytes 3000 --out - | head\n"
                "    jikji corpus synth --kind web --bytes 10M --out web.warc.gz    and web.truth.jsonl\n",
    .about = "People, places and objects of a small world; what happens is simulated first and told afterwards, so a story never\n"
             "contradicts itself and the questions at its end have one answer. Without end, and deterministic by seed.\n"
             "Web pages wear menus, adverts and wrong encodings, copy each other, hold personal data, and are in eight languages.\n",
    .table = {rows, N_ELEMENTS(rows)},
};

static Err read_languages(int *set, const OptionTexts *names)
{
    static const struct { const char *name; int language; } known[] = {{"ko", SYNTH_KO}, {"en", SYNTH_EN}, {"parallel", SYNTH_PARALLEL}};
    *set = 0;
    for (int i = 0; i < names->n; i++) {
        int language = 0;
        for (int k = 0; k < N_ELEMENTS(known); k++)
            language |= strcmp(names->value[i], known[k].name) == 0 ? known[k].language : 0;
        if (!language)
            return err_set(ERR_USAGE, "--language: \"%s\" is none of ko, en, parallel", names->value[i]);
        *set |= language;
    }
    return OK;
}

static void print_report(const SynthReport *report, const SynthSettings *settings)
{
    bool to_stdout = strcmp(settings->out, "-") == 0;
    log_info("%lld documents, %.1f MB of text in %.1f s (%.0f MB/s)", (long long)report->n_documents, (double)report->n_bytes / 1e6,
             report->seconds, (double)report->n_bytes / 1e6 / report->seconds);
    if (!settings->json || to_stdout)
        return;
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "out", settings->out);
    json_field_int(json, "documents", report->n_documents);
    json_field_int(json, "bytes", report->n_bytes);
    json_field_int(json, "seed", settings->seed);
    json_field_double(json, "seconds", report->seconds);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static Err synth_web(const SynthSettings *settings)
{
    WebReport report;
    TRY(synth_web_write(&report, (uint64_t)settings->seed, settings->bytes, settings->out));
    log_info("%lld pages, %lld copies, %lld near copies, %lld pieces of personal data", (long long)report.n_pages, (long long)report.n_copies,
             (long long)report.n_near, (long long)report.n_pii);
    if (!settings->json)
        return OK;
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "out", settings->out);
    json_field_int(json, "pages", report.n_pages);
    json_field_int(json, "copies", report.n_copies);
    json_field_int(json, "near_copies", report.n_near);
    json_field_int(json, "pii", report.n_pii);
    json_field_int(json, "bytes", report.n_bytes);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
    return OK;
}

static Err synth(const SynthSettings *settings)
{
    enum { KIND_WEB = 1 };
    if (!settings->out)
        return err_set(ERR_USAGE, "corpus synth: --out is missing");
    if (settings->kind == KIND_WEB) {
        interrupt_install();
        return synth_web(settings);
    }
    SynthOptions options = {.seed = (uint64_t)settings->seed};
    TRY(read_languages(&options.languages, &settings->language));
    interrupt_install();
    SynthReport report;
    TRY(synth_write(&report, &options, settings->bytes, settings->out));
    print_report(&report, settings);
    return OK;
}

Err cmd_corpus_synth(int argc, char **argv)
{
    Arena *arena = arena_new();
    SynthSettings settings = {.bytes = 10000000, .seed = 1, .language = {3, {"ko", "en", "parallel"}}};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped)
        err = synth(&settings);
    arena_free(arena);
    return err;
}
