/* bpe_rules.c - see bpe_rules.h. The file: RulesHead, then SavedRule for each rule; written whole or not at all. */
#include "text/tokenizer/bpe_rules.h"
#include "text/tokenizer/bpe_train.h"
#include "base/file.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t magic, identity;
    int64_t n_rules;
} RulesHead;
typedef struct {
    int32_t left, right;
    int64_t count;  /* that the trainer holds for the pair */
} SavedRule;
enum { TOKEN_BYTES_MAX = 1 << 20 };
static const uint64_t rules_magic = 0x315352574B494A00u;

static bool is_added(const Tokenizer *tok, int32_t id)
{
    return tokenizer_is_special(tok, id) || tokenizer_is_added_only(tok, id);
}

Err bpe_rules_learn(BpeRules *rules, uint64_t key, PairMerge *merge, bool *is_rule)
{
    Tokenizer *tok = rules->tok;
    *merge = (PairMerge){(int32_t)(key >> 32), (int32_t)(uint32_t)key, -1, rules->max_symbols, rules->n_symbols};
    if (bpe_merges_find(&tok->merges, merge->left, merge->right))
        rules->save_path = NULL;  /* merged twice: which words each time took cannot be told from the rules alone */
    TRY(bpe_merged_token(tok, merge->left, merge->right, &merge->merged));
    *is_rule = !is_added(tok, merge->merged);
    if (!*is_rule)
        return OK;
    if (rules->n_symbols)
        rules->n_symbols[merge->merged] = rules->n_symbols[merge->left] + rules->n_symbols[merge->right];
    bpe_merges_put(&tok->merges, merge->left, merge->right, (uint32_t)tok->n_rules, merge->merged);
    tokenizer_push_rule(tok, &rules->capacity, (MergeRule){merge->left, merge->right, merge->merged});
    return OK;
}

/* The saved rules behind the head of a file. */
static Err check_saved(const BpeRules *rules, const FileMap *map, RulesHead *head)
{
    if (map->n_bytes < sizeof *head)
        return err_set(ERR_FORMAT, "%s: %zu bytes are not a file of rules", rules->save_path, map->n_bytes);
    memcpy(head, map->bytes, sizeof *head);
    if (head->magic != rules_magic || head->n_rules < 0 || (map->n_bytes - sizeof *head) / sizeof(SavedRule) != (size_t)head->n_rules)
        return err_set(ERR_FORMAT, "%s: not a file of rules, or damaged", rules->save_path);
    if (head->identity != rules->identity)
        return err_set(ERR_USAGE, "%s: learnt under other settings or from other text; remove the folder to begin anew", rules->save_path);
    return OK;
}

static SavedRule saved_rule(const FileMap *map, int64_t i)
{
    SavedRule saved;
    memcpy(&saved, map->bytes + sizeof(RulesHead) + (size_t)i * sizeof saved, sizeof saved);
    return saved;
}

/* Learns the saved rules without looking at words. */
static Err take_up(BpeRules *rules, const FileMap *map)
{
    RulesHead head;
    TRY(check_saved(rules, map, &head));
    for (int64_t i = 0; i < head.n_rules; i++) {
        SavedRule saved = saved_rule(map, i);
        int32_t n_ids = rules->tok->vocab.n_ids;
        if (saved.left < 0 || saved.left >= n_ids || saved.right < 0 || saved.right >= n_ids)
            return err_set(ERR_FORMAT, "%s: rule %lld joins ids %d and %d of %d", rules->save_path, (long long)i, saved.left, saved.right, n_ids);
        size_t n_left, n_right;
        vocab_text(&rules->tok->vocab, saved.left, &n_left);
        vocab_text(&rules->tok->vocab, saved.right, &n_right);
        if (n_left + n_right > TOKEN_BYTES_MAX)
            return err_set(ERR_FORMAT, "%s: rule %lld makes a token of %zu bytes", rules->save_path, (long long)i, n_left + n_right);
        PairMerge merge;
        bool is_rule;
        TRY(bpe_rules_learn(rules, pair_key(saved.left, saved.right), &merge, &is_rule));
        if (!is_rule || !rules->save_path)
            return err_set(ERR_FORMAT, "a saved rule %lld that cannot be one", (long long)i);
    }
    log_info("going on behind %lld merges that were learnt before", (long long)head.n_rules);
    return OK;
}

