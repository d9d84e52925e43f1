/* gemm_bf16_test.c - the kernel of CPU_AVX512_BF16 on CPUs without it: the same source, its one instruction done in C. */
#include "base/test.h"
#include "engine/op/bf16_dot_case.h"
#include "engine/op/gemm_case.h"
#include "engine/op/gemm_kernels.h"

#define MICRO_UNROLL_K  /* compiles ten times faster */
#include "engine/op/gemm_bf16_kernel.h"

static uint16_t bf16_at(const void *base, int64_t at)
{
    return ((const uint16_t *)base)[at];
}

/* The contract of gemm.h for two bf16 operands at this level. */
static float contract_value(const Gemm *g, int64_t row, int64_t column)
{
    int64_t block = g->k_leaf ? g->k_leaf : GEMM_K_BLOCK_PAIRS;
    int64_t a = row * g->a_row_stride, b = column * g->b_col_stride;
    float c = g->accumulate ? ((const float *)g->c)[row * g->c_row_stride + column] : 0.0f;
    for (int64_t first = 0; first < g->k; first += block) {
        int64_t end = first + block < g->k ? first + block : g->k;
        float sum = 0.0f;
        for (int64_t k = first; k < end; k += 2) {
            bool has_odd = k + 1 < end;
            sum = bf16_step(sum, has_odd ? bf16_at(g->a, a + (k + 1) * g->a_col_stride) : 0,
                            has_odd ? bf16_at(g->b, b + (k + 1) * g->b_row_stride) : 0);
            sum = bf16_step(sum, bf16_at(g->a, a + k * g->a_col_stride), bf16_at(g->b, b + k * g->b_row_stride));
        }
        c = first == 0 && !g->accumulate ? sum : c + sum;
    }
    return c;
}

/* Goal: pairs meet the right pairs, in the stated order, for every layout, odd K, edges, few and many rows.
 * Method: kernel and driver with the emulated instruction, against the contract in scalars, bit for bit. */
TEST(gemm_bf16, follows_its_contract_to_the_bit)
{
    static const int64_t shapes[][4] = {{3, 40, 70, 0}, {31, 37, 401, 0}, {30, 33, 99, 33}, {1, 64, 385, 0}, {45, 31, 6, 5}, {33, 35, 801, 0}, {5, 33, 1537, 0}};
    Arena *arena = arena_new();
    for (int s = 0; s < 7; s++)
        for (int lays = 0; lays < 9; lays++) {
            arena_reset(arena);
            Gemm g = gemm_case(arena, shapes[s][0], shapes[s][1], shapes[s][2], DTYPE_BF16, DTYPE_BF16, DTYPE_F32,
                               (Lay)(lays % 3), (Lay)(lays / 3));
            g.k_leaf = shapes[s][3];
            g.accumulate = lays & 1;
            float *want = ARENA_ARRAY(arena, float, g.m * g.n), *got = g.c;
            for (int64_t i = 0; i < g.m * g.n; i++)
                want[i] = contract_value(&g, i / g.n, i % g.n);
            gemm_run_kernel(&g, &bf16_kernel, arena_alloc(arena, gemm_workspace_bytes(&g)), false);
            int n_wrong = 0;
            for (int64_t i = 0; i < g.m * g.n; i++)
                n_wrong += memcmp(&got[i / g.n * g.c_row_stride + i % g.n], &want[i], sizeof(float)) != 0;
            if (!CHECK_EQUAL(n_wrong, 0))
                test_note("shape %d, lays %d", s, lays);
        }
    arena_free(arena);
}

/* Goal: rows of A that are whole words are read as they lie, with the bits of packed ones, and nothing beyond an odd K is.
 * Method: rows K apart, which an odd K does not let lie well, against rows K + 1 apart with a NaN between; a K that comes in several ranges, too. */
