/* options_print.c - the table's values as a recipe, as a hash, and as help. */
#include "base/json.h"
#include "base/log.h"
#include "base/options_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Text is collected in a stream of the C library: it grows by itself. */
typedef struct {
    const OptionTable *table;
    const void *object;
    Arena *scratch;
    FILE *out;
} Printer;

/* True when YAML takes the text for a string without quotes: a path or a word, and none of YAML 1.1's other words. */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    if (!isalpha((unsigned char)text[0]) && text[0] != '/' && text[0] != '_')
        return false;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_./-", *p))
            return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return false;
    return true;
}

/* JSON's quoting is YAML's, but YAML reads some characters as line breaks, refuses others, and knows no surrogates. */
static void print_quoted(Printer *p, const char *text)
{
    JsonWriter *writer = json_writer_new(0);
    json_write_string(writer, text);
    for (const unsigned char *at = (const unsigned char *)json_writer_text(writer, NULL); *at;) {
        int n = at[0] < 0x80 ? 1 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
        unsigned c = n == 2 ? (at[0] & 31u) << 6 | (at[1] & 63u)
                   : n == 3 ? (at[0] & 15u) << 12 | (at[1] & 63u) << 6 | (at[2] & 63u) : at[0];
        if (at[0] == '\\' && at[1] == 'u' && at[2] == 'd') {
            fputs("\\ufffd", p->out);
            n = 6;
        } else if (at[0] == '\\') {
            n = 2;
            fwrite(at, 1, 2, p->out);
        } else if (c == 0x7F || (n == 2 && c < 0xA0) || (n == 3 && (c == 0x2028 || c == 0x2029 || c == 0xFEFF || c >= 0xFFFE))) {
            fprintf(p->out, "\\u%04x", c);
        } else {
            fwrite(at, 1, (size_t)n, p->out);
        }
        at += n;
    }
    json_writer_free(writer);
}

static void print_text(Printer *p, const char *text)
{
    if (is_plain(text))
        fputs(text, p->out);
    else
        print_quoted(p, text);
}

/* `{name: {a: "1", b.c: "2"}}`, or the name alone. Values are quoted: a reader's table gives them their kind. */
static void print_item(Printer *p, const OptionItem *item)
{
    if (item->n == 0) {
        print_text(p, item->name);
        return;
    }
    fputc('{', p->out);
    print_text(p, item->name);
    fputs(": {", p->out);
    for (int i = 0; i < item->n; i++) {
        fputs(i ? ", " : "", p->out);
        print_text(p, item->settings[i].name);
        fputs(": ", p->out);
        print_quoted(p, item->settings[i].value);
    }
    fputs("}}", p->out);
}

static void print_value(Printer *p, const Option *row)
{
    const void *field = (const char *)p->object + row->offset;
    if (row->kind == OPTION_KIND_TEXT) {
        const char *text = *(const char *const *)field;
        print_text(p, text ? text : "");
    } else if (row->kind == OPTION_KIND_TEXTS) {
        const OptionTexts *list = field;
        fputc('[', p->out);
        for (int i = 0; i < list->n; i++) {
            fputs(i ? ", " : "", p->out);
            print_text(p, list->value[i]);
        }
        fputc(']', p->out);
    } else if (row->kind == OPTION_KIND_ITEMS) {
        const OptionItems *list = field;
        fputc('[', p->out);
        for (int i = 0; i < list->n; i++) {
            fputs(i ? ", " : "", p->out);
            print_item(p, &list->item[i]);
        }
        fputc(']', p->out);
    } else if (row->kind == OPTION_KIND_REALS) {
        fprintf(p->out, "[%s]", options_get(p->table, p->object, p->scratch, row->name));
    } else {
        fputs(options_get(p->table, p->object, p->scratch, row->name), p->out);
    }
}

/* True when no row before `row` begins with the same n letters: a group is printed where its first member stands. */
static bool is_first_of_group(const Printer *p, const Option *row, size_t n)
{
    for (const Option *other = p->table->rows; other < row; other++)
        if (strncmp(other->name, row->name, n) == 0)
            return false;
    return true;
}

/* Prints the rows whose names begin with the first n_prefix letters of `model`. */
static void print_group(Printer *p, const char *model, size_t n_prefix, int depth)
{
    for (int i = 0; i < p->table->n_rows; i++) {
        const Option *row = &p->table->rows[i];
        if (strncmp(row->name, model, n_prefix) != 0)
            continue;
        const char *part = row->name + n_prefix, *dot = strchr(part, '.');
        size_t n_group = dot ? (size_t)(dot - row->name) + 1 : 0;
        if (dot && !is_first_of_group(p, row, n_group))
            continue;
        fprintf(p->out, "%*s", depth * 2, "");
        if (dot) {
            fprintf(p->out, "%.*s:\n", (int)(dot - part), part);
            print_group(p, row->name, n_group, depth + 1);
        } else {
            fprintf(p->out, "%s: ", part);
            print_value(p, row);
            fputc('\n', p->out);
        }
    }
}

const char *options_to_yaml(const OptionTable *table, const void *object, Arena *arena)
{
    char *text = NULL;
    size_t n_bytes = 0;
    Printer p = {table, object, arena_new(), open_memstream(&text, &n_bytes)};
    fputs("version: 1\n", p.out);
    print_group(&p, "", 0, 0);
    fclose(p.out);
    const char *copy = arena_strndup(arena, text, n_bytes);
    free(text);
    arena_free(p.scratch);
    return copy;
}

uint64_t options_hash(const OptionTable *table, const void *object)
{
    Arena *arena = arena_new();
    const char *text = options_to_yaml(table, object, arena);
    uint64_t hash = XXH3_64bits(text, strlen(text));
    arena_free(arena);
    return hash;
}

const char *option_value_word(const Option *row)
{
    switch (row->kind) {
    case OPTION_KIND_INT: return "INT";
    case OPTION_KIND_REAL: return "REAL";
    case OPTION_KIND_BOOL: return "true|false";
    case OPTION_KIND_TEXT: return "TEXT";
    case OPTION_KIND_CHOICE: return row->choices;
    case OPTION_KIND_REALS: return "REAL,...";
    case OPTION_KIND_TEXTS: return "TEXT,...";
    case OPTION_KIND_ITEMS: return "NAME,...";
    }
    return "";
}

const char *options_help(const OptionTable *table, const void *defaults, Arena *arena)
{
    enum { HELP_COLUMN = 34 };
    char *text = NULL;
    size_t n_bytes = 0;
    Arena *scratch = arena_new();
    FILE *out = open_memstream(&text, &n_bytes);
    for (int i = 0; i < table->n_rows; i++) {
        const Option *row = &table->rows[i];
        const char *flag = arena_printf(scratch, "  --%s %s", row->name, option_value_word(row));
        const char *value = options_get(table, defaults, scratch, row->name);
        int n_blanks = HELP_COLUMN - text_columns(flag);
        if (n_blanks < 2)
            fprintf(out, "%s\n%*s%s", flag, HELP_COLUMN, "", row->help);
        else
            fprintf(out, "%s%*s%s", flag, n_blanks, "", row->help);
        if (value[0])
            fprintf(out, " (%s)", value);
        fputc('\n', out);
    }
    fclose(out);
    const char *copy = arena_strndup(arena, text, n_bytes);
    free(text);
    arena_free(scratch);
    return copy;
}
