/* road_test.c - the promises of `jikji run`, through the program itself: what is done, what is kept, what survives a kill. */
#include "base/test.h"

#include "base/file.h"
#include "base/json.h"
#include "cli/road.h"
#include "shop.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A road of a second: 40 kB of stories, a model of width 32. */
static const char tiny[] = "--synth.bytes 40k --tokenizer.vocab_size 400 --model.n_layer 1 --model.d_model 32 --model.n_head 2 --model.n_kv_head 1"
                           " --model.d_ff 64 --data.seq_len 32 --train.steps 24 --train.batch_size 4 --train.eval_every 12 --train.eval_rows 4"
                           " --train.checkpoint_every 4 --generate.max_tokens 8 --shards.split 0.8";

static const char *road_command(Shop *shop, const char *out, const char *flags)
{
    return arena_printf(shop->arena, "OMP_NUM_THREADS=1 exec %s run --out %s/%s %s --json %s > %s/stdout 2> %s/stderr", JIKJI_BINARY, shop->dir, out, tiny, flags,
                        shop->dir, shop->dir);
}

static int walk(Shop *shop, const char *out, const char *flags)
{
    int status = system(road_command(shop, out, flags));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static Err read_stage(JsonReader *r, char *letter)
{
    JsonText key;
    bool kept = false;
    TRY(json_object_begin(r));
    while (json_object_next(r, &key))
        TRY(json_text_is(key, "kept") ? json_bool(r, &kept) : json_skip(r));
    *letter = kept ? 'k' : 'd';
    return OK;
}

static Err read_stages(JsonReader *r, char *letters)
{
    JsonText key;
    TRY(json_object_begin(r));
    while (json_object_next(r, &key)) {
        if (!json_text_is(key, "stages")) {
            TRY(json_skip(r));
            continue;
        }
        TRY(json_array_begin(r));
        while (json_array_next(r))
            TRY(read_stage(r, letters++));
    }
    return json_reader_end(r);
}

/* The road, and a letter a stage: k kept, d done. "" when it failed. */
static const char *stages_of(Shop *shop, const char *out, const char *flags)
{
    static const char none[] = "";
    char *letters = arena_alloc(shop->arena, 16);
    int status = walk(shop, out, flags);
    if (status != 0)
        test_note("%s", shop_read(shop, "stderr"));
    const char *text = shop_read(shop, "stdout");
    JsonReader r;
    json_reader_init(&r, "stdout", text, strlen(text));
    return CHECK_EQUAL(status, 0) && CHECK_OK(read_stages(&r, letters)) ? letters : none;
}

static uint64_t hash_of(Shop *shop, const char *name)
{
    uint64_t hash = 0;
    CHECK_OK(file_hash(&hash, arena_printf(shop->arena, "%s/%s", shop->dir, name)));
    return hash;
}

/* Goal: a stage is done when what it depends on changed, and only then. */
TEST(road, does_a_stage_again_when_its_inputs_or_settings_changed)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    CHECK_STRING(stages_of(&shop, "r", ""), "ddddd");
    uint64_t model = hash_of(&shop, "r/checkpoints/last/model.safetensors");
    CHECK_STRING(stages_of(&shop, "r", ""), "kkkkk");
    CHECK_STRING(stages_of(&shop, "r", "--generate.seed 2"), "kkkkd");
    CHECK_STRING(stages_of(&shop, "r", "--train.log_every 5"), "kkkkd");  /* cannot change the result; the samples' seed is back */
    CHECK_OK(file_remove_tree(arena_printf(shop.arena, "%s/r/shards/val.bin", shop.dir)));
    CHECK_STRING(stages_of(&shop, "r", ""), "kkdkk");  /* the same bytes came back: training need not know */
    CHECK(strstr(shop_read(&shop, "stderr"), "shards: shards/val.bin is gone") != NULL);
    CHECK_STRING(stages_of(&shop, "r", "--force train"), "kkkdk");
    CHECK(hash_of(&shop, "r/checkpoints/last/model.safetensors") == model);
    CHECK(hash_of(&shop, "r/earlier-1/checkpoints/last/model.safetensors") == model);
    CHECK_STRING(stages_of(&shop, "r", "--tokenizer.vocab_size 500"), "kdddd");
    CHECK(strstr(shop_read(&shop, "stderr"), "tokenizer: tokenizer.vocab_size was 400, is 500") != NULL);
    CHECK_STRING(stages_of(&shop, "r", "--synth.seed 3 --until shards"), "ddd");
    shop_close(&shop);
}

