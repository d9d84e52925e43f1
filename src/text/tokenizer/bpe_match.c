/* bpe_match.c - see bpe_match.h. */
#include "text/tokenizer/bpe_match.h"
#include "base/arena.h"
#include "base/large.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Pairs of tokens that may merge: left << 44 | right << 24 | rank, in open addressing; 0 is free (a pair's rank is 1 or more). */
enum { PAIR_ID_BITS = 20, PAIR_RANK_BITS = 24, SIGN_BITS_A_PAIR = 16, SIGN_SHIFT = 24 };
struct BpeMatcher {
    Trie trie;
    CharEdges edges;
    BpeMade *made;
    BpeBorders borders;
    int32_t *shorter;  /* the longest token that a token begins with, -1: none */
    uint64_t *pairs;
    uint64_t pair_mask;
    uint64_t *signs;  /* a bit for each pair, so that nearly all that are none are told from a small table */
    uint64_t sign_mask;
    size_t n_tokens, longest_bytes;  /* of all that take part */
    int32_t n_ids;
    char *refused;  /* a text with this in it must be merged; NULL: none */
    size_t n_refused;
};

static inline uint64_t pair_key(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << PAIR_ID_BITS | (uint32_t)right;
}

static inline uint64_t pair_hash(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15u;
    return key ^ key >> 32;
}

/* Rank + 1 of the merge, UINT32_MAX when the two never merge. */
static inline uint32_t pair_rank(const BpeMatcher *matcher, int32_t left, int32_t right)
{
    uint64_t key = pair_key(left, right), hash = pair_hash(key), sign = hash >> SIGN_SHIFT & matcher->sign_mask;
    if (!(matcher->signs[sign / 64] >> sign % 64 & 1))
        return UINT32_MAX;
    for (uint64_t i = hash;; i++) {
        uint64_t pair = matcher->pairs[i & matcher->pair_mask];
        if (pair >> PAIR_RANK_BITS == key && pair)
            return (uint32_t)pair & ((1u << PAIR_RANK_BITS) - 1);
        if (pair == 0)
            return UINT32_MAX;
    }
}

/* Do two tokens stay apart? Time runs backwards: as long as both stood as they are, their merge must not have been due; then the one made
 * later falls back into its parts, and the part at the border takes its place. Of two merges of one rank the left one comes first. */
static bool stay_apart(const BpeMatcher *matcher, int32_t left, int32_t right)
{
    uint32_t limit = UINT32_MAX;
    const BpeMade *a = &matcher->made[left], *b = &matcher->made[right];
    for (;;) {
        if (pair_rank(matcher, left, right) < limit)
            return false;
        if (a->rank > b->rank) {
            limit = a->rank;
            left = a->right;
            a = &matcher->made[left];
        } else if (b->rank > 0) {
            limit = b->rank + 1;
            right = b->left;
            b = &matcher->made[right];
        } else {
            return true;
        }
    }
}

static bool learn_how_made(BpeMatcher *matcher, const BpeMerges *merges, const TrieKey *token, BpeSymbol *symbols, size_t n,
                           BpeScratch *scratch)
{
    BpeMade *made = &matcher->made[token->value];
    if (n == 1 && symbols[0].id == token->value) {
        made->left = made->right = -1;
        return true;
    }
    if (n < 2 || bpe_merge_down_to(merges, scratch, symbols, n, 2) != 2)
        return false;
    const BpeMerge *last = bpe_merges_find(merges, symbols[0].id, symbols[1].id);
    if (!last || last->merged != token->value)
        return false;
    *made = (BpeMade){last->rank + 1, symbols[0].id, symbols[1].id, 0};
    return true;
}

