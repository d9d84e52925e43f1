#include "base/test.h"
#include "engine/tensor/tensor.h"

/* Goal: rounding to bf16 picks the nearest of the two neighbours, the even one on a tie, for every f32.
 * Method: a spread of bit patterns through all exponents against distances measured in double. */
TEST(tensor, bf16_rounds_to_nearest_even)
{
    int n_wrong = 0;
    for (uint64_t step = 0; step < 0x7f7f0000u; step += 4099) {
        uint32_t bits = (uint32_t)step;
        if (step % 3 == 0)
            bits = (bits & 0xffff0000u) | 0x8000u;  /* an exact tie */
        float value;
        memcpy(&value, &bits, sizeof value);
        uint16_t down = (uint16_t)(bits >> 16), up = (uint16_t)(down + 1);
        double to_down = (double)value - f32_from_bf16(down), to_up = f32_from_bf16(up) - (double)value;
        uint16_t want = to_down < to_up ? down : to_up < to_down ? up : down & 1 ? up : down;
        n_wrong += bf16_from_f32(value) != want;
        n_wrong += bf16_from_f32(-value) != (want | 0x8000);
    }
    CHECK_EQUAL(n_wrong, 0);
}

TEST(tensor, bf16_keeps_infinity_and_nan)
{
    CHECK_EQUAL(bf16_from_f32(INFINITY), 0x7f80);
    CHECK_EQUAL(bf16_from_f32(-INFINITY), 0xff80);
    CHECK_EQUAL(bf16_from_f32(3.4028235e38f), 0x7f80);  /* beyond the largest bf16 by more than half a step */
    CHECK_EQUAL(bf16_from_f32(-0.0f), 0x8000);
    uint32_t patterns[] = {0x7f800001u, 0x7fffffffu, 0xff800001u, 0xffffffffu, 0x7fc00000u};
    for (int i = 0; i < 5; i++) {
        float value;
        memcpy(&value, &patterns[i], sizeof value);
        CHECK(isnan(f32_from_bf16(bf16_from_f32(value))));
    }
}

/* Goal: every bf16 survives the way to f32 and back. */
TEST(tensor, bf16_round_trips_every_value)
{
    int n_wrong = 0;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        float value = f32_from_bf16((uint16_t)bits);
        n_wrong += isnan(value) ? !isnan(f32_from_bf16(bf16_from_f32(value))) : bf16_from_f32(value) != bits;
    }
    CHECK_EQUAL(n_wrong, 0);
}

/* Goal: fp16 keeps every value of its own and rounds to the nearest, the even one on a tie. Method: all pairs of neighbours; their middle is
 * exact in f32, and so are the f32 next to it. */
TEST(tensor, f16_rounds_to_nearest_even_and_keeps_its_own)
{
    int n_wrong = 0;
    for (uint32_t bits = 0; bits < 0x7bff; bits++) {
        float down = f32_from_f16((uint16_t)bits), up = f32_from_f16((uint16_t)(bits + 1)), middle = 0.5f * (down + up);
        uint16_t even = (uint16_t)(bits & 1 ? bits + 1 : bits);
        n_wrong += f16_from_f32(down) != bits || f16_from_f32(-down) != (bits | 0x8000);
        n_wrong += f16_from_f32(middle) != even || f16_from_f32(nextafterf(middle, 0.0f)) != bits;
        n_wrong += f16_from_f32(nextafterf(middle, 1e9f)) != bits + 1;
        n_wrong += f16_from_f64(nextafter((double)middle, 1e9)) != bits + 1;  /* which f32 cannot tell from the tie */
    }
    CHECK_EQUAL(n_wrong, 0);
    CHECK_EQUAL(f16_from_f32(65519.99f), 0x7bff);
    CHECK_EQUAL(f16_from_f32(65520.0f), 0x7c00);
    CHECK_EQUAL(f16_from_f32(-3e38f), 0xfc00);
    CHECK(isnan(f32_from_f16(f16_from_f32(NAN))));
    CHECK_EQUAL(f16_from_f32(2.9e-8f), 0);       /* curriculum G11 */
    CHECK_CLOSE(f32_from_f16(f16_from_f32(1e-7f)), 1.192093e-7, 1e-13);
}

