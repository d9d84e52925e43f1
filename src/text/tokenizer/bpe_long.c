/* bpe_long.c - see bpe_long.h. */
#include "text/tokenizer/bpe_long.h"
#include "text/tokenizer/bpe_chars_internal.h"
#include "text/tokenizer/charsmap.h"

#include <stdlib.h>
#include <string.h>

enum { SPACE_MARK = 0x2581, BROKEN = 0xFFFD, N_BITS = 64, NEEDS_MAP = 0 };

/* Which labels may stand behind a label in a token, and before it: a bit for each of the frequent ones; others share bits. */
typedef struct {
    uint64_t after[N_FREQUENT / N_BITS];
    uint64_t any_after, any_before;
} Joins;

struct BpeLong {
    const BpeChars *chars;
    const Charsmap *map;
    const NormalizerStep *step;
    CharTable labels;             /* of all characters */
    uint16_t label_of[N_COMMON];  /* NEEDS_MAP: normalising may change it */
    Joins *joins;                 /* by label */
    int32_t broken_ids[UTF8_BYTES_MAX];  /* of the character that broken bytes become */
    int n_broken;                 /* 0: it may join others */
};

static void join(Joins *joins, uint32_t left, uint32_t right)
{
    if (right < N_FREQUENT)
        joins[left].after[right / N_BITS] |= 1ull << right % N_BITS;
    joins[left].any_after |= 1ull << right % N_BITS;
    joins[right].any_before |= 1ull << left % N_BITS;
}

static inline bool may_join(const Joins *joins, uint32_t left, uint32_t right)
{
    if (right < N_FREQUENT)
        return joins[left].after[right / N_BITS] >> right % N_BITS & 1;
    return (joins[left].any_after >> right % N_BITS & 1) & (joins[right].any_before >> left % N_BITS & 1);
}

static void join_tokens(BpeLong *longs, const TrieKey *tokens, size_t n_tokens)
{
    for (size_t i = 0; i < n_tokens; i++)
        for (size_t at = 0, last = 0, label; at < tokens[i].n; last = label) {
            label = char_table_read(&longs->labels, tokens[i].bytes, &at, tokens[i].n);
            if (last)
                join(longs->joins, (uint32_t)last, (uint32_t)label);
        }
}

static bool begins_key(const uint8_t *starts, uint32_t c)
{
    return starts[c / 8] >> c % 8 & 1;
}

/* The ids of a label's token: itself, or the bytes of its character. */
static inline int spell(const BpeChars *chars, const Tokenizer *tok, int32_t id, uint32_t c, int32_t *ids)
{
    char bytes[UTF8_BYTES_MAX];
    ids[0] = id;
    if (id < chars->n_known)
        return 1;
    int n = utf8_encode(bytes, c);
    for (int i = 0; i < n; i++)
        ids[i] = tok->byte_id[(unsigned char)bytes[i]];
    return n;
}

static void find_broken(BpeLong *longs, const Tokenizer *tok)
{
    uint32_t label = char_table_get(&longs->labels, BROKEN);
    const Joins *joins = &longs->joins[label];
    if (!joins->any_after && !joins->any_before)
        longs->n_broken = spell(longs->chars, tok, bpe_chars_id_of(longs->chars, label), BROKEN, longs->broken_ids);
}

BpeLong *bpe_long_new(const Tokenizer *tok, const BpeChars *chars, CharTrie *trie, const TrieKey *tokens, size_t n_tokens)
{
    const NormalizerStep *step = tok->normalizers;
    if (!chars->spells_strangers || tok->n_normalizers != 1 || step->kind != NORMALIZER_SENTENCEPIECE || !charsmap_breaks_plainly(step->charsmap))
        return NULL;
    BpeLong *longs = mem_alloc(sizeof *longs);
    longs->chars = chars;
    longs->map = step->charsmap;
    longs->step = step;
    longs->labels = trie->labels;
    trie->labels = (CharTable){0};
    longs->joins = mem_alloc(((size_t)chars->stranger + 1) * sizeof *longs->joins);
    join_tokens(longs, tokens, n_tokens);
    const uint8_t *starts = charsmap_starts(longs->map);
    for (uint32_t c = 0; c < N_COMMON; c++)
        longs->label_of[c] = begins_key(starts, c) || c == SPACE_MARK ? NEEDS_MAP : (uint16_t)char_table_get(&longs->labels, c);
    find_broken(longs, tok);
    return longs;
}

