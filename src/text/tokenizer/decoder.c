/* decoder.c - from ids to bytes: one token after another through the decoder steps, with the little state that some steps keep. A token
 * is decoded the same in a stream and in one go, because both run this file. */
#include "text/tokenizer/decoder.h"
#include "text/tokenizer/byte_level.h"
#include "text/tokenizer/jamo.h"

#include <stdlib.h>
#include <string.h>

void decoder_step_release(DecoderStep *step)
{
    free(step->text);
    free(step->content);
}

static void put(ByteBuffer *out, const char *bytes, size_t n)
{
    if (out->n + n + 1 > out->capacity) {
        out->capacity = (out->n + n + 1) * 2;
        out->bytes = mem_realloc(out->bytes, out->capacity);
    }
    memcpy(out->bytes + out->n, bytes, n);
    out->n += n;
    out->bytes[out->n] = '\0';
}

void byte_buffer_put(ByteBuffer *out, const char *bytes, size_t n_bytes)
{
    put(out, bytes, n_bytes);
}

void byte_buffer_release(ByteBuffer *buffer)
{
    free(buffer->bytes);
    *buffer = (ByteBuffer){0};
}

void decode_state_init(DecodeState *state, const Tokenizer *tok, bool keep_special)
{
    *state = (DecodeState){.tok = tok, .keep_special = keep_special, .first = true};
}

void decode_state_release(DecodeState *state)
{
    byte_buffer_release(&state->a);
    byte_buffer_release(&state->b);
}

static void replace_all(ByteBuffer *to, const char *text, size_t n, const char *pattern, const char *content)
{
    size_t n_pattern = strlen(pattern), at = 0;
    for (const char *hit; n_pattern && (hit = memmem(text + at, n - at, pattern, n_pattern));) {
        put(to, text + at, (size_t)(hit - text) - at);
        put(to, content, strlen(content));
        at = (size_t)(hit - text) + n_pattern;
    }
    put(to, text + at, n - at);
}

/* English clean-up of the WordPiece decoder, in its order. */
static void clean_up(ByteBuffer *now, ByteBuffer *spare)
{
    static const char *const rules[][2] = {
        {" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
        {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        spare->n = 0;
        put(spare, "", 0);
        replace_all(spare, now->bytes, now->n, rules[i][0], rules[i][1]);
        ByteBuffer swap = *now;
        *now = *spare;
        *spare = swap;
    }
}

static bool byte_token(const char *text, size_t n, unsigned char *byte)
{
    if (n != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>')
        return false;
    char digits[3] = {text[3], text[4], 0}, *end;
    long value = strtol(digits, &end, 16);
    *byte = (unsigned char)value;
    return *end == '\0';
}

/* One step on the token held in `now`. */
static void run_step(DecodeState *state, const DecoderStep *step, ByteBuffer *now, ByteBuffer *spare)
{
    spare->n = 0;
    put(spare, "", 0);
    switch (step->kind) {
    case DECODER_BYTE_LEVEL: {
        char *bytes = mem_alloc(now->n + 1);
        int64_t n = byte_level_read(bytes, now->bytes, now->n);
        if (n >= 0)
            put(spare, bytes, (size_t)n);
        else
            put(spare, now->bytes, now->n);  /* an added token: as it is written */
        free(bytes);
        break;
    }
    case DECODER_WORDPIECE: {
        size_t n_prefix = strlen(step->text);
        if (!state->first && now->n >= n_prefix && memcmp(now->bytes, step->text, n_prefix) == 0) {
            put(spare, now->bytes + n_prefix, now->n - n_prefix);
        } else {
            if (!state->first)
                put(spare, " ", 1);
            put(spare, now->bytes, now->n);
        }
        ByteBuffer swap = *now;
        *now = *spare;
        *spare = swap;
        if (step->cleanup)
            clean_up(now, spare);
        return;
    }
    case DECODER_METASPACE: {
        size_t n_mark = strlen(step->text), at = 0;
        if (state->first && step->prepend != METASPACE_NEVER && now->n >= n_mark && memcmp(now->bytes, step->text, n_mark) == 0)
            at = n_mark;
        replace_all(spare, now->bytes + at, now->n - at, step->text, " ");
        break;
    }
    case DECODER_BPE: {  /* the suffix is a space between words: the last one of all says nothing, so it waits for a next token */
        size_t n = strlen(step->text);
        bool ends = n && now->n >= n && memcmp(now->bytes + now->n - n, step->text, n) == 0;
        replace_all(spare, now->bytes, now->n - (ends ? n : 0), step->text, " ");
        state->space_waits = ends;
        break;
    }
    case DECODER_REPLACE:
        replace_all(spare, now->bytes, now->n, step->text, step->content);
        break;
    case DECODER_STRIP: {
        size_t n = strlen(step->text), begin = 0, end = now->n;
        if (!state->fused || state->first)
            for (int i = 0; i < step->start && n && end - begin >= n && memcmp(now->bytes + begin, step->text, n) == 0; i++)
                begin += n;
        if (!state->fused)
            for (int i = 0; i < step->stop && n && end - begin >= n && memcmp(now->bytes + end - n, step->text, n) == 0; i++)
                end -= n;
        put(spare, now->bytes + begin, end - begin);
        break;
    }
    case DECODER_FUSE:
        state->fused = true;  /* what follows sees the whole text as one token: only its first has a start */
        return;
    case DECODER_BYTE_FALLBACK: {
        unsigned char byte;
        if (!byte_token(now->bytes, now->n, &byte))
            return;
        put(spare, (const char *)&byte, 1);
        break;
    }
    case DECODER_JAMO:
        jamo_decode(state, now->bytes, now->n, spare);
        break;
    case DECODER_JAMO_FALLBACK: {
        int jamo = jamo_of_fallback(now->bytes, now->n);
        if (jamo >= 0) {
            jamo_decode_one(state, jamo, spare);
        } else {
            jamo_decode_flush(state, spare);
            put(spare, now->bytes, now->n);
        }
        break;
    }
    }
    ByteBuffer swap = *now;
    *now = *spare;
    *spare = swap;
}

void decode_token(DecodeState *state, int32_t id, ByteBuffer *out)
{
    const Tokenizer *tok = state->tok;
    size_t n;
    const char *text = vocab_text(&tok->vocab, id, &n);
    if (!text || (!state->keep_special && tokenizer_is_special(tok, id))) {
        jamo_decode_flush(state, out);
        return;
    }
    if ((tok->decodes_with_spaces && !state->first) || state->space_waits)
        put(out, " ", 1);
    state->space_waits = false;
    ByteBuffer *now = &state->a, *spare = &state->b;
    now->n = 0;
    put(now, text, n);
    state->fused = false;
    for (int i = 0; i < tok->n_decoders; i++)
        run_step(state, &tok->decoders[i], now, spare);
    state->first = false;
    put(out, now->bytes, now->n);
}

void decode_finish(DecodeState *state, ByteBuffer *out)
{
    jamo_decode_flush(state, out);
}
