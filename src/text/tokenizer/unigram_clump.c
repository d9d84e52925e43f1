/* unigram_clump.c - see clumps.h: clumps as words of unigram_walk.h. */
#include "text/tokenizer/clumps.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_walk.h"

bool unigram_push_clump(const UnigramWalk *walk, WalkBatch *batch, const uint16_t *chars, size_t n_chars)
{
    uint16_t *labels = batch->labels + batch->n_places;
    uint32_t is_plain = 1;
    labels[0] = walk->none;
    for (size_t i = 0; i < n_chars; i++) {
        labels[i + 1] = unigram_walk_label(walk, chars[i]);
        is_plain &= labels[i + 1] != 0;
    }
    if (!is_plain)
        return false;
    WalkWord *word = &batch->words[batch->n_words++];
    word->place = (uint32_t)batch->n_places + 1;
    word->n_chars = (uint32_t)n_chars;
    word->has_mark = true;  /* among its characters, if it has one */
    word->is_deep = false;
    batch->n_places += n_chars + 1;
    return true;
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

int unigram_clump_ids(const Tokenizer *tok, const WalkWord *cut, const uint16_t *chars, uint16_t ids[CLUMP_CUT_IDS], float *note)
{
    int n = 0;
    for (uint32_t i = 0; i < cut->n_ids; i++) {
        if (!cut->has_unknown || cut->ids[i] != WALK_UNKNOWN)
            ids[n++] = cut->ids[i];
        else
            n += spell(tok, *chars, ids + n);
        chars += cut->has_unknown ? cut->lengths[i] : 0;
    }
    *note = unigram_note_of_gap(tok->unigram, cut->gap, cut->n_chars);
    return n;
}
