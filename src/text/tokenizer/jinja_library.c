/* jinja_library.c - the filters, tests, functions and methods that chat templates use. */
#include "text/tokenizer/jinja_internal.h"
#include "text/tokenizer/jinja_text.h"
#include "text/unicode/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static Value pairs_of(Run *run, const JinjaDict *dict)
{
    Value list = value_list(run, false);
    for (size_t i = 0; i < dict->n; i++) {
        Value pair = value_list(run, true);
        list_push(run, pair.list, dict->keys[i]);
        list_push(run, pair.list, dict->values[i]);
        list_push(run, list.list, pair);
    }
    return list;
}

static Err text_method(Run *run, Value self, const char *name, const Arguments *arguments, Value *out, bool *known)
{
    *known = true;
    if (strcmp(name, "strip") == 0 || strcmp(name, "lstrip") == 0 || strcmp(name, "rstrip") == 0) {
        *out = jinja_strip(self, argument(arguments, 0, "chars"), name[0] != 'r', name[0] != 'l');
        return OK;
    }
    if (strcmp(name, "upper") == 0 || strcmp(name, "lower") == 0 || strcmp(name, "title") == 0 || strcmp(name, "capitalize") == 0) {
        *out = jinja_change_case(run, self, name[0] == 'u' ? CASE_UPPER : name[0] == 'l' ? CASE_LOWER : name[0] == 't' ? CASE_TITLE : CASE_CAPITALIZE);
        return OK;
    }
    if (strcmp(name, "split") == 0 || strcmp(name, "rsplit") == 0)
        return jinja_split(run, self, arguments, name[0] == 'r', out);
    if (strcmp(name, "startswith") == 0 || strcmp(name, "endswith") == 0)
        return jinja_starts_or_ends(run, self, arguments, name[0] == 's', out);
    if (strcmp(name, "replace") == 0)
        return jinja_replace(run, self, arguments, out);
    if (strcmp(name, "join") == 0 && arguments->n == 1)
        return jinja_join(run, arguments->items[0], &self, out);
    if (strcmp(name, "find") == 0 && arguments->n == 1 && arguments->items[0].kind == VALUE_STRING) {
        const char *hit = memmem(self.bytes, self.n_bytes, arguments->items[0].bytes, arguments->items[0].n_bytes);
        *out = value_int(hit ? utf8_count(self.bytes, (size_t)(hit - self.bytes)) : -1);
        return OK;
    }
    *known = false;
    return OK;
}

static Err dict_method(Run *run, Value self, const char *name, const Arguments *arguments, Value *out, bool *known)
{
    *known = true;
    if (strcmp(name, "items") == 0) {
        *out = pairs_of(run, self.dict);
        return OK;
    }
    if (strcmp(name, "keys") == 0 || strcmp(name, "values") == 0) {
        *out = value_list(run, false);
        for (size_t i = 0; i < self.dict->n; i++)
            list_push(run, out->list, name[0] == 'k' ? self.dict->keys[i] : self.dict->values[i]);
        return OK;
    }
    if (strcmp(name, "get") == 0 && arguments->n) {
        *out = arguments->n > 1 ? arguments->items[1] : (Value){.kind = VALUE_NONE};
        for (size_t i = 0; i < self.dict->n; i++)
            if (value_equal(self.dict->keys[i], arguments->items[0]))
                *out = self.dict->values[i];
        return OK;
    }
    *known = false;
    return OK;
}

static Err list_method(Run *run, Value self, const char *name, const Arguments *arguments, Value *out, bool *known)
{
    *known = true;
    *out = (Value){.kind = VALUE_NONE};
    if (strcmp(name, "append") == 0 && arguments->n == 1) {
        list_push(run, self.list, arguments->items[0]);
        return OK;
    }
    if (strcmp(name, "pop") == 0 && arguments->n == 0 && self.list->n) {
        *out = self.list->items[--self.list->n];
        return OK;
    }
    *known = false;
    return OK;
}

Err jinja_method(Run *run, Value self, const char *name, const Arguments *arguments, Value *out)
{
    bool known = false;
    if (self.kind == VALUE_STRING)
        TRY(text_method(run, self, name, arguments, out, &known));
    else if (self.kind == VALUE_DICT)
        TRY(dict_method(run, self, name, arguments, out, &known));
    else if (self.kind == VALUE_LIST)
        TRY(list_method(run, self, name, arguments, out, &known));
    return known ? OK : jinja_fail(run, ERR_UNSUPPORTED, "method \"%.40s\" is not known", name);
}

