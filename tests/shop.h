/* shop.h - a workshop for end-to-end tests: a folder with a text, a model's config and a recipe, and the program run in it. */
#ifndef TESTS_SHOP_H
#define TESTS_SHOP_H

#include "base/arena.h"

#include <stdbool.h>

typedef struct {
    Arena *arena;
    const char *dir;
} Shop;

/* text.txt (a small world's stories), model.json (a gpt2 of width 32), recipe.yaml (24 steps, a checkpoint every 4). Checks that it worked. */
bool shop_open(Shop *shop);
void shop_close(Shop *shop);
bool shop_write(Shop *shop, const char *name, const char *text);
/* A file of the shop as text; "" and a failed check when it cannot be read. */
const char *shop_read(Shop *shop, const char *name);
/* `jikji train recipe.yaml --out DIR/out flags`, its outputs in files "stdout" and "stderr". */
const char *shop_command(Shop *shop, const char *out, const char *flags);
int shop_train(Shop *shop, const char *out, const char *flags);  /* exit status, -1 for a signal */
bool shop_train_ok(Shop *shop, const char *out, const char *flags);
/* A number of the JSON object on stdout, NaN when absent. */
double shop_number(Shop *shop, const char *key);

/* Checks that runs a and b have the same files at a step ("step-24"): weights, moments, state, config, tokenizer. */
void shop_check_same_checkpoint(Shop *shop, const char *a, const char *b, const char *step);

#endif
