/* jinja_render.c - walks the nodes of a template: expressions into values, statements into text. */
#include "text/tokenizer/jinja_internal.h"
#include "text/unicode/utf8.h"

#include <math.h>
#include <string.h>
#include <time.h>

static Err evaluate(Run *run, const Node *node, Value *out);
static Err execute(Run *run, const Node *node, Builder *out);

static Err count_step(Run *run, const Node *node)
{
    run->line = node->line;
    if (++run->steps > JINJA_STEPS_MAX)
        return jinja_fail(run, ERR_MEMORY, "more than %d steps", JINJA_STEPS_MAX);
    return run->depth > 150 ? jinja_fail(run, ERR_FORMAT, "nested too deeply") : OK;
}

static void define(Run *run, Scope *scope, const char *name, size_t n, Value value)
{
    for (size_t i = 0; i < scope->n; i++)
        if (scope->n_names[i] == n && memcmp(scope->names[i], name, n) == 0) {
            scope->values[i] = value;
            return;
        }
    if (scope->n == scope->capacity) {
        size_t capacity = scope->capacity ? scope->capacity * 2 : 8;
        const char **names = ARENA_ARRAY(run->arena, const char *, capacity);
        size_t *n_names = ARENA_ARRAY(run->arena, size_t, capacity);
        Value *values = ARENA_ARRAY(run->arena, Value, capacity);
        if (scope->n) {
            memcpy(names, scope->names, scope->n * sizeof *names);
            memcpy(n_names, scope->n_names, scope->n * sizeof *n_names);
            memcpy(values, scope->values, scope->n * sizeof *values);
        }
        scope->names = names;
        scope->n_names = n_names;
        scope->values = values;
        scope->capacity = capacity;
    }
    scope->names[scope->n] = name;
    scope->n_names[scope->n] = n;
    scope->values[scope->n++] = value;
}

static const Value *find(const Scope *scope, const char *name, size_t n)
{
    for (; scope; scope = scope->parent)
        for (size_t i = 0; i < scope->n; i++)
            if (scope->n_names[i] == n && memcmp(scope->names[i], name, n) == 0)
                return &scope->values[i];
    return NULL;
}

static Scope *new_scope(Run *run, Scope *parent)
{
    Scope *scope = ARENA_ARRAY(run->arena, Scope, 1);
    *scope = (Scope){.parent = parent};
    return scope;
}

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

static Err item_of(Run *run, Value value, Value index, Value *out)
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

static Err slice_of(Run *run, Value value, const Value part[3], Value *out)
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

static Err compare(Run *run, const Node *node, Value a, Value b, Value *out)
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
static Err arithmetic(Run *run, char operation, bool floors, Value a, Value b, Value *out)
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

static Err binary(Run *run, const Node *node, Value a, Value b, Value *out)
{
    char operation = node->text[0];
    if (operation == '~')
        return concatenate(run, a, b, out);
    if (value_is_number(a) && value_is_number(b))
        return arithmetic(run, operation, node->text[1] == '/', a, b, out);
    if (operation == '+')
        return add(run, a, b, out);
    if (operation == '*' && a.kind == VALUE_STRING && b.kind == VALUE_INT)
        return repeat(run, a, b.number, out);
    return jinja_fail(run, ERR_FORMAT, "%s between values that are no numbers", node->text);
}

static Err read_arguments(Run *run, const Node *node, Arguments *arguments)
{
    *arguments = (Arguments){
        .items = ARENA_ARRAY(run->arena, Value, node->n + 1),
        .names = ARENA_ARRAY(run->arena, const char *, node->n + 1),
        .n_name_bytes = ARENA_ARRAY(run->arena, size_t, node->n + 1),
        .named = ARENA_ARRAY(run->arena, Value, node->n + 1),
    };
    for (size_t i = 0; i < node->n; i++) {
        const Node *given = node->list[i];
        if (given->kind != NODE_KEYWORD) {
            TRY(evaluate(run, given, &arguments->items[arguments->n++]));
            continue;
        }
        arguments->names[arguments->n_named] = given->text;
        arguments->n_name_bytes[arguments->n_named] = given->n_text;
        TRY(evaluate(run, given->a, &arguments->named[arguments->n_named++]));
    }
    return OK;
}

const Value *argument(const Arguments *arguments, size_t place, const char *name)
{
    for (size_t i = 0; i < arguments->n_named; i++)
        if (strlen(name) == arguments->n_name_bytes[i] && memcmp(arguments->names[i], name, arguments->n_name_bytes[i]) == 0)
            return &arguments->named[i];
    return place < arguments->n ? &arguments->items[place] : NULL;
}

