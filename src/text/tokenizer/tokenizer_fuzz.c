/* tokenizer_fuzz.c - hostile vocabulary files: a tokenizer.json, a SentencePiece model, a rank file, a vocab.txt. What loads must encode and decode
 * without harm, and write a tokenizer.json that loads again. */
#include "text/tokenizer/tokenizer_internal.h"
#include "base/log.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    log_set_level(LOG_QUIET);
    const char *bytes = (const char *)data + 1;
    Tokenizer *tok = NULL, *again = NULL;
    BertOptions bert = {-1, -1, 1, data[0] & 0x10};
    Err err = ERR_FORMAT;
    switch (data[0] & 3) {
    case 0: err = tokenizer_read_json(&tok, "fuzz", bytes, size - 1); break;
    case 1: err = tokenizer_read_sentencepiece(&tok, "fuzz", bytes, size - 1); break;
    case 2: err = tokenizer_read_tiktoken(&tok, "fuzz", bytes, size - 1, "gpt2"); break;
    case 3: err = tokenizer_read_vocab_txt(&tok, "fuzz", bytes, size - 1, &bert); break;
    }
    if (err != OK)
        return 0;
    Arena *arena = arena_new();
    TokenOffset *offsets;
    tokenizer_encode_with(tok, arena, bytes, size - 1, TOKENIZER_ADD_SPECIAL | TOKENIZER_PARSE_SPECIAL, &offsets);
    TokenSpan ids = tokenizer_encode(tok, arena, bytes, size - 1);
    tokenizer_decode(tok, arena, ids.ids, ids.n, true);
    const char *json;
    size_t n;
    if (tokenizer_write_json(tok, arena, false, &json, &n) == OK && tokenizer_read_json(&again, "again", json, n) != OK)
        abort();
    tokenizer_free(again);
    tokenizer_free(tok);
    arena_free(arena);
    return 0;
}
