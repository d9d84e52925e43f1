/* file_test.c - a file is whole or absent: after errors, on a full disk, and under SIGKILL. */
#include "base/file.h"
#include "base/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *in_dir(Arena *arena, const char *name)
{
    return arena_printf(arena, "%s/%s", test_dir(), name);
}

static int n_entries(Arena *arena, const char *dir)
{
    char **names;
    int n = -1;
    CHECK_OK(file_list_dir(&names, &n, arena, dir));
    return n;
}

TEST(file, what_is_written_is_read_back)
{
    Arena *arena = arena_new();
    const char *path = in_dir(arena, "a");
    const size_t sizes[] = {0, 1, 4096, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 1000003};
    char *bytes = mem_alloc(1000003);
    for (int i = 0; i < 1000003; i++)
        bytes[i] = (char)(i * 31 + i / 255);
    for (int k = 0; k < 7; k++) {
        REQUIRE_OK(file_write(path, bytes, sizes[k]));
        const char *back;
        size_t n_back;
        REQUIRE_OK(file_read(&back, &n_back, arena, path));
        CHECK_EQUAL(n_back, sizes[k]);
        CHECK(memcmp(back, bytes, sizes[k]) == 0 && back[n_back] == '\0');
        FileMap map;
        REQUIRE_OK(file_map(&map, path));
        CHECK(map.bytes && map.n_bytes == sizes[k] && memcmp(map.bytes, bytes, sizes[k]) == 0);
        file_unmap(&map);
        int64_t size;
        CHECK_OK(file_size(&size, path));
        CHECK_EQUAL(size, sizes[k]);
    }
    CHECK_EQUAL(n_entries(arena, test_dir()), 1);  /* no temporary file is left */
    free(bytes);
    arena_free(arena);
}

/* Goal: pieces of any size, offset and hash. Oracle: file_hash, which reads the file anew. */
TEST(file, writer_counts_and_hashes_what_it_wrote)
{
    Arena *arena = arena_new();
    const char *path = in_dir(arena, "a");
    FileWriter *writer;
    REQUIRE_OK(file_writer_open(&writer, path));
    char *piece = mem_alloc(600000);
    int64_t total = 0;
    for (size_t n = 0; n < 600000; n = n * 3 + 1) {
        memset(piece, (int)(n % 251), n);
        CHECK_OK(file_writer_write(writer, piece, n));
        total += (int64_t)n;
    }
    CHECK_OK(file_writer_printf(writer, "%d lines\n", 12));
    CHECK_EQUAL(file_writer_offset(writer), total + 9);
    uint64_t hash = file_writer_hash(writer), again = 0;
    CHECK(!file_exists(path));
    REQUIRE_OK(file_writer_commit(writer));
    CHECK_OK(file_hash(&again, path));
    CHECK(hash == again);
    REQUIRE_OK(file_write(path, "", 0));
    CHECK_OK(file_hash(&again, path));
    CHECK(again == 0x2D06800538D394C2u);  /* XXH3-64 of nothing, as xxHash documents it */
    free(piece);
    arena_free(arena);
}

TEST(file, abort_leaves_the_old_file)
{
    Arena *arena = arena_new();
    const char *path = in_dir(arena, "a");
    REQUIRE_OK(file_write(path, "old", 3));
    FileWriter *writer;
    REQUIRE_OK(file_writer_open(&writer, path));
    CHECK_OK(file_writer_write(writer, "new", 3));
    file_writer_abort(writer);
    file_writer_abort(NULL);
    const char *back;
    size_t n;
    REQUIRE_OK(file_read(&back, &n, arena, path));
    CHECK_STRING(back, "old");
    CHECK_EQUAL(n_entries(arena, test_dir()), 1);
    arena_free(arena);
}

TEST(file, errors_name_the_path_and_the_reason)
{
    Arena *arena = arena_new();
    const char *bytes;
    size_t n;
    const char *absent = in_dir(arena, "no/such");
    CHECK(file_read(&bytes, &n, arena, absent) == ERR_IO);
    CHECK(strstr(err_message(), absent) && strstr(err_message(), "No such file"));
    CHECK(file_read(&bytes, &n, arena, test_dir()) == ERR_IO);
    CHECK(strstr(err_message(), "is a folder") != NULL);
    FileWriter *writer;
    CHECK(file_writer_open(&writer, absent) == ERR_IO);
    CHECK(strstr(err_message(), absent) != NULL);
    FileMap map;
    CHECK(file_map(&map, absent) == ERR_IO);
    file_unmap(&map);
    CHECK(file_rename(absent, "x") == ERR_IO);
    char **names;
    int n_names;
    CHECK(file_list_dir(&names, &n_names, arena, absent) == ERR_IO);
    uint64_t hash;
    CHECK(file_hash(&hash, absent) == ERR_IO);
    REQUIRE_OK(file_write(in_dir(arena, "plain"), "x", 1));
    CHECK(file_make_dirs(in_dir(arena, "plain/sub")) == ERR_IO);
    arena_free(arena);
}

