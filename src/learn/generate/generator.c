/* generator.c - the program with a key-value cache. Sequence s owns the cache rows s * context .. (s + 1) * context - 1. */
#include "engine/op/op.h"
#include "engine/pass/autocast.h"
#include "engine/pass/fuse.h"
#include "engine/pass/pack.h"
#include "learn/generate/generate.h"

#include <assert.h>
#include <stdlib.h>

struct Generator {
    ModelConfig config;
    GeneratorOptions options;
    Graph *graph;
    Program *program;
    int64_t *length;  /* tokens in each sequence's cache */
    Store *store;
    Arena *arena;     /* of packed */
    PackedWeight *packed;
    int n_packed;
};

GeneratorOptions generator_options_default(const ModelConfig *config)
{
    const int64_t chunk = config->seq_len_max < 256 ? config->seq_len_max : 256;
    return (GeneratorOptions){.n_sequences = 1, .context = config->seq_len_max, .chunk = chunk, .dtype = DTYPE_F32, .backend = BACKEND_CPU};
}

DType generator_cache_dtype(const GeneratorOptions *o)
{
    return o->cache == CACHE_BF16 ? DTYPE_BF16 : o->dtype;
}

static Err check_options(const GeneratorOptions *o)
{
    if (o->n_sequences < 1 || o->n_sequences > o->chunk)
        return err_set(ERR_USAGE, "%lld sequences at once: must be 1 .. %lld, the tokens of a chunk", (long long)o->n_sequences, (long long)o->chunk);
    if (o->n_sequences > INT32_MAX / o->context)
        return err_set(ERR_USAGE, "%lld sequences of %lld tokens are too many for one cache", (long long)o->n_sequences, (long long)o->context);
    if (o->cache == CACHE_BF16 && o->dtype == DTYPE_F16)
        return err_set(ERR_USAGE, "a cache in bf16 beside weights in fp16: the cache is that of f32 and bf16 only");
    return OK;
}

/* Packed f32 and bf16 pay where a vector is a register. */
static void pack(Generator *gen)
{
    const GeneratorOptions *o = &gen->options;
    bool helps = o->backend == BACKEND_CPU && cpu_level() >= CPU_AVX512 && (o->dtype == DTYPE_F32 || o->dtype == DTYPE_BF16);
    if (o->weights == WEIGHTS_INT8 || o->weights == WEIGHTS_INT4)
        gen->n_packed = pass_pack_weights(gen->graph, o->weights == WEIGHTS_INT8 ? PACKED_INT8 : PACKED_INT4, &gen->packed, gen->arena);
    else if (o->weights == WEIGHTS_PACKED && helps)
        gen->n_packed = pass_pack_weights(gen->graph, o->dtype == DTYPE_F32 ? PACKED_F32 : PACKED_BF16, &gen->packed, gen->arena);
}

static void record(Generator *gen)
{
    Graph *g = gen->graph;
    const GeneratorOptions *o = &gen->options;
    ModelInputs inputs = model_inputs(g, o->chunk, true);
    inputs.cache_dtype = generator_cache_dtype(o);
    Node *wanted = graph_input(g, "wanted", DTYPE_I32, shape_1(o->n_sequences), graph_bound(g, "n_wanted", o->n_sequences));
    Node *hidden = gather_rows(g, model_hidden(g, &gen->config, &inputs), wanted);
    graph_output(g, "logits", model_logits(g, &gen->config, hidden));
    if (dtype_is_half(o->dtype))
        pass_autocast(g, o->dtype);
    pack(gen);
    pass_fuse(g);
}

