/* corpus_build_test.c - `jikji corpus build RECIPE` from outside: the same bytes on any number of threads and ranks, and after any kill. */
#include "base/file.h"
#include "base/log.h"
#include "base/philox.h"
#include "base/test.h"
#include "text/corpus/document.h"
#include "text/corpus/synth.h"
#include "text/tokenizer/tokenizer.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char recipe[] = "version: 1\n"
                             "inputs: [%s/in]\n"
                             "dropped: true\n"
                             "unit_bytes: 30000\n"
                             "stages:\n"
                             "  - normalize\n"
                             "  - quality: {rules: [gopher], threshold: [gopher.words_min=20, gopher.stop_words=0]}\n"
                             "  - langid\n"
                             "  - quality: {rules: [fineweb2-ko], threshold: [fineweb2-ko.words_min=100000], when: [language=ko, langid.confidence>2]}\n"
                             "  - dedup: {method: exact, when: language=ko}\n"
                             "  - dedup: {method: exact, when: language!=ko}\n"
                             "  - dedup\n"
                             "  - patterns: {spans: false, when: language!=ko}\n"
                             "  - pii: {policy: mask, audit: %s/audit.jsonl}\n"
                             "shards: {tokenizer: %s/tok, split: 0.8}\n";

/* Stories, some of them twice, some with an ending, some with a number to hide; in files of unlike sizes. */
static bool write_inputs(Arena *arena, const char *dir, int n)
{
    CHECK_OK(file_make_dirs(arena_printf(arena, "%s/in", dir)));
    FileWriter *file = NULL;
    SynthOptions options = {.seed = 3, .languages = SYNTH_EN | SYNTH_KO};
    for (int i = 0; i < n; i++) {
        if (i % (n / 2) == 0 || i % (n / 7) == 0) {
            if (file && !CHECK_OK(file_writer_commit(file)))
                return false;
            if (!CHECK_OK(file_writer_open(&file, arena_printf(arena, "%s/in/%03d.jsonl", dir, i))))
                return false;
        }
        uint64_t k = i % 5 == 4 ? (uint64_t)i - 3 : (uint64_t)i;
        char *text = arena_strdup(arena, synth_document(&options, k, arena).text);
        for (char *at = text; *at; at++)
            *at = *at == '"' ? '\'' : *at == '\n' ? ' ' : *at;
        CHECK_OK(file_writer_printf(file, "{\"id\":%d,\"text\":\"%s%s%s\"}\n", i, text, i % 10 == 9 ? " And that was all." : "",
                                    i % 7 == 0 ? " 010-1234-5678" : ""));
    }
    return CHECK_OK(file_writer_commit(file));
}

static Err one_text(void *context, const char **text, size_t *n_bytes)
{
    *text = (*(int *)context)++ == 0 ? "the cat sat on the mat and the other cat sat there too" : NULL;
    *n_bytes = *text ? strlen(*text) : 0;
    return OK;
}

static bool write_shop(Arena *arena, const char *dir, int n)
{
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 300;
    options.quiet = true;
    int n_given = 0;
    Tokenizer *tok;
    if (!CHECK_OK(tokenizer_train(&tok, &options, (TokenizerSource){one_text, &n_given})))
        return false;
    bool fine = CHECK_OK(file_make_dirs(arena_printf(arena, "%s/tok", dir))) && CHECK_OK(tokenizer_save(tok, arena_printf(arena, "%s/tok", dir)));
    tokenizer_free(tok);
    const char *yaml = arena_printf(arena, recipe, dir, dir, dir);
    return fine && CHECK_OK(file_write(arena_printf(arena, "%s/recipe.yaml", dir), yaml, strlen(yaml))) && write_inputs(arena, dir, n);
}

static const char *build_command(Arena *arena, const char *dir, const char *out, int n_ranks, int n_threads)
{
    const char *launch = n_ranks > 1 ? arena_printf(arena, "env ASAN_OPTIONS=detect_leaks=0 mpirun -n %d ", n_ranks) : "";  /* MPI keeps what it allocated */
    return arena_printf(arena, "export OMP_NUM_THREADS=%d; exec %s%s corpus build %s/recipe.yaml --out %s/%s > %s/stdout 2> %s/stderr", n_threads,
                        launch, JIKJI_BINARY, dir, dir, out, dir, dir);
}

