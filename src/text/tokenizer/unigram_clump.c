/* unigram_clump.c - see clumps.h: the best cut of a few characters, found from their end to their start like those of unigram_walk.h. */
#include "text/tokenizer/clumps.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_walk.h"

#include <math.h>

/* The best way from a place to the end, and the score of the second best. */
typedef struct {
    float best, second;
    uint32_t length;  /* of its first piece */
    uint16_t id;
} Way;

static inline void offer(Way *way, float score, uint32_t length, uint16_t id)
{
    bool is_better = score > way->best;
    float other = is_better ? way->best : score;
    way->second = other > way->second ? other : way->second;
    way->best = is_better ? score : way->best;
    way->length = is_better ? length : way->length;
    way->id = is_better ? id : way->id;
}

/* Pieces that end at each place, read backwards. */
static void find_ways(const WalkNode *nodes, const uint16_t *labels, int n, Way *ways)
{
    for (int start = 0; start < n; start++)
        ways[start] = (Way){-INFINITY, -INFINITY, 0, 0};
    ways[n].best = 0.0f;
    for (int end = n; end > 0; end--) {
        const WalkNode *node = &nodes[labels[end - 1]];
        float here = ways[end].best;
        offer(&ways[end - 1], here + node->score, 1, node->id);
        for (int start = end - 2; start >= 0 && node->label & WALK_GOES_ON; start--) {
            node = &nodes[node->base + labels[start]];
            if ((node->label & ~WALK_GOES_ON) != labels[start])
                break;
            offer(&ways[start], here + node->score, (uint32_t)(end - start), node->id);
        }
    }
}

/* The ids of a character that no piece covers: its bytes. Returns how many. */
static int spell(const Tokenizer *tok, uint32_t c, uint16_t ids[UTF8_BYTES_MAX])
{
    char bytes[UTF8_BYTES_MAX];
    int n = utf8_encode(bytes, c);
    for (int i = 0; i < n; i++)
        ids[i] = (uint16_t)tok->byte_id[(unsigned char)bytes[i]];
    return n;
}

int unigram_cut_clump(const Tokenizer *tok, const uint16_t *chars, int n_chars, uint16_t ids[CLUMP_CUT_IDS], float *note)
{
    const UnigramWalk *walk = model_fast(tok)->walk;
    uint16_t labels[CLUMP_CUT_CHARS];
    Way ways[CLUMP_CUT_CHARS + 1];
    for (int i = 0; i < n_chars; i++)
        labels[i] = unigram_walk_label(walk, chars[i]);
    find_ways(walk->nodes, labels, n_chars, ways);
    int n = 0;
    float gap = INFINITY;
    for (int start = 0; start < n_chars; start += (int)ways[start].length) {
        const Way *way = &ways[start];
        ids[n] = way->id;
        n += way->id == WALK_UNKNOWN ? spell(tok, chars[start], ids + n) : 1;
        gap = fminf(gap, way->best - way->second);
    }
    *note = unigram_note_of_gap(tok->unigram, gap, (uint32_t)n_chars);
    return n;
}

void unigram_announce_clump(const Tokenizer *tok, const uint16_t *chars, int n_chars)
{
    const UnigramWalk *walk = model_fast(tok)->walk;
    uint32_t first = n_chars > 0 ? unigram_walk_label(walk, chars[0]) : 0;
    for (int i = 1; i < n_chars && i < CLUMP_CHARS_MAX; i++) {
        uint32_t second = unigram_walk_label(walk, chars[i]);
        __builtin_prefetch(&walk->nodes[walk->nodes[second].base + first]);
        first = second;
    }
}
