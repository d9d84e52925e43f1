/* langid_letters.h - what language identification sees of a text: words of one script, in lower case, and their runs of letters.
 *
 * A word is a run of letters of one script; marks, joiners and apostrophes inside it belong to it. Kana and Han are one script here. Its
 * features are all runs of 1 to LANGID_RUN_MAX letters of " word " (the blanks are its ends), and, LANGID_WORD_TIMES, the word itself when it has two
 * letters: a known word says more than its parts, most of all between close languages. A feature is 32 bits of a hash. */
#ifndef CORPUS_LANGID_LETTERS_H
#define CORPUS_LANGID_LETTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LANGID_RUN_MAX = 5, LANGID_WORD_TIMES = 4, LANGID_WORD_MAX = 256, LANGID_WORD_FEATURES_MAX = LANGID_RUN_MAX * LANGID_WORD_MAX + LANGID_WORD_TIMES,
    LANGID_SCRIPTS = 256
};
/* Numbers of scripts are those of char_script; 0: no letter, 1: part of any word. */
enum { LANGID_NO_LETTER = 0, LANGID_ANY_SCRIPT = 1 };

typedef struct {
    uint8_t script[1 << 16];  /* by code point; planes above the first hold Han and no other letters */
    uint16_t lower[1 << 16];
} LangidLetters;

void langid_letters_init(LangidLetters *letters);
int langid_script_find(const char *name);  /* "Latn"; -1: none */

typedef struct {
    int64_t letters[LANGID_SCRIPTS];  /* by script */
    int64_t kana;                     /* among those of Han */
    int64_t n_symbols;                /* ASCII that programs are made of: {}[]()<>=;_/\|#$*&+ */
    int64_t n_chars;
} LangidCount;
/* Adds the letters of a text. */
void langid_count(const LangidLetters *letters, LangidCount *count, const char *text, size_t n_bytes);

/* The next word of this script at or after *at, in lower case, with a blank at both ends: its length, 0 at the end. Words longer than LANGID_WORD_MAX
 * come in pieces. */
int langid_next_word(const LangidLetters *letters, int script, const char **at, const char *end, uint32_t word[LANGID_WORD_MAX]);
int langid_word_features(uint32_t features[LANGID_WORD_FEATURES_MAX], int script, const uint32_t *word, int n);
/* Both at once: the features of the next word; 0 at the end. */
int langid_next_features(const LangidLetters *letters, int script, const char **at, const char *end, uint32_t features[LANGID_WORD_FEATURES_MAX]);

#endif
