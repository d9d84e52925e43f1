/* families.h - small models of every family, with what changes a kernel: odd numbers of heads, widths that are no powers of two, tied and
 * untied, windows, soft-caps, ALiBi, every scaling of rotary embeddings, dropout where the family has it. */
#ifndef TESTS_FAMILIES_H
#define TESTS_FAMILIES_H

#include "shop.h"

/* A family's name, and its config.json without model_type. */
typedef struct {
    const char *name, *config;
} Family;

int n_families(void);
const Family *family_at(int index);

/* A shop whose model is of the family; for tests that come with their own text and recipe. False after a failed check. */
bool family_shop(Shop *shop, const Family *family);

#endif
