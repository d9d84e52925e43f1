/* packed_weight.h - a weight matrix laid out for being read once from end to end: by decode, at the speed of memory, and by prefill without
 * packing. Whole, or in 8 or 4 bits with a scale for every 32 inputs of an output.
 *
 * Columns (outputs) go in panels of 64. Inside a panel the steps of k follow one another, so one thread reads one stream:
 *
 *   f32         [k][64]
 *   bf16        [k / 2][64][2]: pairs of steps, as the dot product of pairs takes them; an odd K ends in zeros
 *   int8        groups of 32 steps: [64] fp16 scales, then [k / 4][64][4] bytes: a code c of -127 .. 127 as c + 128
 *   int4        groups of 32 steps: [64] fp16 scales, then [k / 8][64] u32: eight codes, k % 8 = 0 in the lowest bits; a code c stands for c - 8
 *
 * A weight of int8 or int4 is scale * code. int8: scale = largest / 127. int4: of 16 scales between 0.7 and 1 times that which takes the largest
 * weight to -8 (it keeps its sign), the one with the least squared error. Columns and steps beyond the matrix are zeros. */
#ifndef ENGINE_OP_PACKED_WEIGHT_H
#define ENGINE_OP_PACKED_WEIGHT_H

#include "engine/graph/op_info.h"
#include "engine/op/op.h"

typedef enum { PACKED_F32, PACKED_BF16, PACKED_INT8, PACKED_INT4, N_PACKED_FORMATS } PackedFormat;
const char *packed_format_name(PackedFormat format);  /* "f32", "bf16", "int8", "int4" */

enum { PACKED_COLUMNS = 64, PACKED_GROUP = 32 };

typedef struct {
    int64_t n_in, n_out;   /* K and M, at least 1 */
    int32_t format;        /* PackedFormat */
    int32_t unused;
} PackedSpec;

int64_t packed_panels(const PackedSpec *spec);  /* how many */
int64_t packed_panel_bytes(const PackedSpec *spec);
int64_t packed_bytes(const PackedSpec *spec);

/* Packs w, [M, K] or [K, M] by layout, f32, bf16 or fp16 (PACKED_F32 of f32, PACKED_BF16 of bf16, int8 and int4 of any), on all threads. */
void packed_fill(void *packed, const PackedSpec *spec, const Tensor *w, WeightLayout layout);

/* The weight from input k to output m, as products use it. */
double packed_weight(const void *packed, const PackedSpec *spec, int64_t k, int64_t m);

/* Thirty-two inputs of a row as int8 and int4 meet them: q = x / scale rounded to 16 bits, the largest being +-PACKED_INPUT_MAX, so that products and
 * their sums over a group are whole numbers. Rounding moves x by 1.6e-5 of its group's largest at most, where a weight of int8 moves by 4e-3 of its own.
 * Largest values below 2^-100 count as zero; where one is not finite, scale is NaN. */
enum { PACKED_INPUT_MAX = 127 * 256 + 127 };
typedef struct {
    float scale;
    int32_t sum;  /* of q */
    union {
        int8_t digit[2][PACKED_GROUP];  /* q = 256 digit[0] + digit[1]: for instructions that multiply bytes */
        int16_t whole[PACKED_GROUP];    /* in the order of the kernel that reads them */
    } q;
} PackedInputs;
/* Whether this CPU multiplies bytes four at a time (AVX512_VNNI): whole numbers, so no bit depends on it. */
bool packed_has_vnni(void);
/* q, for a group whose largest is `largest`, finite. */
double packed_input(float x, float largest);

/* y[N, M] = x[N, K] * W + bias[M], where `packed` is a u8 state of packed_bytes(spec). Not differentiable.
 * Bits. f32 and bf16: those of linear (gemm.h), at every CPU level. int8 and int4: a group's
 * sum of q times code is exact, then total = total + (sum * input scale) * weight scale, in f32, the last fused, group by group; the bias is added last. So
 * a row never depends on its neighbours, nor on threads. */
Node *linear_packed(Graph *g, Node *x, Node *packed, Node *bias, const PackedSpec *spec);

/* Whether a call is linear() over a frozen parameter, and how that lies. */
bool linear_is_over_param(const Graph *g, const Call *call, WeightLayout *layout);

#endif
