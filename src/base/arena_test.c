/* arena_test.c - blocks are apart, zeroed, and under AddressSanitizer fenced. */
#include "base/arena.h"
#include "base/fence.h"
#include "base/file.h"
#include "base/test.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Goal: blocks are aligned, zeroed and do not overlap, across chunk borders and after a reset.
 * Method: fill every block with its number, then look again. */
TEST(arena, blocks_are_aligned_zeroed_and_apart)
{
    Arena *arena = arena_new();
    for (int round = 0; round < 2; round++) {
        unsigned char *blocks[500];
        for (int i = 0; i < 500; i++) {
            blocks[i] = arena_alloc(arena, (size_t)i * 7);
            CHECK((uintptr_t)blocks[i] % 64 == 0);
            for (int b = 0; b < i * 7; b++)
                if (blocks[i][b])
                    CHECK(!"a fresh block is zero");
            memset(blocks[i], i & 255, (size_t)i * 7);
        }
        for (int i = 0; i < 500; i++)
            for (int b = 0; b < i * 7; b++)
                if (blocks[i][b] != (i & 255))
                    CHECK(!"a block kept its bytes");
        CHECK_EQUAL(arena_used_bytes(arena), 499 * 500 / 2 * 7);
        arena_reset(arena);
    }
    arena_free(arena);
}

TEST(arena, reset_gives_the_same_pages_again)
{
    Arena *arena = arena_new();
    void *first = arena_alloc(arena, 1000);
    arena_reset(arena);
    CHECK(arena_alloc(arena, 1000) == first);
    CHECK_EQUAL(arena_used_bytes(arena), 1000);
    arena_free(arena);
}

TEST(arena, printf_makes_text_of_any_length)
{
    Arena *arena = arena_new();
    char *text = arena_printf(arena, "%0*d-%s", 5000, 7, "end");
    CHECK_EQUAL(strlen(text), 5004);
    CHECK_STRING(text + 4999, "7-end");
    arena_free(arena);
}

/* Runs `body` in a child with its complaints thrown away; true when it died of them. */
static bool dies(void (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        body();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void write_at(void *block, int64_t offset)
{
    ((volatile char *)block)[offset] = 1;
}

static void overrun_by_one(void)
{
    Arena *arena = arena_new();
    void *block = arena_alloc(arena, 100);
    arena_alloc(arena, 100);
    write_at(block, 100);
}

static void overrun_of_an_even_block(void)
{
    Arena *arena = arena_new();
    void *block = arena_alloc(arena, 64);
    arena_alloc(arena, 64);
    write_at(block, 64);
}

static void underrun(void)
{
    Arena *arena = arena_new();
    arena_alloc(arena, 64);
    write_at(arena_alloc(arena, 64), -1);
}

static void use_after_reset(void)
{
    Arena *arena = arena_new();
    void *block = arena_alloc(arena, 100);
    arena_reset(arena);
    write_at(block, 0);
}

static void overrun_of_a_map(void)
{
    void *block;
    if (memory_map(&block, 5000) == OK)
        write_at(block, 5000);
}

static void stay_inside(void)
{
    Arena *arena = arena_new();
    write_at(arena_alloc(arena, 100), 99);
    arena_reset(arena);
    write_at(arena_alloc(arena, 200), 199);
    arena_free(arena);
    void *block;
    if (memory_map(&block, 5000) == OK)
        write_at(block, 4999);
    memory_unmap(block, 5000);
}

/* Goal: a write past one block is found although its neighbour is ours too. Method: children that do it must die, and one
 * that stays inside must live. */
TEST(arena, overruns_are_found_under_address_sanitizer)
{
    CHECK(!dies(stay_inside));
    if (!FENCED)
        SKIP("fences stand in AddressSanitizer builds only");
    CHECK(dies(overrun_by_one));
    CHECK(dies(overrun_of_an_even_block));
    CHECK(dies(underrun));
    CHECK(dies(use_after_reset));
    CHECK(dies(overrun_of_a_map));
}
