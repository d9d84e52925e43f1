/* split_fuzz.c - any bytes: scanners cover them without gaps, and on well-formed text cut as PCRE2 does. */
#include "text/unicode/split.h"
#include "text/unicode/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"gpt2", "cl100k", "llama3", "qwen", "o200k"};
    static Splitter *scan[5], *regex[5];
    for (int i = 0; i < 5 && !scan[i]; i++)
        if (splitter_open(&scan[i], names[i], SPLIT_UNICODE_14) != OK || splitter_open_regex(&regex[i], names[i]) != OK)
            abort();
    const char *text = (const char *)data;
    bool valid = utf8_is_valid(text, size);
    for (int i = 0; i < 5; i++) {
        SplitSpan a, b;
        for (size_t at = 0; at < size; at = a.end) {
            if (!splitter_next(scan[i], text, size, at, &a) || a.begin != at || a.end <= at || a.end > size)
                abort();
            if (valid && (!splitter_next(regex[i], text, size, at, &b) || b.begin != at || b.end != a.end))
                abort();
        }
    }
    return 0;
}
