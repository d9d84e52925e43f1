/* pretokenizer.c - the steps that cut text into the pieces a model sees, as tokenizer.json names them. */
#include "text/tokenizer/tokenizer_internal.h"
#include "text/unicode/char_props.h"

#include <stdlib.h>
#include <string.h>

void pretokenizer_step_release(PretokenizerStep *step)
{
    free(step->literal);
    splitter_free(step->splitter);
}

/* Matches and the gaps between them, in order, become pieces under a behavior. `merged` looks at the kind of the neighbour, as the
 * library does: only the first match after a gap joins it. */
typedef struct {
    size_t begin, end;
    bool is_match;
} Stretch;
typedef struct {
    Stretch *items;
    size_t n, capacity;
    Arena *arena;
} Stretches;

static void stretches_push(Stretches *list, size_t begin, size_t end, bool is_match)
{
    if (begin == end)
        return;
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 4;  /* most lists are those of one word */
        Stretch *items = ARENA_ARRAY(list->arena, Stretch, capacity);
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] = (Stretch){begin, end, is_match};
}

static void emit(const Stretches *list, SplitBehavior behavior, bool invert, Piece from, Arena *arena, Pieces *out)
{
    Stretch *items = list->items;
    for (size_t i = 0; invert && i < list->n; i++)
        items[i].is_match = !items[i].is_match;
    switch (behavior) {
    case SPLIT_ISOLATED:
    case SPLIT_REMOVED:
        for (size_t i = 0; i < list->n; i++)
            if (behavior == SPLIT_ISOLATED || !items[i].is_match)
                pieces_push(out, arena, piece_part(from, items[i].begin, items[i].end));
        break;
    case SPLIT_MERGED_WITH_PREVIOUS:
    case SPLIT_CONTIGUOUS:
        for (size_t i = 0; i < list->n;) {
            size_t end = i + 1;
            if (behavior == SPLIT_CONTIGUOUS)
                while (end < list->n && items[end].is_match == items[i].is_match)
                    end++;
            else if (!items[i].is_match && end < list->n && items[end].is_match)
                end++;
            pieces_push(out, arena, piece_part(from, items[i].begin, items[end - 1].end));
            i = end;
        }
        break;
    case SPLIT_MERGED_WITH_NEXT:
        for (size_t i = 0; i < list->n;) {
            /* of several matches in a row only the last one meets a gap */
            size_t end = i + (items[i].is_match && i + 1 < list->n && !items[i + 1].is_match ? 2 : 1);
            pieces_push(out, arena, piece_part(from, items[i].begin, items[end - 1].end));
            i = end;
        }
        break;
    }
}

/* A regular expression sees well-formed text only: each ill-formed subpart is a gap of its own. */
static void find_matches(const Splitter *splitter, const char *text, size_t base, size_t n, Stretches *list)
{
    SplitSpan span;
    size_t at = 0;
    while (splitter_next(splitter, text + base, n, at, &span)) {
        stretches_push(list, base + at, base + span.begin, false);
        stretches_push(list, base + span.begin, base + span.end, true);
        at = span.end;
    }
    stretches_push(list, base + at, base + n, false);
}

static void split_by_pattern(const PretokenizerStep *step, Arena *arena, Piece text, Pieces *out)
{
    Stretches list = {.arena = arena};
    if (splitter_kind(step->splitter) != SPLIT_REGEX) {
        find_matches(step->splitter, text.bytes, 0, text.n, &list);
    } else {
        for (size_t at = 0; at < text.n;) {
            size_t good = utf8_valid_prefix(text.bytes + at, text.n - at);
            find_matches(step->splitter, text.bytes, at, good, &list);
            at += good;
            if (at < text.n) {
                uint32_t c;
                size_t bad = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
                stretches_push(&list, at, at + bad, false);
                at += bad;
            }
        }
    }
    emit(&list, step->behavior, step->invert, text, arena, out);
}

static void split_by_literal(const PretokenizerStep *step, Arena *arena, Piece text, Pieces *out)
{
    Stretches list = {.arena = arena};
    size_t n = strlen(step->literal), at = 0;
    for (const char *hit; n && (hit = memmem(text.bytes + at, text.n - at, step->literal, n));) {
        size_t begin = (size_t)(hit - text.bytes);
        stretches_push(&list, at, begin, false);
        stretches_push(&list, begin, begin + n, true);
        at = begin + n;
    }
    stretches_push(&list, at, text.n, false);
    emit(&list, step->behavior, step->invert, text, arena, out);
}

