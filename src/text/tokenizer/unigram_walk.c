/* unigram_walk.c - see unigram_walk.h: the trie over the pieces read backwards, and words as its labels. */
#include "text/tokenizer/unigram_walk.h"
#include "text/tokenizer/char_trie.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/word_cut.h"
#include "text/unicode/char_run.h"
#include "base/large.h"

#include <math.h>
#include <stdlib.h>

enum { SPACE_MARK = 0x2581, LAST_COMMON = 0xFFFF };

static void reverse_chars(const char *text, size_t n, char *out)
{
    for (size_t at = 0, length; at < n; at += length) {
        uint32_t c;
        length = (size_t)utf8_decode(&c, text + at, text + n);
        memcpy(out + n - at - length, text + at, length);
    }
}

static double score_of_key(const void *unigram, const TrieKey *key)
{
    return unigram_score(unigram, key->value, key->n);
}

static void build_backwards(CharTrie *trie, const Tokenizer *tok)
{
    const Unigram *unigram = tok->unigram;
    TrieKey *keys = mem_alloc((size_t)unigram->n * sizeof *keys);
    size_t n_keys = unigram_keys(unigram, &tok->vocab, keys), n_bytes = 0;
    for (size_t i = 0; i < n_keys; i++)
        n_bytes += keys[i].n;
    char *pool = mem_alloc(n_bytes + 1), *at = pool;
    for (size_t i = 0; i < n_keys; at += keys[i++].n) {
        reverse_chars(keys[i].bytes, keys[i].n, at);
        keys[i].bytes = at;
    }
    char_trie_build(trie, keys, n_keys, score_of_key, unigram);
    free(pool);
    free(keys);
}

static void copy_nodes(UnigramWalk *walk, const CharTrie *trie, const Tokenizer *tok)
{
    walk->nodes = mem_alloc_large(((size_t)trie->n_units + trie->none + 1) * sizeof *walk->nodes);
    walk->is_coarse = true;
    for (uint32_t i = 0; i < trie->n_units; i++) {
        int32_t id = trie->ids[i];
        bool is_known = id >= 0 && id != tok->unk_id, is_char = i <= trie->none;
        walk->nodes[i] = (WalkNode){(uint32_t)(trie->units[i] >> 32), (uint32_t)trie->units[i], 0.0f, is_known ? (uint16_t)id : WALK_UNKNOWN};
        double score = is_char && id < 0 ? unigram_unknown_score(tok->unigram) : trie->scores[i], grains = score / WALK_GRAIN;
        walk->nodes[i].score = (float)score;
        walk->is_coarse &= (double)(float)score == score && (isinf(grains) || grains == floor(grains));
    }
}

/* Labels of the plain characters, 0 for all others. */
static void copy_labels(UnigramWalk *walk, const CharTrie *trie, const uint8_t *others)
{
    char_table_init(&walk->labels, 0);
    walk->syllables = mem_alloc(HANGUL_N_SYLLABLES * sizeof *walk->syllables);
    for (uint32_t c = 0; c <= LAST_COMMON; c++) {
        if (others[c / 8] >> c % 8 & 1)
            continue;
        uint32_t label = char_table_get(&trie->labels, c);
        char_table_put(&walk->labels, c, label);
        if (c < 128)
            walk->ascii[c] = (uint16_t)label;
        if (hangul_is_syllable(c))
            walk->syllables[c - HANGUL_FIRST] = (uint16_t)label;
    }
}

static bool do_lines_part(const UnigramWalk *walk, const Tokenizer *tok)
{
    static const char lines[] = "\t\n\r";
    bool part = walk->tells_bytes && charsmap_is_identity(tok->normalizers->charsmap);
    for (const char *c = lines; *c && part; c++)
        part = walk->ascii[(unsigned char)*c] == walk->none;
    return part;
}

