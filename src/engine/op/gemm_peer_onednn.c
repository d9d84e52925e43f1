/* gemm_peer_onednn.c - see gemm_peer_onednn.h. Functions are found by name in the loaded library, as its header declares them. */
#include "engine/op/gemm_peer_onednn.h"

#include <stdio.h>

#if __has_include(<dnnl.h>)
#include "base/arena.h"

#include <dlfcn.h>
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(X)                                                                                                      \
    X(engine_create) X(engine_destroy) X(stream_create) X(stream_destroy) X(stream_wait) X(memory_desc_init_by_strides)   \
    X(memory_desc_init_by_tag) X(memory_create) X(memory_destroy) X(matmul_desc_init) X(primitive_desc_create)            \
    X(primitive_desc_destroy) X(primitive_desc_query) X(primitive_desc_query_md) X(primitive_create)                      \
    X(primitive_destroy) X(primitive_execute) X(reorder_primitive_desc_create)

#define DECLARE(name) __typeof__(dnnl_##name) *name;
typedef struct {
    FUNCTIONS(DECLARE)
} Functions;

/* A product made ready; the last one is kept. */
typedef struct {
    Gemm g;
    bool is_packed;
    dnnl_primitive_t matmul;
    dnnl_memory_t a, b, c;
} Ready;

struct Onednn {
    void *library;
    Functions f;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    Ready ready;
};

Onednn *onednn_open(char *why, size_t why_bytes)
{
    Onednn *dnn = mem_alloc(sizeof *dnn);
    const char *missing = NULL;
    dnn->library = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!dnn->library)
        missing = dlerror();
#define FIND(name)                                                                             \
    if (!missing && !(dnn->f.name = (__typeof__(dnn->f.name))dlsym(dnn->library, "dnnl_" #name))) \
        missing = dlerror();
    FUNCTIONS(FIND)
    if (!missing && (dnn->f.engine_create(&dnn->engine, dnnl_cpu, 0) != dnnl_success ||
                     dnn->f.stream_create(&dnn->stream, dnn->engine, dnnl_stream_default_flags) != dnnl_success))
        missing = "oneDNN has no CPU engine";
    if (!missing)
        return dnn;
    snprintf(why, why_bytes, "%s", missing);
    free(dnn);
    return NULL;
}

static void ready_clear(Onednn *dnn)
{
    if (dnn->ready.matmul)
        dnn->f.primitive_destroy(dnn->ready.matmul);
    dnnl_memory_t memories[] = {dnn->ready.a, dnn->ready.b, dnn->ready.c};
    for (int i = 0; i < 3; i++)
        if (memories[i])
            dnn->f.memory_destroy(memories[i]);
    memset(&dnn->ready, 0, sizeof dnn->ready);
}

void onednn_close(Onednn *dnn)
{
    if (!dnn)
        return;
    ready_clear(dnn);
    dnn->f.stream_destroy(dnn->stream);
    dnn->f.engine_destroy(dnn->engine);
    dlclose(dnn->library);
    free(dnn);
}

static dnnl_data_type_t dnnl_type(DType dtype)
{
    return dtype == DTYPE_F32 ? dnnl_f32 : dtype == DTYPE_BF16 ? dnnl_bf16 : dnnl_data_type_undef;
}

static bool describe(const Onednn *dnn, dnnl_memory_desc_t *desc, DType dtype, int64_t rows, int64_t columns, int64_t row_stride,
                     int64_t col_stride)
{
    dnnl_dims_t dims = {rows, columns}, strides = {row_stride, col_stride};
    return dnn->f.memory_desc_init_by_strides(desc, 2, dims, dnnl_type(dtype), strides) == dnnl_success;
}

/* B copied into the layout the primitive asks for. */
static bool reorder_b(Onednn *dnn, const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to, const void *b)
{
    dnnl_memory_t source = NULL;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t reorder = NULL;
    bool done = false;
    if (dnn->f.memory_create(&source, from, dnn->engine, (void *)b) == dnnl_success &&
        dnn->f.memory_create(&dnn->ready.b, to, dnn->engine, DNNL_MEMORY_ALLOCATE) == dnnl_success &&
        dnn->f.reorder_primitive_desc_create(&desc, from, dnn->engine, to, dnn->engine, NULL) == dnnl_success &&
        dnn->f.primitive_create(&reorder, desc) == dnnl_success) {
        dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, dnn->ready.b}};
        done = dnn->f.primitive_execute(reorder, dnn->stream, 2, args) == dnnl_success;
        dnn->f.stream_wait(dnn->stream);
    }
    if (reorder)
        dnn->f.primitive_destroy(reorder);
    if (desc)
        dnn->f.primitive_desc_destroy(desc);
    if (source)
        dnn->f.memory_destroy(source);
    return done;
}