/* Goal: a double just above a bf16 tie goes up, although f32 cannot tell it from the tie. */
TEST(tensor, set_rounds_bf16_only_once)
{
    uint16_t stored = 0;
    Tensor one = tensor_contiguous(DTYPE_BF16, shape_1(1), &stored);
    double tie = 1.0 + 0x1p-8;  /* between 1 and 1 + 2^-7; even is 1 */
    tensor_set(&one, 0, tie);
    CHECK_EQUAL(stored, 0x3f80);
    tensor_set(&one, 0, tie + 0x1p-40);
    CHECK_EQUAL(stored, 0x3f81);
    tensor_set(&one, 0, -(3 * 0x1p-8 + 1.0) + 0x1p-40);  /* just inside the tie of 0x3f81 and 0x3f82 */
    CHECK_EQUAL(stored, 0xbf81);
    tensor_set(&one, 0, 1e300);
    CHECK_EQUAL(stored, 0x7f80);
    tensor_set(&one, 0, NAN);
    CHECK(isnan(tensor_get(&one, 0)));
}

TEST(tensor, shapes_count_and_speak)
{
    char text[SHAPE_TEXT_BYTES];
    CHECK_EQUAL(shape_count(shape_4(2, 3, 5, 7)), 210);
    CHECK_EQUAL(shape_count((Shape){0}), 1);
    CHECK_EQUAL(shape_count(shape_2(0, 7)), 0);
    CHECK(shape_equal(shape_2(3, 4), shape_2(3, 4)));
    CHECK(!shape_equal(shape_2(3, 4), shape_2(4, 3)));
    CHECK(!shape_equal(shape_2(3, 1), shape_1(3)));
    CHECK_STRING(shape_to_text(text, shape_3(1, 20, 300)), "[1, 20, 300]");
    CHECK_STRING(shape_to_text(text, (Shape){0}), "[]");
    CHECK_EQUAL(strlen(shape_to_text(text, shape_4(INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN))), 4 * 20 + 8);
}

TEST(tensor, counts_that_overflow_are_refused)
{
    int64_t count;
    CHECK(!shape_count_checked(&count, shape_2(INT64_MAX, 2)));
    CHECK(!shape_count_checked(&count, shape_1(INT64_MAX / 8 + 1)));
    CHECK(!shape_count_checked(&count, shape_3(INT64_MAX / 8, 0, INT64_MAX / 8)));
    CHECK(!shape_count_checked(&count, shape_1(-1)));
    CHECK(!shape_count_checked(&count, (Shape){TENSOR_DIMS_MAX + 1, {1}}));
    CHECK(shape_count_checked(&count, shape_1(INT64_MAX / 8)));
    CHECK_EQUAL(count, INT64_MAX / 8);
}

/* Goal: the flat index follows the shape, not memory. Method: a transposed view of a counted block, in each dtype. */
TEST(tensor, get_and_set_walk_strides)
{
    for (DType dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        double block[12];
        Tensor rows = tensor_contiguous(dtype, shape_2(3, 4), block);
        for (int i = 0; i < 12; i++)
            tensor_set(&rows, i, i);
        Tensor columns = {dtype, shape_2(4, 3), {1, 4}, block};
        CHECK(tensor_is_contiguous(&rows));
        CHECK(!tensor_is_contiguous(&columns));
        for (int i = 0; i < 12; i++)
            CHECK_CLOSE(tensor_get(&columns, i), i % 3 * 4 + i / 3, 0.0);
        CHECK_EQUAL(tensor_bytes(&columns), 12 * (size_t)dtype_bytes(dtype));
        CHECK_EQUAL(tensor_dim(&columns, 0), 4);
    }
}

TEST(tensor, dtypes_have_names_and_sizes)
{
    CHECK_STRING(dtype_name(DTYPE_F32), "f32");
    CHECK_STRING(dtype_name(DTYPE_BF16), "bf16");
    CHECK_STRING(dtype_name(DTYPE_I64), "i64");
    CHECK_EQUAL(dtype_bytes(DTYPE_BF16), 2);
    CHECK_EQUAL(dtype_bytes(DTYPE_U8), 1);
}
