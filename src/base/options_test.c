/* options_test.c - recipes, flags, help and the recorded recipe all come from one table. */
#include "base/file.h"
#include "base/options.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *run;
    int64_t steps, seed;
    double lr;
    OptionReals betas;
    bool tie;
    int schedule;
    const char *text;
    OptionTexts files;
} Settings;

static const Option rows[] = {
    OPTION_TEXT("run", Settings, run, "name of the run"),
    OPTION_REAL("optim.lr", Settings, lr, 0.0, 10.0, "peak learning rate"),
    OPTION_INT("train.steps", Settings, steps, 1, 1e12, "optimizer updates"),
    OPTION_REALS("optim.betas", Settings, betas, 0.0, 0.9999999, "decay of the two moments"),
    OPTION_BOOL("model.tie_embeddings_of_input_and_output", Settings, tie, "one matrix for both ends"),
    OPTION_CHOICE("schedule.name", Settings, schedule, "constant|cosine|wsd", "shape of the learning rate"),
    OPTION_TEXT("data.text", Settings, text, "file to read"),
    OPTION_TEXTS("data.files", Settings, files, "more files"),
    OPTION_INT("seed", Settings, seed, -9.3e18, 9.3e18, "seed"),
};
static const OptionTable table = {rows, N_ELEMENTS(rows)};

static Settings defaults(void)
{
    return (Settings){.steps = 100, .lr = 1e-3, .betas = {2, {0.9, 0.95}}, .schedule = 1, .seed = 1};
}

static Err read_text(Settings *s, Arena *arena, const char *yaml)
{
    *s = defaults();
    return options_read_yaml_text(&table, s, arena, "r.yaml", yaml, strlen(yaml));
}

TEST(options, a_recipe_is_read)
{
    Arena *arena = arena_new();
    Settings s;
    REQUIRE_OK(read_text(&s, arena,
                         "# a comment\nversion: 1\nrun: shakespeare\noptim:\n  lr: 3e-4   # peak\n  betas: [0.9, 0.999]\n"
                         "train: {steps: 2_000}\nmodel:\n  # all commented out\nschedule: {name: wsd}\n"
                         "data:\n  text: \"한글 파일.txt\"\n  files:\n    - a\n    - 'b, c'\nseed: -12\n"));
    CHECK_STRING(s.run, "shakespeare");
    CHECK(s.lr == 3e-4 && s.betas.n == 2 && s.betas.value[1] == 0.999);
    CHECK_EQUAL(s.steps, 2000);
    CHECK_EQUAL(s.schedule, 2);
    CHECK_STRING(s.text, "한글 파일.txt");
    REQUIRE(s.files.n == 2);
    CHECK_STRING(s.files.value[1], "b, c");
    CHECK_EQUAL(s.seed, -12);
    CHECK(!s.tie);
    REQUIRE_OK(read_text(&s, arena, "{version: 1, run: null, optim.betas: ~, data: {text: \"null\"}}"));
    CHECK(s.run == NULL && s.betas.n == 0);
    CHECK_STRING(s.text, "null");
    arena_free(arena);
}