static Err call_macro(Run *run, const Node *macro, const Arguments *arguments, Value *out)
{
    Scope *outer = run->scope, *scope = new_scope(run, run->globals);
    Builder text = {0};
    for (size_t i = 0; i < macro->n; i++) {
        const Node *parameter = macro->list[i];
        const Value *given = argument(arguments, i, arena_strndup(run->arena, parameter->text, parameter->n_text));
        Value value = {.kind = VALUE_UNDEFINED};
        if (given)
            value = *given;
        else if (parameter->a)
            TRY(evaluate(run, parameter->a, &value));
        define(run, scope, parameter->text, parameter->n_text, value);
    }
    run->scope = scope;
    run->depth++;
    Err err = execute(run, macro->a, &text);
    run->depth--;
    run->scope = outer;
    *out = builder_value(run, &text);
    return err;
}

static Err call(Run *run, const Node *node, Value *out)
{
    Arguments arguments;
    TRY(read_arguments(run, node, &arguments));
    const Node *callee = node->a;
    const Value *named = callee->kind == NODE_NAME ? find(run->scope, callee->text, callee->n_text) : NULL;
    if (callee->kind == NODE_NAME && !named)
        return jinja_function(run, arena_strndup(run->arena, callee->text, callee->n_text), &arguments, out);
    Value function;
    TRY(evaluate(run, callee, &function));
    run->line = node->line;
    if (function.kind == VALUE_MACRO)
        return call_macro(run, function.macro, &arguments, out);
    if (function.kind == VALUE_METHOD)
        return jinja_method(run, *function.self, function.bytes, &arguments, out);
    return jinja_fail(run, ERR_FORMAT, "a value that is no function is called");
}

static Err dict_of(Run *run, const Node *node, Value *out)
{
    *out = value_dict(run);
    for (size_t i = 0; i + 1 < node->n; i += 2) {
        Value key, value;
        TRY(evaluate(run, node->list[i], &key));
        TRY(evaluate(run, node->list[i + 1], &value));
        dict_put(run, out->dict, key, value);
    }
    return OK;
}

static Err list_of(Run *run, const Node *node, Value *out)
{
    *out = value_list(run, node->number == 1);
    for (size_t i = 0; i < node->n; i++) {
        Value item;
        TRY(evaluate(run, node->list[i], &item));
        list_push(run, out->list, item);
    }
    return OK;
}

static Err filter_or_test(Run *run, const Node *node, Value *out)
{
    Value value;
    Arguments arguments;
    bool holds;
    TRY(evaluate(run, node->a, &value));
    TRY(read_arguments(run, node, &arguments));
    run->line = node->line;
    const char *name = arena_strndup(run->arena, node->text, node->n_text);
    if (node->kind == NODE_FILTER)
        return jinja_filter(run, name, value, &arguments, out);
    TRY(jinja_test(run, name, value, &arguments, &holds));
    *out = value_bool(holds != (node->number == 1));
    return OK;
}

static Err evaluate_slice(Run *run, const Node *node, Value *out)
{
    const Node *parts[] = {node->b, node->c, node->d};
    Value value, bounds[3] = {{.kind = VALUE_NONE}, {.kind = VALUE_NONE}, {.kind = VALUE_NONE}};
    TRY(evaluate(run, node->a, &value));
    for (int i = 0; i < 3; i++)
        if (parts[i])
            TRY(evaluate(run, parts[i], &bounds[i]));
    return slice_of(run, value, bounds, out);
}

static Err evaluate_two(Run *run, const Node *node, Value *out)
{
    Value a, b;
    TRY(evaluate(run, node->a, &a));
    if (node->kind == NODE_AND || node->kind == NODE_OR) {
        *out = a;
        return value_truth(a) == (node->kind == NODE_AND) ? evaluate(run, node->b, out) : OK;
    }
    TRY(evaluate(run, node->b, &b));
    run->line = node->line;
    return node->kind == NODE_ITEM ? item_of(run, a, b, out) : node->kind == NODE_COMPARE ? compare(run, node, a, b, out) : binary(run, node, a, b, out);
}

