/* train_test.c - the promises of `jikji train`, through the program itself: bits, resume, kills, memory, bad input. */
#include "base/test.h"

#include "base/arena.h"
#include "base/cpu_level.h"
#include "base/file.h"
#include "base/log.h"
#include "shop.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Runs of `flags` at 1 to 4 threads, and cut into micro batches of whole leaves, end in checkpoints of the same bits. */
static void check_bits(Shop *shop, const char *flags, const char *step)
{
    const char *const same[] = {"--train.threads 2", "--train.threads 3", "--train.threads 4", "--train.micro_batch_size 1",
                                "--train.micro_batch_size 4"};
    REQUIRE(shop_train_ok(shop, "t1", arena_printf(shop->arena, "%s --train.threads 1", flags)));
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        const char *out = arena_printf(shop->arena, "same%zu", i);
        if (shop_train_ok(shop, out, arena_printf(shop->arena, "%s %s", flags, same[i])))
            shop_check_same_checkpoint(shop, "t1", out, step);
    }
}

/* Goal: same seed, same bits at any thread count and for every cut into micro batches of whole leaves. */
TEST(train, bits_do_not_depend_on_threads_or_micro_batches)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    check_bits(&shop, "", "step-24");
    REQUIRE(shop_train_ok(&shop, "other", "--seed 8"));
    uint64_t a = 0, b = 0;
    CHECK_OK(file_hash(&a, arena_printf(shop.arena, "%s/t1/checkpoints/last/model.safetensors", shop.dir)));
    CHECK_OK(file_hash(&b, arena_printf(shop.arena, "%s/other/checkpoints/last/model.safetensors", shop.dir)));
    CHECK(a != b);  /* the comparison can fail */
    shop_close(&shop);
}

SLOW_TEST(train, bits_of_200_steps_do_not_depend_on_threads_or_micro_batches)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    check_bits(&shop, "--train.steps 200", "step-200");
    shop_close(&shop);
}

/* Goal: a run may move between CPUs with AVX2 and with AVX-512. Method: the same run at both levels; at the portable one, which fuses
 * nothing, the bits are others. */
TEST(train, avx2_gives_the_bits_of_avx512)
{
    if (cpu_level_best() < CPU_AVX512)
        SKIP("no AVX-512 here");
    Shop shop;
    REQUIRE(shop_open(&shop));
    const char *const levels[] = {"avx512", "avx2", "portable"};
    uint64_t hash[3] = {0};
    for (int i = 0; i < 3; i++) {
        setenv("JIKJI_CPU", levels[i], 1);
        if (shop_train_ok(&shop, levels[i], ""))
            CHECK_OK(file_hash(&hash[i], arena_printf(shop.arena, "%s/%s/checkpoints/last/model.safetensors", shop.dir, levels[i])));
    }
    unsetenv("JIKJI_CPU");
    CHECK(hash[0] != 0 && hash[0] == hash[1]);
    CHECK(hash[2] != hash[0]);
    shop_close(&shop);
}

/* Starts training and kills it after `milliseconds`. True when it ended by itself before. */
static bool train_and_kill(Shop *shop, const char *out, const char *flags, int milliseconds)
{
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", shop_command(shop, out, flags), (char *)NULL);
        _exit(127);
    }
    int status = 0;
    for (int waited = 0; waited < milliseconds; waited++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return true;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Kills `out` up to n_kills times, after 20 to 400 ms, so that kills fall into starting, stepping and saving; then lets it finish. */
static void check_kills(Shop *shop, int n_kills, const char *flags, const char *step)
{
    if (!shop_train_ok(shop, "whole", flags))
        return;
    const char *resume = arena_printf(shop->arena, "%s --resume", flags);
    int n_killed = 0;
    for (int i = 0; i < n_kills && !train_and_kill(shop, "killed", resume, 20 + (i * 137) % 380); i++)
        n_killed++;
    test_note("killed %d times", n_killed);
    CHECK(n_killed > 0);
    if (shop_train_ok(shop, "killed", resume))
        shop_check_same_checkpoint(shop, "whole", "killed", step);
}

/* Goal: a run killed at random moments and resumed ends with the bits of one that never stopped. */
TEST(train, killed_and_resumed_equals_never_stopped)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    check_kills(&shop, 6, "--train.steps 100", "step-100");
    shop_close(&shop);
}

