/* pipeline_split_test.c - from text to shards without stages: nothing lost, the split is what it says, threads cannot show. */
#include "base/file.h"
#include "base/parallel.h"
#include "base/test.h"
#include "text/corpus/pipeline.h"
#include "text/corpus/shard.h"
#include "text/corpus/synth_write.h"

#include <string.h>

static Tokenizer *byte_tokenizer(void)
{
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 300;
    options.quiet = true;
    const char *text = "어느 날 아침이었다. One day the sun was warm. 어느 날 아침이었다.";
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_train_text(&tok, &options, text, strlen(text)));
    return tok;
}

static const char *write_world(Arena *arena, const char *name, int64_t n_bytes)
{
    const char *path = arena_printf(arena, "%s/%s", test_dir(), name);
    SynthOptions options = {.seed = 2};
    SynthReport report;
    CHECK_OK(synth_write(&report, &options, n_bytes, path));
    return path;
}

/* The text of all documents of a shard, decoded, one after another. */
static const char *decode_shard(Arena *arena, const Tokenizer *tok, const char *prefix, size_t *n_bytes)
{
    Shard *shard;
    *n_bytes = 0;
    if (!CHECK_OK(shard_open(&shard, prefix)))
        return "";
    int64_t n = shard_n_tokens(shard);
    int32_t *ids = ARENA_ARRAY(arena, int32_t, n);
    shard_read(shard, 0, n, ids);
    TokenText text = tokenizer_decode(tok, arena, ids, n, false);
    *n_bytes = text.n_bytes;
    shard_free(shard);
    return text.bytes;
}

static PipelineOptions options_of(const char *const *path, const Tokenizer *tok)
{
    PipelineOptions options = pipeline_options_default();
    options.inputs = path, options.n_inputs = 1;
    options.tokenizer = tok;
    options.split = 0.9;
    options.write_documents = false;
    return options;
}

static Err build(PipelineReport *report, Arena *arena, PipelineOptions *options)
{
    TRY(comm_open(&options->group, COMM_ALONE));
    Err err = pipeline_run(report, arena, options);
    comm_close(options->group);
    return err;
}

/* Goal: by position, train and val together are the text, in order, cut at the stated share. */
TEST(pipeline_split, by_position_nothing_is_lost)
{
    Arena *arena = arena_new();
    Tokenizer *tok = byte_tokenizer();
    REQUIRE(tok != NULL);
    const char *path = write_world(arena, "world.txt", 60000), *whole;
    size_t n_whole, n_train, n_val;
    REQUIRE_OK(file_read(&whole, &n_whole, arena, path));
    PipelineOptions options = options_of(&path, tok);
    options.split_by = SPLIT_BY_POSITION;
    options.out = arena_printf(arena, "%s/shards", test_dir());
    PipelineReport report;
    REQUIRE_OK(build(&report, arena, &options));
    const char *train = decode_shard(arena, tok, arena_printf(arena, "%s/train", options.out), &n_train);
    const char *val = decode_shard(arena, tok, arena_printf(arena, "%s/val", options.out), &n_val);
    CHECK_EQUAL(n_train + n_val, n_whole);
    CHECK(memcmp(train, whole, n_train) == 0 && memcmp(val, whole + n_train, n_val) == 0);
    CHECK((double)n_train <= 0.9 * (double)n_whole && (double)n_train > 0.9 * (double)n_whole - 4);
    CHECK_EQUAL(report.n_side_bytes[0], n_train);

    PipelineReport again;
    REQUIRE_OK(build(&again, arena, &options));
    CHECK(again.up_to_date && again.n_tokens[0] == report.n_tokens[0] && again.n_tokens[1] == report.n_tokens[1]);
    options.split = 0.8;
    REQUIRE_OK(build(&again, arena, &options));
    CHECK(!again.up_to_date);
    tokenizer_free(tok);
    arena_free(arena);
}

/* Goal: by hash each document goes whole to one side, about a tenth to validation, and the bytes of the shards are the same for 1 and 4
 * threads. */
