/* test_main.c - runs the registered tests; see test.h for the command line. */
#include "base/test.h"

#include "base/log.h"
#include "base/err.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static TestCase *tests_first;
static struct {
    const TestCase *test;
    atomic_int n_failed_checks, n_checks;  /* a CHECK may stand in a function that threads call */
    bool skipped;
    char dir[64];
    char path[4096];
} running;
static bool bench_full;

void test_register(TestCase *test)
{
    test->next = tests_first;
    tests_first = test;
}

static void report_failure(const char *file, int line, const char *text)
{
    running.n_failed_checks++;
    printf("  %s:%d: %s\n", file, line, text);
}

bool test_check(bool holds, const char *file, int line, const char *text)
{
    running.n_checks++;
    if (!holds) {
        report_failure(file, line, text);
        if (strstr(text, " is OK"))
            printf("    %s\n", err_message());
    }
    return holds;
}

bool test_check_close(double got, double want, double tolerance, const char *file, int line, const char *text)
{
    running.n_checks++;
    bool holds = fabs(got - want) <= tolerance;  /* false for NaN */
    if (!holds) {
        report_failure(file, line, text);
        printf("    got %.9g, want %.9g, off by %.3g, tolerance %.3g\n", got, want, fabs(got - want), tolerance);
    }
    return holds;
}

bool test_check_equal(long long got, long long want, const char *file, int line, const char *text)
{
    running.n_checks++;
    if (got != want) {
        report_failure(file, line, text);
        printf("    got %lld, want %lld\n", got, want);
    }
    return got == want;
}

bool test_check_string(const char *got, const char *want, const char *file, int line, const char *text)
{
    running.n_checks++;
    bool holds = got && want && strcmp(got, want) == 0;
    if (!holds) {
        report_failure(file, line, text);
        printf("    got  \"%s\"\n    want \"%s\"\n", got ? got : "(null)", want ? want : "(null)");
    }
    return holds;
}

static void print_remark(const char *word, const char *format, va_list args)
{
    printf("  %s.%s: %s", running.test->group, running.test->name, word);
    vprintf(format, args);
    printf("\n");
}

void test_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_remark("skipped: ", format, args);
    va_end(args);
    running.skipped = true;
}

void test_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_remark("", format, args);
    va_end(args);
}

bool test_bench_full(void)
{
    return bench_full;
}

const char *test_source_path(const char *relative)
{
    snprintf(running.path, sizeof running.path, "%s/%s", JIKJI_SOURCE_DIR, relative);
    return running.path;
}

const char *test_data_dir(void)
{
    const char *set = getenv("JIKJI_DATA");
    static char fallback[4096];
    snprintf(fallback, sizeof fallback, "%s/../shared/data", JIKJI_SOURCE_DIR);
    const char *dir = set ? set : fallback;
    return access(dir, R_OK) == 0 ? dir : NULL;
}

const char *test_dir(void)
{
    if (!running.dir[0]) {
        snprintf(running.dir, sizeof running.dir, "/tmp/jikji-test-XXXXXX");
        if (!mkdtemp(running.dir)) {
            perror("mkdtemp");
            exit(1);
        }
    }
    return running.dir;
}

static int remove_entry(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
    (void)info, (void)flag, (void)walk;
    return remove(path);
}

static bool is_wanted(const TestCase *test, int n_words, char **words)
{
    char full[256];
    snprintf(full, sizeof full, "%s.%s", test->group, test->name);
    for (int i = 0; i < n_words; i++)
        if (strstr(full, words[i]))
            return true;
    return n_words == 0;
}

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct {
    atomic_int n_passed, n_failed, n_skipped;
} Totals;