/* `loop`, made when a template asks for it. */
static Value loop_of(Run *run, const JinjaList *items, size_t i)
{
    Value loop = value_dict(run);
    Value undefined = {.kind = VALUE_UNDEFINED};
    const struct {
        const char *name;
        Value value;
    } parts[] = {
        {"index", value_int((int64_t)i + 1)}, {"index0", value_int((int64_t)i)}, {"first", value_bool(i == 0)}, {"last", value_bool(i + 1 == items->n)},
        {"length", value_int((int64_t)items->n)}, {"revindex", value_int((int64_t)(items->n - i))}, {"revindex0", value_int((int64_t)(items->n - i) - 1)},
        {"previtem", i ? items->items[i - 1] : undefined}, {"nextitem", i + 1 < items->n ? items->items[i + 1] : undefined},
    };
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
        dict_put(run, loop.dict, value_string(run, parts[k].name), parts[k].value);
    run->steps += 100;
    return loop;
}

/* A variable; false when there is none. */
static bool look_up(Run *run, const Node *node, Value *out)
{
    const Value *found = find(run->scope, node->text, node->n_text);
    if (found)
        *out = *found;
    else if (node->n_text == 4 && memcmp(node->text, "loop", 4) == 0)
        for (const Scope *scope = run->scope; scope && !found; scope = scope->parent)
            if (scope->items) {
                *out = loop_of(run, scope->items, scope->at);
                return true;
            }
    return found != NULL;
}

static Err evaluate_node(Run *run, const Node *node, Value *out)
{
    Value a;
    *out = (Value){.kind = VALUE_UNDEFINED};
    switch (node->kind) {
    case NODE_STRING: {
        Builder text = {0};
        TRY(builder_put(run, &text, node->text, NULL, node->n_text));
        *out = builder_value(run, &text);
        return OK;
    }
    case NODE_INT: *out = value_int(node->number); return OK;
    case NODE_FLOAT: *out = value_float(node->real); return OK;
    case NODE_TRUE:
    case NODE_FALSE: *out = value_bool(node->kind == NODE_TRUE); return OK;
    case NODE_NONE: out->kind = VALUE_NONE; return OK;
    case NODE_NAME:
        look_up(run, node, out);
        return OK;
    case NODE_LIST: return list_of(run, node, out);
    case NODE_DICT: return dict_of(run, node, out);
    case NODE_ATTRIBUTE:
        TRY(evaluate(run, node->a, &a));
        run->line = node->line;
        return jinja_attribute(run, a, node->text, node->n_text, out);
    case NODE_SLICE: return evaluate_slice(run, node, out);
    case NODE_CALL: return call(run, node, out);
    case NODE_FILTER:
    case NODE_TEST: return filter_or_test(run, node, out);
    case NODE_TERNARY:
        TRY(evaluate(run, node->a, &a));
        if (value_truth(a))
            return evaluate(run, node->b, out);
        return node->c ? evaluate(run, node->c, out) : OK;
    case NODE_NOT:
        TRY(evaluate(run, node->a, &a));
        *out = value_bool(!value_truth(a));
        return OK;
    case NODE_NEGATE:
        TRY(evaluate(run, node->a, &a));
        if (!value_is_number(a))
            return jinja_fail(run, ERR_FORMAT, "- before what is no number");
        return arithmetic(run, '-', false, value_int(0), a, out);
    default: return evaluate_two(run, node, out);
    }
}

static Err evaluate(Run *run, const Node *node, Value *out)
{
    TRY(count_step(run, node));
    run->depth++;
    Err err = evaluate_node(run, node, out);
    run->depth--;
    return err;
}

static Err assign(Run *run, const Node *target, Value value)
{
    if (target->kind == NODE_NAME) {
        define(run, run->scope, target->text, target->n_text, value);
        return OK;
    }
    const Value *space = find(run->scope, target->a->text, target->a->n_text);
    if (!space || space->kind != VALUE_DICT || !space->dict->is_namespace)
        return jinja_fail(run, ERR_FORMAT, "an attribute can be set on a namespace only");
    dict_put(run, space->dict, value_string(run, arena_strndup(run->arena, target->text, target->n_text)), value);
    return OK;
}

static Err assign_all(Run *run, const Node *node, Value value)
{
    if (node->n == 1)
        return assign(run, node->list[0], value);
    JinjaList items;
    TRY(value_iterate(run, value, &items));
    if (items.n != node->n)
        return jinja_fail(run, ERR_FORMAT, "%zu values for %zu names", items.n, node->n);
    for (size_t i = 0; i < node->n; i++)
        TRY(assign(run, node->list[i], items.items[i]));
    return OK;
}

