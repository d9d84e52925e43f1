/* bpe_train_file.c - merges learnt from words in a file.
 *
 * The words pass by once for a batch of merges. A batch is the heap's first pairs for as long as no two of them hold the same symbol: a merge
 * changes only the counts of pairs that hold one of its two symbols, and a pair that it makes, (x, new) or (new, y), is seen at most as often
 * as (x, left) or (right, y) was, which stands behind the batch in the heap's order, and has the larger ids. So the batch is what merging one
 * by one takes next. A pair whose token exists already ends a batch: pairs that hold the token may grow. */
#include "text/tokenizer/bpe_train.h"
#include "text/tokenizer/word_file.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_MERGES = 1024, BLOCK_BYTES_MIN = 1 << 16, BLOCK_BYTES_MAX = 1 << 20 };

typedef struct {
    const BpeTrainOptions *options;
    BpeRules *rules;
    WordCutter cutter;
    WordFile *words;
    PairTable pairs;
    PairHeap heap;
    uint32_t n_before;  /* pairs that there were before the batch: later ones are new */
    uint32_t *regrown;  /* older pairs that are seen more often, perhaps several times */
    size_t n_regrown, regrown_capacity;
    PairMerge batch[BATCH_MERGES];
    int n_batch;
    int32_t *merge_of;  /* by symbol: its merge of the batch + 1 */
    int32_t *right_of;  /* by symbol: what it merges with from the left in the batch, else -1 */
} Trainer;

static void change_count(void *context, uint64_t key, int64_t change, uint32_t word)
{
    (void)word;
    Trainer *trainer = context;
    uint32_t pair = pair_table_index(&trainer->pairs, key);
    trainer->pairs.counts[pair] += change;
    if (change < 0 || pair >= trainer->n_before)
        return;
    if (trainer->n_regrown == trainer->regrown_capacity) {
        trainer->regrown_capacity = trainer->regrown_capacity ? trainer->regrown_capacity * 2 : 256;
        trainer->regrown = mem_realloc(trainer->regrown, trainer->regrown_capacity * sizeof *trainer->regrown);
    }
    trainer->regrown[trainer->n_regrown++] = pair;
}