void bpe_long_free(BpeLong *longs)
{
    if (!longs)
        return;
    char_table_release(&longs->labels);
    free(longs->joins);
    free(longs);
}

/* A stretch of characters that may join, the last of them. Tokens before the window wait until what is behind them is known. */
enum { WINDOW = BPE_SHORT_SYMBOLS, WINDOW_KEPT = WINDOW - 8, STRETCH_LABELS = 2 * WINDOW };
typedef struct {
    const BpeLong *longs;
    const Tokenizer *tok;
    TokenBuffer *out;
    size_t n, begin;  /* labels; where the window begins */
    uint16_t labels[STRETCH_LABELS];
    uint32_t codes[STRETCH_LABELS];
    uint64_t waiting[WINDOW];  /* tokens of the labels before the window: what is behind them << 32 | id */
    size_t n_waiting;
    size_t furthest;  /* at which a window has begun */
    int n_back;       /* windows that began no further since */
    bool is_lost;     /* windows do not come together */
    bool owes_mark;   /* a space came that counts when something follows */
    uint32_t last;    /* label, of all that were put */
} Stretch;

/* The token of labels [begin, end): itself, or its bytes. */
static inline void put_token(Stretch *stretch, int32_t id, size_t begin, size_t end)
{
    TokenBuffer *out = stretch->out;
    token_buffer_reserve(out, UTF8_BYTES_MAX * WINDOW);
    if (id < stretch->longs->chars->n_known) {
        out->ids[out->n++] = id;
        return;
    }
    for (; begin < end; begin++)
        out->n += spell(stretch->longs->chars, stretch->tok, id, stretch->codes[begin], out->ids + out->n);
}

static size_t put_tokens(Stretch *stretch, const uint64_t *tokens, size_t n, size_t begin)
{
    for (size_t i = 0; i < n; begin = tokens[i++] >> 32)
        put_token(stretch, (int32_t)(uint32_t)tokens[i], begin, tokens[i] >> 32);
    return begin;
}

/* Forgets labels that are put out. */
static void drop_labels(Stretch *stretch, size_t n)
{
    stretch->n -= n;
    memmove(stretch->labels, stretch->labels + n, stretch->n * sizeof *stretch->labels);
    memmove(stretch->codes, stretch->codes + n, stretch->n * sizeof *stretch->codes);
    stretch->begin -= n;
    stretch->furthest = stretch->furthest > n ? stretch->furthest - n : 0;
    for (size_t i = 0; i < stretch->n_waiting; i++)
        stretch->waiting[i] -= (uint64_t)n << 32;
}

/* Of a window's tokens those that are to wait: but for the last few labels, and at least one. */
static size_t n_to_wait(const uint64_t *tokens, size_t n, size_t begin)
{
    size_t n_kept = 1;
    while (n_kept + 1 < n && (tokens[n_kept] >> 32) - begin <= WINDOW_KEPT)
        n_kept++;
    return n_kept;
}

/* What becomes of this must have been found before the text has gone on for long: else tokens are longer than windows. */
static void note_begin(Stretch *stretch)
{
    stretch->n_back = stretch->begin > stretch->furthest ? 0 : stretch->n_back + 1;
    stretch->furthest = stretch->begin > stretch->furthest ? stretch->begin : stretch->furthest;
    stretch->is_lost = stretch->n_waiting == 0 || stretch->n_back > WINDOW;
}

static void forget_stretch(Stretch *stretch)
{
    stretch->n = stretch->begin = stretch->n_waiting = stretch->furthest = 0;
    stretch->n_back = 0;
}

