/* offload.h - values of the forward pass that wait in a file for the backward pass, instead of in memory (Rhu et al. 2016, "vDNN", arXiv:1602.08124).
 *
 * What the backward pass reads of layer l is written while layer l + 1 runs forward, and its memory is free from layer l + 2 on; it is read
 * back while the layer after the first that needs it runs backward. So two layers' values are in memory where all were. Those of the
 * last layer, which are needed at once, stay; so do values of less than OFFLOAD_BYTES_MIN. */
#ifndef ENGINE_PASS_OFFLOAD_H
#define ENGINE_PASS_OFFLOAD_H

#include "base/block_file.h"
#include "engine/graph/graph.h"

enum { OFFLOAD_BYTES_MIN = 4096 };

typedef struct {
    int64_t n_values, n_bytes;
} OffloadReport;

/* Run after pass_differentiate and pass_recompute, before graph_compile: what recompute keeps is what goes to the file. Values go and come as they
 * are: not a bit of the result changes. `file` gets a block for each, and must be open when the program runs. */
void pass_offload(Graph *g, BlockFile *file, OffloadReport *report);

#endif
