/* unigram_forms.h - normal forms of short words that were read before: a character of three bytes may become eighteen characters, and is then met again and
 * again. A table of fixed size, one entry a bucket; a new word pushes out the old one.
 *
 * Of words alone whose ids cannot be remembered themselves (word_cache.h), because they are too many or do not tell the score of the path. */
#ifndef TEXT_UNIGRAM_FORMS_H
#define TEXT_UNIGRAM_FORMS_H

#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/unigram_reader.h"

/* If the word's normal form is known, the reader holds it, finished: it points into the table, and must not be read on. False: it is untouched. */
bool unigram_forms_find(const UnigramForms *forms, UnigramReader *reader, Piece word, bool has_mark);
/* Remembers what a finished reader holds of a whole word, if that is short; makes *forms when it is NULL. */
void unigram_forms_put(UnigramForms **forms, const UnigramReader *reader, Piece word, bool has_mark);
void unigram_forms_free(UnigramForms *forms);  /* NULL is fine */

#endif
