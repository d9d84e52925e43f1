/* block_file_test.c - blocks come back as they went, in any order; what cannot be kept is said. */
#include "base/block_file.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { N_BLOCKS = 40 };

static size_t size_of(int block)
{
    return (size_t)(1 + 7919 * block % 30000);
}

static void fill(unsigned char *bytes, int block, int round)
{
    for (size_t i = 0; i < size_of(block); i++)
        bytes[i] = (unsigned char)(i * 31 + (size_t)block * 7 + (size_t)round);
}

/* Goal: what is read is what was written last, with many requests under way, and nothing stands in the folder meanwhile. */
TEST(block_file, blocks_come_back_as_they_went)
{
    BlockFile *file = block_file_new();
    unsigned char *blocks[N_BLOCKS], *expected = mem_alloc(30000);
    Arena *arena = arena_new();
    char **names;
    int n_names;
    const char *dir = arena_printf(arena, "%s/offload", test_dir());
    for (int b = 0; b < N_BLOCKS; b++) {
        CHECK_EQUAL(block_file_add(file, (int64_t)size_of(b)), b);
        blocks[b] = mem_alloc(size_of(b));
    }
    REQUIRE_OK(block_file_open(file, dir));
    for (int round = 0; round < 3; round++) {
        for (int b = 0; b < N_BLOCKS; b++) {
            fill(blocks[b], b, round);
            block_file_write(file, b, blocks[b], size_of(b));
        }
        for (int b = 0; b < N_BLOCKS; b++)
            block_file_wait(file, b);
        for (int b = N_BLOCKS - 1; b >= 0; b--) {
            memset(blocks[b], 0, size_of(b));
            block_file_read(file, b, blocks[b], size_of(b));
        }
        for (int b = 0; b < N_BLOCKS; b++) {
            block_file_wait(file, b);
            fill(expected, b, round);
            CHECK(memcmp(blocks[b], expected, size_of(b)) == 0);
        }
    }
    CHECK_OK(block_file_error(file));
    CHECK(block_file_use(file).written_bytes == block_file_use(file).read_bytes && block_file_use(file).read_bytes > 0);
    REQUIRE_OK(file_list_dir(&names, &n_names, arena, dir));
    CHECK_EQUAL(n_names, 0);
    block_file_free(file);
    for (int b = 0; b < N_BLOCKS; b++)
        free(blocks[b]);
    free(expected);
    arena_free(arena);
}

/* Goal: a full disk is told at the opening, with what is needed. Method: a tmpfs of 64 KiB. */
TEST(block_file, a_full_disk_is_said_at_once)
{
    if (mount("tmpfs", test_dir(), "tmpfs", 0, "size=64k") != 0)
        SKIP("a small tmpfs cannot be mounted: %s", strerror(errno));
    BlockFile *file = block_file_new();
    block_file_add(file, 1000000);
    CHECK_EQUAL(block_file_open(file, test_dir()), ERR_IO);
    CHECK(strstr(err_message(), "a file of 1003520 bytes is needed") && strstr(err_message(), "No space left on device"));
    CHECK(strstr(err_message(), test_dir()));
    block_file_free(file);
    CHECK_EQUAL(umount(test_dir()), 0);
}

/* The descriptor of the nameless file in this process, -1: none. */
static int find_descriptor(const char *dir)
{
    Arena *arena = arena_new();
    DIR *open_files = opendir("/proc/self/fd");
    int found = -1;
    for (struct dirent *entry; open_files && (entry = readdir(open_files));) {
        char target[4096] = "";
        if (readlink(arena_printf(arena, "/proc/self/fd/%s", entry->d_name), target, sizeof target - 1) > 0 && strncmp(target, dir, strlen(dir)) == 0)
            found = atoi(entry->d_name);
    }
    closedir(open_files);
    arena_free(arena);
    return found;
}

/* Goal: a block that cannot be read whole is an error with its place, the first one, and nobody waits forever. Method: the file is cut behind its back. */
TEST(block_file, a_short_read_is_an_error_with_its_place)
{
    static unsigned char bytes[3][5000];
    BlockFile *file = block_file_new();
    for (int b = 0; b < 3; b++)
        block_file_add(file, 5000);
    CHECK_EQUAL(block_file_bytes(file), 3 * 8192);
    REQUIRE_OK(block_file_open(file, test_dir()));
    for (int b = 0; b < 3; b++)
        block_file_write(file, b, bytes[b], 5000);
    for (int b = 0; b < 3; b++)
        block_file_wait(file, b);
    int fd = find_descriptor(test_dir());
    REQUIRE(fd >= 0 && ftruncate(fd, 8192 + 100) == 0);
    block_file_read(file, 0, bytes[0], 5000);
    block_file_wait(file, 0);
    CHECK_OK(block_file_error(file));
    for (int b = 1; b < 3; b++)
        block_file_read(file, b, bytes[b], 5000);
    for (int b = 1; b < 3; b++)
        block_file_wait(file, b);
    CHECK_EQUAL(block_file_error(file), ERR_IO);
    CHECK(strstr(err_message(), "5000 bytes of activations at offset 8192 of their file cannot be read: the file ends before them"));
    block_file_free(file);
}

TEST(block_file, a_folder_that_cannot_be_is_an_error)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/file", test_dir());
    REQUIRE_OK(file_write(path, "x", 1));
    BlockFile *file = block_file_new();
    block_file_add(file, 10);
    CHECK_EQUAL(block_file_open(file, path), ERR_IO);
    CHECK(strstr(err_message(), path));
    block_file_free(file);
    BlockFile *empty = block_file_new();  /* nothing to keep: nothing is opened */
    CHECK_OK(block_file_open(empty, path));
    block_file_free(empty);
    arena_free(arena);
}
