/* inspect_float_test.c - `jikji inspect float`: the curriculum's goldens, and every format against what is known of it. */
#include "base/arena.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/test.h"
#include "engine/tensor/dtype.h"

#include <stdlib.h>

/* What the program prints for x, as JSON. */
static const char *inspect_json(Arena *arena, const char *x)
{
    const char *path = arena_printf(arena, "%s/float", test_dir()), *text = "";
    size_t n_bytes;
    CHECK_EQUAL(system(arena_printf(arena, "%s inspect float --json -- %s > %s", JIKJI_BINARY, x, path)), 0);
    CHECK_OK(file_read(&text, &n_bytes, arena, path));
    return text;
}

/* A field of one format's object, as text without quotes. */
static const char *field(Arena *arena, const char *json, const char *format, const char *key)
{
    const char *at = strstr(json, arena_printf(arena, "\"name\":\"%s\"", format));
    at = at ? strstr(at, arena_printf(arena, "\"%s\":", key)) : NULL;
    if (!at)
        return "";
    at += strlen(key) + 3;
    at += *at == '"';
    return arena_strndup(arena, at, strcspn(at, "\",}"));
}

/* Goal: the curriculum's numbers (G11). */
TEST(inspect_float, gives_the_goldens)
{
    Arena *arena = arena_new();
    const char *json = inspect_json(arena, "-12.75");
    CHECK_STRING(field(arena, json, "f32", "hex"), "0xC14C0000");
    CHECK_STRING(field(arena, json, "fp16", "hex"), "0xCA60");
    CHECK_STRING(field(arena, json, "bf16", "hex"), "0xC14C");
    CHECK_STRING(field(arena, json, "f32", "bits"), "1 10000010 10011000000000000000000");
    CHECK_STRING(field(arena, json, "int8", "hex"), "0xF3");  /* -13 */
    const struct {
        const char *format, *key;
        double want;
    } limits[] = {{"f32", "smallest", 1.401298e-45}, {"f32", "largest", 3.402823e38}, {"fp16", "smallest", 5.960464e-8},
                  {"fp16", "largest", 65504},        {"bf16", "largest", 3.389531e38}, {"fp8 e4m3", "largest", 448},
                  {"fp8 e5m2", "largest", 57344},    {"fp4 e2m1", "largest", 6}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        CHECK_CLOSE(atof(field(arena, json, limits[i].format, limits[i].key)) / limits[i].want, 1, 1e-6);
    const struct {
        const char *x;
        double fp16;
    } rounded[] = {{"1e-7", 1.192093e-7}, {"2.9e-8", 0}, {"1.024e-4", 1.024008e-4}, {"3.141592653589793", 3.140625}};
    for (size_t i = 0; i < sizeof rounded / sizeof rounded[0]; i++)
        CHECK_CLOSE(atof(field(arena, inspect_json(arena, rounded[i].x), "fp16", "value")), rounded[i].fp16, 1e-6 * rounded[i].fp16);
    arena_free(arena);
}

/* Goal: what the view shows is what the engine stores. Method: awkward and random numbers, bf16 and fp16 against dtype.h, f32 against the
 * compiler. */
TEST(inspect_float, agrees_with_the_engine)
{
    Arena *arena = arena_new();
    static const char *const awkward[] = {"0", "-0.0", "inf", "-inf", "65504", "65519.999", "65520", "6.1e-5", "5.9e-8", "2.98e-8",
                                          "1.00390625", "1.01171875", "3.3961775e38", "1e-45", "0x1.002p0", "0x1.006p0", "-1e308"};
    for (int i = 0; i < 30; i++) {
        int n_awkward = sizeof awkward / sizeof awkward[0];
        Philox r = philox(9, 0, 0, (uint64_t)i);
        const char *x = i < n_awkward ? awkward[i]
                                      : arena_printf(arena, "%.17g", ldexp((double)(int32_t)r.word[0], (int)(r.word[1] % 60) - 60));
        double value = strtod(x, NULL);
        float single = (float)value;
        uint32_t bits;
        memcpy(&bits, &single, sizeof bits);
        const char *json = inspect_json(arena, x);
        CHECK_STRING(field(arena, json, "f32", "hex"), arena_printf(arena, "0x%08X", bits));
        CHECK_STRING(field(arena, json, "bf16", "hex"), arena_printf(arena, "0x%04X", bf16_from_f64(value)));
        CHECK_STRING(field(arena, json, "fp16", "hex"), arena_printf(arena, "0x%04X", f16_from_f64(value)));
    }
    const char *nan = inspect_json(arena, "nan");
    CHECK_STRING(field(arena, nan, "fp16", "value"), "nan");
    CHECK_STRING(field(arena, nan, "fp8 e4m3", "hex"), "0x7F");
    CHECK_STRING(field(arena, inspect_json(arena, "1e9"), "fp8 e4m3", "value"), "nan");  /* it has no infinity */
    CHECK_STRING(field(arena, inspect_json(arena, "1e9"), "fp4 e2m1", "value"), "6.0");
    CHECK(system(arena_printf(arena, "%s inspect float twelve 2> /dev/null", JIKJI_BINARY)) != 0);
    arena_free(arena);
}
