/* train_word.c - whole words as tokens: the most frequent, wherever the counted words are. */
#include "text/tokenizer/train.h"

#include <stdlib.h>
#include <string.h>

/* The largest counts seen so far, at most twice n_wanted of them. */
typedef struct {
    int64_t *counts;
    int64_t n, n_wanted, least;  /* a count of less does not matter */
} Largest;

static int by_falling_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static void keep_largest(Largest *largest)
{
    if (largest->n == 0)
        return;
    qsort(largest->counts, (size_t)largest->n, sizeof *largest->counts, by_falling_number);
    if (largest->n < largest->n_wanted)
        return;
    largest->n = largest->n_wanted;
    largest->least = largest->counts[largest->n - 1];
}

static Err note_count(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    (void)bytes;
    (void)n_bytes;
    Largest *largest = context;
    if (count < largest->least)
        return OK;
    if (largest->n == 2 * largest->n_wanted)
        keep_largest(largest);
    largest->counts[largest->n++] = count;
    return OK;
}

typedef struct {
    const char *bytes;
    uint32_t n_bytes;
    int64_t count, number;  /* in order of their bytes */
} Chosen;
typedef struct {
    Chosen *words;
    int64_t n, least, n_of_least;  /* words with the least count for which there is room */
    Arena *arena;
} Choice;

static Err choose(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    Choice *choice = context;
    if (count < choice->least || (count == choice->least && choice->n_of_least-- <= 0))
        return OK;
    choice->words[choice->n] = (Chosen){arena_strndup(choice->arena, bytes, n_bytes), n_bytes, count, choice->n};
    choice->n++;
    return OK;
}

static int by_falling_count(const void *a, const void *b)
{
    const Chosen *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : (x->number > y->number) - (x->number < y->number);
}

/* The n_wanted most frequent words, of equals those of smaller bytes, by falling count: their counts are found first, then the words. */
static Err choose_words(Choice *choice, const WordCounts *counts, const TokenizerTrainOptions *options)
{
    int64_t n_wanted = options->vocab_size < counts->n ? options->vocab_size : counts->n;
    Largest largest = {.counts = mem_alloc((size_t)(2 * n_wanted) * sizeof(int64_t)), .n_wanted = n_wanted, .least = options->min_frequency};
    Err err = word_counts_each(counts, note_count, &largest);
    keep_largest(&largest);
    *choice = (Choice){.words = mem_alloc((size_t)n_wanted * sizeof(Chosen)), .least = largest.least, .arena = arena_new()};
    for (int64_t i = 0; i < largest.n; i++)
        choice->n_of_least += largest.counts[i] == largest.least;
    free(largest.counts);
    if (err == OK)
        err = word_counts_each(counts, choose, choice);
    if (choice->n > 0)
        qsort(choice->words, (size_t)choice->n, sizeof *choice->words, by_falling_count);
    return err;
}

/* White-space words; those that have no token are unk. */
Err train_word(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    if (!options->unk)
        return err_set(ERR_USAGE, "this type of tokenizer needs an unk token");
    TRY(train_add_specials(tok, options));
    tok->unk_id = tokenizer_id_of(tok, options->unk);
    tokenizer_push_pretokenizer(tok, PRETOKENIZER_WHITESPACE_SPLIT);
    tok->decodes_with_spaces = true;
    WordCounts counts;
    TRY(train_count_words(&counts, tok, options, train_use_of_list, source));
    Choice choice;
    Err err = choose_words(&choice, &counts, options);
    for (int64_t i = 0; i < choice.n && err == OK && tok->vocab.n_tokens < options->vocab_size; i++)
        err = train_add_token(tok, choice.words[i].bytes, choice.words[i].n_bytes);
    arena_free(choice.arena);
    free(choice.words);
    word_counts_release(&counts);
    return err == OK ? train_finish(tok, options) : err;
}
