/* clumps.h - texts of many short tokens, as Korean is, under SentencePiece's models: cut where no token can reach, and what stands between two cuts
 * looked up.
 *
 * Two neighbours that stand side by side in no piece of the vocabulary never share a token, so a text parts there in two that know nothing of each
 * other: scores of paths add up, and no merge crosses. What is left between such borders are clumps, mostly one to four characters. Words are
 * forever new (a stem and its endings), clumps are not: nineteen in twenty are among the six thousand most frequent.
 *
 * Borders are told by two bits that must be set: each character has 64 for those that may follow and 64 for those that may come before. Where bits
 * coincide by chance two clumps are taken for one, which costs time and changes nothing. */
#ifndef TEXT_CLUMPS_H
#define TEXT_CLUMPS_H

#include "text/tokenizer/tokenizer_internal.h"
#include "base/kernel.h"

typedef struct Clumps Clumps;

/* NULL when this tokenizer has no words that are their own normal form, when ids do not fit 16 bits, or when unknown characters side by side are
 * not told apart. */
Clumps *clumps_new(const Tokenizer *tok, const ModelFast *fast);
void clumps_free(Clumps *clumps);  /* NULL is fine */
/* Encodes a text without space marks of its own, clump by clump where that pays, and else by words. */
void clumps_encode(const Clumps *clumps, const Tokenizer *tok, EncodeScratch *scratch, WordCut cut, Piece text, TokenBuffer *out);

/* A clump of a unigram model. */
enum { CLUMP_CHARS_MAX = 7, CLUMP_IDS_MAX = SMALL_WORD_IDS };
/* The best cut of plain characters (plain_word.h) up to U+FFFF, of a model with a walk. Returns the number of its ids, 0 if they are more than
 * CLUMP_IDS_MAX; *note is that of unigram_is_sure. */
int unigram_cut_clump(const Tokenizer *tok, const uint16_t *chars, int n_chars, uint16_t ids[CLUMP_IDS_MAX], float *note);

/* Words on their way. Arrays by character or by clump, with room to be read and written CLUMP_READ_ROOM places beyond the last. */
enum { CLUMP_BLOCK_BYTES = 1024, CLUMP_READ_ROOM = 64, CLUMP_PLACES = 1 + CLUMP_BLOCK_BYTES + CLUMP_READ_ROOM, CLUMP_FAR_CHAR = 0xD800 };
typedef struct {
    size_t n_chars, n_clumps;
    bool is_plain;                  /* normalising changes none of them */
    uint16_t chars[CLUMP_PLACES];
    uint32_t places[CLUMP_PLACES];  /* where they begin */
    uint32_t starts[CLUMP_PLACES];  /* of clumps, among the characters; and the end */
    uint64_t keys[CLUMP_PLACES][2]; /* in the table of small words; of more than CLUMP_CHARS_MAX characters one that is not found */
    uint32_t buckets[CLUMP_PLACES];
    int64_t begins[CLUMP_PLACES];   /* of their ids */
} ClumpBlock;

/* The characters of well-formed UTF-8 with a space mark for each space, or (is_collapsed) for each run of white space: spaces, and (lines) what
 * parts lines. CLUMP_FAR_CHAR for one beyond U+FFFF. `places`: where each begins; a run's last. Behind the bytes there are CLUMP_READ_ROOM more to be
 * read, and room for as many characters more to be written. Returns how many characters there are. */
KERNEL_DECLARE(size_t, clump_chars, (const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint32_t *places));
/* Puts out the ids of clumps from the i-th on, up to the first that is not found or whose note is not above `note_min` (not negative: what is free has
 * 0). Returns which one that is. There is room for CLUMP_IDS_MAX ids a clump and eight. */
KERNEL_DECLARE(size_t, clump_put, (const SmallEntry *small, ClumpBlock *block, size_t i, float note_min, int32_t *ids, int64_t *n_ids));

#endif
