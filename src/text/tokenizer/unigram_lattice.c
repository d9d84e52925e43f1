/* unigram_lattice.c - see unigram_lattice.h. */
#include "text/tokenizer/unigram_lattice.h"
#include "text/tokenizer/sampling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pieces that begin at a place; a character that none covers is one unknown edge. */
typedef struct {
    double score;
    int32_t id;
    uint32_t end;
} Edge;
typedef struct {
    Edge *items;
    size_t n, capacity;
    uint32_t next;  /* the place behind the character */
} Edges;

static void edges_push(Edges *edges, Edge edge)
{
    if (edges->n == edges->capacity) {
        edges->capacity = edges->capacity * 2 + 64;
        edges->items = mem_realloc(edges->items, edges->capacity * sizeof *edges->items);
    }
    edges->items[edges->n++] = edge;
}

static void edges_at(const Tokenizer *tok, Piece piece, size_t start, Edges *edges)
{
    const Unigram *unigram = tok->unigram;
    uint32_t c;
    size_t next = start + (size_t)utf8_decode(&c, piece.bytes + start, piece.bytes + piece.n);
    bool covered = false;
    edges->n = 0;
    edges->next = (uint32_t)next;
    TrieNode node = trie_root(&unigram->trie);
    for (size_t end = start; end < piece.n && trie_step(&unigram->trie, &node, (unsigned char)piece.bytes[end]);) {
        end++;
        int32_t id = trie_value(node);
        if (id < 0)
            continue;
        edges_push(edges, (Edge){unigram_score(unigram, id, end - start), id, (uint32_t)end});
        covered |= end == next;
    }
    if (!covered)
        edges_push(edges, (Edge){unigram_unknown_score(unigram), tok->unk_id, (uint32_t)next});
}

/* log of the sum over all cuts of [start, n) of P^alpha, for every start that is a character's. */
static void sum_backward(const Tokenizer *tok, Piece piece, double alpha, double *sums, Edges *edges)
{
    uint32_t *starts = mem_alloc((piece.n + 1) * sizeof *starts);
    size_t n_starts = 0;
    uint32_t c;
    for (size_t at = 0; at < piece.n; at += (size_t)utf8_decode(&c, piece.bytes + at, piece.bytes + piece.n))
        starts[n_starts++] = (uint32_t)at;
    for (size_t i = 0; i < piece.n; i++)
        sums[i] = -INFINITY;  /* a piece may end inside a character: a way to nowhere */
    sums[piece.n] = 0.0;
    while (n_starts-- > 0) {
        uint32_t start = starts[n_starts];
        double most = -INFINITY, sum = 0.0;
        edges_at(tok, piece, start, edges);
        for (size_t i = 0; i < edges->n; i++)
            most = fmax(most, alpha * edges->items[i].score + sums[edges->items[i].end]);
        for (size_t i = 0; i < edges->n && most > -INFINITY; i++)
            sum += exp(alpha * edges->items[i].score + sums[edges->items[i].end] - most);
        sums[start] = most > -INFINITY ? most + log(sum) : -INFINITY;
    }
    free(starts);
}

static const Edge *draw_edge(const Edges *edges, double alpha, const double *sums, double here, Sampler *sampler)
{
    const Edge *last = &edges->items[0];
    double left = sampler_draw(sampler);
    for (size_t i = 0; i < edges->n; i++) {
        double p = exp(alpha * edges->items[i].score + sums[edges->items[i].end] - here);
        if (p > 0.0)
            last = &edges->items[i];
        left -= p;
        if (left < 0.0)
            break;
    }
    return last;
}

void unigram_sample(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    double alpha = scratch->sampler->sampling->alpha, *sums = mem_alloc((piece.n + 1) * sizeof *sums);
    Edges edges = {0};
    sum_backward(tok, piece, alpha, sums, &edges);
    UnigramPart *parts = mem_alloc((piece.n + 1) * sizeof *parts);
    size_t n_parts = 0;
    for (size_t at = 0; at < piece.n; at = parts[n_parts++].end) {
        edges_at(tok, piece, at, &edges);
        const Edge *edge = draw_edge(&edges, alpha, sums, sums[at], scratch->sampler);
        parts[n_parts] = (UnigramPart){edge->id, (uint32_t)at, edge->end};
    }
    unigram_put_parts(tok, piece, parts, n_parts, out);
    free(parts);
    free(sums);
    free(edges.items);
}