TEST(options, mistakes_are_named_with_their_line)
{
    static const struct {
        const char *yaml, *message;
        Err err;
    } cases[] = {
        {"version: 1\noptim:\n  lrr: 1\n", "r.yaml:3: unknown setting optim.lrr; the nearest is optim.lr", ERR_USAGE},
        {"version: 1\nlr: 1\n", "r.yaml:2: unknown setting lr; the nearest is optim.lr", ERR_USAGE},
        {"version: 1\nopitm: {lr: 1}\n", "r.yaml:2: unknown setting opitm", ERR_USAGE},
        {"version: 1\ntrain.step: 1\n", "r.yaml:2: unknown setting train.step; the nearest is train.steps", ERR_USAGE},
        {"version: 1\nzebra: 1\n", "r.yaml:2: unknown setting zebra", ERR_USAGE},
        {"version: 1\noptim: {lr: 1}\noptim.lr: 2\n", "r.yaml:3: optim.lr is set twice, first in line 2", ERR_USAGE},
        {"version: 1\noptim: {lr: 1}\noptim: {betas: [0.1]}\n", "r.yaml:3: optim is set twice, first in line 2", ERR_USAGE},
        {"version: 1\nversion: 1\n", "r.yaml:2: version is set twice, first in line 1", ERR_USAGE},
        {"version: 1\noptim: {lr: 11}\n", "r.yaml:2: optim.lr: 11 is not between 0 and 10", ERR_USAGE},
        {"version: 1\noptim: {lr: fast}\n", "r.yaml:2: optim.lr: expected a number, found \"fast\"", ERR_USAGE},
        {"version: 1\noptim: {lr: nan}\n", "r.yaml:2: optim.lr: expected a number, found \"nan\"", ERR_USAGE},
        {"version: 1\noptim: {lr: NaN}\n", "r.yaml:2: optim.lr: expected a number, found \"NaN\"", ERR_USAGE},
        {"version: 1\noptim: {lr: }\n", "r.yaml:2: optim.lr: expected a value, found null", ERR_USAGE},
        {"version: 1\noptim: {lr: [1]}\n", "r.yaml:2: optim.lr: expected a single value, found a list", ERR_USAGE},
        {"version: 1\noptim: {lr: {a: 1}}\n", "r.yaml:2: optim.lr: expected a single value, found a group", ERR_USAGE},
        {"version: 1\noptim: 3\n", "r.yaml:2: optim: expected a group of settings, found a value", ERR_USAGE},
        {"version: 1\ntrain: {steps: 1.5}\n", "r.yaml:2: train.steps: expected an integer, found \"1.5\"", ERR_USAGE},
        {"version: 1\ntrain: {steps: 0}\n", "r.yaml:2: train.steps: 0 is not between 1 and 1000000000000", ERR_USAGE},
        {"version: 1\nschedule: {name: cos}\n", "r.yaml:2: schedule.name: expected constant|cosine|wsd, found \"cos\"", ERR_USAGE},
        {"version: 1\nmodel: {tie_embeddings_of_input_and_output: yes}\n",
         "r.yaml:2: model.tie_embeddings_of_input_and_output: expected true or false, found \"yes\"", ERR_USAGE},
        {"version: 1\noptim:\n  betas:\n    - 0.9\n    - 1.5\n", "r.yaml:4: optim.betas: 1.5 is not between 0 and 0.9999999", ERR_USAGE},
        {"version: 1\noptim: {betas: [[1]]}\n", "r.yaml:2: optim.betas: expected a list of values, found a list inside it", ERR_USAGE},
        {"version: 1\ndata: {files: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}\n", "r.yaml:2: data.files: more than 16 elements", ERR_USAGE},
        {"version: 1\nrun: &a x\n", "r.yaml:2: anchors, aliases and tags are not used in recipes", ERR_FORMAT},
        {"version: 1\nrun: !!str x\n", "r.yaml:2: anchors, aliases and tags are not used in recipes", ERR_FORMAT},
        {"version: 1\nrun: *a\n", "r.yaml:2: anchors, aliases and tags are not used in recipes", ERR_FORMAT},
        {"version: 2\n", "r.yaml:1: version: this program reads version 1, found \"2\"", ERR_UNSUPPORTED},
        {"run: x\n", "r.yaml:1: \"version: 1\" is missing", ERR_USAGE},
        {"", "r.yaml:1: an empty recipe, expected \"version: 1\"", ERR_FORMAT},
        {"- a\n", "r.yaml:1: expected \"name: value\" lines, found a list", ERR_FORMAT},
        {"version: 1\n---\nversion: 1\n", "r.yaml:2: a second document, expected the end", ERR_FORMAT},
        {"version: 1\nrun: \"a\\0b\"\n", "r.yaml:2: a NUL character inside a text", ERR_FORMAT},
        {"version: 1\n? [a]\n: 1\n", "r.yaml:2: expected the name of a setting, found a list", ERR_FORMAT},
    };
    for (int i = 0; i < N_ELEMENTS(cases); i++) {
        Arena *arena = arena_new();
        Settings s;
        if (!CHECK(read_text(&s, arena, cases[i].yaml) == cases[i].err) || !CHECK_STRING(err_message(), cases[i].message))
            printf("    for the recipe %s\n", cases[i].yaml);
        arena_free(arena);
    }
    Arena *arena = arena_new();
    Settings s;
    CHECK(read_text(&s, arena, "version: 1\nrun: a: b\n") == ERR_FORMAT);
    CHECK(strncmp(err_message(), "r.yaml:2: mapping", 17) == 0);
    CHECK(read_text(&s, arena, "version: 1\nrun: \x80\n") == ERR_FORMAT);
    CHECK(strstr(err_message(), "at byte 16") != NULL);
    CHECK(options_read_yaml(&table, &s, arena, "/no/such.yaml") == ERR_IO);
    arena_free(arena);
}

