/* split_plain.h - cutting text of characters in no order: ASCII of every kind, other scripts, bytes that begin no character.
 *
 * A scanner asks what a character is and goes where the answer leads; where characters follow one another by chance a processor guesses wrong at most of
 * them. Here a table says, by what is open and what comes next, what is open then and whether a piece ends between: a few cycles a byte whatever comes. What
 * it does not know is left to the scanner: white space in a row, contractions, marks that begin a piece where case counts. */
#ifndef TEXT_SPLIT_PLAIN_H
#define TEXT_SPLIT_PLAIN_H

#include "text/unicode/char_class.h"
#include "text/unicode/split.h"

enum { SPLIT_PLAIN_STATES = 16, SPLIT_PLAIN_KINDS = 16 };
typedef struct {
    const CharClasses *table;
    uint8_t kind_of[256];                                  /* by byte, with flags */
    uint8_t kind_of_class[256];                            /* by class */
    uint8_t steps[SPLIT_PLAIN_STATES][SPLIT_PLAIN_KINDS];  /* the next state, with flags */
} SplitPlain;

/* For one of the scanned patterns but SPLIT_NONE; `table` stays where it is. */
void split_plain_init(SplitPlain *plain, SplitKind kind, const CharClasses *table);
/* The ends of the pieces of text[0, n_bytes) from `at` on, a place where one begins, as far as characters that begin before `limit` < n_bytes tell: at most
 * n_max, which is at least SPLIT_PLAIN_ENDS; returns how many. */
enum { SPLIT_PLAIN_ENDS = 2 };
int split_plain(const SplitPlain *plain, const char *text, size_t n_bytes, size_t at, size_t limit, size_t *ends, int n_max);

#endif
