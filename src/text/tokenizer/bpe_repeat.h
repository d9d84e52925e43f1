/* bpe_repeat.h - long runs of one character in texts that must be merged: spaces, where Llama 2 joins them.
 *
 * A sequence of tokens is the encoding of its text exactly when each two neighbours, as a text of their own, come out as they are (bpe_match.h; this
 * part holds for merges of any ranks). So where the encoding of a text shows a token of m equal characters that stays apart from itself, more of
 * that token may be put beside it, and what comes about is the encoding of the text with so many characters more. A long run is made
 * shorter by a multiple of m, the rest is encoded, and the tokens left out are put back. */
#ifndef TEXT_BPE_REPEAT_H
#define TEXT_BPE_REPEAT_H

#include "text/tokenizer/bpe.h"
#include "base/arena.h"

#include <stdbool.h>

typedef struct {
    const char *unit;  /* the character, in the memory of the tokenizer */
    size_t n_unit;     /* its bytes */
    size_t n_units;    /* of the token; 0: there is no such token */
    int32_t id;
} BpeRepeat;

/* A run of the text made shorter: where it lies there, and how many tokens are left out of it. */
typedef struct {
    size_t begin, end, n_left_out;
} BpeShortRun;

/* The text with its long runs made shorter, in `arena`, and the runs in order. NULL, and no runs, when it has none that are long. */
const char *bpe_repeat_shorten(const BpeRepeat *repeat, Arena *arena, const char *bytes, size_t n, size_t *n_short, BpeShortRun **runs, size_t *n_runs);

/* For each run the first of `symbols` that is the token and lies in the run: its number in `at`. False when a run has none. */
bool bpe_repeat_find(const BpeRepeat *repeat, const BpeSymbol *symbols, size_t n, const BpeShortRun *runs, size_t n_runs, size_t *at);

#endif
