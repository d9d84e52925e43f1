/* model_config_fuzz.c - any bytes as a config.json: refused or understood, and what is understood survives being written. */
#include "base/file.h"
#include "learn/model/model.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "/tmp/jikji-model-config-fuzz-%d.json", (int)getpid());
    FILE *file = fopen(path, "wb");
    assert(file);
    fwrite(bytes, 1, n_bytes, file);
    fclose(file);
    ModelConfig config;
    if (model_config_read(&config, arena, path) == OK) {
        const char *text = model_config_to_json(&config, arena);
        file = fopen(path, "wb");
        assert(file);
        fwrite(text, 1, strlen(text), file);
        fclose(file);
        ModelConfig again;
        Err err = model_config_read(&again, arena, path);
        assert(err == OK);
        assert(again.d_model == config.d_model && again.n_eos == config.n_eos && again.vocab_size == config.vocab_size);
    }
    remove(path);
    arena_free(arena);
    return 0;
}
