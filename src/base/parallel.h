/* parallel.h - work on all cores with results that do not depend on how many there are.
 *
 * Work is cut by the problem's size, never by the number of threads; each piece is computed whole by one thread, and sums
 * over pieces are added in piece order. Kernels use these loops or OpenMP directly under the same rule. */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stdint.h>

/* The number of threads loops use: OMP_NUM_THREADS, else the CPUs this process may run on. */
int parallel_threads(void);
void parallel_set_threads(int n_threads);  /* >= 1 */
int parallel_thread_index(void);           /* inside a loop: 0 .. parallel_threads()-1 */

/* Of a thread that waits for another: the n-th time in a row that there was nothing to do. After some 0.1 milliseconds it gives its core away. */
void parallel_pause(int n);

/* Calls body(context, piece) for each piece in [0, n_pieces), dynamically shared out. */
void parallel_for(int64_t n_pieces, void (*body)(void *context, int64_t piece), void *context);

/* Sum of n values in an order fixed by n alone: blocks of 4096 summed from the left in double, then the blocks from the left. */
double parallel_sum_f32(const float *values, int64_t n);
double parallel_sum_squares_f32(const float *values, int64_t n);

#endif
