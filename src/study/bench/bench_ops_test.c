/* bench_ops_test.c - the verdict on operators. */
#include "study/bench/bench_ops.h"

#include "base/test.h"

#include <math.h>

/* Goal: only what takes more than 3 % of the step is judged, by 60 % of its roofline; one without a measurement is not called near. */
TEST(bench_ops, judges_what_takes_long)
{
    CHECK_EQUAL(bench_op_verdict(&(BenchOp){.share = 0.029, .roofline_share = 0.1}), OP_IS_SMALL);
    CHECK_EQUAL(bench_op_verdict(&(BenchOp){.share = 0.031, .roofline_share = 0.59}), OP_IS_FAR);
    CHECK_EQUAL(bench_op_verdict(&(BenchOp){.share = 0.031, .roofline_share = 0.61}), OP_IS_NEAR);
    CHECK_EQUAL(bench_op_verdict(&(BenchOp){.share = 0.5, .roofline_share = NAN}), OP_IS_FAR);
}
