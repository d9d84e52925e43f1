/* tokenizer_internal.h - the parts of a Tokenizer, shared by the files of this room.
 *
 * Text goes through the parts in the order of Hugging Face's tokenizers, whose file format is our model of the world:
 *   added tokens -> normalizer steps -> pre-tokenizer steps -> model -> post-processor;   ids -> decoder steps -> text.
 * Every foreign format becomes these parts when it is read. */
#ifndef TEXT_TOKENIZER_INTERNAL_H
#define TEXT_TOKENIZER_INTERNAL_H

#include "text/tokenizer/bpe.h"
#include "text/tokenizer/bpe_match.h"
#include "text/tokenizer/bpe_repeat.h"
#include "text/tokenizer/pretoken_cache.h"
#include "text/tokenizer/tokenizer.h"
#include "text/tokenizer/vocab.h"
#include "text/tokenizer/word_cache.h"
#include "text/unicode/hangul.h"
#include "text/unicode/utf8.h"
#include "text/unicode/split.h"

/* A stretch of text on its way. `source` says where each byte came from (source[n] is the end), NULL when nobody asks. */
typedef struct {
    const char *bytes;
    size_t n;
    const uint32_t *source;
    bool at_start;  /* nothing of the text stands before it */
} Piece;
typedef struct {
    Piece *items;
    size_t n, capacity;
} Pieces;
void pieces_push(Pieces *pieces, Arena *arena, Piece piece);
/* The part [begin, end) of a piece. */
Piece piece_part(Piece piece, size_t begin, size_t end);

/* A text being built from another, with its map. */
typedef struct {
    Arena *arena;
    char *bytes;
    uint32_t *source;
    size_t n, capacity;
    bool mapped;
} Rewriter;
void rewriter_init(Rewriter *rewriter, Arena *arena, Piece from);
void rewriter_reserve(Rewriter *rewriter, size_t n_more);
void rewriter_put(Rewriter *rewriter, const char *bytes, size_t n_bytes, uint32_t source);
void rewriter_copy(Rewriter *rewriter, Piece from, size_t begin, size_t end);
Piece rewriter_finish(Rewriter *rewriter, Piece from);

typedef struct Charsmap Charsmap;  /* SentencePiece's compiled normalisation, charsmap.c */

typedef enum {
    NORMALIZER_NFC, NORMALIZER_NFD, NORMALIZER_NFKC, NORMALIZER_NFKD,
    NORMALIZER_LOWERCASE, NORMALIZER_STRIP, NORMALIZER_STRIP_ACCENTS,
    NORMALIZER_REPLACE,   /* pattern (text or regex) by content */
    NORMALIZER_PREPEND,   /* content */
    NORMALIZER_BERT,
    NORMALIZER_CHARSMAP,
    NORMALIZER_SENTENCEPIECE,  /* charsmap, then its handling of spaces: not sayable in tokenizer.json as one step */
} NormalizerKind;
typedef struct {
    NormalizerKind kind;
    bool left, right;                                                  /* STRIP */
    bool clean_text, chinese_chars, strip_accents, lowercase;          /* BERT */
    bool keeps_private;  /* BERT: Google's own code leaves private-use characters in place; tokenizers drops them */
    bool add_dummy_prefix, remove_extra_spaces, escape_spaces, spaces_behind;  /* SENTENCEPIECE */
    char *pattern, *content;
    Splitter *regex;       /* REPLACE by a regular expression */
    Charsmap *charsmap;
} NormalizerStep;
void normalizer_step_release(NormalizerStep *step);
Piece normalizer_run(const NormalizerStep *steps, int n_steps, Arena *arena, Piece text);
/* What a step of kind BERT makes of a character, whatever stands beside it: nothing, itself, itself between spaces; or it must be asked. */
typedef enum { BERT_DROPS, BERT_KEEPS, BERT_SETS_APART, BERT_REWRITES } BertFate;
BertFate normalizer_bert_fate(const NormalizerStep *step, uint32_t c);
/* Is it as cleaning, the first thing such a step does, leaves it? And is it left as it is, no white space, by what is done once accents are off? */
bool normalizer_bert_is_clean(const NormalizerStep *step, uint32_t c);
bool normalizer_bert_keeps_late(const NormalizerStep *step, uint32_t c);

