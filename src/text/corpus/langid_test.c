/* langid_test.c - rules of scripts, mixed documents, a trained model and its file, the 75 languages of lid-lingua. */
#include "base/file.h"
#include "base/json.h"
#include "base/test.h"
#include "text/corpus/langid_train.h"
#include "text/corpus/stage.h"

#include <stdio.h>
#include <string.h>

static const char *language_of(const LangidModel *model, const char *text)
{
    return langid_guess(model, text, strlen(text)).language;
}

TEST(langid, scripts_decide_without_a_model)
{
    LangidModel *model;
    CHECK(langid_open(&model, NULL) == OK);
    CHECK_STRING(language_of(model, "직지는 금속활자로 찍은 책이다."), "ko");
    CHECK_STRING(language_of(model, "吾輩は猫である。名前はまだ無い。"), "ja");
    CHECK_STRING(language_of(model, "我是一只猫,还没有名字。"), "zh");
    CHECK_STRING(language_of(model, "Καλημέρα κόσμε"), "el");
    CHECK_STRING(language_of(model, "สวัสดีชาวโลก"), "th");
    CHECK_STRING(language_of(model, "Hello, world"), "und");
    CHECK_STRING(language_of(model, "12 345 ... 67"), "zxx");
    CHECK_STRING(language_of(model, ""), "zxx");
    CHECK_STRING(language_of(model, "for (int i = 0; i < n; i++) { s += a[i]; }"), "zxx");
    langid_close(model);
}

/* Goal: what real Korean holds does not take its language away, and a few Korean words do not make another text Korean. */
TEST(langid, korean_with_hanja_kana_latin_or_code_stays_korean)
{
    LangidModel *model;
    CHECK(langid_open(&model, NULL) == OK);
    CHECK_STRING(language_of(model, "大韓民國의 主權은 國民에게 있고, 모든 權力은 國民으로부터 나온다."), "ko");
    CHECK_STRING(language_of(model, "일본어 인사말 こんにちは는 낮에 쓴다."), "ko");
    CHECK_STRING(language_of(model, "API 서버를 restart하고 config.yaml 파일을 edit하면 된다."), "ko");
    CHECK_STRING(language_of(model, "The Korean word 안녕 means hello, and it is used among friends."), "und");
    Arena *arena = arena_new();
    const char *text = "다음과 같이 설치한다.\n\npip install --upgrade foo[bar]>=2.0\nfor (i = 0; i < n; i++) { run(x[i]); }\n\n"
                       "설치가 끝나면 서버를 다시 켠다.\nThis is a quotation of one line.\n";
    LangidDocument document = langid_document(arena, model, text, strlen(text));
    CHECK_STRING(document.guess.language, "ko");
    CHECK_EQUAL(document.n_paragraphs, 5);
    CHECK_STRING(document.paragraphs[2].guess.language, "zxx");
    CHECK(document.n_shares == 1 && document.shares[0].share == 1.0);  /* the unsure line follows the whole */
    arena_free(arena);
    langid_close(model);
}

/* Two languages that nobody speaks, with the same letters. */
static void write_examples(const char *path, const char *extra)
{
    static const char *const a[] = {"mola", "rimo", "lanosi", "tamo", "sirula"}, *const b[] = {"stokr", "mrask", "kralt", "tilsk", "sramt"};
    Arena *arena = arena_new();
    const char *text = "";
    for (int i = 0; i < 60; i++)
        text = arena_printf(arena, "%saa\t%s %s %s\nbb\t%s %s %s\n", text, a[i % 5], a[i * 7 % 5], a[i / 5 % 5], b[i % 5], b[i * 3 % 5], b[i / 4 % 5]);
    text = arena_printf(arena, "%sko\t나는 학교에 간다\n%s", text, extra);
    CHECK(file_write(path, text, strlen(text)) == OK);
    arena_free(arena);
}