TEST(pipeline_split, by_hash_documents_stay_whole_and_threads_cannot_show)
{
    Arena *arena = arena_new();
    Tokenizer *tok = byte_tokenizer();
    REQUIRE(tok != NULL);
    const char *path = write_world(arena, "world.jsonl.zst", 400000);
    PipelineOptions options = options_of(&path, tok);
    int n_threads = parallel_threads();
    uint64_t hashes[2][2];
    PipelineReport report;
    for (int i = 0; i < 2; i++) {
        parallel_set_threads(i == 0 ? 1 : 4);
        options.out = arena_printf(arena, "%s/%d", test_dir(), i);
        REQUIRE_OK(build(&report, arena, &options));
        for (int side = 0; side < 2; side++)
            REQUIRE_OK(file_hash(&hashes[i][side], arena_printf(arena, "%s/%s.bin", options.out, side ? "val" : "train")));
    }
    parallel_set_threads(n_threads);
    CHECK_EQUAL(hashes[0][0], hashes[1][0]);
    CHECK_EQUAL(hashes[0][1], hashes[1][1]);

    DocumentReader *reader;
    DocumentOptions how = document_options_default();
    REQUIRE_OK(document_reader_open(&reader, path, &how));
    Document document;
    Err err;
    while (document_reader_next(reader, &document, &err))
        continue;
    int64_t n = document_reader_counts(reader)->n_documents, n_bytes = document_reader_counts(reader)->n_text_bytes;
    document_reader_free(reader);
    CHECK_EQUAL(report.n_documents[0] + report.n_documents[1], n);
    CHECK_EQUAL(report.n_side_bytes[0] + report.n_side_bytes[1], n_bytes);
    CHECK(report.n_documents[1] > n / 20 && report.n_documents[1] < n / 6);
    bool has_sum;
    CHECK_OK(shard_check_sum(arena_printf(arena, "%s/train", options.out), &has_sum));
    CHECK(has_sum);
    tokenizer_free(tok);
    arena_free(arena);
}

/* Goal: drawn cuts decode to the same texts, by seed and not by threads; the validation side keeps the best cuts. */
TEST(pipeline_split, dropout_draws_the_train_side_by_its_seed)
{
    Arena *arena = arena_new();
    Tokenizer *tok = byte_tokenizer();
    REQUIRE(tok != NULL);
    const char *path = write_world(arena, "world.jsonl.zst", 200000);
    PipelineOptions options = options_of(&path, tok);
    const struct {
        double dropout;
        uint64_t seed;
        int threads;
    } of[] = {{0.0, 1, 2}, {0.3, 1, 1}, {0.3, 1, 4}, {0.3, 2, 2}};
    enum { N = sizeof of / sizeof of[0] };
    int n_threads = parallel_threads();
    uint64_t train[N], val[N], tokens[N];
    const char *texts[N];
    size_t n_bytes[N];
    for (int i = 0; i < N; i++) {
        parallel_set_threads(of[i].threads);
        options.sampling = (TokenizerSampling){.dropout = of[i].dropout, .seed = of[i].seed};
        options.out = arena_printf(arena, "%s/%d", test_dir(), i);
        PipelineReport report;
        REQUIRE_OK(build(&report, arena, &options));
        tokens[i] = (uint64_t)report.n_tokens[0];
        REQUIRE_OK(file_hash(&train[i], arena_printf(arena, "%s/train.bin", options.out)));
        REQUIRE_OK(file_hash(&val[i], arena_printf(arena, "%s/val.bin", options.out)));
        texts[i] = decode_shard(arena, tok, arena_printf(arena, "%s/train", options.out), &n_bytes[i]);
    }
    parallel_set_threads(n_threads);
    CHECK(tokens[1] > tokens[0] && train[1] == train[2] && train[1] != train[3]);
    for (int i = 1; i < N; i++)
        CHECK(val[i] == val[0] && n_bytes[i] == n_bytes[0] && memcmp(texts[i], texts[0], n_bytes[0]) == 0);

    PipelineReport again;
    options.sampling.seed = 3;
    REQUIRE_OK(build(&again, arena, &options));
    CHECK(!again.up_to_date);
    options.sampling = (TokenizerSampling){.draws_cut = true, .alpha = 0.5};
    CHECK_EQUAL(build(&again, arena, &options), ERR_USAGE);  /* merges have no probability */
    tokenizer_free(tok);
    arena_free(arena);
}

TEST(pipeline_split, no_documents_is_an_error_and_leaves_no_shards)
{
    Arena *arena = arena_new();
    Tokenizer *tok = byte_tokenizer();
    REQUIRE(tok != NULL);
    const char *path = arena_printf(arena, "%s/bad.jsonl", test_dir());
    REQUIRE_OK(file_write(path, "{\"text\":\n{\"x\":1}\n", 17));
    PipelineOptions options = options_of(&path, tok);
    options.out = arena_printf(arena, "%s/shards", test_dir());
    PipelineReport report;
    CHECK(build(&report, arena, &options) == ERR_FORMAT);
    CHECK(strstr(err_message(), "bad.jsonl:1:") != NULL);
    CHECK(!file_exists(arena_printf(arena, "%s/train.bin", options.out)));
    tokenizer_free(tok);
    arena_free(arena);
}
