/* store.h - what outlives a run: parameters, gradients, moments, copies, caches.
 *
 * Parameters live in *buckets*: one slab of memory for all that share dtype, optimizer rule and weight decay. A parameter is a
 * named range with a shape inside a bucket; ranges start at multiples of 64 bytes and the gaps hold zeros forever. Elementwise
 * work (AdamW, norms, sums over ranks) loops over slabs; what needs shapes asks for ranges. A frozen bucket has no gradient
 * and no moments.
 *
 * A store is declared first, without memory: graphs are built, compiled and planned over it, and its bytes are known.
 * store_allocate then makes exactly those bytes. */
#ifndef ENGINE_GRAPH_STORE_H
#define ENGINE_GRAPH_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "engine/tensor/tensor.h"

#include <stdbool.h>

typedef struct Store Store;

typedef enum { STATE_PARAM, STATE_GRAD, STATE_MOMENT, STATE_COPY, STATE_CACHE, STATE_OTHER, N_STATE_KINDS } StateKind;
const char *state_kind_name(StateKind kind);  /* "parameters", "gradients", ... for tables */

typedef struct {
    const char *name;  /* "decay", "no_decay", "frozen" */
    DType dtype;       /* of the parameters; gradients and moments are f32 (f64 when this is f64) */
    bool trainable;
    bool decay;        /* weight decay applies */
} BucketSpec;

typedef struct {
    const char *name;  /* the Hugging Face name */
    int bucket;
    Shape shape;
    int64_t offset;    /* elements from the slab's start, the same in the slabs of gradients and moments */
    int n_grads;       /* gradient states: 1 + further uses (graph_differentiate); 0 before */
} Param;

typedef struct {
    const char *name;
    StateKind kind;
    DType dtype;
    Shape shape;
    int bucket;  /* of a bucket's slab, else -1 */
} State;

Store *store_new(void);
void store_free(Store *store);  /* NULL is fine; unmaps the memory */

int store_add_bucket(Store *store, const BucketSpec *spec);
/* `name` must be new. The offset is fixed when the parameter is added. */
void store_add_param(Store *store, int bucket, const char *name, Shape shape);
/* Another slab laid out like the bucket, named "<bucket>.<what>": "grad", "m", "v". Adding it twice is fine. */
void store_add_slab(Store *store, int bucket, const char *what, StateKind kind, DType dtype);
/* A state of its own. Adding it twice with equal dtype and shape is fine. */
void store_add_state(Store *store, const char *name, StateKind kind, DType dtype, Shape shape);

int store_n_buckets(const Store *store);
const BucketSpec *store_bucket(const Store *store, int bucket);
int64_t store_bucket_count(const Store *store, int bucket);  /* elements of its slab, gaps included */
int store_n_params(const Store *store);
const Param *store_param(const Store *store, int index);
int store_find_param(const Store *store, const char *name);  /* -1: none */
int store_n_states(const Store *store);  /* bucket slabs ("<bucket>.param" too) and other states */
const State *store_state(const Store *store, int index);
int store_find_state(const Store *store, const char *name);  /* -1: none */
int64_t store_n_param_elements(const Store *store);          /* without gaps: "124,439,808 parameters" */

/* Exact bytes of all states, or of one kind, mapped or not. */
int64_t store_bytes(const Store *store);
int64_t store_kind_bytes(const Store *store, StateKind kind);

/* Maps memory for every state that has none yet, zeroed. ERR_MEMORY says how much was asked. */
Err store_allocate(Store *store);
/* Makes all that is mapped resident now (memory_touch). */
void store_touch(const Store *store);
/* The tensor of a state; data is NULL before store_allocate. */
Tensor store_state_tensor(const Store *store, int index);
/* A parameter's range in its own slab (what NULL) or in slab "<bucket>.<what>". */
Tensor store_param_tensor(const Store *store, int param, const char *what);
/* For graph_differentiate: the gradient state of a parameter's next use. Returns the state's index; *offset is the parameter's place in
 * it. use 0 is the slab "<bucket>.grad", use k a state "<name>:grad<k>". */
int store_param_grad(Store *store, int param, int use, int64_t *offset);

#endif
