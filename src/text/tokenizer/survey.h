/* survey.h - what a vocabulary holds and what no text can reach: the numbers behind `tokenizer verify` and `tokenizer compare`, for any tokenizer,
 * foreign ones too. */
#ifndef TEXT_SURVEY_H
#define TEXT_SURVEY_H

#include "text/tokenizer/tokenizer.h"

/* The 11,172 modern Hangul syllables, each in the best of three places (alone, behind a space, behind a letter). */
typedef struct {
    int64_t n_whole;    /* one token of its own */
    int64_t n_parts;    /* several tokens, and it comes back: bytes, jamo */
    int64_t n_changed;  /* comes back as other characters (taken apart, lower-cased ...) */
    int64_t n_lost;     /* unk, or nothing */
    int64_t n_tokens;   /* of those that are not lost */
} SyllableCoverage;
SyllableCoverage survey_syllables(const Tokenizer *tok);

/* Scripts by the first letter of what a token stands for. */
typedef enum {
    TOKEN_HANGUL, TOKEN_LATIN, TOKEN_HAN, TOKEN_KANA, TOKEN_CYRILLIC, TOKEN_OTHER_LETTERS, TOKEN_DIGITS, TOKEN_MARKS, TOKEN_SPACES,
    TOKEN_PARTS,    /* of characters: single bytes, jamo */
    TOKEN_SPECIAL,
    N_TOKEN_SCRIPTS,
} TokenScript;
const char *survey_script_name(TokenScript script);
TokenScript survey_script_of(const Tokenizer *tok, int32_t id);
void survey_scripts(const Tokenizer *tok, int64_t n_tokens[N_TOKEN_SCRIPTS]);

/* The mean of what tokens stand for, special ones left aside; for characters also those that are parts of one. */
typedef struct {
    double n_bytes, n_chars;
} TokenLength;
TokenLength survey_mean_length(const Tokenizer *tok);

/* The bytes that a token stands for in the middle of a text, in `arena`. */
TokenText survey_surface(const Tokenizer *tok, Arena *arena, int32_t id);

/* Korean text in NFD against the same in NFC. */
typedef struct {
    double inflation;  /* tokens of NFD for a token of NFC */
    bool same_ids;     /* a guard: NFD gives the very ids */
    bool nfd_comes_back;
} NfdHazard;
NfdHazard survey_nfd(const Tokenizer *tok);

typedef struct {
    int64_t n_tokens, n_gaps, first_gap;        /* ids below the highest that no token has */
    int64_t n_duplicates, first_duplicate;      /* tokens that stand for the bytes of an earlier one */
    int64_t n_diverging, first_diverging;       /* ids out of the order of merges (BPE) */
    int64_t n_unreachable, first_unreachable;   /* by the model: merges, scores */
    int64_t n_cut, first_cut;                   /* the normalizer changes or the pre-tokenizer cuts them wherever they stand */
} TokenizerReport;
/* The first_ fields are ids, -1 where there is none. */
TokenizerReport survey_tokens(const Tokenizer *tok);

#endif
