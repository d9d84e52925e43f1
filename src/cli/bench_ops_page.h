/* bench_ops_page.h - the roofline of `jikji bench ops` as a page. */
#ifndef CLI_BENCH_OPS_PAGE_H
#define CLI_BENCH_OPS_PAGE_H

#include "study/bench/bench_ops.h"

typedef struct {
    const char *name;  /* of the model */
    BenchTrainOptions options;
    BenchOpsReport report;
} BenchOpsRun;

/* Writes the page, whole or not at all. ERR_IO. */
Err bench_ops_page_write(const BenchOpsRun *run, const char *path);
/* Shares of the step and of the roofline alone, as an SVG image. ERR_IO. */
Err bench_ops_svg_write(const BenchOpsRun *run, const char *path);

#endif
