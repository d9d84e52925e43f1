/* house_test.c - draws the include graph of src/ and fails on an arrow that points up the house, on a room's inner header seen from
 * outside, on a foreign header in the wrong room, and on a file that does not say what it is for. */
#include "base/arena.h"
#include "base/file.h"
#include "base/test.h"

#include <ctype.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>

/* The house, lowest first: a room may include doors of rooms above it in this list. A row without a slash at its end is one
 * folder; "use/" and "study/" stand for all rooms inside. */
static const char *const rooms[] = {
    "base",
    "engine/tensor", "engine/comm", "engine/graph", "engine/op", "engine/pass",
    "text/unicode", "text/tokenizer", "text/corpus",
    "learn/model", "learn/adapter", "learn/generate", "learn/objective", "learn/optim", "learn/train", "learn/align",
    "use/", "study/", "cli",
};
enum { N_ROOMS = sizeof rooms / sizeof rooms[0] };

/* Arrows that point down the list and are wrong all the same; "engine/" stands for all rooms inside. */
static const struct {
    const char *from, *to, *except, *why;
} forbidden[] = {
    {"text/corpus", "engine/", "engine/comm", "text needs no engine but the ranks"},
    {"text/unicode", "engine/", NULL, "text needs no engine"},
    {"text/tokenizer", "engine/", NULL, "text needs no engine"},
    {"learn/objective", "learn/model", NULL, "an objective sees logits, never a model"},
    {"learn/objective", "learn/adapter", NULL, "an objective sees logits, never a model"},
    {"engine/", "text/", NULL, "the engine knows no text"},
};

/* A foreign header (or the beginning of its name) and the rooms that tame it. */
static const struct {
    const char *header, *rooms;
} foreign[] = {
    {"mpi.h", "engine/comm"},
    {"oneapi/dnnl/", "engine/op"},
    {"dnnl", "engine/op"},
    {"cuda", "engine/op"},
    {"unicode/", "text/unicode"},
    {"pcre2.h", "text/unicode text/corpus"},
    {"sentencepiece", "text/tokenizer"},
    {"libxml/", "text/corpus"},
    {"zlib.h", "text/corpus"},
    {"libdeflate.h", "text/corpus"},
    {"zstd.h", "text/corpus"},
    {"snappy", "text/corpus"},
    {"curl/", "text/corpus"},
    {"cld2", "text/corpus"},
    {"hiredis/", "text/corpus"},
    {"divsufsort", "text/corpus"},
    {"xxhash.h", "base text/corpus text/tokenizer"},
    {"yaml.h", "base"},
    {"sanitizer/", "base"},
    {"lapacke.h", "study/tune"},
    {"sqlite3.h", "study/track"},
    {"microhttpd.h", "study/track use/serve"},
};

/* Headers of the language, the system and the compiler: free to all. */
static const char *const standard =
    " assert complex ctype errno fenv float inttypes limits locale math setjmp signal stdalign stdarg stdatomic stdbool stddef stdint"
    " stdio stdlib stdnoreturn string strings tgmath threads time uchar wchar wctype"
    " cpuid dirent dlfcn endian fcntl fnmatch fts ftw getopt glob iconv immintrin netdb omp poll pthread pty pwd regex sched semaphore"
    " spawn termios unistd ";

typedef struct {
    Arena *arena;
    const char *root;  /* holds src/ and tests/ */
    const char *faults;  /* a line each */
    int n_files, n_includes;
} House;

static void fault(House *house, const char *file, int line, const char *what)
{
    house->faults = arena_printf(house->arena, "%s%s:%d: %s\n", house->faults, file, line, what);
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* "text/corpus/shard.h" lies in "text/corpus", "use/serve/http.c" in "use/". */
static bool lies_in(const char *path, const char *room)
{
    size_t n = strlen(room);
    return strncmp(path, room, n) == 0 && (room[n - 1] == '/' || path[n] == '/');
}

/* The room's place in the list; -1 when the house has no such room. */
static int floor_of(const char *path)
{
    for (int i = 0; i < N_ROOMS; i++)
        if (lies_in(path, rooms[i]))
            return i;
    return -1;
}

static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

static bool same_folder(const char *a, const char *b)
{
    return folder_length(a) == folder_length(b) && strncmp(a, b, folder_length(a)) == 0;
}

static bool is_inner(const char *header)
{
    size_t n = strlen(header);
    return n > 11 && strcmp(header + n - 11, "_internal.h") == 0;
}

static void check_own_header(House *house, const char *file, int line, const char *from, const char *header)
{
    int target = floor_of(header);
    if (begins(from, "tests/") && !strchr(header, '/'))
        return;  /* end to end tests share their own helpers, which no room can see */
    if (target < 0) {
        fault(house, file, line, arena_printf(house->arena, "\"%s\" is in no room of the house: include by the path from src/", header));
        return;
    }
    if (is_inner(header) && !same_folder(from, header))
        fault(house, file, line, arena_printf(house->arena, "\"%s\" is for its own room only", header));
    int own = floor_of(from);
    if (own < 0)
        return;  /* end to end tests stand outside the house */
    if (target > own)
        fault(house, file, line, arena_printf(house->arena, "%s must not include \"%s\": it stands higher in the house", rooms[own], header));
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        bool excepted = forbidden[i].except && lies_in(header, forbidden[i].except);
        if (lies_in(from, forbidden[i].from) && lies_in(header, forbidden[i].to) && !excepted)
            fault(house, file, line, arena_printf(house->arena, "%s must not include \"%s\": %s", rooms[own], header, forbidden[i].why));
    }
}