/* Keeps the tokens that encode to themselves; returns how many. */
static size_t keep_reachable(BpeMatcher *matcher, const BpeMerges *merges, TrieKey *tokens, size_t n_tokens, BpeStart start,
                             const void *context)
{
    size_t n_kept = 0, longest = 1;
    BpeScratch scratch = {0};
    for (size_t i = 0; i < n_tokens; i++)
        longest = tokens[i].n > longest ? tokens[i].n : longest;
    BpeSymbol *symbols = mem_alloc(longest * sizeof *symbols);
    for (size_t i = 0; i < n_tokens; i++) {
        size_t n = start(context, symbols, tokens[i].bytes, tokens[i].n);
        if (!learn_how_made(matcher, merges, &tokens[i], symbols, n, &scratch))
            continue;
        matcher->made[tokens[i].value].length = (uint32_t)tokens[i].n;
        tokens[n_kept++] = tokens[i];
    }
    free(symbols);
    bpe_scratch_release(&scratch);
    return n_kept;
}

/* A token that is made before, or at once with, one of its parts, or whose rank has too many bits. */
static bool is_misfit(const BpeMatcher *matcher, const TrieKey *token)
{
    const BpeMade *made = &matcher->made[token->value];
    return made->rank && (made->rank <= matcher->made[made->left].rank || made->rank <= matcher->made[made->right].rank ||
                          made->rank >> PAIR_RANK_BITS);
}

static bool holds(const TrieKey *token, const TrieKey *part)
{
    return memmem(token->bytes, token->n, part->bytes, part->n) != NULL;
}

/* Where all misfits hold one of them (Llama 2: runs of three and more space marks, all of one rank), a text without that one never meets any:
 * tokens that hold it leave, and texts with it are refused. False when misfits have nothing in common. */
static bool part_with_misfits(BpeMatcher *matcher, TrieKey *tokens)
{
    const TrieKey *shortest = NULL;
    for (size_t i = 0; i < matcher->n_tokens; i++)
        if (is_misfit(matcher, &tokens[i]) && (!shortest || tokens[i].n < shortest->n))
            shortest = &tokens[i];
    if (!shortest)
        return true;
    for (size_t i = 0; i < matcher->n_tokens; i++)
        if (is_misfit(matcher, &tokens[i]) && !holds(&tokens[i], shortest))
            return false;
    TrieKey refused = *shortest;
    matcher->n_refused = refused.n;
    matcher->refused = mem_alloc(refused.n);
    memcpy(matcher->refused, refused.bytes, refused.n);
    size_t n_kept = 0;
    for (size_t i = 0; i < matcher->n_tokens; i++)
        if (holds(&tokens[i], &refused))
            matcher->made[tokens[i].value].length = 0;
        else
            tokens[n_kept++] = tokens[i];
    matcher->n_tokens = n_kept;
    return true;
}

/* One pair a token: two neighbours can only ever merge as that token's own text does, because until then nothing reaches across its ends. Every
 * other cut of the token that the table of merges may hold never comes about. */
static void put_pairs(BpeMatcher *matcher, const TrieKey *tokens)
{
    matcher->pair_mask = 63;
    while (matcher->pair_mask < matcher->n_tokens * 2)
        matcher->pair_mask = matcher->pair_mask * 2 + 1;
    matcher->pairs = mem_alloc_large((matcher->pair_mask + 1) * sizeof *matcher->pairs);
    matcher->sign_mask = (matcher->pair_mask + 1) * SIGN_BITS_A_PAIR / 2 - 1;
    matcher->signs = mem_alloc_large((matcher->sign_mask + 1) / 8);
    for (size_t i = 0; i < matcher->n_tokens; i++) {
        const BpeMade *made = &matcher->made[tokens[i].value];
        if (made->rank == 0)
            continue;
        uint64_t at = pair_hash(pair_key(made->left, made->right)), sign = at >> SIGN_SHIFT & matcher->sign_mask;
        matcher->signs[sign / 64] |= 1ull << sign % 64;
        while (matcher->pairs[at & matcher->pair_mask])
            at++;
        matcher->pairs[at & matcher->pair_mask] = pair_key(made->left, made->right) << PAIR_RANK_BITS | made->rank;
    }
}

