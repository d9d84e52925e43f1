/* vocab.h - tokens by id and ids by token. Ids may have gaps; texts are bytes and may hold NUL. */
#ifndef TEXT_VOCAB_H
#define TEXT_VOCAB_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t n_ids;  /* highest id + 1 */
    int32_t n_tokens;
    int32_t id_capacity;
    int64_t *offset;   /* of a token's text in pool, NUL behind it; -1 for a gap */
    uint32_t *length;
    char *pool;
    size_t pool_used, pool_capacity;
    int32_t *slots;    /* open addressing: id or -1 */
    uint32_t n_slots;  /* a power of two */
} Vocab;

enum { VOCAB_ID_MAX = 1 << 28 };

void vocab_init(Vocab *vocab);
void vocab_release(Vocab *vocab);
/* ERR_FORMAT: the id or the text is taken already (a token may be added again under its own id), or the id is out of range. */
Err vocab_add(Vocab *vocab, int32_t id, const char *text, size_t n_bytes);
int32_t vocab_find(const Vocab *vocab, const char *text, size_t n_bytes);  /* -1 when absent */
int32_t vocab_find_text(const Vocab *vocab, const char *text);
/* NULL for a gap or out of range. */
const char *vocab_text(const Vocab *vocab, int32_t id, size_t *n_bytes);

#endif
