/* dedup_test.c - arithmetic, probabilities, clusters, and who stays. */
#include "base/file.h"
#include "base/cpu_level.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "base/test.h"
#include "text/corpus/dedup.h"
#include "text/corpus/dedup_stage.h"
#include "text/corpus/synth.h"
#include "text/corpus/synth_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Goal: (a x + b) mod (2^61 - 1) for all 64-bit x, also where a product passes 2^64 and 2^122. Method: 128-bit remainder. */
TEST(minhash, arithmetic_is_modulo_the_prime)
{
    const uint64_t edges[] = {0, 1, 2, MINHASH_PRIME - 1, MINHASH_PRIME, MINHASH_PRIME + 1, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63};
    for (int i = 0; i < 9; i++)
        for (int k = 0; k < 9; k++) {
            uint64_t a = edges[i] % MINHASH_PRIME, b = edges[(i + k) % 9] % MINHASH_PRIME;
            CHECK_EQUAL(minhash_permute(a, b, edges[k]), (uint64_t)(((unsigned __int128)a * edges[k] + b) % MINHASH_PRIME));
        }
    for (uint64_t i = 0; i < 1000; i++) {
        Philox random = philox(1, 2, 3, i);
        uint64_t x = (uint64_t)random.word[0] << 32 | random.word[1], a = ((uint64_t)random.word[2] << 32 | random.word[3]) % MINHASH_PRIME;
        CHECK_EQUAL(minhash_permute(a, i, x), (uint64_t)(((unsigned __int128)a * x + i) % MINHASH_PRIME));
    }
}

/* Goal: the kernels compute the same signatures as the plain arithmetic, also in the arithmetic that wraps. */
TEST(minhash, kernels_equal_the_plain_function)
{
    enum { N = 3000 };
    Arena *arena = arena_new();
    MinHash *minhash = ARENA_NEW(arena, MinHash);
    ShingleSet set = {.hashes = ARENA_ARRAY(arena, uint64_t, N), .n = N};
    for (int i = 0; i < N; i++)
        set.hashes[i] = i < 6 ? (uint64_t[]){0, MINHASH_PRIME, MINHASH_PRIME - 1, MINHASH_PRIME + 1, UINT64_MAX, UINT64_MAX - 7}[i] : hash64(&i, sizeof i, 5);
    CpuLevel best = cpu_level_best();
    for (int round = 0; round < 8 && (CpuLevel)(round / 2) <= best && round / 2 <= CPU_AVX512; round++) {
        uint64_t signature[MINHASH_MAX];
        if (round % 2)
            minhash_init_datatrove(minhash, 7, 5, 3);
        else
            minhash_init(minhash, 7, 5, 3);
        cpu_level_set((CpuLevel)(round / 2));
        minhash_signature(minhash, &set, signature);
        for (int i = 0; i < 35; i++) {
            uint64_t least = UINT64_MAX;
            for (int k = 0; k < N; k++) {
                uint64_t a = minhash->a[i], b = minhash->b[i], x = set.hashes[k];
                uint64_t value = minhash->wraps ? (a * x + b) % MINHASH_PRIME : minhash_permute(a, b, x);
                least = value < least ? value : least;
            }
            CHECK_EQUAL((long long)signature[i], (long long)least);
        }
    }
    cpu_level_reset();
    arena_free(arena);
}

/* Goal: pairs of known similarity share a band as often as 1 - (1 - s^r)^b says, within 3 sigma. Method: 600 pairs of sets for each s, each
 * of 200 random shingles with the right number in common. */