TEST(options, numbers_have_their_usual_spellings)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1_000", 1000}, {"4k", 4000}, {"2M", 2e6}, {"2.5M", 2.5e6}, {"+7", 7}, {"1e6", 1e6}, {"1G", 1e9}, {"0.001k", 1}, {"3.", 3}};
    Arena *arena = arena_new();
    Settings s = defaults();
    for (int i = 0; i < N_ELEMENTS(good); i++) {
        CHECK_OK(options_set(&table, &s, arena, "--set", "train.steps", good[i].text));
        CHECK_EQUAL(s.steps, good[i].value);
    }
    static const char *const bad[] = {"", "k", "1__0", "_1", "1_", "1.5", "0x10", "1 000", "1kk", "12a", "--1", "1e", "1e999", "1e-3", "9e18k"};
    for (int i = 0; i < N_ELEMENTS(bad); i++)
        CHECK(options_set(&table, &s, arena, "--set", "train.steps", bad[i]) == ERR_USAGE);
    CHECK(strstr(err_message(), "--set: train.steps: expected an integer, found \"9e18k\"") != NULL);
    CHECK_OK(options_set(&table, &s, arena, "--set", "optim.lr", ".5e-3"));
    CHECK(s.lr == 5e-4);
    CHECK_OK(options_set(&table, &s, arena, "--set", "seed", "-9223372036854775808"));
    CHECK(s.seed == INT64_MIN);
    CHECK(options_set(&table, &s, arena, "--set", "optim.lr", "-1") == ERR_USAGE);
    CHECK(options_set(&table, &s, arena, "--set", "optim.lr", "Infinity") == ERR_USAGE);
    CHECK(options_set(&table, &s, arena, "--set", "lrr", "1") == ERR_USAGE);
    CHECK_STRING(err_message(), "--set: unknown setting lrr; the nearest is optim.lr");
    arena_free(arena);
}

TEST(options, lists_are_cut_at_commas)
{
    Arena *arena = arena_new();
    Settings s = defaults();
    CHECK_OK(options_set(&table, &s, arena, "--set", "data.files", "[a, b\\,c , \\ d]"));
    REQUIRE(s.files.n == 3);
    CHECK_STRING(s.files.value[0], "a");
    CHECK_STRING(s.files.value[1], "b,c");
    CHECK_STRING(s.files.value[2], " d");
    CHECK_OK(options_set(&table, &s, arena, "--set", "data.files", ""));
    CHECK_EQUAL(s.files.n, 0);
    CHECK(options_set(&table, &s, arena, "--set", "data.files", "a,") == ERR_USAGE);
    CHECK(options_set(&table, &s, arena, "--set", "data.files", ",a") == ERR_USAGE);
    CHECK(options_set(&table, &s, arena, "--set", "optim.betas", "0.9,x") == ERR_USAGE);
    CHECK_EQUAL(s.betas.n, 2);  /* as before: a wrong value changes nothing */
    arena_free(arena);
}

static void check_same(const Settings *a, const Settings *b, Arena *arena)
{
    for (int i = 0; i < table.n_rows; i++)
        CHECK_STRING(options_get(&table, a, arena, rows[i].name), options_get(&table, b, arena, rows[i].name));
    CHECK(a->lr == b->lr && a->seed == b->seed && a->files.n == b->files.n);
}

/* Goal: what options_to_yaml writes, options_read_yaml reads equal; the same for get and set. Method: texts that YAML would
 * take for something else, or fold, or refuse. */
