/* convert.h - a tokenizer from one format into another, proven by reading it back.
 *
 * Every format knows less than tokenizer.json or other things. A conversion says what the target cannot hold and does not happen, instead of
 * writing a file that encodes differently; what stands outside a format by design (the split pattern of a .tiktoken) is said on stderr. After
 * writing, the file is read again and must encode a set of probing texts to the same ids. */
#ifndef TEXT_CONVERT_H
#define TEXT_CONVERT_H

#include "text/tokenizer/tokenizer.h"

#define TOKENIZER_FORMAT_CHOICES "json|sentencepiece|tiktoken|vocab-merges|vocab-txt|llm.c"  /* in the order of TokenizerFormat */
typedef enum { FORMAT_JSON, FORMAT_SENTENCEPIECE, FORMAT_TIKTOKEN, FORMAT_VOCAB_MERGES, FORMAT_VOCAB_TXT, FORMAT_LLMC } TokenizerFormat;

/* `path` is a directory for json, vocab-merges and vocab-txt, and a file otherwise (.model, .tiktoken, .bin).
 * ERR_UNSUPPORTED: what the format cannot say, by name; then nothing is left at `path`. */
Err tokenizer_write_as(const Tokenizer *tok, TokenizerFormat format, const char *path);

/* The writers behind it, without the proof. */
Err tokenizer_write_vocab_merges(const Tokenizer *tok, const char *dir);
Err tokenizer_write_vocab_txt(const Tokenizer *tok, const char *dir);

/* Encodes the probing texts with both; ERR_FORMAT names the first that differs. */
Err tokenizer_check_same(const Tokenizer *a, const Tokenizer *b);

#endif
