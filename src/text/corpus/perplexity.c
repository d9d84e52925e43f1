/* perplexity.c - the table of runs, its file, and the value of a text. */
#include "text/corpus/perplexity_internal.h"

#include "base/arena_limit.h"
#include "base/file.h"
#include "base/large.h"
#include "base/parallel.h"
#include "text/corpus/hash.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DISCOUNT 0.75
#define UNIFORM (1.0 / 65536.0)
enum { BLOCK = 32 };  /* characters whose runs are looked up together */

#define KEY_OF_NOTHING 0x9E3779B97F4A7C15u

/* The key of a run that goes on by a character. */
static inline uint64_t key_step(uint64_t key, uint32_t c)
{
    key = (key ^ (c + 1)) * 0x9FB21C651E98DF25u;
    key ^= key >> 29;
    return key ? key : 1;
}

uint64_t perplexity_key(const uint32_t *run, int k)
{
    uint64_t key = KEY_OF_NOTHING;
    for (int i = 0; i < k; i++)
        key = key_step(key, run[i]);
    return key;
}

PerplexityEntry *perplexity_entry(const PerplexityModel *model, uint64_t key)
{
    uint64_t i = (key ^ key >> 32) & model->mask;
    while (model->entries[i].key && model->entries[i].key != key)
        i = (i + 1) & model->mask;
    return &model->entries[i];
}

void perplexity_grow(PerplexityModel *model)
{
    PerplexityModel old = *model;
    model->mask = old.entries ? 2 * old.mask + 1 : 4095;
    model->entries = mem_alloc_large((model->mask + 1) * sizeof *model->entries);
    for (uint64_t i = 0; old.entries && i <= old.mask; i++)
        if (old.entries[i].key)
            *perplexity_entry(model, old.entries[i].key) = old.entries[i];
    free(old.entries);
}

/* A character in its plain form. */
static inline uint32_t plain_of(uint32_t c)
{
    if (c < 0x80)
        return c <= ' ' ? ' ' : c >= '0' && c <= '9' ? '0' : c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
    if (c >= 0x1100 && c <= 0xD7A3)
        return !(c >= 0xAC00) && char_is_space(c) ? ' ' : c;
    return char_is_space(c) ? ' ' : char_lower(c);
}

bool perplexity_next_line(const PerplexityModel *model, const char **at, const char *end, uint32_t *chars, int room, int *n)
{
    while (*at < end && **at == '\n')
        ++*at;
    int first = model->order - 1;
    *n = first;
    for (int i = 0; i < first; i++)
        chars[i] = ' ';
    while (*at < end && **at != '\n' && *n < room) {
        uint32_t c = (unsigned char)**at;
        *at += c < 0x80 ? 1 : utf8_decode(&c, *at, end);
        c = plain_of(c);
        if (c == ' ' && *n > 0 && chars[*n - 1] == ' ')
            continue;
        chars[(*n)++] = c;
    }
    return *n > first || *at < end;
}

/* Keys of the runs of 1, 2, ... characters that end with a character. */
typedef struct {
    uint64_t key[PERPLEXITY_ORDER_MAX];
} Keys;

static void next_keys(Keys *keys, const PerplexityModel *model, const Keys *before, uint32_t c)
{
    for (int k = 0; k < model->order; k++)
        keys->key[k] = key_step(k > 0 ? before->key[k - 1] : KEY_OF_NOTHING, c);
}

/* Before the first character of a line there are blanks. */
static void first_keys(Keys *keys, const PerplexityModel *model, const uint32_t *first)
{
    for (int k = 1; k < model->order; k++)
        keys->key[k - 1] = perplexity_key(first - k, k);
}

static void fetch(const PerplexityModel *model, const Keys *keys, int n)
{
    for (int k = 0; k < n; k++)
        __builtin_prefetch(&model->entries[(keys->key[k] ^ keys->key[k] >> 32) & model->mask]);
}