/* A member of a dict; else a method, which is looked at when it is called. */
Err jinja_attribute(Run *run, Value value, const char *name, size_t n, Value *out)
{
    *out = (Value){.kind = VALUE_UNDEFINED};
    const Value *member = value.kind == VALUE_DICT ? dict_find(value.dict, name, n) : NULL;
    if (value.kind == VALUE_UNDEFINED)
        return jinja_fail(run, ERR_FORMAT, "\"%.*s\" of a value that is not defined", (int)n, name);
    if (member) {
        *out = *member;
        return OK;
    }
    static const char *const of_dict[] = {"items", "keys", "values", "get", NULL}, *const of_list[] = {"append", "pop", NULL},
                     *const of_text[] = {"strip", "lstrip", "rstrip", "upper", "lower", "title", "capitalize", "split", "rsplit", "startswith", "endswith",
                                         "replace", "join", "find", NULL};
    const char *const *names = value.kind == VALUE_DICT ? of_dict : value.kind == VALUE_LIST ? of_list : value.kind == VALUE_STRING ? of_text : NULL;
    for (; names && *names; names++)
        if (strlen(*names) == n && memcmp(*names, name, n) == 0) {
            Value *self = ARENA_ARRAY(run->arena, Value, 1);
            *self = value;
            *out = (Value){.kind = VALUE_METHOD, .bytes = *names, .self = self};
        }
    return OK;
}

static Err size_of(Run *run, Value value, int64_t *n)
{
    if (value.kind == VALUE_STRING)
        *n = utf8_count(value.bytes, value.n_bytes);
    else if (value.kind == VALUE_LIST)
        *n = (int64_t)value.list->n;
    else if (value.kind == VALUE_DICT)
        *n = (int64_t)value.dict->n;
    else if (value.kind == VALUE_UNDEFINED)
        *n = 0;
    else
        return jinja_fail(run, ERR_FORMAT, "the length of a value that has none");
    return OK;
}

/* "a.b" of an item. */
static Err path_of(Run *run, Value item, Value path, Value *out)
{
    for (size_t at = 0; at <= path.n_bytes;) {
        const char *dot = memchr(path.bytes + at, '.', path.n_bytes - at);
        size_t end = dot ? (size_t)(dot - path.bytes) : path.n_bytes;
        TRY(jinja_attribute(run, item, path.bytes + at, end - at, &item));
        at = end + 1;
    }
    *out = item;
    return OK;
}

/* map(attribute=...), map("filter"), select("test", ...), selectattr("name", "test", ...) and their opposites. */
static Err map_or_select(Run *run, const char *name, Value value, const Arguments *arguments, Value *out)
{
    bool maps = strcmp(name, "map") == 0, by_attribute = strcmp(name, "selectattr") == 0 || strcmp(name, "rejectattr") == 0;
    const Value *attribute = maps ? argument(arguments, SIZE_MAX, "attribute") : NULL, *missing = argument(arguments, SIZE_MAX, "default");
    size_t first = by_attribute;
    JinjaList items;
    TRY(value_iterate(run, value, &items));
    *out = value_list(run, false);
    size_t n_names = arguments->n < first + 1 ? arguments->n : first + 1;
    bool named = n_names > 0 || !(by_attribute || (maps && !attribute));
    for (size_t i = 0; i < n_names; i++)
        named &= arguments->items[i].kind == VALUE_STRING;
    if (!named || (attribute && attribute->kind != VALUE_STRING))
        return jinja_fail(run, ERR_FORMAT, "%s needs the name of an attribute, a filter or a test", name);
    Arguments rest = {.items = arguments->items + (arguments->n > first ? first + 1 : arguments->n), .n = arguments->n > first ? arguments->n - first - 1 : 0};
    for (size_t i = 0; i < items.n; i++) {
        Value item = items.items[i], seen = item;
        if (attribute || by_attribute)
            TRY(path_of(run, item, attribute ? *attribute : arguments->items[0], &seen));
        if (maps) {
            if (attribute && seen.kind == VALUE_UNDEFINED && missing)
                seen = *missing;
            if (!attribute)
                TRY(jinja_filter(run, arena_strndup(run->arena, arguments->items[0].bytes, arguments->items[0].n_bytes), item, &rest, &seen));
            list_push(run, out->list, seen);
            continue;
        }
        bool holds = value_truth(seen);
        if (arguments->n > first)
            TRY(jinja_test(run, arena_strndup(run->arena, arguments->items[first].bytes, arguments->items[first].n_bytes), seen, &rest, &holds));
        if (holds == (name[0] == 's'))
            list_push(run, out->list, item);
    }
    return OK;
}