TEST(options, written_values_read_back_equal)
{
    static const char *const texts[] = {"plain/path-1.txt", "null", "yes", "No", "~", "1.5", "a: b", "# x", "a\nb\t", " lead", "trail ", "\"q\"",
                                        "back\\slash", "한글", "\xC2\x85x", "a \xE2\x80\xA8 y", "a \xE2\x80\xA9 y", "\x7F", "\xC2\x9F", "\xEF\xBF\xBF", "\xEF\xBB\xBFz",
                                        "[x]", "{x}", "a,b", "*x", "&x", "!x", "'", "-", "--- x", "\xF0\x9F\x98\x80", "\x01", "y", ",", "\\"};
    for (int i = 0; i < N_ELEMENTS(texts); i++) {
        Arena *arena = arena_new();
        Settings s = defaults(), back = defaults(), again = defaults();
        s.text = s.run = texts[i];
        s.files = (OptionTexts){3, {texts[i], "x", texts[i]}};
        s.lr = 1.0 / (3 + i);
        s.seed = INT64_MIN + i;
        const char *yaml = options_to_yaml(&table, &s, arena);
        if (!CHECK_OK(options_read_yaml_text(&table, &back, arena, "back", yaml, strlen(yaml))))
            printf("%s", yaml);
        check_same(&s, &back, arena);
        CHECK_STRING(back.text, texts[i]);
        for (int k = 0; k < table.n_rows; k++)
            CHECK_OK(options_set(&table, &again, arena, "set", rows[k].name, options_get(&table, &s, arena, rows[k].name)));
        check_same(&s, &again, arena);
        CHECK_STRING(again.files.n == 3 ? again.files.value[2] : "", texts[i]);
        CHECK(options_hash(&table, &s) == options_hash(&table, &back));
        arena_free(arena);
    }
}

TEST(options, recipe_and_help_are_in_table_order)
{
    Arena *arena = arena_new();
    Settings s = defaults();
    CHECK_STRING(options_to_yaml(&table, &s, arena),
                 "version: 1\nrun: \"\"\noptim:\n  lr: 0.001\n  betas: [0.9,0.95]\ntrain:\n  steps: 100\nmodel:\n"
                 "  tie_embeddings_of_input_and_output: false\nschedule:\n  name: cosine\ndata:\n  text: \"\"\n  files: []\nseed: 1\n");
    const char *help = options_help(&table, &s, arena);
    CHECK(strncmp(help, "  --run TEXT                      name of the run\n"
                        "  --optim.lr REAL                 peak learning rate (0.001)\n", 50 + 60) == 0);
    CHECK(strstr(help, "  --schedule.name constant|cosine|wsd\n                                  shape of the learning rate (cosine)\n"));
    uint64_t hash = options_hash(&table, &s);
    s.seed = 2;
    CHECK(options_hash(&table, &s) != hash);
    s.lr = 1e-5;
    CHECK_STRING(options_get(&table, &s, arena, "optim.lr"), "1.0e-05");
    arena_free(arena);
}

typedef struct {
    OptionItems stages;
} Chain;

static Err read_chain(Chain *chain, Arena *arena, const char *yaml)
{
    static const Option chain_rows[] = {OPTION_ITEMS("stages", Chain, stages, "what happens to a document, in order")};
    OptionTable chain_table = {chain_rows, 1};
    *chain = (Chain){0};
    TRY(options_read_yaml_text(&chain_table, chain, arena, "r.yaml", yaml, strlen(yaml)));
    const char *printed = options_to_yaml(&chain_table, chain, arena);
    Chain back = {0};
    TRY(options_read_yaml_text(&chain_table, &back, arena, "back", printed, strlen(printed)));
    CHECK_STRING(options_to_yaml(&chain_table, &back, arena), printed);
    return OK;
}

TEST(options, a_list_of_names_with_settings_keeps_order_and_places)
{
    Arena *arena = arena_new();
    Chain c;
    REQUIRE_OK(read_chain(&c, arena, "version: 1\nstages:\n  - extract\n  - quality: {rules: [a, 'b, c'], least: {words: 50}}\n  - quality:\n"
                                     "      rules: d\n  - dedup:\n"));
    REQUIRE(c.stages.n == 4);
    CHECK_STRING(c.stages.item[0].name, "extract");
    CHECK_EQUAL(c.stages.item[0].n, 0);
    CHECK_STRING(c.stages.item[1].where, "r.yaml:4");
    REQUIRE(c.stages.item[1].n == 2);
    CHECK_STRING(c.stages.item[1].settings[0].value, "a,b\\, c");
    CHECK_STRING(c.stages.item[1].settings[1].name, "least.words");
    CHECK_STRING(c.stages.item[2].settings[0].where, "r.yaml:6");
    CHECK_EQUAL(c.stages.item[3].n, 0);
    static const char *const wrong[] = {"[[a]]", "[{a: 1}]", "[{a: {b: 1, b: 2}}]", "[{a: , c: }]", "['']", "[{a: {b: [[1]]}}]", "{a: b}", "[{a: [b]}]"};
    for (int i = 0; i < N_ELEMENTS(wrong); i++)
        CHECK(read_chain(&c, arena, arena_printf(arena, "version: 1\nstages: %s\n", wrong[i])) != OK);
    arena_free(arena);
}
