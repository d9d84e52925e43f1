/* perplexity_fuzz.c - any bytes are a model or one error; what opens gives every text a finite value. */
#include "text/corpus/perplexity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perplexity-fuzz-%d", (int)getpid());
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    fwrite(data, 1, n_bytes, file);
    fclose(file);
    PerplexityModel *model;
    if (perplexity_open(&model, path) == OK) {
        double value = perplexity_of(model, NULL, (const char *)data, n_bytes);
        if (isnan(value) || value < 0 || perplexity_bucket(model, value) > 2)
            abort();
        perplexity_close(model);
    }
    unlink(path);
    return 0;
}
