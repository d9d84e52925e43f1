/* tokenizer_command_test.c - `jikji tokenizer` from outside: the forms that hold. */
#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static const char corpus[] = "the cat sat on the mat. the cat ate the rat.\n나는 학교에 갔다. 나는 집에 갔다. 학교는 멀다.\n"
                             "low lower lowest new newer newest 2024 2025 don't\n";

/* A folder with corpus.txt, and the program run in it. */
typedef struct {
    Arena *arena;
    const char *dir;
    const char *out, *err;  /* of the last run */
} Bench;

static Bench bench_open(void)
{
    Bench bench = {arena_new(), test_dir(), "", ""};
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/corpus.txt", bench.dir), corpus, sizeof corpus - 1));
    return bench;
}

static int run(Bench *bench, const char *words)
{
    size_t n;
    int status = system(arena_printf(bench->arena, "cd %s && OMP_NUM_THREADS=1 %s tokenizer %s > stdout 2> stderr", bench->dir, JIKJI_BINARY, words));
    CHECK_OK(file_read(&bench->out, &n, bench->arena, arena_printf(bench->arena, "%s/stdout", bench->dir)));
    CHECK_OK(file_read(&bench->err, &n, bench->arena, arena_printf(bench->arena, "%s/stderr", bench->dir)));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool says(const char *text, const char *words)
{
    return strstr(text, words) != NULL;
}

/* Every family: trained, and its lines of ids decode to lines that encode to the same ids. */
TEST(tokenizer_command, every_type_trains_encodes_and_decodes)
{
    static const char *const types[] = {"byte-bpe", "char-bpe", "wordpiece", "bert-bpe", "unigram", "jamo", "char", "word", "byte"};
    Bench bench = bench_open();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        CHECK_EQUAL(run(&bench, arena_printf(bench.arena, "train --type %s --vocab-size 400 --out %s --quiet true corpus.txt", types[i], types[i])), 0);
        REQUIRE(run(&bench, arena_printf(bench.arena, "encode --tokenizer %s corpus.txt", types[i])) == 0);
        const char *ids = bench.out;
        CHECK_OK(file_write(arena_printf(bench.arena, "%s/ids", bench.dir), ids, strlen(ids)));
        REQUIRE(run(&bench, arena_printf(bench.arena, "decode --tokenizer %s ids", types[i])) == 0);
        bool exact = i == 0 || i == 4 || i == 5 || i == 6 || i == 8, loses_words = i == 7;
        if (exact)
            CHECK_STRING(bench.out, corpus);
        CHECK_OK(file_write(arena_printf(bench.arena, "%s/back", bench.dir), bench.out, strlen(bench.out)));
        CHECK_EQUAL(run(&bench, arena_printf(bench.arena, "encode --tokenizer %s back", types[i])), 0);
        if (!loses_words)
            CHECK_STRING(bench.out, ids);
    }
    arena_free(bench.arena);
}

TEST(tokenizer_command, offsets_jsonl_and_special_have_their_forms)
{
    Bench bench = bench_open();
    CHECK_EQUAL(run(&bench, "train --type byte --out b --quiet true corpus.txt"), 0);
    static const char lines[] = "{\"x\": 1, \"body\": \"ab\"}\n{\"body\": \"\"}\n{\"body\": \"c\\u0000\"}\n";
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/a.jsonl", bench.dir), lines, sizeof lines - 1));
    CHECK_EQUAL(run(&bench, "encode --tokenizer b --jsonl a.jsonl --field body --offsets true"), 0);
    CHECK_STRING(bench.out, "97:0-1 98:1-2\n\n99:0-1 0:1-2\n");
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/wide", bench.dir), "a가\xFFz", 6));
    CHECK_EQUAL(run(&bench, "encode --tokenizer b --offsets --offset-unit char wide"), 0);
    CHECK_STRING(bench.out, "97:0-1 234:1-2 176:1-2 128:1-2 255:2-3 122:3-4\n");  /* a byte of a character covers it */
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/ids", bench.dir), "97\n98 256\n", 10));
    CHECK(run(&bench, "decode --tokenizer b ids") != 0);
    CHECK(says(bench.err, "ids:2: the tokenizer has no token 256"));
    CHECK(run(&bench, "encode --tokenizer b --jsonl a.jsonl --field text") != 0);
    CHECK(says(bench.err, "a.jsonl:1: no field \"text\""));
    CHECK_EQUAL(run(&bench, "train --type wordpiece --vocab-size 200 --out w --quiet true corpus.txt"), 0);
    CHECK_EQUAL(run(&bench, "convert --tokenizer w --to vocab-txt --out v"), 0);
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/one", bench.dir), "[CLS]\n", 6));
    CHECK_EQUAL(run(&bench, "encode --tokenizer v one"), 0);
    CHECK(!says(arena_printf(bench.arena, " %s", bench.out), " 2 "));  /* [CLS] is 2: text does not become it, and nothing is added */
    const char *plain = bench.out;
    CHECK_EQUAL(run(&bench, "encode --tokenizer v --special true one"), 0);
    CHECK_STRING(bench.out, arena_printf(bench.arena, "2 %.*s 3\n", (int)strlen(plain) - 1, plain));
    arena_free(bench.arena);
}

