/* tokenizer_json.h - what the files that read tokenizer.json share: one reads the file, one the steps, one the model, one the post-processor.
 * What a file asks for and this room lacks is refused by name, never skipped. */
#ifndef TEXT_TOKENIZER_JSON_H
#define TEXT_TOKENIZER_JSON_H

#include "text/tokenizer/tokenizer_internal.h"
#include "base/json.h"

typedef struct {
    JsonReader *r;
    Tokenizer *tok;
    Arena *arena;
    int depth;  /* of nested Sequences */
} TokenizerJsonReader;

char *tokenizer_json_keep(const char *text, size_t n);  /* a copy to free */
/* A string or null. */
Err tokenizer_json_optional_string(TokenizerJsonReader *in, char **value);
Err tokenizer_json_optional_bool(TokenizerJsonReader *in, bool *value);
/* {"String": "..."} or {"Regex": "..."}. */
Err tokenizer_json_pattern(TokenizerJsonReader *in, char **text, bool *is_regex);
/* The value of "type" of the object that comes next, without consuming it. */
Err tokenizer_json_peek_type(TokenizerJsonReader *in, const char **type);
/* Every element of the list under `list_key`. */
Err tokenizer_json_sequence(TokenizerJsonReader *in, const char *list_key, Err (*read_one)(TokenizerJsonReader *in));
/* Index of `name` in a NULL-ended list, -1 when absent. */
int tokenizer_json_index(const char *const *names, const char *name);
/* ERR_UNSUPPORTED with the name. */
Err tokenizer_json_unknown(TokenizerJsonReader *in, const char *what, const char *type);

Err tokenizer_json_read_normalizer(TokenizerJsonReader *in);
Err tokenizer_json_read_pretokenizer(TokenizerJsonReader *in);
Err tokenizer_json_read_decoder(TokenizerJsonReader *in);
Err tokenizer_json_read_model(TokenizerJsonReader *in);
Err tokenizer_json_read_post_processor(TokenizerJsonReader *in);

#endif
