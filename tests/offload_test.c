/* offload_test.c - activations that wait in a file: no bit changes, the plan's bytes hold, and a disk that fails is said. */
#include "base/test.h"

#include "base/arena.h"
#include "base/file.h"
#include "rig.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* "memory.offload=DIR/disk" and more. */
static const char *with_offload(Shop *shop, const char *settings)
{
    return arena_printf(shop->arena, "memory.offload=%s/disk %s", shop->dir, settings);
}

/* Goal: offload gives the bits of keeping, alone and over recompute, in all dtypes, at any thread count and cut into micro batches. */
static void check_same_bits(const char *family, const char *precision)
{
    Shop shop;
    REQUIRE(rig_deep_shop(&shop, family, 8, 0.1));
    const char *const ways[] = {"", "train.micro_batch_size=2", "memory.recompute=layers", "memory.recompute=sqrt",
                                "memory.recompute=budget memory.budget_bytes=4e6"};
    rig_check_same_bits(&shop, precision, with_offload(&shop, ""), ways, sizeof ways / sizeof ways[0]);
    shop_close(&shop);
}

TEST(offload, gives_the_bits_of_keeping)
{
    check_same_bits("gpt2", "train.precision=f32");
    check_same_bits("llama", "train.precision=bf16");
}

TEST(offload, gives_the_bits_of_keeping_in_fp16)
{
    check_same_bits("gpt2", "train.precision=fp16");
}

/* Goal: what was planned is what is mapped, and that is far less than without. Method: every buffer of the process that comes from memory_map. */
TEST(offload, saves_what_the_plan_says)
{
    Shop shop;
    Rig rig;
    REQUIRE(rig_deep_shop(&shop, "gpt2", 8, 0.1));
    REQUIRE(rig_open(&rig, &shop, "train.batch_size=32"));
    TrainerPlan kept = trainer_plan(rig.trainer);
    CHECK_EQUAL(kept.offload.n_bytes, 0);
    CHECK(kept.offload_share == 0);
    rig_close(&rig);
    const char *const ways[] = {"train.batch_size=32", "train.batch_size=32 memory.recompute=layers"};
    int64_t least = kept.activation_bytes;
    for (int i = 0; i < 2; i++) {
        REQUIRE(rig_open(&rig, &shop, with_offload(&shop, ways[i])));
        TrainerPlan plan = trainer_plan(rig.trainer);
        int64_t before = memory_mapped_bytes();
        CHECK_OK(trainer_bind(rig.trainer));
        CHECK_EQUAL(memory_mapped_bytes() - before, plan.total_bytes);
        test_note("%s: activations %lld of %lld bytes, %lld values of %lld bytes in the file, %.1f %% of a step", ways[i],
                  (long long)plan.activation_bytes, (long long)kept.activation_bytes, (long long)plan.offload.n_values,
                  (long long)plan.offload.n_bytes, 100 * plan.offload_share);
        CHECK(plan.activation_bytes < 0.8 * (double)least && plan.kept_bytes == kept.activation_bytes);
        CHECK(plan.offload_share >= 0 && plan.offload_share < 1);
        least = plan.activation_bytes;
        rig_close(&rig);
    }
    shop_close(&shop);
}

/* Goal: the run says what offload took beside the plan, leaves nothing in the folder, and may resume without it. */
TEST(offload, is_reported_after_the_run_and_is_no_part_of_its_identity)
{
    Shop shop;
    char **names;
    int n_names;
    REQUIRE(rig_deep_shop(&shop, "gpt2", 8, 0.1));
    const char *flags = "--train.steps 4 --schedule.min_lr 1e-2";
    REQUIRE(shop_train_ok(&shop, "run", arena_printf(shop.arena, "%s --memory.offload %s/disk --json", flags, shop.dir)));
    CHECK(strstr(shop_read(&shop, "run/log.jsonl"), "\"event\":\"offload\",\"saved_bytes\":") != NULL);
    CHECK(strstr(shop_read(&shop, "stderr"), "wait in a file") && strstr(shop_read(&shop, "stderr"), "offload carried"));
    double share = shop_number(&shop, "offload_share"), planned = shop_number(&shop, "offload_share_planned");
    test_note("share of time %.3f, planned %.3f", share, planned);
    CHECK(share > 0 && share < 0.9 && planned > 0 && shop_number(&shop, "offload_bytes") > 0);
    CHECK(strstr(shop_read(&shop, "run/outcome.json"), "\"offload_share\""));
    REQUIRE_OK(file_list_dir(&names, &n_names, shop.arena, arena_printf(shop.arena, "%s/disk", shop.dir)));
    CHECK_EQUAL(n_names, 0);
    CHECK(shop_train_ok(&shop, "run", arena_printf(shop.arena, "%s --resume", flags)));
    shop_close(&shop);
}

