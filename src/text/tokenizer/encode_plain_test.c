/* encode_plain_test.c - every family's encoder against its rule read literally: ten million texts over vocabularies trained on noise. */
#include "text/tokenizer/unigram.h"
#include "base/philox.h"
#include "base/test.h"

#include <math.h>
#include <stdlib.h>

enum { TEXT_BYTES_MAX = 400, VOCABULARY_TEXTS = 50000, N_FAST = 8000, N_SLOW = 2500000 };

/* Random numbers cheap enough for ten million texts. */
typedef struct {
    uint64_t state;
} Dice;

static uint32_t roll(Dice *dice, uint32_t n)
{
    dice->state = dice->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((dice->state >> 33) % n);
}

static const char *const letters[] = {"a", "b", "c", "d", "e", "가", "나", "é", "z", "갸"};
enum { N_LETTERS = 8 };  /* of the training text; the last two are strangers */

static size_t put(char *text, size_t at, const char *part, size_t n)
{
    if (at + n > TEXT_BYTES_MAX)
        return at;
    memcpy(text + at, part, n);
    return at + n;
}

/* Words of skewed letters, so that merges have something to find. */
static Tokenizer *noise_tokenizer(TokenizerType type, uint64_t seed)
{
    enum { N_WORDS = 1500 };
    Dice dice = {seed};
    char *text = malloc(N_WORDS * 64);
    size_t n = 0;
    for (int w = 0; w < N_WORDS; w++) {
        for (uint32_t i = 1 + roll(&dice, 9); i > 0; i--) {
            const char *letter = letters[roll(&dice, 1 + roll(&dice, N_LETTERS))];
            memcpy(text + n, letter, strlen(letter));
            n += strlen(letter);
        }
        text[n++] = ' ';
    }
    TokenizerTrainOptions options = tokenizer_train_options_for(type);
    options.vocab_size = (type == TOKENIZER_BYTE_BPE ? 260 : 20) + roll(&dice, 200);
    options.pattern = "none";
    options.quiet = true;
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_train_text(&tok, &options, text, n));
    free(text);
    return tok;
}

/* Vocabulary entries, letters, or (where any byte may stand) bytes; now and then of a length at which code likes to change its mind. */
static size_t random_text(const Tokenizer *tok, Dice *dice, bool any_byte, char *text)
{
    static const uint16_t edges[] = {14, 15, 16, 17, 31, 32, 33, 48, 49, 63, 64, 65, 96, 97, 127, 128};
    uint32_t n_wanted = roll(dice, 16) ? 1 + roll(dice, 14) : edges[roll(dice, 16)], kind = roll(dice, any_byte ? 3 : 2);
    size_t n = 0;
    while (n < n_wanted) {
        size_t length;
        const char *entry = vocab_text(&tok->vocab, (int32_t)roll(dice, (uint32_t)tok->vocab.n_ids), &length);
        const char *letter = letters[roll(dice, roll(dice, 30) ? N_LETTERS : N_LETTERS + 2)];
        char byte = (char)roll(dice, 256);
        bool plain = entry && kind == 0 && !strpbrk(entry, "<[#\xE2 \xC4");  /* a special token, a mark */
        n = plain ? put(text, n, entry, length) : kind == 2 ? put(text, n, &byte, 1) : put(text, n, letter, strlen(letter));
    }
    return n;
}

typedef struct {
    int32_t ids[TEXT_BYTES_MAX * 2];
    int64_t n;
} Ids;
typedef void (*Plain)(const Tokenizer *tok, const int32_t *table, const char *text, size_t n, Ids *out);

/* rank + 1 of each pair of ids; 0: may not merge. */
static int32_t *rank_table(const Tokenizer *tok)
{
    size_t n = (size_t)tok->vocab.n_ids;
    int32_t *table = calloc(n * n, sizeof *table);
    for (int64_t r = tok->n_rules; r-- > 0;)
        table[(size_t)tok->rules[r].left * n + (size_t)tok->rules[r].right] = (int32_t)r + 1;
    return table;
}