/* Does a text go on as it did? Then searching is faster (bpe_match.c). */
static bool repeats(const uint16_t *labels)
{
    enum { PERIOD = 12 };  /* or a part of it */
    return memcmp(labels, labels + PERIOD, (WINDOW - PERIOD) * sizeof *labels) == 0;
}

/* One window: its tokens wait, or, when the stretch `ends` with it, are put out. */
static void merge_window(Stretch *stretch, bool ends)
{
    const BpeChars *chars = stretch->longs->chars;
    uint64_t tokens[WINDOW];
    size_t begin = stretch->begin, n_labels = stretch->n - begin < WINDOW ? stretch->n - begin : WINDOW;
    size_t n = bpe_chars_merge(chars, stretch->labels + begin, n_labels, begin, tokens);
    int32_t left = stretch->n_waiting ? (int32_t)(uint32_t)stretch->waiting[stretch->n_waiting - 1] : -1;
    if (left >= 0 && !bpe_matcher_stay_apart(chars->matcher, left, (int32_t)(uint32_t)tokens[0])) {
        stretch->n_waiting--;
        stretch->begin = stretch->n_waiting ? stretch->waiting[stretch->n_waiting - 1] >> 32 : 0;
        note_begin(stretch);
        return;
    }
    put_tokens(stretch, stretch->waiting, stretch->n_waiting, 0);
    if (ends && begin + n_labels == stretch->n) {
        put_tokens(stretch, tokens, n, begin);
        forget_stretch(stretch);
        return;
    }
    stretch->n_waiting = n_to_wait(tokens, n, begin);
    memcpy(stretch->waiting, tokens, stretch->n_waiting * sizeof *tokens);
    stretch->begin = tokens[stretch->n_waiting - 1] >> 32;
    note_begin(stretch);
    drop_labels(stretch, begin);
}

/* All that is left of the stretch. */
static inline void end_stretch(Stretch *stretch)
{
    if (stretch->n == 1) {
        put_token(stretch, bpe_chars_id_of(stretch->longs->chars, stretch->labels[0]), 0, 1);
        stretch->n = 0;
    } else if (stretch->n > 0 && stretch->begin == stretch->n) {
        put_tokens(stretch, stretch->waiting, stretch->n_waiting, 0);
        forget_stretch(stretch);
    }
    while (stretch->n > 0 && !stretch->is_lost)
        merge_window(stretch, true);
}

static inline void put_label(Stretch *stretch, uint32_t label, uint32_t c)
{
    if (stretch->n > 0 && !may_join(stretch->longs->joins, stretch->labels[stretch->n - 1], label))
        end_stretch(stretch);
    while (stretch->n - stretch->begin >= WINDOW && !stretch->is_lost) {
        if (repeats(stretch->labels + stretch->begin))
            stretch->is_lost = true;
        else
            merge_window(stretch, false);
    }
    if (stretch->is_lost)
        return;
    stretch->last = label;
    stretch->labels[stretch->n] = (uint16_t)label;
    stretch->codes[stretch->n++] = c;
}

/* The next character, and the mark before it. */
static inline void put_next(Stretch *stretch, uint32_t label, uint32_t c)
{
    if (stretch->owes_mark)
        put_label(stretch, stretch->longs->chars->mark, SPACE_MARK);
    stretch->owes_mark = false;
    put_label(stretch, label, c);
}

/* A space that normalising leaves or, behind which nothing is trimmed (`stays`), a mark that the text has. False when it stands behind another. */
static bool put_space(Stretch *stretch, bool stays)
{
    uint32_t mark = stretch->longs->chars->mark;
    if (stretch->owes_mark || stretch->last == mark)
        return false;
    stretch->owes_mark = !stays;
    if (stays)
        put_label(stretch, mark, SPACE_MARK);
    return true;
}