typedef enum { SPLIT_REMOVED, SPLIT_ISOLATED, SPLIT_MERGED_WITH_PREVIOUS, SPLIT_MERGED_WITH_NEXT, SPLIT_CONTIGUOUS } SplitBehavior;
typedef enum {
    PRETOKENIZER_SPLIT,        /* splitter or literal pattern, behavior, invert */
    PRETOKENIZER_BYTE_LEVEL,   /* splitter is gpt2 or NULL; add_prefix_space */
    PRETOKENIZER_WHITESPACE,   /* \w+|[^\w\s]+ */
    PRETOKENIZER_WHITESPACE_SPLIT,
    PRETOKENIZER_BERT,
    PRETOKENIZER_METASPACE,
    PRETOKENIZER_PUNCTUATION,
    PRETOKENIZER_DIGITS,
} PretokenizerKind;
typedef enum { METASPACE_ALWAYS, METASPACE_FIRST, METASPACE_NEVER } MetaspacePrepend;
typedef struct {
    PretokenizerKind kind;
    SplitBehavior behavior;
    bool jamo;  /* BYTE_LEVEL: Hangul syllables are jamo, not bytes (jamo.h) */
    bool invert, add_prefix_space, trim_offsets, individual_digits, metaspace_split;
    MetaspacePrepend prepend;
    char *literal;       /* SPLIT by text; METASPACE: the replacement */
    Splitter *splitter;
} PretokenizerStep;
void pretokenizer_step_release(PretokenizerStep *step);
void pretokenizer_run(const PretokenizerStep *steps, int n_steps, Arena *arena, Piece text, Pieces *out);

typedef enum {
    DECODER_BYTE_LEVEL, DECODER_WORDPIECE, DECODER_METASPACE, DECODER_BPE, DECODER_BYTE_FALLBACK, DECODER_FUSE,
    DECODER_STRIP, DECODER_REPLACE,
    DECODER_JAMO,           /* the alphabet of bytes and jamo: not in tokenizers, which refuses it by name */
    DECODER_JAMO_FALLBACK,  /* "<\u1100>" tokens beside characters: likewise */
} DecoderKind;
typedef struct {
    DecoderKind kind;
    char *text;     /* WORDPIECE prefix, METASPACE replacement, BPE suffix, STRIP or REPLACE pattern */
    char *content;  /* REPLACE */
    int start, stop;  /* STRIP: how many at either end */
    bool cleanup;   /* WORDPIECE */
    MetaspacePrepend prepend;
} DecoderStep;
void decoder_step_release(DecoderStep *step);

typedef struct {
    char *content;
    size_t n_bytes;
    int32_t id;
    bool added_only;  /* not among the model's own tokens */
    bool special, single_word, lstrip, rstrip, normalized;
} AddedToken;

typedef enum { MODEL_BPE, MODEL_WORDPIECE, MODEL_UNIGRAM, MODEL_WORDLEVEL } ModelKind;

/* Tokens as they are found; where each lies in the text only when somebody asks. */
typedef struct {
    int32_t *ids;
    TokenOffset *offsets;  /* while a piece is encoded: within the piece */
    int64_t n, capacity;
    bool wants_offsets;
} TokenBuffer;
void token_buffer_grow(TokenBuffer *buffer, int64_t n_more);
static inline void token_buffer_reserve(TokenBuffer *buffer, int64_t n_more)
{
    if (buffer->n + n_more > buffer->capacity)
        token_buffer_grow(buffer, n_more);
}
void token_buffer_push(TokenBuffer *buffer, int32_t id, size_t begin, size_t end);

typedef struct EncodeScratch EncodeScratch;
typedef struct BertChars BertChars;  /* bert_chars.h */
typedef struct BpeBatch BpeBatch;  /* bpe_words.c */
typedef struct Unigram Unigram;  /* unigram.c */
typedef struct UnigramForms UnigramForms;  /* unigram_forms.h */

