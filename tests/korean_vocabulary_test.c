/* korean_vocabulary_test.c - a vocabulary of Korean and English on Korean that it has not seen. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/document.h"
#include "text/tokenizer/tokenizer.h"

#include <stdio.h>

typedef struct {
    const char *relative, *field;
    bool korean;
} Set;
static const Set sets[] = {
    {"ko-nsmc/reviews.tsv.zst", "document", true},         {"ko-law/laws.jsonl.zst", "text", true},
    {"ko-rust-book/chapters.jsonl.zst", "text", true},     {"en-c4-wiki-demo/c4_demo.jsonl.zst", "text", false},
    {"en-c4-wiki-demo/wiki_demo.txt.zst", "text", false},  {"en-us-speeches/inaugural.jsonl.zst", "text", false},
    {"en-us-speeches/state_union.jsonl.zst", "text", false}, {"en-wikitext-2/test.txt.zst", "text", false},
    {"en-wikitext-2/valid.txt.zst", "text", false},        {"en-lambada/lambada_test.jsonl.zst", "text", false},
};
enum { N_SETS = sizeof sets / sizeof sets[0] };

/* One Korean document in twenty, chosen by its hash, is for the test: a document that is there twice never stands on both sides. */
static bool is_held_out(const Set *set, const Document *document)
{
    return set->korean && hash_bytes(document->text, document->n_bytes) % 20 == 0;
}

typedef struct {
    Arena *arena;
    int at;
    DocumentReader *reader;
} Reading;

static Err open_set(Reading *reading)
{
    DocumentOptions options = document_options_default();
    options.field = sets[reading->at].field;
    return document_reader_open(&reading->reader, arena_printf(reading->arena, "%s/%s", test_data_dir(), sets[reading->at].relative), &options);
}

static Err next_training(void *context, const char **text, size_t *n_bytes)
{
    Reading *reading = context;
    for (*text = NULL; reading->at < N_SETS; reading->at++) {
        Document document;
        Err err = OK;
        if (!reading->reader)
            TRY(open_set(reading));
        while (document_reader_next(reading->reader, &document, &err))
            if (!is_held_out(&sets[reading->at], &document)) {
                *text = document.text;
                *n_bytes = document.n_bytes;
                return OK;
            }
        document_reader_free(reading->reader);
        reading->reader = NULL;
        TRY(err);
    }
    return OK;
}

/* White-space words. */
static int64_t count_eojeol(const char *text, size_t n)
{
    int64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (i == 0 || strchr(" \t\r\n", text[i - 1])) && !strchr(" \t\r\n", text[i]);
    return count;
}

/* Goal: at most 2.0 tokens an eojeol, and every text comes back. Method: 64,000 tokens of byte-level BPE under o200k's pattern, from all Korean and
 * English text but one Korean document in twenty. */
SLOW_TEST(korean_vocabulary, held_out_korean_takes_two_tokens_an_eojeol)
{
    if (!test_data_dir())
        SKIP("no shared data");
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 64000;
    options.pattern = "o200k";
    options.quiet = true;
    Reading reading = {.arena = arena_new()};
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_train(&tok, &options, (TokenizerSource){next_training, &reading}));
    Arena *arena = arena_new();
    int64_t n_tokens_all = 0, n_eojeol_all = 0, n_wrong = 0, n_documents = 0;
    for (reading.at = 0; reading.at < N_SETS && sets[reading.at].korean; reading.at++) {
        REQUIRE_OK(open_set(&reading));
        int64_t n_tokens = 0, n_eojeol = 0;
        Document document;
        Err err = OK;
        while (document_reader_next(reading.reader, &document, &err)) {
            if (!is_held_out(&sets[reading.at], &document))
                continue;
            TokenSpan ids = tokenizer_encode(tok, arena, document.text, document.n_bytes);
            TokenText back = tokenizer_decode(tok, arena, ids.ids, ids.n, true);
            n_wrong += back.n_bytes != document.n_bytes || memcmp(back.bytes, document.text, back.n_bytes) != 0;
            n_tokens += ids.n;
            n_eojeol += count_eojeol(document.text, document.n_bytes);
            n_documents++;
            arena_reset(arena);
        }
        CHECK(err == OK);
        document_reader_free(reading.reader);
        test_note("%s: %.3f tokens an eojeol", sets[reading.at].relative, (double)n_tokens / (double)n_eojeol);
        n_tokens_all += n_tokens;
        n_eojeol_all += n_eojeol;
    }
    test_note("all: %.3f tokens an eojeol, %lld documents", (double)n_tokens_all / (double)n_eojeol_all, (long long)n_documents);
    CHECK(n_documents > 30000);
    CHECK((double)n_tokens_all <= 2.0 * (double)n_eojeol_all);
    CHECK_EQUAL(n_wrong, 0);
    tokenizer_free(tok);
    arena_free(arena);
    arena_free(reading.arena);
}
