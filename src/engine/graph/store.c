/* store.c - buckets, parameters and states, and the one mapping that holds them. */
#include "engine/graph/store.h"

#include "base/file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_BYTES = 64 };

typedef struct {
    void *block;
    size_t n_bytes;
} Mapping;

struct Store {
    Arena *arena;  /* names */
    BucketSpec *buckets;
    int64_t *bucket_counts;
    int n_buckets;
    Param *params;
    int n_params, params_capacity;
    State *states;
    void **data;  /* per state */
    int n_states, states_capacity;
    Mapping *mappings;
    int n_mappings;
};

static const char *const kind_names[N_STATE_KINDS] = {
    [STATE_PARAM] = "parameters", [STATE_GRAD] = "gradients", [STATE_MOMENT] = "moments",
    [STATE_COPY] = "copies",      [STATE_CACHE] = "caches",   [STATE_OTHER] = "other",
};

const char *state_kind_name(StateKind kind)
{
    return kind_names[kind];
}

Store *store_new(void)
{
    Store *store = mem_alloc(sizeof *store);
    store->arena = arena_new();
    return store;
}

void store_free(Store *store)
{
    if (!store)
        return;
    for (int i = 0; i < store->n_mappings; i++)
        memory_unmap(store->mappings[i].block, store->mappings[i].n_bytes);
    free(store->mappings);
    free(store->buckets);
    free(store->bucket_counts);
    free(store->params);
    free(store->states);
    free(store->data);
    arena_free(store->arena);
    free(store);
}

/* ---- declaring ---- */

static int store_push_state(Store *store, State state)
{
    if (store->n_states == store->states_capacity) {
        store->states_capacity = store->states_capacity ? 2 * store->states_capacity : 32;
        store->states = mem_realloc(store->states, sizeof *store->states * (size_t)store->states_capacity);
        store->data = mem_realloc(store->data, sizeof *store->data * (size_t)store->states_capacity);
    }
    state.name = arena_strdup(store->arena, state.name);
    store->states[store->n_states] = state;
    store->data[store->n_states] = NULL;
    return store->n_states++;
}

int store_add_bucket(Store *store, const BucketSpec *spec)
{
    int bucket = store->n_buckets++;
    store->buckets = mem_realloc(store->buckets, sizeof *store->buckets * (size_t)store->n_buckets);
    store->bucket_counts = mem_realloc(store->bucket_counts, sizeof(int64_t) * (size_t)store->n_buckets);
    store->buckets[bucket] = *spec;
    store->buckets[bucket].name = arena_strdup(store->arena, spec->name);
    store->bucket_counts[bucket] = 0;
    store_add_slab(store, bucket, "param", STATE_PARAM, spec->dtype);
    return bucket;
}

void store_add_param(Store *store, int bucket, const char *name, Shape shape)
{
    assert(bucket >= 0 && bucket < store->n_buckets);
    assert(store_find_param(store, name) < 0);
    if (store->n_params == store->params_capacity) {
        store->params_capacity = store->params_capacity ? 2 * store->params_capacity : 64;
        store->params = mem_realloc(store->params, sizeof *store->params * (size_t)store->params_capacity);
    }
    /* Aligned for the narrowest dtype a slab of this layout may have (bf16), so that every slab's ranges are aligned. */
    const int64_t step = ALIGN_BYTES / 2;
    int64_t *count = &store->bucket_counts[bucket];
    store->params[store->n_params++] =
        (Param){.name = arena_strdup(store->arena, name), .bucket = bucket, .shape = shape, .offset = *count};
    *count += (shape_count(shape) + step - 1) / step * step;
    for (int i = 0; i < store->n_states; i++)
        if (store->states[i].bucket == bucket) {
            assert(!store->data[i]);
            store->states[i].shape = shape_1(*count);
        }
}

void store_add_slab(Store *store, int bucket, const char *what, StateKind kind, DType dtype)
{
    const char *name = arena_printf(store->arena, "%s.%s", store->buckets[bucket].name, what);
    int known = store_find_state(store, name);
    if (known >= 0) {
        assert(store->states[known].dtype == dtype);
        return;
    }
    store_push_state(store, (State){.name = name, .kind = kind, .dtype = dtype, .bucket = bucket,
                                    .shape = shape_1(store->bucket_counts[bucket])});
}

void store_add_state(Store *store, const char *name, StateKind kind, DType dtype, Shape shape)
{
    int known = store_find_state(store, name);
    if (known >= 0) {
        assert(store->states[known].dtype == dtype);
        assert(shape_equal(store->states[known].shape, shape));
        return;
    }
    store_push_state(store, (State){.name = name, .kind = kind, .dtype = dtype, .shape = shape, .bucket = -1});
}

