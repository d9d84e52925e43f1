/* lone_chars.h - characters that no merge of a SentencePiece BPE model takes part in: Korean under Llama 2, nearly all of it. Such a character becomes
 * the same tokens wherever it stands, its piece or its bytes, and parts a word in two that know nothing of each other. */
#ifndef TEXT_LONE_CHARS_H
#define TEXT_LONE_CHARS_H

#include "text/tokenizer/char_table.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/unicode/char_run.h"

enum { LONE_IDS = 4, LONE_COUNT_SHIFT = 24, LONE_INDEX = (1 << LONE_COUNT_SHIFT) - 1 };
#define CHAR_IS_PLAIN 0x80000000u
#define CHAR_IS_LONE 0x40000000u
#define CHAR_IS_BOTH (CHAR_IS_PLAIN | CHAR_IS_LONE)

/* What a syllable becomes, n 0 if it is not lone. */
typedef struct {
    int32_t ids[SYLLABLE_BYTES], n;
} LoneSyllable;

typedef struct LoneChars {
    LoneSyllable *syllables;   /* HANGUL_N_SYLLABLES */
    CharTable table;  /* flags | number of ids << LONE_COUNT_SHIFT | place in `ids`; no ids: what it becomes depends on what stands beside it */
    int32_t (*ids)[LONE_IDS];  /* of a character that stands alone, lone or not */
    size_t n_ids, capacity;
    int32_t mark_id;  /* of the space mark */
} LoneChars;

/* NULL when this tokenizer has none, or not nearly all syllables are lone. */
LoneChars *lone_chars_new(const Tokenizer *tok);
void lone_chars_free(LoneChars *lone);  /* NULL is fine */
/* Whether lone_chars_encode may take a word: its first character is lone. */
bool lone_chars_may_begin(const LoneChars *lone, const char *word, size_t n_bytes);
/* Encodes a raw word, one that a space mark would stand before, if its first character is lone and all of them are plain. False, and nothing
 * done, for any other. */
bool lone_chars_encode(const LoneChars *lone, const Tokenizer *tok, EncodeScratch *scratch, const char *word, size_t n_bytes, TokenBuffer *out);

#endif
