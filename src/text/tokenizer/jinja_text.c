/* jinja_text.c - see jinja_text.h. */
#include "text/tokenizer/jinja_text.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Value jinja_strip(Value text, const Value *chars, bool left, bool right)
{
    size_t begin = 0, end = text.n_bytes;
    bool given = chars && chars->kind == VALUE_STRING;
    while (left && begin < end && (given ? memchr(chars->bytes, text.bytes[begin], chars->n_bytes) != NULL : is_blank(text.bytes[begin])))
        begin++;
    while (right && end > begin && (given ? memchr(chars->bytes, text.bytes[end - 1], chars->n_bytes) != NULL : is_blank(text.bytes[end - 1])))
        end--;
    return value_slice(text, begin, end);
}

Value jinja_change_case(Run *run, Value text, LetterCase wanted)
{
    Builder out = {0};
    bool start = true;
    for (size_t i = 0; i < text.n_bytes; i++) {
        char c = text.bytes[i];
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        bool up = wanted == CASE_UPPER || (wanted != CASE_LOWER && start);
        if (up && lower)
            c = (char)(c - 32);
        else if (!up && upper)
            c = (char)(c + 32);
        builder_put(run, &out, &c, &text.data[i], 1);
        start = wanted == CASE_TITLE ? !(upper || lower) : false;
    }
    return builder_value(run, &out);
}

Err jinja_replace(Run *run, Value text, const Arguments *arguments, Value *out)
{
    const Value *from = argument(arguments, 0, "old"), *to = argument(arguments, 1, "new"), *count = argument(arguments, 2, "count");
    Builder builder = {0};
    if (!from || !to || from->kind != VALUE_STRING || to->kind != VALUE_STRING || from->n_bytes == 0)
        return jinja_fail(run, ERR_FORMAT, "replace needs two texts, the first not empty");
    int64_t left = count && count->kind == VALUE_INT ? count->number : INT64_MAX;
    size_t at = 0;
    for (const char *hit; left-- > 0 && (hit = memmem(text.bytes + at, text.n_bytes - at, from->bytes, from->n_bytes));) {
        size_t begin = (size_t)(hit - text.bytes);
        TRY(builder_put(run, &builder, text.bytes + at, text.data + at, begin - at));
        TRY(builder_put(run, &builder, to->bytes, to->data, to->n_bytes));
        at = begin + from->n_bytes;
    }
    TRY(builder_put(run, &builder, text.bytes + at, text.data + at, text.n_bytes - at));
    *out = builder_value(run, &builder);
    return OK;
}

Err jinja_split(Run *run, Value text, const Arguments *arguments, bool from_right, Value *out)
{
    const Value *by = argument(arguments, 0, "sep"), *most = argument(arguments, 1, "maxsplit");
    int64_t left = most && most->kind == VALUE_INT && most->number >= 0 ? most->number : INT64_MAX;
    *out = value_list(run, false);
    size_t at = 0;
    if (from_right && left != INT64_MAX)
        return jinja_fail(run, ERR_UNSUPPORTED, "rsplit with a number of splits");
    if (by && by->kind == VALUE_STRING) {
        if (by->n_bytes == 0)
            return jinja_fail(run, ERR_FORMAT, "split by an empty text");
        for (const char *hit; left-- > 0 && (hit = memmem(text.bytes + at, text.n_bytes - at, by->bytes, by->n_bytes)); at = (size_t)(hit - text.bytes) + by->n_bytes)
            list_push(run, out->list, value_slice(text, at, (size_t)(hit - text.bytes)));
        list_push(run, out->list, value_slice(text, at, text.n_bytes));
        return OK;
    }
    for (;;) {
        while (at < text.n_bytes && is_blank(text.bytes[at]))
            at++;
        if (at == text.n_bytes)
            return OK;
        size_t end = at;
        while (end < text.n_bytes && (left == 0 || !is_blank(text.bytes[end])))
            end++;
        list_push(run, out->list, value_slice(text, at, end));
        left--;
        at = end;
    }
}

Err jinja_starts_or_ends(Run *run, Value text, const Arguments *arguments, bool starts, Value *out)
{
    const Value *given = argument(arguments, 0, starts ? "prefix" : "suffix");
    JinjaList choices;
    bool holds = false;
    if (given && given->kind == VALUE_LIST)
        choices = *given->list;
    else if (given && given->kind == VALUE_STRING)
        choices = (JinjaList){(Value *)(uintptr_t)given, 1, 1};
    else
        return jinja_fail(run, ERR_FORMAT, "startswith and endswith need a text");
    for (size_t i = 0; i < choices.n; i++) {
        Value c = choices.items[i];
        if (c.kind == VALUE_STRING && c.n_bytes <= text.n_bytes)
            holds |= memcmp(starts ? text.bytes : text.bytes + text.n_bytes - c.n_bytes, c.bytes, c.n_bytes) == 0;
    }
    *out = value_bool(holds);
    return OK;
}

Err jinja_join(Run *run, Value value, const Value *by, Value *out)
{
    JinjaList items;
    Builder text = {0};
    TRY(value_iterate(run, value, &items));
    for (size_t i = 0; i < items.n; i++) {
        if (i && by)
            TRY(value_print(run, &text, *by, false));
        TRY(value_print(run, &text, items.items[i], false));
    }
    *out = builder_value(run, &text);
    return OK;
}
