/* unigram_reader.h - raw words of a SentencePiece unigram model, normalised and labelled in one go, a stretch at a time: a text of megabytes without a space
 * takes no more memory than a page, unless pieces reach over one another all along it. */
#ifndef TEXT_UNIGRAM_READER_H
#define TEXT_UNIGRAM_READER_H

#include "text/tokenizer/char_trie.h"
#include "text/tokenizer/charsmap.h"

typedef struct {
    CharsmapReader map;
    const CharTable *table;   /* of labels */
    uint32_t none, mark_label, broken_label;  /* the last of an ill-formed byte, with what else is known of it */
    bool is_finished;         /* nothing is left to be read */
    Arena *arena;
    char *bytes;              /* normal form of what is held */
    uint32_t *places, *labels;  /* n + 1 of each: where characters begin in it, and their labels; last its length, and `none` */
    uint32_t n, n_bytes, capacity;
    uint32_t n_enough;        /* characters that are read at once, or a few more */
    uint32_t n_marks;         /* space marks that are left out if the word ends here */
    struct {
        const char *bytes;    /* NULL: none */
        size_t n;
        uint32_t n_marks_before, n_marks_after, begin, end, begin_byte, end_byte;
    } last;                   /* what was mapped last, and what of it is held: runs of one character are common */
} UnigramReader;

/* Reads the first stretch, or all of the word. What is held lies in `arena`, and must stay until the end. `tok` is one whose words are encoded by
 * unigram_encode_word; has_mark: with the dummy prefix before it. */
void unigram_reader_init(UnigramReader *reader, const Tokenizer *tok, Arena *arena, Piece word, bool has_mark, bool is_whole);
/* Lets go of the first n_done characters and reads on; if there were none, more is held than before. */
void unigram_reader_next(UnigramReader *reader, uint32_t n_done);

#endif