SLOW_TEST(train, killed_twenty_times_equals_never_stopped)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    check_kills(&shop, 20, "--train.steps 200 --train.threads 1 --train.batch_size 32 --train.checkpoint_every 2", "step-200");
    shop_close(&shop);
}

/* The newest checkpoint's step, and the last step in the log; -1: none. With `is_writing`: is one being written? */
static int64_t newest_checkpoint(Shop *shop, const char *out, bool *is_writing)
{
    int64_t newest = -1;
    DIR *dir = opendir(arena_printf(shop->arena, "%s/%s/checkpoints", shop->dir, out));
    *is_writing = false;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        bool is_beside = strstr(entry->d_name, ".tmp-") != NULL;
        *is_writing = *is_writing || is_beside;
        if (strncmp(entry->d_name, "step-", 5) == 0 && !is_beside && atoll(entry->d_name + 5) > newest)
            newest = atoll(entry->d_name + 5);
    }
    if (dir)
        closedir(dir);
    return newest;
}

static int64_t last_logged_step(Shop *shop, const char *out)
{
    int64_t step = -1;
    const char *log = shop_read(shop, arena_printf(shop->arena, "%s/log.jsonl", out));
    for (const char *at = log; (at = strstr(at, "{\"step\":")); at++)
        step = atoll(at + 8);
    return step;
}

/* When to kill: `writing` is how many seconds the last whole writing of a checkpoint that was watched took, 0 before the first. */
typedef struct {
    uint32_t random;
    double writing;
} KillTimes;

/* Starts training and kills it amid the writing of a checkpoint, the first to the fourth that it sees: at a random share of the time that
 * a writing takes here, so that neither a slow machine nor a fast one is killed beside it. False when it ended by itself. */
static bool kill_while_writing(Shop *shop, const char *out, const char *flags, KillTimes *times)
{
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", shop_command(shop, out, flags), (char *)NULL);
        _exit(127);
    }
    double began = 0.0;
    bool is_writing, was_writing = false;
    for (int n_seen = 0, n_wanted = 1 + (int)(times->random >> 8) % 4;;) {
        Shop scratch = {arena_new(), shop->dir};  /* this loop turns often */
        newest_checkpoint(&scratch, out, &is_writing);
        arena_free(scratch.arena);
        n_seen += is_writing && !was_writing;
        if (is_writing && !was_writing)
            began = clock_seconds();
        else if (was_writing && !is_writing)
            times->writing = clock_seconds() - began;
        was_writing = is_writing;
        int status;
        if (waitpid(child, &status, WNOHANG) == child)
            return false;
        if (n_seen >= n_wanted)
            break;
    }
    times->random = times->random * 1664525u + 1013904223u;  /* Knuth & Lewis */
    double share = (double)(times->random >> 8) / (1 << 24), longest = 0.9;  /* of a second */
    nanosleep(&(struct timespec){0, (long)(1e9 * share * (times->writing < longest ? times->writing : longest))}, NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return true;
}

/* Goal: a kill while a checkpoint is written loses at most one interval, and leaves nothing that loads wrongly: the end has the bits of a run that never
 * stopped, the state of the loss scale included. Method: n_kills kills at random moments of writing, more when none of them cut one short;
 * after each, the log's last step against the newest whole checkpoint. */