/* Goal: a file that may grow no further is one clear error, and nothing half written stays. Method: ulimit -f, in blocks of 512 bytes. */
TEST(tokenizer_command, a_limit_of_file_size_is_an_error)
{
    if (TEST_IS_SANITIZED)
        SKIP("a sanitizer's runtime writes larger files of its own");
    Bench bench = bench_open();
    CHECK(system(arena_printf(bench.arena, "cd %s && ulimit -f 8 && %s tokenizer train --quiet --out t corpus.txt 2> stderr", bench.dir, JIKJI_BINARY)) == 1 << 8);
    size_t n;
    REQUIRE_OK(file_read(&bench.err, &n, bench.arena, arena_printf(bench.arena, "%s/stderr", bench.dir)));
    CHECK(says(bench.err, "t/tokenizer.json: cannot write: File too large"));
    char **names;
    int n_names;
    REQUIRE_OK(file_list_dir(&names, &n_names, bench.arena, arena_printf(bench.arena, "%s/t", bench.dir)));
    CHECK_EQUAL(n_names, 0);
    arena_free(bench.arena);
}

/* Goal: a user sees what WordPiece's likelihood gains. Method: the losses that --verbose says, merge by merge: the first merges of a text of a few
 * words lower the loss of the symbols' unigram model; without it nothing is said. */
TEST(tokenizer_command, verbose_says_the_loss_of_each_merge)
{
    Bench bench = bench_open();
    CHECK_EQUAL(run(&bench, "train --type wordpiece --vocab-size 110 --out w --quiet true corpus.txt"), 0);
    CHECK(!says(bench.err, "loss"));
    CHECK_EQUAL(run(&bench, "train --type wordpiece --vocab-size 110 --out w --quiet true --verbose corpus.txt"), 0);
    int n_merges = 0;
    for (const char *at = bench.err; (at = strstr(at, "merge ")); n_merges++) {
        const char *loss = strstr(at, "loss ");
        REQUIRE(loss && strstr(at, ": score ") && strstr(at, ": score ") < loss);
        CHECK(strtod(loss + 5, NULL) > 0.0);
        at = loss;
    }
    CHECK(n_merges > 10);
    arena_free(bench.arena);
}

TEST(tokenizer_command, errors_name_what_is_wrong)
{
    static const char *const cases[][2] = {
        {"", "expected train"},
        {"verfy", "expected train"},
        {"train corpus.txt", "--out"},
        {"train --type bpe --out x corpus.txt", "byte-bpe"},
        {"train --type jamo --vocab-size 100 --out x corpus.txt", "too small"},
        {"train --type char-bpe --particles true --out x corpus.txt", "particles"},
        {"encode --tokenizer none corpus.txt", "none: no such file"},
        {"encode corpus.txt", "--tokenizer"},
        {"convert --tokenizer corpus.txt --to tiktoken", "--out"},
        {"verify --tokenizer corpus.txt", "[UNK]"},
        {"verify --tokenizer twice.tiktoken", "twice.tiktoken:2: tokens \"a\" and \"b\" share id 0"},
        {"compare corpus.txt", "--tokenizer"},
        {"show --tokenizer corpus.txt", "words or --file"},
    };
    Bench bench = bench_open();
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/twice.tiktoken", bench.dir), "YQ== 0\nYg== 0\n", 14));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(run(&bench, cases[i][0]) != 0);
        if (!CHECK(says(bench.err, cases[i][1])))
            test_note("%s: %s", cases[i][0], bench.err);
    }
    arena_free(bench.arena);
}

TEST(tokenizer_command, every_verb_has_help_with_examples)
{
    static const char *const verbs[] = {"train", "encode", "decode", "convert", "verify", "compare", "show", "chat"};
    Bench bench = bench_open();
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        CHECK_EQUAL(run(&bench, arena_printf(bench.arena, "%s --help", verbs[i])), 0);
        CHECK(says(bench.out, arena_printf(bench.arena, "jikji tokenizer %s", verbs[i])));
    }
    arena_free(bench.arena);
}

static double number_of(const char *json, const char *key)
{
    const char *at = strstr(json, key);
    at = at ? strchr(at, ':') : NULL;
    return at ? strtod(at + 1, NULL) : -1.0;
}

