/* machine_libraries.c - versions of the libraries that this process runs with, asked by the name of a function: the rooms that use
 * a library keep its header to themselves. */
#include "cli/machine.h"

#include <dlfcn.h>
#include <string.h>

/* Finds a function of a library that is loaded, or can be. */
static void *find(const char *file, const char *function)
{
    void *found = dlsym(RTLD_DEFAULT, function);
    if (found)
        return found;
    void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    return library ? dlsym(library, function) : NULL;  /* stays loaded for the life of the process */
}

static const char *by_text(Arena *arena, const char *file, const char *function)
{
    const char *(*version)(void) = (const char *(*)(void))find(file, function);
    return version ? arena_strdup(arena, version()) : NULL;
}

static const char *xxhash_version(Arena *arena)
{
    unsigned (*version)(void) = (unsigned (*)(void))find("libxxhash.so.0", "XXH_versionNumber");
    return version ? arena_printf(arena, "%u.%u.%u", version() / 10000, version() / 100 % 100, version() % 100) : NULL;
}

static const char *pcre2_version(Arena *arena)
{
    enum { PCRE2_CONFIG_VERSION = 11 };
    int (*config)(uint32_t, void *) = (int (*)(uint32_t, void *))find("libpcre2-8.so.0", "pcre2_config_8");
    char text[64] = "";
    if (!config || config(PCRE2_CONFIG_VERSION, text) < 0)
        return NULL;
    return arena_strdup(arena, text);
}

/* ICU puts its version into the names of its functions. */
static const char *icu_version(Arena *arena)
{
    for (int major = 50; major < 100; major++) {
        void (*get)(uint8_t[4]) = (void (*)(uint8_t[4]))dlsym(RTLD_DEFAULT, arena_printf(arena, "u_getVersion_%d", major));
        uint8_t v[4];
        if (!get)
            continue;
        get(v);
        return arena_printf(arena, "%d.%d", v[0], v[1]);
    }
    return NULL;
}

/* The first line's first words: "Open MPI v4.1.4, package: ..." */
static const char *mpi_version(Arena *arena)
{
    int (*get)(char *, int *) = (int (*)(char *, int *))find("libmpi.so.40", "MPI_Get_library_version");
    char text[8192] = "";  /* MPI_MAX_LIBRARY_VERSION_STRING of any MPI */
    int n;
    if (!get || get(text, &n) != 0)
        return NULL;
    return arena_strndup(arena, text, strcspn(text, ",\n"));
}

static const char *onednn_version(Arena *arena)
{
    const int *(*get)(void) = (const int *(*)(void))find("libdnnl.so.2", "dnnl_version");
    if (!get)
        return NULL;
    const int *v = get();  /* dnnl_version_t begins with major, minor, patch */
    return arena_printf(arena, "%d.%d.%d", v[0], v[1], v[2]);
}

/* "OpenBLAS 0.3.21 DYNAMIC_ARCH ..." */
static const char *openblas_version(Arena *arena)
{
    const char *text = by_text(arena, "libopenblas.so.0", "openblas_get_config");
    if (!text)
        return NULL;
    text += strcspn(text, "0123456789");
    return arena_strndup(arena, text, strcspn(text, " "));
}

void machine_libraries(MachineLibrary libraries[MACHINE_LIBRARIES], Arena *arena)
{
    const MachineLibrary found[MACHINE_LIBRARIES] = {
        {"libyaml", by_text(arena, "libyaml-0.so.2", "yaml_get_version_string"), "recipes", false},
        {"ICU", icu_version(arena), "Unicode", false},
        {"PCRE2", pcre2_version(arena), "split patterns", false},
        {"zlib", by_text(arena, "libz.so.1", "zlibVersion"), "gzip files", false},
        {"Zstandard", by_text(arena, "libzstd.so.1", "ZSTD_versionString"), "zst files", false},
        {"xxHash", xxhash_version(arena), "checksums", false},
        {"OpenMP", find("libgomp.so.1", "omp_get_max_threads") ? "present" : NULL, "threads", false},
        {"MPI", mpi_version(arena), "several machines", false},
        {"oneDNN", onednn_version(arena), "comparison in benches", true},
        {"OpenBLAS", openblas_version(arena), "comparison in benches", true},
        {"glibc", by_text(arena, "libc.so.6", "gnu_get_libc_version"), "the system", false},
    };
    memcpy(libraries, found, sizeof found);
}