static Err to_json(Run *run, Value value, const Arguments *arguments, Value *out)
{
    const Value *indent = argument(arguments, SIZE_MAX, "indent");
    Builder text = {0};
    if (argument(arguments, SIZE_MAX, "sort_keys") && value_truth(*argument(arguments, SIZE_MAX, "sort_keys")))
        return jinja_fail(run, ERR_UNSUPPORTED, "tojson with sort_keys");
    if (!indent && arguments->n)
        indent = &arguments->items[arguments->n > 1 ? 1 : 0];
    TRY(value_json(run, &text, value, indent && indent->kind == VALUE_INT ? (int)(indent->number < 0 ? 0 : indent->number > 32 ? 32 : indent->number) : -1, 0));
    *out = builder_value(run, &text);
    return OK;
}

static Err first_or_last(Run *run, Value value, bool last, Value *out)
{
    JinjaList items;
    TRY(value_iterate(run, value, &items));
    *out = items.n ? items.items[last ? items.n - 1 : 0] : (Value){.kind = VALUE_UNDEFINED};
    return OK;
}

/* A copy, reversed or each item once. */
static Err list_filter(Run *run, const char *name, Value value, Value *out)
{
    JinjaList items;
    TRY(value_iterate(run, value, &items));
    *out = value_list(run, false);
    for (size_t i = 0; i < items.n; i++) {
        Value item = items.items[name[0] == 'r' ? items.n - 1 - i : i];
        bool seen = false;
        for (size_t k = 0; k < out->list->n && name[0] == 'u' && !seen; k++)
            seen = value_equal(out->list->items[k], item);
        if (!seen)
            list_push(run, out->list, item);
    }
    return OK;
}

static Err indent_text(Run *run, Value text, const Arguments *arguments, Value *out)
{
    const Value *width = argument(arguments, 0, "width"), *first = argument(arguments, 1, "first");
    int64_t n = width && width->kind == VALUE_INT ? width->number : 4;
    Builder builder = {0};
    bool at_start = first && value_truth(*first);
    for (size_t i = 0; i < text.n_bytes; i++) {
        for (int64_t k = 0; at_start && text.bytes[i] != '\n' && k < n; k++)
            TRY(builder_put_text(run, &builder, " "));
        TRY(builder_put(run, &builder, &text.bytes[i], &text.data[i], 1));
        at_start = text.bytes[i] == '\n';
    }
    *out = builder_value(run, &builder);
    return OK;
}

static int by_key(const void *a, const void *b)
{
    bool comparable;
    return value_order(((const Value *)a)->list->items[0], ((const Value *)b)->list->items[0], &comparable);
}

static Err number_filter(Run *run, const char *name, Value value, Value *out)
{
    char text[64] = "";
    if (value.kind == VALUE_STRING)
        memcpy(text, value.bytes, value.n_bytes < sizeof text ? value.n_bytes : sizeof text - 1);
    double number = value.kind == VALUE_STRING ? strtod(text, NULL) : value_is_number(value) ? value_number(value) : 0.0;
    if (strcmp(name, "float") == 0)
        *out = value_float(number);
    else if (strcmp(name, "abs") == 0 && value.kind == VALUE_FLOAT)
        *out = value_float(fabs(number));
    else if (!(fabs(number) < 9e18))
        return jinja_fail(run, ERR_FORMAT, "a number beyond 64 bits");
    else
        *out = value_int(strcmp(name, "abs") == 0 ? (int64_t)fabs(number) : (int64_t)number);
    return OK;
}