TEST(file, folders_are_made_listed_and_removed)
{
    Arena *arena = arena_new();
    const char *deep = in_dir(arena, "x/y//z/");
    REQUIRE_OK(file_make_dirs(deep));
    CHECK_OK(file_make_dirs(deep));
    CHECK(file_is_dir(deep));
    for (int i = 39; i >= 0; i--)
        REQUIRE_OK(file_write(arena_printf(arena, "%s/%02d", deep, i), "", 0));
    char **names;
    int n;
    REQUIRE_OK(file_list_dir(&names, &n, arena, deep));
    REQUIRE(n == 40);
    CHECK_STRING(names[0], "00");
    CHECK_STRING(names[39], "39");

    REQUIRE_OK(file_make_dirs(in_dir(arena, "kept")));
    REQUIRE_OK(file_write(in_dir(arena, "kept/file"), "k", 1));
    REQUIRE(symlink("../../kept", in_dir(arena, "x/y/to-kept")) == 0);
    CHECK_OK(file_remove_tree(in_dir(arena, "x")));
    CHECK(!file_exists(in_dir(arena, "x")));
    CHECK(file_exists(in_dir(arena, "kept/file")));  /* a link is removed, not followed */
    CHECK_OK(file_remove_tree(in_dir(arena, "x")));
    CHECK_OK(file_remove_tree(in_dir(arena, "kept/file")));
    CHECK(!file_exists(in_dir(arena, "kept/file")) && file_is_dir(in_dir(arena, "kept")));
    arena_free(arena);
}

TEST(file, link_replaces_an_older_link)
{
    Arena *arena = arena_new();
    const char *link_path = in_dir(arena, "best");
    for (int step = 1; step <= 2; step++) {
        const char *target = arena_printf(arena, "step-%d", step);
        REQUIRE_OK(file_link(target, link_path));
        char back[64] = {0};
        CHECK(readlink(link_path, back, sizeof back - 1) > 0);
        CHECK_STRING(back, target);
    }
    CHECK_EQUAL(n_entries(arena, test_dir()), 1);
    arena_free(arena);
}

/* Goal: a pipe has no size and comes in pieces; all of it is read. */
TEST(file, read_takes_a_pipe_to_its_end)
{
    Arena *arena = arena_new();
    const char *path = in_dir(arena, "pipe");
    REQUIRE(mkfifo(path, 0600) == 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_WRONLY);
        for (int i = 0; i < 300; i++)
            if (write(fd, "0123456789abcdef", 16) != 16)
                _exit(1);
        _exit(0);
    }
    const char *bytes;
    size_t n;
    CHECK_OK(file_read(&bytes, &n, arena, path));
    CHECK_EQUAL(n, 4800);
    waitpid(child, NULL, 0);
    arena_free(arena);
}

/* Goal: what is no file stays what it is. Method: a pipe whose other end is held here; a file beside it would be renamed over it. */
TEST(file, a_pipe_is_written_not_replaced)
{
    Arena *arena = arena_new();
    const char *path = in_dir(arena, "pipe");
    REQUIRE(mkfifo(path, 0600) == 0);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(fd >= 0);
    CHECK_OK(file_write(path, "hello", 5));
    struct stat info;
    CHECK(stat(path, &info) == 0 && S_ISFIFO(info.st_mode));
    char got[8] = "";
    CHECK_EQUAL(read(fd, got, sizeof got), 5);
    CHECK(memcmp(got, "hello", 5) == 0);
    CHECK_EQUAL(n_entries(arena, test_dir()), 1);
    close(fd);
    arena_free(arena);
}

/* Goal: a full disk is an error that names the file; the old file stays, the temporary one goes; the error sticks and
 * keeps its words. Method: a tmpfs of 64 KiB. */
TEST(file, full_disk_keeps_the_old_file)
{
    if (mount("tmpfs", test_dir(), "tmpfs", 0, "size=64k") != 0)
        SKIP("mounting a small tmpfs needs root");
    Arena *arena = arena_new();
    const char *path = in_dir(arena, "a");
    CHECK_OK(file_write(path, "old", 3));
    FileWriter *writer = NULL;
    if (CHECK_OK(file_writer_open(&writer, path))) {
        char block[4096] = {1};
        Err err = OK;
        for (int i = 0; i < 128; i++)
            err = file_writer_write(writer, block, sizeof block);
        CHECK(err == ERR_IO);
        err_set(ERR_USAGE, "something else");
        CHECK(file_writer_commit(writer) == ERR_IO);
        CHECK(strstr(err_message(), path) && strstr(err_message(), "No space left"));
    }
    char large[60000] = {1};  /* fits the writer's buffer, not the disk: found at commit */
    CHECK(file_write(in_dir(arena, "b"), large, sizeof large) == OK);
    CHECK(file_write(in_dir(arena, "c"), large, sizeof large) == ERR_IO);
    const char *back;
    size_t n;
    if (CHECK_OK(file_read(&back, &n, arena, path)))
        CHECK_STRING(back, "old");
    CHECK_EQUAL(n_entries(arena, test_dir()), 2);
    CHECK(umount(test_dir()) == 0);
    arena_free(arena);
}