static Err train_examples(const char *path, const char *model)
{
    LangidTrainOptions options = langid_train_options_default();
    LangidTrainReport report;
    LangidSource source = {.inputs = &path, .n_inputs = 1, .text_field = "text", .label_field = "language"};
    return langid_train(&report, &options, &source, model);
}

TEST(langid, a_model_learns_two_languages_and_says_their_shares)
{
    char path[512], file[512], again[512];
    snprintf(path, sizeof path, "%s/examples.tsv", test_dir());
    snprintf(file, sizeof file, "%s/model.lid", test_dir());
    snprintf(again, sizeof again, "%s/again.lid", test_dir());
    write_examples(path, "");
    CHECK(train_examples(path, file) == OK && train_examples(path, again) == OK);
    uint64_t first, second;
    CHECK(file_hash(&first, file) == OK && file_hash(&second, again) == OK && first == second);
    LangidModel *model;
    CHECK(langid_open(&model, file) == OK);
    CHECK_STRING(language_of(model, "Lanomo tasiri"), "aa");
    CHECK_STRING(language_of(model, "STOLSK MRAMT"), "bb");
    CHECK_STRING(language_of(model, "학교 mola"), "ko");
    Arena *arena = arena_new();
    const char *text = "mola rimo lanosi tamo\nkralt tilsk\n";
    LangidDocument document = langid_document(arena, model, text, strlen(text));
    CHECK_STRING(document.guess.language, "aa");
    CHECK_EQUAL(document.n_shares, 2);
    CHECK_STRING(document.shares[1].language, "bb");
    CHECK_CLOSE(document.shares[1].share, 10.0 / 28.0, 1e-12);
    arena_free(arena);
    langid_close(model);
}

TEST(langid, a_bad_model_or_line_is_one_error)
{
    char path[512], file[512];
    LangidModel *model;
    snprintf(path, sizeof path, "%s/examples.tsv", test_dir());
    snprintf(file, sizeof file, "%s/model.lid", test_dir());
    write_examples(path, "no tab here\n");
    CHECK(train_examples(path, file) == ERR_FORMAT);
    CHECK(strstr(err_message(), "examples.tsv:122: expected LABEL<TAB>TEXT"));
    CHECK(langid_open(&model, file) == ERR_IO);
    write_examples(path, "");
    CHECK(train_examples(path, file) == OK);
    const char *bytes;
    size_t n;
    Arena *arena = arena_new();
    CHECK(file_read(&bytes, &n, arena, file) == OK);
    char *damaged = memcpy(arena_alloc(arena, n), bytes, n);
    char *name = memmem(damaged, n, "Latn", 4);
    CHECK(name != NULL);
    memcpy(name, "Lutn", 4);
    CHECK(file_write(file, damaged, n) == OK);
    CHECK(langid_open(&model, file) == ERR_FORMAT);
    CHECK(file_write(file, bytes, n - 1) == OK);
    CHECK(langid_open(&model, file) == ERR_FORMAT);
    arena_free(arena);
}

TEST(langid, the_stage_tags_and_keeps_what_is_wanted)
{
    Arena *arena = arena_new();
    const StageKind *kind = stage_kind_find("langid");
    void *settings = stage_settings_new(kind, arena);
    CHECK(options_set(&kind->table, settings, arena, "test", "keep", "ko") == OK);
    Stage stage;
    CHECK(stage_open(&stage, kind, settings, arena) == OK);
    StageDocument document = {.text = "나는 학교에 간다", .n_bytes = strlen("나는 학교에 간다"), .tags = "", .path = "p", .line = 1};
    StageResult result = {0};
    stage.work(stage.context, arena, &document, &result);
    CHECK(!result.drop_rule && strstr(result.tags, "\"language\":\"ko\",\"langid\":{\"version\":2,\"confidence\":1.0,\"shares\":{\"ko\":1.0}}") == result.tags);
    document.text = "Καλημέρα κόσμε";
    document.n_bytes = strlen(document.text);
    result = (StageResult){0};
    stage.work(stage.context, arena, &document, &result);
    CHECK_STRING(result.drop_rule, "langid.language");
    stage_close(&stage);
    arena_free(arena);
}