static Err text_filter(Run *run, const char *name, Value value, const Arguments *arguments, Value *out, bool *known)
{
    static const char *const names[] = {"trim", "upper", "lower", "title", "capitalize", "replace", "indent", "string", "safe", NULL};
    *known = false;
    for (int i = 0; names[i] && !*known; i++)
        *known = strcmp(names[i], name) == 0;
    if (!*known)
        return OK;
    if (value.kind != VALUE_STRING) {
        Builder text = {0};
        TRY(value_print(run, &text, value, false));
        value = builder_value(run, &text);
    }
    *out = value;
    if (strcmp(name, "trim") == 0)
        *out = jinja_strip(value, argument(arguments, 0, "chars"), true, true);
    else if (strcmp(name, "replace") == 0)
        return jinja_replace(run, value, arguments, out);
    else if (strcmp(name, "indent") == 0)
        return indent_text(run, value, arguments, out);
    else if (strcmp(name, "string") != 0 && strcmp(name, "safe") != 0)
        *out = jinja_change_case(run, value, name[0] == 'u' ? CASE_UPPER : name[0] == 'l' ? CASE_LOWER : name[0] == 't' ? CASE_TITLE : CASE_CAPITALIZE);
    return OK;
}

Err jinja_filter(Run *run, const char *name, Value value, const Arguments *arguments, Value *out)
{
    bool known;
    int64_t n = 0;
    TRY(text_filter(run, name, value, arguments, out, &known));
    if (known)
        return OK;
    if (strcmp(name, "tojson") == 0)
        return to_json(run, value, arguments, out);
    if (strcmp(name, "length") == 0 || strcmp(name, "count") == 0) {
        TRY(size_of(run, value, &n));
        *out = value_int(n);
        return OK;
    }
    if (strcmp(name, "default") == 0 || strcmp(name, "d") == 0) {
        const Value *other = argument(arguments, 0, "default_value"), *also_false = argument(arguments, 1, "boolean");
        bool missing = value.kind == VALUE_UNDEFINED || (also_false && value_truth(*also_false) && !value_truth(value));
        *out = !missing ? value : other ? *other : value_string(run, "");
        return OK;
    }
    if (strcmp(name, "join") == 0)
        return jinja_join(run, value, argument(arguments, 0, "d"), out);
    if (strcmp(name, "first") == 0 || strcmp(name, "last") == 0)
        return first_or_last(run, value, name[0] == 'l', out);
    if (strcmp(name, "list") == 0 || strcmp(name, "unique") == 0 || (strcmp(name, "reverse") == 0 && value.kind != VALUE_STRING))
        return list_filter(run, name, value, out);
    if (strcmp(name, "int") == 0 || strcmp(name, "float") == 0 || strcmp(name, "abs") == 0)
        return number_filter(run, name, value, out);
    if ((strcmp(name, "items") == 0 || strcmp(name, "dictsort") == 0) && value.kind == VALUE_DICT) {
        *out = pairs_of(run, value.dict);
        if (name[0] == 'd' && out->list->n)
            qsort(out->list->items, out->list->n, sizeof *out->list->items, by_key);
        return OK;
    }
    if (strcmp(name, "map") == 0 || strcmp(name, "select") == 0 || strcmp(name, "reject") == 0 || strcmp(name, "selectattr") == 0 || strcmp(name, "rejectattr") == 0)
        return map_or_select(run, name, value, arguments, out);
    return jinja_fail(run, ERR_UNSUPPORTED, "filter \"%.40s\" is not known", name);
}

