/* bpe_words.c - see bpe_words.h. */
#include "text/tokenizer/bpe_words.h"
#include "text/tokenizer/bpe_chars.h"
#include "text/tokenizer/bpe_long.h"
#include "text/tokenizer/word_cut.h"
#include "text/tokenizer/word_spans.h"
#include "base/arena.h"

/* Texts in which next to nothing comes again gain nothing from the cache: of so many words one must have been known. */
enum { STRANGERS_TO_ONE = 2 };
struct BpeBatch {
    Luck familiar;
    KnownWord known[BPE_WORDS_MAX];             /* n 0: new */
    int32_t wide[BPE_WORDS_MAX][WORD_IDS_ROOM]; /* ids of the known ones, where they have no narrow form */
    BpeWord fresh[BPE_WORDS_MAX];               /* the new ones, in order */
    int64_t begins[BPE_WORDS_MAX];              /* where their ids begin in what is put out */
    int32_t places[BPE_WORDS_MAX];              /* among all words */
    BpeCharsRoom room;
};

static inline KnownWord look(const WordCache *cache, Piece text, const CutWord *word)
{
    if (word->end - word->begin > SMALL_WORD_BYTES)
        return word_cache_look_large(cache, *word, text.bytes, text.n);
    KnownWord known = word_cache_look_small(cache, word->key.part, word->bucket);
    return __builtin_expect(known.n == LOOK_AMONG_LARGE, 0) ? word_cache_look_large(cache, *word, text.bytes, text.n) : known;
}

/* Looks up all words, if any; returns how many are new. */
static int find_words(const WordCache *cache, Piece text, const CutWord *words, int n_words, bool looks, BpeBatch *batch)
{
    int n_fresh = 0;
    for (int i = 0; i < n_words; i++) {
        KnownWord *known = &batch->known[i];
        known->n = 0;
        if (looks && cache->small)
            *known = look(cache, text, &words[i]);
        else if (looks)
            known->n = word_cache_find(cache, &words[i], text.bytes, text.n, batch->wide[i], &known->note);
        batch->fresh[n_fresh] = (BpeWord){.bytes = text.bytes + words[i].begin, .n_bytes = words[i].end - words[i].begin};
        batch->places[n_fresh] = i;
        n_fresh += known->n == 0;
    }
    return n_fresh;
}

/* Eight ids at once, of which the last may be anything. */
static inline void put_narrow(const KnownWord *known, int32_t *ids)
{
    typedef uint16_t Narrow __attribute__((vector_size(16)));
    typedef int32_t Wide __attribute__((vector_size(32)));
    enum { LANES = sizeof(Wide) / sizeof(int32_t) };
    Narrow narrow;
    memcpy(&narrow, known->ids, sizeof narrow);
    Wide wide = __builtin_convertvector(narrow, Wide);
    memcpy(ids, &wide, sizeof wide);
    for (int32_t i = LANES; i < known->n; i++)
        ids[i] = known->ids[i];
}

static void put_fresh(const Tokenizer *tok, EncodeScratch *scratch, const BpeWord *word, TokenBuffer *out)
{
    const BpeLong *longs = bpe_chars_longs(model_fast(tok)->plain);
    if (word->n_ids == 0) {
        if (!longs || !bpe_long_encode(longs, tok, word->bytes, word->n_bytes, out))
            word_cut_encode_fresh(tok, scratch, (Piece){.bytes = word->bytes, .n = word->n_bytes}, out);
        return;
    }
    token_buffer_reserve(out, (int64_t)word->n_ids);
    memcpy(out->ids + out->n, word->ids, word->n_ids * sizeof *word->ids);
    out->n += (int64_t)word->n_ids;
}

void bpe_words_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece text, const CutWord *words, int n_words, TokenBuffer *out)
{
    if (!scratch->batch)
        scratch->batch = mem_alloc(sizeof(BpeBatch));
    BpeBatch *batch = scratch->batch;
    WordCache *cache = &scratch->words;
    bool looks = luck_try(&batch->familiar, STRANGERS_TO_ONE);
    int n_fresh = find_words(cache, text, words, n_words, looks, batch), next = 0;
    if (n_fresh > 0)
        bpe_chars_match(model_fast(tok)->plain, tok, &batch->room, batch->fresh, n_fresh);
    for (int i = 0; i < n_words; i++) {
        if (batch->known[i].n == 0) {
            batch->begins[next] = out->n;
            put_fresh(tok, scratch, &batch->fresh[next], out);
            batch->fresh[next].n_ids = (size_t)(out->n - batch->begins[next]);
            next++;
            continue;
        }
        token_buffer_reserve(out, WORD_IDS_ROOM);
        if (cache->small)
            put_narrow(&batch->known[i], out->ids + out->n);
        else
            memcpy(out->ids + out->n, batch->wide[i], sizeof batch->wide[i]);
        out->n += batch->known[i].n;
    }
    if (looks)
        luck_note(&batch->familiar, n_words, n_words - n_fresh);
    for (int i = 0; looks && i < n_fresh; i++)  /* only now, because what was found in the cache had to stay there */
        word_cache_put(cache, words[batch->places[i]], text.bytes, text.n, out->ids + batch->begins[i], (int64_t)batch->fresh[i].n_ids, 0);
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