static void find_shorter(BpeMatcher *matcher, const TrieKey *token)
{
    TrieNode node = trie_root(&matcher->trie);
    int32_t shorter = -1;
    for (size_t i = 0; i + 1 < token->n && trie_step(&matcher->trie, &node, (unsigned char)token->bytes[i]); i++)
        if (trie_value(node) >= 0)
            shorter = trie_value(node);
    matcher->shorter[token->value] = shorter;
}

BpeMatcher *bpe_matcher_new(const BpeMerges *merges, TrieKey *tokens, size_t n_tokens, int32_t n_ids, BpeStart start, const void *context)
{
    if (n_ids >= 1 << PAIR_ID_BITS)
        return NULL;
    BpeMatcher *matcher = mem_alloc(sizeof *matcher);
    matcher->n_ids = n_ids;
    matcher->made = mem_alloc_large((size_t)n_ids * sizeof *matcher->made);
    matcher->shorter = mem_alloc((size_t)n_ids * sizeof *matcher->shorter);
    matcher->n_tokens = keep_reachable(matcher, merges, tokens, n_tokens, start, context);
    if (!part_with_misfits(matcher, tokens)) {
        bpe_matcher_free(matcher);
        return NULL;
    }
    trie_build(&matcher->trie, tokens, matcher->n_tokens);
    char_edges_build(&matcher->edges, &matcher->trie, tokens, matcher->n_tokens);
    for (size_t i = 0; i < matcher->n_tokens; i++) {
        find_shorter(matcher, &tokens[i]);
        matcher->longest_bytes = tokens[i].n > matcher->longest_bytes ? tokens[i].n : matcher->longest_bytes;
    }
    put_pairs(matcher, tokens);
    bpe_borders_build(&matcher->borders, matcher->made, &matcher->edges, tokens, matcher->n_tokens, n_ids);
    return matcher;
}

void bpe_matcher_free(BpeMatcher *matcher)
{
    if (!matcher)
        return;
    char_edges_release(&matcher->edges);
    trie_release(&matcher->trie);
    free(matcher->made);
    bpe_borders_release(&matcher->borders);
    free(matcher->shorter);
    free(matcher->pairs);
    free(matcher->signs);
    free(matcher->refused);
    free(matcher);
}

bool bpe_matcher_takes(const BpeMatcher *matcher, const char *bytes, size_t n)
{
    return !matcher->refused || !memmem(bytes, n, matcher->refused, matcher->n_refused);
}

uint32_t bpe_matcher_length(const BpeMatcher *matcher, int32_t id)
{
    return matcher->made[id].length;
}

size_t bpe_matcher_n_tokens(const BpeMatcher *matcher)
{
    return matcher->n_tokens;
}

int32_t bpe_matcher_n_ids(const BpeMatcher *matcher)
{
    return matcher->n_ids;
}

const BpeBorder *bpe_matcher_borders(const BpeMatcher *matcher)
{
    return matcher->borders.of;
}

bool bpe_matcher_stay_apart(const BpeMatcher *matcher, int32_t left, int32_t right)
{
    return stay_apart(matcher, left, right);
}

const char *bpe_matcher_refused(const BpeMatcher *matcher, size_t *n)
{
    *n = matcher->n_refused;
    return matcher->refused;
}

bool bpe_matcher_takes_all(const BpeMatcher *matcher)
{
    return !matcher->refused;
}

/* Places from which no way leads on, a bit each. Words are cleared as the search comes to them: a text may be matched from many starts, and
 * each look at all of it would be one too many. */
typedef struct {
    uint64_t *dead;
    size_t n_words;  /* cleared so far */
    uint64_t few;    /* all of them when the text is short */
} Places;

static void places_init(Places *places, BpeScratch *scratch, size_t n)
{
    *places = (Places){.dead = &places->few, .n_words = 1};
    if (n >= 64)
        *places = (Places){.dead = bpe_scratch_reserve(scratch, (n / 64 + 1) * sizeof(uint64_t))};
}

