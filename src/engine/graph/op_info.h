/* op_info.h - what an operator tells the engine; for authors of operators and passes.
 *
 * One operator, one file, one OpInfo, one row in op/op_table.c. The engine never names an operator: all it knows stands here.
 *
 *   infer     inputs and attributes -> outputs (dtype, shape, bound, alias), workspace bytes. Called again when a pass changes inputs.
 *   derive    output gradients -> gradients of the wanted inputs, as graph nodes.
 *   cost      FLOPs and bytes of one call at its maximal size; plan and simulate read it.
 *   axes      a letter per dimension, inputs "," separated "->" outputs: "nk,mk,m->nm". A letter absent on the right is summed; upper
 *             case must stay whole (softmax, norm); "~" after a letter: ragged (rows belong to sequences).
 *   parts_at  OP_ROWS whose rows depend on other tokens', too: whether none from `row` on has to do with one before. Reads integer inputs only.
 *   shares    whether the kernel can make such a call of one token in shares, one a thread, of which none waits for another (crew.h).
 *   share_reads  where the share of a call begins to read what lies in memory and no call of the run writes, weights or earlier tokens' keys, and how many bytes it
 *             reads from there on; NULL: nothing.
 *   reference the plain kernel: any float dtype, computes in double, reads like the formula; judges the fast ones.
 *   cpu       fast kernels by CPU level, f32 and bf16.  NULL entries: the operator does not run there (a view needs none). */
#ifndef ENGINE_GRAPH_OP_INFO_H
#define ENGINE_GRAPH_OP_INFO_H

#include "base/cpu_level.h"
#include "engine/graph/graph.h"

enum { OP_INPUTS_MAX = 12, OP_OUTPUTS_MAX = 4 };

typedef struct OpInfo OpInfo;
typedef struct Call Call;

typedef enum { BACKEND_REFERENCE, BACKEND_CPU } Backend;

/* How autocast treats an operator's f32 inputs. */
typedef enum {
    PRECISION_KEEP,     /* f32 stays f32: losses, norms' statistics, optimizers */
    PRECISION_COMPUTE,  /* cast to the compute dtype: matrix products, attention */
    PRECISION_FOLLOW,   /* whatever comes: additions, activations */
} PrecisionClass;

typedef enum {
    OP_PURE = 1 << 0,          /* same inputs, same outputs, nothing else: may be recomputed, or dropped when unused */
    OP_RANDOM = 1 << 1,        /* draws random numbers (philox, by its logical id) */
    OP_COLLECTIVE = 1 << 2,    /* all ranks must call it */
    OP_WRITES_STATE = 1 << 3,  /* some output is an input changed in place (OutSpec.writes) */
    OP_VIEW = 1 << 4,          /* every output is a window on input 0; no kernel, no bytes */
    OP_CHEAP = 1 << 5,         /* worth recomputing rather than keeping */
    OP_ROWS = 1 << 6,          /* where outputs have a row a token, it depends on the same token's row of inputs that have one, and on the others whole */
    OP_LEAVES = 1 << 7,        /* the same; and what it writes is added to, leaf of tokens after leaf: whole leaves may be given in several calls */
    OP_LEAVES_APART = 1 << 8,  /* with OP_LEAVES: sums of leaves lie in the workspace and can be added later than the rows are made (LeafPart) */
    OP_HEADS = 1 << 9,         /* shares: share i of n has the key heads [H i / n, H (i + 1) / n), and touches no others of states that have such heads */
} OpFlags;

/* What is wanted of an operator that is OP_LEAVES_APART; of any other, both. */
typedef enum {
    LEAVES_MADE_AND_ADDED,
    LEAVES_MADE,   /* rows, and the leaves' sums, which stay in the workspace */
    LEAVES_ADDED,  /* those sums, to what they are added to */
} LeafPart;

/* What a kernel gets. Tensors have their live size; an absent optional input has data == NULL. Kernels allocate nothing, and cut
 * work by size, never by the number of threads: the same bits on any number. */
