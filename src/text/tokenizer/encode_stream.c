/* encode_stream.c - texts that are many (over threads) or long (in parts). */
#include "text/tokenizer/sampling.h"
#include "text/tokenizer/text_cut.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_PART_BYTES = 1 << 16, ENCODER_BYTES = 1 << 20 };

/* Texts [begin[i], begin[i + 1]) are the work of one thread at a time. */
typedef struct {
    const Tokenizer *tok;
    const TokenText *texts;
    TokenSpan *spans;  /* in the arenas of the threads */
    int64_t *begin;
    Arena **arenas;
    int flags;
    const TokenizerSampling *sampling;  /* NULL: the one best encoding */
    uint64_t first_number;
} Batch;

static void encode_part(void *context, int64_t part)
{
    Batch *batch = context;
    Arena *arena = batch->arenas[parallel_thread_index()];
    for (int64_t i = batch->begin[part]; i < batch->begin[part + 1]; i++) {
        const TokenText *text = &batch->texts[i];
        if (batch->sampling)
            batch->spans[i] = tokenizer_encode_sampled(batch->tok, arena, text->bytes, text->n_bytes, batch->flags, batch->sampling,
                                                       batch->first_number + (uint64_t)i, NULL);
        else
            batch->spans[i] = tokenizer_encode_with(batch->tok, arena, text->bytes, text->n_bytes, batch->flags, NULL);
    }
}

void tokenizer_encode_sampled_batch(const Tokenizer *tok, Arena *arena, const TokenText *texts, int64_t n, int flags,
                                    const TokenizerSampling *sampling, uint64_t first_number, TokenSpan *spans)
{
    int n_threads = parallel_threads();
    Batch batch = {tok, texts, spans, mem_alloc((size_t)(n + 1) * sizeof(int64_t)), mem_alloc((size_t)n_threads * sizeof(Arena *)), flags,
                   sampling, first_number};
    int64_t n_parts = 0;
    size_t n_bytes = 0;
    for (int64_t i = 0; i < n; i++) {
        n_bytes += texts[i].n_bytes;
        if (n_bytes >= BATCH_PART_BYTES || i + 1 == n) {
            batch.begin[++n_parts] = i + 1;
            n_bytes = 0;
        }
    }
    for (int i = 0; i < n_threads; i++)
        batch.arenas[i] = arena_new();
    parallel_for(n_parts, encode_part, &batch);
    for (int64_t i = 0; i < n; i++) {
        int32_t *ids = ARENA_ARRAY(arena, int32_t, spans[i].n);
        if (spans[i].n)
            memcpy(ids, spans[i].ids, (size_t)spans[i].n * sizeof *ids);
        spans[i].ids = ids;
    }
    for (int i = 0; i < n_threads; i++)
        arena_free(batch.arenas[i]);
    free(batch.arenas);
    free(batch.begin);
}

void tokenizer_encode_batch(const Tokenizer *tok, Arena *arena, const TokenText *texts, int64_t n, int flags, TokenSpan *spans)
{
    tokenizer_encode_sampled_batch(tok, arena, texts, n, flags, NULL, 0, spans);
}

struct TokenEncoder {
    const Tokenizer *tok;
    int flags;
    TextCut cut;
    EncodeScratch *scratch;
    char *held;
    size_t n_held, capacity;
    size_t searched;  /* no cut lies before it */
    bool is_begun;
    TokenBuffer out;
};

/* An added token that holds a space, or takes those beside it, could lie across any cut. */
static bool added_tokens_take_spaces(const Tokenizer *tok, int flags)
{
    for (int i = 0; i < tok->n_added; i++) {
        const AddedToken *added = &tok->added[i];
        if (added->special && !(flags & TOKENIZER_PARSE_SPECIAL))
            continue;
        if (added->lstrip || added->rstrip || added->single_word || memchr(added->content, ' ', added->n_bytes))
            return true;
    }
    return false;
}

TokenEncoder *token_encoder_new(const Tokenizer *tok, int flags)
{
    TokenEncoder *encoder = mem_alloc(sizeof *encoder);
    encoder->tok = tok;
    encoder->flags = flags;
    encoder->scratch = encode_scratch_take(tok);
    encoder->cut = added_tokens_take_spaces(tok, flags) ? TEXT_CUT_NONE : text_cut_of_ids(tok);
    return encoder;
}

void token_encoder_free(TokenEncoder *encoder)
{
    if (!encoder)
        return;
    encode_scratch_give(encoder->tok, encoder->scratch);
    free(encoder->held);
    free(encoder->out.ids);
    free(encoder);
}

static void encode_held(TokenEncoder *encoder, size_t n)
{
    if (!encoder->is_begun)
        for (int i = 0; encoder->flags & TOKENIZER_ADD_SPECIAL && i < encoder->tok->n_post_before; i++)
            token_buffer_push(&encoder->out, encoder->tok->post_before[i], 0, 0);
    if (!encoder->is_begun)
        encoder->scratch->path_score = 0.0;
    encoder->scratch->score_goes_on = true;
    encode_text(encoder->tok, encoder->scratch, (Piece){.bytes = encoder->held, .n = n, .at_start = !encoder->is_begun},
                encoder->flags & TOKENIZER_PARSE_SPECIAL, &encoder->out);
    arena_reset(encoder->scratch->arena);
    encoder->is_begun = true;
}

static void hold(TokenEncoder *encoder, const char *bytes, size_t n)
{
    if (encoder->n_held + n > encoder->capacity) {
        encoder->capacity = (encoder->n_held + n) * 2;
        encoder->held = mem_realloc(encoder->held, encoder->capacity);
    }
    if (n)
        memcpy(encoder->held + encoder->n_held, bytes, n);
    encoder->n_held += n;
}

TokenSpan token_encoder_push(TokenEncoder *encoder, const char *bytes, size_t n_bytes)
{
    encoder->out.n = 0;
    hold(encoder, bytes, n_bytes);
    size_t cut, n_dropped, half = encoder->n_held / 2;
    while (encoder->n_held >= ENCODER_BYTES &&
           text_cut_find(encoder->cut, encoder->held, encoder->n_held, encoder->searched > half ? encoder->searched : half, &cut,
                         &n_dropped)) {
        encode_held(encoder, cut);
        encoder->n_held -= cut + n_dropped;
        memmove(encoder->held, encoder->held + cut + n_dropped, encoder->n_held);
        encoder->searched = 0;
        half = encoder->n_held / 2;
    }
    if (encoder->n_held >= ENCODER_BYTES)
        encoder->searched = encoder->n_held - UTF8_BYTES_MAX;
    return (TokenSpan){encoder->out.ids, encoder->out.n};
}

TokenSpan token_encoder_finish(TokenEncoder *encoder)
{
    encoder->out.n = 0;
    encode_held(encoder, encoder->n_held);
    for (int i = 0; encoder->flags & TOKENIZER_ADD_SPECIAL && i < encoder->tok->n_post_after; i++)
        token_buffer_push(&encoder->out, encoder->tok->post_after[i], 0, 0);
    encoder->n_held = encoder->searched = 0;
    encoder->is_begun = false;
    return (TokenSpan){encoder->out.ids, encoder->out.n};
}
