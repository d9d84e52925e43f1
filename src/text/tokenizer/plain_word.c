/* plain_word.c - see plain_word.h. */
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/word_cut.h"
#include "text/unicode/char_props.h"
#include "text/unicode/char_run.h"

#include <string.h>

static const char space_mark[] = "\xE2\x96\x81";
enum { SPACE_MARK_BYTES = 3, FIRST_VISIBLE = '!', LAST_VISIBLE = '~', SYLLABLE_LEAD_FIRST = 0xEA, SYLLABLE_LEAD_LAST = 0xED };

static bool keeps_all_syllables(const Charsmap *map, const bool followers[256])
{
    bool all = true;
    for (uint32_t i = 0; i < HANGUL_N_SYLLABLES && all; i++) {
        char bytes[UTF8_BYTES_MAX];
        int n = utf8_encode(bytes, HANGUL_FIRST + i);
        all = charsmap_keeps(map, bytes, (size_t)n, followers);
    }
    return all;
}

/* SentencePiece: a character is plain when no key of the map ends within it or goes on with another plain one. */
static void learn_charsmap(PlainWords *plain, const Charsmap *map)
{
    bool followers[256] = {false};
    for (int c = 1; c < 128; c++)
        followers[c] = true;
    for (int c = SYLLABLE_LEAD_FIRST; c <= SYLLABLE_LEAD_LAST; c++)
        followers[c] = true;
    plain->syllables = keeps_all_syllables(map, followers);
    for (int c = 1; c < 128; c++)
        if (c != ' ' && charsmap_keeps(map, &(char){(char)c}, 1, followers))
            plain->to[c] = (uint8_t)c;
    plain->lines_are_spaces = charsmap_makes_space(map, '\t') && charsmap_makes_space(map, '\n') && charsmap_makes_space(map, '\r');
}

PlainWords plain_words_of(const Tokenizer *tok, WordCut cut)
{
    PlainWords plain = {.marked = cut != WORD_CUT_WHITE_SPACE};
    const NormalizerStep *step = tok->normalizers;
    if (cut == WORD_CUT_NONE)
        return plain;
    if (cut == WORD_CUT_WHITE_SPACE) {  /* BERT: nothing is left to do but capitals and accents */
        plain.cuts_punctuation = true;
        plain.syllables = !step->strip_accents;
        for (int c = FIRST_VISIBLE; c <= LAST_VISIBLE; c++)
            plain.to[c] = (uint8_t)(step->lowercase && c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    } else if (word_cut_marks_spaces(tok)) {
        plain.syllables = tok->n_pretokenizers == 0 || (tok->n_pretokenizers == 1 && word_cut_splits_marks(tok));
        for (int c = 1; c < 128 && plain.syllables; c++)
            plain.to[c] = (uint8_t)(c == ' ' ? 0 : c);
    } else {
        learn_charsmap(&plain, step->charsmap);
    }
    return plain;
}

size_t plain_word_write(const PlainWords *plain, const char *word, size_t n_bytes, char *out)
{
    size_t n = 0;
    if (plain->marked) {
        memcpy(out, space_mark, SPACE_MARK_BYTES);
        n = SPACE_MARK_BYTES;
    }
    for (size_t at = 0; at < n_bytes;) {
        unsigned char byte = (unsigned char)word[at];
        if (byte < 0x80) {
            if (!plain->to[byte])
                return 0;
            out[n++] = (char)plain->to[byte];
            at++;
        } else {
            if (!plain->syllables || !is_syllable(word + at, n_bytes - at))
                return 0;
            memcpy(out + n, word + at, SYLLABLE_BYTES);
            n += SYLLABLE_BYTES;
            at += SYLLABLE_BYTES;
        }
    }
    return n;
}

void plain_word_encode(const Tokenizer *tok, EncodeScratch *scratch, const char *normal, size_t n_bytes, TokenBuffer *out)
{
    size_t begin = 0;
    for (size_t at = 0; at < n_bytes && scratch->plain.cuts_punctuation; at++)
        if ((unsigned char)normal[at] < 0x80 && char_is_punctuation((unsigned char)normal[at])) {
            if (begin < at)
                model_encode(tok, scratch, (Piece){.bytes = normal + begin, .n = at - begin}, out);
            model_encode(tok, scratch, (Piece){.bytes = normal + at, .n = 1}, out);
            begin = at + 1;
        }
    if (begin < n_bytes)
        model_encode(tok, scratch, (Piece){.bytes = normal + begin, .n = n_bytes - begin}, out);
}
