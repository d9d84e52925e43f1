/* cmd_inspect.c - `jikji inspect VIEW ...`: what a model is made of and what it computes, for learners and for tests from outside. */
#include "base/options.h"
#include "cli/commands.h"
#include "cli/help_formats.h"
#include "cli/inspect.h"

#include <stdio.h>
#include <string.h>

static const Command views[] = {
    {"params", inspect_params, "names, shapes and counts of a model's parameters"},
    {"graph", inspect_graph, "the operators of a training step or a forward pass, and their memory"},
    {"logits", inspect_logits, "the logits of given token ids, as safetensors"},
    {"grads", inspect_grads, "the loss and every gradient for given ids and labels, as safetensors"},
    {"checkpoint", inspect_checkpoint, "what a checkpoint holds: names, shapes, hashes, step"},
    {"float", inspect_float, "the bits of a number in every format: f64, f32, tf32, bf16, fp16, fp8, fp4, int8"},
};

Err cmd_inspect(int argc, char **argv)
{
    if (help_format(argc, argv) && argc == 2)
        return help_print_group(views, N_ELEMENTS(views), help_format(argc, argv));
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        printf("jikji inspect VIEW ...\n\n");
        for (int i = 0; i < N_ELEMENTS(views); i++)
            printf("    jikji inspect %-12s%s\n", views[i].name, views[i].help);
        printf("\njikji inspect VIEW --help shows examples.\n");
        return OK;
    }
    for (int i = 0; i < N_ELEMENTS(views); i++)
        if (strcmp(views[i].name, argv[1]) == 0)
            return views[i].run(argc - 1, argv + 1);
    return err_set(ERR_USAGE, "inspect %s: no such view; known: params, graph, logits, grads, checkpoint, float", argv[1]);
}
