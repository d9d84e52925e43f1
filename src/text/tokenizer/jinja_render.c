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
    return value_part(run, value, bounds, out);
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
    return node->kind == NODE_ITEM ? value_item(run, a, b, out) : node->kind == NODE_COMPARE ? value_compare(run, node, a, b, out) : value_binary(run, node, a, b, out);
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
        return value_arithmetic(run, '-', false, value_int(0), a, out);
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
