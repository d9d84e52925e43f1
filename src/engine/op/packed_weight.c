/* packed_weight.c - see packed_weight.h. */
#include "engine/op/packed_weight.h"

#include "base/parallel.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { SCALE_BYTES = 2 * PACKED_COLUMNS, INT8_GROUP_BYTES = SCALE_BYTES + PACKED_GROUP * PACKED_COLUMNS,
       INT4_GROUP_BYTES = SCALE_BYTES + PACKED_GROUP * PACKED_COLUMNS / 2, INT4_TRIALS = 16 };

const char *packed_format_name(PackedFormat format)
{
    static const char *const names[N_PACKED_FORMATS] = {"f32", "bf16", "int8", "int4"};
    return names[format];
}

static int64_t divide_up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit;
}

int64_t packed_panels(const PackedSpec *spec)
{
    return divide_up(spec->n_out, PACKED_COLUMNS);
}

int64_t packed_panel_bytes(const PackedSpec *spec)
{
    int64_t n_groups = divide_up(spec->n_in, PACKED_GROUP);
    switch ((PackedFormat)spec->format) {
    case PACKED_F32: return 4 * PACKED_COLUMNS * spec->n_in;
    case PACKED_BF16: return 4 * PACKED_COLUMNS * divide_up(spec->n_in, 2);
    case PACKED_INT8: return n_groups * INT8_GROUP_BYTES;
    default: return n_groups * INT4_GROUP_BYTES;
    }
}

int64_t packed_bytes(const PackedSpec *spec)
{
    return packed_panels(spec) * packed_panel_bytes(spec);
}

/* Where step k of column c lies in a panel of bf16. */
static int64_t bf16_place(int64_t k, int64_t c)
{
    return (k / 2 * PACKED_COLUMNS + c) * 2 + k % 2;
}

/* Where the code of step i and column c lies in a group. */
static int64_t int8_place(int64_t i, int64_t c)
{
    return SCALE_BYTES + i / 4 * 4 * PACKED_COLUMNS + 4 * c + i % 4;
}

/* ---- packing ---- */

typedef struct {
    char *to;
    const PackedSpec *spec;
    const Tensor *w;
    int64_t k_stride, m_stride;
} Packing;

static float weight_at(const Packing *p, int64_t k, int64_t m)
{
    if (k >= p->spec->n_in || m >= p->spec->n_out)
        return 0.0f;
    int64_t at = k * p->k_stride + m * p->m_stride;
    if (p->w->dtype == DTYPE_F32)
        return ((const float *)p->w->data)[at];
    uint16_t half = ((const uint16_t *)p->w->data)[at];
    return p->w->dtype == DTYPE_BF16 ? f32_from_bf16(half) : f32_from_f16(half);
}

static void fill_f32(const Packing *p, float *panel, int64_t first)
{
    for (int64_t k = 0; k < p->spec->n_in; k++)
        for (int64_t c = 0; c < PACKED_COLUMNS; c++)
            panel[k * PACKED_COLUMNS + c] = weight_at(p, k, first + c);
}

static void fill_bf16(const Packing *p, uint16_t *panel, int64_t first)
{
    for (int64_t k = 0; k < p->spec->n_in + p->spec->n_in % 2; k++)
        for (int64_t c = 0; c < PACKED_COLUMNS; c++)
            panel[bf16_place(k, c)] = bf16_from_f32(weight_at(p, k, first + c));  /* exact */
}

/* fp16, the largest finite one at most: an infinite scale would make 0 * inf of a zero. */
static uint16_t scale_to_f16(float scale)
{
    uint16_t half = f16_from_f32(scale);
    return (half & 0x7fff) == 0x7c00 ? (uint16_t)(half - 1) : half;
}

static float code_of(float w, float scale, float least, float most)
{
    float code = scale != 0.0f ? rintf(w / scale) : 0.0f;
    return code < least ? least : code > most ? most : code;
}

static uint16_t scale_of_int8(const float *w)
{
    float largest = 0.0f;
    for (int i = 0; i < PACKED_GROUP; i++)
        largest = fmaxf(largest, fabsf(w[i]));
    return scale_to_f16(largest / 127.0f);
}

static double squared_error(const float *w, float scale)
{
    double sum = 0.0;
    for (int i = 0; i < PACKED_GROUP; i++) {
        double error = (double)w[i] - (double)(scale * code_of(w[i], scale, -8.0f, 7.0f));
        sum += error * error;
    }
    return sum;
}

