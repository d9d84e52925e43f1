/* tokenizer_memory_test.c - `jikji tokenizer train --memory` holds, and what is learnt within it is what is learnt without it. */
#include "base/arena.h"
#include "base/file.h"
#include "base/test.h"
#include "syllables.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_WORDS = 600000, BESIDE_BYTES = 32000000 };

/* The most memory that a process has had resident; 0: it is gone. */
static int64_t peak_bytes(pid_t pid)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    long long kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return (int64_t)kib * 1024;
}

/* Trains, and returns the most memory that was resident, looked at every few milliseconds. */
static int64_t train(Arena *arena, const char *type, const char *out, const char *more)
{
    const char *command = arena_printf(arena, "cd %s && exec env OMP_NUM_THREADS=2 %s tokenizer train --quiet --type %s --vocab-size %d --format lines --out %s %s corpus.txt "
                                       "> stdout 2> stderr", test_dir(), JIKJI_BINARY, type, SYLLABLES_VOCAB_SIZE, out, more);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int64_t most = 0;
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        usleep(5000);
        int64_t now = peak_bytes(pid);
        most = now ? now : most;  /* that of the program, behind the shell that it came from */
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return most;
}

static void check_type(const char *type, int64_t memory)
{
    Arena *arena = arena_new();
    const char *dir = test_dir();
    uint64_t free_hash = 0, bound_hash = 1;
    int64_t unbound = train(arena, type, "free", ""), bound = train(arena, type, "bound", arena_printf(arena, "--work work-%s --memory %lld", type, (long long)memory));
    CHECK_OK(file_hash(&free_hash, arena_printf(arena, "%s/free/tokenizer.json", dir)));
    CHECK_OK(file_hash(&bound_hash, arena_printf(arena, "%s/bound/tokenizer.json", dir)));
    CHECK(free_hash == bound_hash);
    test_note("%s: %.1f MB without a bound, %.1f MB within %.1f", type, (double)unbound / 1e6, (double)bound / 1e6, (double)memory / 1e6);
    CHECK(unbound > memory + BESIDE_BYTES);  /* or the bound would show nothing */
    CHECK(bound < memory + BESIDE_BYTES);
    arena_free(arena);
}

SLOW_TEST(tokenizer_memory, is_bounded_for_pieces_and_words)
{
    Arena *arena = arena_new();
    REQUIRE_OK(syllables_write(arena_printf(arena, "%s/corpus.txt", test_dir()), N_WORDS));
    arena_free(arena);
    check_type("unigram", 16000000);
    check_type("word", 8000000);
}
