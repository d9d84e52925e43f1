/* bpe_chars.c - see bpe_chars.h. */
#include "text/tokenizer/bpe_chars_internal.h"
#include "text/tokenizer/bpe_long.h"
#include "text/tokenizer/char_trie.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/word_cut.h"
#include "base/large.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char space_mark[] = "\xE2\x96\x81";
enum { SPACE_MARK = 0x2581, SPACE_MARK_BYTES = 3 };

static double no_score(const void *context, const TrieKey *key)
{
    (void)context;
    (void)key;
    return 0.0;
}

static void pack_units(BpeChars *chars, const CharTrie *trie)
{
    size_t n = (size_t)trie->n_units + trie->none + 1;  /* and what the last of them could step to */
    chars->units = mem_alloc_large(n * sizeof *chars->units);
    for (size_t i = 0; i < trie->n_units; i++) {
        uint64_t unit = trie->units[i];
        chars->units[i] = unit >> 32 << UNIT_BASE_SHIFT | (uint64_t)char_trie_label(unit) << UNIT_LABEL_SHIFT |
                          (unit & CHAR_TRIE_GOES_ON ? 1u << UNIT_GOES_ON_BIT : 0) | (uint32_t)(trie->ids[i] + 1);
    }
    chars->units[trie->none] = (uint32_t)(chars->n_ids + 1);
}

/* What labels become with one another. Label 0 is no character's. */
static void make_couples(BpeChars *chars)
{
    const BpeCouples couples = {bpe_matcher_ranks(chars->matcher), NULL};
    chars->couples = mem_alloc(N_FREQUENT * N_FREQUENT * sizeof *chars->couples);
    for (uint32_t left = 1; left < N_FREQUENT && left < chars->stranger; left++)
        for (uint32_t right = 1; right < N_FREQUENT && right < chars->stranger; right++)
            chars->couples[left * N_FREQUENT + right] = bpe_couple_find(couples, bpe_chars_id_of(chars, left), bpe_chars_id_of(chars, right));
}

static bool has_all_bytes(const Tokenizer *tok)
{
    for (int b = 0; b < 256; b++)
        if (tok->byte_id[b] < 0)
            return false;
    return true;
}

/* How many marks may stand side by side in what the matcher takes. */
static size_t most_marks(const BpeMatcher *matcher)
{
    size_t n, n_marks = 0;
    const char *refused = bpe_matcher_refused(matcher, &n);
    if (!refused)
        return SIZE_MAX;
    while ((n_marks + 1) * SPACE_MARK_BYTES <= n && memcmp(refused + n_marks * SPACE_MARK_BYTES, space_mark, SPACE_MARK_BYTES) == 0)
        n_marks++;
    return n_marks * SPACE_MARK_BYTES == n ? n_marks - 1 : 1;
}

/* Puts the merges that make what the matcher refuses; false when a rank is too large. */
static bool put_refused(const Tokenizer *tok, const BpeMatcher *matcher, BpeMerges *refused)
{
    size_t n, n_text;
    const char *text, *part = bpe_matcher_refused(matcher, &n);
    bpe_merges_init(refused, 0);
    for (uint32_t i = 0; i < tok->merges.n_slots && part; i++) {
        BpeMerge merge = tok->merges.slots[i];
        if ((int32_t)(merge.pair >> 32) < 0)
            continue;
        text = merge.merged < tok->vocab.n_ids ? vocab_text(&tok->vocab, merge.merged, &n_text)
                                               : vocab_text(&tok->phantoms, merge.merged - tok->vocab.n_ids, &n_text);
        if (!text || !memmem(text, n_text, part, n))
            continue;
        if ((merge.rank + 1) >> PAIR_RANK_BITS)
            return false;
        bpe_merges_put(refused, (int32_t)(merge.pair >> 32), (int32_t)(uint32_t)merge.pair, merge.rank, merge.merged);
    }
    return true;
}