/* Goal: a road killed at any moment goes on with the same command, and ends with the bits of one that was never killed.
 * Method: kills after 10 to 300 ms, so that they fall into every stage; then it may finish. */
TEST(road, killed_and_continued_equals_never_stopped)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    CHECK_STRING(stages_of(&shop, "whole", ""), "ddddd");
    for (int i = 0; i < 7; i++) {
        pid_t child = fork();
        if (child == 0) {
            execl("/bin/sh", "sh", "-c", road_command(&shop, "killed", ""), (char *)NULL);
            _exit(127);
        }
        nanosleep(&(struct timespec){0, (10 + i * 149 % 290) * 1000000L}, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    REQUIRE(strlen(stages_of(&shop, "killed", "")) == 5);
    CHECK(hash_of(&shop, "whole/checkpoints/last/model.safetensors") == hash_of(&shop, "killed/checkpoints/last/model.safetensors"));
    CHECK(hash_of(&shop, "whole/samples.jsonl") == hash_of(&shop, "killed/samples.jsonl"));
    shop_close(&shop);
}

/* Goal: one's own text goes the same road; vocabulary and steps follow its size; the prompts are its first words. */
TEST(road, takes_the_users_text)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    const char *flags = arena_printf(shop.arena, "--text %s/text.txt --tokenizer.vocab_size 0 --train.steps 0 --train.batch_size 64 --train.eval_every 0",
                                     shop.dir);
    CHECK_STRING(stages_of(&shop, "own", flags), "ddddd");
    const char *json = shop_read(&shop, "stdout"), *text = shop_read(&shop, "text.txt");
    CHECK(strstr(json, "\"vocab_size\":512.0") != NULL);
    CHECK(shop_number(&shop, "steps") >= 20 && shop_number(&shop, "steps") < 700);
    const char *prompt = strstr(json, "\"prompt\":\"");
    REQUIRE(prompt != NULL);
    CHECK(strncmp(prompt + 10, text, 8) == 0);
    CHECK(!file_exists(arena_printf(shop.arena, "%s/own/corpus", shop.dir)));
    CHECK_OK(file_write(arena_printf(shop.arena, "%s/text.txt", shop.dir), text, strlen(text) / 2));
    CHECK_STRING(stages_of(&shop, "own", arena_printf(shop.arena, "%s --until corpus", flags)), "d");
    shop_close(&shop);
}

/* Goal: what cannot be meant is one clear line, and nothing that was made is lost. */
TEST(road, says_what_is_wrong)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    CHECK_EQUAL(walk(&shop, "x", "--synth.byte 3"), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "--synth.bytes") != NULL);
    CHECK_EQUAL(walk(&shop, "x", "--text nowhere.txt"), 1);
    CHECK(strstr(shop_read(&shop, "stderr"), "nowhere.txt") != NULL);
    REQUIRE(shop_train_ok(&shop, "own-run", "--train.threads 1 --train.steps 4"));
    uint64_t model = hash_of(&shop, "own-run/checkpoints/last/model.safetensors");
    CHECK_EQUAL(walk(&shop, "own-run", ""), 2);  /* a run that no road made stays as it is */
    CHECK(strstr(shop_read(&shop, "stderr"), "own-run") != NULL);
    CHECK(hash_of(&shop, "own-run/checkpoints/last/model.safetensors") == model);
    shop_close(&shop);
}

/* Goal: the road's file says what is built in: reading it changes nothing. */
TEST(road, its_recipe_is_what_is_built_in)
{
    Arena *arena = arena_new();
    OptionTable table = road_table(arena);
    RoadSettings built_in = road_settings_default(), read = road_settings_default();
    REQUIRE_OK(options_read_yaml(&table, &read, arena, test_source_path("recipes/road.yaml")));
    CHECK_STRING(options_to_yaml(&table, &read, arena), options_to_yaml(&table, &built_in, arena));
    arena_free(arena);
}
