/* bpe_chars.c - see bpe_chars.h. */
#include "text/tokenizer/bpe_chars.h"
#include "text/tokenizer/char_trie.h"
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/word_cut.h"
#include "base/large.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A unit of the trie: base << 38 | label << 22 | UNIT_GOES_ON | id + 1. As in char_trie.h, but with all that a walk asks in one look. */
enum { UNIT_GOES_ON_BIT = 21, UNIT_ID = (1 << UNIT_GOES_ON_BIT) - 1, UNIT_LABEL_SHIFT = 22, UNIT_BASE_SHIFT = 38 };
static const char space_mark[] = "\xE2\x96\x81";
enum { LABEL_MAX = UINT16_MAX - 1, NOT_PLAIN = 0, N_COMMON = 1 << 16, SPACE_MARK = 0x2581, SPACE_MARK_BYTES = 3 };

struct BpeChars {
    const BpeMatcher *matcher;
    const BpeBorder *borders;    /* of the matcher */
    uint64_t *units;
    uint16_t label_of[N_COMMON]; /* NOT_PLAIN; or a label, `stranger` for a character that no token has */
    uint16_t mark, stranger;     /* no unit has the label `stranger` */
    int32_t n_known, n_ids;      /* an id in between is only ever a part of tokens; n_ids is a stranger */
    bool fuses_strangers;        /* a run of strangers and such parts is one unknown token */
    bool spells_strangers;       /* they become their bytes */
};

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

static bool has_all_bytes(const Tokenizer *tok)
{
    for (int b = 0; b < 256; b++)
        if (tok->byte_id[b] < 0)
            return false;
    return true;
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
        chars->n_known = tok->vocab.n_ids;
        chars->n_ids = bpe_matcher_n_ids(matcher);
        chars->fuses_strangers = tok->by_pieces && !tok->byte_fallback;
        chars->spells_strangers = tok->byte_fallback && has_all_bytes(tok) && !tok->jamo_fallback;
        pack_units(chars, &trie);
        for (uint32_t c = 1; c < N_COMMON; c++)
            if (!(others[c / 8] >> c % 8 & 1) && (c < 0xD800 || c > 0xDFFF))
                chars->label_of[c] = (uint16_t)char_table_get(&trie.labels, c);
    }
    char_trie_release(&trie);
    free(others);
    return chars;
}

void bpe_chars_free(BpeChars *chars)
{
    if (!chars)
        return;
    free(chars->units);
    free(chars);
}

/* The labels of a word behind its mark; returns how many with the mark, 0 when it is long or a character is not plain. */
static size_t read_labels(const BpeChars *chars, const char *word, size_t n_bytes, uint16_t *labels)
{
    size_t n = 0;
    labels[n++] = chars->mark;
    for (size_t at = 0; at < n_bytes && n < BPE_WORD_LABELS_MAX;) {
        const unsigned char *b = (const unsigned char *)word + at;
        uint32_t c = b[0];
        if (c < 0x80) {
            at += 1;
        } else if (utf8_is_middle(word + at, word + n_bytes)) {
            c = (c & 0xF) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
            at += 3;
        } else {
            at += (size_t)utf8_decode(&c, word + at, word + n_bytes);
            if (c >= N_COMMON)
                return 0;
        }
        labels[n] = chars->label_of[c];
        if (labels[n++] == NOT_PLAIN)
            return 0;
    }
    return n < BPE_WORD_LABELS_MAX ? n : 0;
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

static bool stays_apart(const BpeChars *chars, int32_t left, int32_t right)
{
    return !(chars->borders[left].wants & chars->borders[right].begins) || bpe_matcher_stay_apart(chars->matcher, left, right);
}

/* A word's tokens, up to the one that ends at `end`, as ids; returns how many, 0 when two of them do not stay apart. */
static size_t read_tokens(const BpeChars *chars, const uint64_t *tokens, size_t end, int32_t *ids, bool *is_strange, size_t *n_tokens)
{
    size_t n = 0;
    bool fits = true, strange = false;
    do {
        ids[n] = (int32_t)(uint32_t)tokens[n];
        strange |= ids[n] >= chars->n_known;
        fits = fits && (n == 0 || stays_apart(chars, ids[n - 1], ids[n]));
    } while (tokens[n++] >> 32 < end);
    *is_strange = strange;
    *n_tokens = n;
    return fits ? n : 0;
}

/* Runs of what is no token become one unknown token; returns how many are left. */
static size_t fuse_strangers(const BpeChars *chars, int32_t unk_id, int32_t *ids, size_t n)
{
    size_t n_left = 0;
    bool after_strange = false;
    for (size_t i = 0; i < n; i++) {
        bool strange = ids[i] >= chars->n_known;
        if (!strange || !after_strange)
            ids[n_left++] = strange ? unk_id : ids[i];
        after_strange = strange;
    }
    return n_left;
}

/* What is no token becomes its bytes. The tokens tell how many characters each has. */
static size_t spell_strangers(const BpeChars *chars, const Tokenizer *tok, const BpeWord *word, size_t begin, const uint64_t *tokens, size_t n, int32_t *ids)
{
    size_t n_ids = 0, at = 0, place = begin + 1;  /* behind the mark */
    for (size_t i = 0; i < n; i++) {
        int32_t id = (int32_t)(uint32_t)tokens[i];
        size_t from = at;
        for (; place < tokens[i] >> 32; place++) {
            uint32_t c;
            at += (size_t)utf8_decode(&c, word->bytes + at, word->bytes + word->n_bytes);
        }
        if (id < chars->n_known)
            ids[n_ids++] = id;
        for (; id >= chars->n_known && from < at; from++)
            ids[n_ids++] = tok->byte_id[(unsigned char)word->bytes[from]];
    }
    return n_ids;
}

void bpe_chars_match(const BpeChars *chars, const Tokenizer *tok, BpeCharsRoom *room, BpeWord *words, int n_words)
{
    size_t begins[BPE_WORDS_MAX + 1], n_labels = 0;
    assert(n_words <= BPE_WORDS_MAX);
    for (int i = 0; i < n_words; i++) {
        begins[i] = n_labels;
        n_labels += read_labels(chars, words[i].bytes, words[i].n_bytes, room->labels + n_labels);
    }
    begins[n_words] = n_labels;
    room->labels[n_labels] = chars->stranger;
    size_t lanes[N_LANES + 1] = {0};
    for (int i = 0, lane = 1; lane <= N_LANES; lanes[lane++] = begins[i])
        while (i < n_words && begins[i] * N_LANES < n_labels * (size_t)lane)
            i++;
    walk_lanes(chars->units, room->labels, lanes, room->tokens);
    int32_t *ids = room->ids;
    size_t token = 0;
    for (int i = 0, lane = 1; i < n_words; i++) {
        bool is_strange;
        size_t n_tokens;
        words[i].n_ids = 0;
        if (begins[i] == begins[i + 1])
            continue;
        for (; lane < N_LANES && lanes[lane] <= begins[i]; lane++)
            token = lanes[lane];
        words[i].ids = ids;
        words[i].n_ids = read_tokens(chars, room->tokens + token, begins[i + 1], ids, &is_strange, &n_tokens);
        if (is_strange && words[i].n_ids)
            words[i].n_ids = chars->fuses_strangers ? fuse_strangers(chars, tok->unk_id, ids, n_tokens)
                             : chars->spells_strangers ? spell_strangers(chars, tok, &words[i], begins[i], room->tokens + token, n_tokens, ids) : 0;
        token += n_tokens;
        ids += words[i].n_ids;
    }
}