UnigramWalk *unigram_walk_new(const Tokenizer *tok, const ModelFast *fast)
{
    uint8_t *others = plain_chars_others(tok, word_cut_of(tok));
    if (!others || !tok->unigram->single_precision || tok->vocab.n_ids > UINT16_MAX) {
        free(others);
        return NULL;
    }
    UnigramWalk *walk = NULL;
    CharTrie trie;
    build_backwards(&trie, tok);
    uint32_t mark = char_table_get(&trie.labels, SPACE_MARK);
    if (trie.ids[mark] >= 0 && trie.none <= UINT16_MAX) {
        walk = mem_alloc(sizeof *walk);
        walk->mark = (uint16_t)mark;
        walk->none = (uint16_t)trie.none;
        copy_nodes(walk, &trie, tok);
        copy_labels(walk, &trie, others);
        walk->tells_bytes = fast->scores_tell_bytes && !tok->jamo_fallback;
        walk->tells_unk = fast->score_tells_unk && !tok->jamo_fallback;
        walk->lines_part = do_lines_part(walk, tok);
    }
    char_trie_release(&trie);
    free(others);
    return walk;
}

void unigram_walk_free(UnigramWalk *walk)
{
    if (!walk)
        return;
    free(walk->nodes);
    free(walk->syllables);
    char_table_release(&walk->labels);
    free(walk);
}

static size_t places_of(size_t n_bytes, int n_words)
{
    return (1 + n_bytes + 2 * (size_t)n_words + 7) / 8 * 8;
}

size_t walk_batch_bytes(size_t n_bytes, int n_words)
{
    const WalkBatch *batch = NULL;
    size_t of_place = 2 * sizeof *batch->scores + 2 * sizeof *batch->ids + sizeof *batch->going + sizeof *batch->labels + sizeof *batch->gaps + sizeof *batch->lengths;
    return places_of(n_bytes, n_words) * of_place + (size_t)n_words * sizeof(WalkWord);
}

void walk_batch_init(WalkBatch *batch, void *memory, size_t n_bytes, int n_words)
{
    size_t n = places_of(n_bytes, n_words);
    batch->n_places = 1;
    batch->n_words = 0;
    batch->scores = memory;
    batch->deep_scores = batch->scores + n;
    batch->words = (WalkWord *)(batch->deep_scores + n);
    batch->going = (WalkGoing *)(batch->words + n_words);
    batch->gaps = (float *)(batch->going + n);
    batch->lengths = (uint32_t *)(batch->gaps + n);
    batch->ids = (uint16_t (*)[WALK_STEPS])(batch->lengths + n);
    batch->deep_ids = batch->ids + n;
    batch->labels = (uint16_t *)(batch->deep_ids + n);
    batch->labels[0] = 0;
}

/* The number of the syllable at text[at], of a word that ends before a space or with the text; false when none stands there. */
static inline bool read_syllable(const char *text, size_t at, size_t n_text, uint32_t *number)
{
    uint32_t bytes;
    if (at + sizeof bytes > n_text) {
        if (!is_syllable(text + at, n_text - at))
            return false;
        bytes = (uint32_t)(unsigned char)text[at] << 16 | (uint32_t)(unsigned char)text[at + 1] << 8 | (unsigned char)text[at + 2];
    } else {
        const unsigned char *b = (const unsigned char *)text + at;
        bytes = ((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]) >> 8;  /* one read, turned round */
    }
    *number = ((bytes >> 4 & 0xF000) | (bytes >> 2 & 0xFC0) | (bytes & 0x3F)) - HANGUL_FIRST;
    return bytes - 0xEAB080u <= 0xED9EA3u - 0xEAB080u && (bytes & 0xC0C0) == 0x8080;
}

bool walk_batch_push(WalkBatch *batch, const UnigramWalk *walk, const char *word, size_t n_bytes, size_t n_text, bool has_mark)
{
    uint16_t *label = batch->labels + batch->n_places;
    uint32_t place = (uint32_t)batch->n_places + 1, number;
    *label++ = walk->none;
    *label = walk->mark;
    label += has_mark;
    for (size_t at = 0; at < n_bytes; label++) {
        unsigned char first = (unsigned char)word[at];
        if (read_syllable(word, at, n_text, &number)) {
            *label = walk->syllables[number];
            at += SYLLABLE_BYTES;
        } else if (first < 128) {
            *label = walk->ascii[first];
            at++;
        } else {
            *label = (uint16_t)char_table_read(&walk->labels, word, &at, n_bytes);
        }
        if (*label == 0)
            return false;
    }
    batch->n_places = (size_t)(label - batch->labels);
    WalkWord *added = &batch->words[batch->n_words++];
    added->place = place;
    added->n_chars = (uint32_t)batch->n_places - place;
    added->has_mark = has_mark;
    added->is_deep = false;
    return true;
}
