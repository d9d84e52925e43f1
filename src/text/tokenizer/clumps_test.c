/* clumps_test.c - texts put together from clumps have the ids of the text as a whole, and every CPU level reads the same characters. */
#include "text/tokenizer/encode_alike.h"
#include "text/tokenizer/clumps.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/unigram.h"
#include "text/unicode/utf8.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const syllables[] = {"학", "교", "에", "서", "는", "은", "가", "이", "다", "했", "습", "니", "한", "국", "어", "를", "을", "고", "나", "오늘", "the", "1", "."};
enum { N_SYLLABLES = sizeof syllables / sizeof syllables[0], TEXT_BYTES_MAX = 12000 };

static uint32_t roll(uint64_t seed, uint64_t i, uint64_t k, uint32_t n)
{
    return philox(seed, 11, i, k).word[0] % n;
}

static Tokenizer *model(void)
{
    Arena *arena = arena_new();
    char *text = arena_alloc(arena, 300000);
    size_t n = 0;
    for (uint64_t i = 0; n < 290000; i++) {
        uint64_t word = roll(1, i, 100, 400);
        for (uint32_t k = 0; k < 1 + roll(2, word, 100, 5); k++)
            n += (size_t)sprintf(text + n, "%s", syllables[roll(2, word, k, N_SYLLABLES)]);
        text[n++] = ' ';
    }
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_UNIGRAM);
    options.vocab_size = 700;
    options.quiet = true;
    options.fallback = FALLBACK_BYTES;
    Tokenizer *trained, *tok = NULL;
    CHECK_OK(tokenizer_train_text(&trained, &options, text, n));
    const char *path = arena_printf(arena, "%s/clumps.model", test_dir());
    CHECK_OK(tokenizer_write_sentencepiece(trained, path));
    CHECK_OK(tokenizer_load(&tok, path));
    tokenizer_free(trained);
    arena_free(arena);
    return tok;
}

/* Words of syllables, and now and then what is hard: strangers, long words, runs of spaces, what normalising changes, bytes that are no text. */
static size_t random_text(uint64_t i, char *text)
{
    static const char *const others[] = {"\n", " \n", "\t", "  ", "   ", "é", "힣", "뷁뷁", "😀", "\xE3\x80\x80", "incomprehensibilities", "ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ", "\xEF\xBD\xB1", "\xCC\x88", "\x01", "\xFF"};
    size_t n = 0;
    uint32_t n_parts = roll(3, i, 0, i % 8 ? 60 : 3000), rare = 2 + roll(3, i, 1, 60), spaces = 2 + roll(3, i, 2, i % 16 ? 4 : 900);
    for (uint64_t k = 3; k < n_parts && n < TEXT_BYTES_MAX - 40; k++) {
        bool is_syllable = roll(4, i, k, rare) > 0;
        const char *part = is_syllable ? syllables[roll(5, i, k, N_SYLLABLES)] : others[roll(5, i, k, i % 4 ? sizeof others / sizeof others[0] - 1 : sizeof others / sizeof others[0])];
        n += (size_t)sprintf(text + n, "%s%s", part, roll(6, i, k, spaces) ? "" : " ");
    }
    return n;
}

static int count_differences(const Tokenizer *tok, int n_texts)
{
    static char text[TEXT_BYTES_MAX];
    return encode_n_unlike(tok, n_texts, random_text, text);
}

/* Goal: however many spaces count. */
TEST(clumps, ids_are_those_of_the_text)
{
    Tokenizer *tok = model();
    for (int extra = 0; extra < 2; extra++) {
        tokenizer_release_scratch(tok);
        tok->normalizers[0].remove_extra_spaces = extra;
        CHECK_EQUAL(count_differences(tok, 700), 0);
        REQUIRE(model_fast(tok)->clumps);
    }
    tokenizer_free(tok);
}

