/* bpe_match_test.c - the matcher finds what merging finds, on vocabularies of tiny alphabets, where almost every pair of tokens fights. */
#include "text/tokenizer/bpe_match.h"
#include "base/arena.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { IDS_MAX = 220, TOKEN_BYTES_MAX = 256, TEXT_BYTES_MAX = 400 };

typedef struct {
    BpeMerges merges;
    char text[IDS_MAX][TOKEN_BYTES_MAX];
    size_t n_bytes[IDS_MAX];
    int32_t n_ids, n_letters;
    const char *letters;
} Vocabulary;
static const char few_letters[] = "abcdefgh";

static uint32_t draw(uint64_t seed, uint64_t i, uint32_t n)
{
    return philox(seed, 11, i, 0).word[0] % n;
}

static int32_t find(const Vocabulary *v, const char *bytes, size_t n)
{
    for (int32_t id = 0; id < v->n_ids; id++)
        if (v->n_bytes[id] == n && memcmp(v->text[id], bytes, n) == 0)
            return id;
    return -1;
}

static void put_letters(Vocabulary *v, const char *letters, int32_t n)
{
    v->letters = letters;
    v->n_letters = n;
    for (; v->n_ids < n; v->n_ids++) {
        v->text[v->n_ids][0] = letters[v->n_ids];
        v->n_bytes[v->n_ids] = 1;
    }
}

/* Letters, then merges of random tokens of before; `by_text` also gives the merge to every other cut of the new token, as tiktoken does. */
static void make(Vocabulary *v, uint64_t seed, bool by_text)
{
    memset(v, 0, sizeof *v);
    bpe_merges_init(&v->merges, 64);
    put_letters(v, few_letters, (int32_t)(1 + draw(seed, 0, 4)));
    int32_t n_wanted = v->n_letters + (int32_t)draw(seed, 1, IDS_MAX - 4);
    for (uint64_t i = 2; v->n_ids < n_wanted && i < 4000; i++) {
        int32_t a = (int32_t)draw(seed, 2 * i, (uint32_t)v->n_ids), b = (int32_t)draw(seed, 2 * i + 1, (uint32_t)v->n_ids);
        size_t n = v->n_bytes[a] + v->n_bytes[b];
        if (n > 24 && draw(seed, 5000 + i, 50))
            continue;
        if (n > TOKEN_BYTES_MAX)
            continue;
        char text[TOKEN_BYTES_MAX];
        memcpy(text, v->text[a], v->n_bytes[a]);
        memcpy(text + v->n_bytes[a], v->text[b], v->n_bytes[b]);
        int32_t id = find(v, text, n);
        if (bpe_merges_find(&v->merges, a, b) || (by_text && id >= 0))
            continue;
        if (id < 0) {
            id = v->n_ids++;
            memcpy(v->text[id], text, n);
            v->n_bytes[id] = n;
        }
        bpe_merges_put(&v->merges, a, b, by_text ? (uint32_t)id : v->merges.n_merges, id);
        for (size_t cut = 1; by_text && cut < n; cut++) {
            int32_t left = find(v, text, cut), right = find(v, text + cut, n - cut);
            if (left >= 0 && right >= 0)
                bpe_merges_put(&v->merges, left, right, (uint32_t)id, id);
        }
    }
}

static size_t start(const void *context, BpeSymbol *symbols, const char *bytes, size_t n)
{
    const Vocabulary *v = context;
    for (size_t i = 0; i < n; i++) {
        const char *letter = memchr(v->letters, bytes[i], (size_t)v->n_letters);
        symbols[i] = (BpeSymbol){letter ? (int32_t)(letter - v->letters) : -1, (uint32_t)i, (uint32_t)i + 1};
    }
    return n;
}

/* The text among its own ends, all at once. */
static bool same_in_runs(const Vocabulary *v, const BpeMatcher *matcher, BpeScratch *scratch, const char *text, size_t n, const BpeSymbol *want,
                         size_t n_want)
{
    int32_t room[3][TEXT_BYTES_MAX];
    BpeRun runs[3] = {{text + n / 2, n - n / 2, room[0], 0}, {text, n, room[1], 0}, {text + n - 1, 1, room[2], 0}};
    bpe_match_runs(matcher, scratch, runs, 3, text + n);
    bool equal = runs[1].n_ids == n_want && runs[2].n_ids == 1 && runs[0].n_ids > 0;
    for (size_t i = 0; i < n_want && equal; i++)
        equal = room[1][i] == want[i].id;
    BpeSymbol half[TEXT_BYTES_MAX];
    size_t n_half = bpe_merge_plain(&v->merges, half, start(v, half, text + n / 2, n - n / 2));
    for (size_t i = 0; i < n_half && equal; i++)
        equal = n_half == runs[0].n_ids && room[0][i] == half[i].id;
    return equal;
}