static inline bool is_dead(const Places *places, size_t at)
{
    return at / 64 < places->n_words && places->dead[at / 64] >> at % 64 & 1;
}

static void put_dead(Places *places, size_t at)
{
    while (places->n_words <= at / 64)
        places->dead[places->n_words++] = 0;
    places->dead[at / 64] |= 1ull << at % 64;
}

/* Behind `left`, of the tokens that `longer` begins with, `fits` is the longest that stays apart (-1: none does). In a run of one character the same
 * question comes again and again, and its answer may take thirty looks. */
typedef struct {
    int32_t left, longer, fits;
} Choice;
enum { CHOICE_BITS = 5, CHOICES_KEPT = 1 << CHOICE_BITS, LONG_TOKEN = 16 };

/* A search for the tokens of one text. */
typedef struct {
    const BpeMatcher *matcher;
    const char *bytes;
    size_t n;
    Places places;
    size_t longest_at, longest_bytes;  /* where the longest token was asked for last, and its length */
    int32_t longest;
    bool has_choices;  /* the following has been set up */
    Choice choices[CHOICES_KEPT];
} Search;

/* Where the text goes on as it did at the place before, so does a long token: comparing is cheaper than walking. */
static inline int32_t longest_at(Search *search, size_t at, size_t *length)
{
    size_t n_left = search->n - at, n_seen = search->matcher->longest_bytes, later = at > search->longest_at ? at : search->longest_at;
    if (search->longest_bytes < LONG_TOKEN || search->n - later < n_seen || memcmp(search->bytes + at, search->bytes + search->longest_at, n_seen) != 0)
        search->longest = char_edges_longest(&search->matcher->edges, search->bytes + at, n_left, &search->longest_bytes);
    search->longest_at = at;
    *length = search->longest_bytes;
    return search->longest;
}

static Choice *choice_of(Search *search, int32_t left, int32_t longer)
{
    for (int i = 0; i < CHOICES_KEPT && !search->has_choices; i++)
        search->choices[i].left = -1;
    search->has_choices = true;
    return &search->choices[((uint32_t)left * 0x9E3779B1u + (uint32_t)longer) * 0x85EBCA6Bu >> (32 - CHOICE_BITS)];
}

/* The next shorter token at a place that stays apart from `left` (-1: there is none) and ends where an encoding may be cut; -1 when there is none. What
 * begins the text of `token` and has none of the bits in `wants` needs no look. */
static int32_t shorter_at(Search *search, size_t at, int32_t left, uint64_t wants, int32_t token)
{
    const BpeMatcher *matcher = search->matcher;
    Choice *choice = choice_of(search, left, token), now = {left, token, -1};
    if (left >= 0 && choice->left == left && choice->longer == token &&
        (choice->fits < 0 || !border_is_closed(&matcher->borders, search->bytes, search->n, at + matcher->made[choice->fits].length)))
        return choice->fits;
    bool depends = left < 0;  /* on more than the two tokens: on what lies before or behind the place */
    for (;;) {
        token = matcher->shorter[token];
        if (token < 0)
            break;
        bool is_closed = border_is_closed(&matcher->borders, search->bytes, search->n, at + matcher->made[token].length);
        bool is_asked = left >= 0 && wants & matcher->borders.of[token].begins;
        depends |= is_closed;
        if (is_closed || (is_asked && !stay_apart(matcher, left, token)))
            continue;
        depends |= !is_asked;
        break;
    }
    now.fits = token;
    if (!depends)
        *choice = now;
    return token;
}

