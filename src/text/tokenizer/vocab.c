/* vocab.c - see vocab.h. */
#include "text/tokenizer/vocab.h"
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void vocab_init(Vocab *vocab)
{
    memset(vocab, 0, sizeof *vocab);
    vocab->n_slots = 1024;
    vocab->slots = mem_alloc(vocab->n_slots * sizeof *vocab->slots);
    memset(vocab->slots, 0xFF, vocab->n_slots * sizeof *vocab->slots);
}

void vocab_release(Vocab *vocab)
{
    free(vocab->offset);
    free(vocab->length);
    free(vocab->pool);
    free(vocab->slots);
    memset(vocab, 0, sizeof *vocab);
}

/* The slot that holds the text, or the free one where it belongs. */
static uint32_t slot_of(const Vocab *vocab, const char *text, size_t n_bytes)
{
    uint32_t mask = vocab->n_slots - 1, i = (uint32_t)XXH3_64bits(text, n_bytes) & mask;
    for (;; i = (i + 1) & mask) {
        int32_t id = vocab->slots[i];
        if (id < 0 || (vocab->length[id] == n_bytes && memcmp(vocab->pool + vocab->offset[id], text, n_bytes) == 0))
            return i;
    }
}

static void rehash(Vocab *vocab)
{
    vocab->n_slots *= 2;
    vocab->slots = mem_realloc(vocab->slots, vocab->n_slots * sizeof *vocab->slots);
    memset(vocab->slots, 0xFF, vocab->n_slots * sizeof *vocab->slots);
    for (int32_t id = 0; id < vocab->n_ids; id++)
        if (vocab->offset[id] >= 0)
            vocab->slots[slot_of(vocab, vocab->pool + vocab->offset[id], vocab->length[id])] = id;
}

static void grow_ids(Vocab *vocab, int32_t id)
{
    if (id >= vocab->id_capacity) {
        int32_t capacity = vocab->id_capacity ? vocab->id_capacity : 1024;
        while (capacity <= id)
            capacity *= 2;
        vocab->offset = mem_realloc(vocab->offset, (size_t)capacity * sizeof *vocab->offset);
        vocab->length = mem_realloc(vocab->length, (size_t)capacity * sizeof *vocab->length);
        vocab->id_capacity = capacity;
    }
    for (; vocab->n_ids <= id; vocab->n_ids++)
        vocab->offset[vocab->n_ids] = -1;
}

Err vocab_add(Vocab *vocab, int32_t id, const char *text, size_t n_bytes)
{
    if (id < 0 || id > VOCAB_ID_MAX)
        return err_set(ERR_FORMAT, "token id %d is out of range", id);
    uint32_t slot = slot_of(vocab, text, n_bytes);
    if (vocab->slots[slot] >= 0)
        return vocab->slots[slot] == id ? OK
                                        : err_set(ERR_FORMAT, "token \"%.60s\" has two ids, %d and %d",
                                                  vocab->pool + vocab->offset[vocab->slots[slot]], vocab->slots[slot], id);
    if (id < vocab->n_ids && vocab->offset[id] >= 0)
        return err_set(ERR_FORMAT, "tokens \"%.60s\" and \"%.*s\" share id %d", vocab->pool + vocab->offset[id],
                       n_bytes < 60 ? (int)n_bytes : 60, text, id);
    grow_ids(vocab, id);
    if (vocab->pool_used + n_bytes + 1 > vocab->pool_capacity) {
        vocab->pool_capacity = (vocab->pool_used + n_bytes + 1) * 2 + 4096;
        vocab->pool = mem_realloc(vocab->pool, vocab->pool_capacity);
    }
    memcpy(vocab->pool + vocab->pool_used, text, n_bytes);
    vocab->pool[vocab->pool_used + n_bytes] = '\0';
    vocab->offset[id] = (int64_t)vocab->pool_used;
    vocab->length[id] = (uint32_t)n_bytes;
    vocab->pool_used += n_bytes + 1;
    vocab->slots[slot] = id;
    if (++vocab->n_tokens > (int32_t)(vocab->n_slots / 2))
        rehash(vocab);
    return OK;
}

int32_t vocab_find(const Vocab *vocab, const char *text, size_t n_bytes)
{
    return vocab->slots[slot_of(vocab, text, n_bytes)];
}

int32_t vocab_find_text(const Vocab *vocab, const char *text)
{
    return vocab_find(vocab, text, strlen(text));
}

const char *vocab_text(const Vocab *vocab, int32_t id, size_t *n_bytes)
{
    if (id < 0 || id >= vocab->n_ids || vocab->offset[id] < 0)
        return NULL;
    if (n_bytes)
        *n_bytes = vocab->length[id];
    return vocab->pool + vocab->offset[id];
}