static void check_kills_while_writing(int n_kills, int n_steps, const char *flags)
{
    enum { INTERVAL = 2 };
    Shop shop;
    REQUIRE(shop_open(&shop));
    flags = arena_printf(shop.arena, "%s --train.steps %d --train.checkpoint_every %d --train.threads 1 --train.eval_every 0 --train.eval_rows 1"
                                     " --train.keep_best 0", flags, n_steps, INTERVAL);
    REQUIRE(shop_train_ok(&shop, "whole", flags));
    const char *resume = arena_printf(shop.arena, "%s --resume", flags);
    KillTimes times = {.random = 7};
    int n_killed = 0, n_cut = 0;
    int64_t most_lost = 0;
    while ((n_killed < n_kills || (n_cut == 0 && n_killed < 2 * n_kills)) && kill_while_writing(&shop, "killed", resume, &times)) {
        bool is_cut;
        int64_t newest = newest_checkpoint(&shop, "killed", &is_cut), logged = last_logged_step(&shop, "killed");
        most_lost = logged - (newest < 0 ? 0 : newest) > most_lost ? logged - (newest < 0 ? 0 : newest) : most_lost;
        n_cut += is_cut;
        n_killed++;
    }
    test_note("killed %d times, %d of them amid a checkpoint; at most %lld steps lost", n_killed, n_cut, (long long)most_lost);
    CHECK(n_killed >= n_kills);
    CHECK(n_cut > 0);
    CHECK(most_lost <= INTERVAL);
    if (shop_train_ok(&shop, "killed", resume))
        shop_check_same_checkpoint(&shop, "whole", "killed", arena_printf(shop.arena, "step-%d", n_steps));
    shop_close(&shop);
}

TEST(train, kills_while_writing_lose_at_most_one_interval)
{
    check_kills_while_writing(3, 40, "--train.precision fp16 --loss_scale.start 1048576 --loss_scale.interval 3");
}

SLOW_TEST(train, twenty_kills_while_writing_lose_at_most_one_interval)
{
    check_kills_while_writing(20, 240, "");
}

SLOW_TEST(train, twenty_kills_while_writing_lose_at_most_one_interval_in_bf16)
{
    check_kills_while_writing(20, 240, "--train.precision bf16");
}

SLOW_TEST(train, twenty_kills_while_writing_lose_at_most_one_interval_in_fp16)
{
    check_kills_while_writing(20, 240, "--train.precision fp16 --loss_scale.start 1048576 --loss_scale.interval 3");
}

/* Goal: Ctrl-C ends with a clean checkpoint and status 130, and the run goes on from there. */
TEST(train, an_interrupt_saves_and_says_how_to_go_on)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", shop_command(&shop, "run", "--train.steps 100000 --train.checkpoint_every 0 --train.eval_every 0"),
              (char *)NULL);
        _exit(127);
    }
    const char *log = arena_printf(shop.arena, "%s/run/log.jsonl", shop.dir);
    int64_t n_bytes = 0;
    for (int i = 0; i < 10000 && n_bytes == 0; i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        if (file_exists(log))
            CHECK_OK(file_size(&n_bytes, log));
    }
    kill(child, SIGINT);
    int status;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 130);
    CHECK(strstr(shop_read(&shop, "stderr"), "--resume continues") != NULL);
    CHECK(file_exists(arena_printf(shop.arena, "%s/run/checkpoints/last/state.json", shop.dir)));
    shop_close(&shop);
}

/* Goal: a model can learn one batch by heart: nothing is missing between loss and weights. Method: a text of 8 windows, all of it every step. */
TEST(train, eight_windows_are_learned_by_heart)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    char small[8 * 32 + 2];
    memset(small, 0, sizeof small);
    const char *text = shop_read(&shop, "text.txt");
    size_t n = 0;  /* ASCII only, so that characters are bytes */
    for (; *text && n < sizeof small - 1; text++)
        if ((*text & 0x80) == 0)
            small[n++] = *text;
    REQUIRE(n == 8 * 32 + 1);
    shop_write(&shop, "text.txt", small);
    REQUIRE(shop_train_ok(&shop, "heart", "--json --data.split 1 --data.order sequential --train.steps 300 --train.checkpoint_every 0"
                                          " --optim.weight_decay 0 --train.log_every 10"));
    double loss = shop_number(&shop, "train_loss");
    test_note("loss after 300 steps on 8 windows: %.4f", loss);
    CHECK(loss < 0.05);
    shop_close(&shop);
}

