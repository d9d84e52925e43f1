/* jinja_operators.c - what operators do with values: items, slices, comparisons, arithmetic, as Python has them. */
#include "text/tokenizer/jinja_internal.h"
#include "text/unicode/utf8.h"

#include <math.h>
#include <string.h>

static int64_t code_points(Value string)
{
    return utf8_count(string.bytes, string.n_bytes);
}

static size_t byte_of(Value string, int64_t index)
{
    size_t at = 0;
    for (; index > 0 && at < string.n_bytes; index--) {
        uint32_t c;
        at += (size_t)utf8_decode(&c, string.bytes + at, string.bytes + string.n_bytes);
    }
    return at;
}

Err value_item(Run *run, Value value, Value index, Value *out)
{
    *out = (Value){.kind = VALUE_UNDEFINED};
    if (value.kind == VALUE_DICT) {
        for (size_t i = 0; i < value.dict->n; i++)
            if (value_equal(value.dict->keys[i], index))
                *out = value.dict->values[i];
        return OK;
    }
    if (value.kind == VALUE_UNDEFINED)
        return jinja_fail(run, ERR_FORMAT, "an item of a value that is not defined");
    if (index.kind == VALUE_STRING)
        return jinja_attribute(run, value, index.bytes, index.n_bytes, out);
    if (index.kind != VALUE_INT || (value.kind != VALUE_LIST && value.kind != VALUE_STRING))
        return OK;
    int64_t n = value.kind == VALUE_LIST ? (int64_t)value.list->n : code_points(value);
    int64_t i = index.number < 0 ? index.number + n : index.number;
    if (i < 0 || i >= n)
        return OK;
    *out = value.kind == VALUE_LIST ? value.list->items[i] : value_slice(value, byte_of(value, i), byte_of(value, i + 1));
    return OK;
}

/* Python's bounds of a slice. */
static int64_t bound(const Value *given, int64_t n, int64_t step, int64_t missing)
{
    if (given->kind != VALUE_INT)
        return missing;
    int64_t i = given->number < 0 ? given->number + n : given->number;
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    return i < low ? low : i > high ? high : i;
}

Err value_part(Run *run, Value value, const Value part[3], Value *out)
{
    if (value.kind != VALUE_LIST && value.kind != VALUE_STRING)
        return jinja_fail(run, ERR_FORMAT, "a slice of what is no list and no text");
    JinjaList items;
    TRY(value_iterate(run, value, &items));
    int64_t n = (int64_t)items.n, step = part[2].kind == VALUE_INT ? part[2].number : 1;
    if (step == 0)
        return jinja_fail(run, ERR_FORMAT, "a slice of step 0");
    int64_t begin = bound(&part[0], n, step, step > 0 ? 0 : n - 1), end = bound(&part[1], n, step, step > 0 ? n : -1);
    Value list = value_list(run, value.is_tuple);
    Builder text = {0};
    for (int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
        list_push(run, list.list, items.items[i]);
        if (value.kind == VALUE_STRING)
            TRY(builder_put(run, &text, items.items[i].bytes, items.items[i].data, items.items[i].n_bytes));
        if ((step > 0 && i > n - step) || (step < 0 && i < -step))
            break;
    }
    *out = value.kind == VALUE_STRING ? builder_value(run, &text) : list;
    return OK;
}

static Err contains(Run *run, Value container, Value value, bool *out)
{
    *out = false;
    if (container.kind == VALUE_STRING) {
        if (value.kind != VALUE_STRING)
            return jinja_fail(run, ERR_FORMAT, "in: a text can only hold a text");
        *out = value.n_bytes == 0 || memmem(container.bytes, container.n_bytes, value.bytes, value.n_bytes) != NULL;
        return OK;
    }
    JinjaList items;
    TRY(value_iterate(run, container, &items));
    for (size_t i = 0; i < items.n && !*out; i++)
        *out = value_equal(items.items[i], value);
    return OK;
}