static uint16_t scale_of_int4(const float *w)
{
    float extreme = 0.0f;
    for (int i = 0; i < PACKED_GROUP; i++)
        extreme = fabsf(w[i]) > fabsf(extreme) ? w[i] : extreme;
    uint16_t best = 0;
    double least = INFINITY;
    for (int t = 0; t < INT4_TRIALS; t++) {
        uint16_t scale = scale_to_f16(extreme / -8.0f * (1.0f - 0.02f * (float)t));
        double error = squared_error(w, f32_from_f16(scale));
        if (error < least) {
            least = error;
            best = scale;
        }
    }
    return best;
}

static void fill_group(const Packing *p, char *group, int64_t first_k, int64_t m, int64_t c)
{
    float w[PACKED_GROUP];
    for (int i = 0; i < PACKED_GROUP; i++)
        w[i] = weight_at(p, first_k + i, m);
    bool is_int8 = p->spec->format == PACKED_INT8;
    uint16_t half = is_int8 ? scale_of_int8(w) : scale_of_int4(w);
    float scale = f32_from_f16(half);
    ((uint16_t *)group)[c] = half;
    for (int i = 0; i < PACKED_GROUP; i++)
        if (is_int8)
            ((uint8_t *)group)[int8_place(i, c)] = (uint8_t)(code_of(w[i], scale, -127.0f, 127.0f) + 128.0f);
        else
            ((uint32_t *)(group + SCALE_BYTES))[i / 8 * PACKED_COLUMNS + c] |= (uint32_t)(code_of(w[i], scale, -8.0f, 7.0f) + 8.0f) << i % 8 * 4;
}

static void fill_groups(const Packing *p, char *panel, int64_t first)
{
    int64_t n_bytes = p->spec->format == PACKED_INT8 ? INT8_GROUP_BYTES : INT4_GROUP_BYTES;
    memset(panel, 0, (size_t)packed_panel_bytes(p->spec));
    for (int64_t k = 0; k < p->spec->n_in; k += PACKED_GROUP, panel += n_bytes)
        for (int64_t c = 0; c < PACKED_COLUMNS; c++)
            fill_group(p, panel, k, first + c, c);
}

static void fill_panel(void *context, int64_t index)
{
    const Packing *p = context;
    char *panel = p->to + index * packed_panel_bytes(p->spec);
    if (p->spec->format == PACKED_F32)
        fill_f32(p, (float *)panel, index * PACKED_COLUMNS);
    else if (p->spec->format == PACKED_BF16)
        fill_bf16(p, (uint16_t *)panel, index * PACKED_COLUMNS);
    else
        fill_groups(p, panel, index * PACKED_COLUMNS);
}

void packed_fill(void *packed, const PackedSpec *spec, const Tensor *w, WeightLayout layout)
{
    bool out_in = layout == WEIGHT_OUT_IN;
    assert(w->dtype == DTYPE_F32 || w->dtype == DTYPE_BF16 || w->dtype == DTYPE_F16);
    assert(spec->format >= PACKED_INT8 || w->dtype == (spec->format == PACKED_F32 ? DTYPE_F32 : DTYPE_BF16));
    assert(tensor_dim(w, out_in ? 1 : 0) == spec->n_in && tensor_dim(w, out_in ? 0 : 1) == spec->n_out);
    Packing p = {packed, spec, w, w->stride[out_in ? 1 : 0], w->stride[out_in ? 0 : 1]};
    parallel_for(divide_up(spec->n_out, PACKED_COLUMNS), fill_panel, &p);
}

/* ---- reading ---- */

bool packed_has_vnni(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512vnni");
#else
    return false;
#endif
}

double packed_input(float x, float largest)
{
    float magic = 12582912.0f;  /* 1.5 * 2^23: adding it rounds to an integer, ties to even */
    float size = x * ((float)PACKED_INPUT_MAX / largest);
    return largest < 0x1p-100f ? 0.0 : (double)(size + magic - magic);
}

double packed_weight(const void *packed, const PackedSpec *spec, int64_t k, int64_t m)
{
    const char *panel = (const char *)packed + m / PACKED_COLUMNS * packed_panel_bytes(spec);
    int64_t c = m % PACKED_COLUMNS, i = k % PACKED_GROUP;
    if (spec->format == PACKED_F32)
        return (double)((const float *)panel)[k * PACKED_COLUMNS + c];
    if (spec->format == PACKED_BF16)
        return (double)f32_from_bf16(((const uint16_t *)panel)[bf16_place(k, c)]);
    const char *group = panel + k / PACKED_GROUP * (spec->format == PACKED_INT8 ? INT8_GROUP_BYTES : INT4_GROUP_BYTES);
    double scale = (double)f32_from_f16(((const uint16_t *)group)[c]);
    if (spec->format == PACKED_INT8)
        return scale * (((const uint8_t *)group)[int8_place(i, c)] - 128);
    return scale * ((int)(((const uint32_t *)(group + SCALE_BYTES))[i / 8 * PACKED_COLUMNS + c] >> i % 8 * 4 & 15) - 8);
}