/* Is the cut of a clump, behind a mark, the ids of its text? Not asked where rounding may decide. */
static bool is_cut_right(const Tokenizer *tok, Arena *arena, const WalkWord *cut, const uint16_t *chars, size_t n)
{
    char text[UTF8_BYTES_MAX * CLUMP_CUT_CHARS];
    uint16_t ids[CLUMP_CUT_IDS];
    size_t n_bytes = 0;
    float note;
    for (size_t i = 1; i < n; i++)
        n_bytes += (size_t)utf8_encode(text + n_bytes, chars[i]);
    int n_ids = unigram_clump_ids(tok, cut, chars, ids, &note);
    if (n_ids > 0 && !unigram_is_sure(tok->unigram, 0.0, note))
        return true;
    TokenOffset *offsets;
    TokenSpan whole = tokenizer_encode_with(tok, arena, text, n_bytes, 0, &offsets);
    bool is_right = n_ids == (int)whole.n;
    for (int i = 0; i < n_ids && is_right; i++)
        is_right = ids[i] == whole.ids[i];
    return is_right;
}

/* Goal: clumps that are cut together have the ids of each alone, and a character that no piece has its bytes: it stands in a clump only where the bits of
 * pairs fall together. */
TEST(clumps, what_is_cut_together_is_cut_as_alone)
{
    enum { N_CLUMPS = 200, CHARS_MAX = 8 };
    static uint16_t chars[N_CLUMPS][CHARS_MAX];
    static const uint16_t drawn[] = {0xD559, 0xAD50, 0xC5D0, 0xC11C, 0xB294, 0xB2E4, 0xD588, 0xC2B5, 0xB2C8, 0xBDC1, 0xD7A3, 0xE9};  /* three strangers */
    Tokenizer *tok = model();
    Arena *arena = arena_new();
    WalkBatch batch;
    walk_batch_init(&batch, arena_alloc(arena, walk_batch_bytes(N_CLUMPS * CHARS_MAX, N_CLUMPS)), N_CLUMPS * CHARS_MAX, N_CLUMPS);
    for (uint32_t i = 0; i < N_CLUMPS; i++) {
        chars[i][0] = CLUMP_SPACE_MARK;
        for (uint32_t k = 1; k < CHARS_MAX; k++)
            chars[i][k] = drawn[roll(7, i, k, sizeof drawn / sizeof drawn[0])];
        CHECK(unigram_push_clump(model_fast(tok)->walk, &batch, chars[i], 2 + i % (CHARS_MAX - 1)));
    }
    KERNEL_PICK(walk_words)(model_fast(tok)->walk->nodes, &batch);
    int n_wrong = 0, n_strange = 0;
    for (uint32_t i = 0; i < N_CLUMPS; i++) {
        n_wrong += !is_cut_right(tok, arena, &batch.words[i], chars[i], 2 + i % (CHARS_MAX - 1));
        n_strange += batch.words[i].has_unknown;
    }
    CHECK_EQUAL(n_wrong, 0);
    CHECK(n_strange > N_CLUMPS / 4);
    arena_free(arena);
    tokenizer_free(tok);
}

/* Goal: pieces are remembered before the first text, by the ids that their characters have. */
TEST(clumps, pieces_are_known_before_the_first_text)
{
    Tokenizer *tok = model();
    EncodeScratch *scratch = encode_scratch_take(tok);
    word_cache_init(&scratch->words, tok->vocab.n_ids);
    clumps_preload(model_fast(tok)->clumps, tok, scratch);
    int n_known = 0;
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        uint16_t piece[8] = {0};
        size_t n_bytes, n = 0;
        uint32_t c;
        const char *text = vocab_text(&tok->vocab, id, &n_bytes);
        for (size_t at = 0; text && at < n_bytes && n < 8; piece[n++] = (uint16_t)c)
            at += (size_t)utf8_decode(&c, text + at, text + n_bytes);
        if (n < 2 || n > 3 || piece[0] == CLUMP_SPACE_MARK || piece[0] < 0x80)
            continue;
        uint64_t key[2];
        clump_key(piece, n, key);
        KnownWord known = word_cache_look_small(&scratch->words, key, word_small_bucket(key));
        n_known += known.n == 1 && known.ids[0] == id;
    }
    CHECK(n_known > 20);
    encode_scratch_give(tok, scratch);
    tokenizer_free(tok);
}