TEST(minhash, recall_is_what_the_formula_says)
{
    enum { N_PAIRS = 600, N_SHINGLES = 200 };
    MinHash *minhash = mem_alloc(sizeof *minhash);
    minhash_init(minhash, 14, 8, 1);
    Arena *arena = arena_new();
    for (int percent = 60; percent <= 90; percent += 10) {
        /* |A| = |B| = m, c common: s = c / (2 m - c). */
        int common = (int)(2.0 * N_SHINGLES * percent / (100 + percent) + 0.5), n_hits = 0;
        double similarity = (double)common / (2 * N_SHINGLES - common);
        for (uint64_t pair = 0; pair < N_PAIRS; pair++) {
            uint64_t all[2 * N_SHINGLES], keys[2][MINHASH_MAX], signature[MINHASH_MAX];
            for (uint64_t i = 0; i < 2 * N_SHINGLES; i++) {
                Philox random = philox((uint64_t)percent, 9, pair, i);
                all[i] = (uint64_t)random.word[0] << 32 | random.word[1];
            }
            ShingleSet a = {all, N_SHINGLES}, b = {all + N_SHINGLES - common, N_SHINGLES};
            minhash_signature(minhash, &a, signature);
            minhash_bands(minhash, signature, keys[0]);
            minhash_signature(minhash, &b, signature);
            minhash_bands(minhash, signature, keys[1]);
            bool hit = false;
            for (int band = 0; band < 14; band++)
                hit = hit || keys[0][band] == keys[1][band];
            n_hits += hit;
        }
        double expected = minhash_probability(similarity, 14, 8), sigma = sqrt(expected * (1 - expected) / N_PAIRS);
        test_note("s %.3f: %.4f found, %.4f expected, sigma %.4f", similarity, (double)n_hits / N_PAIRS, expected, sigma);
        CHECK(fabs((double)n_hits / N_PAIRS - expected) <= 3 * sigma + 1e-9);
    }
    arena_free(arena);
    free(minhash);
}

TEST(shingle, what_pages_change_does_not_count)
{
    Arena *arena = arena_new();
    const char *a = "On May 3, 2021, the Cat sat on the mat; it was 12 o'clock.", *b = "on may 17 2020 the cat sat on the mat it was 5 o clock";
    ShingleSet x = shingle_set(arena, a, strlen(a), SHINGLE_WORDS, 3), y = shingle_set(arena, b, strlen(b), SHINGLE_WORDS, 3);
    CHECK_CLOSE(shingle_jaccard(&x, &y), 1.0, 0.0);
    const char *c = "나는 오늘 학교에 갔다", *d = "나는오늘 학교에갔다";
    x = shingle_set(arena, c, strlen(c), SHINGLE_SYLLABLES, 3), y = shingle_set(arena, d, strlen(d), SHINGLE_SYLLABLES, 3);
    CHECK_CLOSE(shingle_jaccard(&x, &y), 1.0, 0.0);
    CHECK_EQUAL(shingle_set(arena, "...", 3, SHINGLE_WORDS, 5).n, 0);
    CHECK_EQUAL(shingle_set(arena, "one two", 7, SHINGLE_WORDS, 5).n, 1);
    arena_free(arena);
}

/* Documents of the small world: `n` different ones, each followed by a copy, and by a near copy with some words changed. Shuffled by `seed`. */
static const char *write_copies(Arena *arena, const char *name, int n, uint64_t seed)
{
    const char *path = arena_printf(arena, "%s/%s", test_dir(), name);
    SynthOptions options = {.seed = 4, .languages = SYNTH_KO | SYNTH_EN};
    char **lines = ARENA_ARRAY(arena, char *, 3 * n);
    for (int i = 0; i < n; i++) {
        SynthDocument d = synth_document(&options, (uint64_t)i, arena);
        char *text = arena_strdup(arena, d.text);
        for (char *at = text; *at; at++)
            *at = *at == '\n' || *at == '"' ? ' ' : *at;
        lines[3 * i] = arena_printf(arena, "{\"id\":\"%d\",\"text\":\"%s\"}\n", i, text);
        lines[3 * i + 1] = arena_printf(arena, "{\"id\":\"%d-copy\",\"text\":\"%s\"}\n", i, text);
        lines[3 * i + 2] = arena_printf(arena, "{\"id\":\"%d-near\",\"text\":\"%s Read more.\"}\n", i, text);
    }
    FILE *file = fopen(path, "wb");
    for (int i = 0; i < 3 * n; i++)
        fputs(lines[philox_permute(seed, 1, (uint64_t)i, (uint64_t)(3 * n))], file);
    fclose(file);
    return path;
}

static uint64_t run(Arena *arena, const char *in, const char *name, int method, StageReport *report)
{
    DedupOptions dedup = dedup_options_default();
    dedup.method = method;
    const char *out = arena_printf(arena, "%s/%s", test_dir(), name);
    StageOptions options = {.inputs = &in, .n_inputs = 1, .documents = document_options_default(), .out = out};
    Stage stage;
    if (!CHECK_OK(stage_open(&stage, stage_kind_find("dedup"), &dedup, arena)) || !CHECK_OK(stage_run(report, &stage, &options)))
        return 0;
    uint64_t hash = 0;
    CHECK_OK(file_hash(&hash, out));
    return hash;
}

