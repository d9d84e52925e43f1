/* synth_write.h - synth's documents into a file, on all threads, the same bytes whatever their number. */
#ifndef CORPUS_SYNTH_WRITE_H
#define CORPUS_SYNTH_WRITE_H

#include "base/err.h"
#include "text/corpus/synth.h"

typedef struct {
    int64_t n_documents, n_bytes;  /* of text */
    double seconds;
} SynthReport;

/* Documents 0, 1, 2 ... until their text reaches n_bytes. jsonl records hold id, language, kind and text. */
Err synth_write(SynthReport *report, const SynthOptions *options, int64_t n_bytes, const char *path);

#endif
