/* bpe_match.c - see bpe_match.h. */
#include "text/tokenizer/bpe_match.h"
#include "text/tokenizer/bpe_short.h"
#include "base/arena.h"
#include "base/large.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct BpeMatcher {
    Trie trie;
    CharEdges edges;
    ByteEdges byte_edges;
    bool starts_with_bytes;  /* start symbols are single bytes */
    BpeMade *made;
    BpeBorders borders;
    int32_t *shorter;  /* the longest token that a token begins with, -1: none */
    PairRanks ranks;
    size_t n_tokens, longest_bytes;  /* of all that take part */
    int32_t n_ids;
    char *refused;  /* a text with this in it must be merged; NULL: none */
    size_t n_refused;
};

/* Do two tokens stay apart? Time runs backwards: as long as both stood as they are, their merge must not have been due; then the one made
 * later falls back into its parts, and the part at the border takes its place. Of two merges of one rank the left one comes first. */
static inline __attribute__((always_inline)) bool stay_apart(const BpeMatcher *matcher, int32_t left, int32_t right)
{
    uint32_t limit = UINT32_MAX;
    uint64_t place;
    const BpeMade *a = &matcher->made[left], *b = &matcher->made[right];
    for (;;) {
        if (pair_ranks_find(&matcher->ranks, left, right, &place) < limit)
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

static void find_shorter(BpeMatcher *matcher, const TrieKey *token)
{
    TrieNode node = trie_root(&matcher->trie);
    int32_t shorter = -1;
    for (size_t i = 0; i + 1 < token->n && trie_step(&matcher->trie, &node, (unsigned char)token->bytes[i]); i++)
        if (trie_value(node) >= 0)
            shorter = trie_value(node);
    matcher->shorter[token->value] = shorter;
}

static bool start_with_bytes(const BpeMatcher *matcher, const TrieKey *tokens)
{
    for (size_t i = 0; i < matcher->n_tokens; i++)
        if (matcher->made[tokens[i].value].rank == 0 && tokens[i].n != 1)
            return false;
    return true;
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
    pair_ranks_build(&matcher->ranks, matcher->made, tokens, matcher->n_tokens);
    matcher->starts_with_bytes = start_with_bytes(matcher, tokens);
    byte_edges_build(&matcher->byte_edges, &matcher->trie);
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
    pair_ranks_release(&matcher->ranks);
    byte_edges_release(&matcher->byte_edges);
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

const ByteEdges *bpe_matcher_byte_edges(const BpeMatcher *matcher)
{
    return matcher->starts_with_bytes ? &matcher->byte_edges : NULL;
}

const PairRanks *bpe_matcher_ranks(const BpeMatcher *matcher)
{
    return &matcher->ranks;
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

/* bytes[0, n) lie in a text that ends at `end`. */
static inline int32_t longest_of(const BpeMatcher *matcher, const char *bytes, size_t n, const char *end, size_t *length)
{
    if (end - bytes < BYTE_EDGES_BYTES || byte_edges_wide(bytes))
        return char_edges_longest(&matcher->edges, bytes, n, length);
    return byte_edges_longest(&matcher->byte_edges, bytes, n, length);
}

/* Where the text goes on as it did at the place before, so does a long token: comparing is cheaper than walking. */
static inline int32_t longest_at(Search *search, size_t at, size_t *length)
{
    size_t n_left = search->n - at, n_seen = search->matcher->longest_bytes, later = at > search->longest_at ? at : search->longest_at;
    if (search->longest_bytes < LONG_TOKEN || search->n - later < n_seen || memcmp(search->bytes + at, search->bytes + search->longest_at, n_seen) != 0)
        search->longest = longest_of(search->matcher, search->bytes + at, n_left, search->bytes + search->n, &search->longest_bytes);
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
        depends |= is_closed;
        bool is_asked = left >= 0 && wants & matcher->borders.of[token].begins;  /* else the two stay apart wherever they stand */
        if (!is_closed && !(is_asked && !stay_apart(matcher, left, token)))
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

/* Runs that are matched together: where each has come to, and which still go on. */
typedef struct {
    BpeRun *runs;
    const char *end;  /* of the text that all lie in */
    size_t at[BPE_RUNS_MAX];
    uint8_t active[BPE_RUNS_MAX];
    int n_active;
} Runs;

/* One more token of each run that has not come to its end; what the next will look at is put on its way. By characters: */
static void match_chars_once(const BpeMatcher *matcher, Runs *all)
{
    int n_left = 0;
    const uint64_t *ahead[EDGES_AHEAD];
    for (int i = 0; i < all->n_active; i++) {
        BpeRun *run = &all->runs[all->active[i]];
        size_t length, *place = &all->at[all->active[i]];
        int32_t token = char_edges_longest(&matcher->edges, run->bytes + *place, run->n - *place, &length);
        assert(token >= 0);
        run->ids[run->n_ids++] = token;
        *place += length;
        if (*place < run->n || run->n_ids > 1)
            __builtin_prefetch(&matcher->borders.of[token]);
        if (*place < run->n) {
            for (int n = char_edges_ahead(&matcher->edges, run->bytes + *place, run->n - *place, ahead); n > 0; n--)
                __builtin_prefetch(ahead[n - 1]);
            all->active[n_left++] = all->active[i];
        }
    }
    all->n_active = n_left;
}

/* By bytes: */
static void match_bytes_once(const BpeMatcher *matcher, Runs *all)
{
    int n_left = 0;
    for (int i = 0; i < all->n_active; i++) {
        uint8_t r = all->active[i];
        BpeRun *run = &all->runs[r];
        const char *bytes = run->bytes + all->at[r];
        size_t length, n = run->n - all->at[r];
        int32_t token = all->end - bytes >= BYTE_EDGES_BYTES ? byte_edges_longest(&matcher->byte_edges, bytes, n, &length)
                                                             : char_edges_longest(&matcher->edges, bytes, n, &length);
        assert(token >= 0);
        run->ids[run->n_ids++] = token;
        all->at[r] += length;
        all->active[n_left] = r;
        n_left += length < n;
        __builtin_prefetch(&matcher->borders.of[token]);
        if (all->end - bytes >= (ptrdiff_t)length + BYTE_EDGES_BYTES)
            __builtin_prefetch(byte_edges_ahead(&matcher->byte_edges, bytes + length));
    }
    all->n_active = n_left;
}

/* The longest tokens, without a look at their borders. */
static void match_longest(const BpeMatcher *matcher, BpeRun *runs, int n_runs, const char *end)
{
    Runs by_chars, by_bytes;
    by_chars.runs = by_bytes.runs = runs;
    by_chars.end = by_bytes.end = end;
    by_chars.n_active = by_bytes.n_active = 0;
    const uint64_t *ahead[EDGES_AHEAD];
    for (int i = 0; i < n_runs; i++) {
        bool is_wide = end - runs[i].bytes < BYTE_EDGES_BYTES || byte_edges_wide(runs[i].bytes);
        Runs *all = is_wide ? &by_chars : &by_bytes;
        runs[i].n_ids = all->at[i] = 0;
        all->active[all->n_active++] = (uint8_t)i;
        if (!is_wide)
            __builtin_prefetch(byte_edges_ahead(&matcher->byte_edges, runs[i].bytes));
        for (int n = is_wide ? char_edges_ahead(&matcher->edges, runs[i].bytes, runs[i].n, ahead) : 0; n > 0; n--)
            __builtin_prefetch(ahead[n - 1]);
    }
    while (by_chars.n_active > 0)
        match_chars_once(matcher, &by_chars);
    while (by_bytes.n_active > 0)
        match_bytes_once(matcher, &by_bytes);
}

/* A search pays where tokens are long; where they are short, as those of random letters are, merging does. */
static bool is_soon_merged(const BpeMatcher *matcher, const BpeRun *run)
{
    enum { SHORT_TOKEN_BYTES = 3 };
    return matcher->starts_with_bytes && run->n <= BPE_SHORT_SYMBOLS && run->n < run->n_ids * SHORT_TOKEN_BYTES && (unsigned char)run->bytes[run->n - 1] < 0x80;
}

static void merge_run(const BpeMatcher *matcher, BpeRun *run)
{
    const ByteEdges *edges = &matcher->byte_edges;
    BpeShort word;
    for (size_t i = 0; i < run->n; i++) {
        TrieNode couple = i + 1 < run->n ? edges->couples[couple_of(run->bytes + i)] : 0;
        int32_t token = trie_value(couple);
        bpe_short_put(&word, i, edges->single[(unsigned char)run->bytes[i]], (BpeCouple){byte_edges_is_two(couple) ? matcher->made[token].rank : 0, token});
    }
    run->n_ids = 0;
    for (uint32_t left = bpe_short_merge((BpeCouples){&matcher->ranks, NULL}, &word, run->n); left; left &= left - 1)
        run->ids[run->n_ids++] = word.ids[__builtin_ctz(left)];
}

/* Have all tokens of a run stayed apart? */
static bool fits(const BpeMatcher *matcher, const BpeRun *run)
{
    const BpeBorder *borders = matcher->borders.of;
    for (size_t k = 1; k < run->n_ids; k++)
        if (borders[run->ids[k - 1]].wants & borders[run->ids[k]].begins && !stay_apart(matcher, run->ids[k - 1], run->ids[k]))
            return false;
    return true;
}

/* The longest tokens first, and then all borders: nine words in ten are right. */
void bpe_match_runs(const BpeMatcher *matcher, BpeScratch *scratch, BpeRun *runs, int n_runs, const char *end)
{
    assert(n_runs <= BPE_RUNS_MAX);
    match_longest(matcher, runs, n_runs, end);
    for (BpeRun *run = runs; run < runs + n_runs; run++) {
        if (fits(matcher, run))
            continue;
        if (is_soon_merged(matcher, run))
            merge_run(matcher, run);
        else
            bpe_match(matcher, scratch, run->bytes, run->n, run->ids, &run->n_ids);
    }
}
