/* quality_test.c - figures by hand, decisions by datatrove (tests/golden/quality/make.py). */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/test.h"
#include "text/corpus/document.h"
#include "text/corpus/quality.h"
#include "text/corpus/synth.h"

#include <string.h>

static double figure(const char *text, QualityFigure which)
{
    Arena *arena = arena_new();
    QualityFigures figures = quality_measure(arena, text, strlen(text));
    arena_free(arena);
    return figures.value[which];
}

TEST(quality, figures_are_what_they_say)
{
    CHECK_CLOSE(figure("one two, ... three", QUALITY_WORDS), 3, 0);
    CHECK_CLOSE(figure("one two, ... three", QUALITY_WORD_CHARS_MEAN), 12.0 / 3, 1e-12);
    CHECK_CLOSE(figure("one two ... three…", QUALITY_ELLIPSES), 2.0 / 4, 1e-12);
    CHECK_CLOSE(figure("- a\n• b\nc\n", QUALITY_BULLET_LINES), 2.0 / 3, 1e-12);
    CHECK_CLOSE(figure("a b\na b\nc", QUALITY_DUPLICATE_LINES), 1.0 / 3, 1e-12);
    CHECK_CLOSE(figure("a b\na b\nc", QUALITY_DUPLICATE_LINE_CHARS), 3.0 / 9, 1e-12);
    CHECK_CLOSE(figure("a b a b", QUALITY_TOP_2), 6.0 / 7, 1e-12);
    CHECK_CLOSE(figure("a b c d e a b c d e", QUALITY_DUPLICATE_5), 5.0 / 19, 1e-12);
    CHECK_CLOSE(figure("End.\nno end\n\nEnd?", QUALITY_LINES_ENDED), 2.0 / 3, 1e-12);
    CHECK_CLOSE(figure("고양이는 집에서 잤다 12", QUALITY_ALPHA_WORDS), 3.0 / 4, 1e-12);
    CHECK_CLOSE(figure("고양이는 집에서 잤다", QUALITY_STOP_WORDS_KO), 3, 0);
    CHECK_CLOSE(figure("", QUALITY_WORDS), 0, 0);
}

