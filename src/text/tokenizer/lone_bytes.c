/* lone_bytes.c - see lone_bytes.h. A bit for each two bytes side by side, and then for each piece a look at its bits: nothing to guess. */
#include "text/tokenizer/lone_bytes.h"

/* bytes[i] and bytes[i + 1] merge: bit i, i < n <= 64. */
static inline uint64_t meets(const ByteEdges *edges, const char *bytes, size_t n)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits |= (uint64_t)byte_edges_meet(edges, bytes + i) << i;
    return bits;
}

void lone_bytes_find(const ByteEdges *edges, const char *text, size_t at, const size_t *ends, int n, bool *is_lone)
{
    enum { WORD = 64 };
    unsigned char bits[LONE_TEXT_BYTES / 8 + sizeof(uint64_t)];
    size_t base = at, n_bytes = ends[n - 1] - at < LONE_TEXT_BYTES ? ends[n - 1] - at : LONE_TEXT_BYTES;
    for (size_t i = 0; i < n_bytes; i += WORD) {
        size_t n_pairs = n_bytes - 1 - i;  /* no pair begins at the last byte */
        uint64_t word = n_pairs >= WORD ? meets(edges, text + base + i, WORD) : meets(edges, text + base + i, n_pairs);
        memcpy(bits + i / 8, &word, sizeof word);
    }
    memset(bits + (n_bytes + WORD - 1) / WORD * sizeof(uint64_t), 0, sizeof(uint64_t));
    for (int i = 0; i < n; at = ends[i++]) {
        size_t length = ends[i] - at, offset = at - base;
        is_lone[i] = false;
        if (length > LONE_PIECE_BYTES || offset + length > n_bytes)
            continue;
        uint64_t word;
        memcpy(&word, bits + offset / 8, sizeof word);
        is_lone[i] = (word >> offset % 8 & ((1ull << (length - 1)) - 1)) == 0;
    }
}
