/* sentencepiece_read.c - SentencePiece's .model: a protocol buffer (proto2) of pieces with scores, a compiled normalisation and settings.
 * Read by hand, since a few field numbers are all we need (sentencepiece.h). A model that carries tests of itself (self_test_data) must pass them. */
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/unigram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A stretch of protocol buffer bytes. */
typedef struct {
    const unsigned char *at, *end;
} Proto;
typedef struct {
    uint32_t number, wire;
    uint64_t value;  /* wire 0, 1 and 5 */
    Proto bytes;     /* wire 2 */
} Field;

static bool read_varint(Proto *proto, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && proto->at < proto->end; shift += 7) {
        unsigned char byte = *proto->at++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool read_fixed(Proto *proto, int n, uint64_t *value)
{
    if (proto->end - proto->at < n)
        return false;
    *value = 0;
    for (int i = 0; i < n; i++)
        *value |= (uint64_t)*proto->at++ << (8 * i);
    return true;
}

/* False at the end; *ok is false when the bytes are no protocol buffer. */
static bool next_field(Proto *proto, Field *field, bool *ok)
{
    uint64_t key, n;
    if (proto->at == proto->end)
        return false;
    *ok = read_varint(proto, &key);
    field->number = (uint32_t)(key >> 3);
    field->wire = (uint32_t)(key & 7);
    if (*ok && field->wire == 0)
        *ok = read_varint(proto, &field->value);
    else if (*ok && (field->wire == 1 || field->wire == 5))
        *ok = read_fixed(proto, field->wire == 1 ? 8 : 4, &field->value);
    else if (*ok && field->wire == 2) {
        *ok = read_varint(proto, &n) && n <= (uint64_t)(proto->end - proto->at);
        if (*ok) {
            field->bytes = (Proto){proto->at, proto->at + n};
            proto->at += n;
        }
    } else
        *ok = false;
    return *ok;
}

static float float_of(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

typedef struct {
    const char *input, *expected;
    size_t n_input, n_expected;
} SelfTest;

typedef struct {
    Tokenizer *tok;
    uint8_t *types;  /* by id */
    float *scores;
    int32_t n, capacity;
    SpmType type;
    bool byte_fallback, spaces_behind, add_dummy_prefix, remove_extra_spaces, escape_spaces;
    int32_t special_ids[4];  /* unk, bos, eos, pad */
    const char *charsmap;
    size_t n_charsmap;
    SelfTest *tests;
    size_t n_tests;
} Model;

static Err malformed(const Model *model, const char *what)
{
    return err_set(ERR_FORMAT, "%s: not a SentencePiece model (%s)", model->tok->name, what);
}

static Err read_piece(Model *model, Proto proto)
{
    Field field;
    bool ok = true;
    const char *text = "";
    size_t n = 0;
    float score = 0.0f;
    uint64_t type = PIECE_NORMAL;
    while (next_field(&proto, &field, &ok)) {
        if (field.number == 1 && field.wire == 2) {
            text = (const char *)field.bytes.at;
            n = (size_t)(field.bytes.end - field.bytes.at);
        } else if (field.number == 2 && field.wire == 5)
            score = float_of(field.value);
        else if (field.number == 3 && field.wire == 0)
            type = field.value;
    }
    if (!ok || n == 0 || type < PIECE_NORMAL || type > PIECE_BYTE || isnan(score))
        return malformed(model, "a piece is damaged");
    if (model->n == model->capacity) {
        model->capacity = model->capacity ? model->capacity * 2 : 1024;
        model->types = mem_realloc(model->types, (size_t)model->capacity * sizeof *model->types);
        model->scores = mem_realloc(model->scores, (size_t)model->capacity * sizeof *model->scores);
    }
    Err err = vocab_add(&model->tok->vocab, model->n, text, n);
    if (err != OK)
        return err_prefix(err, "%s", model->tok->name);
    model->types[model->n] = (uint8_t)type;
    model->scores[model->n++] = score;
    return OK;
}

static Err read_trainer_spec(Model *model, Proto proto)
{
    Field field;
    bool ok = true;
    while (next_field(&proto, &field, &ok)) {
        if (field.wire != 0)
            continue;
        if (field.number == TRAINER_MODEL_TYPE)
            model->type = (SpmType)field.value;
        else if (field.number == TRAINER_SPACES_BEHIND)
            model->spaces_behind = field.value != 0;
        else if (field.number == TRAINER_BYTE_FALLBACK)
            model->byte_fallback = field.value != 0;
        else if (field.number >= TRAINER_UNK_ID && field.number < TRAINER_UNK_ID + 4)
            model->special_ids[field.number - TRAINER_UNK_ID] = (int32_t)field.value;
    }
    return ok ? OK : malformed(model, "trainer_spec is damaged");
}

static Err read_normalizer_spec(Model *model, Proto proto)
{
    Field field;
    bool ok = true;
    while (next_field(&proto, &field, &ok)) {
        if (field.number == NORMALIZER_MAP && field.wire == 2) {
            model->charsmap = (const char *)field.bytes.at;
            model->n_charsmap = (size_t)(field.bytes.end - field.bytes.at);
        } else if (field.number == NORMALIZER_DUMMY_PREFIX)
            model->add_dummy_prefix = field.value != 0;
        else if (field.number == NORMALIZER_EXTRA_SPACES)
            model->remove_extra_spaces = field.value != 0;
        else if (field.number == NORMALIZER_ESCAPE_SPACES)
            model->escape_spaces = field.value != 0;
    }
    return ok ? OK : malformed(model, "normalizer_spec is damaged");
}

static Err read_self_test(Model *model, Proto proto)
{
    Field sample, field;
    bool ok = true;
    while (next_field(&proto, &sample, &ok)) {
        if (sample.number != 1 || sample.wire != 2)
            continue;
        model->tests = mem_realloc(model->tests, (model->n_tests + 1) * sizeof *model->tests);
        SelfTest *test = &model->tests[model->n_tests++];
        *test = (SelfTest){"", "", 0, 0};
        Proto parts = sample.bytes;
        while (next_field(&parts, &field, &ok)) {
            const char *text = (const char *)field.bytes.at;
            size_t n = field.wire == 2 ? (size_t)(field.bytes.end - field.bytes.at) : 0;
            if (field.number == 1 && n)
                test->input = text, test->n_input = n;
            else if (field.number == 2 && n)
                test->expected = text, test->n_expected = n;
        }
    }
    return ok ? OK : malformed(model, "self_test_data is damaged");
}

static Err read_model(Model *model, Proto proto)
{
    Field field;
    bool ok = true;
    while (next_field(&proto, &field, &ok)) {
        if (field.wire != 2)
            continue;
        switch (field.number) {
        case SPM_PIECES: TRY(read_piece(model, field.bytes)); break;
        case SPM_TRAINER: TRY(read_trainer_spec(model, field.bytes)); break;
        case SPM_NORMALIZER: TRY(read_normalizer_spec(model, field.bytes)); break;
        case SPM_SELF_TEST: TRY(read_self_test(model, field.bytes)); break;
        default: break;
        }
    }
    if (!ok || model->n == 0)
        return malformed(model, ok ? "no pieces" : "not a protocol buffer");
    return OK;
}

static bool is_matched(PieceType type)
{
    return type == PIECE_NORMAL || type == PIECE_USER_DEFINED;
}

static void build_unigram(Model *model)
{
    Unigram *unigram = model->tok->unigram = unigram_new();
    unigram->single_precision = true;
    unigram->hidden = mem_alloc((size_t)model->n);
    for (int32_t id = 0; id < model->n; id++) {
        unigram_push(unigram, (double)model->scores[id]);
        if (model->types[id] == PIECE_USER_DEFINED) {
            if (!unigram->user_defined)
                unigram->user_defined = mem_alloc((size_t)model->n);
            unigram->user_defined[id] = 1;
        }
        unigram->hidden[id] = !is_matched(model->types[id]);
    }
    unigram_finish(unigram, &model->tok->vocab);
}

/* Ids in order of falling score. */
static int by_score(const void *a, const void *b, void *scores)
{
    float x = ((const float *)scores)[*(const int32_t *)a], y = ((const float *)scores)[*(const int32_t *)b];
    return x != y ? (x < y) - (x > y) : (*(const int32_t *)a > *(const int32_t *)b) - (*(const int32_t *)a < *(const int32_t *)b);
}

/* The symbol a stretch would be while merging: a piece, or a character that is no piece but part of some (a phantom, numbered behind the
 * vocabulary), or none. */
static int32_t symbol_of(Model *model, const char *text, size_t n)
{
    Tokenizer *tok = model->tok;
    int32_t id = vocab_find(&tok->vocab, text, n);
    if (id >= 0 && (is_matched(model->types[id]) || model->types[id] == PIECE_UNUSED))
        return id;
    uint32_t c;
    if ((size_t)utf8_decode(&c, text, text + n) != n)
        return -1;
    int32_t phantom = vocab_find(&tok->phantoms, text, n);
    if (phantom < 0) {
        phantom = tok->phantoms.n_ids;
        if (vocab_add(&tok->phantoms, phantom, text, n) != OK)
            return -1;
    }
    return model->n + phantom;
}

/* Any two neighbours whose joint text is a piece may merge, the best score first: every cut of every piece is a merge, and pieces of equal
 * score share a rank. */
static void build_bpe(Model *model)
{
    Tokenizer *tok = model->tok;
    tok->by_pieces = true;
    vocab_init(&tok->phantoms);
    bpe_merges_init(&tok->merges, (size_t)model->n * 4);
    int32_t *order = mem_alloc((size_t)model->n * sizeof *order);
    for (int32_t id = 0; id < model->n; id++)
        order[id] = id;
    qsort_r(order, (size_t)model->n, sizeof *order, by_score, model->scores);
    uint32_t rank = 0;
    for (int32_t i = 0; i < model->n; i++) {
        int32_t id = order[i];
        rank += i > 0 && model->scores[id] != model->scores[order[i - 1]];
        if (!is_matched(model->types[id]) && model->types[id] != PIECE_UNUSED)
            continue;
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        for (size_t cut = 1; cut < n && model->type == SPM_BPE; cut++) {
            if (((unsigned char)text[cut] & 0xC0) == 0x80)
                continue;
            int32_t left = symbol_of(model, text, cut), right = symbol_of(model, text + cut, n - cut);
            if (left >= 0 && right >= 0)
                bpe_merges_put(&tok->merges, left, right, rank, id);
        }
    }
    free(order);
}

static Err add_specials(Model *model)
{
    Tokenizer *tok = model->tok;
    static const SpecialToken roles[4] = {SPECIAL_UNK, SPECIAL_BOS, SPECIAL_EOS, SPECIAL_PAD};
    for (int i = 0; i < 4; i++)
        if (model->special_ids[i] >= 0 && model->special_ids[i] < model->n)
            tok->specials[roles[i]] = model->special_ids[i];
    for (int32_t id = 0; id < model->n; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        if (model->types[id] == PIECE_UNKNOWN) {
            if (tok->unk_id >= 0)
                return malformed(model, "two unknown pieces");
            tok->unk_id = id;
        }
        if (model->types[id] == PIECE_UNKNOWN || model->types[id] == PIECE_CONTROL)
            tokenizer_push_added(tok, text, n, id)->special = true;
    }
    if (tok->unk_id < 0)
        return malformed(model, "no unknown piece");
    tok->specials[SPECIAL_UNK] = tok->unk_id;
    return OK;
}

static Err add_rules(Model *model)
{
    Tokenizer *tok = model->tok;
    NormalizerStep *step = tokenizer_push_normalizer(tok, NORMALIZER_SENTENCEPIECE);
    step->add_dummy_prefix = model->add_dummy_prefix;
    step->remove_extra_spaces = model->remove_extra_spaces;
    step->escape_spaces = model->escape_spaces;
    step->spaces_behind = model->spaces_behind;
    TRY(charsmap_open(&step->charsmap, tok->name, model->charsmap ? model->charsmap : "", model->n_charsmap));
    for (int32_t id = 0; id < model->n; id++)
        if (model->types[id] == PIECE_USER_DEFINED) {
            size_t n;
            const char *text = vocab_text(&tok->vocab, id, &n);
            charsmap_add_symbol(step->charsmap, text, n);
        }
    DecoderStep *spaces = tokenizer_push_decoder(tok, DECODER_REPLACE);
    spaces->text = mem_strdup("\xE2\x96\x81");
    spaces->content = mem_strdup(" ");
    tokenizer_push_decoder(tok, DECODER_BYTE_FALLBACK);
    tokenizer_push_decoder(tok, DECODER_FUSE);
    if (model->add_dummy_prefix || model->remove_extra_spaces) {
        DecoderStep *strip = tokenizer_push_decoder(tok, DECODER_STRIP);
        strip->text = mem_strdup(" ");
        strip->start = model->spaces_behind ? 0 : 1;
    }
    tok->byte_fallback = model->byte_fallback;
    tok->fuse_unk = true;
    return OK;
}

/* Pieces as the model writes them, separated by spaces. */
static Err run_self_tests(const Model *model)
{
    Arena *arena = arena_new();
    Err err = OK;
    for (size_t i = 0; i < model->n_tests && err == OK; i++) {
        const SelfTest *test = &model->tests[i];
        TokenSpan ids = tokenizer_encode(model->tok, arena, test->input, test->n_input);
        size_t at = 0;
        bool equal = true, known = true;  /* an unknown piece is written as its text, which ids do not hold: the comparison ends there */
        for (int64_t k = 0; k < ids.n && equal; k++) {
            known = ids.ids[k] != model->tok->unk_id;
            if (!known)
                break;
            size_t n;
            const char *text = vocab_text(&model->tok->vocab, ids.ids[k], &n);
            at += at > 0;
            equal = at + n <= test->n_expected && memcmp(test->expected + at, text, n) == 0;
            at += n;
        }
        if (!equal || (known && at != test->n_expected))
            err = err_set(ERR_FORMAT, "%s: the model fails its own test %zu, \"%.*s\"", model->tok->name, i,
                          test->n_input < 60 ? (int)test->n_input : 60, test->input);
    }
    arena_free(arena);
    return err;
}

Err tokenizer_read_sentencepiece(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes)
{
    Model model = {
        .tok = tokenizer_new(MODEL_UNIGRAM, name),
        .type = SPM_UNIGRAM,
        .add_dummy_prefix = true,
        .remove_extra_spaces = true,
        .escape_spaces = true,
        .special_ids = {0, 1, 2, -1},
    };
    Proto proto = {(const unsigned char *)bytes, (const unsigned char *)bytes + n_bytes};
    Err err = read_model(&model, proto);
    if (err == OK && model.type != SPM_UNIGRAM && model.type != SPM_BPE && model.type != SPM_CHAR)
        err = err_set(ERR_UNSUPPORTED, "%s: SentencePiece models of words are not supported", name);
    if (err == OK)
        err = add_specials(&model);
    if (err == OK)
        err = add_rules(&model);
    if (err == OK && model.type == SPM_UNIGRAM)
        build_unigram(&model);
    if (err == OK && model.type != SPM_UNIGRAM) {
        model.tok->model = MODEL_BPE;
        build_bpe(&model);
    }
    if (err == OK)
        err = tokenizer_finish(model.tok);
    if (err == OK)
        err = run_self_tests(&model);
    model.tok->spm = mem_alloc(sizeof *model.tok->spm);
    *model.tok->spm = (struct SentencePieceModel){model.type, model.types, model.scores};
    free(model.tests);
    if (err == OK)
        *out = model.tok;
    else
        tokenizer_free(model.tok);
    return err;
}
