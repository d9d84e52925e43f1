/* jinja.h - the part of the Jinja template language that chat templates are written in, run the way transformers runs it (trim_blocks and
 * lstrip_blocks set, one line break at the end dropped).
 *
 * Statements: if/elif/else, for (with if, else, loop.*, break, continue), set (names, tuples, namespace attributes, blocks), macro, generation, raw.
 * Expressions: literals, lists, tuples, dicts, attributes, items, slices, calls, filters, tests, arithmetic, ~, comparisons, in, and/or/not, a if b
 * else c. What is not known is an error that names it with its line; nothing is skipped.
 *
 * Every byte of the output knows whether it came from data (messages, tools) or from the template: so text cannot forge a special token. */
#ifndef TEXT_JINJA_H
#define TEXT_JINJA_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct JinjaTemplate JinjaTemplate;

/* `name` opens messages. ERR_FORMAT: not the language, with line. ERR_UNSUPPORTED: a statement that is not known. */
Err jinja_parse(JinjaTemplate **out, const char *name, const char *source, size_t n_bytes);
void jinja_free(JinjaTemplate *template);  /* NULL is fine */

typedef struct {
    const char *bytes;    /* NUL added */
    size_t n_bytes;
    const uint8_t *data;  /* [n_bytes]: 1 where the byte came from data */
} JinjaText;

/* Variables: the members of a JSON object, which are data, and texts that are not (bos_token ...). Of data, the "role" of a message counts as the
 * template's own when it is one of the usual ones, since templates spell special tokens with it ("<|" + role + "|>"). */
typedef struct {
    const char *json;  /* {"messages": [...], "add_generation_prompt": true, ...} */
    size_t n_json_bytes;
    const char *const *names, *const *texts;  /* [n_trusted] */
    int n_trusted;
    int64_t now;  /* seconds since 1970, for strftime_now; 0: the clock */
} JinjaVariables;

/* The text lives in `arena`. ERR_FORMAT: raise_exception, or an operation on values that have none. ERR_UNSUPPORTED: an unknown filter, test or
 * function. ERR_MEMORY: more than JINJA_STEPS_MAX steps or JINJA_BYTES_MAX bytes. */
enum { JINJA_STEPS_MAX = 5000000, JINJA_BYTES_MAX = 64 << 20 };
Err jinja_render(const JinjaTemplate *template, const JinjaVariables *variables, Arena *arena, JinjaText *out);

#endif
