/* options.c - rows of the table: finding them, setting them from text, reading them as text. options_yaml.c reads recipes,
 * options_print.c writes recipes and help. */
#include "base/options_internal.h"

#include "base/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const Option *option_find(const OptionTable *table, const char *name)
{
    for (int i = 0; i < table->n_rows; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

bool option_is_list(const Option *row)
{
    return row->kind == OPTION_KIND_REALS || row->kind == OPTION_KIND_TEXTS || row->kind == OPTION_KIND_ITEMS;
}

/* Insertions, deletions, changes and swaps of neighbours that lead from one text to the other (Damerau 1964). */
static int edit_distance(const char *a, const char *b)
{
    enum { LENGTH_MAX = 63 };
    size_t n_a = strlen(a), n_b = strlen(b);
    if (n_a > LENGTH_MAX || n_b > LENGTH_MAX)
        return LENGTH_MAX;
    int rows[3][LENGTH_MAX + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n_b; j++)
        above[j] = (int)j;
    for (size_t i = 1; i <= n_a; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= n_b; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        int *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[n_b];
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* People mistype a letter in three, or forget the group, or put the name in the wrong one. */
const char *options_nearest(const OptionTable *table, const char *name)
{
    const char *nearest = NULL;
    int n_letters = (int)strlen(last_part(name));
    int least = 1000;
    for (int i = 0; i < table->n_rows; i++) {
        const char *known = table->rows[i].name;
        int whole = edit_distance(name, known) * 2;
        int last = edit_distance(last_part(name), last_part(known)) * 2 + 1;
        int distance = whole < last ? whole : last;
        if (distance < least && distance <= (n_letters < 3 ? 2 : n_letters / 3 * 2 + 1)) {
            least = distance;
            nearest = known;
        }
    }
    return nearest;
}

Err option_fail_unknown(const OptionTable *table, const char *where, const char *name)
{
    const char *nearest = options_nearest(table, name);
    if (nearest)
        return err_set(ERR_USAGE, "%s: unknown setting %s; the nearest is %s", where, name, nearest);
    return err_set(ERR_USAGE, "%s: unknown setting %s", where, name);
}

static const char *bound_text(Arena *arena, double bound)
{
    return arena_printf(arena, "%.15g", bound);
}

static Err check_bounds(const Option *row, Arena *arena, const char *where, double value, const char *text)
{
    if (value >= row->min && value <= row->max)
        return OK;
    return err_set(ERR_USAGE, "%s: %s: %s is not between %s and %s", where, row->name, text, bound_text(arena, row->min),
                   bound_text(arena, row->max));
}

/* Writes "1_000", "4k", "2.5M", "+3", ".5" as JSON has numbers: 1000, 4e3, 2.5e6, 3, 0.5. */
static const char *plain_number(Arena *arena, const char *text)
{
    size_t n = strlen(text);
    char *plain = arena_alloc(arena, n + 8), *out = plain;
    const char *at = text;
    if (*at == '+' || *at == '-') {
        if (*at == '-')
            *out++ = '-';
        at++;
    }
    if (*at == '.')
        *out++ = '0';
    for (; *at; at++) {
        bool between = at > text && at[-1] >= '0' && at[-1] <= '9' && at[1] >= '0' && at[1] <= '9';
        if (*at == '_' && between)
            continue;
        static const char *const suffixes = "kMGT";
        const char *suffix = at[1] == '\0' && at > text ? strchr(suffixes, *at) : NULL;
        if (suffix)
            out += sprintf(out, "e%d", (int)(suffix - suffixes + 1) * 3);
        else if (*at == '.' && (at[1] == '\0' || at[1] == 'e' || at[1] == 'E'))
            continue;  /* "1." */
        else
            *out++ = *at;
    }
    *out = '\0';
    return plain;
}

static Err set_int(const Option *row, void *field, Arena *arena, const char *where, const char *text)
{
    const char *plain = plain_number(arena, text);
    JsonReader reader;
    int64_t value;
    json_reader_init(&reader, "", plain, strlen(plain));
    if (json_int(&reader, &value) != OK || json_reader_end(&reader) != OK)
        return err_set(ERR_USAGE, "%s: %s: expected an integer, found \"%s\"", where, row->name, text);
    TRY(check_bounds(row, arena, where, (double)value, text));
    *(int64_t *)field = value;
    return OK;
}

static Err parse_real(const Option *row, double *value, Arena *arena, const char *where, const char *text)
{
    const char *plain = plain_number(arena, text);
    JsonReader reader;
    json_reader_init(&reader, "", plain, strlen(plain));
    if (strpbrk(plain, "NI") || json_double(&reader, value) != OK || json_reader_end(&reader) != OK)
        return err_set(ERR_USAGE, "%s: %s: expected a number, found \"%s\"", where, row->name, text);
    return check_bounds(row, arena, where, *value, text);
}

static Err set_choice(const Option *row, int *field, const char *where, const char *text)
{
    size_t n = strlen(text);
    int index = 0;
    for (const char *at = row->choices;; index++) {
        const char *end = strchrnul(at, '|');
        if ((size_t)(end - at) == n && memcmp(at, text, n) == 0) {
            *field = index;
            return OK;
        }
        if (!*end)
            return err_set(ERR_USAGE, "%s: %s: expected %s, found \"%s\"", where, row->name, row->choices, text);
        at = end + 1;
    }
}

static Err set_list(const Option *row, void *field, Arena *arena, const char *where, const char *const *pieces, int n_pieces)
{
    OptionReals reals = {.n = n_pieces};
    OptionTexts texts = {.n = n_pieces};
    if (n_pieces > OPTION_LIST_MAX)
        return err_set(ERR_USAGE, "%s: %s: more than %d elements", where, row->name, OPTION_LIST_MAX);
    for (int i = 0; i < n_pieces; i++) {
        if (!pieces[i][0])
            return err_set(ERR_USAGE, "%s: %s: an empty element", where, row->name);
        if (row->kind == OPTION_KIND_REALS)
            TRY(parse_real(row, &reals.value[i], arena, where, pieces[i]));
        else
            texts.value[i] = arena_strdup(arena, pieces[i]);
    }
    if (row->kind == OPTION_KIND_REALS)
        *(OptionReals *)field = reals;
    else
        *(OptionTexts *)field = texts;
    return OK;
}

/* Names without settings: what a flag can say. */
static Err set_items(const Option *row, OptionItems *items, Arena *arena, const char *where, const char *const *pieces, int n_pieces)
{
    OptionItem *list = ARENA_ARRAY(arena, OptionItem, n_pieces);
    for (int i = 0; i < n_pieces; i++) {
        if (!pieces[i][0])
            return err_set(ERR_USAGE, "%s: %s: an empty element", where, row->name);
        list[i] = (OptionItem){.name = arena_strdup(arena, pieces[i]), .where = arena_strdup(arena, where)};
    }
    *items = (OptionItems){n_pieces, list};
    return OK;
}

Err option_set_pieces(const Option *row, void *object, Arena *arena, const char *where, const char *const *pieces, int n_pieces)
{
    void *field = (char *)object + row->offset;
    assert(n_pieces == 1 || option_is_list(row));
    switch (row->kind) {
    case OPTION_KIND_INT: return set_int(row, field, arena, where, pieces[0]);
    case OPTION_KIND_REAL: {
        double value;
        TRY(parse_real(row, &value, arena, where, pieces[0]));
        *(double *)field = value;
        return OK;
    }
    case OPTION_KIND_BOOL:
        if (strcmp(pieces[0], "true") != 0 && strcmp(pieces[0], "false") != 0)
            return err_set(ERR_USAGE, "%s: %s: expected true or false, found \"%s\"", where, row->name, pieces[0]);
        *(bool *)field = pieces[0][0] == 't';
        return OK;
    case OPTION_KIND_TEXT: *(const char **)field = pieces[0][0] ? arena_strdup(arena, pieces[0]) : NULL; return OK;
    case OPTION_KIND_CHOICE: return set_choice(row, field, where, pieces[0]);
    case OPTION_KIND_REALS:
    case OPTION_KIND_TEXTS: return set_list(row, field, arena, where, pieces, n_pieces);
    case OPTION_KIND_ITEMS: return set_items(row, field, arena, where, pieces, n_pieces);
    }
    return OK;
}

Err option_unset(const Option *row, void *object, const char *where)
{
    void *field = (char *)object + row->offset;
    switch (row->kind) {
    case OPTION_KIND_TEXT: *(const char **)field = NULL; return OK;
    case OPTION_KIND_REALS: *(OptionReals *)field = (OptionReals){0}; return OK;
    case OPTION_KIND_TEXTS: *(OptionTexts *)field = (OptionTexts){0}; return OK;
    case OPTION_KIND_ITEMS: *(OptionItems *)field = (OptionItems){0}; return OK;
    default: return err_set(ERR_USAGE, "%s: %s: expected a value, found null", where, row->name);
    }
}

/* Cuts "a, b\,c" into "a" and "b,c"; brackets around the whole are dropped. Returns the number of pieces, and cuts no more
 * once there are too many. */
static int cut_list(Arena *arena, const char *text, const char *pieces[OPTION_LIST_MAX + 1])
{
    size_t n = strlen(text);
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']' && text[n - 2] != '\\') {
        text++;
        n -= 2;
    }
    const char *end = text + n;
    int n_pieces = 0;
    for (const char *at = text; at < end || (at == end && n_pieces && at[-1] == ','); at++) {
        if (n_pieces > OPTION_LIST_MAX)
            break;
        while (at < end && *at == ' ')
            at++;
        char *piece = arena_alloc(arena, (size_t)(end - at) + 1), *out = piece, *kept = piece;
        for (; at < end && *at != ','; at++) {
            bool escaped = *at == '\\' && at + 1 < end;
            at += escaped;
            *out++ = *at;
            if (escaped || *at != ' ')
                kept = out;  /* blanks at the end are dropped */
        }
        *kept = '\0';
        pieces[n_pieces++] = piece;
    }
    return n_pieces == 1 && !pieces[0][0] ? 0 : n_pieces;
}

Err options_set(const OptionTable *table, void *object, Arena *arena, const char *where, const char *name, const char *value)
{
    const Option *row = option_find(table, name);
    if (!row)
        return option_fail_unknown(table, where, name);
    if (!option_is_list(row))
        return option_set_pieces(row, object, arena, where, &value, 1);
    const char *pieces[OPTION_LIST_MAX + 1];
    int n_pieces = cut_list(arena, value, pieces);
    return option_set_pieces(row, object, arena, where, pieces, n_pieces);
}

/* The shortest decimal that reads back equal, with a point even before an exponent: some YAML readers take 1e-05 for text. */
static const char *real_text(Arena *arena, double value)
{
    JsonWriter *writer = json_writer_new(0);
    json_write_double(writer, value);
    const char *text = json_writer_text(writer, NULL);
    const char *power = strchr(text, 'e');
    const char *copy = power && !strchr(text, '.') ? arena_printf(arena, "%.*s.0%s", (int)(power - text), text, power)
                                                   : arena_strdup(arena, text);
    json_writer_free(writer);
    return copy;
}

const char *option_escape_piece(Arena *arena, const char *piece)
{
    char *escaped = arena_alloc(arena, strlen(piece) * 2 + 1), *out = escaped;
    for (const char *at = piece; *at; at++) {
        if (strchr(",\\[]", *at) || (*at == ' ' && (at == piece || !at[1])))
            *out++ = '\\';
        *out++ = *at;
    }
    return escaped;
}

static const char *choice_text(Arena *arena, const char *choices, int index)
{
    const char *at = choices;
    for (; index > 0; index--) {
        at = strchr(at, '|');
        assert(at);
        at++;
    }
    return arena_strndup(arena, at, (size_t)(strchrnul(at, '|') - at));
}

const char *options_get(const OptionTable *table, const void *object, Arena *arena, const char *name)
{
    const Option *row = option_find(table, name);
    assert(row);
    const void *field = (const char *)object + row->offset;
    const char *text = "";
    switch (row->kind) {
    case OPTION_KIND_INT: return arena_printf(arena, "%lld", (long long)*(const int64_t *)field);
    case OPTION_KIND_REAL: return real_text(arena, *(const double *)field);
    case OPTION_KIND_BOOL: return *(const bool *)field ? "true" : "false";
    case OPTION_KIND_TEXT: return *(const char *const *)field ? *(const char *const *)field : "";
    case OPTION_KIND_CHOICE: return choice_text(arena, row->choices, *(const int *)field);
    case OPTION_KIND_REALS: {
        const OptionReals *list = field;
        for (int i = 0; i < list->n; i++)
            text = arena_printf(arena, "%s%s%s", text, i ? "," : "", real_text(arena, list->value[i]));
        return text;
    }
    case OPTION_KIND_TEXTS: {
        const OptionTexts *list = field;
        for (int i = 0; i < list->n; i++)
            text = arena_printf(arena, "%s%s%s", text, i ? "," : "", option_escape_piece(arena, list->value[i]));
        return text;
    }
    case OPTION_KIND_ITEMS: {
        const OptionItems *list = field;
        for (int i = 0; i < list->n; i++)
            text = arena_printf(arena, "%s%s%s", text, i ? "," : "", option_escape_piece(arena, list->item[i].name));
        return text;
    }
    }
    return text;
}
