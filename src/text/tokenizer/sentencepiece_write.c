/* sentencepiece_write.c - a Tokenizer as SentencePiece's .model. */
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/decoder.h"
#include "text/tokenizer/unigram.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

static void put_varint(ByteBuffer *out, uint64_t value)
{
    char bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (char)(value | 0x80);
    bytes[n++] = (char)value;
    byte_buffer_put(out, bytes, n);
}

static void put_number(ByteBuffer *out, uint32_t number, uint64_t value)
{
    put_varint(out, number << 3);
    put_varint(out, value);
}

static void put_bytes(ByteBuffer *out, uint32_t number, const char *bytes, size_t n)
{
    put_varint(out, number << 3 | 2);
    put_varint(out, n);
    byte_buffer_put(out, bytes, n);
}

static void put_float(ByteBuffer *out, uint32_t number, float value)
{
    char bytes[4];
    memcpy(bytes, &value, sizeof bytes);
    put_varint(out, number << 3 | 5);
    byte_buffer_put(out, bytes, sizeof bytes);
}

typedef struct {
    const Tokenizer *tok;
    SpmType type;
    bool dummy_prefix, extra_spaces, escape_spaces, spaces_behind;
    const char *map;
    size_t n_map;
} Plan;

static Err cannot(const Tokenizer *tok, const char *what)
{
    return err_set(ERR_UNSUPPORTED, "%s: a SentencePiece model cannot say %s", tok->name, what);
}

static bool is_replace(const NormalizerStep *step, const char *pattern, const char *content)
{
    return step->kind == NORMALIZER_REPLACE && !step->regex && strcmp(step->pattern, pattern) == 0 && strcmp(step->content, content) == 0;
}

/* Prepend U+2581, spaces to U+2581: what a model of identity normalisation with a dummy prefix does. Cuts before U+2581 and round line breaks
 * change nothing as long as no piece reaches across them. */
static Err plan_unigram(Plan *plan)
{
    const Tokenizer *tok = plan->tok;
    bool prepends = tok->n_normalizers == 2 && tok->normalizers[0].kind == NORMALIZER_PREPEND && strcmp(tok->normalizers[0].content, "\u2581") == 0;
    if ((!prepends && tok->n_normalizers != 1) || !is_replace(&tok->normalizers[tok->n_normalizers - 1], " ", "\u2581"))
        return cannot(tok, "these normalizers (only U+2581 before the text, and for each space)");
    plan->dummy_prefix = prepends;
    plan->escape_spaces = true;
    for (int i = 0; i < tok->n_pretokenizers; i++) {
        const PretokenizerStep *step = &tok->pretokenizers[i];
        bool known = step->kind == PRETOKENIZER_SPLIT && step->literal && !step->invert &&
                     ((strcmp(step->literal, "\u2581") == 0 && step->behavior == SPLIT_MERGED_WITH_NEXT) ||
                      (strcmp(step->literal, "\n") == 0 && step->behavior == SPLIT_ISOLATED));
        if (!known)
            return cannot(tok, "this pre-tokenizer");
    }
    for (int32_t id = 0; id < tok->unigram->n; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        bool crosses = n > 3 && memmem(text + 1, n - 1, "\u2581", 3);
        if (tok->n_pretokenizers && !tokenizer_is_special(tok, id) && (crosses || (n > 1 && memchr(text, '\n', n))))
            return err_set(ERR_UNSUPPORTED, "%s: a SentencePiece model would let piece %d, \"%s\", reach across a cut", tok->name, id, text);
    }
    return tok->jamo_fallback ? cannot(tok, "jamo tokens") : OK;
}

static Err make_plan(Plan *plan)
{
    const Tokenizer *tok = plan->tok;
    if (tok->n_normalizers && tok->normalizers[0].kind == NORMALIZER_SENTENCEPIECE) {
        const NormalizerStep *step = &tok->normalizers[0];
        plan->type = tok->spm->type;
        plan->dummy_prefix = step->add_dummy_prefix;
        plan->extra_spaces = step->remove_extra_spaces;
        plan->escape_spaces = step->escape_spaces;
        plan->spaces_behind = step->spaces_behind;
        plan->map = charsmap_blob(step->charsmap, &plan->n_map);
        return OK;
    }
    if (tok->model != MODEL_UNIGRAM)
        return cannot(tok, "a model other than Unigram that was not read from one");
    if (tok->unk_id < 0)
        return cannot(tok, "a vocabulary without an unknown piece");
    if (tok->n_added && tok->added[tok->n_added - 1].id >= tok->unigram->n)
        return cannot(tok, "added tokens behind its vocabulary");
    plan->type = SPM_UNIGRAM;
    return plan_unigram(plan);
}