static bool same(const Vocabulary *v, const BpeMatcher *matcher, BpeScratch *scratch, const char *text, size_t n)
{
    BpeSymbol want[TEXT_BYTES_MAX];
    int32_t got[TEXT_BYTES_MAX];
    size_t n_got, n_want = bpe_merge_plain(&v->merges, want, start(v, want, text, n));
    bool equal = bpe_match(matcher, scratch, text, n, got, &n_got) == n && n_got == n_want;
    for (size_t i = 0; i < n_want && equal; i++)
        equal = got[i] == want[i].id;
    return equal && (n < 2 || !bpe_matcher_takes_all(matcher) || same_in_runs(v, matcher, scratch, text, n, want, n_want));
}

/* Of all ids of the vocabulary. */
static BpeMatcher *matcher_of(const Vocabulary *v)
{
    TrieKey keys[IDS_MAX];
    for (int32_t id = 0; id < v->n_ids; id++)
        keys[id] = (TrieKey){v->text[id], v->n_bytes[id], id};
    return bpe_matcher_new(&v->merges, keys, (size_t)v->n_ids, v->n_ids, start, v);
}

typedef struct {
    int n_matchers, n_taken, n_wrong;
} Tally;
typedef size_t (*DrawText)(const Vocabulary *v, char *text, uint64_t seed, uint64_t i);

/* So many texts, as far as the vocabulary's matcher takes them; the vocabulary is released. */
static void compare(Tally *tally, Vocabulary *v, DrawText draw_text, uint64_t seed, uint64_t n_texts)
{
    BpeMatcher *matcher = matcher_of(v);
    BpeScratch scratch = {0};
    tally->n_matchers += matcher != NULL;
    for (uint64_t i = 0; i < n_texts && matcher; i++) {
        char text[TEXT_BYTES_MAX];
        size_t n = draw_text(v, text, seed, i);
        bool takes = bpe_matcher_takes(matcher, text, n);
        tally->n_taken += takes;
        tally->n_wrong += takes && !same(v, matcher, &scratch, text, n);
    }
    bpe_scratch_release(&scratch);
    bpe_matcher_free(matcher);
    bpe_merges_release(&v->merges);
}

static size_t draw_letters(const Vocabulary *v, char *text, uint64_t seed, uint64_t i)
{
    size_t n = i < 30 ? draw(seed, 20000 + i, 70) : draw(seed, 20000 + i, TEXT_BYTES_MAX);
    for (size_t k = 0; k < n; k++)
        text[k] = (char)('a' + draw(seed + 1000 * i, 30000 + k, (uint32_t)v->n_letters));
    return n;
}

TEST(bpe_match, equals_merging_on_random_vocabularies)
{
    Vocabulary *v = malloc(sizeof *v);
    Tally tally = {0};
    for (uint64_t seed = 0; seed < 100; seed++) {
        make(v, seed, seed % 2);
        compare(&tally, v, draw_letters, seed, 40);
    }
    CHECK_EQUAL(tally.n_wrong, 0);
    CHECK(tally.n_matchers > 60);
    CHECK(tally.n_taken > 60 * 40);
    free(v);
}

static size_t draw_repeating(const Vocabulary *v, char *text, uint64_t seed, uint64_t i)
{
    size_t n = TEXT_BYTES_MAX - i, period = 1 + i % 3;
    for (size_t k = 0; k < n; k++)
        text[k] = k < period ? (char)('a' + draw(seed + 1000 * i, 70000 + k, (uint32_t)v->n_letters)) : text[k - period];
    if (i >= 6)
        text[draw(seed, 80000 + i, (uint32_t)n)] = 'a';
    return n;
}

/* Goal: what a search remembers of places before is true of the next one. Method: texts that repeat one to three letters, whole or with one letter
 * changed, long beside the tokens. */