/* What a model is encoded with, besides its vocabulary. */
typedef struct {
    BpeMatcher *matcher;      /* NULL: this vocabulary must merge */
    BpeRepeat repeat;         /* of the character that texts must be merged for */
    bool finds_whole_pieces;  /* no token is out of the matcher's reach: a piece that is a token comes out as it */
    struct LoneChars *lone;   /* characters that never merge; NULL: none known */
    struct ClumpRules *clumps; /* characters that tokens may join; NULL: not for this tokenizer */
    struct BpeChars *plain;   /* words by their characters; NULL: no such words */
    struct CharTrie *chars;   /* unigram: its pieces; NULL otherwise */
    uint32_t mark_label;      /* of the space mark in it */
    struct UnigramWalk *walk; /* unigram: for many words at once; NULL: not for this model */
    float *path_scores;       /* unigram: what each token adds to the score of its path, and a padding behind the last: nothing */
    double largest_path_score;  /* of them, whatever the sign */
    bool scores_tell_bytes;   /* also those of the bytes of unknown characters */
    bool score_tells_unk;     /* or of one unknown character that became unk; of a run, unk does not tell how many */
    Trie first, more;         /* WordPiece: tokens that begin a word, and those that continue one, without their prefix */
    bool tokens_are_text;     /* none holds a broken character: a word with one is unk */
} ModelFast;

typedef struct {
    int32_t left, right, merged;
} MergeRule;

enum { N_SCRATCH_SLOTS = 64, POST_PIECES_MAX = 16 };
struct Tokenizer {
    ModelKind model;
    Vocab vocab;  /* the model's tokens and the added ones */
    char *name;   /* where it came from, for messages */

    NormalizerStep *normalizers;
    PretokenizerStep *pretokenizers;
    DecoderStep *decoders;
    AddedToken *added;  /* by id */
    int n_normalizers, n_pretokenizers, n_decoders, n_added;
    uint8_t *added_only;  /* by id; NULL: none */
    uint8_t *unreadable;  /* by id: what text never becomes, so that it cannot forge a special token; NULL: none */
    bool decodes_with_spaces;  /* no decoder: tokens are joined by a space */

    /* BPE */
    bool jamo;         /* with byte_level: syllables start as jamo */
    bool jamo_fallback;  /* characters: a syllable that is no token becomes jamo tokens */
    int32_t jamo_id[HANGUL_N_JAMO];  /* start symbols of `jamo`, fallback tokens of `jamo_fallback`; -1: none */
    bool byte_level;   /* symbols are bytes written in the alphabet of byte_level.h */
    bool ignore_merges, fuse_unk, byte_fallback;
    char *prefix, *suffix;  /* continuing_subword_prefix (also WordPiece), end_of_word_suffix; NULL: none */
    BpeMerges merges;
    MergeRule *rules;  /* in order of rank, for writing; NULL for a vocabulary without a merge list */
    int64_t n_rules;
    bool by_pieces;   /* SentencePiece: symbols are pieces or phantoms (ids behind the vocabulary: characters that are only parts of pieces) */
    Vocab phantoms;
    int32_t last_byte_id[256];  /* byte-level with a suffix: start symbols at the end of a word */
    int32_t byte_id[256];  /* byte-level: start symbols; byte fallback: <0x00> ...; -1: none */

    int64_t max_word_chars;  /* WordPiece */
    struct SentencePieceModel *spm;  /* of a .model, for writing; NULL: none */
    Unigram *unigram;

    int32_t unk_id;
    int32_t specials[N_SPECIALS];
    int32_t post_before[POST_PIECES_MAX], post_after[POST_PIECES_MAX];  /* what the post-processor puts round a text */
    int n_post_before, n_post_after;
    char *chat_template;  /* of chat_template.jinja, for writing back; NULL: none */
    char *post_processor_json, *config_json;  /* as read, for writing back; NULL: none */
    int64_t model_max_length;

    uint64_t hash;
    _Atomic(EncodeScratch *) scratch[N_SCRATCH_SLOTS];
    _Atomic(ModelFast *) fast;  /* see model_fast; NULL until the first text comes */
};

