/* survey_tokens.c - token by token: gaps, duplicates, and what no text becomes. */
#include "text/tokenizer/survey.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/tokenizer_ranks.h"

#include <stdlib.h>
#include <string.h>

static void count(int64_t *n, int64_t *first, int32_t id)
{
    if (++*n == 1)
        *first = id;
}

/* Unigram: the best path through a piece's own text is the piece, or it never lies on any best path. */
static bool is_best_path(const Tokenizer *tok, EncodeScratch *scratch, TokenBuffer *buffer, int32_t id)
{
    size_t n;
    const char *text = vocab_text(&tok->vocab, id, &n);
    buffer->n = 0;
    unigram_encode(tok, scratch, (Piece){text, n, NULL, true}, buffer);
    return buffer->n == 1 && buffer->ids[0] == id;
}

/* Whether a cut falls inside [begin, end) of the text. */
static bool is_cut_inside(const Tokenizer *tok, Arena *arena, const char *text, size_t n, size_t begin, size_t end)
{
    uint32_t *source = ARENA_ARRAY(arena, uint32_t, n + 1);
    for (size_t i = 0; i <= n; i++)
        source[i] = (uint32_t)i;
    Pieces pieces = {0};
    pretokenizer_run(tok->pretokenizers, tok->n_pretokenizers, arena, (Piece){text, n, source, true}, &pieces);
    for (size_t i = 0; i < pieces.n; i++) {
        const Piece *piece = &pieces.items[i];
        if (piece->source[0] <= begin && piece->source[piece->n] >= end)
            return false;
    }
    return true;
}

static bool is_cut_everywhere(const Tokenizer *tok, Arena *arena, const char *text, size_t n)
{
    static const char *const around[][2] = {{"", ""}, {"a", "a"}, {" ", ""}, {"", "a"}, {"a", ""}, {"가", "가"}, {" ", " "}, {"", "\n"}, {"!", "!"}, {"1", "1"}};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        size_t n_before = strlen(around[i][0]);
        char *whole = arena_printf(arena, "%s%.*s%s", around[i][0], (int)n, text, around[i][1]);
        if (!is_cut_inside(tok, arena, whole, n_before + n + strlen(around[i][1]), n_before, n_before + n))
            return false;
    }
    return true;
}

/* Normalizers that change a text by itself, not by its place. */
static bool is_normalized_away(const Tokenizer *tok, Arena *arena, const char *text, size_t n)
{
    for (int i = 0; i < tok->n_normalizers; i++) {
        NormalizerKind kind = tok->normalizers[i].kind;
        bool by_itself = kind <= NORMALIZER_LOWERCASE || kind == NORMALIZER_STRIP_ACCENTS || kind == NORMALIZER_BERT;
        Piece out = {text, n, NULL, false};
        if (by_itself)
            out = normalizer_run(&tok->normalizers[i], 1, arena, out);
        if (out.n != n || memcmp(out.bytes, text, n) != 0)
            return true;
    }
    return false;
}

/* Texts that hold U+2581 for spaces are cut by their own rules; those that are no whole characters are parts of pieces anyhow. */
static bool can_judge_cuts(const Tokenizer *tok, const char *text, size_t n)
{
    bool marks = tok->model == MODEL_UNIGRAM || tok->by_pieces;
    for (int i = 0; i < tok->n_normalizers; i++)
        marks |= tok->normalizers[i].kind == NORMALIZER_PREPEND || tok->normalizers[i].kind == NORMALIZER_REPLACE;
    for (int i = 0; i < tok->n_pretokenizers; i++)
        marks |= tok->pretokenizers[i].kind == PRETOKENIZER_METASPACE;
    return !marks && !tok->suffix && n > 0 && !memchr(text, 0, n) && utf8_is_valid(text, n);
}

/* Tokens in order of the bytes they stand for, so that equals are neighbours. */
typedef struct {
    const char *bytes;
    size_t n;
    int32_t id;
} Surface;

static int by_bytes(const void *a, const void *b)
{
    const Surface *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->n < y->n ? x->n : y->n);
    if (order == 0)
        order = (x->n > y->n) - (x->n < y->n);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static void find_duplicates(const Tokenizer *tok, TokenizerReport *report)
{
    Arena *arena = arena_new();
    Surface *surfaces = mem_alloc((size_t)tok->vocab.n_ids * sizeof *surfaces);
    size_t n = 0;
    bool has_places = tok->prefix || tok->suffix;  /* "##a" and "a" are two places, not one token twice */
    for (int32_t id = 0; id < tok->vocab.n_ids && !has_places; id++) {
        if (!vocab_text(&tok->vocab, id, NULL) || tokenizer_is_special(tok, id))
            continue;
        TokenText surface = survey_surface(tok, arena, id);
        surfaces[n++] = (Surface){surface.bytes, surface.n_bytes, id};
    }
    if (n)
        qsort(surfaces, n, sizeof *surfaces, by_bytes);
    for (size_t i = 1; i < n; i++) {
        bool same = surfaces[i].n == surfaces[i - 1].n && memcmp(surfaces[i].bytes, surfaces[i - 1].bytes, surfaces[i].n) == 0;
        bool is_byte = tok->byte_fallback && surfaces[i].n == 1;  /* a character and its byte: the byte is a fallback */
        if (same && !is_byte)
            count(&report->n_duplicates, &report->first_duplicate, surfaces[i].id);
    }
    free(surfaces);
    arena_free(arena);
}

TokenizerReport survey_tokens(const Tokenizer *tok)
{
    TokenizerReport report = {.first_gap = -1, .first_duplicate = -1, .first_diverging = -1, .first_unreachable = -1, .first_cut = -1};
    TokenizerFaults faults;
    tokenizer_find_faults(tok, &faults);
    report.n_diverging = faults.n_diverging;
    report.first_diverging = faults.first_diverging;
    report.n_unreachable = faults.n_unmergeable;
    report.first_unreachable = faults.first_unmergeable;
    EncodeScratch scratch = {.arena = arena_new()};
    TokenBuffer buffer = {0};
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        if (!vocab_text(&tok->vocab, id, NULL)) {
            count(&report.n_gaps, &report.first_gap, id);
            continue;
        }
        report.n_tokens++;
        if (id == tok->unk_id || tokenizer_is_special(tok, id) || tokenizer_is_added_only(tok, id) || survey_script_of(tok, id) == TOKEN_PARTS)
            continue;
        if (tok->model == MODEL_UNIGRAM && !is_best_path(tok, &scratch, &buffer, id))
            count(&report.n_unreachable, &report.first_unreachable, id);
        TokenText surface = survey_surface(tok, scratch.arena, id);
        if (can_judge_cuts(tok, surface.bytes, surface.n_bytes) && (is_normalized_away(tok, scratch.arena, surface.bytes, surface.n_bytes) ||
                                                                    is_cut_everywhere(tok, scratch.arena, surface.bytes, surface.n_bytes)))
            count(&report.n_cut, &report.first_cut, id);
        arena_reset(scratch.arena);
    }
    find_duplicates(tok, &report);
    free(buffer.ids);
    free(scratch.model);
    arena_free(scratch.arena);
    return report;
}
