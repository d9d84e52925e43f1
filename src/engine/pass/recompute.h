/* recompute.h - values of the forward pass that are made again when the backward pass needs them, instead of being kept (Chen et al. 2016,
 * arXiv:1604.06174; choosing values by their price: Jain et al. 2020, "Checkmate", arXiv:1910.02653). */
#ifndef ENGINE_PASS_RECOMPUTE_H
#define ENGINE_PASS_RECOMPUTE_H

#include "engine/graph/graph.h"

/* Layers are the numbered scopes of the model ("h.3", "layers.3"). They are taken in groups; a value that leaves its group is kept. Of the
 * others, those that the backward pass reads are the *choices*: each is kept or made again. What no one but a repeated call
 * reads is always made again. */
typedef struct {
    int64_t layers;     /* of a group; 0: nothing is made again */
    int64_t n_choices;  /* how many choices are made again, those with the most bytes a second of work first; -1: all */
} RecomputeOptions;

typedef struct {
    int64_t n_layers;
    int64_t n_choices;    /* that there are */
    int64_t n_again;      /* of them, made again */
    int64_t n_calls;      /* calls that were recorded once more */
} RecomputeReport;

/* Run after pass_differentiate, before graph_compile. Repeated calls run the same kernels on the same inputs: not a bit of the result changes. They
 * are recorded right before the first call that needs them. `report` may be NULL. */
void pass_recompute(Graph *g, const RecomputeOptions *options, RecomputeReport *report);

/* The number of layers that stands in a call's name ("h.3.attn.linear": 3), or -1. */
int64_t call_layer(const char *name);

#endif
