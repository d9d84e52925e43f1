/* plain_word.c - see plain_word.h. */
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/word_cut.h"
#include "text/unicode/char_props.h"
#include "text/unicode/char_run.h"

#include <stdlib.h>
#include <string.h>

static const char space_mark[] = "\xE2\x96\x81";
enum { SPACE_MARK = 0x2581, SPACE_MARK_BYTES = 3, FIRST_VISIBLE = '!', LAST_VISIBLE = '~' };

static bool is_in(const uint8_t *set, uint32_t c)
{
    return set[c / 8] >> c % 8 & 1;
}

static void put_in(uint8_t *set, uint32_t c)
{
    set[c / 8] |= (uint8_t)(1u << c % 8);
}

uint8_t *plain_chars_others(const Tokenizer *tok, WordCut cut)
{
    bool by_steps = word_cut_marks_spaces(tok);
    if (cut == WORD_CUT_NONE || cut == WORD_CUT_WHITE_SPACE || (by_steps && tok->n_pretokenizers > (word_cut_splits_marks(tok) ? 1 : 0)))
        return NULL;
    uint8_t *others = mem_alloc(UNICODE_MAX / 8 + 1);
    if (!by_steps && !charsmap_mark_touched(tok->normalizers->charsmap, others)) {
        free(others);
        return NULL;
    }
    put_in(others, 0);
    put_in(others, ' ');
    put_in(others, SPACE_MARK);
    return others;
}

void plain_words_release(PlainWords *plain)
{
    free(plain->others);
    *plain = (PlainWords){0};
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
        return plain;
    }
    uint8_t *others = plain_chars_others(tok, cut);
    for (uint32_t c = 0; others && c < 128; c++)
        plain.to[c] = (uint8_t)(is_in(others, c) ? 0 : c);
    plain.syllables = others != NULL;
    for (uint32_t i = 0; i < HANGUL_N_SYLLABLES && plain.syllables; i++)
        plain.syllables = !is_in(others, HANGUL_FIRST + i);
    if (!word_cut_marks_spaces(tok)) {
        const Charsmap *map = step->charsmap;
        plain.lines_are_spaces = charsmap_makes_space(map, '\t') && charsmap_makes_space(map, '\n') && charsmap_makes_space(map, '\r');
    }
    plain.others = others;
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
        } else if (plain->syllables && is_syllable(word + at, n_bytes - at)) {
            memcpy(out + n, word + at, SYLLABLE_BYTES);
            n += SYLLABLE_BYTES;
            at += SYLLABLE_BYTES;
        } else {
            uint32_t c;
            size_t length = (size_t)utf8_decode_quick(&c, word + at, word + n_bytes);
            if (c == UTF8_ILL_FORMED || !plain->others || is_in(plain->others, c))
                return 0;
            memcpy(out + n, word + at, length);
            n += length;
            at += length;
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