TEST(dedup, copies_go_and_the_longest_stays)
{
    Arena *arena = arena_new();
    enum { N = 200 };
    const char *in = write_copies(arena, "in.jsonl", N, 1);
    StageReport report;
    run(arena, in, "exact.jsonl", DEDUP_EXACT, &report);
    CHECK_EQUAL(report.n_in, 3 * N);
    CHECK_EQUAL(report.n_out, 2 * N);
    run(arena, in, "near.jsonl", DEDUP_MINHASH, &report);
    CHECK(report.n_out >= N - 5 && report.n_out <= N + 2);
    const char *bytes;
    size_t n;
    REQUIRE_OK(file_read(&bytes, &n, arena, arena_printf(arena, "%s/near.jsonl", test_dir())));
    int n_near = 0, n_lines = 0;
    for (const char *at = bytes; (at = strstr(at, "-near\"")); at++)
        n_near++;
    for (const char *at = bytes; (at = strchr(at, '\n')); at++)
        n_lines++;
    CHECK_EQUAL(n_lines, report.n_out);
    CHECK(n_near >= N - 7);  /* the near copy is the longest of its three */
    CHECK(strstr(bytes, "\"copies\":3") != NULL);
    arena_free(arena);
}

/* Goal: who stays does not depend on order or threads. Method: another order of lines, one thread and four; ids of survivors are the same set:
 * with the exact method two equal texts may stand for each other, so near copies are used. */
TEST(dedup, survivors_do_not_depend_on_order_or_threads)
{
    Arena *arena = arena_new();
    const char *a = write_copies(arena, "a.jsonl", 100, 1), *b = write_copies(arena, "b.jsonl", 100, 2);
    StageReport first, second;
    int n_threads = parallel_threads();
    parallel_set_threads(1);
    uint64_t one = run(arena, a, "one.jsonl", DEDUP_MINHASH, &first);
    parallel_set_threads(4);
    uint64_t four = run(arena, a, "four.jsonl", DEDUP_MINHASH, &second);
    CHECK_EQUAL(one, four);
    run(arena, b, "other.jsonl", DEDUP_MINHASH, &second);
    parallel_set_threads(n_threads);
    CHECK_EQUAL(first.n_out, second.n_out);
    const char *x, *y;
    size_t n_x, n_y;
    REQUIRE_OK(file_read(&x, &n_x, arena, arena_printf(arena, "%s/one.jsonl", test_dir())));
    REQUIRE_OK(file_read(&y, &n_y, arena, arena_printf(arena, "%s/other.jsonl", test_dir())));
    CHECK_EQUAL(n_x, n_y);
    for (const char *at = x; *at;) {
        const char *line = arena_strndup(arena, at, strcspn(at, "\n"));
        CHECK(strstr(y, line) != NULL);
        at += strlen(line) + 1;
    }
    arena_free(arena);
}

TEST(dedup, comparison_with_brute_force_agrees_with_the_formula)
{
    Arena *arena = arena_new();
    const char *in = write_copies(arena, "in.jsonl", 100, 1);
    DedupOptions dedup = dedup_options_default();
    StageOptions options = {.inputs = &in, .n_inputs = 1, .documents = document_options_default()};
    DedupCompare result;
    REQUIRE_OK(dedup_compare(&result, &dedup, &options, 0.8, 300));
    CHECK_EQUAL(result.n_documents, 300);
    CHECK(result.n_pairs_true >= 290 && result.recall >= result.expected_recall - 0.05 && result.precision > 0.9);
    CHECK_EQUAL(result.bytes_minhash, 300 * 14 * 8);
    CHECK(result.bytes_brute > 300 * 8 && result.recall_sigma >= 0 && result.recall_sigma < 0.1);
    test_note("recall %.4f (expected %.4f), precision %.4f", result.recall, result.expected_recall, result.precision);
    arena_free(arena);
}

/* Goal: clusters of any shape are found whole, in little memory: long chains, stars, many equal keys. Method: a random graph of bands over
 * documents, held against union-find; survivors are the longest, then the smallest content. */
