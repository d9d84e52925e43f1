/* extract_fuzz.c - any bytes are a page, in any encoding, and give well-formed UTF-8. */
#include "text/corpus/extract.h"
#include "text/unicode/utf8.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static const char *const charsets[] = {"", "utf-8", "euc-kr", "shift_jis", "iso-8859-1", "utf-16", "gbk", "nonsense"};
    if (n_bytes < 1)
        return 0;
    Arena *arena = arena_new();
    ExtractedText text = extract_html(arena, (const char *)data + 1, n_bytes - 1, charsets[data[0] % 8]);
    if (!utf8_is_valid(text.text, text.n_bytes))
        abort();
    arena_free(arena);
    return 0;
}
