/* wtf8.h - where a character of UTF-8 ends, surrogates allowed (WTF-8), for the writers of JSON and of pages. */
#ifndef BASE_WTF8_H
#define BASE_WTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the well-formed WTF-8 sequence at p (n_left > 0 bytes), or minus the length of the ill-formed start of one
 * that a decoder replaces as a whole (Unicode 15, table 3-7 and "maximal subpart"). */
int wtf8_length(const unsigned char *p, size_t n_left);
/* Whether the sequence of this length is a surrogate: well-formed WTF-8, but not UTF-8. */
bool wtf8_is_surrogate(const unsigned char *p, int length);

#endif
