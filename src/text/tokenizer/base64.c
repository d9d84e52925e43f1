/* base64.c - six bits a character. */
#include "text/tokenizer/base64.h"

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int64_t base64_decode(char *out, const char *text, size_t n)
{
    uint32_t bits = 0;
    int n_bits = 0;
    int64_t k = 0;
    while (n && text[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return -1;
        bits = bits << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[k++] = (char)(bits >> n_bits);
        }
    }
    return k;
}

size_t base64_encode(char *out, const char *bytes, size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t k = 0;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)bytes[i] << 16;
        bits |= i + 1 < n ? (uint32_t)(unsigned char)bytes[i + 1] << 8 : 0;
        bits |= i + 2 < n ? (unsigned char)bytes[i + 2] : 0;
        for (int shift = 18; shift >= 0; shift -= 6)
            out[k++] = alphabet[bits >> shift & 63];
        if (i + 2 >= n)
            out[k - 1] = '=';
        if (i + 1 >= n)
            out[k - 2] = '=';
    }
    return k;
}
