/* jinja_fuzz.c - hostile chat templates and variables: the template, a NUL, the JSON. What parses is rendered, and the marks cover the text. */
#include "text/tokenizer/jinja.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data, *nul = size ? memchr(bytes, 0, size) : NULL;
    size_t n = nul ? (size_t)(nul - bytes) : size;
    JinjaTemplate *template;
    if (jinja_parse(&template, "fuzz", bytes, n) != OK)
        return 0;
    static const char *const names[] = {"bos_token"}, *const texts[] = {"<s>"};
    JinjaVariables variables = {.json = nul ? nul + 1 : "{}", .n_json_bytes = nul ? size - n - 1 : 2, .names = names, .texts = texts, .n_trusted = 1, .now = 1};
    Arena *arena = arena_new();
    JinjaText out;
    if (jinja_render(template, &variables, arena, &out) == OK)
        for (size_t i = 0; i < out.n_bytes; i++)
            if (out.data[i] > 1)
                abort();
    arena_free(arena);
    jinja_free(template);
    return 0;
}