/* Do spaces become marks whatever stands beside them, and stay with the word behind them? */
static bool takes_spaces(const Tokenizer *tok)
{
    bool marks_all = word_cut_marks_spaces(tok) || (tok->normalizers->kind == NORMALIZER_SENTENCEPIECE && charsmap_is_identity(tok->normalizers->charsmap));
    return word_cut_of(tok) == WORD_CUT_ONE_SPACE && tok->n_pretokenizers == 0 && marks_all;
}

/* Are all plain words taken? A mark stands only before them. */
static bool takes_words(const BpeMatcher *matcher)
{
    size_t n;
    const char *refused = bpe_matcher_refused(matcher, &n);
    return !refused || memmem(refused + 1, n - 1, space_mark, SPACE_MARK_BYTES);
}

BpeChars *bpe_chars_new(const Tokenizer *tok, const BpeMatcher *matcher, TrieKey *tokens, size_t n_tokens)
{
    uint8_t *others = !takes_words(matcher) ? NULL : plain_chars_others(tok, word_cut_of(tok));
    if (!others)
        return NULL;
    CharTrie trie;
    char_trie_build(&trie, tokens, n_tokens, no_score, NULL);
    uint32_t mark = char_table_get(&trie.labels, SPACE_MARK);
    BpeChars *chars = NULL;
    if (trie.none <= LABEL_MAX && mark != trie.none && trie.ids[mark] >= 0) {
        chars = mem_alloc(sizeof *chars);
        chars->matcher = matcher;
        chars->borders = bpe_matcher_borders(matcher);
        chars->mark = (uint16_t)mark;
        chars->stranger = (uint16_t)trie.none;
        chars->marks_max = most_marks(matcher);
        chars->takes_spaces = put_refused(tok, matcher, &chars->refused) && takes_spaces(tok);
        chars->n_known = tok->vocab.n_ids;
        chars->n_ids = bpe_matcher_n_ids(matcher);
        chars->fuses_strangers = tok->by_pieces && !tok->byte_fallback;
        chars->spells_strangers = tok->byte_fallback && has_all_bytes(tok) && !tok->jamo_fallback;
        pack_units(chars, &trie);
        make_couples(chars);
        for (uint32_t c = 1; c < N_COMMON; c++)
            if (!(others[c / 8] >> c % 8 & 1) && (c < 0xD800 || c > 0xDFFF))
                chars->label_of[c] = (uint16_t)char_table_get(&trie.labels, c);
    }
    if (chars)
        chars->longs = bpe_long_new(tok, chars, &trie, tokens, n_tokens);
    char_trie_release(&trie);
    free(others);
    return chars;
}

void bpe_chars_free(BpeChars *chars)
{
    if (!chars)
        return;
    bpe_long_free(chars->longs);
    free(chars->units);
    free(chars->couples);
    bpe_merges_release(&chars->refused);
    free(chars);
}

const BpeLong *bpe_chars_longs(const BpeChars *chars)
{
    return chars->longs;
}

/* A character of up to three bytes at the start of bytes[0, n), n > 0; 0 for anything else. */
static inline uint32_t read_char(const unsigned char *bytes, size_t n, size_t *length)
{
    uint32_t c = bytes[0];
    *length = 1;
    if (c < 0x80)
        return c;
    if ((c & 0xF0) == 0xE0 && n >= 3 && (bytes[1] & 0xC0) == 0x80 && (bytes[2] & 0xC0) == 0x80) {
        *length = 3;
        c = (c & 0xF) << 12 | (bytes[1] & 0x3Fu) << 6 | (bytes[2] & 0x3Fu);
        return c < 0x800 ? 0 : c;
    }
    if ((c & 0xE0) != 0xC0 || n < 2 || (bytes[1] & 0xC0) != 0x80)
        return 0;
    *length = 2;
    c = (c & 0x1F) << 6 | (bytes[1] & 0x3Fu);
    return c < 0x80 ? 0 : c;
}

