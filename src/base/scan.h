/* scan.h - long runs of bytes, looked at many at a time: what every document passes through on its way in and out. The answers are the same at
 * every CPU level. */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include "base/kernel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes stand before the first that a JSON string cannot hold as it is: a quote, a backslash, a control character below 0x20. */
KERNEL_DECLARE(size_t, scan_json_plain, (const char *bytes, size_t n_bytes));
/* Is all of it well-formed UTF-8 (Unicode 15, table 3-7; surrogates are not)? */
KERNEL_DECLARE(bool, scan_is_utf8, (const char *bytes, size_t n_bytes));
/* Characters of UTF-8: bytes that do not continue one. */
KERNEL_DECLARE(size_t, scan_count_chars, (const char *bytes, size_t n_bytes));
/* A bit for each byte, 64 a mask, the last mask filled up with zeros: is it a space, or (lines) a tab, line feed or carriage return? */
KERNEL_DECLARE(void, scan_spaces, (const char *bytes, size_t n_bytes, bool lines, uint64_t *masks));
/* Where each word begins and where it ends, two places a word: words are what stands between white space as scan_spaces has it. Returns how many
 * places; up to n_bytes + 1 + SCAN_EDGES_ROOM of them are written to. At most UINT32_MAX bytes. */
enum { SCAN_EDGES_ROOM = 8 };
KERNEL_DECLARE(size_t, scan_word_edges, (const char *bytes, size_t n_bytes, bool lines, uint32_t *edges));
/* Do these three bytes stand anywhere, one behind the other? */
KERNEL_DECLARE(bool, scan_holds_three, (const char *bytes, size_t n_bytes, const char three[3]));

static inline size_t scan_json_plain(const char *bytes, size_t n_bytes)
{
    return KERNEL_PICK(scan_json_plain)(bytes, n_bytes);
}

static inline bool scan_is_utf8(const char *bytes, size_t n_bytes)
{
    return KERNEL_PICK(scan_is_utf8)(bytes, n_bytes);
}

static inline size_t scan_count_chars(const char *bytes, size_t n_bytes)
{
    return KERNEL_PICK(scan_count_chars)(bytes, n_bytes);
}

static inline void scan_spaces(const char *bytes, size_t n_bytes, bool lines, uint64_t *masks)
{
    KERNEL_PICK(scan_spaces)(bytes, n_bytes, lines, masks);
}

static inline size_t scan_word_edges(const char *bytes, size_t n_bytes, bool lines, uint32_t *edges)
{
    return KERNEL_PICK(scan_word_edges)(bytes, n_bytes, lines, edges);
}

static inline bool scan_holds_three(const char *bytes, size_t n_bytes, const char three[3])
{
    return KERNEL_PICK(scan_holds_three)(bytes, n_bytes, three);
}

#endif
