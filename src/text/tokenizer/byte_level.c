/* byte_level.c - see byte_level.h. */
#include "text/tokenizer/byte_level.h"
#include "text/unicode/utf8.h"

uint32_t byte_level_char(unsigned char byte)
{
    if (byte <= 32)
        return 256u + byte;
    if (byte <= 126 || (byte >= 161 && byte != 173))
        return byte;
    return byte == 173 ? 323u : 256u + 33 + (byte - 127u);  /* 33 below, then 127..160, then 173 */
}

int byte_level_byte(uint32_t c)
{
    if ((c >= 33 && c <= 126) || (c >= 161 && c <= 255 && c != 173))
        return (int)c;
    if (c >= 256 && c <= 288)
        return (int)c - 256;
    if (c >= 289 && c <= 322)
        return (int)c - 289 + 127;
    return c == 323 ? 173 : -1;
}

size_t byte_level_write(char *out, const char *bytes, size_t n_bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < n_bytes; i++)
        n += (size_t)utf8_encode(out + n, byte_level_char((unsigned char)bytes[i]));
    return n;
}

int64_t byte_level_read(char *out, const char *text, size_t n_bytes)
{
    int64_t n = 0;
    for (const char *at = text; at < text + n_bytes;) {
        uint32_t c;
        at += utf8_decode(&c, at, text + n_bytes);
        int byte = byte_level_byte(c);
        if (byte < 0)
            return -1;
        out[n++] = (char)byte;
    }
    return n;
}