/* What normalising makes of the next characters; false when that has spaces that are kept, or marks. */
static bool put_normalized(Stretch *stretch, CharsmapReader *reader)
{
    size_t n;
    const char *bytes = charsmap_read(reader, &n);
    for (size_t at = 0; at < n;) {
        uint32_t c;
        at += (size_t)utf8_decode_quick(&c, bytes + at, bytes + n);
        if (c == UTF8_ILL_FORMED || (c == ' ' && !stretch->longs->step->remove_extra_spaces))
            return false;
        if (c != ' ' && c != SPACE_MARK)
            put_next(stretch, char_table_get(&stretch->longs->labels, c), c);
        else if (!put_space(stretch, !stretch->longs->step->remove_extra_spaces))
            return false;
    }
    return true;
}

/* A broken byte that joins nothing, and those behind it that are broken whatever they stand behind. */
static void put_broken(Stretch *stretch, CharsmapReader *reader)
{
    const BpeLong *longs = stretch->longs;
    TokenBuffer *out = stretch->out;
    if (stretch->owes_mark)
        put_label(stretch, longs->chars->mark, SPACE_MARK);
    stretch->owes_mark = reader->after_space = false;
    stretch->last = longs->chars->stranger;
    end_stretch(stretch);
    do {
        token_buffer_reserve(out, UTF8_BYTES_MAX);
        memcpy(out->ids + out->n, longs->broken_ids, sizeof longs->broken_ids);
        out->n += longs->n_broken;
        reader->at++;
    } while (reader->at < reader->text.n && ((unsigned char)reader->text.bytes[reader->at] & 0xC0) == 0x80);
}

static bool put_char(Stretch *stretch, CharsmapReader *reader)
{
    const BpeLong *longs = stretch->longs;
    const char *bytes = reader->text.bytes + reader->at;
    uint32_t c;
    int length = utf8_decode_quick(&c, bytes, reader->text.bytes + reader->text.n);
    if (c == UTF8_ILL_FORMED) {
        c = BROKEN;
        length = 1;
        if (longs->n_broken) {
            put_broken(stretch, reader);
            return true;
        }
    } else if (c == SPACE_MARK && !begins_key(charsmap_starts(longs->map), c)) {
        reader->at += (size_t)length;
        reader->after_space = false;
        return put_space(stretch, !longs->step->remove_extra_spaces);
    } else if (c < N_COMMON ? longs->label_of[c] == NEEDS_MAP : begins_key(charsmap_starts(longs->map), c)) {
        return put_normalized(stretch, reader);
    }
    put_next(stretch, c < N_COMMON && c != BROKEN ? longs->label_of[c] : char_table_get(&longs->labels, c), c);
    reader->at += (size_t)length;
    reader->after_space = false;
    return true;
}

bool bpe_long_encode(const BpeLong *longs, const Tokenizer *tok, const char *bytes, size_t n_bytes, TokenBuffer *out)
{
    const BpeChars *chars = longs->chars;
    Stretch stretch;
    stretch.longs = longs;
    stretch.tok = tok;
    stretch.out = out;
    forget_stretch(&stretch);
    stretch.is_lost = stretch.owes_mark = false;
    CharsmapReader reader;
    charsmap_reader_init(&reader, longs->step, (Piece){.bytes = bytes, .n = n_bytes});
    int64_t before = out->n;
    size_t n_marks = 1;
    put_label(&stretch, chars->mark, SPACE_MARK);
    for (; chars->takes_spaces && reader.at < n_bytes && bytes[reader.at] == ' ' && n_marks <= chars->marks_max; reader.at++, n_marks++)
        put_label(&stretch, chars->mark, SPACE_MARK);
    bool is_read = n_marks <= chars->marks_max && reader.at < n_bytes;
    size_t n_first = stretch.n;
    while (is_read && reader.at < n_bytes && !stretch.is_lost)
        is_read = put_char(&stretch, &reader);
    bool has_chars = out->n > before || stretch.n > n_first;
    if (is_read && has_chars)
        end_stretch(&stretch);
    if (!is_read || !has_chars || stretch.is_lost)
        out->n = before;
    return is_read && has_chars && !stretch.is_lost;
}
