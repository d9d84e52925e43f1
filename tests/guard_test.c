/* guard_test.c - spikes: found, refused, their samples named, runs taken back; and all of it to the bit. */
#include "base/test.h"

#include "base/arena.h"
#include "base/file.h"
#include "shop.h"
#include "study/track/run_record.h"

#include <signal.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Every run here takes its samples in the order of the file, and each once, so that a poisoned document is met once. */
static const char common[] = "--json --data.order sequential --train.steps 56 --train.checkpoint_every 8 --train.eval_every 0 --train.log_every 1"
                             " --guard.window 16 --guard.threshold 5 --optim.grad_norm_max 0 --optim.lr 5e-3 --record.histograms false";

enum { N_DOCUMENTS = 112, POISONED = 60, CHARS = 160 };

/* text.jsonl: documents of a few words; n_poisoned of them, from the middle on, are capitals in no order. */
static bool write_text(Shop *shop, int n_poisoned)
{
    static const char *const words[] = {"the cat ", "sat on ", "a mat ", "and saw ", "the dog "};
    FileWriter *writer;
    uint64_t random = 1;
    if (!CHECK_OK(file_writer_open(&writer, arena_printf(shop->arena, "%s/text.jsonl", shop->dir))))
        return false;
    for (int d = 0; d < N_DOCUMENTS; d++) {
        char text[CHARS + 16] = "";
        bool garbage = d == 0 || (d >= POISONED && d < POISONED + n_poisoned);  /* the first: one alphabet for all texts here */
        for (int n = 0; n < CHARS;) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            const char letter[2] = {(char)('A' + (random >> 40) % 26), 0};
            n += snprintf(text + n, sizeof text - (size_t)n, "%s", garbage ? letter : words[(random >> 40) % 5]);
        }
        text[CHARS] = 0;
        CHECK_OK(file_writer_printf(writer, "{\"text\":\"%s\"}\n", text));
    }
    return CHECK_OK(file_writer_commit(writer));
}

/* A shop whose recipe reads that text. */
static bool guard_shop(Shop *shop, int n_poisoned)
{
    return shop_open(shop) && write_text(shop, n_poisoned);
}

static const char *with_common(Shop *shop, const char *flags)
{
    return arena_printf(shop->arena, "%s --data.text %s/text.jsonl %s", common, shop->dir, flags);
}

static bool guard_train(Shop *shop, const char *out, const char *flags)
{
    return shop_train_ok(shop, out, with_common(shop, flags));
}

static RunRecord read_run(Shop *shop, const char *out)
{
    RunRecord record = {0};
    CHECK_OK(run_record_read(&record, shop->arena, arena_printf(shop->arena, "%s/%s", shop->dir, out)));
    return record;
}

static int64_t count_incidents(const RunRecord *record, const char *event)
{
    int64_t n = 0;
    for (int64_t i = 0; i < record->n_incidents; i++)
        n += strcmp(record->incidents[i].event, event) == 0;
    return n;
}

/* Goal: a document of garbage is found and named, its step is not taken, and the run ends near one that never met it; a run without a guard ends worse.
 * Method: the loss on clean text at the end, over seeds. */
TEST(guard, a_poisoned_document_is_named_and_its_step_not_taken)
{
    static const struct {
        const char *name, *policy;
        int n_poisoned;
    } runs[] = {{"clean", "off", 0}, {"off", "off", 2}, {"skip", "skip", 2}};
    Shop shop;
    REQUIRE(shop_open(&shop));
    for (int seed = 1; seed <= 3; seed++) {
        double loss[3];
        for (int i = 0; i < 3; i++) {
            const char *flags = arena_printf(shop.arena, "--seed %d --guard.policy %s", seed, runs[i].policy);
            REQUIRE(write_text(&shop, runs[i].n_poisoned) && guard_train(&shop, arena_printf(shop.arena, "%s%d", runs[i].name, seed), flags));
            loss[i] = shop_number(&shop, "val_loss");
        }
        test_note("seed %d: loss %.4f without the documents; %.4f with them, %.4f guarded", seed, loss[0], loss[1], loss[2]);
        CHECK(loss[2] < loss[0] + 0.01 && loss[2] < loss[1] - 0.02);
    }
    RunRecord record = read_run(&shop, "skip3");
    REQUIRE(count_incidents(&record, "spike") == 2 && record.n_incidents == 2);  /* the documents lie in two steps */
    CHECK_EQUAL(record.incidents[0].step, 38);
    CHECK(strstr(record.incidents[0].line, "\"document\":60,\"first_token\":0,"));
    CHECK(strstr(record.incidents[1].line, "\"document\":61,"));
    for (int64_t i = 0; i < 2; i++)  /* every sample that is blamed begins in one of them */
        for (const char *at = record.incidents[i].line; (at = strstr(at, "\"from\":[{")); at++) {
            int document = atoi(strstr(at, "\"document\":") + 11);
            CHECK(document == 60 || document == 61);
        }
    shop_close(&shop);
}

