/* options_yaml.c - recipes: YAML events from libyaml, straight into the option table. No document tree is built, so every
 * error knows its line. */
#include "base/file.h"
#include "base/options_internal.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { GROUP_DEPTH_MAX = 8 };

/* Groups met so far, to find a second one of the same name. */
typedef struct Group {
    struct Group *next;
    const char *name;
    int line;
} Group;

typedef struct {
    const OptionTable *table;
    void *object;
    Arena *arena;    /* texts that stay */
    Arena *scratch;  /* names and messages while reading */
    const char *name;
    yaml_parser_t parser;
    yaml_event_t event;  /* the present one */
    bool has_event;
    int *line_set;       /* a row each: the line that set it, 0 if none */
    int version_line;
    Group *groups;
} Recipe;

static int event_line(const Recipe *r)
{
    return (int)r->event.start_mark.line + 1;
}

/* "recipe.yaml:12" */
static const char *place(const Recipe *r, int line)
{
    return arena_printf(r->scratch, "%s:%d", r->name, line);
}

static Err next_event(Recipe *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = yaml_parser_parse(&r->parser, &r->event);
    if (r->has_event)
        return OK;
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_READER_ERROR)
        return err_set(ERR_FORMAT, "%s: %s at byte %zu", r->name, p->problem, p->problem_offset);
    return err_set(ERR_FORMAT, "%s:%d: %s", r->name, (int)p->problem_mark.line + 1, p->problem ? p->problem : "not YAML");
}

static const char *event_found(const Recipe *r)
{
    switch (r->event.type) {
    case YAML_SCALAR_EVENT: return "a value";
    case YAML_SEQUENCE_START_EVENT: return "a list";
    case YAML_MAPPING_START_EVENT: return "a group";
    case YAML_ALIAS_EVENT: return "an alias";
    default: return "the end";
    }
}

/* Anchors, aliases and tags have no meaning in a recipe. */
static Err check_node(const Recipe *r)
{
    const yaml_event_t *e = &r->event;
    bool decorated = e->type == YAML_ALIAS_EVENT;
    if (e->type == YAML_SCALAR_EVENT)
        decorated = e->data.scalar.anchor || e->data.scalar.tag;
    else if (e->type == YAML_SEQUENCE_START_EVENT)
        decorated = e->data.sequence_start.anchor || e->data.sequence_start.tag;
    else if (e->type == YAML_MAPPING_START_EVENT)
        decorated = e->data.mapping_start.anchor || e->data.mapping_start.tag;
    if (decorated)
        return err_set(ERR_FORMAT, "%s: anchors, aliases and tags are not used in recipes", place(r, event_line(r)));
    return OK;
}

/* The present scalar's text, in scratch memory. */
static Err scalar_text(Recipe *r, const char **text)
{
    const char *value = (const char *)r->event.data.scalar.value;
    size_t n = r->event.data.scalar.length;
    if (memchr(value, '\0', n))
        return err_set(ERR_FORMAT, "%s: a NUL character inside a text", place(r, event_line(r)));
    *text = arena_strndup(r->scratch, value, n);
    return OK;
}

static bool is_null(const Recipe *r, const char *text)
{
    return r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!text[0] || !strcmp(text, "~") || !strcmp(text, "null"));
}