/* Goal: what plan prints is what train then allocates; a folder that holds a run is not overwritten. */
TEST(train, plan_and_train_agree_and_runs_are_not_overwritten)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    const char *command = arena_printf(shop.arena, "%s plan %s/recipe.yaml --json > %s/stdout", JIKJI_BINARY, shop.dir, shop.dir);
    REQUIRE(CHECK_EQUAL(system(command), 0));
    double planned = shop_number(&shop, "peak_bytes_forecast");
    REQUIRE(shop_train_ok(&shop, "a", "--json --train.steps 8"));
    CHECK_CLOSE(shop_number(&shop, "peak_bytes_forecast"), planned, 0);
    CHECK_EQUAL(shop_train(&shop, "a", ""), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "holds a run already") != NULL);
    CHECK_EQUAL(shop_train(&shop, "a", "--resume --optim.lr 0.5"), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "the recipe has changed") != NULL);
    CHECK_EQUAL(shop_train(&shop, "b", "--optim.lrr 0.5"), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "optim.lr") != NULL);
    shop_close(&shop);
}

/* Flips one bit near the middle of a file. */
static bool flip_bit(const char *path)
{
    int64_t n_bytes;
    FILE *file = fopen(path, "r+");
    if (!CHECK(file != NULL) || !CHECK_OK(file_size(&n_bytes, path)))
        return false;
    fseek(file, n_bytes / 2, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, n_bytes / 2, SEEK_SET);
    fputc(byte ^ 1, file);
    return CHECK_EQUAL(fclose(file), 0);
}

/* Goal: a damaged checkpoint is never loaded in silence: the one before it is, and no more than one interval is lost, also when no further ones are
 * kept. Method: one flipped bit in each file of the checkpoint in turn, checksums too. */
static void check_flipped_bits(const char *precision)
{
    Shop shop;
    char **names;
    int n_names;
    REQUIRE(shop_open(&shop));
    const char *flags = arena_printf(shop.arena, "--train.precision %s --train.steps 8 --train.eval_every 4 --train.checkpoint_every 2"
                                                 " --train.keep_best 0", precision);
    REQUIRE(shop_train_ok(&shop, "whole", flags));
    REQUIRE_OK(file_list_dir(&names, &n_names, shop.arena, arena_printf(shop.arena, "%s/whole/checkpoints/step-8", shop.dir)));
    CHECK(n_names >= 6);
    for (int i = 0; i < n_names; i++) {
        const char *out = arena_printf(shop.arena, "flip%d", i);
        REQUIRE(CHECK_EQUAL(system(arena_printf(shop.arena, "cp -a %s/whole %s/%s", shop.dir, shop.dir, out)), 0));
        REQUIRE(flip_bit(arena_printf(shop.arena, "%s/%s/checkpoints/step-8/%s", shop.dir, out, names[i])));
        if (shop_train_ok(&shop, out, arena_printf(shop.arena, "%s --resume", flags)))
            shop_check_same_checkpoint(&shop, "whole", out, "step-8");
        if (!CHECK(strstr(shop_read(&shop, "stderr"), "step-8") && strstr(shop_read(&shop, "stderr"), "trying the checkpoint before it")))
            test_note("%s", names[i]);
        CHECK(strstr(shop_read(&shop, arena_printf(shop.arena, "%s/log.jsonl", out)), "{\"step\":6,") != NULL);  /* it went on behind step 6 */
    }
    shop_close(&shop);
}

TEST(train, a_flipped_bit_sends_the_run_back_to_the_checkpoint_before)
{
    check_flipped_bits("fp16");
}

SLOW_TEST(train, a_flipped_bit_sends_a_run_in_f32_back)
{
    check_flipped_bits("f32");
}

SLOW_TEST(train, a_flipped_bit_sends_a_run_in_bf16_back)
{
    check_flipped_bits("bf16");
}
