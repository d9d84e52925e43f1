/* jinja_text.h - what templates do with texts, by filter or by method: as Python's str does it, for ASCII. */
#ifndef TEXT_JINJA_TEXT_H
#define TEXT_JINJA_TEXT_H

#include "text/tokenizer/jinja_internal.h"

typedef enum { CASE_UPPER, CASE_LOWER, CASE_CAPITALIZE, CASE_TITLE } LetterCase;

/* Strips blanks, or the characters given (chars may be NULL). */
Value jinja_strip(Value text, const Value *chars, bool left, bool right);
Value jinja_change_case(Run *run, Value text, LetterCase wanted);
/* Arguments: old, new, count. */
Err jinja_replace(Run *run, Value text, const Arguments *arguments, Value *out);
/* Arguments: sep, maxsplit; without sep by runs of blanks. */
Err jinja_split(Run *run, Value text, const Arguments *arguments, bool from_right, Value *out);
/* Arguments: prefix or suffix, a text or several. */
Err jinja_starts_or_ends(Run *run, Value text, const Arguments *arguments, bool starts, Value *out);
/* The items of a value as texts, with `by` (may be NULL) between them. */
Err jinja_join(Run *run, Value value, const Value *by, Value *out);

#endif
