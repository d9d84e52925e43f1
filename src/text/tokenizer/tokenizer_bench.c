/* tokenizer_bench.c - encoding rates, cold: a tokenizer and a text given by JIKJI_BENCH_TOKENIZER and JIKJI_BENCH_TEXT, or ones made here.
 * bench/peers/tokenizer_speed.py runs it beside the other libraries. */
#include "text/tokenizer/tokenizer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { DOCUMENT_BYTES = 4096 };

typedef struct {
    double seconds;
    int64_t n_ids;
    uint64_t checksum;  /* of all ids in order: sum of (id + 1) * place, places from 1 */
} Encoded;

/* One encoding, by a tokenizer that has not seen the text: documents that end at the first line end behind 4 KiB. */
static Encoded encode_cold(const char *path, const char *text, size_t n)
{
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_load(&tok, path));
    Arena *arena = arena_new();
    tokenizer_encode(tok, arena, "a", 1);  /* tables that are made once */
    arena_reset(arena);
    Encoded encoded = {0};
    for (size_t begin = 0, end; begin < n; begin = end) {
        end = begin + DOCUMENT_BYTES < n ? begin + DOCUMENT_BYTES : n;
        const char *line_end = memchr(text + end, '\n', n - end);
        end = line_end ? (size_t)(line_end - text) + 1 : n;
        double start = clock_seconds();
        TokenSpan ids = tokenizer_encode(tok, arena, text + begin, end - begin);
        encoded.seconds += clock_seconds() - start;
        for (int64_t i = 0; i < ids.n; i++)
            encoded.checksum += ((uint64_t)ids.ids[i] + 1) * (uint64_t)++encoded.n_ids;
        arena_reset(arena);
    }
    arena_free(arena);
    tokenizer_free(tok);
    return encoded;
}

static const char *make_tokenizer(void)
{
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 300;
    options.quiet = true;
    Tokenizer *tok = NULL;
    const char text[] = "the cat sat on the mat, 나는 학교에 갔다. the cat ate";
    CHECK_OK(tokenizer_train_text(&tok, &options, text, sizeof text - 1));
    CHECK_OK(tokenizer_save(tok, test_dir()));
    tokenizer_free(tok);
    return test_dir();
}

BENCH(tokenizer, encode)
{
    const char *path = getenv("JIKJI_BENCH_TOKENIZER"), *file = getenv("JIKJI_BENCH_TEXT"), *rounds = getenv("JIKJI_BENCH_ROUNDS");
    Arena *arena = arena_new();
    const char *text = "the cat sat on the mat, 나는 학교에 갔다.\n";
    size_t n = strlen(text);
    if (file && test_bench_full())
        REQUIRE_OK(file_read(&text, &n, arena, file));
    if (!path || !test_bench_full())
        path = make_tokenizer();
    for (int round = 0; round < (!test_bench_full() ? 1 : rounds ? atoi(rounds) : 3); round++) {
        Encoded encoded = encode_cold(path, text, n);
        if (test_bench_full())
            printf("encode %.2f MB/s, %lld ids, checksum %llu\n", (double)n / encoded.seconds / 1e6, (long long)encoded.n_ids,
                   (unsigned long long)encoded.checksum);
    }
    arena_free(arena);
}
