/* bpe_train.c - see bpe_train.h.
 *
 * Each pair of neighbours has a count and a list of the words it was seen in. A heap orders pairs by (count, smaller ids first); its
 * counts may be out of date, in which case the entry is put back with the present count (counts of pairs in the heap only fall; a pair
 * whose count grows gets a new entry with the words that made it grow). Merging visits only the words on the entry's list. */
#include "text/tokenizer/bpe_train.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t *words;
    uint32_t n, capacity;
} WordList;

typedef struct {
    uint64_t key;    /* left << 32 | right */
    int64_t count;
    WordList fresh;  /* words in which the pair appeared since its last heap entry */
} Pair;

typedef struct {
    int64_t count;  /* when pushed */
    uint32_t pair;
    WordList words;
    uint64_t key;
} HeapEntry;

typedef struct {
    Pair *pairs;
    uint32_t n_pairs, pair_capacity;
    uint32_t *slots;  /* pair + 1, 0 when free */
    size_t n_slots;
    HeapEntry *heap;
    size_t n_heap, heap_capacity;
    uint32_t *touched;  /* pairs with fresh words */
    size_t n_touched, touched_capacity;
} Trainer;

static uint64_t key_of(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

static size_t hash_of(uint64_t key)
{
    return (size_t)((key * 0x9E3779B97F4A7C15u) >> 24);
}

static void rehash(Trainer *trainer)
{
    trainer->n_slots = trainer->n_slots ? trainer->n_slots * 2 : 1 << 16;
    free(trainer->slots);
    trainer->slots = mem_alloc(trainer->n_slots * sizeof *trainer->slots);
    for (uint32_t i = 0; i < trainer->n_pairs; i++) {
        size_t at = hash_of(trainer->pairs[i].key) & (trainer->n_slots - 1);
        while (trainer->slots[at])
            at = (at + 1) & (trainer->n_slots - 1);
        trainer->slots[at] = i + 1;
    }
}

/* Index of the pair, made when it is new. */
static uint32_t pair_index(Trainer *trainer, uint64_t key)
{
    if ((size_t)trainer->n_pairs * 2 >= trainer->n_slots)
        rehash(trainer);
    size_t mask = trainer->n_slots - 1, at = hash_of(key) & mask;
    for (; trainer->slots[at]; at = (at + 1) & mask)
        if (trainer->pairs[trainer->slots[at] - 1].key == key)
            return trainer->slots[at] - 1;
    if (trainer->n_pairs == trainer->pair_capacity) {
        trainer->pair_capacity = trainer->pair_capacity ? trainer->pair_capacity * 2 : 1 << 15;
        trainer->pairs = mem_realloc(trainer->pairs, trainer->pair_capacity * sizeof *trainer->pairs);
    }
    trainer->pairs[trainer->n_pairs] = (Pair){.key = key};
    trainer->slots[at] = ++trainer->n_pairs;
    return trainer->n_pairs - 1;
}

static void list_push(WordList *list, uint32_t word)
{
    if (list->n == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 4;
        list->words = mem_realloc(list->words, list->capacity * sizeof *list->words);
    }
    list->words[list->n++] = word;
}

/* A count changes; when it grows the word is remembered (once: words are visited one after the other). */
static void change_count(Trainer *trainer, uint64_t key, int64_t change, uint32_t word)
{
    uint32_t index = pair_index(trainer, key);
    Pair *pair = &trainer->pairs[index];
    pair->count += change;
    if (change < 0 || (pair->fresh.n && pair->fresh.words[pair->fresh.n - 1] == word))
        return;
    if (pair->fresh.n == 0) {
        if (trainer->n_touched == trainer->touched_capacity) {
            trainer->touched_capacity = trainer->touched_capacity ? trainer->touched_capacity * 2 : 1024;
            trainer->touched = mem_realloc(trainer->touched, trainer->touched_capacity * sizeof *trainer->touched);
        }
        trainer->touched[trainer->n_touched++] = index;
    }
    list_push(&pair->fresh, word);
}

/* More frequent first, then the smaller pair. */
static bool goes_first(const HeapEntry *a, const HeapEntry *b)
{
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static void sift_down(Trainer *trainer, size_t i)
{
    HeapEntry *heap = trainer->heap, moved = heap[i];
    for (size_t child; (child = 4 * i + 1) < trainer->n_heap; i = child) {
        size_t end = child + 4 < trainer->n_heap ? child + 4 : trainer->n_heap;
        for (size_t k = child + 1; k < end; k++)
            if (goes_first(&heap[k], &heap[child]))
                child = k;
        if (!goes_first(&heap[child], &moved))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

static void heap_push(Trainer *trainer, HeapEntry entry)
{
    if (trainer->n_heap == trainer->heap_capacity) {
        trainer->heap_capacity = trainer->heap_capacity ? trainer->heap_capacity * 2 : 1 << 15;
        trainer->heap = mem_realloc(trainer->heap, trainer->heap_capacity * sizeof *trainer->heap);
    }
    size_t i = trainer->n_heap++;
    for (size_t parent; i > 0 && goes_first(&entry, &trainer->heap[parent = (i - 1) / 4]); i = parent)
        trainer->heap[i] = trainer->heap[parent];
    trainer->heap[i] = entry;
}

/* Every touched pair gets a heap entry that owns its fresh words. */
static void push_touched(Trainer *trainer)
{
    for (size_t i = 0; i < trainer->n_touched; i++) {
        Pair *pair = &trainer->pairs[trainer->touched[i]];
        if (pair->count > 0)
            heap_push(trainer, (HeapEntry){pair->count, trainer->touched[i], pair->fresh, pair->key});
        else
            free(pair->fresh.words);
        pair->fresh = (WordList){0};
    }
    trainer->n_touched = 0;
}

static void count_pairs(Trainer *trainer, const BpeCorpus *corpus)
{
    for (int64_t w = 0; w < corpus->n_words; w++) {
        const int32_t *symbols = corpus->symbols + corpus->begin[w];
        for (uint32_t i = 0; i + 1 < corpus->length[w]; i++)
            change_count(trainer, key_of(symbols[i], symbols[i + 1]), corpus->count[w], (uint32_t)w);
    }
    push_touched(trainer);
}

BpeCorpus bpe_corpus_new(int64_t n_words, uint64_t n_symbols)
{
    return (BpeCorpus){
        .symbols = mem_alloc(n_symbols * sizeof(int32_t)),
        .begin = mem_alloc((size_t)n_words * sizeof(uint64_t)),
        .length = mem_alloc((size_t)n_words * sizeof(uint32_t)),
        .count = mem_alloc((size_t)n_words * sizeof(int64_t)),
        .n_words = n_words,
    };
}

void bpe_corpus_release(BpeCorpus *corpus)
{
    free(corpus->symbols);
    free(corpus->begin);
    free(corpus->length);
    free(corpus->count);
}

Err bpe_merged_token(Tokenizer *tok, int32_t left, int32_t right, int32_t *id)
{
    size_t n_left, n_right, n_prefix = tok->prefix ? strlen(tok->prefix) : 0;
    const char *a = vocab_text(&tok->vocab, left, &n_left), *b = vocab_text(&tok->vocab, right, &n_right);
    char *text = mem_alloc(n_left + n_right);
    memcpy(text, a, n_left);
    memcpy(text + n_left, b + n_prefix, n_right - n_prefix);
    *id = vocab_find(&tok->vocab, text, n_left + n_right - n_prefix);
    Err err = OK;
    if (*id < 0) {
        *id = tok->vocab.n_ids;
        err = vocab_add(&tok->vocab, *id, text, n_left + n_right - n_prefix);
    }
    free(text);
    return err;
}

typedef struct {
    int32_t left, right, merged;
    int64_t symbols_max;      /* a pair of tokens this long together is not counted */
    const int64_t *n_symbols;  /* start symbols in each token, by id; NULL without a bound */
} Merge;

static bool counts_as_pair(const Merge *merge, int32_t a, int32_t b)
{
    return !merge->n_symbols || merge->n_symbols[a] + merge->n_symbols[b] < merge->symbols_max;
}

/* Merges every occurrence in one word and tells the neighbours. */
static void merge_word(Trainer *trainer, BpeCorpus *corpus, uint32_t w, const Merge *merge)
{
    int32_t *s = corpus->symbols + corpus->begin[w];
    uint32_t n = corpus->length[w], to = 0;
    int64_t count = corpus->count[w];
    for (uint32_t from = 0; from < n;) {
        if (from + 1 >= n || s[from] != merge->left || s[from + 1] != merge->right) {
            s[to++] = s[from++];
            continue;
        }
        if (to > 0) {
            change_count(trainer, key_of(s[to - 1], merge->left), -count, w);
            if (counts_as_pair(merge, s[to - 1], merge->merged))
                change_count(trainer, key_of(s[to - 1], merge->merged), count, w);
        }
        if (from + 2 < n) {
            change_count(trainer, key_of(merge->right, s[from + 2]), -count, w);
            if (counts_as_pair(merge, merge->merged, s[from + 2]))
                change_count(trainer, key_of(merge->merged, s[from + 2]), count, w);
        }
        s[to++] = merge->merged;
        from += 2;
    }
    corpus->length[w] = to;
}

static HeapEntry pop(Trainer *trainer)
{
    HeapEntry top = trainer->heap[0];
    trainer->heap[0] = trainer->heap[--trainer->n_heap];
    if (trainer->n_heap)
        sift_down(trainer, 0);
    return top;
}

static bool is_added(const Tokenizer *tok, int32_t id)
{
    return tokenizer_is_special(tok, id) || tokenizer_is_added_only(tok, id);
}

static Err merge_all(Trainer *trainer, Tokenizer *tok, BpeCorpus *corpus, const BpeTrainOptions *options, Progress *progress)
{
    int64_t capacity = tok->n_rules, *n_symbols = NULL;
    Err err = OK;
    if (options->max_token_symbols > 0) {
        n_symbols = mem_alloc((size_t)(options->vocab_size + tok->vocab.n_ids) * sizeof *n_symbols);
        for (int32_t id = 0; id < tok->vocab.n_ids; id++)
            n_symbols[id] = 1;
    }
    while (err == OK && tok->vocab.n_tokens < options->vocab_size && trainer->n_heap) {
        HeapEntry *top = &trainer->heap[0];
        int64_t now = trainer->pairs[top->pair].count;
        if (top->count != now) {
            top->count = now;
            sift_down(trainer, 0);
            continue;
        }
        if (top->count < 1 || top->count < options->min_frequency)
            break;
        HeapEntry entry = pop(trainer);
        Merge merge = {(int32_t)(entry.key >> 32), (int32_t)(uint32_t)entry.key, -1, options->max_token_symbols, n_symbols};
        err = bpe_merged_token(tok, merge.left, merge.right, &merge.merged);
        if (err == OK && !is_added(tok, merge.merged)) {  /* text that spells an added token never becomes it */
            if (n_symbols)
                n_symbols[merge.merged] = n_symbols[merge.left] + n_symbols[merge.right];
            bpe_merges_put(&tok->merges, merge.left, merge.right, (uint32_t)tok->n_rules, merge.merged);
            tokenizer_push_rule(tok, &capacity, (MergeRule){merge.left, merge.right, merge.merged});
            for (uint32_t i = 0; i < entry.words.n; i++)
                merge_word(trainer, corpus, entry.words.words[i], &merge);
            push_touched(trainer);
        }
        free(entry.words.words);
        if (tok->n_rules % 256 == 0) {
            if (progress)
                progress_set(progress, tok->vocab.n_tokens);
            if (interrupt_requested())
                err = err_set(ERR_INTERRUPTED, "interrupted while learning merges");
        }
    }
    free(n_symbols);
    return err;
}

Err bpe_train(Tokenizer *tok, BpeCorpus *corpus, const BpeTrainOptions *options)
{
    assert(corpus->n_words < UINT32_MAX);
    Trainer trainer = {0};
    if (!tok->merges.slots)
        bpe_merges_init(&tok->merges, 1024);
    count_pairs(&trainer, corpus);
    Progress *progress = options->quiet ? NULL : progress_new("learn merges", options->vocab_size, "tokens");
    Err err = merge_all(&trainer, tok, corpus, options, progress);
    progress_free(progress);
    for (size_t i = 0; i < trainer.n_heap; i++)
        free(trainer.heap[i].words.words);
    free(trainer.pairs);
    free(trainer.slots);
    free(trainer.heap);
    free(trainer.touched);
    return err;
}
