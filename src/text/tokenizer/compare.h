/* compare.h - one tokenizer on one text, in numbers.
 *
 * A word stands between white space; an eojeol is a word that holds a Hangul syllable. A token belongs to the word that its last byte lies in, so
 * tokens of white space alone belong to none. A seam is the place where the rule of korean.h cuts a particle off an eojeol. */
#ifndef TEXT_COMPARE_H
#define TEXT_COMPARE_H

#include "text/tokenizer/tokenizer.h"

typedef struct {
    int64_t n_bytes, n_chars, n_tokens;
    int64_t n_words, n_word_tokens, n_whole_words;        /* whole: one token holds the word */
    int64_t n_eojeol, n_eojeol_tokens, n_whole_eojeol;
    int64_t n_seams, n_seams_met;   /* a token ends there */
    int64_t n_unk, n_parts;         /* unknown; parts of characters (bytes, jamo) */
    int64_t n_lines, n_lines_back;  /* lines that decode to the very bytes, each by itself */
    int64_t n_nfc_tokens, n_nfd_tokens;  /* of a stretch of the text in both forms */
    double renyi_efficiency;        /* H_2.5 of the tokens over log of the vocabulary size (Zouhar et al. 2023, arXiv:2306.16842) */
    double cold_seconds, warm_seconds, decode_seconds;  /* the whole text: first, again, and its ids back */
    int64_t peak_bytes;             /* memory of the process above what it held with the tokenizer loaded */
} TextNumbers;

/* `tok` is fresh from loading: it has made its tables, and seen no text. */
TextNumbers compare_measure(const Tokenizer *tok, const char *text, size_t n_bytes);
/* Sums of counts and seconds; efficiency by tokens, memory by the greatest. */
void compare_add(TextNumbers *sum, const TextNumbers *numbers);

#endif
