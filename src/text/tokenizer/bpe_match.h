/* bpe_match.h - byte-pair encoding without merging: longest match first, corrected where two neighbours could not have stayed apart.
 *
 * A sequence of tokens is the encoding of its text exactly when each token encodes to itself and each two neighbours, encoded as a text of
 * their own, come out as they are: merging inside one token never depends on the others until a merge crosses a border, and the first
 * one that crosses would cross in the text of those two alone. Every prefix of a text has one encoding, so a search that takes the longest
 * token first and steps back where neighbours do not fit reaches each place at most once: linear time, also on a text of one long word.
 * The idea is that of GitHub's crate bpe (Neubeck & van Antwerpen 2024). */
#ifndef TEXT_BPE_MATCH_H
#define TEXT_BPE_MATCH_H

#include "text/tokenizer/bpe.h"
#include "text/tokenizer/bpe_border.h"
#include "text/tokenizer/byte_edges.h"
#include "text/tokenizer/pair_ranks.h"
#include "text/tokenizer/trie.h"

#include <stdbool.h>

typedef struct BpeMatcher BpeMatcher;

/* Start symbols of a token's text; a place may be unknown (id -1). Returns how many, at most n. */
typedef size_t (*BpeStart)(const void *context, BpeSymbol *symbols, const char *bytes, size_t n);

/* `tokens` are texts with their ids (sorted in place); ids lie below n_ids. Tokens that their own text does not encode to take no part.
 * NULL when only merging itself is exact: there are 2^20 ids or more, or tokens made by a merge of no worse rank than one that made their parts
 * (or of rank 2^24 and more), unless one text is in all of those: then texts with it are not taken. */
BpeMatcher *bpe_matcher_new(const BpeMerges *merges, TrieKey *tokens, size_t n_tokens, int32_t n_ids, BpeStart start, const void *context);
void bpe_matcher_free(BpeMatcher *matcher);  /* NULL is fine */

/* May this text be matched? If not, it must be merged. */
bool bpe_matcher_takes(const BpeMatcher *matcher, const char *bytes, size_t n);
/* Encodes bytes[0, n), a text that is taken, up to the first place at which no token begins; returns how far it came and puts the ids into `ids` (room for n). */
size_t bpe_match(const BpeMatcher *matcher, BpeScratch *scratch, const char *bytes, size_t n, int32_t *ids, size_t *n_ids);
/* Short texts that are all taken, and made of tokens from end to end: many of them are matched at once, because each look of one can wait
 * while the others go on. All lie in one text that ends at `end`. */
typedef struct {
    const char *bytes;
    size_t n;      /* > 0 */
    int32_t *ids;  /* room for n */
    size_t n_ids;  /* found */
} BpeRun;
enum { BPE_RUNS_MAX = 128 };
void bpe_match_runs(const BpeMatcher *matcher, BpeScratch *scratch, BpeRun *runs, int n_runs, const char *end);
bool bpe_matcher_takes_all(const BpeMatcher *matcher);  /* any text may be matched */
const char *bpe_matcher_refused(const BpeMatcher *matcher, size_t *n);  /* what no text that is taken holds; NULL: takes all */
size_t bpe_matcher_n_tokens(const BpeMatcher *matcher);  /* that take part */
int32_t bpe_matcher_n_ids(const BpeMatcher *matcher);    /* that it was made for */
const BpeBorder *bpe_matcher_borders(const BpeMatcher *matcher);  /* by token; behind the last one that wants nothing and begins nothing */
const ByteEdges *bpe_matcher_byte_edges(const BpeMatcher *matcher);  /* NULL: start symbols are not bytes */
const PairRanks *bpe_matcher_ranks(const BpeMatcher *matcher);
/* Do two tokens, encoded as a text of their own, come out as they are? */
bool bpe_matcher_stay_apart(const BpeMatcher *matcher, int32_t left, int32_t right);
/* Bytes of a token that takes part. */
uint32_t bpe_matcher_length(const BpeMatcher *matcher, int32_t id);

#endif