/* Goal: a disk without room is one line before the first step, with folder, bytes needed and bytes free. */
TEST(offload, a_full_disk_is_said_before_the_first_step)
{
    Shop shop;
    REQUIRE(rig_deep_shop(&shop, "gpt2", 8, 0.1));
    const char *disk = arena_printf(shop.arena, "%s/small", shop.dir);
    REQUIRE_OK(file_make_dirs(disk));
    if (mount("tmpfs", disk, "tmpfs", 0, "size=64k") != 0)
        SKIP("a small tmpfs cannot be mounted: %s", strerror(errno));
    CHECK_EQUAL(shop_train(&shop, "run", arena_printf(shop.arena, "--memory.offload %s", disk)), 1);
    CHECK_EQUAL(umount(disk), 0);
    const char *message = strstr(shop_read(&shop, "stderr"), "/small: a file of ");
    CHECK(message && strstr(message, "bytes is needed for activations, 65536 are free there: No space left on device"));
    CHECK(!file_exists(arena_printf(shop.arena, "%s/run/checkpoints", shop.dir)));
    shop_close(&shop);
}

/* Cuts every nameless file of this process in the folder's file system that is as long as the offloaded values. */
static int cut_nameless_files(const char *dir, int64_t n_bytes)
{
    struct stat folder, file;
    int n_cut = 0;
    stat(dir, &folder);
    for (int fd = 3; fd < 256; fd++)
        if (fstat(fd, &file) == 0 && file.st_nlink == 0 && file.st_dev == folder.st_dev && file.st_size >= n_bytes)
            n_cut += ftruncate(fd, 100) == 0;
    return n_cut;
}

static uint64_t hash_weights(const Rig *rig)
{
    const Store *store = pretrain_store(rig->pretrain);
    uint64_t hash = 0;
    for (int s = 0; s < store_n_states(store); s++) {
        Tensor t = store_state_tensor(store, s);
        if (store_state(store, s)->kind == STATE_PARAM)
            hash = hash * 31 + hash_bytes(t.data, tensor_bytes(&t));
    }
    return hash;
}

/* Goal: values that do not come back are an error of the step, which changes no weight. Method: the file is cut between two passes; what is written
 * makes it grow again, so the last value is read from where nothing was written. */
TEST(offload, a_short_file_is_an_error_and_changes_no_weight)
{
    Shop shop;
    Rig rig;
    StepReport report;
    REQUIRE(rig_deep_shop(&shop, "gpt2", 8, 0.1));
    REQUIRE(rig_open(&rig, &shop, with_offload(&shop, "")));
    REQUIRE_OK(trainer_bind(rig.trainer));
    CHECK_OK(trainer_run_step(rig.trainer, &report));
    uint64_t before = hash_weights(&rig);
    Program *micro = trainer_micro_step(rig.trainer);
    program_run(micro, SEGMENT_FORWARD);
    REQUIRE(CHECK_EQUAL(cut_nameless_files(shop.dir, trainer_plan(rig.trainer).offload.n_bytes), 1));
    program_run(micro, SEGMENT_BACKWARD);
    CHECK_EQUAL(trainer_run_step(rig.trainer, &report), ERR_IO);
    CHECK(strstr(err_message(), "/disk: ") && strstr(err_message(), " of their file cannot be read: the file ends before them"));
    CHECK(hash_weights(&rig) == before);
    rig_close(&rig);
    shop_close(&shop);
}