/* Runs the build; the hash of all that is in OUT, names and bytes, and of the log of personal data. 0 and a failed check when it failed. */
static uint64_t build(Arena *arena, const char *dir, const char *out, int n_ranks, int n_threads)
{
    int status = system(build_command(arena, dir, out, n_ranks, n_threads));
    const char *folder = arena_printf(arena, "%s/%s", dir, out), *stderr_text;
    size_t n;
    if (status != 0 && file_read(&stderr_text, &n, arena, arena_printf(arena, "%s/stderr", dir)) == OK)
        test_note("%s", stderr_text);
    char **names;
    int n_names;
    if (!CHECK_EQUAL(status, 0) || !CHECK_OK(file_list_dir(&names, &n_names, arena, folder)))
        return 0;
    uint64_t sum = 0, hash;
    for (int i = 0; i < n_names; i++) {
        CHECK_OK(file_hash(&hash, arena_printf(arena, "%s/%s", folder, names[i])));
        const char *line = arena_printf(arena, "%llx %s %llx", (unsigned long long)sum, names[i], (unsigned long long)hash);
        sum = hash_bytes(line, strlen(line));
    }
    CHECK_EQUAL(n_names, 11);  /* documents, dropped, build.json, and four files a side */
    CHECK_OK(file_hash(&hash, arena_printf(arena, "%s/audit.jsonl", dir)));
    return sum ^ hash;
}

static bool inside_mpirun(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") != NULL;
}

TEST(corpus_build, the_same_bytes_on_any_number_of_threads_and_ranks)
{
    Arena *arena = arena_new();
    const char *dir = test_dir();
    if (inside_mpirun())
        SKIP("already inside mpirun");
    REQUIRE(write_shop(arena, dir, 150));
    uint64_t one = build(arena, dir, "t1", 1, 1);
    REQUIRE(one != 0);
    CHECK_EQUAL(build(arena, dir, "t2", 1, 2), one);
    CHECK_EQUAL(build(arena, dir, "t4", 1, 4), one);
    if (system("command -v mpirun > /dev/null 2>&1") != 0)
        SKIP("mpirun is not installed");
    CHECK_EQUAL(build(arena, dir, "r2", 2, 1), one);
    CHECK_EQUAL(build(arena, dir, "r3", 3, 2), one);
    CHECK_EQUAL(build(arena, dir, "r4", 4, 1), one);
    /* Nothing is lost and nothing comes twice: what was read is what was kept and what was dropped. */
    const char *json;
    size_t n;
    REQUIRE_OK(file_read(&json, &n, arena, arena_printf(arena, "%s/t1/build.json", dir)));
    CHECK(strstr(json, "\"documents_in\": 150,") && strstr(json, "\"dedup.exact\": ") && strstr(json, "\"dedup.minhash\": "));
    CHECK(!strstr(json, "fineweb2-ko.words_min\": "));  /* its stage was for no document */
    arena_free(arena);
}

/* Goal: inputs whose texts stand in other fields are one corpus, and a value that was masked is nowhere, in no field. Method: three inputs of three
 * kinds, a stage with a first pass between, so that the fields are known in the next pass too. */
