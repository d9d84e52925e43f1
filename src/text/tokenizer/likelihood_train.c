/* likelihood_train.c - see likelihood_train.h.
 *
 * A merge changes the counts of both symbols, hence the scores of every pair that holds one of them. Each such pair is pushed again with its
 * new score; a heap entry whose score is not the pair's present one is stale and dropped. The same merges are learnt from words on disk, of which
 * likelihood_words.h holds those that merge next. */
#include "text/tokenizer/likelihood_train.h"
#include "text/tokenizer/likelihood_words.h"
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
    size_t n_symbols_max;
    int64_t min_frequency;
    BpeCorpus *corpus;      /* the words in memory */
    LikelihoodWords *disk;  /* where they come from; NULL: they are all there are */
    uint8_t *is_held;       /* by pair: that the words in memory were chosen for, */
    size_t held_capacity;
    int32_t first_new;      /* and ids from here on were made since */
    int n_ahead;            /* pairs to choose words for */
} Trainer;
enum { NO_WORD = UINT32_MAX, AHEAD_MIN = 64, AHEAD_MAX = 1 << 14 };

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
        t->heap_capacity = t->heap_capacity ? t->heap_capacity + t->heap_capacity / 2 : 1 << 13;
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
    if (delta > 0 && word != NO_WORD)
        list_push(&t->words[index], word);
}

static void count_word(Trainer *t, const int32_t *s, uint32_t n, int64_t count, uint32_t word)
{
    for (uint32_t i = 0; i < n; i++) {
        t->symbol_count[s[i]] += count;
        if (i + 1 < n)
            change(t, s[i], s[i + 1], count, word);
    }
}

typedef struct {
    Trainer *t;
    int32_t left, right, merged;
} Merge;

/* Merges the pair in one word, which is number `word` of those in memory: its counts are taken out, the word rewritten, and counted anew. */
static uint32_t merge_symbols(const Merge *merge, int32_t *s, uint32_t n, int64_t count, uint32_t word)
{
    uint32_t first = 0, to;
    while (first + 1 < n && (s[first] != merge->left || s[first + 1] != merge->right))
        first++;
    if (first + 1 >= n)
        return n;  /* the word lost the pair to an earlier merge */
    count_word(merge->t, s, n, -count, word);
    to = first;
    for (uint32_t from = first; from < n;) {
        bool hit = from + 1 < n && s[from] == merge->left && s[from + 1] == merge->right;
        s[to++] = hit ? merge->merged : s[from];
        from += hit ? 2 : 1;
    }
    count_word(merge->t, s, to, count, word);
    return to;
}

static uint32_t merge_on_disk(void *context, int32_t *symbols, uint32_t n, int64_t count)
{
    return merge_symbols(context, symbols, n, count, NO_WORD);
}

