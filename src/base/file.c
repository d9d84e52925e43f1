/* file.c - reading, listing, renaming and removing; file_writer.c writes, memory.c maps. */
#include "base/file.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static Err fail(const char *what, const char *path)
{
    return err_set(ERR_IO, "%s: cannot %s: %s", path, what, strerror(errno));
}

static Err open_to_read(int *fd, const char *path)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return fail("open", path);
    struct stat info;
    if (fstat(*fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(*fd);
        return err_set(ERR_IO, "%s: is a folder, expected a file", path);
    }
    return OK;
}

/* Like read, but a signal does not cut it short. 0 is the end of the file, -1 an error. */
static ssize_t read_some(int fd, void *bytes, size_t n_bytes)
{
    ssize_t got;
    do
        got = read(fd, bytes, n_bytes);
    while (got < 0 && errno == EINTR);
    return got;
}

/* The size the system tells is a hint: files grow while they are read, and pipes have none. */
Err file_read(const char **bytes, size_t *n_bytes, Arena *arena, const char *path)
{
    int fd;
    TRY(open_to_read(&fd, path));
    struct stat info;
    size_t capacity = fstat(fd, &info) == 0 && info.st_size > 0 ? (size_t)info.st_size + 1 : 64 * 1024;
    char *buffer = arena_alloc(arena, capacity);
    size_t filled = 0;
    ssize_t got;
    while ((got = read_some(fd, buffer + filled, capacity - filled)) > 0) {
        filled += (size_t)got;
        if (filled == capacity) {
            char *larger = arena_alloc(arena, capacity * 2);
            memcpy(larger, buffer, filled);
            buffer = larger;
            capacity *= 2;
        }
    }
    Err err = got < 0 ? fail("read", path) : OK;
    close(fd);
    TRY(err);
    *bytes = buffer;
    *n_bytes = filled;
    return OK;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

Err file_size(int64_t *n_bytes, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return fail("look at", path);
    *n_bytes = info.st_size;
    return OK;
}

Err file_make_dirs(const char *path)
{
    char *part = mem_strdup(path);
    Err err = OK;
    for (char *slash = part + 1; err == OK && part[0]; slash++) {
        slash = strchrnul(slash, '/');
        bool last = !*slash;
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && !(errno == EEXIST && file_is_dir(part)))
            err = fail("make the folder", part);
        if (last)
            break;
        *slash = '/';
    }
    free(part);
    return err;
}

static Err remove_entries(FTS *walk)
{
    FTSENT *entry;
    while ((entry = fts_read(walk))) {
        errno = entry->fts_errno;
        switch (entry->fts_info) {
        case FTS_D: break;  /* comes again as FTS_DP, emptied */
        case FTS_NS:
            if (errno == ENOENT)
                break;
            return fail("remove", entry->fts_path);
        case FTS_ERR:
        case FTS_DNR: return fail("remove", entry->fts_path);
        default:
            if (remove(entry->fts_accpath) != 0 && errno != ENOENT)
                return fail("remove", entry->fts_path);
        }
        errno = 0;
    }
    return errno ? err_set(ERR_IO, "cannot walk a folder: %s", strerror(errno)) : OK;
}

Err file_remove_tree(const char *path)
{
    char *roots[] = {(char *)path, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk)
        return fail("walk", path);
    Err err = remove_entries(walk);
    fts_close(walk);
    return err;
}

Err file_sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail("open", path);
    Err err = fsync(fd) == 0 || errno == EINVAL ? OK : fail("sync", path);  /* EINVAL: this file system has no such thing */
    close(fd);
    return err;
}

static Err sync_parent(const char *path)
{
    char *dir = mem_strdup(path);
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir ? 1 : 0] = '\0';
    Err err = file_sync_dir(slash ? dir : ".");
    free(dir);
    return err;
}

Err file_rename(const char *from, const char *to)
{
    if (rename(from, to) != 0)
        return err_set(ERR_IO, "%s: cannot rename to %s: %s", from, to, strerror(errno));
    return sync_parent(to);
}

Err file_link(const char *target, const char *link_path)
{
    Arena *arena = arena_new();
    const char *fresh = arena_printf(arena, "%s.tmp-%d", link_path, (int)getpid());
    unlink(fresh);
    Err err = symlink(target, fresh) == 0 ? file_rename(fresh, link_path) : fail("make the link", fresh);
    if (err != OK)
        unlink(fresh);
    arena_free(arena);
    return err;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

Err file_list_dir(char ***names, int *n_names, Arena *arena, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return fail("open", path);
    int n = 0, capacity = 16;
    char **list = ARENA_ARRAY(arena, char *, capacity);
    struct dirent *entry;
    while ((errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (n == capacity) {
            char **larger = ARENA_ARRAY(arena, char *, capacity * 2);
            memcpy(larger, list, sizeof *list * (size_t)n);
            list = larger;
            capacity *= 2;
        }
        list[n++] = arena_strdup(arena, entry->d_name);
    }
    Err err = errno ? fail("read", path) : OK;
    closedir(dir);
    TRY(err);
    qsort(list, (size_t)n, sizeof *list, compare_names);
    *names = list;
    *n_names = n;
    return OK;
}

Err file_hash(uint64_t *hash, const char *path)
{
    enum { HASH_BUFFER_BYTES = 1 << 18 };
    int fd;
    TRY(open_to_read(&fd, path));
    XXH3_state_t *state = XXH3_createState();
    XXH3_64bits_reset(state);
    char *buffer = mem_alloc(HASH_BUFFER_BYTES);
    ssize_t got;
    while ((got = read_some(fd, buffer, HASH_BUFFER_BYTES)) > 0)
        XXH3_64bits_update(state, buffer, (size_t)got);
    Err err = got < 0 ? fail("read", path) : OK;
    *hash = XXH3_64bits_digest(state);
    free(buffer);
    XXH3_freeState(state);
    close(fd);
    return err;
}

Err file_map(FileMap *map, const char *path)
{
    *map = (FileMap){0};
    int fd;
    TRY(open_to_read(&fd, path));
    struct stat info;
    Err err = OK;
    if (fstat(fd, &info) != 0) {
        err = fail("look at", path);
    } else if (info.st_size == 0) {
        map->bytes = (const unsigned char *)"";
    } else {
        void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            err = fail("map", path);
        else
            *map = (FileMap){bytes, (size_t)info.st_size};
    }
    close(fd);
    return err;
}

void file_unmap(FileMap *map)
{
    if (map->n_bytes)
        munmap((void *)map->bytes, map->n_bytes);
    *map = (FileMap){0};
}
