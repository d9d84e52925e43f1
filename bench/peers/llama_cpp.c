/* llama_cpp.c - prefill and decode of llama.cpp's library, timed: what decode_speed.py runs where llama-bench itself is not built (it needs
 * libllama alone). One sequence, made-up tokens, the last logits read at every token, as in generation without a sampler. Built with
 *
 *   cc -O2 -I LLAMA/include -I LLAMA/ggml/include bench/peers/llama_cpp.c -o llama_cpp BUILD/src/libllama.a BUILD/ggml/src/libggml.a \
 *      BUILD/ggml/src/libggml-cpu.a BUILD/ggml/src/libggml-base.a -lstdc++ -lgomp -lpthread -ldl -lm
 *
 *   llama_cpp -m MODEL.gguf [-p 256] [-n 32] [-t 2]     prints the rows of `llama-bench -o json` that the script reads */
#include "llama.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void quiet(enum ggml_log_level level, const char *text, void *context)
{
    (void)context;
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

static void feed(struct llama_context *ctx, llama_token *tokens, int n)
{
    if (llama_decode(ctx, llama_batch_get_one(tokens, n)) != 0) {
        fprintf(stderr, "llama_decode failed at %d tokens\n", n);
        exit(1);
    }
    if (!llama_get_logits_ith(ctx, -1)) {  /* waits for them */
        fprintf(stderr, "no logits\n");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    int n_prompt = 256, n_new = 32, n_threads = 1;
    for (int c; (c = getopt(argc, argv, "m:p:n:t:r:o:")) != -1;)
        switch (c) {
        case 'm': path = optarg; break;
        case 'p': n_prompt = atoi(optarg); break;
        case 'n': n_new = atoi(optarg); break;
        case 't': n_threads = atoi(optarg); break;
        case 'r':
        case 'o': break;  /* as llama-bench: once, and as JSON, is all there is */
        default: return 2;
        }
    if (!path || n_prompt < 1 || n_new < 1 || n_threads < 1) {
        fprintf(stderr, "llama_cpp -m MODEL.gguf [-p PROMPT] [-n NEW] [-t THREADS]\n");
        return 2;
    }
    llama_log_set(quiet, NULL);
    llama_backend_init();
    struct llama_model *model = llama_model_load_from_file(path, llama_model_default_params());
    if (!model)
        return 1;
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = (uint32_t)(n_prompt + n_new + 1);
    params.n_batch = params.n_ubatch = (uint32_t)n_prompt;
    params.n_threads = params.n_threads_batch = n_threads;
    struct llama_context *ctx = llama_init_from_model(model, params);
    if (!ctx)
        return 1;
    int n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
    llama_token *tokens = calloc((size_t)n_prompt, sizeof *tokens);
    for (int i = 0; i < n_prompt; i++)
        tokens[i] = (llama_token)((i * 7919 + 11) % n_vocab);
    feed(ctx, tokens, n_prompt);  /* pages in, buffers made */
    llama_memory_clear(llama_get_memory(ctx), true);
    double begun = now();
    feed(ctx, tokens, n_prompt);
    double prefilled = now();
    for (int i = 0; i < n_new; i++)
        feed(ctx, &tokens[i % n_prompt], 1);
    double done = now();
    char kind[64];
    llama_model_desc(model, kind, sizeof kind);
    const char *row = "{\"build_commit\": \"library\", \"model_type\": \"%s\", \"n_prompt\": %d, \"n_gen\": %d, \"avg_ts\": %.4f}%s\n";
    printf("[");
    printf(row, kind, n_prompt, 0, n_prompt / (prefilled - begun), ",");
    printf(row, kind, 0, n_new, n_new / (done - prefilled), "]");
    free(tokens);
    llama_free(ctx);
    llama_model_free(model);
    llama_backend_free();
    return 0;
}