/* Goal: where two cuts are as good, rounding decides, and that depends on the score of all text before. */
TEST(clumps, cuts_of_equal_score_are_made_where_they_stand)
{
    Tokenizer *tok = model();
    for (int32_t id = 0; id < tok->unigram->n; id++)
        tok->unigram->scores[id] = (double)(float)(0.1 * round(4.0 * tok->unigram->scores[id]));
    tok->unigram->min_score *= 0.4;
    CHECK_EQUAL(count_differences(tok, 700), 0);
    tokenizer_free(tok);
}

typedef size_t (*ClumpChars)(const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint64_t *begins);

static bool is_white(char c, bool lines)
{
    return c == ' ' || (lines && (c == '\n' || c == '\t' || c == '\r'));
}

/* The rule read literally. */
static size_t chars_of(const char *text, size_t n, bool is_collapsed, bool lines, uint16_t *chars, uint64_t *begins)
{
    size_t n_chars = 0;
    memset(begins, 0, (n + 63) / 64 * sizeof *begins);
    for (size_t at = 0, length; at < n; at += length) {
        uint32_t c;
        length = (size_t)utf8_decode(&c, text + at, text + n);
        if (c == UTF8_ILL_FORMED)
            return CLUMP_ILL_FORMED;
        bool white = is_white(text[at], lines);
        if (is_collapsed && white && at + 1 < n && is_white(text[at + 1], lines))
            continue;
        begins[at / 64] |= (uint64_t)1 << at % 64;
        chars[n_chars++] = white ? 0x2581 : c > 0xFFFF ? CLUMP_FAR_CHAR : (uint16_t)c;
    }
    return n_chars;
}

/* A byte in some texts is another, so that they are no text, or are by chance. */
static int count_wrong_reads(ClumpChars read)
{
    enum { N = 600, N_WORDS = (N + 63) / 64 };
    static const char *const parts[] = {"학교에서는", "가", "힣", "a", " ", "~", "  ", "\n", "࠿", "豈", "é", "߿", "ࠀ", "￿", "😀", "\xF4\x8F\xBF\xBF"};
    int n_wrong = 0;
    for (uint64_t i = 0; i < 12000; i++) {
        char text[N + CLUMP_READ_ROOM];
        uint16_t got[N + CLUMP_READ_ROOM], want[N];
        uint64_t got_begins[N_WORDS], want_begins[N_WORDS];
        size_t n = 0, wanted = roll(8, i, 0, N - 20);
        for (uint64_t k = 1; n < wanted; k++)
            n += (size_t)sprintf(text + n, "%s", parts[roll(9, i, k, i % 3 ? 8 : sizeof parts / sizeof parts[0])]);
        memset(text + n, i % 2 ? ' ' : 0xBF, CLUMP_READ_ROOM);
        if (i % 5 == 0 && n > 0)
            text[roll(9, i, 1000, (uint32_t)n)] = (char)roll(9, i, 1001, 256);
        size_t n_got = read(text, n, i & 2, i & 4, got, got_begins), n_want = chars_of(text, n, i & 2, i & 4, want, want_begins);
        n_wrong += n_got != n_want;
        if (n_got == n_want && n_got != CLUMP_ILL_FORMED)
            n_wrong += memcmp(got, want, n_want * sizeof *want) != 0 || memcmp(got_begins, want_begins, (n + 63) / 64 * sizeof *want_begins) != 0;
    }
    return n_wrong;
}

