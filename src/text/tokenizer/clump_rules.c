/* clump_rules.c - see clump_rules.h: what the pieces of a vocabulary say of neighbours, and of characters alone. */
#include "text/tokenizer/clump_rules.h"
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_walk.h"
#include "text/tokenizer/word_cut.h"
#include "text/unicode/utf8.h"
#include "base/large.h"

#include <stdlib.h>

enum { N_COMMON = 1 << 16, PAIR_BITS_MIN = 15, PAIR_BITS_MAX = 22, BITS_A_PAIR = 16 };

/* Calls `take` on each pair of neighbours within a piece. Characters beyond U+FFFF are never looked up. */
typedef void (*TakePair)(ClumpRules *rules, size_t *n_pairs, uint16_t first, uint16_t second);
static void each_pair(ClumpRules *rules, size_t *n_pairs, TakePair take, const char *text, size_t n)
{
    uint32_t last = N_COMMON, c;
    for (size_t at = 0; at < n; last = c) {
        at += (size_t)utf8_decode(&c, text + at, text + n);
        if (c < N_COMMON && last < N_COMMON)
            take(rules, n_pairs, (uint16_t)last, (uint16_t)c);
    }
}

static void each_merged_pair(const Tokenizer *tok, ClumpRules *rules, size_t *n_pairs, TakePair take)
{
    for (uint32_t i = 0; i < tok->merges.n_slots; i++) {
        int32_t id = tok->merges.slots[i].merged;
        size_t n;
        if ((int32_t)(tok->merges.slots[i].pair >> 32) < 0)
            continue;
        const char *text = id < tok->vocab.n_ids ? vocab_text(&tok->vocab, id, &n) : vocab_text(&tok->phantoms, id - tok->vocab.n_ids, &n);
        if (text)
            each_pair(rules, n_pairs, take, text, n);
    }
}

static void each_piece_pair(const Tokenizer *tok, ClumpRules *rules, size_t *n_pairs, TakePair take)
{
    TrieKey *keys = mem_alloc((size_t)tok->unigram->n * sizeof *keys);
    size_t n_keys = unigram_keys(tok->unigram, &tok->vocab, keys);
    for (size_t i = 0; i < n_keys; i++)
        each_pair(rules, n_pairs, take, keys[i].bytes, keys[i].n);
    free(keys);
}

static void count_pair(ClumpRules *rules, size_t *n_pairs, uint16_t first, uint16_t second)
{
    (void)rules, (void)first, (void)second;
    ++*n_pairs;
}

static void join_pair(ClumpRules *rules, size_t *n_pairs, uint16_t first, uint16_t second)
{
    (void)n_pairs;
    uint32_t hash = clump_pair_hash(first, second);
    *clump_pair_word(rules, hash) |= clump_pair_bits(rules, hash);
}

static void join_pairs(const Tokenizer *tok, ClumpRules *rules)
{
    void (*each)(const Tokenizer *, ClumpRules *, size_t *, TakePair) = tok->model == MODEL_UNIGRAM ? each_piece_pair : each_merged_pair;
    size_t n_pairs = 0;
    int bits = PAIR_BITS_MIN;
    each(tok, rules, &n_pairs, count_pair);
    while (bits < PAIR_BITS_MAX && n_pairs * BITS_A_PAIR > (size_t)1 << bits)
        bits++;
    rules->pairs = mem_alloc(((size_t)1 << bits) / 8);
    rules->pairs_shift = 32 + 5 - bits;
    each(tok, rules, &n_pairs, join_pair);
}

static void name_pieces(const UnigramWalk *walk, uint16_t *alone)
{
    for (uint32_t c = 0; c < N_COMMON; c++)
        if (alone[c] != CLUMP_OTHER) {
            uint16_t id = walk->nodes[unigram_walk_label(walk, (uint16_t)c)].id;
            alone[c] = id == WALK_UNKNOWN ? CLUMP_BYTES : id;
        }
}

/* The character that is all of this token's text; N_COMMON when there is none up to U+FFFF. */
static uint32_t only_char(const Vocab *vocab, int32_t id)
{
    size_t n;
    uint32_t c = N_COMMON;
    const char *text = vocab_text(vocab, id, &n);
    return text && n && (size_t)utf8_decode(&c, text, text + n) == n && c < N_COMMON ? c : N_COMMON;
}

/* What only parts of pieces have, and what a special token spells, is left to the model. */
static void name_symbols(const Tokenizer *tok, uint16_t *alone)
{
    for (uint32_t c = 0; c < N_COMMON; c++)
        if (alone[c] != CLUMP_OTHER)
            alone[c] = CLUMP_BYTES;
    for (int32_t id = 0; id < tok->phantoms.n_ids; id++) {
        uint32_t c = only_char(&tok->phantoms, id);
        if (c < N_COMMON && alone[c] != CLUMP_OTHER)
            alone[c] = CLUMP_NO_ID;
    }
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        uint32_t c = only_char(&tok->vocab, id);
        char bytes[UTF8_BYTES_MAX];
        if (c == N_COMMON || alone[c] == CLUMP_OTHER)
            continue;
        bool is_it = tokenizer_find_model(tok, bytes, (size_t)utf8_encode(bytes, c)) == id && !tokenizer_is_special(tok, id);
        alone[c] = is_it ? (uint16_t)id : CLUMP_NO_ID;
    }
}

static bool spells_strangers(const Tokenizer *tok, const ModelFast *fast)
{
    for (int b = 0; b < 256; b++)
        if (!tok->byte_fallback || tok->byte_id[b] < 0)
            return false;
    bool is_unigram = tok->model == MODEL_UNIGRAM && fast->walk && fast->walk->tells_bytes;
    return !tok->jamo_fallback && (is_unigram || (tok->model == MODEL_BPE && tok->by_pieces && tok->merges.n_merges > 0));
}

ClumpRules *clump_rules_new(const Tokenizer *tok, const ModelFast *fast)
{
    WordCut cut = word_cut_of(tok);
    if ((cut != WORD_CUT_SPACES && cut != WORD_CUT_ONE_SPACE) || tok->n_pretokenizers || tok->vocab.n_ids > CLUMP_BYTES || !spells_strangers(tok, fast))
        return NULL;
    uint8_t *others = plain_chars_others(tok, cut);
    if (!others)
        return NULL;
    ClumpRules *rules = mem_alloc(sizeof *rules);
    rules->alone = mem_alloc((N_COMMON + 1) * sizeof *rules->alone);
    for (uint32_t c = 0; c < N_COMMON; c++)
        if (c != CLUMP_SPACE_MARK && (c == CLUMP_FAR_CHAR || others[c / 8] >> c % 8 & 1))
            rules->alone[c] = CLUMP_OTHER;
    free(others);
    for (int b = 0; b < 256; b++)
        rules->byte_ids[b] = (uint16_t)tok->byte_id[b];
    if (tok->model == MODEL_UNIGRAM)
        name_pieces(fast->walk, rules->alone);
    else
        name_symbols(tok, rules->alone);
    join_pairs(tok, rules);
    return rules;
}

void clump_rules_free(ClumpRules *rules)
{
    if (!rules)
        return;
    free(rules->pairs);
    free(rules->alone);
    free(rules);
}