/* Returns the seconds it took. */
static double run_one(const TestCase *test, Totals *totals)
{
    memset(&running, 0, sizeof running);
    running.test = test;
    double start = now_seconds();
    log_set_level(LOG_NORMAL);  /* whatever the test before left */
    test->run();
    double seconds = now_seconds() - start;
    if (running.dir[0])
        nftw(running.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    /* A test that checked nothing has proven nothing. */
    if (running.n_checks == 0 && !running.skipped && test->kind != TEST_BENCH)
        report_failure(test->file, 0, "the test checked nothing");
    if (running.n_failed_checks) {
        totals->n_failed++;
        printf("FAIL %s.%s (%d of %d checks)\n", test->group, test->name, running.n_failed_checks, running.n_checks);
    } else if (running.skipped) {
        totals->n_skipped++;
    } else {
        totals->n_passed++;
        if (seconds > 2.0)
            printf("  %s.%s took %.1f s\n", test->group, test->name, seconds);
    }
    fflush(stdout);
    return seconds;
}

/* Registration order depends on the linker; names do not. */
static int compare_tests(const void *a, const void *b)
{
    const TestCase *const *x = a, *const *y = b;
    int by_group = strcmp((*x)->group, (*y)->group);
    return by_group ? by_group : strcmp((*x)->name, (*y)->name);
}

enum { JOBS_MAX = 64 };

/* Lives in memory that all jobs share. */
typedef struct {
    Totals totals;
    atomic_int next;                   /* the next test that nobody has taken */
    atomic_int running_of[JOBS_MAX];   /* a job's test; -1 between two */
    double seconds[];                  /* what each test took */
} Shared;

static void run_until_none_is_left(const TestCase **tests, int n, int job, Shared *shared)
{
    for (int i; (i = atomic_fetch_add(&shared->next, 1)) < n;) {
        shared->running_of[job] = i;
        shared->seconds[i] = run_one(tests[i], &shared->totals);
        shared->running_of[job] = -1;
    }
}

/* A process that ends otherwise than it should has failed its test, or, between two (leaks are told at the end), is a failure of its own. */
static void judge_job(const TestCase **tests, int job, int status, Shared *shared)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    int i = shared->running_of[job];
    shared->totals.n_failed++;
    printf("FAIL %s%s%s: its process ended with %s %d\n", i < 0 ? "after all tests" : tests[i]->group, i < 0 ? "" : ".", i < 0 ? "" : tests[i]->name,
           WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* Processes that take the tests in turn. What a test prints comes out in one piece when it ends. */
static void run_in_jobs(const TestCase **tests, int n, int n_jobs, Shared *shared)
{
    pid_t pids[JOBS_MAX];
    fflush(stdout);
    for (int job = 0; job < n_jobs; job++) {
        pids[job] = fork();
        if (pids[job] < 0) {
            perror("fork");
            exit(1);
        }
        if (pids[job] == 0) {
            setvbuf(stdout, NULL, _IOFBF, 1 << 20);
            run_until_none_is_left(tests, n, job, shared);
            exit(0);
        }
    }
    for (int left = n_jobs; left > 0;) {
        int status;
        pid_t pid = wait(&status);
        for (int job = 0; job < n_jobs; job++)
            if (pids[job] == pid) {
                judge_job(tests, job, status, shared);
                left--;
            }
    }
}

enum { N_SLOWEST = 20 };

/* The tests that took longest, and what all took: where to look when the tests have become slow. */
static void print_times(const TestCase **tests, int n, double *seconds)
{
    double all = 0.0;
    for (int i = 0; i < n; i++)
        all += seconds[i];
    printf("%8.1f s  all %d tests\n", all, n);
    for (int rank = 0; rank < N_SLOWEST && rank < n; rank++) {
        int slowest = 0;
        for (int i = 1; i < n; i++)
            if (seconds[i] > seconds[slowest])
                slowest = i;
        printf("%8.1f s  %s.%s\n", seconds[slowest], tests[slowest]->group, tests[slowest]->name);
        seconds[slowest] = -1.0;
    }
}

static int usage(void)
{
    fprintf(stderr, "usage: jikji_tests [--list] [--slow] [--bench] [--times] [--jobs N] [WORD]...\n");
    return 2;
}

int main(int argc, char **argv)
{
    bool list = false, slow = false, times = false;
    char *words[64];
    int n_words = 0, n_jobs = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0)
            list = true;
        else if (strcmp(argv[i], "--slow") == 0)
            slow = true;
        else if (strcmp(argv[i], "--bench") == 0)
            bench_full = true;
        else if (strcmp(argv[i], "--times") == 0)
            times = true;
        else if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc)
            n_jobs = atoi(argv[++i]);
        else if (argv[i][0] == '-' || n_words == 64)
            return usage();
        else
            words[n_words++] = argv[i];
    }
    if (n_jobs < 1 || n_jobs > JOBS_MAX)
        return usage();

    int n_tests = 0;
    for (const TestCase *t = tests_first; t; t = t->next)
        n_tests++;
    const TestCase **tests = malloc(sizeof *tests * (size_t)(n_tests ? n_tests : 1));
    int n = 0;
    for (const TestCase *t = tests_first; t; t = t->next)
        if (is_wanted(t, n_words, words) && (bench_full ? t->kind == TEST_BENCH : t->kind != TEST_SLOW || slow))
            tests[n++] = t;
    qsort(tests, (size_t)n, sizeof *tests, compare_tests);
    for (int i = 0; i < n && list; i++)
        printf("%s.%s\n", tests[i]->group, tests[i]->name);
    if (list) {
        free(tests);
        return 0;
    }

    size_t shared_bytes = sizeof(Shared) + (size_t)n * sizeof(double);
    Shared *shared = mmap(NULL, shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    for (int job = 0; job < JOBS_MAX; job++)
        shared->running_of[job] = -1;
    if (n_jobs == 1)
        run_until_none_is_left(tests, n, 0, shared);
    else
        run_in_jobs(tests, n, n_jobs, shared);
    if (times)
        print_times(tests, n, shared->seconds);
    free(tests);
    int n_passed = shared->totals.n_passed, n_failed = shared->totals.n_failed;
    printf("%d passed, %d failed, %d skipped\n", n_passed, n_failed, shared->totals.n_skipped);
    munmap(shared, shared_bytes);
    return n_failed || n_passed == 0 ? 1 : 0;
}
