/* unigram_forms.c - see unigram_forms.h. */
#include "text/tokenizer/unigram_forms.h"
#include "text/tokenizer/word_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_BITS = 10, POOL_BYTES = 1 << 18, ALIGNMENT = _Alignof(UnigramForm) };

typedef struct {
    uint64_t key[2];    /* zero: free (a word has at least one byte) */
    UnigramForm *form;  /* in the pool */
} Bucket;

struct UnigramForms {
    Bucket buckets[1 << BUCKET_BITS];
    size_t n_used;
    _Alignas(UnigramForm) char pool[POOL_BYTES];
};

/* The word with its length, and whether a mark stands before it. */
static size_t bucket_of(uint64_t key[2], Piece word, bool has_mark)
{
    word_small_key(key, word.bytes, word.n, false);
    key[1] |= (uint64_t)has_mark << 63;
    return (size_t)(word_fold(key[0], key[1]) & ((1u << BUCKET_BITS) - 1));
}

const UnigramForm *unigram_forms_find(const UnigramForms *forms, Piece word, bool has_mark)
{
    uint64_t key[2];
    if (!forms || word.n == 0 || word.n > SMALL_WORD_BYTES)
        return NULL;
    const Bucket *bucket = &forms->buckets[bucket_of(key, word, has_mark)];
    return bucket->key[0] == key[0] && bucket->key[1] == key[1] ? bucket->form : NULL;
}

bool unigram_forms_may_hold(Piece word, uint32_t n_chars)
{
    return word.n > 0 && word.n <= SMALL_WORD_BYTES && n_chars <= UNIGRAM_FORM_CHARS;
}

/* A copy of so many bytes in the pool; of none, NULL. There is room. */
static void *keep(UnigramForms *forms, const void *from, size_t n_bytes)
{
    if (!from)
        return NULL;
    void *to = forms->pool + forms->n_used;
    memcpy(to, from, n_bytes);
    forms->n_used += (n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    assert(forms->n_used <= POOL_BYTES);
    return to;
}

void unigram_forms_put(UnigramForms **forms, Piece word, bool has_mark, UnigramForm form)
{
    size_t n_places = (form.n + 1) * sizeof *form.places, n_ids = form.n_ids * sizeof *form.ids;
    size_t n_bytes = sizeof form + 2 * n_places + n_ids + form.n_bytes + 5 * ALIGNMENT;
    assert(unigram_forms_may_hold(word, form.n));
    if (n_bytes > POOL_BYTES)
        return;
    if (!*forms)
        *forms = mem_alloc(sizeof **forms);
    if ((*forms)->n_used + n_bytes > POOL_BYTES) {
        memset((*forms)->buckets, 0, sizeof (*forms)->buckets);
        (*forms)->n_used = 0;
    }
    form.ids = keep(*forms, form.ids, n_ids);
    form.scores = keep(*forms, form.scores, form.n * sizeof *form.scores);
    form.places = keep(*forms, form.places, n_places);
    form.labels = keep(*forms, form.labels, n_places);
    form.bytes = keep(*forms, form.bytes, form.n_bytes);
    uint64_t key[2];
    Bucket *bucket = &(*forms)->buckets[bucket_of(key, word, has_mark)];
    memcpy(bucket->key, key, sizeof key);
    bucket->form = keep(*forms, &form, sizeof form);
}

void unigram_forms_free(UnigramForms *forms)
{
    free(forms);
}
