/* generate_command_test.c - `jikji generate` from outside, on a model made here. */
#include "base/arena.h"
#include "base/file.h"
#include "base/test.h"
#include "learn/model/model.h"
#include "text/tokenizer/tokenizer.h"
#include "text/unicode/utf8.h"

#include <stdlib.h>
#include <sys/wait.h>

/* A directory with a random model and its tokenizer. */
static bool make_model(Arena *arena, const char *dir)
{
    Tokenizer *tok;
    ModelConfig config;
    static const char text[] = "one two three four five six seven. 하나 둘 셋 넷 다섯.";
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 290;
    options.quiet = true;
    if (!CHECK_OK(tokenizer_train_text(&tok, &options, text, sizeof text - 1)) || !CHECK_OK(tokenizer_save(tok, dir)))
        return false;
    const char *json = arena_printf(arena, "{\"model_type\": \"gpt2\", \"n_embd\": 16, \"n_layer\": 1, \"n_head\": 2, \"n_positions\": 40,"
                                    " \"initializer_range\": 0.3, \"vocab_size\": %lld}", (long long)tokenizer_vocab_size(tok));
    tokenizer_free(tok);
    const char *path = arena_printf(arena, "%s/config.json", dir);
    if (!CHECK_OK(file_write(path, json, strlen(json))) || !CHECK_OK(model_config_read(&config, arena, dir)))
        return false;
    Store *store = store_new();
    model_declare(&config, store, &(ModelDeclareOptions){DTYPE_F32, false});
    bool made = CHECK_OK(store_allocate(store));
    if (made) {
        model_init(&config, store, 1);
        made = CHECK_OK(model_save(&config, store, dir));
    }
    store_free(store);
    return made;
}

/* What came on stdout, in an arena. A random model writes any bytes, NUL among them. */
typedef struct {
    const char *bytes;
    size_t n;
} Output;

static bool equals(const Output *a, const char *prefix, const Output *b)
{
    size_t n = strlen(prefix);
    return a->n == n + b->n && memcmp(a->bytes, prefix, n) == 0 && memcmp(a->bytes + n, b->bytes, b->n) == 0;
}