typedef struct {
    const Tensor *in;
    int n_in;
    Tensor *out;
    int n_out;
    void *workspace;  /* 64-byte aligned, infer's workspace_bytes; content undefined */
    const void *attr;
    int64_t first_row;  /* of the tokens, where this call gets a stretch of them: what an input says of rows counts from row 0 */
    LeafPart part;
    int share, n_shares;  /* of a call that `shares`: what is to be made of it, while other threads make the others; 0 of 0: all, on all threads */
} KernelCall;
typedef void (*KernelFn)(const KernelCall *call);

/* FLOPs: one multiply-add is two. Bytes as a perfect cache would move them: each input read once, each output written once. */
typedef struct {
    double matmul_flops;  /* inside matrix products and attention */
    double other_flops;
    double bytes_read, bytes_written, bytes_sent;
} Cost;

typedef struct {
    DType dtype;
    Shape shape;
    int bound;       /* of dim[0]; 0: none */
    int alias;       /* input index whose memory this output is, -1: memory of its own */
    bool writes;     /* alias only: the call changes it in place */
    int64_t offset;  /* alias only: elements from the input's first element */
    int64_t stride[TENSOR_DIMS_MAX];  /* alias views only; all zero: row-major */
} OutSpec;

typedef struct {
    Graph *g;
    const char *name;  /* of the call */
    Node *const *in;   /* NULL entries: absent optional inputs */
    int n_in;
    const void *attr;
    OutSpec out[OP_OUTPUTS_MAX];  /* zeroed; alias preset to -1 */
    int n_out;                    /* preset to 1 */
    size_t workspace_bytes;
    bool failed;
} Infer;
/* Marks the graph: "h.0.attn.linear: x is [64, 128], w is [512, 127]: the inner sizes differ". */
void infer_fail(Infer *infer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Output `o` like input `i` (dtype, shape, bound), in memory of its own. */
void infer_like(Infer *infer, int o, int i);
/* "f32 [64, 128]", for messages; lives as long as the graph. */
const char *infer_describe(Infer *infer, int i);

/* What derive gets; pass/differentiate.h fills it. */
typedef struct Derive Derive;
struct Derive {
    Graph *g;
    const Call *call;
    Node *const *in;   /* the call's inputs */
    Node *const *out;  /* the call's outputs */
    Node *const *dy;   /* a gradient per output; NULL where nothing depends on it */
    const bool *wanted;
    Node *dx[OP_INPUTS_MAX];  /* to be filled for wanted inputs; same shape as the input, any float dtype */
    const void *attr;
    Node *(*sink)(Derive *derive, int i);
};
/* Where a sum over tokens goes: the f32 gradient state of input `i` if that is a parameter (or a copy of one), else a fresh value of
 * zeros. An operator that adds to it records a call whose output aliases and writes it, and returns that output as dx[i]. */
static inline Node *derive_sink(Derive *derive, int i)
{
    return derive->sink(derive, i);
}
/* Replaces a forward value by one that the derivative computes anyway (the loss beside its gradient): uses of `old` read `by` from now on,
 * and the forward call is dropped when nothing else needs it. `by` must not depend on `old`. */
void graph_supersede(Graph *g, Node *old, Node *by);
static inline void derive_supersede(Derive *derive, Node *old, Node *by)
{
    graph_supersede(derive->g, old, by);
}

enum { OP_LEVELS = CPU_AVX512 + 1 };

struct OpInfo {
    const char *name;
    const char *axes;
    unsigned flags;
    PrecisionClass precision;
    unsigned keep_inputs;  /* PRECISION_COMPUTE only: bit i set: input i is not cast (a bias, weights of a loss) */
    void (*infer)(Infer *infer);
    void (*derive)(Derive *derive);              /* NULL: deriving through it marks the graph */
    void (*cost)(const Call *call, Cost *cost);  /* NULL: bytes only, counted by the engine */
    bool (*parts_at)(const KernelCall *call, int64_t row);  /* NULL: everywhere */
    bool (*shares)(const Call *call);                                      /* NULL: no */
    const void *(*share_reads)(const KernelCall *call, int64_t *n_bytes);  /* NULL: nothing */
    void (*round_output)(Graph *g, Call *call, DType dtype);  /* output 0, an f32, is made in this half format from now on; NULL: it cannot be */
    Node *(*copy_rounded)(Graph *g, Call *call, DType dtype);  /* output 0, an f32, is made once more, in this half format: the new, last output; NULL: there is
                                                                * one already. The hook NULL: it cannot be */
    KernelFn reference;
    KernelFn cpu[OP_LEVELS];  /* by CpuLevel; CPU_AVX512 serves the levels above it (base/kernel.h) */
};

/* A kernel of a *_cpu.c file at its levels. */
#define OP_KERNELS(name) {name##_portable, name##_avx2, name##_avx512}
/* One function that picks kernels itself. */
#define OP_KERNEL_AT_ALL_LEVELS(function) {function, function, function}
#define OP_KERNELS_DECLARE(name)                   \
    void name##_portable(const KernelCall *call);  \
    void name##_avx2(const KernelCall *call);      \
    void name##_avx512(const KernelCall *call)

struct Call {
    const OpInfo *op;
    const char *name;  /* "h.0.attn.linear" */
    int id;            /* in order of recording: the logical id of random operators */
    Segment segment;
    int n_in, n_out;
    Node *in[OP_INPUTS_MAX];
    Node *out[OP_OUTPUTS_MAX];
    const void *attr;
    size_t attr_bytes;
    size_t workspace_bytes;
    const Call *repeats;  /* the call whose values this one makes once more (recompute); NULL: an original */
};

typedef enum { NODE_CALL, NODE_INPUT, NODE_STATE } NodeKind;

struct Node {
    NodeKind kind;
    const char *name;
    int id;
    DType dtype;
    Shape shape;
    int64_t stride[TENSOR_DIMS_MAX];
    int bound;
    Call *call;      /* NODE_CALL */
    int index;       /* NODE_CALL: which output */
    Node *alias;     /* shares this node's memory, `offset` elements in; NULL: own memory */
    int64_t offset;  /* of an alias in its node, of a state node in its state */
    bool writes;     /* alias that the call changes in place */
    int state;       /* NODE_STATE: index in the store, else -1 */
    int param;       /* the parameter this is, or is a copy of; else -1 */
    bool is_output;
};

/* The state that this node's memory lies in, through any windows, or -1. */
int node_state_root(const Node *node);

/* Records a call. in[i] may be NULL for an absent optional input. The attribute bytes are copied: clear padding with = {0}. Returns the first
 * output; never NULL, also when the call is wrong. */
Node *graph_call(Graph *g, const OpInfo *op, Node *const *in, int n_in, const void *attr, size_t attr_bytes);

/* Records `call` once more over other inputs: its values are made again, so that the first ones need not be kept. Random operators draw the
 * same numbers. Returns the new call's first output. */
Node *graph_repeat_call(Graph *g, const Call *call, Node *const *in);

/* What one run of a call costs at its maximal size. */
void call_cost(const Call *call, Cost *cost);
/* Seconds that a cost takes on a machine of such rates: products and the rest one after the other, each bound by arithmetic or by memory. */
typedef struct {
    double matmul_flops, other_flops, bytes;  /* a second */
} MachineRates;
MachineRates machine_rates_typical(void);  /* of two cores: for shares of time, where only proportions count */
double cost_seconds(const Cost *cost, const MachineRates *rates);

/* For passes: the calls in order of recording; inputs may be exchanged; graph_reinfer then
 * recomputes a call's outputs. A pass that walks in order reinfers every call, since each sees what the ones before became. */
int graph_n_calls(const Graph *g);
int graph_n_nodes(const Graph *g);
Node *graph_node_at(Graph *g, int id);
Call *graph_call_at(Graph *g, int index);
void graph_reinfer(Graph *g, Call *call);
/* Exchanges a call's attribute, attr_bytes long as before, and infers again; what infer says of more outputs than before becomes new nodes. */
void graph_set_attr(Graph *g, Call *call, const void *attr);
/* New calls go right before the call at `index` until graph_insert_end: a pass inserts casts. */
void graph_insert_before(Graph *g, int index);
void graph_insert_end(Graph *g);

#endif
