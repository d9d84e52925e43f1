/* program.h - a compiled graph: memory planned, ready to run.
 *
 * Compile needs no memory, no weights and no device: order, liveness, offsets in one slab, bytes and FLOPs are known afterwards,
 * and plan and simulate stop there. Bind maps exactly the planned bytes. A run then calls kernels in order and allocates nothing. */
#ifndef ENGINE_GRAPH_PROGRAM_H
#define ENGINE_GRAPH_PROGRAM_H

#include "engine/graph/graph.h"
#include "engine/graph/op_info.h"

typedef struct Program Program;

typedef struct {
    Backend backend;
} CompileOptions;

/* ERR_USAGE: the graph's first mistake; ERR_UNSUPPORTED: a call without a kernel on this backend, by name. The program borrows
 * the graph, which must outlive it and must not be changed any more. */
Err graph_compile(Program **out, Graph *g, const CompileOptions *options);
void program_free(Program *program);  /* NULL is fine */

/* What a bound program holds beside the store, in bytes. */
typedef struct {
    int64_t slab_bytes;       /* activations and their gradients, shared by liveness, and workspaces */
    int64_t workspace_bytes;  /* the largest of any call, inside slab_bytes */
    int64_t input_bytes;      /* inputs */
    int64_t n_calls;
    Cost cost[N_SEGMENTS];    /* one run of each segment at maximal size */
    Cost repeats;             /* of that, what makes values once more that were not kept (pass/recompute.h) */
} ProgramPlan;
const ProgramPlan *program_plan(const Program *program);

/* Maps slab and inputs; the store must be allocated. */
Err program_bind(Program *program);
/* Makes the mapped memory resident now (memory_touch): a first run is then as fast as the next. */
void program_touch(const Program *program);
/* A host-written input. Fill `data` (row-major) before a run; the shape is the maximal one. Asserts that the graph has it. */
Tensor *program_input(Program *program, const char *name);
/* A kept output after a run, live size. Asserts that the graph has it. */
const Tensor *program_output(Program *program, const char *name);
bool program_has_input(const Program *program, const char *name);
bool program_has_output(const Program *program, const char *name);
/* The live size of a bound dimension, 0 .. max. Starts at the maximum. */
void program_set_bound(Program *program, const char *name, int64_t n);

void program_run(Program *program, Segment segment);
/* All segments in order: for programs of one segment. */
void program_run_all(Program *program);

/* Seconds that one run of all segments takes, by the costs of its calls: all of them, and those that repeat others. */
typedef struct {
    double all, repeats;
} ProgramSeconds;
ProgramSeconds program_forecast(const Program *program, const MachineRates *rates);
/* The same as measured since program_profile switched measuring on; sums over the runs. */
ProgramSeconds program_seconds(const Program *program);

/* Seconds and FLOPs by operator since switched on; measuring costs two clock reads a call and is off at first. */
void program_profile(Program *program, bool on);
const char *program_profile_text(const Program *program, Arena *arena);

/* What one call of a run was. Names are borrowed from the graph. */
typedef struct {
    const char *name, *op;
    Segment segment;
    bool repeats;    /* recompute: an earlier call's values once more */
    Cost cost;       /* at maximal size */
    double state_bytes;  /* of its inputs, those that are states, whole */
    DType dtype;     /* of its first output, as its shape */
    Shape shape;
    double start, seconds;  /* start: by clock_seconds */
} CallTiming;
/* From now on `heard` is told of every kernel that ran, right after it; NULL: no more. */
void program_listen(Program *program, void (*heard)(void *context, const CallTiming *timing), void *context);

/* One line a buffer: offset, bytes, first and last call: the memory map of a step. */
const char *program_memory_text(const Program *program, Arena *arena);

#endif