/* Runs `jikji generate DIR ...` and returns its exit code. */
static int run_generate(Output *out, Arena *arena, const char *dir, const char *settings)
{
    const char *path = arena_printf(arena, "%s/out", dir);
    int status = system(arena_printf(arena, "OMP_NUM_THREADS=1 %s generate %s %s > %s 2> %s/err", JIKJI_BINARY, dir, settings, path, dir));
    *out = (Output){"", 0};
    CHECK_OK(file_read(&out->bytes, &out->n, arena, path));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(generate_command, a_directory_continues_a_prompt)
{
    Arena *arena = arena_new();
    const char *dir = arena_strdup(arena, test_dir());
    Output out, again;
    REQUIRE(make_model(arena, dir));
    CHECK_EQUAL(run_generate(&out, arena, dir, "--prompt 'one two' --max-tokens 12 --seed 3 --ignore-eos"), 0);
    CHECK(out.n > 1 && out.bytes[out.n - 1] == '\n');
    CHECK_EQUAL(run_generate(&again, arena, dir, "--prompt 'one two' --max-tokens 12 --seed 3 --ignore-eos --backend reference"), 0);
    CHECK(equals(&again, "", &out));
    CHECK_EQUAL(run_generate(&again, arena, dir, "--prompt 'one two' --max-tokens 12 --seed 4 --ignore-eos"), 0);
    CHECK(!equals(&again, "", &out));
    CHECK_EQUAL(run_generate(&again, arena, dir, "--prompt 'one two' --max-tokens 12 --seed 3 --ignore-eos --echo"), 0);
    CHECK(equals(&again, "one two", &out));

    /* JSON is one line of UTF-8, whatever bytes the model wrote. */
    CHECK_EQUAL(run_generate(&out, arena, dir, "--prompt '하나 둘' --max-tokens 100 --ignore-eos --json"), 0);
    CHECK(out.bytes[0] == '{' && strlen(out.bytes) == out.n && strchr(out.bytes, '\n') == out.bytes + out.n - 1);
    CHECK(utf8_is_valid(out.bytes, out.n));
    CHECK(strstr(out.bytes, "\"finish_reason\":\"context\""));
    CHECK_EQUAL(run_generate(&out, arena, dir, ""), 0);  /* begins with the end-of-text token */
    arena_free(arena);
}

TEST(generate_command, what_cannot_be_is_said_in_one_line)
{
    Arena *arena = arena_new();
    const char *dir = arena_strdup(arena, test_dir());
    Output out;
    REQUIRE(make_model(arena, dir));
    CHECK_EQUAL(run_generate(&out, arena, dir, "--prompt hi --temperature -1"), 2);
    CHECK_EQUAL(run_generate(&out, arena, dir, "--prompt hi --context 41"), 2);
    CHECK_EQUAL(run_generate(&out, arena, dir, "--prompt hi --prompt-file x"), 2);
    CHECK_EQUAL(run_generate(&out, arena, dir, "--prompt \"$(printf 'x%.0s' $(seq 100))\""), 2);
    CHECK_EQUAL(run_generate(&out, arena, dir, "--prompt-file /nowhere"), 1);
    CHECK_EQUAL(run_generate(&out, arena, dir, "another"), 2);
    REQUIRE_OK(file_remove_tree(arena_printf(arena, "%s/tokenizer.json", dir)));
    CHECK_EQUAL(run_generate(&out, arena, dir, "--prompt hi"), 1);
    size_t n_bytes;
    const char *message;
    REQUIRE_OK(file_read(&message, &n_bytes, arena, arena_printf(arena, "%s/err", dir)));
    CHECK(n_bytes > 0 && strchr(message, '\n') == message + n_bytes - 1);
    arena_free(arena);
}

/* Goal: several texts at once end each by itself, and the first of them is the text that comes alone; log-probabilities come with --json. */
TEST(generate_command, several_prompts_and_samples_are_written_at_once)
{
    Arena *arena = arena_new();
    const char *dir = arena_strdup(arena, test_dir());
    Output alone, together;
    REQUIRE(make_model(arena, dir));
    CHECK_EQUAL(run_generate(&alone, arena, dir, "--prompt 'one two' --max-tokens 9 --ignore-eos"), 0);
    CHECK_EQUAL(run_generate(&together, arena, dir, "--prompt 'one two' --prompt 셋 --samples 2 --max-tokens 9 --ignore-eos"), 0);
    const char *head = "--- prompt 1, text 1: ended by length\n";
    size_t n_head = strlen(head);
    CHECK(together.n > n_head + alone.n && memcmp(together.bytes, head, n_head) == 0);
    CHECK(memcmp(together.bytes + n_head, alone.bytes, alone.n) == 0);
    CHECK(memmem(together.bytes, together.n, "--- prompt 2, text 2: ended by length\n", n_head));

    CHECK_EQUAL(run_generate(&together, arena, dir, "--prompt one --samples 3 --max-tokens 2 --ignore-eos --log-probs 2 --json --min-p 0.05 "
                                                    "--repetition-penalty 1.3 --frequency-penalty 0.5 --presence-penalty 0.1"), 0);
    CHECK(utf8_is_valid(together.bytes, together.n));
    CHECK(strstr(together.bytes, "\"texts\":[{\"prompt\":0,\"sample\":0,") && strstr(together.bytes, "\"sample\":2,"));
    CHECK(strstr(together.bytes, "\"log_prob\":-"));
    CHECK_EQUAL(run_generate(&together, arena, dir, "--prompt one --log-probs 2"), 2);
    CHECK_EQUAL(run_generate(&together, arena, dir, "--prompt one --log-probs 21 --json"), 2);
    arena_free(arena);
}