/* The token of a byte-level vocabulary that stands for these bytes, -1 when there is none. */
int32_t tokenizer_find_bytes(const Tokenizer *tok, Arena *arena, const char *bytes, size_t n_bytes);
/* True for an added token that the model itself does not know. */
bool tokenizer_is_added_only(const Tokenizer *tok, int32_t id);
/* The model's token of that text: added tokens do not count. */
int32_t tokenizer_find_model(const Tokenizer *tok, const char *text, size_t n_bytes);
/* One more merge, of the next rank. ERR_FORMAT: it names a token that the vocabulary lacks. */
Err tokenizer_add_merge(Tokenizer *tok, int64_t *capacity, const char *left, size_t n_left, const char *right, size_t n_right);
void tokenizer_release_scratch(Tokenizer *tok);
Tokenizer *tokenizer_new(ModelKind model, const char *name);
/* Puts what was filled in into working order: start symbols, flags, specials, identity. Every reader and trainer ends with it. */
Err tokenizer_finish(Tokenizer *tok);
/* A special token at its id, also put into the vocabulary. */
Err tokenizer_add_special(Tokenizer *tok, const char *text, int32_t id);
AddedToken *tokenizer_push_added(Tokenizer *tok, const char *text, size_t n_bytes, int32_t id);
void tokenizer_push_rule(Tokenizer *tok, int64_t *capacity, MergeRule rule);
NormalizerStep *tokenizer_push_normalizer(Tokenizer *tok, NormalizerKind kind);
PretokenizerStep *tokenizer_push_pretokenizer(Tokenizer *tok, PretokenizerKind kind);
DecoderStep *tokenizer_push_decoder(Tokenizer *tok, DecoderKind kind);

/* How raw text may be cut before anything else happens to it (word_cut.h). */
typedef enum {
    WORD_CUT_NONE,
    WORD_CUT_WHITE_SPACE,  /* at white space, which leaves no trace */
    WORD_CUT_SPACES,       /* at spaces; however many, they become the mark before the next word */
    WORD_CUT_ONE_SPACE,    /* at the first of a run of spaces, which becomes that mark */
} WordCut;

/* The random numbers of one text (sampling.h). */
typedef struct {
    const struct TokenizerSampling *sampling;
    uint64_t text_number, n_draws;
} Sampler;
double sampler_draw(Sampler *sampler);  /* the next in [0, 1) */

/* Words that normalising leaves alone, or nearly (plain_word.h). */
typedef struct {
    uint8_t to[128];  /* what a byte of ASCII becomes; 0: it is not plain */
    bool syllables;   /* Hangul syllables stay as they are */
    uint8_t *others;  /* a bit for each character that does not; NULL: of those beyond ASCII, none but syllables is known to stay */
    bool marked;      /* a space mark is put before the word */
    bool lines_are_spaces;  /* tab, line feed and carriage return are to the normaliser what a space is */
    bool cuts_punctuation;  /* and punctuation stands alone */
} PlainWords;

/* Working memory of one encoding thread: kept between calls, never part of the result. */
struct EncodeScratch {
    const uint8_t *data;  /* of a text with marks: bytes that may not spell a special token */
    Sampler *sampler;     /* NULL: the one best encoding */
    Arena *arena;       /* of one text */
    Arena *word_arena;  /* of one word of it */
    BpeScratch bpe;
    BpeSymbol *symbols;
    size_t n_symbols_max;
    int32_t *ids;       /* of the text before, room for the next */
    int64_t n_ids_max;
    PretokenCache cache;  /* of pieces as the model meets them, made when the first one comes */
    WordCache words;      /* of words as the text has them (word_cut.c) */
    WordCut cut;          /* what the tokenizer allows, once `is_cut_known` */
    PlainWords plain;     /* likewise */
    bool is_cut_known;
    double path_score;    /* unigram models in single precision: score of all words so far */
    bool score_goes_on;   /* another part of this text may follow: the score of all its words is wanted */
    BertChars *bert;  /* made when the first word needs it */
    BpeBatch *batch;  /* likewise */
    UnigramForms *forms;  /* likewise */
    void *model;      /* of the model's own */
    size_t n_model_bytes;
    void *walk;       /* of unigram_walk.h */
    size_t n_walk_bytes;
};
void *encode_scratch_walk(EncodeScratch *scratch, size_t n_bytes);
void *encode_scratch_model(EncodeScratch *scratch, size_t n_bytes);
PretokenCache *encode_scratch_cache(EncodeScratch *scratch);

/* Encodes a part of a text with the scratch of the parts before it. */
EncodeScratch *encode_scratch_take(const Tokenizer *tok);
void encode_scratch_give(const Tokenizer *tok, EncodeScratch *scratch);
void encode_text(const Tokenizer *tok, EncodeScratch *scratch, Piece text, bool parse_special, TokenBuffer *out);
/* tokenizer_encode_with under a sampler. `offsets` is not NULL: pieces with offsets are not remembered, as pieces drawn must not be. */
TokenSpan encode_with_sampler(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int flags, Sampler *sampler,
                              TokenOffset **offsets);
