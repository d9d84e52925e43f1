/* memory_plan.h - offsets for buffers that live at different times in one slab (room-internal door of memory_plan.c). */
#ifndef ENGINE_GRAPH_MEMORY_PLAN_H
#define ENGINE_GRAPH_MEMORY_PLAN_H

#include <stdint.h>

typedef struct {
    int64_t n_bytes;
    int first, last;  /* call indices, inclusive: the time during which the bytes must be kept */
    int64_t offset;   /* the result */
} Buffer;

/* Gives every buffer an offset (a multiple of 64) such that no two that live at the same time overlap. Returns the slab's bytes. Greedy by size,
 * largest first, each at the lowest place that is free during its life (Pisarchyk & Lee 2020, arXiv:2001.03288, "greedy by size").
 *
 * Where that makes the slab no larger, a buffer lies where one of its size lies at another time: threads share rows out alike, so a thread then writes
 * where it wrote before, and no line has to come from another core's cache. */
int64_t memory_plan(Buffer *buffers, int n_buffers);

#endif
