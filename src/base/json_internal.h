/* json_internal.h - shared by the files of the JSON reader and writer only. */
#ifndef BASE_JSON_INTERNAL_H
#define BASE_JSON_INTERNAL_H

#include "base/json.h"

/* "expected WHAT, found ..." at the present position; returns the sticky error when there is one. */
Err json_fail_expected(JsonReader *reader, const char *what);
/* Moves behind `word` if it comes next, byte for byte. */
bool json_eat_word(JsonReader *reader, const char *word);
/* Moves behind the number that comes next. */
Err json_skip_number(JsonReader *reader);

enum { JSON_DOUBLE_BYTES = 40 };
/* A finite number as the writer writes it; returns its length. */
size_t json_double_text(char text[JSON_DOUBLE_BYTES], double value);
/* The same for any finite number, slowly, with the C library: what the fast one is held to. */
size_t json_double_text_plain(char text[JSON_DOUBLE_BYTES], double value);

#endif
