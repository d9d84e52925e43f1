/* unigram_walk.h - the best cuts of many short words at once, under a unigram model whose path sums are rounded to float.
 *
 * Word by word, a search for the best cut waits: for the memory that each look depends on, and for the CPU, which cannot guess where a walk through
 * the pieces ends. Here all walks of all words take their first step, then all that go on their second, and so on; what they found lies in rows of
 * fixed width, and the sums over them need no branch. A word is read from its end to its start, so that the cut can then be told from start to end.
 *
 * The outcome counts only where it is sure: `gap`, by which the best cut surpasses every other, tells. */
#ifndef TEXT_UNIGRAM_WALK_H
#define TEXT_UNIGRAM_WALK_H

#include "text/tokenizer/char_table.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/unicode/hangul.h"
#include "base/kernel.h"

enum { WALK_STEPS = 8, WALK_DEEP_STEPS = 16, WALK_BYTES_MAX = 95, WALK_CHARS_MAX = WALK_BYTES_MAX + 1, WALK_UNKNOWN = 0xFFFF };
/* A score up to the second and a multiple of the first can be added in double without loss. */
#define WALK_GRAIN 0x1p-27
#define WALK_PATH_MAX 0x1p25
#define WALK_GOES_ON 0x80000000u
/* Of a trie over the pieces read backwards, as char_trie.h has it: the child over a label is node base + label if that node says so. */
typedef struct {
    uint32_t base, label;  /* label | WALK_GOES_ON if it has children */
    float score;           /* of the piece, or of an unknown character; -INFINITY: no piece ends here */
    uint16_t id;           /* WALK_UNKNOWN: an unknown character */
} WalkNode;

/* What a word of these characters and a space mark before them looks like to the trie. */
typedef struct UnigramWalk {
    WalkNode *nodes;
    CharTable labels;     /* 0: normalising may change this character, or what stands beside it */
    uint16_t *syllables;  /* the same of Hangul syllables */
    uint16_t ascii[128];  /* and of ASCII */
    uint16_t mark, none;  /* `none`: of characters that no piece has, and between words */
    bool tells_bytes;     /* unknown characters become the tokens of their bytes, whatever stands beside them */
    bool tells_unk;       /* or one of them alone becomes unk */
    bool is_coarse;       /* all scores are floats and multiples of WALK_GRAIN: then walk_behind's sums are those of the path */
    bool lines_part;      /* so do tab, line feed and carriage return, and no normal form reaches over them: each begins a word without a mark */
} UnigramWalk;

typedef struct {
    uint32_t place, n_chars;       /* of its mark among the labels; with the mark */
    uint32_t n_ids;                /* 0: a piece longer than WALK_DEEP_STEPS had to be looked for */
    float gap;
    bool has_mark, is_deep;        /* of walks beyond WALK_STEPS */
    bool has_unknown;              /* among `ids` */
    uint16_t before, ids[WALK_CHARS_MAX];  /* `before`: room for an id that the caller knows */
    uint8_t lengths[WALK_CHARS_MAX];  /* in characters, the mark among them: if one is unknown */
} WalkWord;

/* A walk from a place that goes on, below a node of this base. */
typedef struct {
    uint32_t place, base;
} WalkGoing;

/* Arrays by place, from 1 on; `none` before each word, and some label at 0. */
typedef struct {
    size_t n_places;
    uint16_t *labels, (*ids)[WALK_STEPS], (*deep_ids)[WALK_STEPS];
    float (*scores)[WALK_STEPS], (*deep_scores)[WALK_STEPS], *gaps;
    uint32_t *lengths;
    WalkGoing *going;
    WalkWord *words;
    int n_words;
} WalkBatch;

/* Of a plain character up to U+FFFF, or of the space mark. */
static inline uint16_t unigram_walk_label(const UnigramWalk *walk, uint16_t c)
{
    if (hangul_is_syllable(c))
        return walk->syllables[c - HANGUL_FIRST];
    return c == 0x2581 ? walk->mark : (uint16_t)char_table_get(&walk->labels, c);
}

/* NULL when this tokenizer has no words of that kind, or ids beyond 16 bits. */
UnigramWalk *unigram_walk_new(const Tokenizer *tok, const ModelFast *fast);
void unigram_walk_free(UnigramWalk *walk);  /* NULL is fine */
/* A batch for words of n_bytes in all, within `memory`. */
size_t walk_batch_bytes(size_t n_bytes, int n_words);
void walk_batch_init(WalkBatch *batch, void *memory, size_t n_bytes, int n_words);
/* Adds a word of at most WALK_BYTES_MAX bytes; false when one of its characters is not plain. A space stands behind it, or n_text bytes from its
 * start on the text ends. */
bool walk_batch_push(WalkBatch *batch, const UnigramWalk *walk, const char *word, size_t n_bytes, size_t n_text, bool has_mark);
/* Fills in n_ids, gap, has_unknown, ids and lengths of all words. */
KERNEL_DECLARE(void, walk_words, (const WalkNode *nodes, WalkBatch *batch));
/* The same behind a text of so low a score, down to -WALK_PATH_MAX, that rounding decides many cuts: first what all words have in common, then each word in
 * its place, with its exact sums. Fills in all but the gap and returns the score with the word; of one with a piece too long n_ids is 0. */
KERNEL_DECLARE(void, walk_steps, (const WalkNode *nodes, WalkBatch *batch));
KERNEL_DECLARE(float, walk_behind, (WalkBatch *batch, WalkWord *word, float path_score));

#endif
