/* curriculum_tokens_test.c - the two token examples of the curriculum, by the published algorithms: its own listing loses base symbols that
 * training merged away, merges at the first place a symbol stands instead of where the pair does, and writes a space only for a lone </w>. */
#include "base/test.h"
#include "text/tokenizer/bpe.h"
#include "text/tokenizer/bpe_train.h"
#include "text/tokenizer/tokenizer.h"

#include <stdio.h>

/* Golden G15: 20 base symbols and 30 merges of "hello world", "hello there", "world wide web", "machine learning is fun", "deep learning models",
 * ties to the pair seen first. */
static const char *const base_symbols[] = {"h", "e", "l", "o", "</w>", "w", "r", "d", "t", "i", "b", "m", "a", "c", "n", "g", "s", "f", "u", "p"};
static const char *const merges[][2] = {
    {"h", "e"},   {"e", "</w>"},    {"i", "n"},      {"he", "l"},         {"hel", "l"}, {"hell", "o"}, {"hello", "</w>"}, {"w", "o"},
    {"wo", "r"},  {"wor", "l"},     {"worl", "d"},   {"world", "</w>"},   {"l", "e"},   {"le", "a"},   {"lea", "r"},      {"lear", "n"},
    {"learn", "in"}, {"learnin", "g"}, {"learning", "</w>"}, {"s", "</w>"}, {"d", "e"}, {"t", "he"},   {"the", "r"},      {"ther", "e</w>"},
    {"w", "i"},   {"wi", "d"},      {"wid", "e</w>"}, {"w", "e"},         {"we", "b"},  {"web", "</w>"},
};
enum { N_BASE = sizeof base_symbols / sizeof base_symbols[0], N_MERGES = sizeof merges / sizeof merges[0] };

/* The same as a tokenizer.json: symbols and merges, </w> for a space. */
static Tokenizer *toy(void)
{
    Arena *arena = arena_new();
    const char *vocab = "", *list = "";
    for (int i = 0; i < N_BASE; i++)
        vocab = arena_printf(arena, "%s\"%s\": %d, ", vocab, base_symbols[i], i);
    for (int i = 0; i < N_MERGES; i++) {
        vocab = arena_printf(arena, "%s\"%s%s\": %d%s", vocab, merges[i][0], merges[i][1], N_BASE + i, i + 1 < N_MERGES ? ", " : "");
        list = arena_printf(arena, "%s[\"%s\", \"%s\"]%s", list, merges[i][0], merges[i][1], i + 1 < N_MERGES ? ", " : "");
    }
    const char *json = arena_printf(arena, "{\"decoder\": {\"type\": \"BPEDecoder\", \"suffix\": \"</w>\"}, \"model\": {\"type\": \"BPE\", \"vocab\": {%s}, "
                                           "\"merges\": [%s]}}", vocab, list);
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_load_json(&tok, "G15", json, strlen(json)));
    arena_free(arena);
    return tok;
}

/* Encodes white-space words, each followed by </w>. */
static int64_t encode_words(const Tokenizer *tok, const BpeMerges *table, const char *text, int32_t *ids)
{
    BpeScratch scratch = {0};
    int64_t n = 0;
    for (const char *at = text; *at;) {
        BpeSymbol symbols[64];
        size_t n_symbols = 0;
        for (; *at && *at != ' '; at++) {
            char letter[2] = {*at, 0};
            symbols[n_symbols++] = (BpeSymbol){tokenizer_id_of(tok, letter), 0, 0};
        }
        at += *at == ' ';
        symbols[n_symbols++] = (BpeSymbol){tokenizer_id_of(tok, "</w>"), 0, 0};
        n_symbols = bpe_merge(table, &scratch, symbols, n_symbols);
        for (size_t i = 0; i < n_symbols; i++)
            ids[n++] = symbols[i].id;
    }
    bpe_scratch_release(&scratch);
    return n;
}

TEST(curriculum_tokens, the_toy_merges_give_the_golden_pieces)
{
    Tokenizer *tok = toy();
    REQUIRE(tok != NULL);
    CHECK_EQUAL(tokenizer_vocab_size(tok), N_BASE + N_MERGES);
    BpeMerges table;
    bpe_merges_init(&table, N_MERGES);
    for (int i = 0; i < N_MERGES; i++)
        bpe_merges_put(&table, tokenizer_id_of(tok, merges[i][0]), tokenizer_id_of(tok, merges[i][1]), (uint32_t)i, N_BASE + i);
    static const char *const want[] = {"hello</w>", "de", "e", "p", "</w>", "learning</w>", "world</w>"};
    int32_t ids[64];
    int64_t n = encode_words(tok, &table, "hello deep learning world", ids);
    CHECK_EQUAL(n, 7);
    for (int64_t i = 0; i < n && i < 7; i++)
        CHECK_STRING(tokenizer_text_of(tok, ids[i]), want[i]);
    Arena *arena = arena_new();
    CHECK_STRING(tokenizer_decode(tok, arena, ids, n, false).bytes, "hello deep learning world");
    /* symbols that the listing would have lost, because training merged every one of them away */
    n = encode_words(tok, &table, "gel hog", ids);
    CHECK_STRING(tokenizer_decode(tok, arena, ids, n, false).bytes, "gel hog");
    arena_free(arena);
    bpe_merges_release(&table);
    tokenizer_free(tok);
}

/* The toy corpus counted: the best pairs of the first merges, whatever breaks ties, have the counts that the listing found. Ours breaks ties by the
 * smaller pair of ids, so its first three merges are the golden's first three when ids follow first sight. */
TEST(curriculum_tokens, training_begins_with_the_golden_merges)
{
    static const char *const words[] = {"hello", "world", "there", "wide", "web", "machine", "learning", "is", "fun", "deep", "models"};
    static const int64_t counts[] = {2, 2, 1, 1, 1, 1, 2, 1, 1, 1, 1};
    enum { N_WORDS = sizeof words / sizeof words[0] };
    Tokenizer *tok = tokenizer_new(MODEL_BPE, "toy");
    for (int i = 0; i < N_BASE; i++)
        REQUIRE_OK(vocab_add(&tok->vocab, i, base_symbols[i], strlen(base_symbols[i])));
    BpeCorpus corpus = bpe_corpus_new(N_WORDS, 200);
    uint64_t at = 0;
    for (int w = 0; w < N_WORDS; w++) {
        corpus.begin[w] = at;
        corpus.count[w] = counts[w];
        for (const char *c = words[w]; *c; c++) {
            char letter[2] = {*c, 0};
            corpus.symbols[at++] = tokenizer_id_of(tok, letter);
        }
        corpus.symbols[at++] = tokenizer_id_of(tok, "</w>");
        corpus.length[w] = (uint32_t)(at - corpus.begin[w]);
    }
    BpeTrainOptions options = {.vocab_size = N_BASE + N_MERGES, .quiet = true};
    REQUIRE_OK(bpe_train(tok, &corpus, &options));
    CHECK_EQUAL(tok->n_rules, N_MERGES);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(tokenizer_id_of(tok, merges[i][0]) == tok->rules[i].left && tokenizer_id_of(tok, merges[i][1]) == tok->rules[i].right, 1);
    for (int i = 0; i < N_BASE; i++)
        CHECK_EQUAL(tokenizer_id_of(tok, base_symbols[i]), i);  /* no base symbol is lost */
    static const char *const whole[] = {"hello</w>", "world</w>", "learning</w>"};
    for (int i = 0; i < 3; i++)
        CHECK(tokenizer_id_of(tok, whole[i]) >= N_BASE);
    bpe_corpus_release(&corpus);
    tokenizer_free(tok);
}