static bool is_standard(const char *header)
{
    if (begins(header, "sys/") || begins(header, "linux/") || begins(header, "netinet/") || begins(header, "arpa/"))
        return true;
    char word[64];
    const char *dot = strstr(header, ".h");
    return dot && snprintf(word, sizeof word, " %.*s ", (int)(dot - header), header) > 0 && strstr(standard, word);
}

static void check_foreign_header(House *house, const char *file, int line, const char *from, const char *header)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (!begins(header, foreign[i].header))
            continue;
        char *list = arena_strdup(house->arena, foreign[i].rooms), *rest = NULL;
        for (char *room = strtok_r(list, " ", &rest); room; room = strtok_r(NULL, " ", &rest))
            if (lies_in(from, room))
                return;
        fault(house, file, line, arena_printf(house->arena, "<%s> belongs to %s", header, foreign[i].rooms));
        return;
    }
    if (!is_standard(header))
        fault(house, file, line, arena_printf(house->arena, "<%s> is a foreign header without a room", header));
}

/* The header named by an #include line, and its opening sign; NULL for other lines. */
static const char *included(Arena *arena, const char *line, const char *end, char *sign)
{
    const char *p = line;
    while (p < end && isblank((unsigned char)*p))
        p++;
    if (p == end || *p++ != '#')
        return NULL;
    while (p < end && isblank((unsigned char)*p))
        p++;
    if (end - p < 8 || strncmp(p, "include", 7) != 0)
        return NULL;
    for (p += 7; p < end && isblank((unsigned char)*p);)
        p++;
    if (p == end || (*p != '"' && *p != '<'))
        return NULL;
    *sign = *p++;
    const char *close = memchr(p, *sign == '<' ? '>' : '"', (size_t)(end - p));
    return close ? arena_strndup(arena, p, (size_t)(close - p)) : NULL;
}

/* A file opens with a comment, or has a door beside it that speaks for it: x.h for x.c and x_test.c. */
static void check_opening(House *house, const char *path, const char *file, const char *text)
{
    if (begins(text, "/*"))
        return;
    size_t n = strlen(path);
    const char *stem_end = strrchr(path, '.');
    if (stem_end - path > 5 && begins(stem_end - 5, "_test"))
        stem_end -= 5;
    const char *door = arena_printf(house->arena, "%.*s.h", (int)(stem_end - path), path);
    if (path[n - 1] == 'h' || !file_exists(door))
        fault(house, file, 1, "opens without a comment on what it is for");
}

static void check_file(House *house, const char *path)
{
    const char *file = path + strlen(house->root) + 1;  /* as people name it: from the root */
    const char *from = begins(file, "src/") ? file + 4 : file;
    const char *text;
    size_t n_bytes;
    REQUIRE_OK(file_read(&text, &n_bytes, house->arena, path));
    house->n_files++;
    check_opening(house, path, file, text);
    if (begins(file, "src/") && floor_of(from) < 0)
        fault(house, file, 1, "lies in no room of the house");
    int number = 1;
    for (const char *line = text, *end; *line; line = *end ? end + 1 : end, number++) {
        end = strchrnul(line, '\n');
        char sign;
        const char *header = included(house->arena, line, end, &sign);
        if (!header)
            continue;
        house->n_includes++;
        if (sign == '"')
            check_own_header(house, file, number, from, header);
        else
            check_foreign_header(house, file, number, from, header);
    }
}