static PieceType type_of(const Tokenizer *tok, int32_t id)
{
    if (tok->spm)
        return (PieceType)tok->spm->types[id];
    if (id == tok->unk_id)
        return PIECE_UNKNOWN;
    if (tokenizer_is_special(tok, id))
        return PIECE_CONTROL;
    for (int b = 0; b < 256 && tok->byte_fallback; b++)
        if (tok->byte_id[b] == id)
            return PIECE_BYTE;
    for (int i = 0; i < tok->n_added; i++)
        if (tok->added[i].id == id)
            return PIECE_USER_DEFINED;
    return PIECE_NORMAL;
}

static void put_trainer(ByteBuffer *out, const Plan *plan, int32_t n_pieces)
{
    static const SpecialToken roles[4] = {SPECIAL_UNK, SPECIAL_BOS, SPECIAL_EOS, SPECIAL_PAD};
    const Tokenizer *tok = plan->tok;
    ByteBuffer spec = {0};
    put_number(&spec, TRAINER_MODEL_TYPE, plan->type);
    put_number(&spec, TRAINER_VOCAB_SIZE, (uint64_t)n_pieces);
    if (plan->spaces_behind)
        put_number(&spec, TRAINER_SPACES_BEHIND, 1);
    put_number(&spec, TRAINER_BYTE_FALLBACK, tok->byte_fallback);
    for (uint32_t i = 0; i < 4; i++) {
        int32_t id = tok->specials[roles[i]];
        put_number(&spec, TRAINER_UNK_ID + i, (uint64_t)(int64_t)id);
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        if (text)
            put_bytes(&spec, TRAINER_UNK_PIECE + i, text, n);
    }
    put_bytes(out, SPM_TRAINER, spec.bytes, spec.n);
    byte_buffer_release(&spec);
}

static void put_normalizer(ByteBuffer *out, const Plan *plan)
{
    ByteBuffer spec = {0};
    put_bytes(&spec, NORMALIZER_NAME, plan->n_map ? "user_defined" : "identity", plan->n_map ? 12 : 8);
    put_bytes(&spec, NORMALIZER_MAP, plan->map ? plan->map : "", plan->n_map);
    put_number(&spec, NORMALIZER_DUMMY_PREFIX, plan->dummy_prefix);
    put_number(&spec, NORMALIZER_EXTRA_SPACES, plan->extra_spaces);
    put_number(&spec, NORMALIZER_ESCAPE_SPACES, plan->escape_spaces);
    put_bytes(out, SPM_NORMALIZER, spec.bytes, spec.n);
    byte_buffer_release(&spec);
}

Err tokenizer_write_sentencepiece(const Tokenizer *tok, const char *path)
{
    Plan plan = {.tok = tok};
    TRY(make_plan(&plan));
    int32_t n_pieces = tok->spm ? tok->vocab.n_ids : tok->unigram->n;
    ByteBuffer out = {0}, piece = {0};
    for (int32_t id = 0; id < n_pieces; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        PieceType type = type_of(tok, id);
        piece.n = 0;
        put_bytes(&piece, 1, text, n);
        put_float(&piece, 2, tok->spm ? tok->spm->scores[id] : (float)tok->unigram->scores[id]);
        if (type != PIECE_NORMAL)
            put_number(&piece, 3, type);
        put_bytes(&out, SPM_PIECES, piece.bytes, piece.n);
    }
    put_trainer(&out, &plan, n_pieces);
    put_normalizer(&out, &plan);
    Err err = file_write(path, out.bytes, out.n);
    byte_buffer_release(&out);
    byte_buffer_release(&piece);
    return err;
}