static void merge_plain(const Tokenizer *tok, const int32_t *table, Ids *out)
{
    size_t n_ids = (size_t)tok->vocab.n_ids;
    for (;;) {
        int32_t best = INT32_MAX;
        int64_t at = -1;
        for (int64_t i = 0; i + 1 < out->n; i++) {
            int32_t rank = table[(size_t)out->ids[i] * n_ids + (size_t)out->ids[i + 1]];
            if (rank > 0 && rank < best) {
                best = rank;
                at = i;
            }
        }
        if (at < 0)
            return;
        out->ids[at] = tok->rules[best - 1].merged;
        memmove(out->ids + at + 1, out->ids + at + 2, (size_t)(out->n - at - 2) * sizeof *out->ids);
        out->n--;
    }
}

static void plain_byte_bpe(const Tokenizer *tok, const int32_t *table, const char *text, size_t n, Ids *out)
{
    for (size_t i = 0; i < n; i++)
        out->ids[out->n++] = tok->byte_id[(unsigned char)text[i]];
    merge_plain(tok, table, out);
}

static size_t char_length(const char *text)
{
    unsigned char c = (unsigned char)*text;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : 3;
}

/* The last character wears </w>; what has no token is unk. */
static void plain_char_bpe(const Tokenizer *tok, const int32_t *table, const char *text, size_t n, Ids *out)
{
    for (size_t at = 0, length; at < n; at += length) {
        char symbol[16] = {0};
        length = char_length(text + at);
        memcpy(symbol, text + at, length);
        if (at + length == n)
            strcat(symbol, "</w>");
        int32_t id = vocab_find_text(&tok->vocab, symbol);
        out->ids[out->n++] = id >= 0 ? id : tok->unk_id;
    }
    merge_plain(tok, table, out);
}

static void plain_wordpiece(const Tokenizer *tok, const int32_t *table, const char *text, size_t n, Ids *out)
{
    (void)table;
    for (size_t at = 0, end; at < n; at = end) {
        char piece[TEXT_BYTES_MAX + 8] = "##";
        size_t n_prefix = at ? 2 : 0;
        int32_t id = -1;
        memcpy(piece + n_prefix, text + at, n - at);
        for (end = n; end > at && id < 0; end -= id < 0)
            if (end == n || ((unsigned char)text[end] & 0xC0) != 0x80)
                id = vocab_find(&tok->vocab, piece, n_prefix + end - at);
        if (id < 0) {
            out->n = 0;
            out->ids[out->n++] = tok->unk_id;
            return;
        }
        out->ids[out->n++] = id;
    }
    size_t n_chars = 0;
    for (size_t i = 0; i < n; i++)
        n_chars += ((unsigned char)text[i] & 0xC0) != 0x80;
    if ((int64_t)n_chars > tok->max_word_chars)
        out->ids[0] = tok->unk_id, out->n = 1;
}