int store_param_grad(Store *store, int param, int use, int64_t *offset)
{
    Param *p = &store->params[param];
    const BucketSpec *bucket = &store->buckets[p->bucket];
    DType dtype = bucket->dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
    if (p->n_grads < use + 1)
        p->n_grads = use + 1;
    if (use == 0) {
        store_add_slab(store, p->bucket, "grad", STATE_GRAD, dtype);
        *offset = p->offset;
        return store_find_state(store, arena_printf(store->arena, "%s.grad", bucket->name));
    }
    const char *name = arena_printf(store->arena, "%s:grad%d", p->name, use);
    store_add_state(store, name, STATE_GRAD, dtype, p->shape);
    *offset = 0;
    return store_find_state(store, name);
}

/* ---- asking ---- */

int store_n_buckets(const Store *store)
{
    return store->n_buckets;
}

const BucketSpec *store_bucket(const Store *store, int bucket)
{
    return &store->buckets[bucket];
}

int64_t store_bucket_count(const Store *store, int bucket)
{
    return store->bucket_counts[bucket];
}

int store_n_params(const Store *store)
{
    return store->n_params;
}

const Param *store_param(const Store *store, int index)
{
    return &store->params[index];
}

int store_find_param(const Store *store, const char *name)
{
    for (int i = 0; i < store->n_params; i++)
        if (strcmp(store->params[i].name, name) == 0)
            return i;
    return -1;
}

int store_n_states(const Store *store)
{
    return store->n_states;
}

const State *store_state(const Store *store, int index)
{
    return &store->states[index];
}

int store_find_state(const Store *store, const char *name)
{
    for (int i = 0; i < store->n_states; i++)
        if (strcmp(store->states[i].name, name) == 0)
            return i;
    return -1;
}

int64_t store_n_param_elements(const Store *store)
{
    int64_t n = 0;
    for (int i = 0; i < store->n_params; i++)
        n += shape_count(store->params[i].shape);
    return n;
}

static int64_t state_bytes(const State *state)
{
    int64_t n_bytes = shape_count(state->shape) * dtype_bytes(state->dtype);
    return (n_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
}

int64_t store_bytes(const Store *store)
{
    int64_t n_bytes = 0;
    for (int i = 0; i < store->n_states; i++)
        n_bytes += state_bytes(&store->states[i]);
    return n_bytes;
}

int64_t store_kind_bytes(const Store *store, StateKind kind)
{
    int64_t n_bytes = 0;
    for (int i = 0; i < store->n_states; i++)
        if (store->states[i].kind == kind)
            n_bytes += state_bytes(&store->states[i]);
    return n_bytes;
}

/* ---- memory ---- */

Err store_allocate(Store *store)
{
    int64_t n_bytes = 0;
    for (int i = 0; i < store->n_states; i++)
        if (!store->data[i])
            n_bytes += state_bytes(&store->states[i]);
    if (n_bytes == 0)
        return OK;
    Mapping mapping = {.n_bytes = (size_t)n_bytes};
    TRY(memory_map(&mapping.block, mapping.n_bytes));
    store->mappings = mem_realloc(store->mappings, sizeof(Mapping) * (size_t)(store->n_mappings + 1));
    store->mappings[store->n_mappings++] = mapping;
    char *at = mapping.block;
    for (int i = 0; i < store->n_states; i++)
        if (!store->data[i]) {
            store->data[i] = at;
            at += state_bytes(&store->states[i]);
        }
    return OK;
}

void store_touch(const Store *store)
{
    for (int i = 0; i < store->n_mappings; i++)
        memory_touch(store->mappings[i].block, store->mappings[i].n_bytes);
}

Tensor store_state_tensor(const Store *store, int index)
{
    const State *state = &store->states[index];
    return tensor_contiguous(state->dtype, state->shape, store->data[index]);
}

Tensor store_param_tensor(const Store *store, int param, const char *what)
{
    const Param *p = &store->params[param];
    char name[256];
    int n = snprintf(name, sizeof name, "%s.%s", store->buckets[p->bucket].name, what ? what : "param");
    assert(n < (int)sizeof name);
    int index = store_find_state(store, name);
    assert(index >= 0);
    char *slab = store->data[index];
    DType dtype = store->states[index].dtype;
    return tensor_contiguous(dtype, p->shape, slab ? slab + p->offset * dtype_bytes(dtype) : NULL);
}
