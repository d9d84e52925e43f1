/* bpe_border.c - see bpe_border.h. */
#include "text/tokenizer/bpe_border.h"
#include "base/arena.h"
#include "base/large.h"
#include "text/unicode/utf8.h"

#include <stdlib.h>

enum { BORDER_BITS = 64, LOOKS_MAX = 256, WIDE_CHARS = 1 << 16 };

/* While borders are found: merged tokens in the order in which they are made, and from each the next with the same left part, or right part. */
typedef struct {
    const BpeMade *made;
    const TrieKey **key;  /* by token; NULL: takes no part */
    uint64_t *order;      /* rank << 32 | token */
    size_t n_merged;
    int32_t *by_left, *next_left, *by_right, *next_right;
} Finding;

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void finding_init(Finding *find, const BpeMade *made, const TrieKey *tokens, size_t n_tokens, int32_t n_ids)
{
    size_t n = (size_t)n_ids;
    *find = (Finding){.made = made};
    find->key = mem_alloc(n * sizeof *find->key);
    find->order = mem_alloc(n * sizeof *find->order);
    find->by_left = mem_alloc(4 * n * sizeof *find->by_left);
    memset(find->by_left, 0xFF, 4 * n * sizeof *find->by_left);
    find->next_left = find->by_left + n;
    find->by_right = find->by_left + 2 * n;
    find->next_right = find->by_left + 3 * n;
    for (size_t i = 0; i < n_tokens; i++) {
        find->key[tokens[i].value] = &tokens[i];
        if (made[tokens[i].value].rank)
            find->order[find->n_merged++] = (uint64_t)made[tokens[i].value].rank << 32 | (uint32_t)tokens[i].value;
    }
    qsort(find->order, find->n_merged, sizeof *find->order, by_number);
    for (size_t i = find->n_merged; i-- > 0;) {
        int32_t token = (int32_t)(uint32_t)find->order[i], left = made[token].left, right = made[token].right;
        find->next_left[token] = find->by_left[left];
        find->by_left[left] = token;
        find->next_right[token] = find->by_right[right];
        find->by_right[right] = token;
    }
}

static void finding_release(Finding *find)
{
    free(find->key);
    free(find->order);
    free(find->by_left);
}

/* The bit of a part that begins a token. All that end within a character share one: nearly always they are made whole before. */
static uint64_t begin_bit(const TrieKey *key)
{
    uint64_t place = (uint64_t)((uint32_t)key->value * 0x9E3779B9u) * (BORDER_BITS - 1) >> 32;
    return 1ull << (utf8_incomplete_tail(key->bytes, key->n) ? BORDER_BITS - 1 : place);
}

static uint64_t text_bit(const TrieKey *key)
{
    return border_text_bit(key->bytes, key->n < BORDER_TEXT_BYTES ? key->n : BORDER_TEXT_BYTES);
}

/* Bits of the right parts that `part` meets before a token with `rank` is made of it. Too many are all. */
static uint64_t met_before(const Finding *find, int32_t part, uint32_t rank, uint64_t (*bit)(const TrieKey *key))
{
    uint64_t bits = 0;
    int n = 0;
    for (int32_t z = find->by_left[part]; z >= 0 && find->made[z].rank < rank; z = find->next_left[z]) {
        const TrieKey *right = find->key[find->made[z].right];
        if (++n > LOOKS_MAX || !right)
            return UINT64_MAX;
        bits |= bit(right);
    }
    return bits;
}

/* Parts are made before what is made of them: one pass in that order hands on what they know. */
static void find_borders(const Finding *find, BpeBorder *of, const TrieKey *tokens, size_t n_tokens)
{
    for (size_t i = 0; i < n_tokens; i++)
        of[tokens[i].value].begins = begin_bit(&tokens[i]);
    for (size_t i = 0; i < find->n_merged; i++) {
        int32_t token = (int32_t)(uint32_t)find->order[i];
        const BpeMade *made = &find->made[token];
        of[token].begins |= of[made->left].begins;
        of[token].wants = of[made->right].wants | met_before(find, made->right, made->rank, begin_bit);
    }
}

/* All that could take a piece off a token at its right. */
static uint64_t text_wants(const Finding *find, int32_t token)
{
    uint64_t wants = 0;
    for (const BpeMade *made = &find->made[token]; made->rank; made = &find->made[made->right])
        wants |= met_before(find, made->right, made->rank, text_bit);
    return wants;
}

/* Does nothing but a space take a piece off a token at its left? */
static bool is_closed_left(const Finding *find, int32_t token, int32_t space)
{
    int n = 0;
    for (const BpeMade *made = &find->made[token]; made->rank; made = &find->made[made->left])
        for (int32_t z = find->by_right[made->left]; z >= 0 && find->made[z].rank <= made->rank; z = find->next_right[z])
            if (find->made[z].left != space || ++n > LOOKS_MAX)
                return false;
    return true;
}

/* The token that an edge leads to, if it ends with the edge's character. */
static int32_t whole_token(uint64_t edge)
{
    return edge && !(edge & EDGE_BACK) ? edge_value(edge) : -1;
}

static void close_chars(const Finding *find, BpeBorders *borders, const CharEdges *edges)
{
    size_t length;
    int32_t space = char_edges_longest(edges, " ", 1, &length);
    borders->alone = mem_alloc(WIDE_CHARS * sizeof *borders->alone);
    borders->spaced = mem_alloc(WIDE_CHARS * sizeof *borders->spaced);
    for (size_t c = 0; c < WIDE_CHARS; c++) {
        int32_t alone = whole_token(edges->first[c]), spaced = whole_token(edges->spaced[c]);
        borders->alone[c] = alone >= 0 && is_closed_left(find, alone, space) ? text_wants(find, alone) : UINT64_MAX;
        borders->spaced[c] = spaced >= 0 ? text_wants(find, spaced) : UINT64_MAX;
    }
}

void bpe_borders_build(BpeBorders *borders, const BpeMade *made, const CharEdges *edges, const TrieKey *tokens, size_t n_tokens, int32_t n_ids)
{
    Finding find;
    finding_init(&find, made, tokens, n_tokens, n_ids);
    *borders = (BpeBorders){.of = mem_alloc_large(((size_t)n_ids + 1) * sizeof *borders->of)};
    find_borders(&find, borders->of, tokens, n_tokens);
    if (edges->slots)
        close_chars(&find, borders, edges);
    finding_release(&find);
}

void bpe_borders_release(BpeBorders *borders)
{
    free(borders->of);
    free(borders->alone);
    free(borders->spaced);
    *borders = (BpeBorders){0};
}
