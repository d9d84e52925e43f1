/* doctor_test.c - `jikji doctor` and `jikji bench`: one JSON object with the promised members, and clear words for what cannot be meant. */
#include "base/test.h"

#include "base/file.h"
#include "base/json.h"
#include "shop.h"

#include <stdlib.h>
#include <sys/wait.h>

static int run(Shop *shop, const char *arguments)
{
    int status = system(arena_printf(shop->arena, "exec %s %s > %s/stdout 2> %s/stderr", JIKJI_BINARY, arguments, shop->dir, shop->dir));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Members of the one object on stdout, the members of its members not counted. */
static Err find_members(const char *text, const char *const *keys, int n_keys, bool *found)
{
    JsonReader r;
    JsonText key;
    json_reader_init(&r, "stdout", text, strlen(text));
    TRY(json_object_begin(&r));
    while (json_object_next(&r, &key)) {
        for (int i = 0; i < n_keys; i++)
            if (json_text_is(key, keys[i]))
                found[i] = true;
        TRY(json_skip(&r));
    }
    return json_reader_end(&r);
}

static void check_members(Shop *shop, const char *arguments, const char *const *keys, int n_keys)
{
    bool found[32] = {false};
    int status = run(shop, arguments);
    if (status != 0)
        test_note("%s", shop_read(shop, "stderr"));
    if (!CHECK_EQUAL(status, 0) || !CHECK_OK(find_members(shop_read(shop, "stdout"), keys, n_keys, found)))
        return;
    for (int i = 0; i < n_keys; i++) {
        if (!found[i])
            test_note("%s has no member %s", arguments, keys[i]);
        CHECK(found[i]);
    }
}
#define CHECK_MEMBERS(shop, arguments, ...)                                                              \
    check_members(shop, arguments, (const char *const[]){__VA_ARGS__},                                   \
                  (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)))

static Shop open_shop(void)
{
    return (Shop){arena_new(), test_dir()};
}

TEST(doctor, its_json_has_what_it_promises)
{
    Shop shop = open_shop();
    CHECK_MEMBERS(&shop, "doctor --measure false --json", "cpu", "cpu_features", "cpu_level", "cpus", "cores", "threads", "memory_bytes",
                  "memory_available_bytes", "huge_pages", "disk_free_bytes", "mpirun", "libraries", "fma_flops_per_second",
                  "matmul_flops_per_second", "matmul_flops_per_second_by", "read_bytes_per_second", "advice");
    const char *json = shop_read(&shop, "stdout");
    CHECK(shop_number(&shop, "memory_bytes") > 1e8);
    CHECK(shop_number(&shop, "threads") >= 1);
    CHECK(strstr(json, "\"zlib\":\"1.") != NULL);
    CHECK(strstr(json, "\"ICU\":null") == NULL && strstr(json, "\"PCRE2\":null") == NULL);
    CHECK_EQUAL(run(&shop, "doctor --measure false"), 0);
    CHECK(strstr(shop_read(&shop, "stdout"), "CPU ") != NULL);
    shop_close(&shop);
}

/* Goal: what is slow for a known reason is said with its cure. */
TEST(doctor, says_what_the_environment_slows_down)
{
    Shop shop = open_shop();
    CHECK_EQUAL(run(&shop, "doctor --measure false > /dev/null"), 0);
    CHECK_EQUAL(system(arena_printf(shop.arena, "JIKJI_CPU=portable %s doctor --measure false --json > %s/stdout", JIKJI_BINARY, shop.dir)), 0);
    const char *json = shop_read(&shop, "stdout");
    CHECK(strstr(json, "\"cpu_level\":\"portable\"") != NULL);
    CHECK(strstr(json, "unset JIKJI_CPU") != NULL || strstr(json, "use a CPU with AVX-512") != NULL);
    shop_close(&shop);
}