/* Items that the loop's own condition keeps. */
static Err filter_items(Run *run, const Node *node, JinjaList all, JinjaList *kept)
{
    Scope *outer = run->scope, *scope = new_scope(run, outer);
    *kept = (JinjaList){0};
    for (size_t i = 0; i < all.n; i++) {
        Value holds;
        run->scope = scope;
        Err err = assign_all(run, node, all.items[i]);
        if (err == OK)
            err = evaluate(run, node->b, &holds);
        run->scope = outer;
        TRY(err);
        if (value_truth(holds))
            list_push(run, kept, all.items[i]);
    }
    return OK;
}

static Err run_for(Run *run, const Node *node, Builder *out)
{
    Value iterable;
    JinjaList items;
    TRY(evaluate(run, node->a, &iterable));
    TRY(value_iterate(run, iterable, &items));
    if (node->b)
        TRY(filter_items(run, node, items, &items));
    if (items.n == 0)
        return node->d ? execute(run, node->d, out) : OK;
    Scope *outer = run->scope, *scope = new_scope(run, outer);
    Err err = OK;
    scope->items = &items;
    for (size_t i = 0; i < items.n && err == OK && run->flow != FLOW_BREAK; i++) {
        run->scope = scope;
        run->flow = FLOW_ON;
        scope->n = 0;  /* names of one turn are not those of the next */
        scope->at = i;
        err = assign_all(run, node, items.items[i]);
        if (err == OK)
            err = execute(run, node->c, out);
    }
    run->flow = FLOW_ON;
    run->scope = outer;
    return err;
}

static Err run_set(Run *run, const Node *node)
{
    Value value;
    if (node->kind == NODE_SET) {
        TRY(evaluate(run, node->a, &value));
    } else {
        Builder text = {0};
        TRY(execute(run, node->a, &text));
        value = builder_value(run, &text);
    }
    return assign_all(run, node, value);
}

static Err execute(Run *run, const Node *node, Builder *out)
{
    Value value;
    TRY(count_step(run, node));
    switch (node->kind) {
    case NODE_BLOCK: {
        Err err = OK;
        run->depth++;
        for (size_t i = 0; i < node->n && err == OK && run->flow == FLOW_ON; i++)
            err = execute(run, node->list[i], out);
        run->depth--;
        return err;
    }
    case NODE_TEXT: return builder_put(run, out, node->text, NULL, node->n_text);
    case NODE_OUTPUT:
        TRY(evaluate(run, node->a, &value));
        return value_print(run, out, value, false);
    case NODE_IF:
        TRY(evaluate(run, node->a, &value));
        if (value_truth(value))
            return execute(run, node->c, out);
        return node->b ? execute(run, node->b, out) : OK;
    case NODE_FOR: return run_for(run, node, out);
    case NODE_SET:
    case NODE_SET_BLOCK: return run_set(run, node);
    case NODE_MACRO: define(run, run->scope, node->text, node->n_text, (Value){.kind = VALUE_MACRO, .macro = node}); return OK;
    case NODE_BREAK:
    case NODE_CONTINUE: run->flow = node->kind == NODE_BREAK ? FLOW_BREAK : FLOW_CONTINUE; return OK;
    default: return jinja_fail(run, ERR_FORMAT, "an expression where a statement should stand");
    }
}

Err jinja_render(const JinjaTemplate *template, const JinjaVariables *variables, Arena *arena, JinjaText *out)
{
    Run run = {.template = template, .arena = arena, .line = 1, .now = variables->now ? variables->now : (int64_t)time(NULL)};
    Value data;
    run.globals = run.scope = new_scope(&run, NULL);
    for (int i = 0; i < variables->n_trusted; i++)
        if (variables->texts[i])
            define(&run, run.globals, variables->names[i], strlen(variables->names[i]), value_string(&run, variables->texts[i]));
    TRY(value_from_json(&run, variables->json, variables->n_json_bytes, &data));
    if (data.kind != VALUE_DICT)
        return jinja_fail(&run, ERR_FORMAT, "the variables are no JSON object");
    for (size_t i = 0; i < data.dict->n; i++)
        define(&run, run.globals, data.dict->keys[i].bytes, data.dict->keys[i].n_bytes, data.dict->values[i]);
    Builder text = {0};
    TRY(execute(&run, template->root, &text));
    Value value = builder_value(&run, &text);
    *out = (JinjaText){value.bytes, value.n_bytes, value.data};
    return OK;
}