Err jinja_test(Run *run, const char *name, Value value, const Arguments *arguments, bool *out)
{
    static const struct {
        const char *name;
        unsigned kinds;  /* bits of JinjaKind */
    } kinds[] = {
        {"defined", ~(1u << VALUE_UNDEFINED)}, {"undefined", 1u << VALUE_UNDEFINED}, {"none", 1u << VALUE_NONE}, {"boolean", 1u << VALUE_BOOL},
        {"integer", 1u << VALUE_INT}, {"float", 1u << VALUE_FLOAT}, {"number", 1u << VALUE_INT | 1u << VALUE_FLOAT | 1u << VALUE_BOOL},
        {"string", 1u << VALUE_STRING}, {"mapping", 1u << VALUE_DICT}, {"sequence", 1u << VALUE_STRING | 1u << VALUE_LIST | 1u << VALUE_DICT},
        {"iterable", 1u << VALUE_STRING | 1u << VALUE_LIST | 1u << VALUE_DICT | 1u << VALUE_UNDEFINED}, {"callable", 1u << VALUE_MACRO | 1u << VALUE_METHOD},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *out = kinds[i].kinds >> value.kind & 1;
            return OK;
        }
    const Value *other = argument(arguments, 0, "other");
    bool comparable = true;
    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0)
        *out = value.kind == VALUE_BOOL && value.number == (name[0] == 't');
    else if (strcmp(name, "odd") == 0 || strcmp(name, "even") == 0)
        *out = value_is_number(value) && ((value.number & 1) != 0) == (name[0] == 'o');
    else if (!other)
        return jinja_fail(run, ERR_UNSUPPORTED, "test \"%.40s\" is not known", name);
    else if (strcmp(name, "equalto") == 0 || strcmp(name, "eq") == 0 || strcmp(name, "==") == 0 || strcmp(name, "sameas") == 0)
        *out = value_equal(value, *other);
    else if (strcmp(name, "ne") == 0 || strcmp(name, "!=") == 0)
        *out = !value_equal(value, *other);
    else if (strcmp(name, "gt") == 0 || strcmp(name, "lt") == 0)
        *out = (name[0] == 'g' ? value_order(value, *other, &comparable) > 0 : value_order(value, *other, &comparable) < 0) && comparable;
    else if (strcmp(name, "divisibleby") == 0)
        *out = value.kind == VALUE_INT && other->kind == VALUE_INT && other->number && value.number % other->number == 0;
    else if (strcmp(name, "in") == 0) {
        JinjaList items;
        *out = other->kind == VALUE_STRING && value.kind == VALUE_STRING && memmem(other->bytes, other->n_bytes, value.bytes, value.n_bytes);
        if (other->kind == VALUE_STRING)
            return OK;
        TRY(value_iterate(run, *other, &items));
        for (size_t i = 0; i < items.n && !*out; i++)
            *out = value_equal(items.items[i], value);
    } else
        return jinja_fail(run, ERR_UNSUPPORTED, "test \"%.40s\" is not known", name);
    return OK;
}

static Err range(Run *run, const Arguments *arguments, Value *out)
{
    enum { RANGE_MAX = 100000 };
    int64_t part[3] = {0, 0, 1};
    for (size_t i = 0; i < arguments->n && i < 3; i++)
        part[arguments->n == 1 ? 1 : i] = arguments->items[i].kind == VALUE_INT ? arguments->items[i].number : 0;
    if (part[2] == 0)
        return jinja_fail(run, ERR_FORMAT, "range of step 0");
    *out = value_list(run, false);
    for (int64_t i = part[0]; part[2] > 0 ? i < part[1] : i > part[1]; i += part[2]) {
        if (out->list->n == RANGE_MAX || i > INT32_MAX || i < -(int64_t)INT32_MAX || part[2] > INT32_MAX || part[2] < -(int64_t)INT32_MAX)
            return jinja_fail(run, ERR_MEMORY, "range of more than %d numbers", RANGE_MAX);
        list_push(run, out->list, value_int(i));
    }
    return OK;
}

Err jinja_function(Run *run, const char *name, const Arguments *arguments, Value *out)
{
    *out = (Value){.kind = VALUE_NONE};
    if (strcmp(name, "raise_exception") == 0) {
        bool text = arguments->n && arguments->items[0].kind == VALUE_STRING;
        return jinja_fail(run, ERR_FORMAT, "the template refuses: %.*s", text ? (int)(arguments->items[0].n_bytes < 200 ? arguments->items[0].n_bytes : 200) : 0,
                          text ? arguments->items[0].bytes : "");
    }
    if (strcmp(name, "range") == 0)
        return range(run, arguments, out);
    if (strcmp(name, "namespace") == 0 || strcmp(name, "dict") == 0) {
        *out = value_dict(run);
        out->dict->is_namespace = name[0] == 'n';
        for (size_t i = 0; i < arguments->n_named; i++)
            dict_put(run, out->dict, value_string(run, arena_strndup(run->arena, arguments->names[i], arguments->n_name_bytes[i])), arguments->named[i]);
        return OK;
    }
    if (strcmp(name, "strftime_now") == 0 && arguments->n == 1 && arguments->items[0].kind == VALUE_STRING) {
        char text[128];
        struct tm when;
        time_t now = (time_t)run->now;
        const char *format = arena_strndup(run->arena, arguments->items[0].bytes, arguments->items[0].n_bytes);
        size_t n = localtime_r(&now, &when) ? strftime(text, sizeof text, format, &when) : 0;
        text[n] = '\0';
        *out = value_string(run, text);
        return OK;
    }
    return jinja_fail(run, ERR_UNSUPPORTED, "function \"%.40s\" is not known", name);
}