/* p of a character from the runs that end with it and those that end before it. */
static double p_of(const PerplexityModel *model, const Keys *keys, const Keys *before)
{
    double p = UNIFORM;
    for (int k = 0; k < model->order; k++) {
        const PerplexityEntry *context = perplexity_entry(model, k > 0 ? before->key[k - 1] : KEY_OF_NOTHING);
        if (context->total == 0)
            break;  /* never met, nor any longer one */
        const PerplexityEntry *gram = perplexity_entry(model, keys->key[k]);
        p = ((gram->n > 0 ? (double)gram->n - DISCOUNT : 0.0) + DISCOUNT * (double)context->kinds * p) / (double)context->total;
    }
    return p;
}

/* p of each character of a block: it follows from the run of `order` characters alone, and most runs came before. keys[i + 1] is character i's. */
static void block_of(double *p, const PerplexityModel *model, PerplexityKnown *known, const Keys *keys, int n)
{
    PerplexityKnown *places[BLOCK];
    unsigned missing = 0;
    for (int i = 0; i < n && known; i++) {
        uint64_t key = keys[i + 1].key[model->order - 1];
        places[i] = &known[(key ^ key >> 32) & (PERPLEXITY_KNOWN - 1)];
        __builtin_prefetch(places[i], 1);
    }
    for (int i = 0; i < n; i++) {
        if (known && places[i]->key == keys[i + 1].key[model->order - 1]) {
            p[i] = places[i]->p;
            continue;
        }
        missing |= 1u << i;
        fetch(model, &keys[i + 1], model->order);
        fetch(model, &keys[i], model->order - 1);
    }
    for (; missing; missing &= missing - 1) {
        int i = __builtin_ctz(missing);
        p[i] = p_of(model, &keys[i + 1], &keys[i]);
        if (known)
            *places[i] = (PerplexityKnown){keys[i + 1].key[model->order - 1], p[i]};
    }
}

double perplexity_of(const PerplexityModel *model, const Arena *limit, const char *text, size_t n_bytes)
{
    enum { LINES_A_CHECK = 256 };
    uint32_t chars[PERPLEXITY_LINE_MAX];
    Keys keys[BLOCK + 1];  /* [0]: of the character before the block */
    double nats = 0, product = 1, p[BLOCK];  /* one logarithm for many characters, as long as their product is far from the ends of a double */
    int64_t n_all = 0, n_lines = 0;
    int n, thread = parallel_thread_index();
    PerplexityKnown *known = thread < model->n_known ? model->known[thread] : NULL;
    for (const char *at = text, *end = text + n_bytes; perplexity_next_line(model, &at, end, chars, PERPLEXITY_LINE_MAX, &n);) {
        if (limit && ++n_lines % LINES_A_CHECK == 0 && arena_is_spent(limit))
            break;
        first_keys(&keys[0], model, chars + model->order - 1);
        for (int first = model->order - 1; first < n; first += BLOCK) {
            int n_block = n - first < BLOCK ? n - first : BLOCK;
            for (int i = 0; i < n_block; i++)
                next_keys(&keys[i + 1], model, &keys[i], chars[first + i]);
            block_of(p, model, known, keys, n_block);
            for (int i = 0; i < n_block; i++) {
                product *= p[i];
                if (product < 1e-100 || product > 1e100)
                    nats -= log(product), product = 1;
            }
            keys[0] = keys[n_block];
            n_all += n_block;
        }
    }
    return n_all ? exp((nats - log(product)) / (double)n_all) : 1.0;
}

int perplexity_bucket(const PerplexityModel *model, double value)
{
    return value <= model->limits[0] ? 0 : value <= model->limits[1] ? 1 : 2;
}

uint64_t perplexity_identity(const PerplexityModel *model)
{
    return model->identity;
}

void perplexity_close(PerplexityModel *model)
{
    if (!model)
        return;
    for (int i = 0; i < model->n_known; i++)
        free(model->known[i]);
    free(model->known);
    free(model->entries);
    free(model);
}