/* For each end all starts; sums in double, a later equal does not win. The text stands behind a mark for its first space. */
static void plain_unigram(const Tokenizer *tok, const int32_t *table, const char *text, size_t n_text, Ids *out)
{
    (void)table;
    enum { MARK_BYTES = 3 };
    char marked[TEXT_BYTES_MAX + MARK_BYTES + 1];
    size_t n = n_text + MARK_BYTES;
    memcpy(marked, "\u2581", MARK_BYTES);
    memcpy(marked + MARK_BYTES, text, n_text);
    double best[TEXT_BYTES_MAX + MARK_BYTES + 1] = {0.0}, unknown = tok->unigram->min_score - 10.0;
    int32_t id_at[TEXT_BYTES_MAX + MARK_BYTES + 1];
    size_t from[TEXT_BYTES_MAX + MARK_BYTES + 1];
    for (size_t end = 1; end <= n; end++) {
        best[end] = -INFINITY;
        for (size_t start = end > 64 ? end - 64 : 0; start < end; start++) {
            if (best[start] == -INFINITY || ((unsigned char)marked[start] & 0xC0) == 0x80)
                continue;
            int32_t id = vocab_find(&tok->vocab, marked + start, end - start);
            if (id >= 0 && tok->unigram->hidden && tok->unigram->hidden[id])
                id = -1;
            bool is_char = end - start == char_length(marked + start);
            if (id < 0 && !is_char)
                continue;
            double score = best[start] + (id >= 0 ? tok->unigram->scores[id] : unknown);
            if (score > best[end]) {
                best[end] = score;
                id_at[end] = id >= 0 ? id : tok->unk_id;
                from[end] = start;
            }
        }
    }
    Ids back = {.n = 0};
    for (size_t end = n; end > 0; end = from[end])
        if (id_at[end] != tok->unk_id || back.n == 0 || back.ids[back.n - 1] != tok->unk_id)
            back.ids[back.n++] = id_at[end];
    while (back.n > 0)
        out->ids[out->n++] = back.ids[--back.n];
}

/* Returns how many texts differ. */
static int64_t compare(TokenizerType type, Plain plain, int64_t n_texts)
{
    Arena *arena = arena_new();
    int64_t n_wrong = 0;
    for (uint64_t v = 0; (int64_t)v * VOCABULARY_TEXTS < n_texts; v++) {
        Tokenizer *tok = noise_tokenizer(type, v * 977 + (uint64_t)type);
        int32_t *table = tok->rules ? rank_table(tok) : NULL;
        Dice dice = {v + 1000};
        for (int64_t i = 0; i < n_texts && i < VOCABULARY_TEXTS; i++) {
            char text[TEXT_BYTES_MAX];
            Ids want = {.n = 0};
            size_t n = random_text(tok, &dice, type == TOKENIZER_BYTE_BPE, text);
            plain(tok, table, text, n, &want);
            TokenSpan got = tokenizer_encode(tok, arena, text, n);
            bool same = got.n == want.n && memcmp(got.ids, want.ids, (size_t)got.n * sizeof *got.ids) == 0;
            if (!same && n_wrong++ == 0)
                test_note("vocabulary %d, text %lld: \"%.*s\"", (int)v, (long long)i, (int)n, text);
            arena_reset(arena);
        }
        free(table);
        tokenizer_free(tok);
    }
    arena_free(arena);
    return n_wrong;
}

TEST(encode_plain, families_encode_by_their_rules)
{
    CHECK_EQUAL(compare(TOKENIZER_BYTE_BPE, plain_byte_bpe, N_FAST), 0);
    CHECK_EQUAL(compare(TOKENIZER_CHAR_BPE, plain_char_bpe, N_FAST), 0);
    CHECK_EQUAL(compare(TOKENIZER_WORDPIECE, plain_wordpiece, N_FAST), 0);
    CHECK_EQUAL(compare(TOKENIZER_UNIGRAM, plain_unigram, N_FAST), 0);
}

SLOW_TEST(encode_plain, byte_bpe_millions_of_times)
{
    CHECK_EQUAL(compare(TOKENIZER_BYTE_BPE, plain_byte_bpe, N_SLOW), 0);
}

SLOW_TEST(encode_plain, char_bpe_millions_of_times)
{
    CHECK_EQUAL(compare(TOKENIZER_CHAR_BPE, plain_char_bpe, N_SLOW), 0);
}

SLOW_TEST(encode_plain, wordpiece_millions_of_times)
{
    CHECK_EQUAL(compare(TOKENIZER_WORDPIECE, plain_wordpiece, N_SLOW), 0);
}

SLOW_TEST(encode_plain, unigram_millions_of_times)
{
    CHECK_EQUAL(compare(TOKENIZER_UNIGRAM, plain_unigram, N_SLOW), 0);
}
