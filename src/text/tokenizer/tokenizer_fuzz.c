/* tokenizer_fuzz.c - hostile vocabulary files: a tokenizer.json, a SentencePiece model, a rank file, a vocab.txt, llm.c's file, a vocab.json with its
 * merges behind a NUL. What loads must encode and decode without harm, be surveyed, and write a tokenizer.json that loads again. */
#include "text/tokenizer/survey.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/tokenizer_ranks.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

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
    const char *nul = memchr(bytes, 0, size - 1);
    size_t n_first = nul ? (size_t)(nul - bytes) : size - 1, n_second = nul ? size - 2 - n_first : 0;
    switch (data[0] % 6) {
    case 0: err = tokenizer_read_json(&tok, "fuzz", bytes, size - 1); break;
    case 4: err = tokenizer_read_llmc(&tok, "fuzz", bytes, size - 1, "gpt2"); break;
    case 5: err = tokenizer_read_vocab_merges(&tok, "fuzz", bytes, n_first, nul ? nul + 1 : "", n_second); break;
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
    survey_tokens(tok);
    const char *json;
    size_t n;
    if (tokenizer_write_json(tok, arena, false, &json, &n) == OK && tokenizer_read_json(&again, "again", json, n) != OK)
        abort();
    tokenizer_free(again);
    tokenizer_free(tok);
    arena_free(arena);
    return 0;
}
