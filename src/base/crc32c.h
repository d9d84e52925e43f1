/* crc32c.h - the Castagnoli cyclic redundancy check (RFC 3720, appendix B.4), of TFRecord files. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *bytes, size_t n_bytes);

#endif
