/* langid_internal.h - the model in memory, for its trainer, its file and its use. */
#ifndef CORPUS_LANGID_INTERNAL_H
#define CORPUS_LANGID_INTERNAL_H

#include "text/corpus/langid.h"

enum { LANGID_ROW_STEP = 16 };  /* a row is a multiple of these bytes long */

typedef struct {
    uint32_t key, row;  /* key 0: free */
} LangidSlot;

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
int langid_row_bytes(int n_languages);
Err langid_save(const LangidModel *model, const char *path);

#endif