TEST(gemm_bf16, rows_as_they_lie_give_the_bits_of_packed_ones)
{
    static const int64_t shapes[][3] = {{61, 97, 501}, {31, 70, 801}, {45, 33, 1537}, {30, 40, 4609}};
    Arena *arena = arena_new();
    for (int s = 0; s < 4; s++)
        for (int half = 0; half < 2; half++) {
            arena_reset(arena);
            Gemm packed = gemm_case(arena, shapes[s][0], shapes[s][1], shapes[s][2], DTYPE_BF16, DTYPE_BF16, half ? DTYPE_BF16 : DTYPE_F32, LAY_ROWS,
                                    LAY_ROWS);
            Gemm lying = packed;
            size_t c_bytes = (size_t)(packed.m * packed.c_row_stride * dtype_bytes(packed.c_dtype));
            uint16_t *rows = ARENA_ARRAY(arena, uint16_t, packed.m * (packed.k + 1));
            for (int64_t i = 0; i < packed.m; i++) {
                memcpy(rows + i * (packed.k + 1), (const uint16_t *)packed.a + i * packed.k, (size_t)packed.k * sizeof *rows);
                rows[i * (packed.k + 1) + packed.k] = 0x7fc0;
            }
            lying.a = rows;
            lying.a_row_stride = packed.k + 1;
            lying.c = memcpy(arena_alloc(arena, c_bytes), packed.c, c_bytes);
            gemm_run_kernel(&packed, &bf16_kernel, arena_alloc(arena, gemm_workspace_bytes(&packed)), false);
            gemm_run_kernel(&lying, &bf16_kernel, arena_alloc(arena, gemm_workspace_bytes(&packed)), false);
            CHECK(memcmp(packed.c, lying.c, c_bytes) == 0);
        }
    arena_free(arena);
}

/* Goal: the emulation does what the manual says, where plain arithmetic would not. */
TEST(gemm_bf16, emulated_instruction_keeps_to_the_manual)
{
    const uint32_t one = 0x3f80, big = 0x7149 /* about 1e30 */, minus_big = 0xf149, least = 0x0080 /* 2^-126 */, half = 0x3f00;
    /* The odd product first: 1 is lost beside 1e30, or it is not. */
    CHECK(bf16_dot(1.0f, big << 16 | minus_big, one << 16 | one) == 0.0f);
    CHECK(bf16_dot(f32_from_bf16((uint16_t)minus_big), big << 16 | one, one << 16 | one) == 1.0f);
    /* Subnormal inputs and results are zero. */
    CHECK(bf16_dot(0.0f, 0x0040, one) == 0.0f);
    CHECK(bf16_dot(0.0f, least, half) == 0.0f);
    CHECK(bf16_dot(0x1p-127f, 0, 0) == 0.0f);
    CHECK(bf16_dot(0.0f, least, one) == 0x1p-126f);
    /* Fused: 2^-24 beside 1 + 2^-23 is a tie that rounds to even only if it was not rounded before. */
    CHECK(bf16_dot(1.0f + 0x1p-23f, 0x3980 /* 2^-12 */, 0x3980) == 1.0f + 0x1p-22f);
}

/* Goal: on a CPU that has it, the real instruction gives the emulation's bits; and so does what packs and writes in its wide registers, and what reads B
 * as it lies. Method: operands by rows, by columns and spread, odd K and odd leaves, edges of tiles, few rows, results of both dtypes. */
TEST(gemm_bf16, instruction_equals_its_emulation)
{
    static const int64_t shapes[][4] = {{61, 97, 501, 0}, {47, 64, 770, 0}, {30, 33, 35, 0}, {1, 271, 431, 0}, {2, 130, 64, 0}, {3, 17, 99, 33},
                                        {4, 128, 384, 0}, {5, 65, 35, 0},   {6, 40, 33, 5},  {7, 33, 770, 0},  {8, 129, 67, 0}};
    if (cpu_level_best() < CPU_AVX512_BF16)
        SKIP("this CPU has no AVX512_BF16");
    Arena *arena = arena_new();
    for (int s = 0; s < 11; s++)
        for (int lays = 0; lays < 9; lays++) {
            arena_reset(arena);
            DType c_dtype = (lays / 2 + s) % 2 ? DTYPE_BF16 : DTYPE_F32;
            Gemm g = gemm_case(arena, shapes[s][0], shapes[s][1], shapes[s][2], DTYPE_BF16, DTYPE_BF16, c_dtype, (Lay)(lays % 3), (Lay)(lays / 3));
            g.bias = lays % 2 ? NULL : gemm_case_values(arena, DTYPE_F32, g.n, 4);
            g.accumulate = lays % 2;
            g.k_leaf = shapes[s][3];
            Gemm emulated = g;
            size_t c_bytes = (size_t)(g.m * g.c_row_stride) * (size_t)dtype_bytes(c_dtype);
            emulated.c = memcpy(arena_alloc(arena, c_bytes), g.c, c_bytes);
            gemm_run_kernel(&g, gemm_kernel_bf16(), arena_alloc(arena, gemm_workspace_bytes(&g)), false);
            gemm_run_kernel(&emulated, &bf16_kernel, arena_alloc(arena, gemm_workspace_bytes(&g)), false);
            if (!CHECK(memcmp(g.c, emulated.c, c_bytes) == 0))
                test_note("shape %d, lays %d", s, lays);
        }
    arena_free(arena);
}