/* Paragraphs of at least 40 bytes (headings say "Article 5" in several languages) of the languages that the model knows, as LABEL<TAB>TEXT. */
static Err write_declaration(FileWriter *out, Arena *arena, const Document *d, const LangidModel *model)
{
    const char *code = "", *text;
    size_t n;
    for (int pass = 0; pass < 2; pass++) {
        JsonReader json;
        JsonText key;
        json_reader_init(&json, d->path, d->record, d->n_record_bytes);
        TRY(json_object_begin(&json));
        while (json_object_next(&json, &key)) {
            if (json_text_is(key, "bcp47")) {
                TRY(json_string(&json, arena, &code, NULL));
            } else if (pass == 1 && json_text_is(key, "paragraphs")) {
                TRY(json_array_begin(&json));
                while (json_array_next(&json)) {
                    TRY(json_string(&json, arena, &text, &n));
                    if (n >= 40)
                        TRY(file_writer_printf(out, "%.*s\t%s\n", (int)strcspn(code, "-"), code, text));
                }
            } else {
                TRY(json_skip(&json));
            }
        }
        if (!langid_knows(model, arena_strndup(arena, code, strcspn(code, "-"))))
            return OK;
    }
    return OK;
}

static bool write_declarations(Arena *arena, const char *path, const LangidModel *model, const char *out_path)
{
    DocumentReader *reader;
    DocumentOptions options = document_options_default();
    options.field = "name";
    FileWriter *out;
    Document d;
    Err err;
    if (!CHECK_OK(document_reader_open(&reader, path, &options)) || !CHECK_OK(file_writer_open(&out, out_path)))
        return false;
    while (document_reader_next(reader, &d, &err))
        CHECK_OK(write_declaration(out, arena, &d, model));
    CHECK_OK(err);
    document_reader_free(reader);
    return CHECK_OK(file_writer_commit(out));
}

/* Goal: settings are chosen without a look at the held examples. Method: the examples set aside inside are none of those, and none is lost. */
static Err count_example(void *context, const LangidExample *example)
{
    (void)example;
    (*(int64_t *)context)++;
    return OK;
}

TEST(langid, inner_examples_are_others_than_the_held_ones)
{
    char path[512];
    snprintf(path, sizeof path, "%s/examples.tsv", test_dir());
    write_examples(path, "");
    const char *input = path;
    LangidSource source = {.inputs = &input, .n_inputs = 1, .text_field = "text", .label_field = "language"};
    int64_t all = 0, outer_train = 0, outer_held = 0, inner_train = 0, inner_held = 0;
    REQUIRE_OK(langid_each(&source, false, count_example, &all));
    source.hold = 5;
    REQUIRE_OK(langid_each(&source, false, count_example, &outer_train));
    REQUIRE_OK(langid_each(&source, true, count_example, &outer_held));
    source.inner = 4;
    REQUIRE_OK(langid_each(&source, false, count_example, &inner_train));
    REQUIRE_OK(langid_each(&source, true, count_example, &inner_held));
    CHECK(all == 121 && outer_train + outer_held == all && inner_train + inner_held == outer_train && inner_held > 0 && outer_held > 0);
}

