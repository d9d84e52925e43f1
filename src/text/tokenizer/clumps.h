/* clumps.h - texts of many short tokens, as Korean is, under SentencePiece's models: cut where no token can reach, and what stands between two cuts
 * looked up.
 *
 * Two neighbours that stand side by side in no piece of the vocabulary never share a token, so a text parts there in two that know nothing of each
 * other: scores of paths add up, and no merge crosses. What is left between such borders are clumps, mostly one to four characters. Words are
 * forever new (a stem and its endings), clumps are not: nineteen in twenty are among the six thousand most frequent.
 *
 * A clump of one character needs no looking up: what it becomes is told by a table (clump_rules.h), as is where borders are. Ids are put down where their
 * characters stand, those of all clumps in one pass, and then moved together. */
#ifndef TEXT_CLUMPS_H
#define TEXT_CLUMPS_H

#include "text/tokenizer/clump_rules.h"
#include "text/tokenizer/unigram_walk.h"
#include "base/kernel.h"

/* Encodes a text without space marks of its own, clump by clump where that pays, and else by words. */
void clumps_encode(const ClumpRules *rules, const Tokenizer *tok, EncodeScratch *scratch, WordCut cut, Piece text, TokenBuffer *out);

/* Remembers the first pieces of a unigram model, which are its likeliest, as clumps: one in five that a text brings is one of them, and cut
 * together they take half a millisecond. To be called once, when the cache is made. */
void clumps_preload(const ClumpRules *rules, const Tokenizer *tok, EncodeScratch *scratch);

/* Clumps that are remembered, and those of a unigram model that are cut. */
enum { CLUMP_CHARS_MAX = 7, CLUMP_IDS_MAX = SMALL_WORD_IDS };
enum { CLUMP_CHAR_IDS = 3, CLUMP_CUT_CHARS = 32, CLUMP_CUT_IDS = CLUMP_CHAR_IDS * CLUMP_CUT_CHARS };
static inline bool clump_is_short(size_t n_chars, int64_t n_ids)
{
    return n_chars <= CLUMP_CHARS_MAX && n_ids > 0 && n_ids <= CLUMP_IDS_MAX && n_ids <= (int64_t)n_chars;
}
/* The key of up to CLUMP_CHARS_MAX characters: no word's, as that has a length in its last byte. That of more has no word's length there, either. Eight
 * characters are read. */
static inline void clump_key(const uint16_t *chars, size_t n, uint64_t key[2])
{
    static const uint16_t window[16] = {0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF};
    uint64_t eight[2], mask[2];
    memcpy(eight, chars, sizeof eight);
    memcpy(mask, window + 8 - (n < 8 ? n : 8), sizeof mask);
    key[0] = eight[0] & mask[0];
    key[1] = (eight[1] & mask[1]) | (n > CLUMP_CHARS_MAX ? 0xFFull << 56 : 0);
}
/* Adds a clump of at most CLUMP_CUT_CHARS characters to a batch; false when normalising may change one. */
bool unigram_push_clump(const UnigramWalk *walk, WalkBatch *batch, const uint16_t *chars, size_t n_chars);
/* What it was cut into. Returns the number of its ids, 0 when the cut is not told; *note is that of unigram_is_sure. */
int unigram_clump_ids(const Tokenizer *tok, const WalkWord *cut, const uint16_t *chars, uint16_t ids[CLUMP_CUT_IDS], float *note);

/* Words on their way. Arrays by character or by clump, with room to be read and written CLUMP_READ_ROOM places beyond the last. "Clumps" here are those
 * that are looked up: not those of one character whose ids the rules tell. */
enum { CLUMP_BLOCK_BYTES = 2048, CLUMP_READ_ROOM = 64, CLUMP_PLACES = 1 + CLUMP_BLOCK_BYTES + CLUMP_READ_ROOM };
typedef struct {
    size_t n_chars, n_clumps;
    bool is_plain;                  /* normalising changes none of them */
    uint16_t chars[CLUMP_PLACES];
    uint64_t begins[CLUMP_BLOCK_BYTES / 64];  /* a bit for each byte at which one begins */
    bool has_mark;                  /* the first is a mark that no space stands for */
    uint16_t alone[CLUMP_PLACES];   /* what the rules tell of a clump of one character; else CLUMP_NO_ID */
    uint16_t found[CLUMP_PLACES];   /* of other clumps, from their first character on: ids, and CLUMP_NO_ID behind the last */
    uint32_t starts[CLUMP_PLACES], ends[CLUMP_PLACES];  /* of clumps, among the characters */
    uint64_t keys[CLUMP_PLACES][2]; /* in the table of small words; of more than CLUMP_CHARS_MAX characters one that is not found */
    uint32_t buckets[CLUMP_PLACES];
    size_t n_others;
    uint32_t others[CLUMP_PLACES];  /* clumps that are not found */
    size_t n_cuts;
    uint32_t cuts[CLUMP_PLACES];    /* of those, in order, what a unigram model has cut together */
} ClumpBlock;

/* The characters of UTF-8 with a space mark for each space, or (is_collapsed) for each run of white space: spaces, and (lines) what parts lines.
 * CLUMP_FAR_CHAR for one beyond U+FFFF. `begins`: a bit for each byte, 64 a word: does a character begin here, or the last of a run? Behind the bytes there
 * are CLUMP_READ_ROOM more to be read, and room for as many characters more to be written. Returns how many characters there are, or CLUMP_ILL_FORMED. */
#define CLUMP_ILL_FORMED SIZE_MAX
KERNEL_DECLARE(size_t, clump_chars, (const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint64_t *begins));
/* Parts a block's characters into clumps: fills in is_plain, alone, n_clumps, starts and ends. */
KERNEL_DECLARE(void, clump_cut, (const ClumpRules *rules, ClumpBlock *block));
/* Keys and buckets, so that all entries are on their way before the first is read. */
KERNEL_DECLARE(void, clump_announce, (const SmallEntry *small, ClumpBlock *block));
/* Finds the ids of clumps from the first-th on, and in `others` those that are not known or whose note is not above `note_min` (not negative: what is
 * free has 0). */
KERNEL_DECLARE(void, clump_find, (const SmallEntry *small, ClumpBlock *block, size_t first, float note_min));
/* Puts out the ids of characters [begin, end); returns how many. There is room for CLUMP_CHAR_IDS a character, and CLUMP_PUT_ROOM. */
enum { CLUMP_PUT_ROOM = 16 };
KERNEL_DECLARE(size_t, clump_put, (const ClumpRules *rules, const ClumpBlock *block, size_t begin, size_t end, int32_t *ids));

#endif
