/* op_table.c - every operator, one row each. */
#include "engine/graph/op_info.h"
#include "engine/op/op.h"

/* clang-format off */
#define OPERATORS(ROW)                                                               \
    ROW(linear) ROW(linear_in_out) ROW(linear_packed)                                \
    ROW(linear_then) ROW(linear_in_out_then) ROW(linear_packed_then) ROW(pack_panels) \
    ROW(linear_grad_weight) ROW(linear_in_out_grad_weight) ROW(linear_grad_bias)     \
    ROW(embedding) ROW(embedding_backward) ROW(gather_rows) ROW(shift_ids)           \
    ROW(add) ROW(mul) ROW(scale) ROW(cast)                                           \
    ROW(gelu_tanh) ROW(gelu_tanh_backward) ROW(gelu_tanh_slope)                      \
    ROW(silu_gate) ROW(silu_gate_backward)                                           \
    ROW(relu) ROW(relu_backward) ROW(gelu_erf) ROW(gelu_erf_backward)                \
    ROW(softcap) ROW(softcap_backward) ROW(dropout)                                  \
    ROW(layernorm) ROW(layernorm_backward)                                           \
    ROW(rmsnorm) ROW(rmsnorm_backward)                                               \
    ROW(rotary)                                                                      \
    ROW(matmul_nn) ROW(matmul_nt) ROW(matmul_tn) ROW(matmul_tt)                      \
    ROW(attention) ROW(attention_backward) ROW(cache_write)                          \
    ROW(linear_cross_entropy) ROW(linear_cross_entropy_grad)                         \
    ROW(sum) ROW(sum_backward)                                                       \
    ROW(view) ROW(split) ROW(concat) ROW(fill)                                       \
    ROW(state_fill) ROW(state_add) ROW(state_store) ROW(exponent_count)                                  \
    ROW(offload_put) ROW(offload_put_done) ROW(offload_get) ROW(offload_get_done)       \
    ROW(grad_norm) ROW(adamw)
/* clang-format on */

#define DECLARE(name) extern const OpInfo name##_info;
OPERATORS(DECLARE)

#define ADDRESS(name) &name##_info,
const OpInfo *const op_table[] = {OPERATORS(ADDRESS)};
const int op_table_count = sizeof op_table / sizeof op_table[0];
