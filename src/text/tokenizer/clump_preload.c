/* clump_preload.c - see clumps.h: what is remembered before the first text. */
#include "text/tokenizer/clumps.h"
#include "text/tokenizer/unigram.h"
#include "text/unicode/utf8.h"

enum { PRELOADED_MAX = 8192, BATCH = 256 };
typedef uint16_t ClumpChars[CLUMP_CHARS_MAX + 1];  /* and as many as a key reads */

/* The characters of a piece; 0 where they cannot be a clump of several that is remembered. */
static size_t chars_of(const ClumpRules *rules, const char *text, size_t n_bytes, ClumpChars chars)
{
    size_t n = 0;
    uint32_t c;
    for (size_t at = 0; at < n_bytes; chars[n++] = (uint16_t)c) {
        at += (size_t)utf8_decode(&c, text + at, text + n_bytes);
        if (c > 0xFFFF || n == CLUMP_CHARS_MAX || rules->alone[c] == CLUMP_OTHER)
            return 0;
    }
    return n > 1 ? n : 0;
}

/* Cuts the clumps of a batch and remembers them. */
static void remember(const Tokenizer *tok, EncodeScratch *scratch, WalkBatch *batch, const ClumpChars *clumps)
{
    KERNEL_PICK(walk_words)(model_fast(tok)->walk->nodes, batch);
    for (int i = 0; i < batch->n_words; i++) {
        uint16_t ids[CLUMP_CUT_IDS];
        uint64_t key[2];
        int32_t bits;
        float note;
        size_t n_chars = batch->words[i].n_chars;
        int n = unigram_clump_ids(tok, &batch->words[i], clumps[i], ids, &note);
        if (!clump_is_short(n_chars, n))
            continue;
        for (int k = n; k < CLUMP_IDS_MAX; k++)
            ids[k] = CLUMP_NO_ID;
        memcpy(&bits, &note, sizeof bits);
        clump_key(clumps[i], n_chars, key);
        word_cache_put_small(&scratch->words, key, word_small_bucket(key), ids, n, bits);
    }
}

void clumps_preload(const ClumpRules *rules, const Tokenizer *tok, EncodeScratch *scratch)
{
    ClumpChars clumps[BATCH];
    WalkBatch batch;
    const UnigramWalk *walk = model_fast(tok)->walk;
    void *memory = encode_scratch_walk(scratch, walk_batch_bytes(BATCH * CLUMP_CHARS_MAX, BATCH));
    walk_batch_init(&batch, memory, BATCH * CLUMP_CHARS_MAX, BATCH);
    int n_left = PRELOADED_MAX;
    for (int32_t id = 0; id < tok->unigram->n && n_left > 0; id++) {
        size_t n_bytes, n;
        const char *text = vocab_text(&tok->vocab, id, &n_bytes);
        uint16_t *chars = clumps[batch.n_words];
        if (text && (n = chars_of(rules, text, n_bytes, chars)) > 0)
            n_left -= unigram_push_clump(walk, &batch, chars, n);
        if (batch.n_words == BATCH || n_left == 0 || id + 1 == tok->unigram->n) {
            remember(tok, scratch, &batch, (const ClumpChars *)clumps);
            walk_batch_init(&batch, memory, BATCH * CLUMP_CHARS_MAX, BATCH);
        }
    }
}
