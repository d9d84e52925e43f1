/* program_internal.h - a compiled program, shared by running it and telling about it. */
#ifndef ENGINE_GRAPH_PROGRAM_INTERNAL_H
#define ENGINE_GRAPH_PROGRAM_INTERNAL_H

#include "engine/graph/graph_internal.h"
#include "engine/graph/memory_plan.h"
#include "engine/graph/program.h"

#include <stdatomic.h>

/* A call with its kernel and, once bound, its tensors. */
typedef struct {
    Call *call;
    KernelFn kernel;  /* NULL: a view */
    KernelCall args;
    Cost cost;
    int64_t workspace_offset;
    int group;       /* of calls that strands run (strands.h), or -1 */
    double seconds;  /* while profiling */
    int64_t n_runs;
} BoundCall;

/* A tensor whose first dimension follows a bound. */
typedef struct {
    Tensor *tensor;
    int bound_id;
} BoundTensor;

/* Calls [begin, end) of one segment, whose tokens are those of one bound. */
typedef struct {
    int begin, end, bound_id;
} StrandGroup;

/* How far a strand has come: calls of its group that it has done. */
typedef struct {
    _Alignas(128) atomic_int n_done;
} StrandProgress;

/* What strands need to run; see strands.h. */
typedef struct {
    StrandGroup *group;
    int n_groups;
    KernelCall *args;           /* [strand][call] the call upon the strand's rows */
    int64_t *n_rows;            /* [group] live rows for which args were cut, */
    int *n_cut;                 /* [group] into so many strands */
    StrandProgress *progress;   /* [strand] */
    int64_t workspace_bytes, workspace_offset;  /* of each strand, [strand]: of the call at hand, then of those whose sums are added later, so many bytes each, */
    int64_t apart_bytes;                        /* [call % STRANDS_WINDOW] */
} Strands;

/* How a thread of a crew comes through a call; see crew.h. */
typedef enum { CREW_ONE, CREW_COPY, CREW_SHARE } CrewWay;
typedef struct {
    CrewWay way;
    bool waits;  /* for all threads, before it */
    int next;    /* this call, or the next that tells what it reads (OpInfo.share_reads); -1: none comes */
    int64_t in_first[OP_INPUTS_MAX], in_step[OP_INPUTS_MAX], out_first[OP_OUTPUTS_MAX], out_step[OP_OUTPUTS_MAX];
                 /* bytes from a value to thread 1's copy of it, and from there to each next one's; 0: all threads have the same */
} CrewCall;

/* Places before which a thread has waited, or has come to wait. */
typedef struct {
    _Alignas(128) atomic_int n_reached;
} CrewProgress;

typedef struct {
    CrewCall *call;          /* [call]; NULL: no crew */
    CrewProgress *progress;  /* [thread] */
} Crew;

struct Program {
    Arena *arena;
    const Graph *graph;
    ProgramPlan plan;
    BoundCall *calls;
    int n_calls;
    Strands strands;
    Crew crew;
    int segment_end[N_SEGMENTS];
    int64_t *node_offset;  /* per node: in the slab, or among the inputs; -1: dead or not ours */
    Buffer *buffers;       /* values, for the memory map */
    int n_buffers;
    int64_t *bound_live;
    BoundTensor *bounded;
    int n_bounded;
    Tensor *node_tensors;  /* inputs and outputs, for the host */
    void *memory;
    size_t memory_bytes;
    char *slab, *inputs;
    bool bound, profiling;
    void (*heard)(void *context, const CallTiming *timing);  /* NULL: nobody listens */
    void *heard_context;
};

/* Remembers what a call took, and tells who listens. */
void program_note(Program *p, BoundCall *bound, double start, double seconds);

void cost_add(Cost *sum, const Cost *cost);

#endif
