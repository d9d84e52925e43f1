/* sentence.h - where sentences end, by rules for Korean, English and their kin.
 *
 *   - . ! ? … and their forms in other scripts end a sentence, with closing quotes and brackets behind them, before white space (after 。！？
 *     and the like also without); a line break ends one always.
 *   - A full stop does not end one after an abbreviation ("Dr.", "e.g."), an initial ("J. Smith"), a number that opens a line ("1. "), or before a
 *     small letter; nor does an ellipsis before a small letter.
 *   - Within quotes that a sentence opened, an ending counts only when the quote closes with it and no particle follows: "간다."고 goes on.
 *   - Korean without punctuation: a polite final ending (-습니다, -어요, -세요, ...) or a plain past or present one (-었다, -한다) before white space ends a
 *     sentence, unless what follows is a word that leans on it (고, 는, 하며, ...). */
#ifndef CORPUS_SENTENCE_H
#define CORPUS_SENTENCE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum { SENTENCE_VERSION = 1 };

typedef struct {
    size_t begin, end;  /* bytes, without white space around */
} Sentence;
typedef struct {
    Sentence *sentences;
    int n, room;
} Sentences;

/* One more; the list grows in `arena`. Zeroed is empty. */
void sentences_add(Sentences *sentences, Arena *arena, Sentence one);

/* `korean`: Korean endings count too. The text is well-formed UTF-8. When the arena's limit is spent (arena_limit.h), the rest is one sentence. */
Sentences sentence_split(Arena *arena, const char *text, size_t n_bytes, bool korean);

#endif