Err bpe_rules_begin(BpeRules *rules, int64_t vocab_size)
{
    Tokenizer *tok = rules->tok;
    rules->capacity = rules->n_first = tok->n_rules;
    rules->saved_at = clock_seconds();
    if (!tok->merges.slots)
        bpe_merges_init(&tok->merges, 1024);
    if (rules->max_symbols > 0) {
        rules->n_symbols = mem_alloc((size_t)(vocab_size + tok->vocab.n_ids) * sizeof *rules->n_symbols);
        for (int32_t id = 0; id < tok->vocab.n_ids; id++)
            rules->n_symbols[id] = 1;
    }
    if (!rules->save_path || !file_exists(rules->save_path))
        return OK;
    FileMap map = {0};
    TRY(file_map(&map, rules->save_path));
    Err err = take_up(rules, &map);
    file_unmap(&map);
    return err;
}

void bpe_rules_end(BpeRules *rules)
{
    free(rules->n_symbols);
    rules->n_symbols = NULL;
}

Err bpe_rules_save(BpeRules *rules, const PairTable *pairs, bool now)
{
    const Tokenizer *tok = rules->tok;
    if (!rules->save_path || (!now && clock_seconds() - rules->saved_at < rules->save_seconds))
        return OK;
    rules->saved_at = clock_seconds();
    RulesHead head = {rules_magic, rules->identity, tok->n_rules - rules->n_first};
    FileWriter *writer = NULL;
    TRY(file_writer_open(&writer, rules->save_path));
    file_writer_write(writer, &head, sizeof head);
    for (int64_t i = rules->n_first; i < tok->n_rules; i++) {
        const MergeRule *rule = &tok->rules[i];
        SavedRule saved = {rule->left, rule->right, pair_table_count(pairs, pair_key(rule->left, rule->right))};
        file_writer_write(writer, &saved, sizeof saved);
    }
    return file_writer_commit(writer);
}

uint32_t bpe_rules_replay(const BpeRules *rules, int32_t *symbols, uint32_t n)
{
    int64_t next = rules->n_first;  /* rules before it have been applied */
    while (next < rules->tok->n_rules) {
        const BpeMerge *first = NULL;
        for (uint32_t i = 0; i + 1 < n; i++) {
            const BpeMerge *merge = bpe_merges_find(&rules->tok->merges, symbols[i], symbols[i + 1]);
            if (merge && merge->rank >= next && (!first || merge->rank < first->rank))
                first = merge;
        }
        if (!first)
            break;
        const MergeRule *rule = &rules->tok->rules[first->rank];
        uint32_t to = 0;
        for (uint32_t from = 0; from < n;) {
            bool hit = from + 1 < n && symbols[from] == rule->left && symbols[from + 1] == rule->right;
            symbols[to++] = hit ? rule->merged : symbols[from];
            from += hit ? 2 : 1;
        }
        n = to;
        next = first->rank + 1;
    }
    return n;
}

Err bpe_rules_restore_counts(const BpeRules *rules, PairTable *pairs, bool of_seen)
{
    if (rules->tok->n_rules == rules->n_first)
        return OK;
    FileMap map = {0};
    TRY(file_map(&map, rules->save_path));
    RulesHead head;
    Err err = check_saved(rules, &map, &head);
    for (int64_t i = 0; err == OK && i < head.n_rules; i++) {
        SavedRule saved = saved_rule(&map, i);
        uint32_t pair = pair_table_index(pairs, pair_key(saved.left, saved.right));
        if ((pairs->counts[pair] > 0) == of_seen)
            pairs->counts[pair] = saved.count;
    }
    file_unmap(&map);
    return err;
}