/* In the words in memory that the pair was seen in. */
static void merge_in_memory(const Merge *merge, uint32_t pair)
{
    Trainer *t = merge->t;
    BpeCorpus *corpus = t->corpus;
    List words = t->words[pair];
    t->words[pair] = (List){0};
    for (uint32_t i = 0; i < words.n; i++) {
        uint32_t w = words.items[i];
        corpus->length[w] = merge_symbols(merge, corpus->symbols + corpus->begin[w], corpus->length[w], corpus->count[w], w);
    }
    free(words.items);
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

static bool is_held(const Trainer *t, const Entry *entry)
{
    if (!t->disk || (int32_t)(entry->key >> 32) >= t->first_new || (int32_t)(uint32_t)entry->key >= t->first_new)
        return true;
    return entry->pair < t->held_capacity && t->is_held[entry->pair];
}

/* The words of the best pair, and of those behind it, come into memory as far as there is room: *has_room says whether there is for the first. */
static Err hold_words(Trainer *t, Entry best, int32_t n_ids, bool *has_room)
{
    Entry *ahead = mem_alloc((size_t)t->n_ahead * sizeof *ahead);
    uint64_t *keys = mem_alloc((size_t)t->n_ahead * sizeof *keys);
    int n = 0, n_held = 0;
    do {
        ahead[n] = best;
        keys[n++] = best.key;
    } while (n < t->n_ahead && best_pair(t, &best));
    Err err = likelihood_words_hold(t->disk, keys, n, &n_held);
    free(t->is_held);
    t->held_capacity = t->pairs.n;
    t->is_held = mem_alloc(t->held_capacity);
    for (int i = 0; i < n_held; i++)
        t->is_held[ahead[i].pair] = 1;
    for (int i = 0; i < n; i++)
        push(t, ahead[i].pair);
    free(ahead);
    free(keys);
    t->n_ahead = n_held < t->n_ahead ? (n_held > AHEAD_MIN ? n_held : AHEAD_MIN) : t->n_ahead < AHEAD_MAX ? t->n_ahead * 2 : AHEAD_MAX;
    t->first_new = n_ids;
    for (uint32_t i = 0; i < t->pairs.n; i++)
        t->words[i].n = 0;
    for (uint32_t w = 0; w < t->corpus->n_words; w++) {
        const int32_t *s = t->corpus->symbols + t->corpus->begin[w];
        for (uint32_t i = 0; i + 1 < t->corpus->length[w]; i++)
            list_push(&t->words[pair_index(t, s[i], s[i + 1])], w);
    }
    *has_room = n_held > 0;
    return err;
}

/* Learns the merge of the best pair. */
static Err merge_best(Trainer *t, Tokenizer *tok, Entry best)
{
    Merge merge = {t, (int32_t)(best.key >> 32), (int32_t)(uint32_t)best.key, -1};
    bool in_memory = true;
    if (!is_held(t, &best))
        TRY(hold_words(t, best, tok->vocab.n_ids, &in_memory));
    TRY(bpe_merged_token(tok, merge.left, merge.right, &merge.merged));
    if (in_memory) {
        merge_in_memory(&merge, best.pair);
    } else {
        TRY(likelihood_words_pass(t->disk, merge_on_disk, &merge));
        t->first_new = tok->vocab.n_ids;  /* no word is in memory */
    }
    push_pairs_of(t, merge.left);
    if (merge.right != merge.left)
        push_pairs_of(t, merge.right);
    push_pairs_of(t, merge.merged);
    if (log_level() == LOG_DEBUG)
        log_debug("merge %s: score %.6g, loss %.6f", tokenizer_text_of(tok, merge.merged), best.score, loss_of(t, tok->vocab.n_ids));
    return OK;
}

/* One entry a pair, once stale ones are many. */
static void tidy_heap(Trainer *t)
{
    if (t->n_heap <= t->pairs.n + (size_t)t->pairs.n / 2 + 1024)
        return;
    t->n_heap = 0;
    for (uint32_t i = 0; i < t->pairs.n; i++)
        push(t, i);
}

static Err check_memory(const Trainer *t, const BpeTrainOptions *options)
{
    size_t n_bytes = pair_table_bytes(&t->pairs) + t->words_capacity * sizeof *t->words + t->heap_capacity * sizeof *t->heap +
                     t->pairs.n * 2 * 2 * sizeof(uint32_t) + (t->disk ? likelihood_words_bytes(t->disk) : 0);
    if (!t->disk || (int64_t)n_bytes <= options->memory_bytes_max)
        return OK;
    return err_set(ERR_MEMORY, "%u pairs of neighbours take %.1f MB, more than the bound of %.1f MB", t->pairs.n, (double)n_bytes / 1e6,
                   (double)options->memory_bytes_max / 1e6);
}

static Err merge_all(Trainer *t, Tokenizer *tok, const BpeTrainOptions *options, Progress *progress)
{
    Entry best;
    for (int64_t n_merges = 0; tok->vocab.n_tokens < options->vocab_size && best_pair(t, &best); n_merges++) {
        TRY(merge_best(t, tok, best));
        tidy_heap(t);
        if (n_merges % 256 == 0) {
            TRY(check_memory(t, options));
            if (progress)
                progress_set(progress, tok->vocab.n_tokens);
            if (interrupt_requested())
                return err_set(ERR_INTERRUPTED, "interrupted while learning merges");
        }
    }
    return OK;
}

/* A trainer without words. */
static Trainer trainer_open(const Tokenizer *tok, const BpeTrainOptions *options)
{
    size_t n_ids = (size_t)(options->vocab_size + tok->vocab.n_ids);
    return (Trainer){
        .symbol_count = mem_alloc(n_ids * sizeof(int64_t)),
        .symbol_pairs = mem_alloc(n_ids * sizeof(List)),
        .n_symbols_max = n_ids,
        .min_frequency = options->min_frequency,
        .n_ahead = AHEAD_MIN,
    };
}

static void trainer_release(Trainer *t)
{
    for (uint32_t i = 0; i < t->pairs.n; i++)
        free(t->words[i].items);
    for (size_t id = 0; id < t->n_symbols_max; id++)
        free(t->symbol_pairs[id].items);
    mem_release_grown(t->words, t->words_capacity * sizeof *t->words);
    pair_table_release(&t->pairs);
    likelihood_words_free(t->disk);
    free(t->is_held);
    free(t->heap);
    free(t->symbol_count);
    free(t->symbol_pairs);
}

/* From words that are counted. */
static Err run(Trainer *t, Tokenizer *tok, const BpeTrainOptions *options)
{
    TRY(check_memory(t, options));
    for (uint32_t i = 0; i < t->pairs.n; i++)
        push(t, i);
    Progress *progress = options->quiet ? NULL : progress_new(t->disk ? "learn merges from disk" : "learn merges", options->vocab_size, "tokens");
    Err err = merge_all(t, tok, options, progress);
    progress_free(progress);
    return err;
}

Err likelihood_train(Tokenizer *tok, BpeCorpus *corpus, const BpeTrainOptions *options)
{
    Trainer t = trainer_open(tok, options);
    t.corpus = corpus;
    for (int64_t w = 0; w < corpus->n_words; w++)
        count_word(&t, corpus->symbols + corpus->begin[w], corpus->length[w], corpus->count[w], (uint32_t)w);
    Err err = run(&t, tok, options);
    trainer_release(&t);
    return err;
}

typedef struct {
    Trainer *t;
    WordCutter cutter;
} Reader;

static Err read_word(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    Reader *reader = context;
    uint32_t n = word_cutter_next(&reader->cutter, bytes, n_bytes);
    count_word(reader->t, reader->cutter.symbols, n, count, NO_WORD);
    return likelihood_words_add(reader->t->disk, reader->cutter.symbols, n, count);
}

static Err train_from_disk(Tokenizer *tok, const WordCounts *counts, BpeCut cut, void *context, const BpeTrainOptions *options)
{
    Trainer t = trainer_open(tok, options);
    Reader reader = {.t = &t, .cutter = {.cut = cut, .context = context}};
    Err err = likelihood_words_open(&t.disk, options->work_dir, options->memory_bytes_max / 4);
    if (err == OK) {
        t.corpus = likelihood_words_set(t.disk);
        t.first_new = INT32_MAX;
        err = word_counts_each(counts, read_word, &reader);
    }
    if (err == OK)
        err = run(&t, tok, options);
    free(reader.cutter.symbols);
    trainer_release(&t);
    return err;
}

Err likelihood_learn(Tokenizer *tok, WordCounts *counts, BpeCut cut, void *context, const BpeTrainOptions *options)
{
    if (counts->spill)
        return train_from_disk(tok, counts, cut, context, options);
    BpeCorpus corpus = bpe_corpus_of(counts, cut, context);
    Err err = likelihood_train(tok, &corpus, options);
    bpe_corpus_release(&corpus);
    return err;
}
