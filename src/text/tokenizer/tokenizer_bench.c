/* tokenizer_bench.c - encoding rates, cold: a tokenizer and a text given by JIKJI_BENCH_TOKENIZER and JIKJI_BENCH_TEXT, or ones made here.
 * bench/peers/tokenizer_speed.py runs it beside the other libraries. */
#include "text/tokenizer/tokenizer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

/* Seconds for one encoding by a tokenizer that has not seen the text. */
static double encode_once(const char *path, const char *text, size_t n, int64_t *n_ids)
{
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_load(&tok, path));
    Arena *arena = arena_new();
    tokenizer_encode(tok, arena, "a", 1);  /* tables that are made once */
    arena_reset(arena);
    double start = clock_seconds();
    TokenSpan ids = tokenizer_encode(tok, arena, text, n);
    double seconds = clock_seconds() - start;
    *n_ids = ids.n;
    arena_free(arena);
    tokenizer_free(tok);
    return seconds;
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
    const char *path = getenv("JIKJI_BENCH_TOKENIZER"), *file = getenv("JIKJI_BENCH_TEXT");
    Arena *arena = arena_new();
    const char *text = "the cat sat on the mat, 나는 학교에 갔다.\n";
    size_t n = strlen(text);
    if (file && test_bench_full())
        REQUIRE_OK(file_read(&text, &n, arena, file));
    if (!path || !test_bench_full())
        path = make_tokenizer();
    for (int round = 0; round < (test_bench_full() ? 3 : 1); round++) {
        int64_t n_ids = 0;
        double seconds = encode_once(path, text, n, &n_ids);
        if (test_bench_full())
            printf("encode %.1f MB/s, %lld ids\n", (double)n / seconds / 1e6, (long long)n_ids);
    }
    arena_free(arena);
}