static Err read_list(Recipe *r, const Option *row)
{
    const char *where = place(r, event_line(r));
    const char *pieces[OPTION_LIST_MAX + 1];
    int n_pieces = 0;
    for (;;) {
        TRY(next_event(r));
        TRY(check_node(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (r->event.type != YAML_SCALAR_EVENT)
            return err_set(ERR_USAGE, "%s: %s: expected a list of values, found %s inside it", place(r, event_line(r)), row->name,
                           event_found(r));
        if (n_pieces == OPTION_LIST_MAX)
            return err_set(ERR_USAGE, "%s: %s: more than %d elements", where, row->name, OPTION_LIST_MAX);
        TRY(scalar_text(r, &pieces[n_pieces++]));
    }
    return option_set_pieces(row, r->object, r->arena, where, pieces, n_pieces);
}

/* Items: `- name` or `- name: {settings}`. */

enum { ITEM_SETTINGS_MAX = 64 };

static Err read_item_value(Recipe *r, const char **value)
{
    const char *text = "";
    if (r->event.type == YAML_SCALAR_EVENT)
        return scalar_text(r, value);
    for (int n = 0;; n++) {
        TRY(next_event(r));
        TRY(check_node(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (r->event.type != YAML_SCALAR_EVENT)
            return err_set(ERR_USAGE, "%s: expected a list of values, found %s inside it", place(r, event_line(r)), event_found(r));
        if (n == OPTION_LIST_MAX)
            return err_set(ERR_USAGE, "%s: more than %d elements", place(r, event_line(r)), OPTION_LIST_MAX);
        TRY(scalar_text(r, value));
        text = arena_printf(r->scratch, "%s%s%s", text, n ? "," : "", option_escape_piece(r->scratch, *value));
    }
    *value = text;
    return OK;
}

static Err read_item_settings(Recipe *r, OptionSetting *settings, int *n, const char *prefix, int depth)
{
    if (depth > GROUP_DEPTH_MAX)
        return err_set(ERR_FORMAT, "%s: groups nested deeper than %d", place(r, event_line(r)), GROUP_DEPTH_MAX);
    for (;;) {
        TRY(next_event(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return OK;
        TRY(check_node(r));
        const char *where = arena_strdup(r->arena, place(r, event_line(r))), *key, *value;
        if (r->event.type != YAML_SCALAR_EVENT)
            return err_set(ERR_FORMAT, "%s: expected the name of a setting, found %s", where, event_found(r));
        TRY(scalar_text(r, &key));
        key = arena_printf(r->arena, "%s%s", prefix, key);
        TRY(next_event(r));
        TRY(check_node(r));
        if (r->event.type == YAML_MAPPING_START_EVENT) {
            TRY(read_item_settings(r, settings, n, arena_printf(r->scratch, "%s.", key), depth + 1));
            continue;
        }
        if (r->event.type != YAML_SCALAR_EVENT && r->event.type != YAML_SEQUENCE_START_EVENT)
            return err_set(ERR_FORMAT, "%s: %s: expected a value, found %s", where, key, event_found(r));
        for (int i = 0; i < *n; i++)
            if (strcmp(settings[i].name, key) == 0)
                return err_set(ERR_USAGE, "%s: %s is set twice, first in %s", where, key, settings[i].where);
        if (*n == ITEM_SETTINGS_MAX)
            return err_set(ERR_USAGE, "%s: more than %d settings", where, ITEM_SETTINGS_MAX);
        TRY(read_item_value(r, &value));
        settings[(*n)++] = (OptionSetting){key, arena_strdup(r->arena, value), where};
    }
}

static Err read_item(Recipe *r, OptionItem *item)
{
    const char *text;
    item->where = arena_strdup(r->arena, place(r, event_line(r)));
    bool is_group = r->event.type == YAML_MAPPING_START_EVENT;
    if (is_group) {
        TRY(next_event(r));
        TRY(check_node(r));
    }
    if (r->event.type != YAML_SCALAR_EVENT)
        return err_set(ERR_USAGE, "%s: expected a name, found %s", item->where, event_found(r));
    TRY(scalar_text(r, &text));
    if (!text[0])
        return err_set(ERR_USAGE, "%s: an empty element", item->where);
    item->name = arena_strdup(r->arena, text);
    if (!is_group)
        return OK;
    OptionSetting *settings = ARENA_ARRAY(r->arena, OptionSetting, ITEM_SETTINGS_MAX);
    item->settings = settings;
    TRY(next_event(r));
    TRY(check_node(r));
    if (r->event.type == YAML_MAPPING_START_EVENT)
        TRY(read_item_settings(r, settings, &item->n, "", 0));
    else if (r->event.type != YAML_SCALAR_EVENT || scalar_text(r, &text) != OK || !is_null(r, text))
        return err_set(ERR_USAGE, "%s: %s: expected a group of settings, found %s", item->where, item->name, event_found(r));
    TRY(next_event(r));
    if (r->event.type != YAML_MAPPING_END_EVENT)
        return err_set(ERR_USAGE, "%s: %s: one name an element; a second belongs to its own \"- \"", item->where, item->name);
    return OK;
}

static Err read_items(Recipe *r, const Option *row)
{
    OptionItem *items = ARENA_ARRAY(r->arena, OptionItem, OPTION_ITEMS_MAX);
    int n = 0;
    for (;;) {
        TRY(next_event(r));
        TRY(check_node(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (n == OPTION_ITEMS_MAX)
            return err_set(ERR_USAGE, "%s: %s: more than %d elements", place(r, event_line(r)), row->name, OPTION_ITEMS_MAX);
        TRY(read_item(r, &items[n++]));
    }
    *(OptionItems *)(void *)((char *)r->object + row->offset) = (OptionItems){n, items};
    return OK;
}

static Err read_value(Recipe *r, const Option *row)
{
    const char *where = place(r, event_line(r)), *text;
    if (r->event.type == YAML_SEQUENCE_START_EVENT && option_is_list(row))
        return row->kind == OPTION_KIND_ITEMS ? read_items(r, row) : read_list(r, row);
    if (r->event.type != YAML_SCALAR_EVENT)
        return err_set(ERR_USAGE, "%s: %s: expected %s, found %s", where, row->name,
                       option_is_list(row) ? "a list" : "a single value", event_found(r));
    TRY(scalar_text(r, &text));
    if (is_null(r, text))
        return option_unset(row, r->object, where);
    if (option_is_list(row))
        return options_set(r->table, r->object, r->arena, where, row->name, text);
    return option_set_pieces(row, r->object, r->arena, where, &text, 1);
}

static Err read_version(Recipe *r)
{
    const char *text;
    if (r->event.type != YAML_SCALAR_EVENT)
        return err_set(ERR_USAGE, "%s: version: expected 1, found %s", place(r, event_line(r)), event_found(r));
    TRY(scalar_text(r, &text));
    if (strcmp(text, "1") != 0)
        return err_set(ERR_UNSUPPORTED, "%s: version: this program reads version 1, found \"%s\"", place(r, event_line(r)), text);
    return OK;
}

static Err mark_once(const Recipe *r, int *line_set, const char *name, int line)
{
    if (*line_set)
        return err_set(ERR_USAGE, "%s: %s is set twice, first in line %d", place(r, line), name, *line_set);
    *line_set = line;
    return OK;
}

static bool is_group(const Recipe *r, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < r->table->n_rows; i++)
        if (strncmp(r->table->rows[i].name, name, n) == 0 && r->table->rows[i].name[n] == '.')
            return true;
    return false;
}

static Err mark_group_once(Recipe *r, const char *name, int line)
{
    for (Group *group = r->groups; group; group = group->next)
        if (strcmp(group->name, name) == 0)
            return mark_once(r, &group->line, name, line);
    Group *group = ARENA_NEW(r->scratch, Group);
    *group = (Group){r->groups, name, line};
    r->groups = group;
    return OK;
}

static Err read_mapping(Recipe *r, const char *prefix, int depth);

/* The value of the key `name`, which stood in `line`; the present event is the value's first. */
static Err read_member(Recipe *r, const char *name, int line, int depth)
{
    TRY(check_node(r));
    if (strcmp(name, "version") == 0) {
        TRY(mark_once(r, &r->version_line, name, line));
        return read_version(r);
    }
    const Option *row = option_find(r->table, name);
    if (row) {
        TRY(mark_once(r, &r->line_set[row - r->table->rows], name, line));
        return read_value(r, row);
    }
    if (!is_group(r, name))
        return option_fail_unknown(r->table, place(r, line), name);
    TRY(mark_group_once(r, name, line));
    if (r->event.type == YAML_MAPPING_START_EVENT)
        return read_mapping(r, arena_printf(r->scratch, "%s.", name), depth + 1);
    const char *text = "?";
    if (r->event.type == YAML_SCALAR_EVENT)
        TRY(scalar_text(r, &text));
    if (r->event.type == YAML_SCALAR_EVENT && is_null(r, text))
        return OK;  /* a group whose members are all commented out */
    return err_set(ERR_USAGE, "%s: %s: expected a group of settings, found %s", place(r, line), name, event_found(r));
}

static Err read_mapping(Recipe *r, const char *prefix, int depth)
{
    if (depth > GROUP_DEPTH_MAX)
        return err_set(ERR_FORMAT, "%s: groups nested deeper than %d", place(r, event_line(r)), GROUP_DEPTH_MAX);
    for (;;) {
        TRY(next_event(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return OK;
        TRY(check_node(r));
        int line = event_line(r);
        if (r->event.type != YAML_SCALAR_EVENT)
            return err_set(ERR_FORMAT, "%s: expected the name of a setting, found %s", place(r, line), event_found(r));
        const char *key;
        TRY(scalar_text(r, &key));
        TRY(next_event(r));
        TRY(read_member(r, arena_printf(r->scratch, "%s%s", prefix, key), line, depth));
    }
}

static Err read_document(Recipe *r)
{
    TRY(next_event(r));  /* the stream's start */
    TRY(next_event(r));
    if (r->event.type != YAML_DOCUMENT_START_EVENT)
        return err_set(ERR_FORMAT, "%s:1: an empty recipe, expected \"version: 1\"", r->name);
    TRY(next_event(r));
    TRY(check_node(r));
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return err_set(ERR_FORMAT, "%s: expected \"name: value\" lines, found %s", place(r, event_line(r)), event_found(r));
    TRY(read_mapping(r, "", 0));
    TRY(next_event(r));  /* the document's end */
    TRY(next_event(r));
    if (r->event.type != YAML_STREAM_END_EVENT)
        return err_set(ERR_FORMAT, "%s: a second document, expected the end", place(r, event_line(r)));
    if (!r->version_line)
        return err_set(ERR_USAGE, "%s:1: \"version: 1\" is missing", r->name);
    return OK;
}

Err options_read_yaml_text(const OptionTable *table, void *object, Arena *arena, const char *name, const char *text, size_t n_bytes)
{
    Recipe r = {.table = table, .object = object, .arena = arena, .scratch = arena_new(), .name = name};
    if (!yaml_parser_initialize(&r.parser)) {
        arena_free(r.scratch);
        return err_set(ERR_MEMORY, "%s: no memory for the YAML reader", name);
    }
    r.line_set = ARENA_ARRAY(r.scratch, int, table->n_rows);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n_bytes);
    Err err = read_document(&r);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    arena_free(r.scratch);
    return err;
}

Err options_read_yaml(const OptionTable *table, void *object, Arena *arena, const char *path)
{
    Arena *file = arena_new();
    const char *text;
    size_t n_bytes;
    Err err = file_read(&text, &n_bytes, file, path);
    if (err == OK)
        err = options_read_yaml_text(table, object, arena, path, text, n_bytes);
    arena_free(file);
    return err;
}
