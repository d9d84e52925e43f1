/* stage_when.h - which documents a stage is for: tests of their tags, all of which must hold.
 *
 *     language=ko|ja           the tag is one of these texts          language!=ko   it is none of them, or there is no such tag
 *     langid.confidence>=0.8   the tag is a number, at least this; also > <= <; a missing tag does not hold
 *
 * Names are those of stage_tag_text: a tag of an earlier stage, else a field of the record. A document that a stage is not for passes by it,
 * neither looked at, changed nor dropped. */
#ifndef CORPUS_STAGE_WHEN_H
#define CORPUS_STAGE_WHEN_H

#include "text/corpus/stage.h"

/* `where` opens the message. *out is NULL when there are no tests. ERR_USAGE: a test that cannot be read. */
Err stage_when_read(const StageWhen **out, Arena *arena, const char *where, const OptionTexts *tests);
/* The tests as one text: part of a stage's key. NULL: "". */
const char *stage_when_text(Arena *arena, const StageWhen *when);
bool stage_when_holds(const StageWhen *when, Arena *arena, const StageDocument *document);  /* NULL holds */

#endif
