/* model_init.c - initial weights: each value a pure function of (seed, parameter name, position). */
#include "base/parallel.h"
#include "base/philox.h"
#include "learn/model/model_internal.h"

#include <assert.h>

typedef struct {
    Tensor into;
    uint64_t seed;
    uint32_t stream;
    float std;
} NormalFill;

enum { NORMAL_PIECE = 1 << 14 };  /* elements; a multiple of the four that one Philox block makes */

static void fill_normal_piece(void *context, int64_t piece)
{
    const NormalFill *f = context;
    const int64_t begin = piece * NORMAL_PIECE, count = tensor_count(&f->into);
    const int64_t end = begin + NORMAL_PIECE < count ? begin + NORMAL_PIECE : count;
    for (int64_t i = begin; i < end; i += 4) {
        Philox random = philox(f->seed, f->stream, 0, (uint64_t)i / 4);
        float normal[4];
        philox_normal(random.word[0], random.word[1], &normal[0], &normal[1]);
        philox_normal(random.word[2], random.word[3], &normal[2], &normal[3]);
        for (int64_t k = i; k < end && k < i + 4; k++)
            tensor_set(&f->into, k, (double)(f->std * normal[k - i]));
    }
}

static void fill_constant(const Tensor *into, double value)
{
    for (int64_t i = 0; i < tensor_count(into); i++)
        tensor_set(into, i, value);
}

void model_init(const ModelConfig *config, Store *store, uint64_t seed)
{
    Arena *arena = arena_new();
    ModelParams params = model_params(config, arena);
    for (int i = 0; i < params.n; i++) {
        const ModelParam *p = &params.param[i];
        int index = store_find_param(store, p->name);
        assert(index >= 0);
        Tensor into = store_param_tensor(store, index, NULL);
        assert(into.data);
        NormalFill fill = {into, seed, philox_stream(p->name), (float)p->std};
        if (p->init == INIT_NORMAL)
            parallel_for((tensor_count(&into) + NORMAL_PIECE - 1) / NORMAL_PIECE, fill_normal_piece, &fill);
        else
            fill_constant(&into, p->init == INIT_ONES ? 1.0 : 0.0);
    }
    arena_free(arena);
}
