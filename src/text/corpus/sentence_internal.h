/* sentence_internal.h - where the splitter must look: the kernel of sentence.c. */
#ifndef CORPUS_SENTENCE_INTERNAL_H
#define CORPUS_SENTENCE_INTERNAL_H

#include "base/kernel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SENTENCE_BLOCK = 64 };

/* A bit for each of up to 64 bytes where a sentence may end or a quote opens or closes: line breaks, ASCII stops, '"', and bytes that begin a stop or a
 * quote of another script, of which some that begin neither have a bit too. With `korean` also the blanks behind a byte that a final ending may end in;
 * `before` is the byte in front of the block, 0 if there is none. */
KERNEL_DECLARE(uint64_t, sentence_places, (const char *bytes, size_t n_bytes, unsigned char before, bool korean));

#endif
