/* bpe_words.c - see bpe_words.h. */
#include "text/tokenizer/bpe_words.h"
#include "text/tokenizer/bpe_chars.h"
#include "text/tokenizer/word_cut.h"
#include "text/tokenizer/word_spans.h"
#include "base/arena.h"

struct BpeBatch {
    int32_t ids[BPE_WORDS_MAX][WORD_IDS_ROOM];  /* of words that are known */
    int n_ids[BPE_WORDS_MAX];                   /* 0: new */
    BpeWord fresh[BPE_WORDS_MAX];               /* the new ones, in order */
    BpeCharsRoom room;
};

/* Looks up all words; returns how many are new. */
static int find_words(const WordCache *cache, Piece text, const CutWord *words, int n_words, BpeBatch *batch)
{
    int n_fresh = 0;
    int32_t note;
    for (int i = 0; i < n_words; i++) {
        batch->n_ids[i] = word_cache_find(cache, &words[i], text.bytes, text.n, batch->ids[i], &note);
        if (batch->n_ids[i] == 0)
            batch->fresh[n_fresh++] = (BpeWord){.bytes = text.bytes + words[i].begin, .n_bytes = words[i].end - words[i].begin};
    }
    return n_fresh;
}

void bpe_words_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece text, const CutWord *words, int n_words, TokenBuffer *out)
{
    if (!scratch->batch)
        scratch->batch = mem_alloc(sizeof(BpeBatch));
    BpeBatch *batch = scratch->batch;
    int n_fresh = find_words(&scratch->words, text, words, n_words, batch);
    if (n_fresh > 0)
        bpe_chars_match(model_fast(tok)->plain, tok, &batch->room, batch->fresh, n_fresh);
    const BpeWord *fresh = batch->fresh;
    for (int i = 0; i < n_words; i++) {
        if (batch->n_ids[i] > 0) {
            token_buffer_reserve(out, WORD_IDS_ROOM);
            memcpy(out->ids + out->n, batch->ids[i], sizeof batch->ids[i]);
            out->n += batch->n_ids[i];
            continue;
        }
        if (fresh->n_ids > 0) {
            token_buffer_reserve(out, (int64_t)fresh->n_ids);
            memcpy(out->ids + out->n, fresh->ids, fresh->n_ids * sizeof *fresh->ids);
            out->n += (int64_t)fresh->n_ids;
            word_cache_put(&scratch->words, words[i], text.bytes, text.n, fresh->ids, (int64_t)fresh->n_ids, 0);
        } else {
            word_cut_encode_new(tok, scratch, text, &words[i], out);
        }
        fresh++;
    }
}

void bpe_words_encode_all(const Tokenizer *tok, EncodeScratch *scratch, bool lines, Piece text, TokenBuffer *out)
{
    WordStretch stretch = {0};
    CutWord words[BPE_WORDS_MAX];
    while (word_stretch_next(&stretch, scratch->arena, lines, text))
        for (size_t i = 0; i < stretch.n_words;) {
            int n = 0;
            for (; n < BPE_WORDS_MAX && i < stretch.n_words; n++, i++) {
                words[n].begin = stretch.begin + stretch.words[i].begin;
                words[n].end = stretch.begin + stretch.words[i].end;
                word_cache_place(&scratch->words, &words[n], text.bytes, text.n);
            }
            bpe_words_encode(tok, scratch, text, words, n, out);
        }
}