TEST(bpe_match, equals_merging_on_texts_that_repeat)
{
    Vocabulary *v = malloc(sizeof *v);
    Tally tally = {0};
    for (uint64_t seed = 0; seed < 60; seed++) {
        make(v, seed, seed % 2);
        bool is_short = true;
        for (int32_t id = 0; id < v->n_ids; id++)
            is_short &= v->n_bytes[id] <= 40;
        compare(&tally, v, draw_repeating, seed, is_short ? 12 : 0);
    }
    CHECK_EQUAL(tally.n_wrong, 0);
    CHECK(tally.n_taken > 200);
    free(v);
}

/* Text of characters that share bytes, some of them broken. */
static size_t draw_chars(char *text, uint64_t seed, size_t n_parts, uint32_t n_broken)
{
    static const char *const parts[] = {"\xEA\xB0\x80", "\xEA\xB0\x81", "\xEA\x81\x80", "\xEB\xB0\x80", " ", "a", "\xEA", "\xB0", "\x80", "\xEA\xB0"};
    size_t n = 0;
    for (size_t i = 0; i < n_parts; i++) {
        const char *part = parts[draw(seed, 40000 + i, 6 + n_broken)];
        memcpy(text + n, part, strlen(part));
        n += strlen(part);
    }
    return n;
}

/* Bytes, then merges of neighbours that stand in texts as merged so far: whole characters come about early and late, and are broken into. */
static void make_of_chars(Vocabulary *v, uint64_t seed)
{
    memset(v, 0, sizeof *v);
    bpe_merges_init(&v->merges, 64);
    put_letters(v, "\xEA\xEB\xB0\x80\x81 a", 7);
    int32_t n_wanted = 20 + (int32_t)draw(seed, 1, IDS_MAX - 20);
    for (uint64_t i = 2; v->n_ids < n_wanted && i < 2000; i++) {
        char text[TEXT_BYTES_MAX];
        BpeSymbol symbols[TEXT_BYTES_MAX];
        size_t n = bpe_merge_plain(&v->merges, symbols, start(v, symbols, text, draw_chars(text, seed * 10000 + i, 8, seed % 3 == 0)));
        if (n < 2)
            continue;
        size_t at = draw(seed, 50000 + i, (uint32_t)n - 1), n_bytes = symbols[at + 1].end - symbols[at].begin;
        if (find(v, text + symbols[at].begin, n_bytes) >= 0)
            continue;
        memcpy(v->text[v->n_ids], text + symbols[at].begin, n_bytes);
        v->n_bytes[v->n_ids] = n_bytes;
        bpe_merges_put(&v->merges, symbols[at].id, symbols[at + 1].id, v->merges.n_merges, v->n_ids);
        v->n_ids++;
    }
}

static size_t draw_wide(const Vocabulary *v, char *text, uint64_t seed, uint64_t i)
{
    (void)v;
    size_t n = draw_chars(text, (seed + 1000) * 10000 + i, draw(seed, 60000 + i, 20), i % 4 == 0 ? 4 : 0), period = n;
    for (; i % 5 == 0 && n > 0 && n + 3 < TEXT_BYTES_MAX / 2; n++)  /* again and again, with something else between */
        text[n] = n % (period + 1) == period ? text[draw(seed, 61000 + n, (uint32_t)period)] : text[n - period];
    return n;
}

/* Goal: what is known of borders beforehand is true. Method: vocabularies grown from texts of three-byte characters, texts of the same kind. */
TEST(bpe_match, equals_merging_on_characters_of_three_bytes)
{
    Vocabulary *v = malloc(sizeof *v);
    Tally tally = {0};
    for (uint64_t seed = 0; seed < 40; seed++) {
        make_of_chars(v, seed);
        compare(&tally, v, draw_wide, seed, 200);
    }
    CHECK_EQUAL(tally.n_wrong, 0);
    CHECK_EQUAL(tally.n_taken, 40 * 200);
    free(v);
}

/* Single letters, then the merges, best first: each of two texts of before. */
static void make_of_merges(Vocabulary *v, const char *letters, const char *const merges[][2], int n_merges)
{
    memset(v, 0, sizeof *v);
    bpe_merges_init(&v->merges, 16);
    put_letters(v, letters, (int32_t)strlen(letters));
    for (int i = 0; i < n_merges; i++) {
        const char *left = merges[i][0], *right = merges[i][1];
        int32_t id = v->n_ids++;
        v->n_bytes[id] = (size_t)snprintf(v->text[id], TOKEN_BYTES_MAX, "%s%s", left, right);
        bpe_merges_put(&v->merges, find(v, left, strlen(left)), find(v, right, strlen(right)), (uint32_t)i, id);
    }
}