/* The file. */

static const char magic[8] = {'j', 'i', 'k', 'j', 'i', 'p', 'p', 'l'};
enum { FILE_FORMAT = 2, HEAD_BYTES = 40, ENTRY_BYTES = 24 };

static int compare_entries(const void *a, const void *b)
{
    uint64_t x = ((const PerplexityEntry *)a)->key, y = ((const PerplexityEntry *)b)->key;
    return (x > y) - (x < y);
}

/* Sorts the table in place: of no use afterwards. */
Err perplexity_save(PerplexityModel *model, const char *path)
{
    FileWriter *file;
    uint64_t n = 0;
    uint32_t head[2] = {FILE_FORMAT, (uint32_t)model->order};
    for (uint64_t i = 0; i <= model->mask; i++)
        if (model->entries[i].key)
            model->entries[n++] = model->entries[i];
    qsort(model->entries, n, sizeof *model->entries, compare_entries);
    TRY(file_writer_open(&file, path));
    file_writer_write(file, magic, sizeof magic);
    file_writer_write(file, head, sizeof head);
    file_writer_write(file, model->limits, sizeof model->limits);
    file_writer_write(file, &n, sizeof n);
    file_writer_write(file, model->entries, n * sizeof *model->entries);
    return file_writer_commit(file);
}

static Err read_entries(PerplexityModel *model, const FileMap *map, const char *path)
{
    uint32_t head[2];
    uint64_t n, last = 0;
    if (map->n_bytes < HEAD_BYTES || memcmp(map->bytes, magic, sizeof magic) != 0)
        return err_set(ERR_FORMAT, "%s: not a model of perplexity", path);
    memcpy(head, map->bytes + 8, sizeof head);
    memcpy(model->limits, map->bytes + 16, sizeof model->limits);
    memcpy(&n, map->bytes + 32, sizeof n);
    if (head[0] != FILE_FORMAT || head[1] < 1 || head[1] > PERPLEXITY_ORDER_MAX || n < 1 || n != (map->n_bytes - HEAD_BYTES) / ENTRY_BYTES ||
        map->n_bytes != HEAD_BYTES + n * ENTRY_BYTES || !(model->limits[0] >= 0 && model->limits[0] <= model->limits[1]))
        return err_set(ERR_FORMAT, "%s: format %u, order %u, %llu entries in %zu bytes, or limits do not fit", path, head[0], head[1], (unsigned long long)n, map->n_bytes);
    model->order = (int)head[1];
    while (!model->entries || 2 * n > model->mask)
        perplexity_grow(model);
    for (uint64_t i = 0; i < n; i++) {
        PerplexityEntry entry;
        memcpy(&entry, map->bytes + HEAD_BYTES + i * ENTRY_BYTES, sizeof entry);
        if (entry.key <= last || (entry.n == 0 && entry.total == 0))
            return err_set(ERR_FORMAT, "%s: entry %llu is out of order or empty", path, (unsigned long long)i);
        last = entry.key;
        *perplexity_entry(model, entry.key) = entry;
    }
    model->n = (int64_t)n;
    return OK;
}

Err perplexity_open(PerplexityModel **out, const char *path)
{
    FileMap map;
    TRY(file_map(&map, path));
    PerplexityModel *model = mem_alloc(sizeof *model);
    Err err = read_entries(model, &map, path);
    model->identity = hash_bytes(map.bytes, map.n_bytes);
    file_unmap(&map);
    if (err == OK) {
        model->known = mem_alloc((size_t)parallel_threads() * sizeof *model->known);
        for (; model->n_known < parallel_threads(); model->n_known++)
            model->known[model->n_known] = mem_alloc_large(PERPLEXITY_KNOWN * sizeof **model->known);
    }
    if (err != OK)
        perplexity_close(model);
    *out = err == OK ? model : NULL;
    return err;
}
