/* inspect_float.c - `jikji inspect float X`: the bits of a number in every format that models are kept in.
 *
 * One table says how each format is cut: sign, exponent, fraction, bias, and what its largest exponent means. fp8 is as OCP's 8-bit floating point
 * specification has it (Micikevicius et al. 2022, arXiv:2209.05433): e4m3 has no infinity and one NaN a sign. tf32 is NVIDIA's
 * 19 bits: the exponent of f32, the fraction of fp16. int8 is here because weights are kept in it: two's complement, no scale. */
#include "base/json.h"
#include "cli/command_line.h"
#include "cli/inspect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { TOP_INFINITY_AND_NAN, TOP_FINITE_BUT_NAN, TOP_FINITE } TopExponent;

typedef struct {
    const char *name;
    int n_exponent, n_fraction;  /* bits; n_exponent 0: a two's complement integer of 1 + n_fraction bits */
    TopExponent top;
} Format;

static const Format formats[] = {
    {"f64", 11, 52, TOP_INFINITY_AND_NAN},     {"f32", 8, 23, TOP_INFINITY_AND_NAN},     {"tf32", 8, 10, TOP_INFINITY_AND_NAN},
    {"bf16", 8, 7, TOP_INFINITY_AND_NAN},      {"fp16", 5, 10, TOP_INFINITY_AND_NAN},    {"fp8 e5m2", 5, 2, TOP_INFINITY_AND_NAN},
    {"fp8 e4m3", 4, 3, TOP_FINITE_BUT_NAN},    {"fp4 e2m1", 2, 1, TOP_FINITE},           {"int8", 0, 7, TOP_FINITE},
};

typedef struct {
    bool json;
} FloatOptions;

static const Option rows[] = {
    OPTION_BOOL("json", FloatOptions, json, "one JSON object instead of the table"),
};