static void push(Trainer *trainer, uint32_t pair)
{
    int64_t count = trainer->pairs.counts[pair];
    if (count > 0 && count >= trainer->options->min_frequency)  /* one that is seen less comes back only when it grows */
        pair_heap_push(&trainer->heap, (PairEntry){count, trainer->pairs.keys[pair], pair, 0});
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void push_grown(Trainer *trainer)
{
    for (uint32_t pair = trainer->n_before; pair < trainer->pairs.n; pair++)
        push(trainer, pair);
    if (trainer->n_regrown)
        qsort(trainer->regrown, trainer->n_regrown, sizeof *trainer->regrown, by_number);
    for (size_t i = 0; i < trainer->n_regrown; i++)
        if (i == 0 || trainer->regrown[i] != trainer->regrown[i - 1])
            push(trainer, trainer->regrown[i]);
    trainer->n_regrown = 0;
    trainer->n_before = trainer->pairs.n;
}

static Err check_memory(const Trainer *trainer)
{
    int64_t most = trainer->options->memory_bytes_max;
    size_t n = pair_table_bytes(&trainer->pairs) + trainer->heap.capacity * sizeof *trainer->heap.entries + word_file_bytes(trainer->words);
    if (most > 0 && (int64_t)n > most)
        return err_set(ERR_MEMORY, "%u pairs of neighbours take %.1f MB, more than the bound of %.1f MB", trainer->pairs.n, (double)n / 1e6,
                       (double)most / 1e6);
    return OK;
}

/* Forgets pairs that are not seen any more; entries of the heap that cannot win go with them. */
static void forget_lost_pairs(Trainer *trainer)
{
    PairTable kept = {0};
    PairHeap heap = {0};
    uint32_t *moved = mem_alloc((size_t)trainer->pairs.n * sizeof *moved);
    for (uint32_t i = 0; i < trainer->pairs.n; i++)
        if (trainer->pairs.counts[i] != 0) {
            moved[i] = pair_table_index(&kept, trainer->pairs.keys[i]);
            kept.counts[moved[i]] = trainer->pairs.counts[i];
        }
    for (size_t i = 0; i < trainer->heap.n; i++) {
        PairEntry entry = trainer->heap.entries[i];
        entry.count = trainer->pairs.counts[entry.pair];
        entry.pair = moved[entry.pair];
        if (entry.count > 0 && entry.count >= trainer->options->min_frequency)
            pair_heap_push(&heap, entry);
    }
    free(moved);
    pair_table_release(&trainer->pairs);
    pair_heap_release(&trainer->heap);
    trainer->pairs = kept;
    trainer->heap = heap;
    trainer->n_before = kept.n;
}

/* One counted word into the file, as the rules learnt before leave it. */
static Err add_word(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    Trainer *trainer = context;
    uint32_t n = word_cutter_next(&trainer->cutter, bytes, n_bytes);
    int32_t *symbols = trainer->cutter.symbols;
    n = bpe_rules_replay(trainer->rules, symbols, n);
    for (uint32_t i = 0; i + 1 < n; i++)
        change_count(trainer, pair_key(symbols[i], symbols[i + 1]), count, 0);
    trainer->n_regrown = 0;  /* all of them are new */
    return word_file_add(trainer->words, symbols, n, count);
}

static int by_merge(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The merges of the batch that the word holds, in their order. */
static uint32_t merge_word(void *context, int32_t *symbols, uint32_t n, int64_t count)
{
    Trainer *trainer = context;
    int found[BATCH_MERGES], n_found = 0;
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (trainer->right_of[symbols[i]] != symbols[i + 1])
            continue;
        int k = trainer->merge_of[symbols[i]] - 1;
        bool is_known = false;
        for (int f = 0; f < n_found && !is_known; f++)
            is_known = found[f] == k;
        if (!is_known)
            found[n_found++] = k;
    }
    if (n_found > 1)
        qsort(found, (size_t)n_found, sizeof *found, by_merge);
    for (int f = 0; f < n_found; f++)
        n = merge_in_word(symbols, n, count, &trainer->batch[found[f]], change_count, trainer, 0);
    return n;
}

/* Takes from the heap what can be merged at once, and learns its rules. */
static Err choose_batch(Trainer *trainer)
{
    const BpeTrainOptions *options = trainer->options;
    const Tokenizer *tok = trainer->rules->tok;
    const PairEntry *top;
    trainer->n_batch = 0;
    while (trainer->n_batch < BATCH_MERGES && tok->vocab.n_tokens < options->vocab_size && (top = pair_heap_top(&trainer->heap, &trainer->pairs))) {
        int32_t left = (int32_t)(top->key >> 32), right = (int32_t)(uint32_t)top->key, n_ids = tok->vocab.n_ids;
        if (top->count < 1 || top->count < options->min_frequency || trainer->merge_of[left] || trainer->merge_of[right])
            break;
        PairMerge merge;
        bool is_rule;
        TRY(bpe_rules_learn(trainer->rules, pair_heap_pop(&trainer->heap).key, &merge, &is_rule));
        if (!is_rule)
            continue;
        trainer->batch[trainer->n_batch++] = merge;
        trainer->merge_of[left] = trainer->merge_of[right] = trainer->n_batch;
        trainer->right_of[left] = right;
        if (merge.merged < n_ids)
            break;
    }
    return OK;
}

static Err merge_batch(Trainer *trainer)
{
    TRY(word_file_pass(trainer->words, trainer->right_of, false, merge_word, trainer));
    for (int i = 0; i < trainer->n_batch; i++) {
        trainer->merge_of[trainer->batch[i].left] = trainer->merge_of[trainer->batch[i].right] = 0;
        trainer->right_of[trainer->batch[i].left] = -1;
    }
    push_grown(trainer);
    return check_memory(trainer);
}

static Err merge_all(Trainer *trainer, Progress *progress)
{
    const Tokenizer *tok = trainer->rules->tok;
    uint32_t n_worth_forgetting = trainer->pairs.n * 2;
    for (;;) {
        TRY(choose_batch(trainer));
        if (trainer->n_batch == 0)
            return OK;
        TRY(merge_batch(trainer));
        if (trainer->pairs.n > n_worth_forgetting) {
            forget_lost_pairs(trainer);
            n_worth_forgetting = trainer->pairs.n * 2;
        }
        if (progress)
            progress_set(progress, tok->vocab.n_tokens);
        bool stops = interrupt_requested();
        TRY(bpe_rules_save(trainer->rules, &trainer->pairs, stops));
        if (stops)
            return err_set(ERR_INTERRUPTED, "interrupted while learning merges");
    }
}

static Err run(Trainer *trainer, const WordCounts *counts)
{
    const BpeTrainOptions *options = trainer->options;
    TRY(bpe_rules_begin(trainer->rules, options->vocab_size));
    int64_t block = options->memory_bytes_max / 8;
    block = block < BLOCK_BYTES_MIN ? BLOCK_BYTES_MIN : block > BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX : block;
    TRY(word_file_open(&trainer->words, options->work_dir, (size_t)block, 2));
    TRY(word_counts_each(counts, add_word, trainer));
    TRY(bpe_rules_restore_counts(trainer->rules, &trainer->pairs, true));
    push_grown(trainer);
    TRY(bpe_rules_restore_counts(trainer->rules, &trainer->pairs, false));
    trainer->n_before = trainer->pairs.n;
    TRY(check_memory(trainer));
    size_t n_ids = (size_t)(options->vocab_size + trainer->rules->tok->vocab.n_ids);
    trainer->merge_of = mem_alloc(n_ids * sizeof *trainer->merge_of);
    trainer->right_of = mem_alloc(n_ids * sizeof *trainer->right_of);
    memset(trainer->right_of, 0xFF, n_ids * sizeof *trainer->right_of);
    Progress *progress = options->quiet ? NULL : progress_new("learn merges from disk", options->vocab_size, "tokens");
    Err err = merge_all(trainer, progress);
    progress_free(progress);
    return err;
}

Err bpe_train_file(Tokenizer *tok, const WordCounts *counts, BpeCut cut, void *context, const BpeTrainOptions *options)
{
    Arena *arena = arena_new();
    BpeRules rules = bpe_rules_of(tok, options, arena);
    Trainer *trainer = mem_alloc(sizeof *trainer);
    trainer->options = options;
    trainer->rules = &rules;
    trainer->cutter = (WordCutter){.cut = cut, .context = context};
    Err err = run(trainer, counts);
    word_file_free(trainer->words);
    pair_table_release(&trainer->pairs);
    pair_heap_release(&trainer->heap);
    free(trainer->regrown);
    free(trainer->merge_of);
    free(trainer->right_of);
    free(trainer->cutter.symbols);
    free(trainer);
    bpe_rules_end(&rules);
    arena_free(arena);
    return err;
}