/* The labels of a word, its marks among them, and where their characters begin; returns how many, 0 when it is long or a character is not plain. */
static size_t read_labels(const BpeChars *chars, const BpeWord *word, uint16_t *labels, uint16_t *offsets, size_t *n_marks)
{
    size_t n = 1, length, at = 0;
    labels[0] = chars->mark;
    offsets[0] = 0;
    for (; chars->takes_spaces && at < word->n_bytes && word->bytes[at] == ' ' && n < BPE_WORD_LABELS_MAX; at++) {
        labels[n] = chars->mark;
        offsets[n++] = (uint16_t)at;
    }
    *n_marks = n;
    for (; at < word->n_bytes; at += length) {
        uint16_t label = chars->label_of[read_char((const unsigned char *)word->bytes + at, word->n_bytes - at, &length)];
        if (label == NOT_PLAIN || n == BPE_WORD_LABELS_MAX)
            return 0;
        labels[n] = label;
        offsets[n++] = (uint16_t)at;
    }
    return n;
}

/* One of several walks through the row of labels. A token in 64 bits: place behind it << 32 | id. */
typedef struct {
    uint64_t unit, longest;  /* where the walk is; the last unit on its way that is a token */
    size_t at, end;          /* the places behind them */
    size_t stop;             /* where the lane ends: once `end` is greater, all its tokens are there */
    uint64_t *tokens;        /* the next one */
} Lane;

static Lane lane_at(const uint64_t *units, const uint16_t *labels, size_t begin, size_t stop, uint64_t *tokens)
{
    uint64_t unit = units[labels[begin]];
    return (Lane){unit, unit, begin + 1, begin + 1, stop, tokens + begin};
}

/* One step on, or, where there is none, the token put out and the first step of the next. Tokens begin at every place: characters are tokens. */
static inline void lane_step(const uint64_t *units, const uint16_t *labels, Lane *lane)
{
    uint64_t label = labels[lane->at], unit = lane->unit, child = units[(unit >> UNIT_BASE_SHIFT) + label], first = units[labels[lane->end]];
    uint64_t goes_on = (unit >> UNIT_GOES_ON_BIT & 1) & ((uint16_t)(child >> UNIT_LABEL_SHIFT) == label), mask = -goes_on;
    *lane->tokens = (uint64_t)lane->end << 32 | ((lane->longest & UNIT_ID) - 1);
    lane->tokens += !goes_on;
    lane->at = (lane->end ^ ((lane->end ^ lane->at) & mask)) + 1;
    lane->unit = first ^ ((first ^ child) & mask);
    mask = -((uint64_t)!goes_on | (uint64_t)((child & UNIT_ID) != 0));
    lane->longest ^= (lane->longest ^ lane->unit) & mask;
    lane->end ^= (lane->end ^ lane->at) & mask;
}

enum { N_LANES = 4 };
/* The longest token of each place, one behind the other, for each lane where its labels begin. */
static void walk_lanes(const uint64_t *units, const uint16_t *labels, const size_t *begins, uint64_t *tokens)
{
    Lane a = lane_at(units, labels, begins[0], begins[1], tokens), b = lane_at(units, labels, begins[1], begins[2], tokens);
    Lane c = lane_at(units, labels, begins[2], begins[3], tokens), d = lane_at(units, labels, begins[3], begins[4], tokens);
    while (a.end <= a.stop && b.end <= b.stop && c.end <= c.stop && d.end <= d.stop) {
        lane_step(units, labels, &a);
        lane_step(units, labels, &b);
        lane_step(units, labels, &c);
        lane_step(units, labels, &d);
    }
    Lane *const lanes[N_LANES] = {&a, &b, &c, &d};
    for (int i = 0; i < N_LANES; i++)
        while (lanes[i]->end <= lanes[i]->stop)
            lane_step(units, labels, lanes[i]);
}

/* The words of the row and what is told of their tokens. */
enum { WORD_IS_WRONG = 1, WORD_HAS_STRANGERS = 2 };
typedef struct {
    size_t begins[BPE_WORDS_MAX + 1];   /* labels, and behind the last word */
    uint32_t tokens[BPE_WORDS_MAX + 1]; /* their first tokens, likewise */
    uint8_t flags[BPE_WORDS_MAX];
    BpeWord *words[BPE_WORDS_MAX];
    int n;
} Row;

