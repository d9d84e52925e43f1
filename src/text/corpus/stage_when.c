/* stage_when.c - tests of tags, read and asked. */
#include "text/corpus/stage_when.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum { IS, IS_NOT, AT_LEAST, AT_MOST, ABOVE, BELOW } WhenKind;
static const char *const signs[] = {"=", "!=", ">=", "<=", ">", "<"};

typedef struct {
    WhenKind kind;
    const char *name, *value;  /* value: texts divided by '|' */
    double number;
} WhenTest;

struct StageWhen {
    int n;
    WhenTest tests[OPTION_LIST_MAX];
};

static Err read_test(WhenTest *test, Arena *arena, const char *where, const char *text)
{
    size_t n = strcspn(text, "=!<>"), n_sign = strspn(text + n, "=!<>");
    const char *sign = arena_strndup(arena, text + n, n_sign);
    int kind = 0;
    while (kind <= BELOW && strcmp(signs[kind], sign) != 0)
        kind++;
    const char *value = text + n + n_sign;
    if (n == 0 || kind > BELOW || value[0] == '\0')
        return err_set(ERR_USAGE, "%s: \"%s\" is no test of a tag; language=ko|en, language!=ko and langid.confidence>=0.8 are", where, text);
    char *end;
    *test = (WhenTest){(WhenKind)kind, arena_strndup(arena, text, n), arena_strdup(arena, value), strtod(value, &end)};
    if (kind > IS_NOT && (*end != '\0' || !isfinite(test->number)))
        return err_set(ERR_USAGE, "%s: \"%s\": expected a number behind %s, found \"%s\"", where, text, sign, value);
    return OK;
}

Err stage_when_read(const StageWhen **out, Arena *arena, const char *where, const OptionTexts *tests)
{
    *out = NULL;
    if (tests->n == 0)
        return OK;
    StageWhen *when = ARENA_NEW(arena, StageWhen);
    for (int i = 0; i < tests->n; i++)
        TRY(read_test(&when->tests[when->n++], arena, where, tests->value[i]));
    *out = when;
    return OK;
}

const char *stage_when_text(Arena *arena, const StageWhen *when)
{
    const char *text = "";
    for (int i = 0; when && i < when->n; i++) {
        const WhenTest *test = &when->tests[i];
        text = arena_printf(arena, "%s%s%s%s%s", text, i ? "," : "", test->name, signs[test->kind], test->value);
    }
    return text;
}

static bool is_among(const char *text, const char *values)
{
    size_t n = strlen(text);
    for (const char *at = values;; at++) {
        size_t m = strcspn(at, "|");
        if (m == n && memcmp(at, text, n) == 0)
            return true;
        at += m;
        if (*at == '\0')
            return false;
    }
}

static bool test_holds(const WhenTest *test, Arena *arena, const StageDocument *document)
{
    if (test->kind == IS || test->kind == IS_NOT) {
        const char *text = stage_tag_text(arena, document, test->name);
        return (text && is_among(text, test->value)) == (test->kind == IS);
    }
    double number = stage_tag_number(arena, document, test->name);  /* NAN: no comparison holds */
    switch (test->kind) {
    case AT_LEAST: return number >= test->number;
    case AT_MOST: return number <= test->number;
    case ABOVE: return number > test->number;
    default: return number < test->number;
    }
}

bool stage_when_holds(const StageWhen *when, Arena *arena, const StageDocument *document)
{
    bool holds = true;
    for (int i = 0; when && i < when->n && holds; i++)
        holds = test_holds(&when->tests[i], arena, document);
    return holds;
}