Err generator_new(Generator **out, const ModelConfig *config, Store *store, const GeneratorOptions *options)
{
    ModelConfig longest = *config;
    TRY(model_config_set_context(&longest, options->context));
    TRY(check_options(options));
    model_declare_cache(config, store, generator_cache_dtype(options), options->n_sequences * options->context);
    Generator *gen = mem_alloc(sizeof *gen);
    *gen = (Generator){.config = longest, .options = *options, .graph = graph_new(store), .store = store, .arena = arena_new()};
    gen->length = mem_alloc(sizeof *gen->length * (size_t)options->n_sequences);
    record(gen);
    Err err = graph_compile(&gen->program, gen->graph, &(CompileOptions){options->backend});
    if (err != OK) {
        generator_free(gen);
        return err;
    }
    *out = gen;
    return OK;
}

Err generator_bind(Generator *gen)
{
    TRY(program_bind(gen->program));
    packed_weights_fill(gen->store, gen->packed, gen->n_packed);
    return OK;
}

void generator_free(Generator *gen)
{
    if (!gen)
        return;
    program_free(gen->program);
    graph_free(gen->graph);
    free(gen->length);
    arena_free(gen->arena);
    free(gen);
}

const ProgramPlan *generator_plan(const Generator *gen)
{
    return program_plan(gen->program);
}

Program *generator_program(Generator *gen)
{
    return gen->program;
}

int64_t generator_weight_bytes(const Generator *gen)
{
    Arena *arena = arena_new();
    ModelMatrix *matrices;
    int n = model_matrices(&matrices, &gen->config, arena);
    int64_t n_bytes = 0;
    for (int i = 0; i < n; i++)
        n_bytes += matrices[i].n_in * matrices[i].n_out * dtype_bytes(gen->options.dtype);
    for (int i = 0; i < gen->n_packed; i++)
        n_bytes += packed_bytes(&gen->packed[i].spec) - gen->packed[i].spec.n_in * gen->packed[i].spec.n_out * dtype_bytes(gen->options.dtype);
    arena_free(arena);
    return n_bytes;
}

const GeneratorOptions *generator_options(const Generator *gen)
{
    return &gen->options;
}

const ModelConfig *generator_config(const Generator *gen)
{
    return &gen->config;
}

void generator_truncate(Generator *gen, int64_t sequence, int64_t n)
{
    assert(sequence >= 0 && sequence < gen->options.n_sequences);
    assert(n >= 0 && n <= gen->length[sequence]);
    gen->length[sequence] = n;
}

int64_t generator_length(const Generator *gen, int64_t sequence)
{
    assert(sequence >= 0 && sequence < gen->options.n_sequences);
    return gen->length[sequence];
}

const Tensor *generator_run(Generator *gen, const GeneratorToken *tokens, int64_t n)
{
    const GeneratorOptions *o = &gen->options;
    int32_t *ids = program_input(gen->program, "tokens")->data;
    int32_t *positions = program_input(gen->program, "positions")->data;
    int32_t *ranges = program_input(gen->program, "ranges")->data;
    int32_t *slots = program_input(gen->program, "slots")->data;
    int32_t *wanted = program_input(gen->program, "wanted")->data;
    int64_t n_wanted = 0;
    assert(n >= 1 && n <= o->chunk);
    for (int64_t i = 0; i < n; i++) {
        const GeneratorToken *t = &tokens[i];
        assert(t->sequence >= 0 && t->sequence < o->n_sequences);
        assert(t->id >= 0 && t->id < gen->config.vocab_size);
        const int64_t position = gen->length[t->sequence]++, first = t->sequence * o->context;
        assert(position < o->context);
        ids[i] = t->id;
        positions[i] = (int32_t)position;
        slots[i] = (int32_t)(first + position);
        ranges[2 * i] = (int32_t)first;
        ranges[2 * i + 1] = slots[i] + 1;
        if (t->want_logits) {
            assert(n_wanted < o->n_sequences);
            wanted[n_wanted++] = (int32_t)i;
        }
    }
    program_set_bound(gen->program, "n_tokens", n);
    program_set_bound(gen->program, "n_wanted", n_wanted);
    program_run_all(gen->program);
    return program_output(gen->program, "logits");
}
