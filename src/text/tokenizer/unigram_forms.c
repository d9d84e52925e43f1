/* unigram_forms.c - see unigram_forms.h. */
#include "text/tokenizer/unigram_forms.h"
#include "text/tokenizer/word_cache.h"

#include <stdlib.h>
#include <string.h>

enum { FORM_BITS = 9, FORM_CHARS = 48, FORM_BYTES = FORM_CHARS * UTF8_BYTES_MAX };

typedef struct {
    uint64_t key[2];      /* zero: free (a word has at least one byte) */
    uint32_t n, n_bytes;
    uint32_t places[FORM_CHARS + 1], labels[FORM_CHARS + 1];
    char bytes[FORM_BYTES];
} Form;

struct UnigramForms {
    Form form[1 << FORM_BITS];
};

/* The word with its length, and whether a mark stands before it. */
static size_t bucket_of(uint64_t key[2], Piece word, bool has_mark)
{
    word_small_key(key, word.bytes, word.n, false);
    key[1] |= (uint64_t)has_mark << 63;
    return (size_t)(word_fold(key[0], key[1]) & ((1u << FORM_BITS) - 1));
}

bool unigram_forms_find(const UnigramForms *forms, UnigramReader *reader, Piece word, bool has_mark)
{
    uint64_t key[2];
    if (!forms || word.n == 0 || word.n > SMALL_WORD_BYTES)
        return false;
    const Form *form = &forms->form[bucket_of(key, word, has_mark)];
    if (form->key[0] != key[0] || form->key[1] != key[1])
        return false;
    *reader = (UnigramReader){.is_finished = true, .n = form->n, .n_bytes = form->n_bytes, .places = (uint32_t *)form->places,
                              .labels = (uint32_t *)form->labels, .bytes = (char *)form->bytes};
    return true;
}

void unigram_forms_put(UnigramForms **forms, const UnigramReader *reader, Piece word, bool has_mark)
{
    uint64_t key[2];
    if (word.n == 0 || word.n > SMALL_WORD_BYTES || !reader->is_finished || reader->n > FORM_CHARS)
        return;
    if (!*forms)
        *forms = mem_alloc(sizeof **forms);
    Form *form = &(*forms)->form[bucket_of(key, word, has_mark)];
    memcpy(form->key, key, sizeof key);
    form->n = reader->n;
    form->n_bytes = reader->n_bytes;
    memcpy(form->places, reader->places, (reader->n + 1) * sizeof *reader->places);
    memcpy(form->labels, reader->labels, (reader->n + 1) * sizeof *reader->labels);
    memcpy(form->bytes, reader->bytes, reader->n_bytes);
}

void unigram_forms_free(UnigramForms *forms)
{
    free(forms);
}