TEST(bench, its_json_has_what_it_promises)
{
    Shop shop = open_shop();
    CHECK_MEMBERS(&shop, "bench peak --shapes 64x48x32 --rounds 1 --json", "cpu_level", "threads", "precision", "fma_flops_per_second",
                  "read_bytes_per_second", "copy_bytes_per_second", "products");
    CHECK(shop_number(&shop, "fma_flops_per_second") > 1e8);
    CHECK(shop_number(&shop, "ours") > 0);
    CHECK_MEMBERS(&shop, "bench train nano --seconds 0 --rounds 1 --batch-size 2 --micro-batch-size 1 --precision both --json", "model",
                  "parameters", "precision", "threads", "flops_per_token", "tokens_per_second", "matmul_flops_per_second", "share_of_peak",
                  "matmul_flops_per_second_by", "products", "rounds", "program_bytes", "speed_of_light_f32", "speed_of_light_bf16", "bf16");
    CHECK_EQUAL(shop_number(&shop, "speed_of_light_f32"), shop_number(&shop, "share_of_peak"));
    CHECK(shop_number(&shop, "speed_of_light_bf16") > 0);
    CHECK(shop_number(&shop, "tokens_per_second") > 0);
    CHECK(shop_number(&shop, "share_of_peak") > 0);
    CHECK_EQUAL(shop_number(&shop, "parameters"), 809856);
    shop_close(&shop);
}

/* Goal: what is not asked for fits the model. */
TEST(bench, decodes_what_the_context_holds)
{
    Shop shop = open_shop();
    CHECK_MEMBERS(&shop, "bench decode nano --rounds 1 --json", "model", "prompt", "new_tokens", "share_of_reading", "prefill_share_of_peak", "rounds");
    CHECK_EQUAL(shop_number(&shop, "new_tokens"), 32);
    CHECK_EQUAL(shop_number(&shop, "prompt"), 32);
    CHECK_EQUAL(run(&shop, "bench decode nano --rounds 1 --prompt 33 --new-tokens 32"), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "context of 64") != NULL);
    shop_close(&shop);
}

/* Goal: a model that an operator refuses is an error that names the operator, whatever way of reading weights would meet it first. */
TEST(bench, a_model_that_an_operator_refuses_is_an_error)
{
    static const char wide[] = "{\"model_type\": \"gpt2\", \"vocab_size\": 64, \"n_positions\": 16, \"n_embd\": 514, \"n_layer\": 1, \"n_head\": 2}";
    static const char *const ways[] = {"stored", "packed", "int8"};
    Shop shop = open_shop();
    REQUIRE_OK(file_write(arena_printf(shop.arena, "%s/wide.json", shop.dir), wide, sizeof wide - 1));
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(run(&shop, arena_printf(shop.arena, "bench decode %s/wide.json --rounds 1 --weights %s", shop.dir, ways[i])), 2);
        CHECK(strstr(shop_read(&shop, "stderr"), "h.0.attn.attention: ") && strstr(shop_read(&shop, "stderr"), "heads wider than 256"));
    }
    shop_close(&shop);
}

/* Goal: what was measured is not lost where a file cannot be written. */
TEST(bench, a_full_disk_takes_the_picture_not_the_numbers)
{
    Shop shop = open_shop();
    const char *const files[] = {"--html", "--svg"};
    for (int i = 0; i < 2; i++) {
        const char *words = "bench ops nano --rounds 1 --seconds 0 --batch-size 1 --json";
        CHECK_EQUAL(run(&shop, arena_printf(shop.arena, "%s %s /dev/full", words, files[i])), 1);
        CHECK(strstr(shop_read(&shop, "stderr"), "/dev/full: cannot write") != NULL);
        CHECK(shop_number(&shop, "tokens_per_second") > 0);
    }
    shop_close(&shop);
}

TEST(bench, says_what_is_wrong)
{
    Shop shop = open_shop();
    CHECK_EQUAL(run(&shop, "bench speed"), 2);
    CHECK_EQUAL(run(&shop, "bench peak --shapes 64x48"), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "64x48") != NULL);
    CHECK_EQUAL(run(&shop, "bench train gpt3"), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "gpt2-124m") != NULL);
    CHECK_EQUAL(run(&shop, "bench train nano --seq-len 65"), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "context of 64") != NULL);
    CHECK_EQUAL(run(&shop, "bench train nano --grad-leaf 4097"), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "4097 is not between 0 and 4096") != NULL);
    shop_close(&shop);
}