/* Korean is a tenth of the text; at a high temperature it gets as much of the vocabulary as it would of its own. */
TEST(tokenizer_command, temperature_gives_a_small_language_its_share)
{
    Bench bench = bench_open();
    char *english = arena_alloc(bench.arena, 40001), *korean = arena_alloc(bench.arena, 5000);
    for (int i = 0; i < 2000; i++)
        snprintf(english + 20 * i, 21, "word%04d thing %04d\n", i % 700, i % 900);
    size_t n_korean = 0;
    for (int i = 0; i < 100; i++)
        n_korean += (size_t)snprintf(korean + n_korean, 48, "나는 학교에 %04d 갔다. 책을 보\n", i);
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/en.txt", bench.dir), english, 40000));
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/ko.txt", bench.dir), korean, n_korean));
    CHECK_EQUAL(run(&bench, "train --vocab-size 300 --format lines --temperature 1000 --out even en.txt ko.txt"), 0);
    CHECK(says(bench.err, "ko.txt: 9.") && says(bench.err, "en.txt: 9") && says(bench.err, "Hangul:"));
    const char *share = strstr(bench.err, "on average, ");
    CHECK(share && fabs(strtod(share + 12, NULL) - 50.0) < 5.0);
    CHECK_EQUAL(run(&bench, "train --vocab-size 300 --format lines --out odd --quiet true en.txt ko.txt"), 0);
    CHECK_EQUAL(run(&bench, "train --vocab-size 300 --format lines --temperature 1000 --out again --quiet true en.txt ko.txt"), 0);
    CHECK(system(arena_printf(bench.arena, "cd %s && cmp -s even/tokenizer.json again/tokenizer.json", bench.dir)) == 0);
    CHECK(system(arena_printf(bench.arena, "cd %s && cmp -s even/tokenizer.json odd/tokenizer.json", bench.dir)) != 0);
    arena_free(bench.arena);
}

TEST(tokenizer_command, a_chat_is_written_as_text_or_ids)
{
    Bench bench = bench_open();
    CHECK_EQUAL(run(&bench, "train --type byte --special '<|end|>' --eos '<|end|>' --out t --quiet true corpus.txt"), 0);
    CHECK(run(&bench, "chat --tokenizer t corpus.txt") != 0);
    CHECK(says(bench.err, "no chat template"));
    static const char template[] = "{% for m in messages %}{{ m.content + eos_token }}{% endfor %}{% if add_generation_prompt %}>{% endif %}";
    static const char chats[] = "{\"messages\": [{\"content\": \"a\"}, {\"content\": \"<|end|>\"}]}\n{\"messages\": []}\n";
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/t/chat_template.jinja", bench.dir), template, sizeof template - 1));
    CHECK_OK(file_write(arena_printf(bench.arena, "%s/chats", bench.dir), chats, sizeof chats - 1));
    CHECK_EQUAL(run(&bench, "chat --tokenizer t --generation chats"), 0);
    CHECK_STRING(bench.out, "a<|end|><|end|><|end|>>\n>\n");
    CHECK_EQUAL(run(&bench, "chat --tokenizer t --ids chats"), 0);
    CHECK_STRING(bench.out, "97 256 60 124 101 110 100 124 62 256\n\n");
    arena_free(bench.arena);
}

TEST(tokenizer_command, verify_compare_and_show_agree_on_a_text)
{
    Bench bench = bench_open();
    CHECK_EQUAL(run(&bench, "train --type byte-bpe --vocab-size 280 --out t --quiet true corpus.txt"), 0);
    CHECK_EQUAL(run(&bench, "train --type jamo --vocab-size 400 --out j --quiet true corpus.txt"), 0);
    CHECK_EQUAL(run(&bench, "verify --tokenizer t --json true"), 0);
    CHECK_EQUAL(number_of(bench.out, "\"tokens\""), 280);
    CHECK_EQUAL(number_of(bench.out, "\"syllables_lost\""), 0);
    CHECK_EQUAL(number_of(bench.out, "\"unreachable\""), 0);
    CHECK_EQUAL(run(&bench, "compare --tokenizer t --tokenizer jamo=j story=corpus.txt --sweep true --out page.html --json numbers.json"), 0);
    size_t n;
    const char *json, *page;
    REQUIRE_OK(file_read(&json, &n, bench.arena, arena_printf(bench.arena, "%s/numbers.json", bench.dir)));
    REQUIRE_OK(file_read(&page, &n, bench.arena, arena_printf(bench.arena, "%s/page.html", bench.dir)));
    CHECK(says(page, "<svg") && says(page, "jamo") && says(page, "story"));
    CHECK(number_of(json, "\"lines_back\"") == 1.0);
    CHECK(says(json, "\"bits_per_byte\": null") && says(json, "\"merges\""));
    CHECK_EQUAL(run(&bench, "show --tokenizer t --width 40 '학교 the cat'"), 0);
    CHECK(says(bench.out, "tokens, 10 characters, 14 bytes"));
    CHECK_EQUAL(run(&bench, "show --tokenizer t --color always --ids false a"), 0);
    CHECK(says(bench.out, "\x1b[38;5;16;48;5;194ma\x1b[0m"));
    arena_free(bench.arena);
}