size_t bpe_match(const BpeMatcher *matcher, BpeScratch *scratch, const char *bytes, size_t n, int32_t *ids, size_t *n_ids)
{
    const BpeMade *made = matcher->made;
    const BpeBorder *borders = matcher->borders.of;
    Search search;
    search.matcher = matcher;
    search.bytes = bytes;
    search.n = n;
    search.longest_at = search.longest_bytes = 0;
    search.has_choices = false;
    places_init(&search.places, scratch, n);
    size_t k = 0, at = 0, length = 0;
    int32_t token = longest_at(&search, 0, &length);
    uint64_t wants = 0;  /* of the token before, where it is the longest of its place: then no longer one reaches over its end */
    bool is_longest = true;
    while (token >= 0) {
        size_t end = at + length;
        bool stays = !is_longest || !(wants & borders[token].begins) || stay_apart(matcher, ids[k - 1], token);
        if (stays && !is_dead(&search.places, end)) {
            wants = is_longest ? borders[token].wants : UINT64_MAX;
            ids[k++] = token;
            at = end;
            is_longest = true;
            token = at < n ? longest_at(&search, at, &length) : -1;
            continue;
        }
        is_longest = false;
        token = shorter_at(&search, at, k > 0 ? ids[k - 1] : -1, wants, token);
        while (token < 0 && k > 0) {  /* no token fits here: the one before must give way */
            put_dead(&search.places, at);
            token = ids[--k];
            at -= made[token].length;
            wants = k > 0 ? UINT64_MAX : 0;
            token = shorter_at(&search, at, k > 0 ? ids[k - 1] : -1, wants, token);
        }
        length = token >= 0 ? made[token].length : 0;
    }
    *n_ids = k;
    return at;
}

/* One more token of each run that has not come to its end; what the next will look at is put on its way. Returns how many still go on. */
static int match_runs_token(const BpeMatcher *matcher, BpeRun *runs, size_t *at, uint8_t *active, int n_active)
{
    int n_left = 0;
    const uint64_t *ahead[EDGES_AHEAD];
    for (int i = 0; i < n_active; i++) {
        BpeRun *run = &runs[active[i]];
        size_t length, *place = &at[active[i]];
        int32_t token = char_edges_longest(&matcher->edges, run->bytes + *place, run->n - *place, &length);
        assert(token >= 0);
        run->ids[run->n_ids++] = token;
        *place += length;
        if (*place < run->n || run->n_ids > 1)
            __builtin_prefetch(&matcher->borders.of[token]);
        if (*place < run->n) {
            for (int n = char_edges_ahead(&matcher->edges, run->bytes + *place, run->n - *place, ahead); n > 0; n--)
                __builtin_prefetch(ahead[n - 1]);
            active[n_left++] = active[i];
        }
    }
    return n_left;
}

/* The longest tokens first, without a look at their borders, and then all borders: nine words in ten are right. */
void bpe_match_runs(const BpeMatcher *matcher, BpeScratch *scratch, BpeRun *runs, int n_runs)
{
    size_t at[BPE_RUNS_MAX];
    uint8_t active[BPE_RUNS_MAX];
    const uint64_t *ahead[EDGES_AHEAD];
    assert(n_runs <= BPE_RUNS_MAX);
    for (int i = 0; i < n_runs; i++) {
        for (int n = char_edges_ahead(&matcher->edges, runs[i].bytes, runs[i].n, ahead); n > 0; n--)
            __builtin_prefetch(ahead[n - 1]);
        runs[i].n_ids = at[i] = 0;
        active[i] = (uint8_t)i;
    }
    for (int n = n_runs; n > 0;)
        n = match_runs_token(matcher, runs, at, active, n);
    const BpeBorder *borders = matcher->borders.of;
    for (BpeRun *run = runs; run < runs + n_runs; run++) {
        bool fits = true;
        for (size_t k = 1; k < run->n_ids && fits; k++)
            fits = !(borders[run->ids[k - 1]].wants & borders[run->ids[k]].begins) || stay_apart(matcher, run->ids[k - 1], run->ids[k]);
        if (!fits)
            bpe_match(matcher, scratch, run->bytes, run->n, run->ids, &run->n_ids);
    }
}
