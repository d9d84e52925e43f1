/* unigram_clump.c - see clumps.h: the best cut of a few characters. */
#include "text/tokenizer/clumps.h"
#include "text/tokenizer/char_trie.h"
#include "text/tokenizer/unigram.h"

#include <math.h>

/* The best way to a place and the score of the second best. */
typedef struct {
    double best, second;
    uint32_t unit;
    int start;
} Way;

static inline void offer(Way *way, double score, uint32_t unit, int start)
{
    if (score > way->best) {
        *way = (Way){score, way->best, unit, start};
    } else if (score > way->second) {
        way->second = score;
    }
}

static void find_ways(const CharTrie *trie, const uint32_t *labels, int n, Way *ways)
{
    for (int end = 1; end <= n; end++)
        ways[end] = (Way){-INFINITY, -INFINITY, 0, 0};
    ways[0].best = 0.0;
    for (int start = 0; start < n; start++) {
        uint32_t at = labels[start];
        double here = ways[start].best;
        offer(&ways[start + 1], here + trie->scores[at], at, start);
        for (int end = start + 1; end < n && trie->units[at] & CHAR_TRIE_GOES_ON; end++) {
            at = char_trie_child(trie->units[at], labels[end]);
            if (char_trie_label(trie->units[at]) != labels[end])
                break;
            offer(&ways[end + 1], here + trie->scores[at], at, start);
        }
    }
}

/* The ids of a character that no piece covers: its bytes. Returns how many. */
static int spell(const Tokenizer *tok, uint32_t c, int32_t ids[UTF8_BYTES_MAX])
{
    char bytes[UTF8_BYTES_MAX];
    int n = utf8_encode(bytes, c);
    for (int i = 0; i < n; i++)
        ids[i] = tok->byte_id[(unsigned char)bytes[i]];
    return n;
}

int unigram_cut_clump(const Tokenizer *tok, const uint16_t *chars, int n_chars, uint16_t ids[CLUMP_IDS_MAX], float *note)
{
    const CharTrie *trie = model_fast(tok)->chars;
    uint32_t labels[CLUMP_CHARS_MAX];
    Way ways[CLUMP_CHARS_MAX + 1];
    for (int i = 0; i < n_chars; i++)
        labels[i] = char_table_get(&trie->labels, chars[i]) & CHAR_TRIE_LABEL;
    find_ways(trie, labels, n_chars, ways);
    int n_ids = CLUMP_IDS_MAX, n;
    double margin = INFINITY;
    for (int end = n_chars; end > 0; end = ways[end].start) {
        int32_t id = trie->ids[ways[end].unit], spelt[UTF8_BYTES_MAX] = {id};
        n = id >= 0 && id != tok->unk_id ? 1 : spell(tok, chars[end - 1], spelt);
        if (n > n_ids)
            return 0;
        for (int i = n; i-- > 0;)
            ids[--n_ids] = (uint16_t)spelt[i];
        margin = fmin(margin, ways[end].best - ways[end].second);
    }
    n = CLUMP_IDS_MAX - n_ids;
    memmove(ids, ids + n_ids, (size_t)n * sizeof *ids);
    for (int i = n; i < CLUMP_IDS_MAX; i++)
        ids[i] = (uint16_t)tok->vocab.n_ids;
    *note = (float)(margin / (2.0 * ((double)n_chars + 1.0)));
    return n;
}
