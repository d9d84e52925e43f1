/* test.h - the test harness: a test registers itself, its name is a sentence that is true.
 *
 *     TEST(arena, blocks_are_aligned) { CHECK((uintptr_t)p % 64 == 0); }
 *
 * A failed CHECK is printed with file, line and text; the test goes on, so one run shows all that is wrong.
 * SKIP says why and ends the test; it is counted apart and never as a pass. The runner takes words that a
 * "group.name" must contain, `--list`, `--bench` (runs benches in full instead of tests), `--slow` (also SLOW_TESTs),
 * `--jobs N` (processes that take the tests in turn), `--times` (which tests took longest), and ends with "N passed, N failed, N skipped". */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef enum { TEST_FAST, TEST_SLOW, TEST_BENCH } TestKind;

typedef struct TestCase {
    const char *group, *name, *file;
    TestKind kind;
    void (*run)(void);
    struct TestCase *next;
} TestCase;

void test_register(TestCase *test);
bool test_check(bool holds, const char *file, int line, const char *text);
bool test_check_close(double got, double want, double tolerance, const char *file, int line, const char *text);
bool test_check_equal(long long got, long long want, const char *file, int line, const char *text);
bool test_check_string(const char *got, const char *want, const char *file, int line, const char *text);
void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a measured figure beside the test's name, e.g. an error against its bound. */
void test_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A fresh empty folder for the running test, removed when the test ends. The string lives as long. */
const char *test_dir(void);
/* True while a bench runs in full; otherwise keep it tiny. */
bool test_bench_full(void);
/* JIKJI_DATA, else ../shared/data beside the source tree: real data for tests that want it; NULL when absent (then SKIP). */
const char *test_data_dir(void);
/* The source tree, for committed goldens: "<root>/tests/golden/x.safetensors" lives until the test ends. */
const char *test_source_path(const char *relative);

#define TEST_DEFINE_(group, name, kind)                                                        \
    static void test_##group##_##name(void);                                                   \
    __attribute__((constructor)) static void test_register_##group##_##name(void)              \
    {                                                                                          \
        static TestCase test = {#group, #name, __FILE__, kind, test_##group##_##name, NULL};   \
        test_register(&test);                                                                  \
    }                                                                                          \
    static void test_##group##_##name(void)

#define TEST(group, name) TEST_DEFINE_(group, name, TEST_FAST)
#define SLOW_TEST(group, name) TEST_DEFINE_(group, name, TEST_SLOW)  /* more than about 2 s; not under sanitizers */
#define BENCH(group, name) TEST_DEFINE_(group, name, TEST_BENCH)

/* 1 in builds with a sanitizer for addresses or threads: memory is theirs to count, and time. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_IS_SANITIZED 1
#endif
#endif
#ifndef TEST_IS_SANITIZED
#define TEST_IS_SANITIZED 0
#endif

#define CHECK(fact) test_check((fact), __FILE__, __LINE__, #fact)
#define CHECK_CLOSE(got, want, tolerance) \
    test_check_close((got), (want), (tolerance), __FILE__, __LINE__, #got " ~ " #want)
#define CHECK_EQUAL(got, want) \
    test_check_equal((long long)(got), (long long)(want), __FILE__, __LINE__, #got " == " #want)
#define CHECK_STRING(got, want) test_check_string((got), (want), __FILE__, __LINE__, #got " == " #want)
#define CHECK_OK(expression) \
    test_check((expression) == OK, __FILE__, __LINE__, #expression " is OK")  /* prints err_message() */
/* Ends the test when the fact does not hold: for what later lines stand on. */
#define REQUIRE(fact)      \
    do {                   \
        if (!CHECK(fact))  \
            return;        \
    } while (0)
#define REQUIRE_OK(expression)      \
    do {                            \
        if (!CHECK_OK(expression))  \
            return;                 \
    } while (0)
#define SKIP(...)                \
    do {                         \
        test_skip(__VA_ARGS__);  \
        return;                  \
    } while (0)

#endif
