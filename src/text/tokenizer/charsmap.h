/* charsmap.h - SentencePiece's compiled normalisation, executed.
 *
 * The map is a u32 LE byte size, a double-array trie (Darts-clone units, u32 LE) of that size, then NUL-terminated replacements; the value
 * of a key is the offset of its replacement. The rule at each place of the text: the longest key that starts there is replaced. */
#ifndef TEXT_CHARSMAP_H
#define TEXT_CHARSMAP_H

#include "text/tokenizer/tokenizer_internal.h"

/* `blob` may be empty: the identity. ERR_FORMAT: sizes that do not fit, a trie that points outside itself. */
Err charsmap_open(Charsmap **out, const char *name, const char *blob, size_t n_bytes);
void charsmap_free(Charsmap *map);
const char *charsmap_blob(const Charsmap *map, size_t *n_bytes);
/* Texts that are taken as they stand and never normalised (user-defined symbols). */
void charsmap_add_symbol(Charsmap *map, const char *text, size_t n_bytes);
/* Does a key hold this byte of ASCII and something else? Then what stands beside it may change with it. */
bool charsmap_joins(const Charsmap *map, char byte);
/* True when this byte of ASCII becomes a space, whatever stands beside it. */
bool charsmap_makes_space(const Charsmap *map, char byte);
/* Sets a bit of `touched`, UNICODE_MAX / 8 + 1 bytes, for each character that is a key or the second one of a key: in a text without any of them
 * no key is found. False when that cannot be said, as a key ends within a character. */
bool charsmap_mark_touched(const Charsmap *map, uint8_t *touched);
/* Does it change nothing but ill-formed bytes? */
bool charsmap_is_identity(const Charsmap *map);
/* Does each ill-formed byte become U+FFFD, whatever stands beside it? */
bool charsmap_breaks_plainly(const Charsmap *map);
/* A bit for each character that begins a key, and for the space: all others stand for themselves unless a key before them holds them. NULL unless
 * charsmap_breaks_plainly. */
const uint8_t *charsmap_starts(const Charsmap *map);
bool charsmap_has_symbols(const Charsmap *map);
/* Bytes of the longest symbol at the start of the text, 0 when there is none. */
size_t charsmap_symbol_at(const Charsmap *map, const char *text, size_t n_bytes);

/* A text part by part as its map has it, extra spaces left out but for one at the end; the dummy prefix and escaping are left to the caller. */
typedef struct {
    const NormalizerStep *step;
    Piece text;
    size_t at;         /* how far it has come */
    bool after_space;  /* and spaces are left out here */
} CharsmapReader;
void charsmap_reader_init(CharsmapReader *reader, const NormalizerStep *step, Piece text);
/* What stands for the next character, or for a key of several, at `at` < text.n; maybe nothing. Valid as long as the text and the map are. A caller that
 * knows that a character is neither rewritten nor ill-formed nor a space may read it by itself, and then sets `after_space` to false. */
const char *charsmap_read(CharsmapReader *reader, size_t *n_out);
/* The whole of SentencePiece's normaliser: map, extra spaces, dummy prefix, escaping. */
Piece charsmap_run_sentencepiece(const NormalizerStep *step, Arena *arena, Piece text);
/* The step "Precompiled" of tokenizer.json, which differs: grapheme clusters below 6 bytes are looked up whole, everything else character
 * by character, and the shortest key counts. */
Piece charsmap_run_graphemes(const Charsmap *map, Arena *arena, Piece text);

#endif
