/* split_window.h - 64 bytes of text at a look: where letters that need no table stand, ASCII and Hangul syllables, and what may not simply end a word of
 * them. */
#ifndef TEXT_SPLIT_WINDOW_H
#define TEXT_SPLIT_WINDOW_H

#include "base/kernel.h"

#include <stdbool.h>
#include <stdint.h>

enum { SPLIT_WINDOW_BYTES = 64 };
typedef struct {
    uint64_t letters;  /* bytes of ASCII letters, when `cased` small ones only, and of whole syllables U+AC00 to U+D77F */
    uint64_t others;   /* bytes from 0x80 on that are no such letters, and, when `cased`, capitals and the apostrophe */
} SplitWindow;

/* Reads SPLIT_WINDOW_BYTES at `text`. What begins in the window but ends behind it counts among the others. */
KERNEL_DECLARE(SplitWindow, split_window, (const char *text, bool cased));

#endif