static int compare_entries(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static House look_at_house(Arena *arena, const char *root)
{
    House house = {.arena = arena, .root = root, .faults = ""};
    char *tops[] = {arena_printf(arena, "%s/src", root), arena_printf(arena, "%s/tests", root), NULL};
    FTS *walk = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, compare_entries);
    for (FTSENT *entry; walk && (entry = fts_read(walk));) {
        const char *ending = strrchr(entry->fts_name, '.');
        if (entry->fts_info == FTS_F && ending && (!strcmp(ending, ".c") || !strcmp(ending, ".h") || !strcmp(ending, ".cu")))
            check_file(&house, entry->fts_path);
    }
    if (walk)
        fts_close(walk);
    return house;
}

TEST(house, no_arrow_points_up)
{
    Arena *arena = arena_new();
    char *root = realpath(test_source_path("."), NULL);
    REQUIRE(root != NULL);
    House house = look_at_house(arena, root);
    CHECK_STRING(house.faults, "");
    CHECK(house.n_files > 50 && house.n_includes > 200);  /* it did look */
    free(root);
    arena_free(arena);
}

static void put_file(Arena *arena, const char *path, const char *text)
{
    const char *whole = arena_printf(arena, "%s/%s", test_dir(), path);
    CHECK_OK(file_make_dirs(arena_printf(arena, "%.*s", (int)folder_length(whole), whole)));
    CHECK_OK(file_write(whole, text, strlen(text)));
}

/* Goal: the test can fail. Method: a small house with one fault of each kind, and arrows that are right. */
TEST(house, each_kind_of_fault_is_named_with_file_and_line)
{
    Arena *arena = arena_new();
    put_file(arena, "src/base/a.h", "/* a */\n");
    put_file(arena, "src/base/a.c", "#include \"base/a.h\"\n#include <yaml.h>\n#include <sys/stat.h>\n");
    put_file(arena, "src/base/b.c", "/* b */\n\n  #  include \"engine/tensor/t.h\"\n#include <stdlib.h>\n#include <mpi.h>\n");
    put_file(arena, "src/base/bare.c", "int x;\n");
    put_file(arena, "src/base/a_test.c", "int x;\n");
    put_file(arena, "src/engine/tensor/t.h", "int t;");
    put_file(arena, "src/engine/graph/g.c", "/* g */\n#include \"engine/op/o.h\"\n#include \"engine/tensor/t_internal.h\"\n");
    put_file(arena, "src/engine/op/o.c", "/* o */\n#include \"engine/graph/g.h\"\n#include <oneapi/dnnl/dnnl.h>\n#include \"o.h\"\n");
    put_file(arena, "src/text/corpus/c.c", "/* c */\n#include \"engine/comm/comm.h\"\n#include \"engine/tensor/t.h\"\n#include <jansson.h>\n");
    put_file(arena, "src/learn/objective/o2.c", "/* o */\n#include \"engine/op/o.h\"\n#include \"learn/model/m.h\"\n");
    put_file(arena, "src/attic/x.c", "/* x */\n");
    put_file(arena, "src/cli/main.c", "/* m */\n#include \"study/plan/p.h\"\n#include \"use/serve/s.h\"\n#include \"learn/train/t.h\"\n");
    put_file(arena, "tests/e_test.c", "/* e */\n#include \"cli/c.h\"\n#include \"base/a_internal.h\"\n");
    House house = look_at_house(arena, test_dir());
    CHECK_STRING(house.faults,
                 "src/attic/x.c:1: lies in no room of the house\n"
                 "src/base/b.c:3: base must not include \"engine/tensor/t.h\": it stands higher in the house\n"
                 "src/base/b.c:5: <mpi.h> belongs to engine/comm\n"
                 "src/base/bare.c:1: opens without a comment on what it is for\n"
                 "src/engine/graph/g.c:2: engine/graph must not include \"engine/op/o.h\": it stands higher in the house\n"
                 "src/engine/graph/g.c:3: \"engine/tensor/t_internal.h\" is for its own room only\n"
                 "src/engine/op/o.c:4: \"o.h\" is in no room of the house: include by the path from src/\n"
                 "src/engine/tensor/t.h:1: opens without a comment on what it is for\n"
                 "src/learn/objective/o2.c:3: learn/objective must not include \"learn/model/m.h\": an objective sees logits, never a model\n"
                 "src/text/corpus/c.c:3: text/corpus must not include \"engine/tensor/t.h\": text needs no engine but the ranks\n"
                 "src/text/corpus/c.c:4: <jansson.h> is a foreign header without a room\n"
                 "tests/e_test.c:3: \"base/a_internal.h\" is for its own room only\n");
    arena_free(arena);
}
