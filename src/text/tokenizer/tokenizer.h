/* tokenizer.h - UTF-8 text to token ids, and ids back to the very same bytes.
 *
 * A Tokenizer is a vocabulary and a rule for cutting text: byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909; over bytes:
 * Radford et al. 2019), a unigram language model (Kudo 2018, arXiv:1804.10959), WordPiece (Schuster & Nakajima 2012), or plain
 * characters, words or bytes. It does not change after loading, so threads and data workers share one.
 *
 * Text is data: what looks like a special token ("<|endoftext|>") in a text is encoded as the characters it is made of. Special ids
 * come from tokenizer_special_id and from chat templates, never from text, unless the caller asks by TOKENIZER_PARSE_SPECIAL. */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Tokenizer Tokenizer;

typedef enum {
    TOKENIZER_BYTE_BPE,   /* byte-level byte-pair encoding: covers any bytes */
    TOKENIZER_CHAR_BPE,   /* over characters, words end in </w> */
    TOKENIZER_WORDPIECE,  /* trained by likelihood, encoded by longest match first, ## continues a word */
    TOKENIZER_BERT_BPE,   /* a WordPiece vocabulary found by byte-pair counts, as BERT-style trainers do */
    TOKENIZER_UNIGRAM,
    TOKENIZER_JAMO,       /* byte-pair encoding over decomposed Hangul, recomposed to the very bytes */
    TOKENIZER_CHAR,       /* one token a code point */
    TOKENIZER_WORD,       /* one token a white-space word */
    TOKENIZER_BYTE,       /* one token a byte: id = byte */
} TokenizerType;

/* How to read formats that do not say everything. A zeroed struct is the default. */
typedef struct {
    const char *pattern;  /* .tiktoken: gpt2 | cl100k | o200k | llama3 | qwen | a regular expression; NULL: by the file's hash, else gpt2 */
} TokenizerLoadOptions;

/* Reads a tokenizer: a directory (tokenizer.json, or else the files of an older form in it) or a file: tokenizer.json, SentencePiece
 * .model, .tiktoken, vocab.json beside merges.txt, vocab.txt, llm.c's .bin. The caller frees *out.
 * ERR_IO: the file cannot be read. ERR_FORMAT: it breaks its own rules (a merge names a token the vocabulary lacks, two tokens share
 * an id). ERR_UNSUPPORTED: a component that this build does not have, by name. */
Err tokenizer_load(Tokenizer **out, const char *path);
Err tokenizer_load_with(Tokenizer **out, const char *path, const TokenizerLoadOptions *options);
/* A tokenizer.json that already is in memory; `name` opens messages. */
Err tokenizer_load_json(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes);
void tokenizer_free(Tokenizer *tok);  /* NULL is fine */
/* Writes a Hugging Face directory: tokenizer.json, tokenizer_config.json, special_tokens_map.json. transformers' AutoTokenizer loads it.
 * ERR_UNSUPPORTED: the format cannot say what this tokenizer does; the message says what. */
Err tokenizer_save(const Tokenizer *tok, const char *dir);

TokenizerType tokenizer_type(const Tokenizer *tok);
int64_t tokenizer_vocab_size(const Tokenizer *tok);  /* highest id + 1, special tokens included: the rows an embedding needs */
/* Identity for run records: XXH3-64 over vocabulary, merges and rules, independent of the file it came from. */
uint64_t tokenizer_hash(const Tokenizer *tok);

typedef enum { SPECIAL_BOS, SPECIAL_EOS, SPECIAL_PAD, SPECIAL_UNK, SPECIAL_MASK, SPECIAL_SEP, SPECIAL_CLS, N_SPECIALS } SpecialToken;
int32_t tokenizer_special_id(const Tokenizer *tok, SpecialToken which);  /* -1 when absent */
bool tokenizer_is_special(const Tokenizer *tok, int32_t id);
/* The id of a token by its text as files write it ("Ġthe", "<|endoftext|>", "##ing"), or -1. */
int32_t tokenizer_id_of(const Tokenizer *tok, const char *text);
/* A token's text as files write it; NULL for an id that no token has. Borrowed. */
const char *tokenizer_text_of(const Tokenizer *tok, int32_t id);

typedef struct {
    int32_t *ids;
    int64_t n;
} TokenSpan;

/* Encodes n_bytes of text; the ids live in `arena`. Any bytes are valid: what no token covers becomes byte tokens where the
 * vocabulary has them (then decoding gives the very bytes back) and unk where not. Adds no special token. */
TokenSpan tokenizer_encode(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes);

typedef enum {
    TOKENIZER_ADD_SPECIAL = 1,    /* what the post-processor adds: [CLS] ... [SEP], <s> ... */
    TOKENIZER_PARSE_SPECIAL = 2,  /* special tokens spelled out in the text become their ids: only for trusted templates */
} TokenizerEncodeFlags;
/* Where a token came from: [begin, end) of the text given, in bytes. */
typedef struct {
    int64_t begin, end;
} TokenOffset;
/* `offsets` (may be NULL) receives one entry a token, in `arena`. Tokens that the text does not hold ([CLS]) have an empty range. */
TokenSpan tokenizer_encode_with(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int flags,
                                TokenOffset **offsets);

/* Turns offsets in bytes of the text into offsets in characters. A token that holds a part of a character covers it whole; bytes that are no
 * character count as utf8_decode takes them. */
void token_offsets_to_chars(TokenOffset *offsets, int64_t n, const char *text, size_t n_bytes);

/* A text of which some bytes are data (data[i] = 1), the rest a trusted template: special tokens are parsed, but never where data spells a byte of
 * one. `offsets` is not NULL. */
TokenSpan tokenizer_encode_marked(const Tokenizer *tok, Arena *arena, const char *text, const uint8_t *data, size_t n_bytes, TokenOffset **offsets);

