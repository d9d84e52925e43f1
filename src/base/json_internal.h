/* json_internal.h - shared by the files of the JSON reader only. */
#ifndef BASE_JSON_INTERNAL_H
#define BASE_JSON_INTERNAL_H

#include "base/json.h"

/* "expected WHAT, found ..." at the present position; returns the sticky error when there is one. */
Err json_fail_expected(JsonReader *reader, const char *what);
/* Moves behind `word` if it comes next, byte for byte. */
bool json_eat_word(JsonReader *reader, const char *word);
/* Moves behind the number that comes next. */
Err json_skip_number(JsonReader *reader);

#endif