static const CommandHelp help = {
    .synopsis = "inspect float X [--json]",
    .examples = "    jikji inspect float -12.75\n"
                "    jikji inspect float 1e-7            what fp16 makes of a small gradient\n"
                "    jikji inspect float 0x1.921fb6p+1   hexadecimal floats, inf and nan are understood\n",
    .about = "Sign, exponent and fraction of X in each format, the value that is left after rounding to nearest (ties to even), and its\n"
             "relative error. Overflow becomes infinity; in e4m3, which has none, NaN; in fp4 and int8 the nearest end.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

/* ---- encoding ---- */

static int bias_of(const Format *f)
{
    return (1 << (f->n_exponent - 1)) - 1;
}

static double largest_of(const Format *f)
{
    if (f->n_exponent == 0)
        return ldexp(1.0, f->n_fraction) - 1.0;
    int top = (1 << f->n_exponent) - (f->top == TOP_INFINITY_AND_NAN ? 2 : 1) - bias_of(f);
    double fractions_cut = f->top == TOP_FINITE_BUT_NAN ? 2.0 : 1.0;  /* the last fraction of e4m3 is NaN */
    return ldexp(2.0 - fractions_cut * ldexp(1.0, -f->n_fraction), top);
}

static double smallest_of(const Format *f)
{
    return f->n_exponent ? ldexp(1.0, 1 - bias_of(f) - f->n_fraction) : 1.0;
}

static uint64_t special_bits(const Format *f, bool is_nan)
{
    uint64_t top = (UINT64_C(1) << f->n_exponent) - 1;
    if (f->n_exponent == 0)
        return is_nan ? 0 : (UINT64_C(1) << f->n_fraction) - 1;
    if (f->top == TOP_FINITE_BUT_NAN || (f->top == TOP_FINITE && !is_nan))
        return (UINT64_C(1) << (f->n_exponent + f->n_fraction)) - 1;
    if (f->top == TOP_FINITE)
        return 0;
    return top << f->n_fraction | (is_nan ? UINT64_C(1) << (f->n_fraction - 1) : 0);
}

/* Exponent field and fraction of |x| rounded to nearest, ties to even. */
static uint64_t magnitude_bits(const Format *f, double x)
{
    int exponent;
    if (isnan(x))
        return special_bits(f, true);
    frexp(x, &exponent);
    exponent = x == 0.0 || exponent - 1 < 1 - bias_of(f) ? 1 - bias_of(f) : exponent - 1;
    double steps = nearbyint(ldexp(x, f->n_fraction - exponent));  /* of the last place; the default mode is nearest even */
    if (!isfinite(x) || ldexp(steps, exponent - f->n_fraction) > largest_of(f))
        return special_bits(f, false);
    /* Steps below 2^n_fraction are subnormal, field 0; a carry out of the fraction raises the exponent by itself. */
    return (uint64_t)steps + ((uint64_t)(exponent + bias_of(f) - 1) << f->n_fraction);
}

static uint64_t integer_bits(const Format *f, double x)
{
    double limit = largest_of(f), rounded = isnan(x) ? 0.0 : fmax(-limit - 1.0, fmin(limit, nearbyint(x)));
    return (uint64_t)(int64_t)rounded & ((UINT64_C(2) << f->n_fraction) - 1);
}

static uint64_t encode(const Format *f, double x)
{
    if (f->n_exponent == 0)
        return integer_bits(f, x);
    return (uint64_t)(signbit(x) != 0) << (f->n_exponent + f->n_fraction) | magnitude_bits(f, fabs(x));
}

static double decode(const Format *f, uint64_t bits)
{
    uint64_t fraction = bits & ((UINT64_C(1) << f->n_fraction) - 1);
    bool negative = bits >> (f->n_exponent + f->n_fraction) & 1;
    if (f->n_exponent == 0)
        return (double)fraction - (negative ? ldexp(1.0, f->n_fraction) : 0.0);
    uint64_t field = bits >> f->n_fraction & ((UINT64_C(1) << f->n_exponent) - 1), top = (UINT64_C(1) << f->n_exponent) - 1;
    double value;
    if (field == top && f->top == TOP_INFINITY_AND_NAN)
        value = fraction ? (double)NAN : (double)INFINITY;
    else if (field == top && f->top == TOP_FINITE_BUT_NAN && fraction == (UINT64_C(1) << f->n_fraction) - 1)
        value = (double)NAN;
    else
        value = ldexp((double)fraction + (field ? ldexp(1.0, f->n_fraction) : 0.0), (int)(field ? field : 1) - bias_of(f) - f->n_fraction);
    return negative ? -value : value;
}

/* ---- showing ---- */

/* "1 10000010 10011000000000000000000" */
static const char *cut_bits(const Format *f, uint64_t bits, Arena *arena)
{
    char text[80];
    int n = 0, n_bits = 1 + f->n_exponent + f->n_fraction;
    for (int i = n_bits - 1; i >= 0; i--) {
        text[n++] = (char)('0' + (bits >> i & 1));
        if (i > 0 && (i == f->n_fraction || i == n_bits - 1) && !(f->n_exponent == 0 && i == f->n_fraction && i != n_bits - 1))
            text[n++] = ' ';
    }
    return arena_strndup(arena, text, (size_t)n);
}

static const char *hexadecimal(const Format *f, uint64_t bits, Arena *arena)
{
    int n_digits = (1 + f->n_exponent + f->n_fraction + 3) / 4;
    return arena_printf(arena, "0x%0*llX", n_digits, (unsigned long long)bits);
}

/* The shortest decimal that reads back as the value; exact enough for every format here. */
static const char *decimal(double value, Arena *arena)
{
    char text[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return arena_strdup(arena, text);
}

static void print_row(const Format *f, double x, Arena *arena)
{
    uint64_t bits = encode(f, x);
    double value = decode(f, bits), error = x != 0.0 && isfinite(x) && isfinite(value) ? fabs(value - x) / fabs(x) : 0.0;
    printf("%-9s 1/%d/%-3d %-19s %-24s %8s  %s\n", f->name, f->n_exponent, f->n_fraction, hexadecimal(f, bits, arena), decimal(value, arena),
           error > 0.0 ? arena_printf(arena, "%.1e", error) : value == x || (isnan(value) && isnan(x)) ? "exact" : "lost", cut_bits(f, bits, arena));
}

static void print_table(double x, Arena *arena)
{
    printf("%-9s %-7s %-19s %-24s %8s  %s\n", "format", "s/e/f", "bits", "value", "error", "sign exponent fraction");
    for (int i = 0; i < N_ELEMENTS(formats); i++)
        print_row(&formats[i], x, arena);
    if (x != 0.0 && isfinite(x)) {
        int exponent;
        double significand = frexp(fabs(x), &exponent);
        printf("\n%s = %s%s * 2^%d; stored exponent in f32: %d + 127 = %d\n", decimal(x, arena), x < 0 ? "-" : "",
               decimal(2.0 * significand, arena), exponent - 1, exponent - 1, exponent - 1 + 127);
    }
    printf("\n%-9s %-24s %-24s\n", "format", "largest", "smallest above 0");
    for (int i = 0; i < N_ELEMENTS(formats); i++)
        printf("%-9s %-24.7g %-24.7g\n", formats[i].name, largest_of(&formats[i]), smallest_of(&formats[i]));
}

static void number_or_text(JsonWriter *w, const char *key, double value)
{
    if (isfinite(value))
        json_field_double(w, key, value);
    else
        json_field_string(w, key, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

static void print_json(double x, Arena *arena)
{
    JsonWriter *w = json_writer_new(0);
    json_write_object_begin(w);
    number_or_text(w, "x", x);
    json_write_key(w, "formats");
    json_write_array_begin(w);
    for (int i = 0; i < N_ELEMENTS(formats); i++) {
        const Format *f = &formats[i];
        uint64_t bits = encode(f, x);
        json_write_object_begin(w);
        json_field_string(w, "name", f->name);
        json_field_int(w, "exponent_bits", f->n_exponent);
        json_field_int(w, "fraction_bits", f->n_fraction);
        json_field_string(w, "hex", hexadecimal(f, bits, arena));
        json_field_string(w, "bits", cut_bits(f, bits, arena));
        number_or_text(w, "value", decode(f, bits));
        json_field_double(w, "largest", largest_of(f));
        json_field_double(w, "smallest", smallest_of(f));
        json_write_object_end(w);
    }
    json_write_array_end(w);
    json_write_object_end(w);
    printf("%s\n", json_writer_text(w, NULL));
    json_writer_free(w);
}

static Err show(Arena *arena, int argc, char **argv)
{
    FloatOptions options = {0};
    CommandWords words;
    TRY(command_line_read(&words, &help, &options, arena, argc, argv));
    if (words.helped)
        return OK;
    char *end;
    double x = strtod(words.word[0], &end);
    if (end == words.word[0] || *end)
        return err_set(ERR_USAGE, "inspect float: expected a number, found \"%s\"", words.word[0]);
    if (options.json)
        print_json(x, arena);
    else
        print_table(x, arena);
    return OK;
}

Err inspect_float(int argc, char **argv)
{
    Arena *arena = arena_new();
    Err err = show(arena, argc, argv);
    arena_free(arena);
    return err;
}