/* The scanner, when it is all that cuts: then pieces are met one by one, without a list. NULL otherwise. */
const Splitter *tokenizer_only_scanner(const Tokenizer *tok);
/* Encodes a text that only this scanner cuts, many pieces at a time; no offsets are wanted (encode_scanned.c). */
void encode_scanned(const Tokenizer *tok, EncodeScratch *scratch, const Splitter *scanner, Piece text, TokenBuffer *out);
/* Made by whoever encodes first. */
const ModelFast *model_fast(const Tokenizer *tok);
void model_fast_free(ModelFast *fast);
/* The matcher, when each piece of text is matched by it from end to end and nothing else has a say; NULL otherwise. */
const BpeMatcher *bpe_byte_matcher(const Tokenizer *tok);
void bpe_make_fast(const Tokenizer *tok, ModelFast *fast);
void wordpiece_make_fast(const Tokenizer *tok, ModelFast *fast);
void unigram_make_fast(const Tokenizer *tok, ModelFast *fast);
/* Encodes one piece with the model. */
void model_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out);
void bpe_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out);
void wordpiece_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out);
void wordlevel_encode(const Tokenizer *tok, Piece piece, TokenBuffer *out);
void unigram_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out);
/* A raw word behind others, under SentencePiece's single-precision sums, with a space mark before it or without: the path starts at
 * scratch->path_score and leaves its end there. Returns a note for unigram_follows, or -1 when the outcome must not be remembered. */
int32_t unigram_encode_word(const Tokenizer *tok, EncodeScratch *scratch, Piece word, bool has_mark, TokenBuffer *out);
/* True when a text with these pieces gives them here, too; then the path's score has moved on. Of fewer than four the rest are paddings. */
bool unigram_follows(const Tokenizer *tok, EncodeScratch *scratch, const int32_t *ids, int n, int32_t note);
/* Normalizer, pre-tokenizer and model on a few characters without added tokens, nothing remembered. */
void encode_word(const Tokenizer *tok, EncodeScratch *scratch, Piece word, TokenBuffer *out);
void unigram_free(Unigram *unigram);

/* A stretch of text between added tokens, or an added token (id >= 0). */
typedef struct {
    Piece text;
    int32_t id;
} Segment;
typedef struct {
    Segment *items;
    size_t n, capacity;
} Segments;
/* Finds added tokens: those matched on the raw text, or (normalized) on the normalised one. Special ones only when `parse_special`, and then
 * not where `data` (NULL, or a mark for each byte of the source; then the text has a map) marks one of their bytes. */
void added_split(const Tokenizer *tok, Arena *arena, Piece text, bool normalized, bool parse_special, const uint8_t *data, Segments *out);

/* Readers of single formats; each fills *out with a finished Tokenizer. */
Err tokenizer_read_json(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes);

Err tokenizer_read_sentencepiece(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes);
Err tokenizer_read_vocab_merges(Tokenizer **out, const char *name, const char *vocab, size_t n_vocab, const char *merges,
                                size_t n_merges);
/* One line of [*at, end), without its '\n' and '\r'. False at the end. */
bool tokenizer_next_line(const char **at, const char *end, const char **line, size_t *n);
/* GPT-2's rules; any other pattern stands before ByteLevel. */
Err tokenizer_push_byte_level(Tokenizer *tok, const char *pattern);
Err tokenizer_read_tiktoken(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes, const char *pattern);
/* From tokenizer_config.json; -1: not said. Unsaid lower-casing follows the vocabulary (none if it has capitals), unsaid accents follow it.
 * Without that file the rules are those of Google's original program: words of up to 200 characters, private-use characters stay. */
typedef struct {
    int lowercase, strip_accents, chinese_chars;
    bool is_hugging_face;
} BertOptions;
Err tokenizer_read_vocab_txt(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes, const BertOptions *options);
/* tokenizer.json as text in `arena`. For an identity (`for_hash`) also says what the format cannot; otherwise that is ERR_UNSUPPORTED. */
Err tokenizer_write_json(const Tokenizer *tok, Arena *arena, bool for_hash, const char **text, size_t *n_bytes);

#endif
