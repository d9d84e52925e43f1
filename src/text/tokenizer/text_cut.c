/* text_cut.c - see text_cut.h. Letters here are ASCII letters and Hangul syllables: no normal form changes them or joins them with a space. */
#include "text/tokenizer/text_cut.h"
#include "text/tokenizer/word_cut.h"
#include "text/unicode/char_run.h"

#include <string.h>

/* Steps that look at a letter and a space one by one. */
static bool normalizers_are_local(const Tokenizer *tok)
{
    for (int i = 0; i < tok->n_normalizers; i++)
        if (tok->normalizers[i].kind > NORMALIZER_LOWERCASE && tok->normalizers[i].kind != NORMALIZER_BERT)
            return false;
    return true;
}

TextCut text_cut_of_pieces(const Tokenizer *tok)
{
    if (word_cut_marks_spaces(tok))
        return word_cut_splits_marks(tok) ? TEXT_CUT_DROPS_SPACE : TEXT_CUT_NONE;
    if (!normalizers_are_local(tok))
        return TEXT_CUT_NONE;
    if (tokenizer_only_scanner(tok))
        return TEXT_CUT_KEEPS_SPACE;
    if (tok->n_pretokenizers == 0)
        return TEXT_CUT_NONE;
    const PretokenizerStep *first = &tok->pretokenizers[0];
    bool ends_at_space = first->kind == PRETOKENIZER_WHITESPACE_SPLIT || first->kind == PRETOKENIZER_BERT ||
                         first->kind == PRETOKENIZER_WHITESPACE ||
                         (first->kind == PRETOKENIZER_METASPACE && first->metaspace_split && first->prepend == METASPACE_ALWAYS);
    return ends_at_space ? TEXT_CUT_DROPS_SPACE : TEXT_CUT_NONE;
}

TextCut text_cut_of_ids(const Tokenizer *tok)
{
    return word_cut_of(tok) != WORD_CUT_NONE ? TEXT_CUT_WORDS : text_cut_of_pieces(tok);
}

static bool letter_begins(const char *at, const char *end)
{
    return ((unsigned char)*at | 0x20u) - 'a' < 26u || is_syllable(at, (size_t)(end - at));
}

static bool letter_ends(const char *begin, const char *end)
{
    return ((unsigned char)end[-1] | 0x20u) - 'a' < 26u ||
           (end - begin >= SYLLABLE_BYTES && is_syllable(end - SYLLABLE_BYTES, SYLLABLE_BYTES));
}

bool text_cut_find(TextCut kind, const char *text, size_t n, size_t from, size_t *cut, size_t *n_dropped)
{
    *n_dropped = kind != TEXT_CUT_KEEPS_SPACE;
    for (size_t i = from > 0 ? from : 1; kind != TEXT_CUT_NONE && i + 1 < n; i = *cut + 1) {
        const char *space = memchr(text + i, ' ', n - 1 - i);
        if (!space)
            return false;
        *cut = (size_t)(space - text);
        if (kind == TEXT_CUT_WORDS ? text[*cut - 1] != ' ' && word_cut_may_end(text, *cut)
                                   : letter_ends(text, space) && letter_begins(space + 1, text + n))
            return true;
    }
    return false;
}
