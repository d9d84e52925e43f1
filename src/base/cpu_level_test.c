/* cpu_level_test.c - JIKJI_CPU chooses, and a wrong one is an error with the words that help. */
#include "base/test.h"
#include "base/cpu_level.h"

#include <stdlib.h>

/* Runs the checks of one setting with JIKJI_CPU changed, and puts things back. */
static void with_setting(const char *value, void (*check)(void))
{
    const char *before = getenv("JIKJI_CPU");
    char *kept = before ? strdup(before) : NULL;
    setenv("JIKJI_CPU", value, 1);
    cpu_level_reset();
    check();
    if (kept)
        setenv("JIKJI_CPU", kept, 1);
    else
        unsetenv("JIKJI_CPU");
    free(kept);
    cpu_level_reset();
}

static void check_portable(void)
{
    CHECK_OK(cpu_level_check());
    CHECK_EQUAL(cpu_level(), CPU_PORTABLE);
    CHECK_STRING(cpu_level_name(cpu_level()), "portable");
}

static void check_unknown(void)
{
    CHECK_EQUAL(cpu_level_check(), ERR_USAGE);
    CHECK(strstr(err_message(), "avx1024") != NULL);
    CHECK_EQUAL(cpu_level(), cpu_level_best());
}

static void check_too_high(void)
{
    bool has_it = cpu_level_best() == CPU_AVX512_BF16;
    CHECK_EQUAL(cpu_level_check(), has_it ? OK : ERR_USAGE);
    CHECK_EQUAL(cpu_level(), cpu_level_best());
}

TEST(cpu_level, follows_the_setting)
{
    with_setting("portable", check_portable);
    with_setting("avx1024", check_unknown);
    with_setting("avx512bf16", check_too_high);
}
