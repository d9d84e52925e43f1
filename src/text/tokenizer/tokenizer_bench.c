/* tokenizer_bench.c - encoding rates, cold: a tokenizer and a text given by JIKJI_BENCH_TOKENIZER and JIKJI_BENCH_TEXT, or ones made here.
 * bench/peers/tokenizer_speed.py runs it beside the other libraries. */
#include "text/tokenizer/tokenizer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DOCUMENT_BYTES = 4096 };

/* Of this process: what else the machine does counts less. */
static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

typedef struct {
    double seconds;
    int64_t n_ids;
    uint64_t checksum;  /* of all ids in order: sum of (id + 1) * place, places from 1 */
} Encoded;

/* One encoding, by a tokenizer that has not seen the text: documents that end at the first line end behind so many bytes. */
static Encoded encode_cold(const char *path, const char *text, size_t n, size_t document_bytes)
{
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_load(&tok, path));
    Arena *arena = arena_new();
    tokenizer_encode(tok, arena, "a", 1);  /* tables that are made once */
    arena_reset(arena);
    Encoded encoded = {0};
    for (size_t begin = 0, end; begin < n; begin = end) {
        end = begin + document_bytes < n ? begin + document_bytes : n;
        const char *line_end = memchr(text + end, '\n', n - end);
        end = line_end ? (size_t)(line_end - text) + 1 : n;
        double start = processor_seconds();
        TokenSpan ids = tokenizer_encode(tok, arena, text + begin, end - begin);
        encoded.seconds += processor_seconds() - start;
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
    const char *document = getenv("JIKJI_BENCH_DOCUMENT_BYTES");
    size_t document_bytes = document ? strtoull(document, NULL, 10) : DOCUMENT_BYTES;
    Arena *arena = arena_new();
    const char *text = "the cat sat on the mat, 나는 학교에 갔다.\n";
    size_t n = strlen(text);
    if (file && test_bench_full())
        REQUIRE_OK(file_read(&text, &n, arena, file));
    if (!path || !test_bench_full())
        path = make_tokenizer();
    for (int round = 0; round < (!test_bench_full() ? 1 : rounds ? atoi(rounds) : 3); round++) {
        Encoded encoded = encode_cold(path, text, n, document_bytes);
        if (test_bench_full())
            printf("encode %.2f MB/s, %lld ids, checksum %llu\n", (double)n / encoded.seconds / 1e6, (long long)encoded.n_ids,
                   (unsigned long long)encoded.checksum);
    }
    arena_free(arena);
}