/* Puts the lanes' tokens together. Notes, without a branch, where words begin, where neighbours are not proved apart, and which words have what is no
 * token. Neighbours in different words may be noted as well. Returns how many tokens are noted in `doubts`, each the right one of its pair. */
static size_t join_lanes(const BpeChars *chars, BpeCharsRoom *room, const size_t *lanes, Row *row, uint32_t *doubts)
{
    uint32_t n = 0, n_words = 0;
    size_t n_doubts = 0, start = 0;
    uint64_t wants = 0;
    for (int lane = 0; lane < N_LANES; lane++)
        for (const uint64_t *token = room->tokens + lanes[lane]; start < lanes[lane + 1]; token++) {
            int32_t id = (int32_t)(uint32_t)*token;
            const BpeBorder *border = &chars->borders[id];
            row->tokens[n_words] = n;
            n_words += start == row->begins[n_words];
            doubts[n_doubts] = n;
            n_doubts += (wants & border->begins) != 0;
            wants = border->wants;
            row->flags[n_words - 1] |= id >= chars->n_known ? WORD_HAS_STRANGERS : 0;
            start = *token >> 32;
            room->tokens[n] = *token;
            room->ids[n++] = id;
        }
    row->tokens[n_words] = n;
    assert(n_words == (uint32_t)row->n);
    return n_doubts;
}

/* A search pays where tokens are long; where they are short, as those of random letters are, merging does, and nothing need be settled before. */
static bool is_soon_merged(size_t n_labels, size_t n_tokens)
{
    enum { SHORT_TOKEN_LABELS = 3 };
    return n_labels <= BPE_SHORT_SYMBOLS && n_labels < n_tokens * SHORT_TOKEN_LABELS;
}

static bool word_is_soon_merged(const Row *row, size_t word)
{
    return is_soon_merged(row->begins[word + 1] - row->begins[word], row->tokens[word + 1] - row->tokens[word]);
}

/* The noted neighbours that are of one word and may not stay apart: then merging decides. */
static void settle_doubts(const BpeChars *chars, const BpeCharsRoom *room, const uint32_t *doubts, size_t n_doubts, Row *row)
{
    for (size_t i = 0, word = 0; i < n_doubts; i++) {
        while (row->tokens[word + 1] <= doubts[i])
            word++;
        if (doubts[i] > row->tokens[word] && !(row->flags[word] & WORD_IS_WRONG) &&
            (word_is_soon_merged(row, word) || !bpe_matcher_stay_apart(chars->matcher, room->ids[doubts[i] - 1], room->ids[doubts[i]])))
            row->flags[word] |= WORD_IS_WRONG;
    }
}

static inline BpeCouple find_couple(const BpeChars *chars, BpeCouples couples, uint32_t left, uint32_t right)
{
    bool is_frequent = left < N_FREQUENT && right < N_FREQUENT && (left != right || left != chars->mark);
    return is_frequent ? chars->couples[left * N_FREQUENT + right] : bpe_couple_find(couples, bpe_chars_id_of(chars, left), bpe_chars_id_of(chars, right));
}

size_t bpe_chars_merge(const BpeChars *chars, const uint16_t *labels, size_t n, size_t begin, uint64_t *tokens)
{
    BpeCouples couples = {bpe_matcher_ranks(chars->matcher), n > chars->marks_max && labels[chars->marks_max] == chars->mark ? &chars->refused : NULL};
    if (n == 2) {
        BpeCouple couple = find_couple(chars, couples, labels[0], labels[1]);
        tokens[0] = couple.rank ? (uint64_t)(begin + 2) << 32 | (uint32_t)couple.merged : (uint64_t)(begin + 1) << 32 | (uint32_t)bpe_chars_id_of(chars, labels[0]);
        tokens[1] = (uint64_t)(begin + 2) << 32 | (uint32_t)bpe_chars_id_of(chars, labels[1]);
        return couple.rank ? 1 : 2;
    }
    BpeShort word;
    for (size_t i = 0; i < n; i++)
        bpe_short_put(&word, i, bpe_chars_id_of(chars, labels[i]), i + 1 < n ? find_couple(chars, couples, labels[i], labels[i + 1]) : (BpeCouple){0, -1});
    uint32_t left = bpe_short_merge(couples, &word, n);
    size_t n_tokens = 0;
    for (size_t at = 0, behind; at < n; at = behind) {
        left &= left - 1;
        behind = left ? (size_t)__builtin_ctz(left) : n;
        tokens[n_tokens++] = (uint64_t)(begin + behind) << 32 | (uint32_t)word.ids[at];
    }
    return n_tokens;
}

