/* warc_fuzz.c - any bytes are an archive of some records and some broken ones. */
#include "text/corpus/warc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/warc-fuzz-%d", (int)getpid());
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    fwrite(data, 1, n_bytes, file);
    fclose(file);
    WarcReader *reader;
    if (warc_reader_open(&reader, path, 10000) == OK) {
        WarcRecord record;
        Err err;
        while (warc_reader_next(reader, &record, &err))
            if (record.n_payload_bytes > 10000 || (record.n_payload_bytes > 0 && !record.payload))
                abort();
        warc_reader_free(reader);
    }
    unlink(path);
    return 0;
}
