/* langid_internal.h - the model in memory, for its trainer, its file and its use. */
#ifndef CORPUS_LANGID_INTERNAL_H
#define CORPUS_LANGID_INTERNAL_H

#include "text/corpus/hash.h"
#include "text/corpus/langid.h"

enum {
    LANGID_ROW_STEP = 16,     /* a row is a multiple of these bytes long */
    LANGID_LISTED_MAX = 1 << 16, LANGID_LISTED_LETTERS_MAX = 24,
};

typedef struct {
    uint32_t key, row;  /* key 0: free */
} LangidSlot;

/* A word whose features are added up: hash of its letters (0: free), and where its sums lie. */
typedef struct {
    uint64_t hash;
    uint32_t row, n_features;
} LangidWord;

/* The languages of one script. Row 0 is all zero, for features that the model does not know. */
typedef struct {
    int n_languages;      /* 0: the script is unknown */
    int32_t *languages;   /* indices into the model's names */
    int64_t n_rows;       /* row 0 not counted */
    int row_bytes;
    int8_t *rows;         /* [n_rows + 1][row_bytes] */
    uint32_t *keys;       /* [n_rows] */
    LangidSlot *slots;
    uint32_t mask;
    float scale;
    const char *word_list;  /* each word with a NUL behind */
    size_t n_word_list_bytes;
    LangidWord *words;      /* [word_mask + 1] */
    uint64_t word_mask;
    int16_t *word_rows;     /* [words][row_bytes]: sums of rows; a listed word is short enough for them */
} LangidScript;

struct LangidModel {
    LangidLetters letters;
    Arena *arena;
    int n_languages;
    const char **names;
    LangidScript scripts[LANGID_SCRIPTS];
    uint64_t identity;
};

LangidModel *langid_model_new(void);
/* Lays the table of features over keys and rows. */
void langid_script_index(LangidModel *model, LangidScript *script);
/* Adds up the features of the words of the list; false: the list has a word too long, too many, or no end. */
bool langid_script_list_words(LangidModel *model, int script_number);
int64_t langid_find_row(const LangidScript *script, uint32_t key);  /* 0: unknown */
/* Rows of a word's features, on their way into the cache; returns how many. */
int langid_word_rows(uint32_t rows[LANGID_WORD_FEATURES_MAX], const LangidScript *script, int script_number, const uint32_t *letters, int n);
static inline uint64_t langid_word_hash(const uint32_t *word, int n)
{
    uint64_t hash = hash64(word, (size_t)n * sizeof *word, 0);
    return hash ? hash : 1;
}
int langid_row_bytes(int n_languages);
Err langid_save(const LangidModel *model, const char *path);

#endif
