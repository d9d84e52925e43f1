/* train_memory_test.c - a step allocates nothing; a full disk loses nothing; gradients that are not finite change nothing. */
#include "base/test.h"

#include "base/file.h"
#include "families.h"
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#if !TEST_IS_SANITIZED
/* Every allocation of the test program, of all its threads, comes through here. */
static volatile long n_allocations;
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

void *malloc(size_t n_bytes)
{
    __atomic_add_fetch(&n_allocations, 1, __ATOMIC_RELAXED);
    return __libc_malloc(n_bytes);
}

void *calloc(size_t n, size_t n_bytes)
{
    __atomic_add_fetch(&n_allocations, 1, __ATOMIC_RELAXED);
    return __libc_calloc(n, n_bytes);
}

void *realloc(void *block, size_t n_bytes)
{
    __atomic_add_fetch(&n_allocations, 1, __ATOMIC_RELAXED);
    return __libc_realloc(block, n_bytes);
}
#endif

#if !TEST_IS_SANITIZED
/* Binds, and counts what three steps map and allocate. */
static void count_allocations(Rig *rig)
{
    int64_t before = memory_mapped_bytes();
    REQUIRE_OK(trainer_bind(rig->trainer));
    CHECK_EQUAL(memory_mapped_bytes() - before, trainer_plan(rig->trainer).total_bytes);
    StepReport report;
    CHECK_OK(trainer_run_step(rig->trainer, &report));
    long counted = n_allocations;
    int64_t mapped = memory_mapped_bytes();
    for (int step = 0; step < 3; step++)
        CHECK_OK(trainer_run_step(rig->trainer, &report));
    CHECK_EQUAL(n_allocations - counted, 0);
    CHECK_EQUAL(memory_mapped_bytes() - mapped, 0);
    free(mem_alloc(1));
    CHECK(n_allocations > counted);  /* the counter counts */
}
#endif

/* Goal: in every family and precision binding maps exactly the planned bytes, and then a step allocates nothing, also when it makes values again.
 * Method: count every malloc of the process; the first step may start threads. */
TEST(train, a_step_allocates_nothing_and_binding_maps_what_was_planned)
{
#if !TEST_IS_SANITIZED
    static const char *const precisions[] = {"f32", "bf16", "fp16"}, *const ways[] = {"none", "layers"};
    for (int f = 0; f < n_families(); f++) {
        Shop shop;
        REQUIRE(family_shop(&shop, family_at(f)));
        for (int i = 0; i < 6; i++) {
            Rig rig;
            if (rig_open(&rig, &shop, arena_printf(shop.arena, "train.precision=%s memory.recompute=%s", precisions[i / 2], ways[i % 2])))
                count_allocations(&rig);
            rig_close(&rig);
        }
        Rig rig;
        if (rig_open(&rig, &shop, arena_printf(shop.arena, "memory.offload=%s/disk", shop.dir)))
            count_allocations(&rig);
        rig_close(&rig);
        if (rig_open(&rig, &shop, "train.precision=bf16 memory.pack_weights=true"))
            count_allocations(&rig);
        rig_close(&rig);
        shop_close(&shop);
    }
#else
    SKIP("allocations are the sanitizer's");
#endif
}

/* Goal: what is planned is what is resident: all of it from the start, no more later. Method: a model of some 40 MB; resident pages before
 * binding, after it, and their peak after steps and an evaluation. */
TEST(train, the_resident_peak_is_what_was_planned)
{
#if !TEST_IS_SANITIZED
    Shop shop;
    Rig rig;
    REQUIRE(shop_open(&shop));
    REQUIRE(shop_write(&shop, "model.json", "{\"model_type\": \"gpt2\", \"n_layer\": 4, \"n_head\": 4, \"n_embd\": 192, \"n_positions\": 64}"));
    REQUIRE(rig_open(&rig, &shop, "train.precision=fp16"));
    memory_resident_peak_reset();
    int64_t before = memory_resident_bytes(), planned = trainer_plan(rig.trainer).total_bytes;
    REQUIRE_OK(trainer_bind(rig.trainer));
    int64_t bound = memory_resident_bytes() - before;
    StepReport report;
    EvalReport eval;
    for (int step = 0; step < 2; step++)
        CHECK_OK(trainer_run_step(rig.trainer, &report));
    CHECK_OK(trainer_evaluate(rig.trainer, &eval));
    int64_t peak = memory_resident_peak_bytes() - before;
    test_note("planned %.1f MB, resident when bound %.1f, at the peak %.1f", (double)planned * 1e-6, (double)bound * 1e-6, (double)peak * 1e-6);
    CHECK((double)bound > 0.9 * (double)planned);  /* evaluation's is touched later */
    CHECK((double)peak > 0.98 * (double)planned && (double)peak < 1.02 * (double)planned + 4e6);  /* stacks of threads, pages' ends */
    rig_close(&rig);
    shop_close(&shop);
#else
    SKIP("pages are the sanitizer's");
#endif
}

/* Goal: gradients that are not finite change neither weights nor moments, and the run stops in the end with a clear line.
 * Method: one weight is made infinite, so that every loss is. */
TEST(train, steps_that_are_not_finite_change_nothing_and_stop_the_run)
{
    Shop shop;
    Rig rig;
    REQUIRE(shop_open(&shop));
    REQUIRE(rig_open(&rig, &shop, ""));
    REQUIRE_OK(trainer_bind(rig.trainer));
    Store *store = pretrain_store(rig.pretrain);
    StepReport report;
    REQUIRE_OK(trainer_run_step(rig.trainer, &report));
    CHECK(!report.skipped);
    Tensor param = store_param_tensor(store, 0, NULL), moment = store_param_tensor(store, 1, "m");
    ((float *)param.data)[5] = INFINITY;
    double weight = tensor_get(&param, 7), m = tensor_get(&moment, 3);
    REQUIRE_OK(trainer_run_step(rig.trainer, &report));
    CHECK(report.skipped);
    CHECK_CLOSE(tensor_get(&param, 7), weight, 0);
    CHECK_CLOSE(tensor_get(&moment, 3), m, 0);
    TrainResult result;
    CHECK_EQUAL(trainer_run(rig.trainer, &result), ERR_NUMERIC);
    CHECK(strstr(err_message(), "were not finite") != NULL);
    rig_close(&rig);
    shop_close(&shop);
}

/* Goal: a full disk during a checkpoint gives one line and a failure; the checkpoints before are whole and the run goes on from them. */
TEST(train, a_full_disk_loses_no_checkpoint)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    const char *disk = arena_printf(shop.arena, "%s/disk", shop.dir);
    REQUIRE_OK(file_make_dirs(disk));
    if (mount("tmpfs", disk, "tmpfs", 0, "size=1400k") != 0)
        SKIP("a small tmpfs cannot be mounted: %s", strerror(errno));
    int status = shop_train(&shop, "disk/run", "--train.keep_best 100");
    CHECK_EQUAL(status, 1);
    CHECK(strstr(shop_read(&shop, "stderr"), "No space left on device") != NULL);
    CHECK(file_exists(arena_printf(shop.arena, "%s/run/checkpoints/last/state.json", disk)));
    REQUIRE(CHECK_EQUAL(system(arena_printf(shop.arena, "cp -a %s/run %s/moved", disk, shop.dir)), 0));
    CHECK_EQUAL(umount(disk), 0);
    CHECK(shop_train_ok(&shop, "moved", "--resume"));
    shop_close(&shop);
}