/* Goal: two languages that differ by one rare word are told by it, where counts alone do not. Method: most words are shared, in unlike shares. */
TEST(langid, close_languages_are_told_by_what_differs)
{
    static const char *const common[] = {"mola", "rimo", "tamo", "lano", "sirula", "kanto"};
    char path[512], plain[512], refined[512];
    snprintf(path, sizeof path, "%s/close.tsv", test_dir());
    snprintf(plain, sizeof plain, "%s/plain.lid", test_dir());
    snprintf(refined, sizeof refined, "%s/refined.lid", test_dir());
    FILE *file = fopen(path, "wb");
    for (int i = 0; i < 600; i++) {
        bool first = i % 2 == 0;
        fprintf(file, "%s\t", first ? "aa" : "bb");
        for (int k = 0; k < 6; k++)
            fprintf(file, "%s ", common[(i * 7 + k * k + (i >> k)) % (first ? 6 : 5)]);
        fprintf(file, "%s\n", first ? "o" : "u");
    }
    fclose(file);
    const char *input = path;
    LangidSource source = {.inputs = &input, .n_inputs = 1, .text_field = "text", .label_field = "language", .hold = 3};
    LangidTrainOptions options = langid_train_options_default();
    double macro[2];
    for (int i = 0; i < 2; i++) {
        LangidTrainReport report;
        LangidModel *model;
        LangidEvaluation e;
        Arena *arena = arena_new();
        options.refine_rounds = i ? 20 : 0;
        REQUIRE_OK(langid_train(&report, &options, &source, i ? refined : plain));
        REQUIRE_OK(langid_open(&model, i ? refined : plain));
        REQUIRE_OK(langid_evaluate(&e, arena, model, &source));
        macro[i] = e.macro;
        langid_close(model);
        arena_free(arena);
    }
    test_note("plain %.4f, refined %.4f", macro[0], macro[1]);
    CHECK(macro[1] >= macro[0] && macro[1] > 0.99);
}

/* Goal: what the model promises on real sentences: trained on four fifths of lid-lingua, asked about the rest. */
SLOW_TEST(langid, seventy_five_languages_are_told_apart)
{
    const char *data = test_data_dir();
    if (!data)
        SKIP("no real data");
    Arena *arena = arena_new();
    const char *sentences = arena_printf(arena, "%s/lid-lingua/sentences.tsv.zst", data), *words = arena_printf(arena, "%s/lid-lingua/single-words.tsv.zst", data);
    const char *file = arena_printf(arena, "%s/model.lid", test_dir());
    LangidTrainOptions options = langid_train_options_default();
    LangidTrainReport report;
    LangidSource source = {.inputs = &sentences, .n_inputs = 1, .text_field = "text", .label_field = "language", .hold = 5};
    LangidModel *model;
    LangidEvaluation e;
    REQUIRE_OK(langid_train(&report, &options, &source, file));
    REQUIRE_OK(langid_open(&model, file));
    REQUIRE_OK(langid_evaluate(&e, arena, model, &source));
    CHECK(e.n == 75 && e.macro >= 0.98 && e.macro_groups >= 0.993);
    test_note("sentences: %.4f, with groups %.4f", e.macro, e.macro_groups);
    for (int i = 0; i < e.n; i++)
        if (strcmp(e.scores[i].name, "ko") == 0)
            CHECK(e.scores[i].n_right == e.scores[i].n);
    source = (LangidSource){.inputs = &words, .n_inputs = 1, .text_field = "text", .label_field = "language"};
    REQUIRE_OK(langid_evaluate(&e, arena, model, &source));
    CHECK(e.macro > 0.84);
    test_note("single words: %.4f, with groups %.4f", e.macro, e.macro_groups);
    sentences = arena_printf(arena, "%s/udhr.tsv", test_dir());
    REQUIRE(write_declarations(arena, arena_printf(arena, "%s/lid-udhr/udhr.jsonl.zst", data), model, sentences));
    source.inputs = &sentences;
    REQUIRE_OK(langid_evaluate(&e, arena, model, &source));
    CHECK(e.n == 73 && e.macro >= 0.95);
    test_note("paragraphs of the declaration of human rights, all scripts: %.4f, with groups %.4f", e.macro, e.macro_groups);
    langid_close(model);
    arena_free(arena);
}
