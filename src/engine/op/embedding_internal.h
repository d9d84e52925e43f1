/* embedding_internal.h - the workspace of embedding's backward kernel. */
#ifndef ENGINE_OP_EMBEDDING_INTERNAL_H
#define ENGINE_OP_EMBEDDING_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

/* A token in the list of those with its id in its leaf. */
typedef struct {
    int32_t next;  /* 0: none follows (token 0 follows nobody) */
    bool is_first;
} TokenLink;

#endif