TEST(clumps, every_cpu_level_reads_the_same_characters)
{
    CHECK_EQUAL(count_wrong_reads(clump_chars_portable), 0);
    if (cpu_level_best() >= CPU_AVX2)
        CHECK_EQUAL(count_wrong_reads(clump_chars_avx2), 0);
    if (cpu_level_best() >= CPU_AVX512)
        CHECK_EQUAL(count_wrong_reads(clump_chars_avx512), 0);
}

typedef void (*ClumpCut)(const ClumpRules *rules, ClumpBlock *block);
typedef size_t (*ClumpPut)(const ClumpRules *rules, const ClumpBlock *block, size_t begin, size_t end, int32_t *ids);

static void random_block(const ClumpRules *rules, uint64_t i, ClumpBlock *block)
{
    static const uint16_t chars[] = {CLUMP_SPACE_MARK, CLUMP_SPACE_MARK, 0x1, '1', 'a', 0xE9, 0x7FF, 0x800, 0xFFFF, CLUMP_FAR_CHAR, 0xD559, 0xAD50, 0xC5D0, 0xC11C, 0xB2E4, 0xBDC1};
    memset(block, 0, sizeof *block);
    block->n_chars = 1 + roll(12, i, 0, i % 3 ? 40 : CLUMP_BLOCK_BYTES);
    for (size_t k = 0; k < CLUMP_PLACES; k++) {
        block->chars[k] = chars[roll(13, i, k, sizeof chars / sizeof *chars - 2 * (i % 2))];
        block->found[k] = roll(14, i, k, 3) ? (uint16_t)roll(15, i, k, 700) : CLUMP_NO_ID;
    }
    clump_cut_portable(rules, block);
}

static bool cuts_alike(const ClumpRules *rules, const ClumpBlock *want, ClumpCut cut)
{
    static ClumpBlock got;
    got = *want;
    memset(got.alone, 0, sizeof got.alone);
    cut(rules, &got);
    return got.n_clumps == want->n_clumps && got.is_plain == want->is_plain && memcmp(got.alone, want->alone, want->n_chars * sizeof *want->alone) == 0 &&
           memcmp(got.starts, want->starts, want->n_clumps * sizeof *want->starts) == 0 && memcmp(got.ends, want->ends, want->n_clumps * sizeof *want->ends) == 0;
}

static bool puts_alike(const ClumpRules *rules, const ClumpBlock *block, uint64_t i, ClumpPut put)
{
    static int32_t got[CLUMP_PLACES * CLUMP_CHAR_IDS], want[CLUMP_PLACES * CLUMP_CHAR_IDS];
    size_t begin = roll(16, i, 0, (uint32_t)block->n_chars), end = begin + roll(17, i, 0, (uint32_t)(block->n_chars - begin) + 1);
    size_t n_got = put(rules, block, begin, end, got), n_want = clump_put_portable(rules, block, begin, end, want);
    return n_got == n_want && memcmp(got, want, n_want * sizeof *want) == 0;
}

TEST(clumps, every_cpu_level_cuts_alike_and_puts_out_the_same_ids)
{
    Tokenizer *tok = model();
    const ClumpRules *rules = model_fast(tok)->clumps;
    REQUIRE(rules);
    static ClumpBlock block;
    int n_unlike = 0;
    for (uint64_t i = 0; i < 600; i++) {
        random_block(rules, i, &block);
        if (cpu_level_best() >= CPU_AVX2)
            n_unlike += !cuts_alike(rules, &block, clump_cut_avx2) + !puts_alike(rules, &block, i, clump_put_avx2);
        if (cpu_level_best() >= CPU_AVX512)
            n_unlike += !cuts_alike(rules, &block, clump_cut_avx512) + !puts_alike(rules, &block, i, clump_put_avx512);
    }
    CHECK_EQUAL(n_unlike, 0);
    tokenizer_free(tok);
}