/* The tokens of a word whose longest ones do not stay apart; returns how many. Every part of the word from its start on has one encoding, and that of
 * a longer part ends in a token which stays apart from the last one of the part before it (bpe_match.h). */
static size_t search_word(const BpeChars *chars, const uint16_t *labels, size_t n, size_t begin, uint64_t *tokens)
{
    int32_t last[BPE_WORD_LABELS_MAX + 1];  /* token of the part that ends here, -1: not yet found */
    uint8_t from[BPE_WORD_LABELS_MAX + 1];  /* where that token begins */
    uint64_t wants[BPE_WORD_LABELS_MAX + 1] = {0};
    memset(last, 0xFF, sizeof last);
    for (size_t at = 0; at < n; at++) {
        uint64_t unit = chars->units[labels[at]];
        size_t longest = 0;
        for (size_t end = at + 1;; end++) {
            int32_t id = (int32_t)(unit & UNIT_ID) - 1;
            if (id >= 0) {
                longest = end;
                bool fits = at == 0 || !(wants[at] & chars->borders[id].begins) || bpe_matcher_stay_apart(chars->matcher, last[at], id);
                if (last[end] < 0 && fits) {
                    last[end] = id;
                    from[end] = (uint8_t)at;
                    wants[end] = UINT64_MAX;
                }
            }
            if (!(unit >> UNIT_GOES_ON_BIT & 1))
                break;
            unit = chars->units[(unit >> UNIT_BASE_SHIFT) + labels[end]];
            if ((uint16_t)(unit >> UNIT_LABEL_SHIFT) != labels[end])
                break;
        }
        if (last[longest] >= 0 && from[longest] == at)
            wants[longest] = chars->borders[last[longest]].wants;
    }
    size_t n_tokens = 0;
    for (size_t end = n; end > 0; end = from[end])
        n_tokens++;
    for (size_t end = n, i = n_tokens; end > 0; end = from[end])
        tokens[--i] = (uint64_t)(begin + end) << 32 | (uint32_t)last[end];
    return n_tokens;
}

/* Ids of a word with strangers; returns how many. */
static size_t put_strangers(const BpeChars *chars, const Tokenizer *tok, const BpeWord *word, const uint16_t *offsets, size_t begin, size_t end,
                            const uint64_t *tokens, size_t n, int32_t *ids)
{
    size_t n_ids = 0, start = begin;
    bool after_strange = false;
    for (size_t i = 0; i < n; i++) {
        int32_t id = (int32_t)(uint32_t)tokens[i];
        size_t stop = tokens[i] >> 32, last = stop < end ? offsets[stop] : word->n_bytes;
        bool strange = id >= chars->n_known;
        if (!strange)
            ids[n_ids++] = id;
        else if (chars->fuses_strangers && !after_strange)
            ids[n_ids++] = tok->unk_id;
        for (size_t at = offsets[start]; at < last && strange && !chars->fuses_strangers; at++)
            ids[n_ids++] = tok->byte_id[(unsigned char)word->bytes[at]];
        after_strange = strange;
        start = stop;
    }
    return n_ids;
}

