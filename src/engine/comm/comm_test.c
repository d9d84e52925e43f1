/* comm_test.c - starts comm_ranks.every_case_holds under mpirun, well and badly. */
#include "base/arena.h"
#include "base/file.h"
#include "base/test.h"
#include "engine/comm/comm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_MAX = 90, EXIT_NO_MPIRUN = 127, EXIT_TOO_LATE = -1 };

/* Ranks share few cores here, possibly inside a container and as root; each must yield while it waits. */
static void child_environment(int n_ranks, const char *lose_rank)
{
    static const char *const settings[][2] = {
        {"OMPI_ALLOW_RUN_AS_ROOT", "1"},         {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
        {"OMPI_MCA_rmaps_base_oversubscribe", "1"}, {"OMPI_MCA_mpi_yield_when_idle", "1"},
        {"OMPI_MCA_hwloc_base_binding_policy", "none"}, {"OMP_NUM_THREADS", "1"},
        {"ASAN_OPTIONS", "detect_leaks=0"},      /* MPI keeps what it allocated */
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        setenv(settings[i][0], settings[i][1], 1);
    char text[16];
    snprintf(text, sizeof text, "%d", n_ranks);
    setenv("JIKJI_TEST_RANKS", text, 1);
    if (lose_rank)
        setenv("JIKJI_TEST_LOSE_RANK", lose_rank, 1);
}

static void child_run(int n_ranks, const char *lose_rank, const char *output_path)
{
    char self[4096], count[16];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    int output = open(output_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (n < 0 || output < 0)
        _exit(1);
    self[n] = '\0';
    setpgid(0, 0);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    child_environment(n_ranks, lose_rank);
    snprintf(count, sizeof count, "%d", n_ranks);
    execlp("mpirun", "mpirun", "-n", count, self, "comm_ranks.every_case_holds", (char *)NULL);
    _exit(EXIT_NO_MPIRUN);
}

/* The exit status of a child, EXIT_TOO_LATE when it had to be ended. */
static int wait_for(pid_t pid)
{
    int status = 0;
    struct timespec pause = {0, 10 * 1000 * 1000};
    for (int i = 0; i < SECONDS_MAX * 100; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        nanosleep(&pause, NULL);
    }
    kill(-pid, SIGTERM);  /* mpirun takes its ranks along */
    sleep(2);
    kill(-pid, SIGKILL);
    waitpid(pid, &status, 0);
    return EXIT_TOO_LATE;
}

/* Exit status and output of the ranks' test on n_ranks. */
static int run_ranks(int n_ranks, const char *lose_rank, const char **output, Arena *arena)
{
    const char *path = arena_printf(arena, "%s/output", test_dir());
    size_t n_bytes;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child_run(n_ranks, lose_rank, path);
    int status = wait_for(pid);
    *output = "";
    CHECK_OK(file_read(output, &n_bytes, arena, path));
    return status;
}

static void check_ranks(int n_ranks)
{
    if (getenv("OMPI_COMM_WORLD_SIZE"))
        SKIP("already inside mpirun");
    Arena *arena = arena_new();
    const char *output;
    int status = run_ranks(n_ranks, NULL, &output, arena);
    if (status == EXIT_NO_MPIRUN)
        test_skip("mpirun is not installed");
    else if (!CHECK_EQUAL(status, 0))
        printf("%s\n", output);
    arena_free(arena);
}

/* Goal: all that comm.h promises holds on real MPI ranks, an odd number of them included. */
TEST(comm, one_mpi_rank_keeps_the_promises)
{
    check_ranks(1);
}

TEST(comm, two_mpi_ranks_keep_the_promises)
{
    check_ranks(2);
}

TEST(comm, three_mpi_ranks_keep_the_promises)
{
    check_ranks(3);
}

TEST(comm, four_mpi_ranks_keep_the_promises)
{
    check_ranks(4);
}

/* Goal: however rank 1 ends, the others, who wait for it, end as well, with a status that is not success. */
static void check_loss(const char *way, int want_status, const char *want_output)
{
    if (getenv("OMPI_COMM_WORLD_SIZE"))
        SKIP("already inside mpirun");
    Arena *arena = arena_new();
    const char *output;
    int status = run_ranks(3, way, &output, arena);
    if (status == EXIT_NO_MPIRUN)
        test_skip("mpirun is not installed");
    else if (!CHECK_EQUAL(status, want_status) || !CHECK(strstr(output, want_output) != NULL))
        printf("%s\n", output);
    arena_free(arena);
}

TEST(comm, abort_ends_all_ranks_with_a_message)
{
    check_loss("abort", 7, "jikji: rank 1 of 3: the disk is full");
}

TEST(comm, a_killed_rank_ends_the_others)
{
    check_loss("kill", 137, "");
}

TEST(comm, a_rank_that_exits_ends_the_others)
{
    check_loss("exit", 3, "");
}

/* Goal: the group of one ends the process in the same way. */
TEST(comm, abort_alone_exits_with_the_code)
{
    Comm *world;
    REQUIRE_OK(comm_open(&world, COMM_ALONE));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        comm_abort(world, 5);
    }
    CHECK_EQUAL(wait_for(pid), 5);
    comm_close(world);
}
