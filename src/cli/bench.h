/* bench.h - the benches of `jikji bench`. argv[0] is the bench's name. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "base/err.h"

Err bench_peak(int argc, char **argv);
Err bench_train_command(int argc, char **argv);

#endif
