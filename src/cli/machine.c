/* machine.c - the system's own words about itself: /proc, /sys, and the environment. */
#include "cli/machine.h"

#include "base/file.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

/* Files of /proc and /sys say size 0 and are read to their end. "" when absent. */
static const char *read_text(Arena *arena, const char *path)
{
    enum { BYTES_MAX = 1 << 20 };
    FILE *file = fopen(path, "r");
    if (!file)
        return "";
    char *text = arena_alloc(arena, BYTES_MAX + 1);
    size_t n = fread(text, 1, BYTES_MAX, file);
    fclose(file);
    text[n] = '\0';
    return text;
}

/* The value behind "name ... : " on its first line, NULL when there is none. */
static const char *line_value(Arena *arena, const char *text, const char *name)
{
    for (const char *at = text; (at = strstr(at, name)); at++) {
        if (at != text && at[-1] != '\n')
            continue;
        const char *colon = at + strlen(name) + strspn(at + strlen(name), " \t");
        if (*colon != ':')
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        return arena_strndup(arena, colon, strcspn(colon, "\n"));
    }
    return NULL;
}

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at++)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

static const char *chosen_features(Arena *arena, const char *flags)
{
    static const char *const wanted[] = {"sse4_2", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni",
                                         "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8",
                                         "asimd", "asimdhp", "bf16", "sve", "sve2", "i8mm"};
    const char *found = "";
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (has_word(flags, wanted[i]))
            found = arena_printf(arena, "%s%s%s", found, found[0] ? " " : "", wanted[i]);
    return found;
}

/* Pairs (physical id, core id) that differ. */
static int count_cores(const char *cpuinfo)
{
    enum { CORES_MAX = 4096 };
    static const char physical[] = "\nphysical id", core[] = "\ncore id";
    int64_t *seen = mem_alloc(sizeof *seen * CORES_MAX);
    int n = 0;
    for (const char *at = cpuinfo; (at = strstr(at, physical)); at++) {
        const char *socket = strchr(at, ':'), *second = strstr(at, core), *number = second ? strchr(second, ':') : NULL;
        if (!socket || !number)
            break;
        int64_t id = strtoll(socket + 1, NULL, 10) << 32 | strtoll(number + 1, NULL, 10);
        bool is_new = n < CORES_MAX;
        for (int i = 0; i < n; i++)
            is_new = is_new && seen[i] != id;
        if (is_new)
            seen[n++] = id;
    }
    free(seen);
    return n;
}

static double kilobytes(Arena *arena, const char *meminfo, const char *name)
{
    const char *value = line_value(arena, meminfo, name);
    return value ? strtod(value, NULL) * 1024.0 : 0.0;
}

static double cgroup_cpus(Arena *arena)
{
    double quota, period;
    if (sscanf(read_text(arena, "/sys/fs/cgroup/cpu.max"), "%lf %lf", &quota, &period) == 2 && period > 0)
        return quota / period;
    quota = strtod(read_text(arena, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), NULL);
    period = strtod(read_text(arena, "/sys/fs/cgroup/cpu/cpu.cfs_period_us"), NULL);
    return quota > 0 && period > 0 ? quota / period : 0;
}

static int64_t cgroup_memory(Arena *arena, int64_t memory_bytes)
{
    static const char *const paths[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    for (int i = 0; i < 2; i++) {
        double limit = strtod(read_text(arena, paths[i]), NULL);  /* "max" gives 0 */
        if (limit > 0 && limit < (double)memory_bytes)
            return (int64_t)limit;
    }
    return 0;
}

/* The choice in brackets: "always [madvise] never". */
static const char *huge_pages(Arena *arena)
{
    const char *text = read_text(arena, "/sys/kernel/mm/transparent_hugepage/enabled"), *open = strchr(text, '[');
    return open ? arena_strndup(arena, open + 1, strcspn(open + 1, "]")) : "unknown";
}

static void read_disk(Machine *m)
{
    enum { TMPFS = 0x01021994 };
    struct statfs fs;
    if (statfs(".", &fs) != 0)
        return;
    m->disk_free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_bsize;
    m->disk_is_memory = fs.f_type == TMPFS;
}

static const char *find_program(Arena *arena, const char *name)
{
    const char *path = getenv("PATH");
    for (const char *at = path; at && *at;) {
        size_t n = strcspn(at, ":");
        const char *file = arena_printf(arena, "%.*s/%s", (int)n, at, name);
        if (access(file, X_OK) == 0)
            return file;
        at += n + (at[n] == ':');
    }
    return NULL;
}

Machine machine_read(Arena *arena)
{
    Machine m = {0};
    const char *cpuinfo = read_text(arena, "/proc/cpuinfo"), *meminfo = read_text(arena, "/proc/meminfo");
    const char *cpu = line_value(arena, cpuinfo, "model name"), *flags = line_value(arena, cpuinfo, "flags");
    if (!flags)
        flags = line_value(arena, cpuinfo, "Features");  /* ARM */
    m.cpu = cpu ? cpu : "unknown";
    m.features = chosen_features(arena, flags ? flags : "");
    m.n_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    m.n_cores = count_cores(cpuinfo);
    cpu_set_t set;
    m.n_usable = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : m.n_cpus;
    m.cpu_quota = cgroup_cpus(arena);
    if (getloadavg(&m.load, 1) != 1)
        m.load = 0;
    m.memory_bytes = (int64_t)kilobytes(arena, meminfo, "MemTotal");
    m.memory_available_bytes = (int64_t)kilobytes(arena, meminfo, "MemAvailable");
    m.memory_limit_bytes = cgroup_memory(arena, m.memory_bytes);
    m.huge_pages = huge_pages(arena);
    read_disk(&m);
    m.mpirun = find_program(arena, "mpirun");
    return m;
}