/* Puts a way into a list in order, unless n_best are better. */
static void offer(Arena *arena, UnigramWays *ways, int64_t n_best, UnigramWay way)
{
    if (ways->n == n_best && !(way.score > ways->items[n_best - 1]->score))
        return;
    if (!ways->items)
        ways->items = ARENA_ARRAY(arena, const UnigramWay *, n_best);
    int64_t at = ways->n < n_best ? ways->n++ : n_best - 1;
    for (; at > 0 && way.score > ways->items[at - 1]->score; at--)
        ways->items[at] = ways->items[at - 1];
    UnigramWay *kept = arena_alloc(arena, sizeof *kept);
    *kept = way;
    ways->items[at] = kept;
}

UnigramWays unigram_ways(const Tokenizer *tok, Arena *arena, Piece piece, UnigramWays so_far, int64_t n_best)
{
    UnigramWays *to = mem_alloc((piece.n + 1) * sizeof *to);
    Edges edges = {0};
    to[0] = so_far;
    for (size_t start = 0; start < piece.n; start = edges.next) {
        edges_at(tok, piece, start, &edges);
        for (size_t i = 0; i < edges.n; i++)
            for (int64_t k = 0; k < to[start].n; k++) {
                const UnigramWay *before = to[start].items[k];
                offer(arena, &to[edges.items[i].end], n_best,
                      (UnigramWay){before->score + edges.items[i].score, before, edges.items[i].id, false, piece, (uint32_t)start,
                                   edges.items[i].end});
            }
    }
    UnigramWays ways = to[piece.n];
    free(to);
    free(edges.items);
    return ways;
}

void unigram_put_way(const Tokenizer *tok, EncodeScratch *scratch, const UnigramWay *way, TokenBuffer *out)
{
    size_t n = 0;
    for (const UnigramWay *at = way; at->before; at = at->before)
        n++;
    const UnigramWay **ways = encode_scratch_model(scratch, n * (sizeof *ways + sizeof(UnigramPart)));
    UnigramPart *parts = (UnigramPart *)(ways + n);
    for (size_t i = n; i-- > 0; way = way->before)
        ways[i] = way;
    for (size_t i = 0; i < n;) {
        if (ways[i]->is_token) {
            token_buffer_push(out, ways[i++]->id, 0, 0);
            continue;
        }
        Piece piece = ways[i]->piece;
        size_t n_parts = 0;
        do {
            parts[n_parts++] = (UnigramPart){ways[i]->id, ways[i]->begin, ways[i]->end};
        } while (++i < n && !ways[i]->is_token && ways[i]->begin == parts[n_parts - 1].end && ways[i]->piece.bytes == piece.bytes);
        unigram_put_parts(tok, piece, parts, n_parts, out);
    }
}

/* Normalizer and pre-tokenizer, then the ways through each piece in turn. */
int64_t tokenizer_n_best(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int64_t n_best, TokenCut *cuts)
{
    static const UnigramWay start = {0};
    EncodeScratch *scratch = encode_scratch_take(tok);
    Arena *work = scratch->arena;
    const UnigramWay *first = &start;
    UnigramWays ways = {&first, 1};
    Segments raw = {0};
    added_split(tok, work, (Piece){text, n_bytes, NULL, true}, false, false, NULL, &raw);
    for (size_t r = 0; r < raw.n; r++) {
        Segments segments = {0};
        if (raw.items[r].id >= 0)
            segments = (Segments){&raw.items[r], 1, 1};
        else
            added_split(tok, work, normalizer_run(tok->normalizers, tok->n_normalizers, work, raw.items[r].text), true, false, NULL, &segments);
        for (size_t s = 0; s < segments.n; s++) {
            if (segments.items[s].id >= 0) {
                UnigramWays more = {0};
                for (int64_t k = 0; k < ways.n; k++)
                    offer(work, &more, n_best, (UnigramWay){ways.items[k]->score, ways.items[k], segments.items[s].id, true, {0}, 0, 0});
                ways = more;
                continue;
            }
            Pieces pieces = {0};
            pretokenizer_run(tok->pretokenizers, tok->n_pretokenizers, work, segments.items[s].text, &pieces);
            for (size_t i = 0; i < pieces.n; i++)
                ways = unigram_ways(tok, work, pieces.items[i], ways, n_best);
        }
    }
    for (int64_t k = 0; k < ways.n; k++) {
        TokenBuffer out = {0};
        unigram_put_way(tok, scratch, ways.items[k], &out);
        cuts[k] = (TokenCut){{ARENA_ARRAY(arena, int32_t, out.n), out.n}, ways.items[k]->score};
        if (out.n)
            memcpy(cuts[k].ids.ids, out.ids, (size_t)out.n * sizeof *out.ids);
        free(out.ids);
    }
    encode_scratch_give(tok, scratch);
    return ways.n;
}