Err value_compare(Run *run, const Node *node, Value a, Value b, Value *out)
{
    bool holds, comparable;
    if (strcmp(node->text, "==") == 0 || strcmp(node->text, "!=") == 0) {
        holds = value_equal(a, b) == (node->text[0] == '=');
    } else if (strcmp(node->text, "in") == 0 || strcmp(node->text, "not in") == 0) {
        TRY(contains(run, b, a, &holds));
        holds = holds == (node->text[0] == 'i');
    } else {
        int order = value_order(a, b, &comparable);
        if (!comparable)
            return jinja_fail(run, ERR_FORMAT, "%s between values that have no order", node->text);
        holds = node->text[0] == '<' ? order < (node->text[1] == '=') : order > -(node->text[1] == '=');
    }
    *out = value_bool(holds);
    return OK;
}

static Err concatenate(Run *run, Value a, Value b, Value *out)
{
    Builder text = {0};
    TRY(value_print(run, &text, a, false));
    TRY(value_print(run, &text, b, false));
    *out = builder_value(run, &text);
    return OK;
}

static Err add(Run *run, Value a, Value b, Value *out)
{
    if (a.kind == VALUE_STRING && b.kind == VALUE_STRING)
        return concatenate(run, a, b, out);
    if (a.kind == VALUE_LIST && b.kind == VALUE_LIST && a.is_tuple == b.is_tuple) {
        *out = value_list(run, a.is_tuple);
        for (size_t i = 0; i < a.list->n; i++)
            list_push(run, out->list, a.list->items[i]);
        for (size_t i = 0; i < b.list->n; i++)
            list_push(run, out->list, b.list->items[i]);
        return OK;
    }
    return jinja_fail(run, ERR_FORMAT, "+ between values that cannot be added");
}

/* Python's: // and % round towards minus infinity, / is always a float. */
Err value_arithmetic(Run *run, char operation, bool floors, Value a, Value b, Value *out)
{
    bool real = a.kind == VALUE_FLOAT || b.kind == VALUE_FLOAT || (operation == '/' && !floors);
    double x = value_number(a), y = value_number(b);
    if ((operation == '/' || operation == '%') && y == 0.0)
        return jinja_fail(run, ERR_FORMAT, "division by zero");
    if (real) {
        double quotient = operation == '/' || operation == '%' ? x / y : 0.0;
        *out = value_float(operation == '+' ? x + y : operation == '-' ? x - y : operation == '*' ? x * y
                           : operation == '/' ? (floors ? floor(quotient) : quotient) : x - floor(quotient) * y);
        return OK;
    }
    int64_t result = 0;
    bool overflows = operation == '+' ? __builtin_add_overflow(a.number, b.number, &result)
                     : operation == '-' ? __builtin_sub_overflow(a.number, b.number, &result)
                     : operation == '*' ? __builtin_mul_overflow(a.number, b.number, &result) : (a.number == INT64_MIN && b.number == -1);
    if (overflows)
        return jinja_fail(run, ERR_FORMAT, "a number beyond 64 bits");
    if (operation == '/' || operation == '%') {
        int64_t quotient = a.number / b.number, rest = a.number % b.number;
        bool below = rest != 0 && (rest < 0) != (b.number < 0);
        result = operation == '/' ? quotient - below : rest + (below ? b.number : 0);
    }
    *out = value_int(result);
    return OK;
}

static Err repeat(Run *run, Value value, int64_t times, Value *out)
{
    Builder text = {0};
    for (int64_t i = 0; i < times && value.n_bytes; i++)
        TRY(builder_put(run, &text, value.bytes, value.data, value.n_bytes));
    *out = builder_value(run, &text);
    return OK;
}

Err value_binary(Run *run, const Node *node, Value a, Value b, Value *out)
{
    char operation = node->text[0];
    if (operation == '~')
        return concatenate(run, a, b, out);
    if (value_is_number(a) && value_is_number(b))
        return value_arithmetic(run, operation, node->text[1] == '/', a, b, out);
    if (operation == '+')
        return add(run, a, b, out);
    if (operation == '*' && a.kind == VALUE_STRING && b.kind == VALUE_INT)
        return repeat(run, a, b.number, out);
    return jinja_fail(run, ERR_FORMAT, "%s between values that are no numbers", node->text);
}