/* oneDNN's plain loops: what it has where a CPU lacks the instructions of a dtype. They would take minutes, and are nobody's rival. */
static bool is_reference(const Onednn *dnn, const_dnnl_primitive_desc_t desc)
{
    const char *name = NULL;
    return dnn->f.primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name) != dnnl_success || !name || strncmp(name, "ref", 3) == 0;
}

static bool make_ready(Onednn *dnn, const Gemm *g, bool is_packed)
{
    dnnl_memory_desc_t a, b, c, b_wanted;
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_dims_t b_dims = {g->k, g->n};
    ready_clear(dnn);
    memcpy(&dnn->ready.g, g, sizeof *g);  /* padding too: it is compared */
    dnn->ready.is_packed = is_packed;
    bool described = describe(dnn, &a, g->a_dtype, g->m, g->k, g->a_row_stride, g->a_col_stride) &&
                     describe(dnn, &b, g->b_dtype, g->k, g->n, g->b_row_stride, g->b_col_stride) &&
                     describe(dnn, &c, g->c_dtype, g->m, g->n, g->c_row_stride, 1) &&
                     dnn->f.memory_desc_init_by_tag(&b_wanted, 2, b_dims, dnnl_type(g->b_dtype), dnnl_format_tag_any) == dnnl_success;
    if (!described || dnn->f.matmul_desc_init(&matmul, &a, is_packed ? &b_wanted : &b, NULL, &c) != dnnl_success ||
        dnn->f.primitive_desc_create(&desc, &matmul, NULL, dnn->engine, NULL) != dnnl_success)
        return false;
    const dnnl_memory_desc_t *b_chosen = dnn->f.primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    bool made = !is_reference(dnn, desc) && dnn->f.primitive_create(&dnn->ready.matmul, desc) == dnnl_success &&
                dnn->f.memory_create(&dnn->ready.a, &a, dnn->engine, (void *)g->a) == dnnl_success &&
                dnn->f.memory_create(&dnn->ready.c, &c, dnn->engine, g->c) == dnnl_success &&
                (is_packed ? reorder_b(dnn, &b, b_chosen, g->b)
                           : dnn->f.memory_create(&dnn->ready.b, &b, dnn->engine, (void *)g->b) == dnnl_success);
    dnn->f.primitive_desc_destroy(desc);
    return made;
}

bool onednn_run(Onednn *dnn, const Gemm *g, bool is_packed)
{
    bool is_ready = dnn->ready.matmul && dnn->ready.is_packed == is_packed && memcmp(&dnn->ready.g, g, sizeof *g) == 0;
    if (!is_ready && !make_ready(dnn, g, is_packed)) {
        ready_clear(dnn);
        return false;
    }
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, dnn->ready.a}, {DNNL_ARG_WEIGHTS, dnn->ready.b}, {DNNL_ARG_DST, dnn->ready.c}};
    bool done = dnn->f.primitive_execute(dnn->ready.matmul, dnn->stream, 3, args) == dnnl_success;
    dnn->f.stream_wait(dnn->stream);
    return done;
}

#else

Onednn *onednn_open(char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "built without oneDNN's header (libdnnl-dev)");
    return NULL;
}

void onednn_close(Onednn *dnn)
{
    (void)dnn;
}

bool onednn_run(Onednn *dnn, const Gemm *g, bool is_packed)
{
    (void)dnn, (void)g, (void)is_packed;
    return false;
}

#endif
