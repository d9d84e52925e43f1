/* bench.c - `jikji bench WHAT`: what the machine can do, and how near to it training and generation come. (A name that ends in _bench.c is a test.) */
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/help_formats.h"

#include "base/options.h"

#include <stdio.h>
#include <string.h>

static const Command benches[] = {
    {"peak", bench_peak, "multiply-adds, memory, and matrix products by every library there is"},
    {"train", bench_train_command, "training steps as a share of their matrix products"},
    {"passes", bench_passes_command, "what fusion, packing, precision, recompute and offload take and save"},
    {"ops", bench_ops_command, "a training step operator by operator, each against its roofline"},
    {"attention", bench_attention_command, "attention and its gradients, plain, chunked and fused"},
    {"decode", bench_decode_command, "generated tokens as a share of reading the weights"},
    {"weights", bench_weights_command, "what a model loses when its weights are read in 8 or 4 bits"},
};

static Err bench_help(void)
{
    printf("jikji bench WHAT\n\n"
           "    jikji bench peak\n"
           "    jikji bench train gpt2-124m --precision bf16\n\n");
    for (int i = 0; i < N_ELEMENTS(benches); i++)
        printf("    %-10s %s\n", benches[i].name, benches[i].help);
    printf("\nWHAT --help shows examples and settings.\n");
    return OK;
}

Err cmd_bench(int argc, char **argv)
{
    if (help_format(argc, argv) && argc == 2)
        return help_print_group(benches, N_ELEMENTS(benches), help_format(argc, argv));
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return bench_help();
    for (int i = 0; i < N_ELEMENTS(benches); i++)
        if (strcmp(argv[1], benches[i].name) == 0)
            return benches[i].run(argc - 1, argv + 1);
    return err_set(ERR_USAGE, "bench %s: there is no such bench; `jikji bench` lists them", argv[1]);
}
