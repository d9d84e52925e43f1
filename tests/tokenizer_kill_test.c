/* tokenizer_kill_test.c - `jikji tokenizer train` killed and begun again, at any thread count, ends in the same bytes. */
#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/philox.h"
#include "base/test.h"
#include "syllables.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_KILLS = 20 };

/* Lines of random words, a few of them frequent. */
static void write_corpus(Arena *arena, const char *path, size_t n_bytes)
{
    char *text = arena_alloc(arena, n_bytes + 64);
    size_t n = 0;
    for (uint64_t i = 0; n < n_bytes; i++) {
        Philox r = philox(21, 0, i, 0);
        uint32_t word = r.word[0] % (1u << (4 + r.word[1] % 15));
        for (uint32_t left = word * 2654435761u; left; left /= 29)
            text[n++] = (char)('a' + left % 29 % 26);
        text[n++] = r.word[2] % 12 ? ' ' : '\n';
    }
    REQUIRE_OK(file_write(path, text, n));
}

static const char *command(Arena *arena, const char *dir, const char *type, const char *out, const char *more, int n_threads)
{
    return arena_printf(arena, "cd %s && exec env OMP_NUM_THREADS=%d %s tokenizer train --quiet --type %s --format lines --out %s %s corpus.txt "
                        "> stdout 2> stderr", dir, n_threads, JIKJI_BINARY, type, out, more);
}

static uint64_t hash_of(Arena *arena, const char *dir, const char *out)
{
    uint64_t hash = 0;
    CHECK_OK(file_hash(&hash, arena_printf(arena, "%s/%s/tokenizer.json", dir, out)));
    return hash;
}

static int run(const char *words)
{
    int status = system(words);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Goal: a training that is killed again and again, at random moments and on other numbers of threads, ends in the bytes of one that was not.
 * Method: from corpus.txt, within so few bytes of memory that the words stay on disk. */
static void check_kills(const char *type, int vocab_size, int memory)
{
    Arena *arena = arena_new();
    const char *dir = test_dir(), *size = arena_printf(arena, "--vocab-size %d", vocab_size);
    const char *work = arena_printf(arena, "%s --work work --memory %d", size, memory);
    REQUIRE(run(command(arena, dir, type, "whole", size, 2)) == 0);
    uint64_t whole = hash_of(arena, dir, "whole");
    double start = clock_seconds();
    REQUIRE(run(command(arena, dir, type, "bounded", work, 2)) == 0);
    double seconds = clock_seconds() - start;
    CHECK_EQUAL(hash_of(arena, dir, "bounded"), whole);
    int n_kills = 0, n_done = 0;
    for (uint32_t turn = 0; n_kills < N_KILLS && turn < 100; turn++) {
        pid_t pid = fork();
        if (pid == 0) {
            execl("/bin/sh", "sh", "-c", command(arena, dir, type, "killed", work, 1 + (int)(turn % 4)), (char *)NULL);
            _exit(127);
        }
        usleep((useconds_t)(1e6 * seconds * 0.8 * (double)philox(12, 0, 0, turn).word[0] / 4294967296.0));
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        n_kills += WIFSIGNALED(status);
        if (!WIFSIGNALED(status)) {
            CHECK_EQUAL(hash_of(arena, dir, "killed"), whole);
            n_done++;
        }
    }
    CHECK_EQUAL(n_kills, N_KILLS);
    CHECK_EQUAL(run(command(arena, dir, type, "killed", work, 3)), 0);
    CHECK_EQUAL(hash_of(arena, dir, "killed"), whole);
    CHECK(!file_exists(arena_printf(arena, "%s/work", dir)));
    test_note("%s: %d kills, %d finished between them, one training %.1f s", type, n_kills, n_done, seconds);
    arena_free(arena);
}

SLOW_TEST(tokenizer_kill, bpe_survives_twenty_kills)
{
    Arena *arena = arena_new();
    write_corpus(arena, arena_printf(arena, "%s/corpus.txt", test_dir()), 2 << 20);
    check_kills("byte-bpe", 900, 3500000);
    arena_free(arena);
}

SLOW_TEST(tokenizer_kill, wordpiece_by_likelihood_survives_twenty_kills)
{
    Arena *arena = arena_new();
    write_corpus(arena, arena_printf(arena, "%s/corpus.txt", test_dir()), 2 << 20);
    check_kills("wordpiece", 900, 3500000);
    arena_free(arena);
}

SLOW_TEST(tokenizer_kill, unigram_survives_twenty_kills)
{
    Arena *arena = arena_new();
    REQUIRE_OK(syllables_write(arena_printf(arena, "%s/corpus.txt", test_dir()), 100000));
    check_kills("unigram", SYLLABLES_VOCAB_SIZE, 8000000);
    arena_free(arena);
}

TEST(tokenizer_kill, no_type_depends_on_threads)
{
    static const char *const types[] = {"byte-bpe", "char-bpe", "wordpiece", "bert-bpe", "unigram", "jamo", "char", "word", "byte"};
    static const int threads[] = {1, 2, 4};
    Arena *arena = arena_new();
    const char *dir = test_dir();
    write_corpus(arena, arena_printf(arena, "%s/corpus.txt", dir), 60 << 10);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint64_t hash[3];
        for (int t = 0; t < 3; t++) {
            const char *out = arena_printf(arena, "%s-%d", types[i], threads[t]);
            CHECK_EQUAL(run(command(arena, dir, types[i], out, "--vocab-size 900", threads[t])), 0);
            hash[t] = hash_of(arena, dir, out);
        }
        CHECK(hash[0] == hash[1] && hash[1] == hash[2]);
    }
    arena_free(arena);
}
