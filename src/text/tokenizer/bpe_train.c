/* bpe_train.c - see bpe_train.h: the trainer whose words are in memory.
 *
 * Each pair of neighbours has a count and a list of the words it was seen in. A heap entry owns the words that its pair was seen in since the
 * entry before; merging visits only those. */
#include "text/tokenizer/bpe_train.h"
#include "base/large.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>

typedef struct {
    uint32_t *words;
    uint32_t n, capacity;
} WordList;
typedef struct {
    PairTable pairs;
    PairHeap heap;
    WordList *fresh;  /* by pair: words in which it appeared since its last heap entry */
    size_t fresh_capacity;
    WordList *lists;  /* of heap entries */
    uint32_t n_lists, list_capacity;
    uint32_t free_list;  /* list + 1 that no entry has; its capacity is the next such + 1 */
    uint32_t *touched;  /* pairs with fresh words */
    size_t n_touched, touched_capacity;
} Trainer;

static void list_push(WordList *list, uint32_t word)
{
    if (list->n == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 4;
        list->words = mem_realloc(list->words, list->capacity * sizeof *list->words);
    }
    list->words[list->n++] = word;
}

/* A count changes; when it grows the word is remembered (once: words are visited one after the other). */
static void change_count(void *context, uint64_t key, int64_t change, uint32_t word)
{
    Trainer *trainer = context;
    uint32_t pair = pair_table_index(&trainer->pairs, key);
    trainer->pairs.counts[pair] += change;
    if (change < 0)
        return;
    if (trainer->pairs.capacity > trainer->fresh_capacity) {
        size_t n = trainer->pairs.capacity;
        trainer->fresh = mem_grow(trainer->fresh, trainer->fresh_capacity * sizeof *trainer->fresh, n * sizeof *trainer->fresh);
        trainer->fresh_capacity = n;
    }
    WordList *fresh = &trainer->fresh[pair];
    if (fresh->n && fresh->words[fresh->n - 1] == word)
        return;
    if (fresh->n == 0) {
        if (trainer->n_touched == trainer->touched_capacity) {
            trainer->touched_capacity = trainer->touched_capacity ? trainer->touched_capacity * 2 : 1024;
            trainer->touched = mem_realloc(trainer->touched, trainer->touched_capacity * sizeof *trainer->touched);
        }
        trainer->touched[trainer->n_touched++] = pair;
    }
    list_push(fresh, word);
}

static uint32_t keep_list(Trainer *trainer, WordList list)
{
    uint32_t at = trainer->free_list ? trainer->free_list - 1 : trainer->n_lists++;
    if (trainer->free_list)
        trainer->free_list = trainer->lists[at].capacity;
    if (trainer->n_lists > trainer->list_capacity) {
        size_t before = trainer->list_capacity * sizeof *trainer->lists;
        trainer->list_capacity = trainer->list_capacity ? trainer->list_capacity + trainer->list_capacity / 2 : 1 << 13;
        trainer->lists = mem_grow(trainer->lists, before, trainer->list_capacity * sizeof *trainer->lists);
    }
    trainer->lists[at] = list;
    return at;
}

static void drop_list(Trainer *trainer, uint32_t at)
{
    free(trainer->lists[at].words);
    trainer->lists[at] = (WordList){.capacity = trainer->free_list};
    trainer->free_list = at + 1;
}

/* Every touched pair gets a heap entry that owns its fresh words. */
static void push_touched(Trainer *trainer)
{
    for (size_t i = 0; i < trainer->n_touched; i++) {
        uint32_t pair = trainer->touched[i];
        int64_t count = trainer->pairs.counts[pair];
        if (count > 0)
            pair_heap_push(&trainer->heap, (PairEntry){count, trainer->pairs.keys[pair], pair, keep_list(trainer, trainer->fresh[pair])});
        else
            free(trainer->fresh[pair].words);
        trainer->fresh[pair] = (WordList){0};
    }
    trainer->n_touched = 0;
}

static Err count_pairs(Trainer *trainer, const BpeRules *rules, BpeCorpus *corpus)
{
    for (int64_t w = 0; w < corpus->n_words; w++) {
        int32_t *symbols = corpus->symbols + corpus->begin[w];
        corpus->length[w] = bpe_rules_replay(rules, symbols, corpus->length[w]);
        for (uint32_t i = 0; i + 1 < corpus->length[w]; i++)
            change_count(trainer, pair_key(symbols[i], symbols[i + 1]), corpus->count[w], (uint32_t)w);
    }
    TRY(bpe_rules_restore_counts(rules, &trainer->pairs, true));
    push_touched(trainer);
    return bpe_rules_restore_counts(rules, &trainer->pairs, false);
}

static Err merge_all(Trainer *trainer, BpeRules *rules, BpeCorpus *corpus, const BpeTrainOptions *options, Progress *progress)
{
    const Tokenizer *tok = rules->tok;
    const PairEntry *top;
    while (tok->vocab.n_tokens < options->vocab_size && (top = pair_heap_top(&trainer->heap, &trainer->pairs))) {
        if (top->count < 1 || top->count < options->min_frequency)
            break;
        PairEntry entry = pair_heap_pop(&trainer->heap);
        const WordList *list = &trainer->lists[entry.words];
        PairMerge merge;
        bool is_rule;
        TRY(bpe_rules_learn(rules, entry.key, &merge, &is_rule));
        for (uint32_t i = 0; i < list->n && is_rule; i++) {
            uint32_t w = list->words[i];
            corpus->length[w] = merge_in_word(corpus->symbols + corpus->begin[w], corpus->length[w], corpus->count[w], &merge, change_count, trainer, w);
        }
        drop_list(trainer, entry.words);
        push_touched(trainer);
        if (tok->n_rules % 64 == 0) {
            if (progress)
                progress_set(progress, tok->vocab.n_tokens);
            bool stops = interrupt_requested();
            TRY(bpe_rules_save(rules, &trainer->pairs, stops));
            if (stops)
                return err_set(ERR_INTERRUPTED, "interrupted while learning merges");
        }
    }
    return OK;
}

Err bpe_train(Tokenizer *tok, BpeCorpus *corpus, const BpeTrainOptions *options)
{
    assert(corpus->n_words < UINT32_MAX);
    Trainer trainer = {0};
    Arena *arena = arena_new();
    BpeRules rules = bpe_rules_of(tok, options, arena);
    Err err = bpe_rules_begin(&rules, options->vocab_size);
    if (err == OK)
        err = count_pairs(&trainer, &rules, corpus);
    Progress *progress = options->quiet ? NULL : progress_new("learn merges", options->vocab_size, "tokens");
    if (err == OK)
        err = merge_all(&trainer, &rules, corpus, options, progress);
    progress_free(progress);
    for (size_t i = 0; i < trainer.n_lists; i++)
        free(trainer.lists[i].words);
    mem_release_grown(trainer.lists, trainer.list_capacity * sizeof *trainer.lists);
    mem_release_grown(trainer.fresh, trainer.fresh_capacity * sizeof *trainer.fresh);
    free(trainer.touched);
    pair_table_release(&trainer.pairs);
    pair_heap_release(&trainer.heap);
    bpe_rules_end(&rules);
    arena_free(arena);
    return err;
}