static void check_clusters(int n, int n_keys, uint64_t n_values, int64_t memory_bytes)
{
    Dedup *dedup;
    Spool *verdicts;
    int *parents = mem_alloc((size_t)n * sizeof *parents), *sizes = mem_alloc((size_t)n * sizeof *sizes), *best = mem_alloc((size_t)n * sizeof *best);
    uint64_t(*keys)[8] = mem_alloc((size_t)n * sizeof *keys);
    REQUIRE_OK(dedup_new(&dedup, n_keys, false, memory_bytes, test_dir()));
    REQUIRE_OK(spool_new(&verdicts, test_dir()));
    for (int i = 0; i < n; i++) {
        for (int band = 0; band < n_keys; band++)
            keys[i][band] = band == 0 && i > 0 && i < 200 ? keys[i - 1][1] : philox_below(5, (uint32_t)band, (uint64_t)i, n_values);
        keys[i][1] = i < 200 ? (uint64_t)i + n_values : keys[i][1];  /* the first 200 are a chain from band 1 to band 0 */
        CHECK_OK(dedup_add(dedup, (Hash128){(uint64_t)i, philox_below(6, 1, (uint64_t)i, 3)}, i % 4, 0, keys[i]));
        parents[i] = best[i] = i;
    }
    for (int band = 0; band < n_keys; band++)
        for (int i = 0; i < n; i++)
            for (int k = 0; k < i; k++)
                if (keys[i][band] == keys[k][band]) {
                    int a = i, b = k;
                    while (parents[a] != a)
                        a = parents[a];
                    while (parents[b] != b)
                        b = parents[b];
                    parents[a > b ? a : b] = a > b ? b : a;
                    break;
                }
    for (int i = 0; i < n; i++) {
        int root = i;
        while (parents[root] != root)
            root = parents[root];
        parents[i] = root;
        sizes[root]++;
        int k = best[root];
        uint64_t x = philox_below(6, 1, (uint64_t)i, 3), y = philox_below(6, 1, (uint64_t)k, 3);
        if (i % 4 != k % 4 ? i % 4 > k % 4 : x != y ? x < y : i < k)
            best[root] = i;
    }
    REQUIRE_OK(dedup_decide(dedup, verdicts));
    REQUIRE_OK(spool_rewind(verdicts));
    const void *bytes;
    size_t n_bytes;
    Err err;
    int n_wrong = 0, n_read = 0;
    for (; spool_next(verdicts, &bytes, &n_bytes, &err) && n_read < n; n_read++) {
        const DedupVerdict *verdict = bytes;
        int root = parents[n_read];
        n_wrong += verdict->cluster_size != sizes[root] || verdict->stays != (best[root] == n_read);
    }
    CHECK_EQUAL(n_read, n);
    CHECK_EQUAL(n_wrong, 0);
    dedup_free(dedup);
    spool_free(verdicts);
    free(parents);
    free(sizes);
    free(best);
    free(keys);
}

TEST(dedup, clusters_are_those_of_union_find_in_any_memory)
{
    check_clusters(1, 2, 10, 1 << 20);
    check_clusters(2000, 3, 1000, 1 << 24);
    check_clusters(2000, 3, 1000, 1);
    check_clusters(3000, 2, 3000, 1);
    check_clusters(2000, 2, 1 << 20, 1);
    check_clusters(1000, 4, 2, 1);
}

BENCH(minhash, bytes_per_second)
{
    Arena *arena = arena_new(), *scratch = arena_new();
    SynthOptions options = {.seed = 4};
    MinHash *minhash = mem_alloc(sizeof *minhash);
    minhash_init(minhash, 14, 8, 1);
    int n = test_bench_full() ? 2000 : 20;
    int64_t n_bytes = 0;
    double seconds = 0;
    for (int k = 0; k < n; k++) {
        SynthDocument d = synth_document(&options, (uint64_t)k, arena);
        double start = clock_seconds();
        ShingleSet set = shingle_set(scratch, d.text, d.n_bytes, SHINGLE_WORDS, 5);
        uint64_t signature[MINHASH_MAX];
        minhash_signature(minhash, &set, signature);
        seconds += clock_seconds() - start;
        n_bytes += (int64_t)d.n_bytes;
        arena_reset(scratch);
        arena_reset(arena);
    }
    test_note("%.1f MB/s on one core", (double)n_bytes / seconds / 1e6);
    free(minhash);
    arena_free(arena);
    arena_free(scratch);
}
