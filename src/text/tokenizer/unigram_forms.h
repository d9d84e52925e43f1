/* unigram_forms.h - what short words became that normalising changes: a character of three bytes may become eighteen characters, and is then met again and
 * again. A table of fixed size, one word a bucket, and a pool for what is known of them: a new word pushes out the old one, and a full pool all of them.
 *
 * Of words alone whose ids cannot be remembered as those of others are (word_cache.h), because they are too many or do not tell the score of the path. */
#ifndef TEXT_UNIGRAM_FORMS_H
#define TEXT_UNIGRAM_FORMS_H

#include "text/tokenizer/tokenizer_internal.h"

enum { UNIGRAM_FORM_CHARS = 96 };

/* Either where it is cut, wherever it stands, or its normal form. */
typedef struct {
    uint32_t n;                 /* characters of the normal form */
    uint32_t n_ids, n_bytes;
    int32_t note;               /* for those who remember ids; -1: they do not tell the score */
    int32_t *ids;               /* NULL: where it is cut depends on where it stands */
    float *scores;              /* what each of n characters adds to the path, in order; NULL likewise */
    uint32_t *places, *labels;  /* as a UnigramReader has them, n + 1 of each; NULL where there are ids */
    char *bytes;                /* likewise */
} UnigramForm;

/* NULL: not known. Valid until the next put. */
const UnigramForm *unigram_forms_find(const UnigramForms *forms, Piece word, bool has_mark);
/* May a word with a normal form of so many characters be remembered? */
bool unigram_forms_may_hold(Piece word, uint32_t n_chars);
/* Copies what the form points to; makes *forms when it is NULL. */
void unigram_forms_put(UnigramForms **forms, Piece word, bool has_mark, UnigramForm form);
void unigram_forms_free(UnigramForms *forms);  /* NULL is fine */

#endif
