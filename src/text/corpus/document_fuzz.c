/* document_fuzz.c - any bytes in any format are documents, skips or one error. The first byte chooses the format. */
#include "text/corpus/document.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes < 1)
        return 0;
    char path[64];
    snprintf(path, sizeof path, "/tmp/document-fuzz-%d", (int)getpid());
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    fwrite(data + 1, 1, n_bytes - 1, file);
    fclose(file);
    DocumentOptions options = document_options_default();
    options.format = data[0] % 7;
    options.bytes_max = 4096;
    if (data[0] & 8)
        options.field = "2";
    DocumentReader *reader;
    if (document_reader_open(&reader, path, &options) == OK) {
        Document document;
        Err err;
        while (document_reader_next(reader, &document, &err))
            if (document.text[document.n_bytes] != '\0' || document.n_bytes > 3 * 8192)
                abort();
        document_reader_free(reader);
    }
    unlink(path);
    return 0;
}
