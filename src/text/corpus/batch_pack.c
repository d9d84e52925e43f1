/* batch_pack.c - see batch_pack.h. */
#include "text/corpus/batch_pack.h"

static int64_t pack_end(const PackOrder *order, int64_t place)
{
    return order->ends ? order->ends[place] : token_run_document_begin(order->run, place + 1);
}

/* The first place whose document ends after `position`. */
static int64_t pack_find(const PackOrder *order, int64_t position)
{
    int64_t low = 0, high = order->run->n_documents - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (pack_end(order, middle) > position)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

PackWalk pack_walk(const PackOrder *order, int64_t row)
{
    int64_t begin = row * order->seq_len;
    return (PackWalk){begin, begin + order->seq_len, pack_find(order, begin)};
}

bool pack_next(const PackOrder *order, PackWalk *walk, PackPiece *piece)
{
    for (; walk->position < walk->end && walk->place < order->run->n_documents; walk->place++) {
        int64_t document = order->documents ? order->documents[walk->place] : walk->place;
        int64_t end = token_run_document_begin(order->run, document + 1);
        int64_t first = end - (pack_end(order, walk->place) - walk->position);
        int64_t room = walk->end - walk->position, n = end - first < room ? end - first : room;
        if (n == 0)
            continue;
        *piece = (PackPiece){document, first, n, first + n == end};
        walk->position += n;
        walk->place++;
        return true;
    }
    return false;
}
