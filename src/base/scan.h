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

#endif