/* Goal: a choice that was made where no encoding cuts a character is not taken for that of a place where one does. Method: 'a' behind "pq" is followed
 * by a whole character, which nothing behind it breaks into; the second 'a' by the same one, whose last byte goes to what follows. */
TEST(bpe_match, choices_that_depend_on_what_follows_are_made_anew)
{
    static const char *const merges[][2] = {{"\x80", "\xEB"}, {"\xEA", "\xB0"}, {"\xEA\xB0", "\x80"}, {"a", "\xEA\xB0\x80"}, {"q", "a\xEA\xB0\x80"}, {"p", "q"}};
    static const char text[] = "pqa\xEA\xB0\x80" "ba\xEA\xB0\x80\xEB";
    Vocabulary *v = malloc(sizeof *v);
    make_of_merges(v, "pqab\xEA\xB0\x80\xEB", merges, 6);
    BpeMatcher *matcher = matcher_of(v);
    REQUIRE(matcher != NULL);
    BpeScratch scratch = {0};
    CHECK(same(v, matcher, &scratch, text, sizeof text - 1));
    bpe_scratch_release(&scratch);
    bpe_matcher_free(matcher);
    bpe_merges_release(&v->merges);
    free(v);
}

static BpeMatcher *matcher_of_texts(Vocabulary *v, const char *const *texts, int32_t n)
{
    for (v->n_ids = 0; v->n_ids < n; v->n_ids++) {
        v->n_bytes[v->n_ids] = strlen(texts[v->n_ids]);
        memcpy(v->text[v->n_ids], texts[v->n_ids], v->n_bytes[v->n_ids]);
    }
    return matcher_of(v);
}

/* A merge of better rank than the one that makes its left part: only merging tells what comes of a text with that token in it. */
TEST(bpe_match, texts_with_a_merge_before_its_parts_are_not_taken)
{
    Vocabulary *v = calloc(1, sizeof *v);
    bpe_merges_init(&v->merges, 16);
    v->letters = few_letters;
    v->n_letters = 3;
    const char *texts[] = {"a", "b", "c", "ab", "abc", "abca"};
    bpe_merges_put(&v->merges, 0, 1, 7, 3);
    bpe_merges_put(&v->merges, 3, 2, 2, 4);
    bpe_merges_put(&v->merges, 4, 0, 9, 5);
    BpeMatcher *matcher = matcher_of_texts(v, texts, 6);
    REQUIRE(matcher != NULL);
    CHECK(!bpe_matcher_takes(matcher, "cabca", 5));
    CHECK(bpe_matcher_takes(matcher, "cabac", 5));
    CHECK_EQUAL(bpe_matcher_n_tokens(matcher), 4);
    BpeScratch scratch = {0};
    CHECK(same(v, matcher, &scratch, "cabac", 5));
    bpe_scratch_release(&scratch);
    bpe_matcher_free(matcher);
    bpe_merges_release(&v->merges);
    free(v);
}

TEST(bpe_match, merges_before_their_parts_with_nothing_in_common_are_refused)
{
    Vocabulary *v = calloc(1, sizeof *v);
    bpe_merges_init(&v->merges, 16);
    v->letters = few_letters;
    v->n_letters = 3;
    const char *texts[] = {"a", "b", "c", "ab", "abc", "bb", "bba"};
    bpe_merges_put(&v->merges, 0, 1, 7, 3);
    bpe_merges_put(&v->merges, 3, 2, 2, 4);
    bpe_merges_put(&v->merges, 1, 1, 8, 5);
    bpe_merges_put(&v->merges, 5, 0, 3, 6);
    CHECK(matcher_of_texts(v, texts, 7) == NULL);
    bpe_merges_release(&v->merges);
    free(v);
}

TEST(bpe_match, stops_where_no_token_begins)
{
    Vocabulary *v = malloc(sizeof *v);
    make(v, 3, false);
    BpeMatcher *matcher = matcher_of(v);
    REQUIRE(matcher != NULL);
    BpeScratch scratch = {0};
    int32_t ids[8];
    size_t n_ids;
    CHECK_EQUAL(bpe_match(matcher, &scratch, "aaazaa", 6, ids, &n_ids), 3);
    CHECK_EQUAL(bpe_match(matcher, &scratch, "zaa", 3, ids, &n_ids), 0);
    CHECK_EQUAL(n_ids, 0);
    bpe_scratch_release(&scratch);
    bpe_matcher_free(matcher);
    bpe_merges_release(&v->merges);
    free(v);
}