/* Goal: several spikes in a row take the run back to the checkpoint before them, and past the data since; every record says so. */
TEST(guard, spikes_in_a_row_take_the_run_back)
{
    Shop shop;
    REQUIRE(guard_shop(&shop, 7));
    REQUIRE(guard_train(&shop, "run", "--guard.policy rollback"));
    CHECK(shop_number(&shop, "rollbacks") == 1);
    CHECK(shop_number(&shop, "batches_skipped") == 8);  /* 32 to 39: steps 37, 38, 39 were refused */
    CHECK(strstr(shop_read(&shop, "stderr"), "back to the state after step 32"));
    RunRecord record = read_run(&shop, "run");
    CHECK_EQUAL(count_incidents(&record, "rollback"), 1);
    CHECK(count_incidents(&record, "spike") >= 3);
    const RunSeries *loss = &record.series[RUN_LOSS];
    REQUIRE(CHECK_EQUAL(loss->n, 56));  /* each step once */
    for (int64_t i = 0; i < loss->n; i++)
        CHECK(loss->step[i] == (double)(i + 1));
    CHECK(strstr(shop_read(&shop, "run/checkpoints/last/state.json"), "\"batches_skipped\": 8"));
    CHECK(strstr(shop_read(&shop, "run/checkpoints/last/state.json"), "\"samples\": 512"));  /* (56 + 8) * 8 */

    const char *command = arena_printf(shop.arena, "%s report %s/run > %s/stdout && cat %s/run/tensorboard/* > %s/events", JIKJI_BINARY,
                                       shop.dir, shop.dir, shop.dir, shop.dir);
    REQUIRE(CHECK_EQUAL(system(command), 0));
    CHECK(strstr(shop_read(&shop, "run/report.html"), "rollback"));
    CHECK_EQUAL(system(arena_printf(shop.arena, "grep -qa 'rollback from step 40' %s/events", shop.dir)), 0);
    shop_close(&shop);
}

/* Goal: the guard's decisions do not depend on threads or micro batches, nor on the settings of a run that needs none. */
TEST(guard, bits_do_not_depend_on_threads_or_micro_batches)
{
    static const char *const same[] = {"--train.threads 2", "--train.threads 3", "--train.threads 4", "--train.micro_batch_size 2"};
    Shop shop;
    REQUIRE(guard_shop(&shop, 7));
    REQUIRE(guard_train(&shop, "t1", "--guard.policy rollback --train.threads 1"));
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        const char *out = arena_printf(shop.arena, "same%zu", i);
        if (guard_train(&shop, out, arena_printf(shop.arena, "--guard.policy rollback %s", same[i])))
            shop_check_same_checkpoint(&shop, "t1", out, "step-56");
    }
    shop_close(&shop);
}

/* Starts training and sends a signal as soon as the run's log holds `text`. */
static void train_until(Shop *shop, const char *out, const char *flags, const char *text, int sign)
{
    const char *log = arena_printf(shop->arena, "%s/%s/log.jsonl", shop->dir, out);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", shop_command(shop, out, with_common(shop, flags)), (char *)NULL);
        _exit(127);
    }
    Arena *arena = arena_new();
    const char *bytes = "";
    int status;
    while (waitpid(child, &status, WNOHANG) == 0 && !strstr(bytes, text)) {
        nanosleep(&(struct timespec){0, 500000}, NULL);
        arena_reset(arena);
        if (file_read(&bytes, &(size_t){0}, arena, log) != OK)
            bytes = "";
    }
    CHECK(strstr(bytes, text));
    arena_free(arena);
    if (kill(child, sign) == 0)
        waitpid(child, &status, 0);
}