typedef struct {
    const char *bytes;  /* NUL added */
    size_t n_bytes;
} TokenText;

/* Encodes n texts, shared out over parallel_threads(): spans[i] is what tokenizer_encode_with gives for texts[i], in `arena`. */
void tokenizer_encode_batch(const Tokenizer *tok, Arena *arena, const TokenText *texts, int64_t n, int flags, TokenSpan *spans);

/* Encoding a text as it arrives, in parts cut anywhere. A push returns the ids that became certain; those of all pushes and of the finish
 * are what tokenizer_encode_with gives for the whole. What it holds is bounded (about a megabyte) as long as the text has places at which
 * it may be cut: a space between two letters for the known patterns, any space for BERT and SentencePiece. A tokenizer without such
 * places (a pattern of its own, unusual steps) holds the text to the end. */
typedef struct TokenEncoder TokenEncoder;
TokenEncoder *token_encoder_new(const Tokenizer *tok, int flags);  /* borrows tok */
void token_encoder_free(TokenEncoder *encoder);
TokenSpan token_encoder_push(TokenEncoder *encoder, const char *bytes, size_t n_bytes);  /* borrowed until the next call */
TokenSpan token_encoder_finish(TokenEncoder *encoder);                                   /* the encoder may be used anew */

/* The bytes that the ids stand for, in `arena`. Special tokens are left out unless `keep_special`. An id that no token has gives nothing.
 * For byte-covering types decode(encode(x)) = x for any bytes. */
TokenText tokenizer_decode(const Tokenizer *tok, Arena *arena, const int32_t *ids, int64_t n, bool keep_special);

/* Decoding as ids arrive. A push returns the text that became certain: whole characters only; what can never become a character
 * is given out as the bytes it is once that is clear. The concatenation of all pushes and the finish equals tokenizer_decode. */
typedef struct TokenStream TokenStream;
TokenStream *token_stream_new(const Tokenizer *tok, bool keep_special);  /* borrows tok */
void token_stream_free(TokenStream *stream);
TokenText token_stream_push(TokenStream *stream, int32_t id);  /* borrowed until the next call */
TokenText token_stream_finish(TokenStream *stream);            /* what is held back; the stream may be used anew */

/* Documents for training, one a call. *text stays valid until the next call; *text = NULL ends. */
typedef struct {
    Err (*next)(void *context, const char **text, size_t *n_bytes);
    void *context;
} TokenizerSource;

/* FALLBACK_BYTES adds 256 byte tokens, FALLBACK_JAMO 67 jamo tokens besides: then every text comes back byte for byte. */
typedef enum { FALLBACK_NONE, FALLBACK_BYTES, FALLBACK_JAMO } TokenizerFallback;

enum { TOKENIZER_SPECIALS_MAX = 64 };
typedef struct {
    TokenizerType type;
    int64_t vocab_size;     /* special tokens and the byte or character alphabet included */
    const char *pattern;    /* as splitter_open, or "eojeol" (korean.h); NULL: gpt2 */
    int n_specials;
    const char *specials[TOKENIZER_SPECIALS_MAX];  /* take the first ids, in order */
    const char *bos, *eos, *pad, *unk, *mask;      /* roles, each one of `specials`; NULL: none */
    int64_t min_frequency;  /* pairs seen less often are not merged */
    int64_t max_token_chars;  /* 0: no bound */
    bool particles;         /* byte-bpe, jamo and unigram: also cut Korean particles and endings off their stems (korean.h) */
    TokenizerFallback fallback;  /* char and unigram: what stands for a character without a token */
    bool nfc;               /* normalise to NFC first, in training and ever after */
    int n_threads;          /* 0: parallel_threads(); the result does not depend on it */
    int64_t memory_bytes_max;  /* bound on counted words and what learning makes of them, beside some MB; ERR_MEMORY beyond. 0: none */
    const char *work_dir;   /* words that do not fit (families that merge then learn from disk), and now and then what is counted and merged, go to
                             * this folder; a run that was killed goes on from there, to the same vocabulary. The caller removes it. NULL: none */
    double save_seconds;    /* between two savings of learnt merges (60) */
    int64_t total_bytes;    /* of all documents, for progress; 0: unknown */
    bool quiet;             /* no progress line */
} TokenizerTrainOptions;

TokenizerTrainOptions tokenizer_train_options_default(void);  /* byte-bpe, 32768, gpt2, one special token <|endoftext|> = bos = eos */
/* The same with the special tokens that are usual for a type: [PAD] [UNK] [CLS] [SEP] [MASK] for WordPiece, <unk> <s> </s> where unknown
 * text needs a token, none for characters and bytes. */
TokenizerTrainOptions tokenizer_train_options_for(TokenizerType type);
/* ERR_USAGE: a vocabulary too small for its alphabet. ERR_INTERRUPTED: Ctrl-C. */
Err tokenizer_train(Tokenizer **out, const TokenizerTrainOptions *options, TokenizerSource source);
/* Grows a tokenizer that was loaded to options->vocab_size tokens, learnt from new text under its own rules: ids, texts, merges and scores that it
 * has stay, new ones follow. Of the options those on size, frequency, threads, memory and progress count. A model's embedding
 * and head need rows for the new ids (tokenizer_vocab_size): whoever loads the model adds them. After an error only tokenizer_free may be called.
 * ERR_UNSUPPORTED: neither byte-level BPE with a list of merges nor a unigram model. ERR_USAGE: not larger than it is. */
Err tokenizer_extend(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);
/* All of it from one buffer. */
Err tokenizer_train_text(Tokenizer **out, const TokenizerTrainOptions *options, const char *text, size_t n_bytes);

#endif