/* Puts out a word that has these tokens: its ids go to *ids, which moves on. */
static void put_word(const BpeChars *chars, const Tokenizer *tok, const BpeCharsRoom *room, BpeWord *word, size_t begin, size_t end,
                     const uint64_t *tokens, size_t n, int32_t **ids)
{
    word->n_ids = 0;
    for (size_t i = 0; i < n && !chars->fuses_strangers && !chars->spells_strangers; i++)
        if ((int32_t)(uint32_t)tokens[i] >= chars->n_known)
            return;
    word->ids = *ids;
    word->n_ids = put_strangers(chars, tok, word, room->offsets, begin, end, tokens, n, *ids);
    *ids += word->n_ids;
}

/* A word of the row whose longest tokens are not all there is to say. */
static void put_word_again(const BpeChars *chars, const Tokenizer *tok, BpeCharsRoom *room, const Row *row, int i, int32_t **ids)
{
    uint64_t found[BPE_WORD_LABELS_MAX], *tokens = room->tokens + row->tokens[i];
    size_t begin = row->begins[i], end = row->begins[i + 1], n = row->tokens[i + 1] - row->tokens[i];
    if (row->flags[i] & WORD_IS_WRONG) {
        bool is_short = is_soon_merged(end - begin, n);
        n = (is_short ? bpe_chars_merge : search_word)(chars, room->labels + begin, end - begin, begin, found);
        tokens = found;
    }
    put_word(chars, tok, room, row->words[i], begin, end, tokens, n, ids);
}

/* The words that are plain in one row of labels; but those that must be merged are, and where walks do not pay (`!walks`) all short ones. */
static void make_row(const BpeChars *chars, const Tokenizer *tok, BpeCharsRoom *room, BpeWord *words, int n_words, bool walks, Row *row, int32_t **ids)
{
    size_t begin = 0, n_marks;
    row->n = 0;
    for (int i = 0; i < n_words; i++) {
        uint64_t tokens[BPE_SHORT_SYMBOLS];
        size_t n = read_labels(chars, &words[i], room->labels + begin, room->offsets + begin, &n_marks);
        bool must_merge = n_marks > chars->marks_max;
        words[i].n_ids = 0;
        if (n == 0 || (must_merge && n > BPE_SHORT_SYMBOLS))
            continue;
        if (must_merge || (!walks && n <= BPE_SHORT_SYMBOLS)) {
            size_t n_tokens = bpe_chars_merge(chars, room->labels + begin, n, begin, tokens);
            put_word(chars, tok, room, &words[i], begin, begin + n, tokens, n_tokens, ids);
            continue;
        }
        row->words[row->n] = &words[i];
        row->begins[row->n] = begin;
        row->flags[row->n++] = 0;
        begin += n;
    }
    row->begins[row->n] = begin;
    room->labels[begin] = chars->stranger;
}

void bpe_chars_match(const BpeChars *chars, const Tokenizer *tok, BpeCharsRoom *room, BpeWord *words, int n_words)
{
    enum { TRIES_TO_ONE = 2 };
    assert(n_words <= BPE_WORDS_MAX);
    Row row;
    int32_t *more = room->more_ids;
    bool walks = luck_try(&room->sure, TRIES_TO_ONE);
    make_row(chars, tok, room, words, n_words, walks, &row, &more);
    size_t lanes[N_LANES + 1] = {0}, n_labels = row.begins[row.n];
    for (int i = 0, lane = 1; lane <= N_LANES; lanes[lane++] = row.begins[i])
        while (i < row.n && row.begins[i] * N_LANES < n_labels * (size_t)lane)
            i++;
    walk_lanes(chars->units, room->labels, lanes, room->tokens);
    settle_doubts(chars, room, room->doubts, join_lanes(chars, room, lanes, &row, room->doubts), &row);
    int n_sure = 0;
    for (int i = 0; i < row.n; i++) {
        n_sure += !(row.flags[i] & WORD_IS_WRONG);
        row.words[i]->ids = room->ids + row.tokens[i];
        row.words[i]->n_ids = row.tokens[i + 1] - row.tokens[i];
        if (row.flags[i])
            put_word_again(chars, tok, room, &row, i, &more);
    }
    if (walks)
        luck_note(&room->sure, row.n, n_sure);
}