/* Every character for which `is_match` holds is a match of its own. */
static void split_by_class(bool (*is_match)(uint32_t c), SplitBehavior behavior, Arena *arena, Piece text, Pieces *out)
{
    Stretches list = {.arena = arena};
    size_t begin = 0;
    for (size_t at = 0; at < text.n;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
        if (is_match(c)) {
            stretches_push(&list, begin, at, false);
            stretches_push(&list, at, at + length, true);
            begin = at + length;
        }
        at += length;
    }
    stretches_push(&list, begin, text.n, false);
    emit(&list, behavior, false, text, arena, out);
}

static Piece prepend(Arena *arena, Piece text, const char *what)
{
    Rewriter rewriter;
    rewriter_init(&rewriter, arena, text);
    rewriter_put(&rewriter, what, strlen(what), text.source ? text.source[0] : 0);
    rewriter_copy(&rewriter, text, 0, text.n);
    return rewriter_finish(&rewriter, text);
}

static void run_byte_level(const PretokenizerStep *step, Arena *arena, Piece text, Pieces *out)
{
    if (step->add_prefix_space && (text.n == 0 || text.bytes[0] != ' '))
        text = prepend(arena, text, " ");
    if (step->splitter)
        split_by_pattern(step, arena, text, out);
    else
        pieces_push(out, arena, text);
}

static void run_metaspace(const PretokenizerStep *step, Arena *arena, Piece text, Pieces *out)
{
    size_t n_mark = strlen(step->literal);
    Rewriter rewriter;
    rewriter_init(&rewriter, arena, text);
    bool wanted = step->prepend == METASPACE_ALWAYS || (step->prepend == METASPACE_FIRST && text.at_start);
    bool has = text.n && (text.bytes[0] == ' ' || (text.n >= n_mark && memcmp(text.bytes, step->literal, n_mark) == 0));
    if (wanted && !has)
        rewriter_put(&rewriter, step->literal, n_mark, text.source ? text.source[0] : 0);
    size_t begin = 0;
    for (size_t at = 0; at < text.n; at++)
        if (text.bytes[at] == ' ') {
            rewriter_copy(&rewriter, text, begin, at);
            rewriter_put(&rewriter, step->literal, n_mark, text.source ? text.source[at] : 0);
            begin = at + 1;
        }
    rewriter_copy(&rewriter, text, begin, text.n);
    Piece marked = rewriter_finish(&rewriter, text);
    if (step->metaspace_split) {
        PretokenizerStep cut = {.behavior = SPLIT_MERGED_WITH_NEXT, .literal = step->literal};
        split_by_literal(&cut, arena, marked, out);
    } else
        pieces_push(out, arena, marked);
}

static void run_step(const PretokenizerStep *step, Arena *arena, Piece text, Pieces *out)
{
    switch (step->kind) {
    case PRETOKENIZER_SPLIT:
    case PRETOKENIZER_WHITESPACE:
        if (step->splitter)
            split_by_pattern(step, arena, text, out);
        else
            split_by_literal(step, arena, text, out);
        break;
    case PRETOKENIZER_BYTE_LEVEL:
        run_byte_level(step, arena, text, out);
        break;
    case PRETOKENIZER_WHITESPACE_SPLIT:
        split_by_class(char_is_space, SPLIT_REMOVED, arena, text, out);
        break;
    case PRETOKENIZER_BERT: {
        Pieces words = {0};
        split_by_class(char_is_space, SPLIT_REMOVED, arena, text, &words);
        for (size_t i = 0; i < words.n; i++)
            split_by_class(char_is_punctuation, SPLIT_ISOLATED, arena, words.items[i], out);
        break;
    }
    case PRETOKENIZER_METASPACE:
        run_metaspace(step, arena, text, out);
        break;
    case PRETOKENIZER_PUNCTUATION:
        split_by_class(char_is_punctuation, step->behavior, arena, text, out);
        break;
    case PRETOKENIZER_DIGITS:
        split_by_class(char_is_number, step->individual_digits ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS, arena, text, out);
        break;
    }
}

void pretokenizer_run(const PretokenizerStep *steps, int n_steps, Arena *arena, Piece text, Pieces *out)
{
    Pieces now = {0};
    pieces_push(&now, arena, text);
    for (int i = 0; i < n_steps; i++) {
        Pieces next = {0};
        for (size_t k = 0; k < now.n; k++)
            if (now.items[k].n || steps[i].add_prefix_space)
                run_step(&steps[i], arena, now.items[k], &next);
        now = next;
    }
    for (size_t k = 0; k < now.n; k++)
        if (now.items[k].n)
            pieces_push(out, arena, now.items[k]);
}