TEST(corpus_build, each_input_may_have_a_field_of_its_own)
{
    Arena *arena = arena_new();
    const char *dir = test_dir();
    if (inside_mpirun())
        SKIP("already inside mpirun");
    const struct { const char *name, *bytes; } files[] = {
        {"a.jsonl", "{\"id\":1,\"body\":\"call 010-1234-5678 now\",\"text\":\"no\"}\n{\"id\":2,\"body\":\"second\"}\n"},
        {"b.tsv", "id\tdocument\n3\tthird 010-1234-5678\n"},
        {"c.jsonl", "{\"text\":\"fourth\"}\n{\"text\":\"second\"}\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        REQUIRE_OK(file_write(arena_printf(arena, "%s/%s", dir, files[i].name), files[i].bytes, strlen(files[i].bytes)));
    const char *yaml = arena_printf(arena, "version: 1\ninputs:\n  - %s/a.jsonl: {field: body}\n  - %s/b.tsv:\n      field: document\n  - %s/c.jsonl\nout: %s/out\n"
                                           "stages:\n  - dedup: {method: exact}\n  - pii\n", dir, dir, dir, dir);
    REQUIRE_OK(file_write(arena_printf(arena, "%s/recipe.yaml", dir), yaml, strlen(yaml)));
    CHECK_EQUAL(system(arena_printf(arena, "%s corpus build %s/recipe.yaml > %s/stdout 2> %s/stderr", JIKJI_BINARY, dir, dir, dir)), 0);
    DocumentReader *reader;
    Document document;
    DocumentOptions options = document_options_default();
    const char *texts = "", *records = "";
    Err err;
    REQUIRE_OK(document_reader_open(&reader, arena_printf(arena, "%s/out/documents.jsonl.zst", dir), &options));
    while (document_reader_next(reader, &document, &err)) {
        texts = arena_printf(arena, "%s%s|", texts, document.text);
        records = arena_printf(arena, "%s%.*s\n", records, (int)document.n_record_bytes, document.record);
    }
    CHECK_OK(err);
    document_reader_free(reader);
    CHECK_STRING(texts, "call 010-****-**** now|third 010-****-****|fourth|second|");
    CHECK(!strstr(records, "5678") && !strstr(records, "\"body\""));
    arena_free(arena);
}

/* Goal: the report holds documents and tokens in and out of each stage, and examples of drops; a page is made of it. */
TEST(corpus_build, its_statistics_tell_what_each_stage_let_through)
{
    Arena *arena = arena_new();
    const char *dir = test_dir(), *json, *page;
    size_t n;
    if (inside_mpirun())
        SKIP("already inside mpirun");
    REQUIRE(write_shop(arena, dir, 150));
    REQUIRE(build(arena, dir, "out", 1, 1) != 0);
    CHECK_EQUAL(system(arena_printf(arena, "%s corpus stats %s/out --before %s/in --json --out %s/page.html > %s/stdout 2> %s/stderr", JIKJI_BINARY, dir, dir,
                                    dir, dir, dir)), 0);
    REQUIRE_OK(file_read(&json, &n, arena, arena_printf(arena, "%s/stdout", dir)));
    CHECK(strstr(json, "\"stages\":[{\"stage\":\"normalize\",\"documents_in\":150,\"documents_out\":150,\"passed_by\":0,"));
    const char *dedup = strstr(json, "{\"stage\":\"dedup\",");
    REQUIRE(dedup != NULL);
    CHECK(strstr(dedup, "\"name\":\"dedup.exact\",\"n\":") && strstr(dedup, "\"example\":\""));
    CHECK(!strstr(json, "\"tokens_in_estimated\":0,") && strstr(json, "\"pii_of_the_stage\":{\"email\":0,\"phone\":"));
    REQUIRE_OK(file_read(&page, &n, arena, arena_printf(arena, "%s/page.html", dir)));
    CHECK(strstr(page, "What stages dropped") && strstr(page, "Documents left after each stage") && strstr(page, "dedup: dedup.exact"));
    arena_free(arena);
}

/* Ranks outlive a killed mpirun for the moment in which they notice. Waits until nothing runs that has `word` on its line. */
static bool is_running(const char *word)
{
    DIR *proc = opendir("/proc");
    bool found = false;
    for (struct dirent *entry; proc && !found && (entry = readdir(proc)) != NULL;) {
        char path[300], line[4096];
        if (!isdigit((unsigned char)entry->d_name[0]) || atoi(entry->d_name) == (int)getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        FILE *file = fopen(path, "rb");
        size_t n = file ? fread(line, 1, sizeof line, file) : 0;
        if (file)
            fclose(file);
        found = memmem(line, n, word, strlen(word)) != NULL;
    }
    if (proc)
        closedir(proc);
    return found;
}

static bool wait_for_ranks(const char *word)
{
    for (int i = 0; i < 600; i++) {
        if (!is_running(word))
            return true;
        usleep(100000);
    }
    return CHECK(!"ranks outlive a killed mpirun by a minute");
}

/* Goal: a build that is killed at any moment and started again gives the same bytes. Method: SIGKILL after a random time, 20 times, the number of
 * threads another each time, every second time mpirun with 2 or 3 ranks; a build that comes to its end first makes room for the next one. */
SLOW_TEST(corpus_build, killed_twenty_times_it_gives_the_same_bytes)
{
    enum { N_KILLS = 20 };
    const double MPI_START = 1.0;  /* seconds before ranks begin to work */
    Arena *arena = arena_new();
    const char *dir = test_dir();
    if (inside_mpirun())
        SKIP("already inside mpirun");
    REQUIRE(write_shop(arena, dir, 300));
    double start = clock_seconds();
    uint64_t whole = build(arena, dir, "whole", 1, 2);
    double seconds = clock_seconds() - start;
    bool has_mpi = system("command -v mpirun > /dev/null 2>&1") == 0;
    int n_kills = 0, n_rank_kills = 0, n_builds = 0;
    for (uint32_t turn = 0; n_kills < N_KILLS && turn < 200; turn++) {
        Philox random = philox(11, 4, 0, turn);
        const char *out = arena_printf(arena, "killed-%d", n_builds);
        int n_ranks = has_mpi && turn % 2 ? 2 + (int)(turn / 2 % 2) : 1;
        pid_t pid = fork();
        if (pid == 0) {
            execl("/bin/sh", "sh", "-c", build_command(arena, dir, out, n_ranks, 1 + (int)(turn % 4)), (char *)NULL);
            _exit(127);
        }
        usleep((useconds_t)(1e6 * (seconds * 0.4 + (n_ranks > 1) * MPI_START) * (double)random.word[0] / 4294967296.0));
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        if (n_ranks > 1 && !wait_for_ranks(arena_printf(arena, "%s/%s", dir, out)))
            break;
        n_kills += WIFSIGNALED(status);
        n_rank_kills += n_ranks > 1 && WIFSIGNALED(status);
        if (!WIFSIGNALED(status)) {
            CHECK_EQUAL(build(arena, dir, out, 1, 1), whole);
            n_builds++;
        }
    }
    CHECK_EQUAL(n_kills, N_KILLS);
    CHECK_EQUAL(build(arena, dir, arena_printf(arena, "killed-%d", n_builds), 1, 3), whole);
    CHECK(!has_mpi || n_rank_kills >= 5);
    test_note("%d kills, %d of them of mpirun, over %d builds of %.1f s", n_kills, n_rank_kills, n_builds + 1, seconds);
    arena_free(arena);
}

/* Every stage that needs no file of its own also runs alone, adds to the records what they had not, and says so in one line of JSON. */
TEST(corpus_build, every_stage_runs_alone)
{
    static const char *const forms[] = {"extract", "normalize", "langid", "quality --rules gopher --threshold gopher.words_min=1", "dedup --method exact", "dedup",
                                        "pii --policy mask", "pii --policy pseudonym", "pii --policy drop", "pii --policy tag"};
    Arena *arena = arena_new();
    const char *dir = test_dir(), *in = arena_printf(arena, "%s/in.jsonl", dir);
    const char *lines = "{\"id\":1,\"body\":\"전화는 010-1234-5678입니다. 그리고 이것은 한국어 문장이다.\",\"kept\":[1,2]}\n"
                        "{\"id\":2,\"body\":\"The cat sat on the mat, and the dog looked at it with a smile.\"}\n";
    REQUIRE_OK(file_write(in, lines, strlen(lines)));
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const char *out = arena_printf(arena, "%s/out%zu.jsonl", dir, i), *text, *json;
        size_t n;
        int status = system(arena_printf(arena, "%s corpus %s %s --out %s --field body --keep-dropped --json > %s/stdout 2> %s/stderr", JIKJI_BINARY, forms[i], in,
                                         out, dir, dir));
        test_note("%s", forms[i]);
        if (!CHECK_EQUAL(status, 0) || !CHECK_OK(file_read(&text, &n, arena, out)) || !CHECK_OK(file_read(&json, &n, arena, arena_printf(arena, "%s/stdout", dir))))
            continue;
        CHECK(strstr(text, "{\"id\":1,\"kept\":[1,2],\"text\":\"") == text && strstr(text, "\n{\"id\":2,\"text\":\""));
        CHECK(strstr(json, "\"documents_in\":2,") && strstr(json, "\"drops\":{") && json[strlen(json) - 1] == '\n');
    }
    arena_free(arena);
}
