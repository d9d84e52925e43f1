/* offload.c - starting transfers and waiting for them. A failure stays with the file (block_file_error); the values read since mean nothing. */
#include "engine/op/offload.h"

#include "engine/graph/op_info.h"

typedef struct {
    BlockFile *file;
    int64_t block;
    int64_t dtype;  /* of the value */
    int64_t bound;
    Shape shape;
} OffloadAttr;

static void token_infer(Infer *infer)
{
    infer->out[0].dtype = DTYPE_I32;
    infer->out[0].shape = shape_1(1);
}

static void get_infer(Infer *infer)
{
    const OffloadAttr *attr = infer->attr;
    infer->out[0].dtype = (DType)attr->dtype;
    infer->out[0].shape = attr->shape;
    infer->out[0].bound = (int)attr->bound;
}

static void get_done_infer(Infer *infer)
{
    infer_like(infer, 0, 0);
    infer->out[0].alias = 0;
    infer->out[0].writes = true;
}

/* Neither arithmetic nor memory: the file's time is counted apart. */
static void no_cost(const Call *call, Cost *cost)
{
    (void)call;
    *cost = (Cost){0};
}

static void put(const KernelCall *call)
{
    const OffloadAttr *attr = call->attr;
    block_file_write(attr->file, (int)attr->block, call->in[0].data, tensor_bytes(&call->in[0]));
}

static void get(const KernelCall *call)
{
    const OffloadAttr *attr = call->attr;
    block_file_read(attr->file, (int)attr->block, call->out[0].data, tensor_bytes(&call->out[0]));
}

static void wait_for_it(const KernelCall *call)
{
    const OffloadAttr *attr = call->attr;
    block_file_wait(attr->file, (int)attr->block);
}

#define OFFLOAD_INFO(op, op_infer, kernel)                                                                                            \
    const OpInfo op##_info = {.name = #op, .axes = "", .precision = PRECISION_KEEP, .infer = (op_infer), .cost = no_cost, \
                              .reference = (kernel), .cpu = OP_KERNEL_AT_ALL_LEVELS(kernel)}

OFFLOAD_INFO(offload_put, token_infer, put);
OFFLOAD_INFO(offload_put_done, token_infer, wait_for_it);
OFFLOAD_INFO(offload_get, get_infer, get);
OFFLOAD_INFO(offload_get_done, get_done_infer, wait_for_it);

static OffloadAttr attr_of(const Node *x, BlockFile *file, int block)
{
    OffloadAttr attr = {.file = file, .block = block, .dtype = node_dtype(x), .bound = node_bound(x), .shape = node_shape(x)};
    return attr;
}

Node *offload_put(Graph *g, Node *x, BlockFile *file, int block)
{
    OffloadAttr attr = attr_of(x, file, block);
    return graph_call(g, &offload_put_info, (Node *[]){x}, 1, &attr, sizeof attr);
}

Node *offload_put_done(Graph *g, Node *x, Node *token, BlockFile *file, int block)
{
    OffloadAttr attr = attr_of(x, file, block);
    return graph_call(g, &offload_put_done_info, (Node *[]){x, token}, 2, &attr, sizeof attr);
}

Node *offload_get(Graph *g, Node *token, const Node *x, BlockFile *file, int block)
{
    OffloadAttr attr = attr_of(x, file, block);
    return graph_call(g, &offload_get_info, (Node *[]){token}, 1, &attr, sizeof attr);
}

Node *offload_get_done(Graph *g, Node *y, BlockFile *file, int block)
{
    OffloadAttr attr = attr_of(y, file, block);
    return graph_call(g, &offload_get_done_info, (Node *[]){y}, 1, &attr, sizeof attr);
}