/* datatrove's name of a decision as the name of our rule. */
static const char *rule_of(const char *decision)
{
    static const char *const names[][2] = {
        {"dup_para_frac", "gopher.duplicate_paragraphs"}, {"dup_para_char_frac", "gopher.duplicate_paragraph_chars"}, {"dup_line_frac", "gopher.duplicate_lines"},
        {"dup_line_char_frac", "gopher.duplicate_line_chars"}, {"top_2_gram", "gopher.top_2"}, {"top_3_gram", "gopher.top_3"}, {"top_4_gram", "gopher.top_4"},
        {"duplicated_5_n_grams", "gopher.duplicate_5"}, {"duplicated_6_n_grams", "gopher.duplicate_6"}, {"duplicated_7_n_grams", "gopher.duplicate_7"},
        {"duplicated_8_n_grams", "gopher.duplicate_8"}, {"duplicated_9_n_grams", "gopher.duplicate_9"}, {"duplicated_10_n_grams", "gopher.duplicate_10"},
        {"gopher_short_doc", "gopher.words_min"}, {"gopher_long_doc", "gopher.words_max"}, {"gopher_below_avg_threshold", "gopher.word_chars_min"},
        {"gopher_above_avg_threshold", "gopher.word_chars_max"}, {"gopher_too_many_hashes", "gopher.hashes"}, {"gopher_too_many_ellipsis", "gopher.ellipses"},
        {"gopher_too_many_bullets", "gopher.bullet_lines"}, {"gopher_too_many_end_ellipsis", "gopher.ellipsis_lines"},
        {"gopher_below_alpha_threshold", "gopher.alpha_words"}, {"gopher_enough_stop_words", "gopher.stop_words"}, {"line_punct_ratio", "fineweb.lines_ended"},
        {"short_line_ratio", "fineweb.short_lines"}, {"char_dup_ratio", "fineweb.repeated_line_chars"}, {"list_ratio", "fineweb.breaks"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(decision, names[i][0]) == 0)
            return names[i][1];
    return "";
}

static const char *field(const Document *document, Arena *arena, const char *name)
{
    JsonReader json;
    JsonText key;
    const char *value = "?";
    json_reader_init(&json, "sample", document->record, document->n_record_bytes);
    if (json_object_begin(&json) != OK)
        return value;
    while (json_object_next(&json, &key)) {
        if (json_text_is(key, name))
            json_string(&json, arena, &value, NULL);
        else
            json_skip(&json);
    }
    return value;
}

/* The rules of one of datatrove's filters: gopher's table holds repetition first, then quality. */
static QualityRules rules_of(const char *filter)
{
    QualityRules all = {.n = 0}, some = {.n = 0};
    quality_rules_add(&all, strcmp(filter, "fineweb") == 0 ? "fineweb" : "gopher");
    bool repetition = strcmp(filter, "gopher-repetition") == 0, everything = strcmp(filter, "fineweb") == 0;
    for (int i = 0; i < all.n; i++) {
        bool repeats = all.rules[i].figure >= QUALITY_DUPLICATE_PARAGRAPHS && all.rules[i].figure <= QUALITY_DUPLICATE_10;
        if (everything || repeats == repetition)
            some.rules[some.n++] = all.rules[i];
    }
    return some;
}

TEST(quality, decisions_equal_datatroves)
{
    static const char *const filters[] = {"gopher-repetition", "gopher-quality", "fineweb"};
    Arena *arena = arena_new();
    DocumentOptions options = document_options_default();
    DocumentReader *reader;
    REQUIRE_OK(document_reader_open(&reader, test_source_path("tests/golden/quality/sample.jsonl"), &options));
    Document document;
    Err err;
    int n = 0, n_drops = 0;
    while (document_reader_next(reader, &document, &err)) {
        QualityFigures figures = quality_measure(arena, document.text, document.n_bytes);
        for (int i = 0; i < 3; i++) {
            QualityRules rules = rules_of(filters[i]);
            const QualityRule *broken = quality_judge(&rules, &figures);
            const char *decision = field(&document, arena, filters[i]);
            CHECK_STRING(broken ? broken->name : "", rule_of(decision));
            n_drops += decision[0] != '\0';
        }
        n++;
        arena_reset(arena);
    }
    CHECK_OK(err);
    CHECK_EQUAL(n, 96);
    test_note("%d decisions, %d of them drops", 3 * n, n_drops);
    document_reader_free(reader);
    arena_free(arena);
}

TEST(quality, thresholds_can_be_changed_by_name)
{
    QualityRules rules = {.n = 0};
    CHECK(quality_rules_add(&rules, "gopher") && quality_rules_add(&rules, "fineweb2-ko") && !quality_rules_add(&rules, "none"));
    CHECK(quality_rules_set(&rules, "gopher.words_min", 2) && !quality_rules_set(&rules, "gopher.nothing", 1));
    QualityFigures figures = {{0}};
    figures.value[QUALITY_WORDS] = 1;
    CHECK_STRING(quality_judge(&rules, &figures)->name, "gopher.words_min");
}

BENCH(quality, bytes_per_second)
{
    Arena *arena = arena_new(), *scratch = arena_new();
    SynthOptions options = {.seed = 4};
    int n = test_bench_full() ? 5000 : 50;
    int64_t n_bytes = 0;
    double seconds = 0;
    for (int k = 0; k < n; k++) {
        SynthDocument d = synth_document(&options, (uint64_t)k, arena);
        double start = clock_seconds();
        quality_measure(scratch, d.text, d.n_bytes);
        seconds += clock_seconds() - start;
        n_bytes += (int64_t)d.n_bytes;
        arena_reset(arena);
        arena_reset(scratch);
    }
    test_note("%.1f MB/s on one core", (double)n_bytes / seconds / 1e6);
    arena_free(arena);
    arena_free(scratch);
}
