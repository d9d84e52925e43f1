/* likelihood_train.c - see likelihood_train.h.
 *
 * A merge changes the counts of both symbols, hence the scores of every pair that holds one of them. Each such pair is pushed again with its
 * new score; a heap entry whose score is not the pair's present one is stale and dropped. */
#include "text/tokenizer/likelihood_train.h"
#include "base/large.h"
#include "base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t *items;
    uint32_t n, capacity;
} List;
typedef struct {
    double score;
    uint64_t key;
    uint32_t pair;
} Entry;
typedef struct {
    PairTable pairs;
    List *words;  /* by pair: words in which it appeared since it last merged */
    size_t words_capacity;
    Entry *heap;
    size_t n_heap, heap_capacity;
    int64_t *symbol_count;  /* by id */
    List *symbol_pairs;     /* by id: pairs that hold it */
    int64_t min_frequency;
} Trainer;

static void list_push(List *list, uint32_t item)
{
    if (list->n && list->items[list->n - 1] == item)
        return;
    if (list->n == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 4;
        list->items = mem_realloc(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->n++] = item;
}

static uint32_t pair_index(Trainer *t, int32_t left, int32_t right)
{
    uint32_t n_before = t->pairs.n, pair = pair_table_index(&t->pairs, pair_key(left, right));
    if (pair < n_before)
        return pair;
    if (t->pairs.capacity > t->words_capacity) {
        t->words = mem_grow(t->words, t->words_capacity * sizeof *t->words, t->pairs.capacity * sizeof *t->words);
        t->words_capacity = t->pairs.capacity;
    }
    list_push(&t->symbol_pairs[left], pair);
    list_push(&t->symbol_pairs[right], pair);
    return pair;
}

static double score_of(const Trainer *t, uint32_t pair)
{
    uint64_t key = t->pairs.keys[pair];
    return (double)t->pairs.counts[pair] / ((double)t->symbol_count[key >> 32] * (double)t->symbol_count[(uint32_t)key]);
}

static bool may_merge(const Trainer *t, uint32_t pair)
{
    return t->pairs.counts[pair] >= 1 && t->pairs.counts[pair] >= t->min_frequency;
}

static bool goes_first(const Entry *a, const Entry *b)
{
    return a->score != b->score ? a->score > b->score : a->key < b->key;
}

static void push(Trainer *t, uint32_t index)
{
    if (!may_merge(t, index))
        return;
    if (t->n_heap == t->heap_capacity) {
        t->heap_capacity = t->heap_capacity ? t->heap_capacity * 2 : 1 << 15;
        t->heap = mem_realloc(t->heap, t->heap_capacity * sizeof *t->heap);
    }
    Entry entry = {score_of(t, index), t->pairs.keys[index], index};
    size_t i = t->n_heap++;
    for (size_t parent; i > 0 && goes_first(&entry, &t->heap[parent = (i - 1) / 2]); i = parent)
        t->heap[i] = t->heap[parent];
    t->heap[i] = entry;
}

static Entry pop(Trainer *t)
{
    Entry top = t->heap[0], moved = t->heap[--t->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < t->n_heap; i = child) {
        child += child + 1 < t->n_heap && goes_first(&t->heap[child + 1], &t->heap[child]);
        if (!goes_first(&t->heap[child], &moved))
            break;
        t->heap[i] = t->heap[child];
    }
    if (t->n_heap)
        t->heap[i] = moved;
    return top;
}

/* The best pair at present; false when none is left. */
static bool best_pair(Trainer *t, Entry *best)
{
    while (t->n_heap) {
        *best = pop(t);
        if (may_merge(t, best->pair) && best->score == score_of(t, best->pair))
            return true;
    }
    return false;
}

static void change(Trainer *t, int32_t left, int32_t right, int64_t delta, uint32_t word)
{
    uint32_t index = pair_index(t, left, right);
    t->pairs.counts[index] += delta;
    if (delta > 0)
        list_push(&t->words[index], word);
}

static void count_word(Trainer *t, const BpeCorpus *corpus, uint32_t w, int64_t sign)
{
    const int32_t *s = corpus->symbols + corpus->begin[w];
    for (uint32_t i = 0; i < corpus->length[w]; i++) {
        t->symbol_count[s[i]] += sign * corpus->count[w];
        if (i + 1 < corpus->length[w])
            change(t, s[i], s[i + 1], sign * corpus->count[w], w);
    }
}

/* Merges the pair in one word: its counts are taken out, the word rewritten, and counted anew. */
static void merge_word(Trainer *t, BpeCorpus *corpus, uint32_t w, int32_t left, int32_t right, int32_t merged)
{
    int32_t *s = corpus->symbols + corpus->begin[w];
    uint32_t n = corpus->length[w], first = 0, to;
    while (first + 1 < n && (s[first] != left || s[first + 1] != right))
        first++;
    if (first + 1 >= n)
        return;  /* the word lost the pair to an earlier merge */
    count_word(t, corpus, w, -1);
    to = first;
    for (uint32_t from = first; from < n;) {
        bool hit = from + 1 < n && s[from] == left && s[from + 1] == right;
        s[to++] = hit ? merged : s[from];
        from += hit ? 2 : 1;
    }
    corpus->length[w] = to;
    count_word(t, corpus, w, +1);
}

static void push_pairs_of(Trainer *t, int32_t symbol)
{
    for (uint32_t i = 0; i < t->symbol_pairs[symbol].n; i++)
        push(t, t->symbol_pairs[symbol].items[i]);
}

static double loss_of(const Trainer *t, int32_t n_ids)
{
    double total = 0.0, sum = 0.0;
    for (int32_t id = 0; id < n_ids; id++)
        total += (double)t->symbol_count[id];
    for (int32_t id = 0; id < n_ids; id++)
        if (t->symbol_count[id] > 0)
            sum -= (double)t->symbol_count[id] * log((double)t->symbol_count[id] / total);
    return total > 0.0 ? sum / total : 0.0;
}

static Err run(Trainer *t, Tokenizer *tok, BpeCorpus *corpus, const BpeTrainOptions *options, Progress *progress)
{
    Entry best;
    for (int64_t n_merges = 0; tok->vocab.n_tokens < options->vocab_size && best_pair(t, &best); n_merges++) {
        int32_t left = (int32_t)(best.key >> 32), right = (int32_t)(uint32_t)best.key, merged;
        TRY(bpe_merged_token(tok, left, right, &merged));
        List words = t->words[best.pair];
        t->words[best.pair] = (List){0};
        for (uint32_t i = 0; i < words.n; i++)
            merge_word(t, corpus, words.items[i], left, right, merged);
        free(words.items);
        push_pairs_of(t, left);
        if (right != left)
            push_pairs_of(t, right);
        push_pairs_of(t, merged);
        if (log_level() == LOG_DEBUG)
            log_debug("merge %s: score %.6g, loss %.6f", tokenizer_text_of(tok, merged), best.score, loss_of(t, tok->vocab.n_ids));
        if (n_merges % 256 == 0) {
            if (progress)
                progress_set(progress, tok->vocab.n_tokens);
            if (interrupt_requested())
                return err_set(ERR_INTERRUPTED, "interrupted while learning merges");
        }
    }
    return OK;
}

Err likelihood_train(Tokenizer *tok, BpeCorpus *corpus, const BpeTrainOptions *options)
{
    size_t n_ids = (size_t)(options->vocab_size + tok->vocab.n_ids);
    Trainer t = {
        .symbol_count = mem_alloc(n_ids * sizeof(int64_t)),
        .symbol_pairs = mem_alloc(n_ids * sizeof(List)),
        .min_frequency = options->min_frequency,
    };
    for (int64_t w = 0; w < corpus->n_words; w++)
        count_word(&t, corpus, (uint32_t)w, +1);
    for (uint32_t i = 0; i < t.pairs.n; i++)
        push(&t, i);
    Progress *progress = options->quiet ? NULL : progress_new("learn merges", options->vocab_size, "tokens");
    Err err = run(&t, tok, corpus, options, progress);
    progress_free(progress);
    for (uint32_t i = 0; i < t.pairs.n; i++)
        free(t.words[i].items);
    for (size_t id = 0; id < n_ids; id++)
        free(t.symbol_pairs[id].items);
    mem_release_grown(t.words, t.words_capacity * sizeof *t.words);
    pair_table_release(&t.pairs);
    free(t.heap);
    free(t.symbol_count);
    free(t.symbol_pairs);
    return err;
}
