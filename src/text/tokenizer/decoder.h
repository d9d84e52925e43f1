/* decoder.h - from ids to bytes, one token after another. */
#ifndef TEXT_DECODER_H
#define TEXT_DECODER_H

#include "text/tokenizer/tokenizer_internal.h"

typedef struct {
    char *bytes;  /* NUL behind the last; NULL while empty and unused */
    size_t n, capacity;
} ByteBuffer;
void byte_buffer_put(ByteBuffer *buffer, const char *bytes, size_t n_bytes);
void byte_buffer_release(ByteBuffer *buffer);

typedef struct {
    const Tokenizer *tok;
    bool keep_special;
    bool first;  /* no token has been written yet */
    bool fused;
    bool space_waits;
    int jamo[2], n_jamo;  /* lead and vowel of a syllable that a tail may still join */
    ByteBuffer a, b;
} DecodeState;
void decode_state_init(DecodeState *state, const Tokenizer *tok, bool keep_special);
void decode_state_release(DecodeState *state);
/* Appends what the token stands for; nothing for an id without a token and for a special token that is not kept. */
void decode_token(DecodeState *state, int32_t id, ByteBuffer *out);
/* After the last token: what waited for another. */
void decode_finish(DecodeState *state, ByteBuffer *out);

#endif
