/* sentencepiece.h - the field numbers of SentencePiece's protocol buffer (proto2), shared by its reader and its writer.
 * ModelProto { 1 pieces { 1 text, 2 score f32, 3 type }, 2 trainer_spec, 3 normalizer_spec, 4 self_test_data { 1 { 1 input, 2 expected } } }. */
#ifndef TEXT_SENTENCEPIECE_H
#define TEXT_SENTENCEPIECE_H

#include "text/tokenizer/tokenizer_internal.h"

typedef enum { PIECE_NORMAL = 1, PIECE_UNKNOWN, PIECE_CONTROL, PIECE_USER_DEFINED, PIECE_UNUSED, PIECE_BYTE } PieceType;
typedef enum { SPM_UNIGRAM = 1, SPM_BPE, SPM_WORD, SPM_CHAR } SpmType;
enum {
    SPM_PIECES = 1, SPM_TRAINER = 2, SPM_NORMALIZER = 3, SPM_SELF_TEST = 4,
    TRAINER_MODEL_TYPE = 3, TRAINER_VOCAB_SIZE = 4, TRAINER_SPACES_BEHIND = 24, TRAINER_BYTE_FALLBACK = 35, TRAINER_UNK_ID = 40, /* bos eos pad */
    TRAINER_UNK_PIECE = 45, /* bos eos pad */
    NORMALIZER_NAME = 1, NORMALIZER_MAP = 2, NORMALIZER_DUMMY_PREFIX = 3, NORMALIZER_EXTRA_SPACES = 4, NORMALIZER_ESCAPE_SPACES = 5,
};

/* What a .model says and the parts of a Tokenizer do not keep otherwise. */
struct SentencePieceModel {
    SpmType type;
    uint8_t *types;  /* by id */
    float *scores;
};

/* A .model at `path`, from one that was read or from an equal Unigram model. ERR_UNSUPPORTED: what a .model cannot say, by name. */
Err tokenizer_write_sentencepiece(const Tokenizer *tok, const char *path);
/* A tokenizer read from a .model, as tokenizer.json can say it: `*out` has steps of that format only. ERR_UNSUPPORTED: what it cannot say. */
Err tokenizer_sentencepiece_to_json(const Tokenizer *tok, Tokenizer **out);

#endif
