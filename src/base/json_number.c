/* json_number.c - numbers of the JSON reader: text until asked for, then exact. */
#include "base/json_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number taken apart: (-1)^negative * digits * 10^exponent. `digits` is right while n_digits <= 19. */
typedef struct {
    const char *start, *end;
    bool negative, special;  /* special: NaN, Infinity, -Infinity */
    uint64_t digits;
    int64_t n_digits;        /* without leading zeros */
    int64_t n_end_zeros;     /* digits at the end that are 0 */
    int64_t exponent;
} Number;

static bool is_digit(const JsonReader *reader, const char *p)
{
    return p < reader->end && *p >= '0' && *p <= '9';
}

static const char *take_digits(const JsonReader *reader, const char *p, Number *number)
{
    for (; is_digit(reader, p); p++) {
        if (*p == '0' && number->n_digits == 0)
            continue;
        number->n_digits++;
        number->n_end_zeros = *p == '0' ? number->n_end_zeros + 1 : 0;
        if (number->n_digits <= 19)
            number->digits = number->digits * 10 + (uint64_t)(*p - '0');
    }
    return p;
}

static const char *take_exponent(const JsonReader *reader, const char *p, Number *number)
{
    const int64_t huge = INT64_C(1) << 50;  /* no text is long enough to balance it */
    bool negative = p < reader->end && *p == '-';
    if (p < reader->end && (*p == '-' || *p == '+'))
        p++;
    if (!is_digit(reader, p))
        return NULL;
    int64_t exponent = 0;
    for (; is_digit(reader, p); p++)
        exponent = exponent < huge ? exponent * 10 + (*p - '0') : huge;
    number->exponent += negative ? -exponent : exponent;
    return p;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?  Returns the end, NULL when the grammar is broken. */
static const char *take_number(const JsonReader *reader, const char *p, Number *number)
{
    if (!is_digit(reader, p))
        return NULL;
    if (*p == '0' && is_digit(reader, p + 1))
        return NULL;
    p = take_digits(reader, p, number);
    if (p < reader->end && *p == '.') {
        const char *fraction = p + 1;
        if (!is_digit(reader, fraction))
            return NULL;
        p = take_digits(reader, fraction, number);
        number->exponent -= p - fraction;
    }
    if (p < reader->end && (*p == 'e' || *p == 'E'))
        p = take_exponent(reader, p + 1, number);
    return p;
}

static Err read_number(JsonReader *reader, Number *number)
{
    if (json_peek(reader) != JSON_NUMBER)
        return json_fail_expected(reader, "a number");
    *number = (Number){.start = reader->at};
    number->negative = *reader->at == '-';
    reader->at += number->negative;
    if ((!number->negative && json_eat_word(reader, "NaN")) || json_eat_word(reader, "Infinity")) {
        number->special = true;
        number->end = reader->at;
        return OK;
    }
    number->end = take_number(reader, reader->at, number);
    if (!number->end) {
        reader->at = number->start;
        return json_fail(reader, "a number that JSON does not know");
    }
    reader->at = number->end;
    return OK;
}

Err json_skip_number(JsonReader *reader)
{
    Number number;
    return read_number(reader, &number);
}

/* The magnitude as an integer; false when it is a fraction or needs more than 64 bits. */
static bool magnitude(const Number *number, uint64_t *value)
{
    *value = number->digits;
    if (number->n_digits == 0)
        return true;
    if (number->exponent >= 0) {
        if (number->n_digits + number->exponent > 19)
            return false;
        for (int64_t i = 0; i < number->exponent; i++)
            *value *= 10;
        return true;
    }
    if (-number->exponent > number->n_end_zeros || number->n_digits + number->exponent > 19)
        return false;
    int64_t n_drop = (number->n_digits < 19 ? number->n_digits : 19) - (number->n_digits + number->exponent);
    for (int64_t i = 0; i < n_drop; i++)
        *value /= 10;
    return true;
}

Err json_int(JsonReader *reader, int64_t *value)
{
    Number number;
    uint64_t size;
    TRY(read_number(reader, &number));
    if (number.special || !magnitude(&number, &size) || size > (uint64_t)INT64_MAX + number.negative) {
        reader->at = number.start;
        return json_fail(reader, "expected an integer of 64 bits, found %.*s",
                         (int)(number.end - number.start > 40 ? 40 : number.end - number.start), number.start);
    }
    *value = number.negative ? (int64_t)-size : (int64_t)size;
    return OK;
}

/* strtod wants a NUL behind the number, which the buffer need not have. */
static double slow_double(const Number *number)
{
    size_t n = (size_t)(number->end - number->start);
    char near[64], *text = n < sizeof near ? near : mem_alloc(n + 1);
    memcpy(text, number->start, n);
    text[n] = '\0';
    double value = strtod(text, NULL);
    if (text != near)
        free(text);
    return value;
}

/* Up to 15 digits and powers up to 10^22 are exact doubles, so one operation rounds once (Clinger 1990). */
Err json_double(JsonReader *reader, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    Number number;
    TRY(read_number(reader, &number));
    double size;
    if (number.special)
        size = number.end[-1] == 'N' ? NAN : INFINITY;
    else if (number.n_digits <= 15 && number.exponent >= -22 && number.exponent <= 22)
        size = number.exponent < 0 ? (double)number.digits / powers[-number.exponent]
                                   : (double)number.digits * powers[number.exponent];
    else
        size = fabs(slow_double(&number));
    *value = number.negative ? -size : size;
    return OK;
}