enum { VERSION_BYTES = 300000 };

/* Writes versions 1, 2, 3, ... of one file until it is killed; each version is one byte value throughout. Says when the first
 * one is done. */
static void write_versions(const char *path, int done)
{
    char *bytes = mem_alloc(VERSION_BYTES);
    for (int version = 1;; version++) {
        memset(bytes, version, VERSION_BYTES);
        if (file_write(path, bytes, VERSION_BYTES) != OK || (version == 1 && write(done, "1", 1) != 1))
            _exit(1);
    }
}

/* Kills a writer of versions some time after its start, or after its first version. */
static void kill_writer(const char *path, bool wait_for_first, useconds_t delay)
{
    int done[2];
    char byte;
    REQUIRE(pipe(done) == 0);
    pid_t child = fork();
    if (child == 0)
        write_versions(path, done[1]);
    close(done[1]);
    if (wait_for_first)
        CHECK(read(done[0], &byte, 1) == 1);
    usleep(delay);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    close(done[0]);
}

/* Goal: whenever the process dies, the path holds one whole version. Method: 40 kills at delays spread over several
 * write-sync-rename cycles, the first half from the very start, the others while an older version is being replaced. */
TEST(file, kill_never_leaves_half_a_file)
{
    for (int round = 0; round < 40; round++) {
        Arena *arena = arena_new();
        const char *path = in_dir(arena, "a"), *bytes;
        size_t n;
        kill_writer(path, round >= 20, (useconds_t)(100 + round % 20 * 331));
        if (round >= 20 || file_exists(path)) {
            REQUIRE_OK(file_read(&bytes, &n, arena, path));
            REQUIRE(n == VERSION_BYTES);
            CHECK(memcmp(bytes, bytes + 1, n - 1) == 0);  /* one version throughout */
        }
        arena_free(arena);
    }
}

TEST(memory, mapped_blocks_are_zeroed_aligned_and_counted)
{
    int64_t before = memory_mapped_bytes();
    const size_t sizes[] = {0, 1, 4096, 4097, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, 9 << 20};
    for (int k = 0; k < 8; k++) {
        void *block;
        REQUIRE_OK(memory_map(&block, sizes[k]));
        CHECK((uintptr_t)block % (sizes[k] >= 2 << 20 ? 2 << 20 : 64) == 0);
        unsigned char *bytes = block, any = 0;
        for (size_t i = 0; i < sizes[k]; i++)
            any |= bytes[i];
        CHECK_EQUAL(any, 0);
        if (sizes[k])
            memset(bytes, 255, sizes[k]);
        CHECK_EQUAL(memory_mapped_bytes() - before, sizes[k]);
        memory_unmap(block, sizes[k]);
    }
    CHECK_EQUAL(memory_mapped_bytes(), before);
    memory_unmap(NULL, 5);
}

TEST(memory, impossible_sizes_are_an_error)
{
    void *block;
    CHECK(memory_map(&block, SIZE_MAX) == ERR_MEMORY);
    CHECK(memory_map(&block, (size_t)1 << 60) == ERR_MEMORY);
    CHECK(strstr(err_message(), "1152921504606846976") != NULL);
}

TEST(memory, resident_size_grows_with_touched_pages)
{
    enum { N = 32 << 20 };
    int64_t before = memory_resident_bytes();
    void *block;
    REQUIRE_OK(memory_map(&block, N));
    memset(block, 1, N);
    CHECK(memory_resident_bytes() - before > N * 9 / 10);
    memory_unmap(block, N);
    CHECK(memory_resident_peak_bytes() - before > N * 9 / 10);
}

/* Goal: what was touched is resident and holds what it held. */
TEST(memory, touched_pages_are_resident_and_keep_their_contents)
{
    enum { N = (24 << 20) + 5000 };
    unsigned char *block;
    REQUIRE_OK(memory_map((void **)&block, N));
    int64_t before = memory_resident_bytes();
    block[4096] = 7;
    block[N - 1] = 9;
    memory_touch(block, N);
    if (!TEST_IS_SANITIZED)  /* a sanitizer counts pages of its own */
        CHECK(memory_resident_bytes() - before > N * 9 / 10);
    CHECK_EQUAL(block[4096] + block[N - 1], 16);
    memory_touch(block, 0);
    memory_unmap(block, N);
}