/* Goal: a run killed before, in and after a rollback, or interrupted, ends with the bits of one that never stopped, and its log tells of the same
 * incidents. Method: signals sent as soon as the log says how far the run is. */
TEST(guard, killed_around_a_rollback_equals_never_stopped)
{
    static const struct {
        const char *name, *text;
        int sign;
    } stops[] = {
        {"before", "\"event\":\"spike\"", SIGKILL},
        {"in", "\"event\":\"rollback\"", SIGKILL},
        {"after", "\"step\":34,\"rollbacks\":1", SIGKILL},
        {"later", "\"step\":41,\"rollbacks\":1", SIGKILL},
        {"interrupt", "\"step\":35", SIGINT},  /* leaves a checkpoint that is no place to go back to */
    };
    Shop shop;
    REQUIRE(guard_shop(&shop, 7));
    REQUIRE(guard_train(&shop, "whole", "--guard.policy rollback"));
    RunRecord whole = read_run(&shop, "whole");
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        train_until(&shop, stops[i].name, "--guard.policy rollback", stops[i].text, stops[i].sign);
        if (!guard_train(&shop, stops[i].name, "--guard.policy rollback --resume"))
            continue;
        shop_check_same_checkpoint(&shop, "whole", stops[i].name, "step-56");
        RunRecord record = read_run(&shop, stops[i].name);
        CHECK_EQUAL(record.n_incidents, whole.n_incidents);
        CHECK_EQUAL(record.series[RUN_LOSS].n, 56);
    }
    shop_close(&shop);
}

/* Goal: a run that cannot be saved says so once, clearly, and leaves a checkpoint. */
TEST(guard, gives_up_after_so_many_rollbacks)
{
    Shop shop;
    REQUIRE(guard_shop(&shop, 7));
    CHECK_EQUAL(shop_train(&shop, "run", with_common(&shop, "--guard.policy rollback --guard.patience 1 --guard.rollbacks_max 1")), 1);
    CHECK(strstr(shop_read(&shop, "stderr"), "spikes again after 1 rollbacks (guard.rollbacks_max)"));
    CHECK(file_exists(arena_printf(shop.arena, "%s/run/checkpoints/last/state.json", shop.dir)));
    CHECK_EQUAL(shop_train(&shop, "skips", with_common(&shop, "--guard.policy skip --train.bad_steps_max 2")), 1);
    CHECK(strstr(shop_read(&shop, "stderr"), "2 steps in a row were spikes"));
    CHECK_EQUAL(shop_train(&shop, "never", with_common(&shop, "--guard.policy rollback --guard.patience 11")), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "guard.patience 11 is above train.bad_steps_max 10"));
    shop_close(&shop);
}

/* Goal: an overflow that a smaller loss scale cures is no spike, and a spike is no overflow. */
TEST(guard, goes_with_fp16)
{
    Shop shop;
    REQUIRE(guard_shop(&shop, 2));
    REQUIRE(guard_train(&shop, "run", "--guard.policy rollback --train.precision fp16 --loss_scale.start 4194304"));
    RunRecord record = read_run(&shop, "run");
    CHECK(count_incidents(&record, "overflow") > 0);
    CHECK_EQUAL(count_incidents(&record, "spike"), 2);
    CHECK_EQUAL(count_incidents(&record, "rollback"), 0);
    shop_close(&shop);
}

/* Goal: warn changes nothing but the log; without spikes neither does any other policy. */
TEST(guard, does_not_touch_a_run_without_need)
{
    Shop shop;
    REQUIRE(guard_shop(&shop, 2));
    REQUIRE(guard_train(&shop, "off", "--guard.policy off") && guard_train(&shop, "warn", "--guard.policy warn"));
    uint64_t hash[2] = {0};
    for (int i = 0; i < 2; i++)
        CHECK_OK(file_hash(&hash[i], arena_printf(shop.arena, "%s/%s/checkpoints/last/model.safetensors", shop.dir, i ? "warn" : "off")));
    CHECK(hash[0] != 0 && hash[0] == hash[1]);
    RunRecord off = read_run(&shop, "off"), warn = read_run(&shop, "warn");
    CHECK(off.n_incidents == 0 && warn.n_incidents >= 1);
    shop_close(&shop);
}
