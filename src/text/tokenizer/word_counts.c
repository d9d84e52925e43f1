/* word_counts.c - see word_counts.h. Documents are gathered into batches, a batch is cut at safe places into pieces of fixed size, the
 * pieces are counted by threads into their own tables, and the tables are added up at the end, or in runs on disk before that. */
#include "text/tokenizer/word_counts.h"
#include "text/tokenizer/text_cut.h"
#include "text/tokenizer/word_spill.h"
#include "base/log.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { BATCH_BYTES = 32 << 20, CHUNK_BYTES_MIN = 1 << 16, CHUNK_BYTES_MAX = 1 << 20, SPILL_SECONDS = 60 };

/* Words of one thread: open addressing over entries, bytes in a pool. */
typedef struct {
    uint64_t hash;
    uint64_t offset;
    uint32_t n_bytes;
    int64_t count;
} Entry;
typedef struct {
    Entry *entries;
    size_t n, capacity;
    uint32_t *slots;  /* entry + 1, 0 when free */
    size_t n_slots;
    char *pool;
    size_t pool_used, pool_capacity;
    Arena *arena;  /* of the piece being cut */
} Table;

static void table_rehash(Table *table)
{
    table->n_slots = table->n_slots ? table->n_slots * 2 : 1 << 14;
    free(table->slots);
    table->slots = mem_alloc(table->n_slots * sizeof *table->slots);
    for (size_t i = 0; i < table->n; i++) {
        size_t at = table->entries[i].hash & (table->n_slots - 1);
        while (table->slots[at])
            at = (at + 1) & (table->n_slots - 1);
        table->slots[at] = (uint32_t)i + 1;
    }
}

static void table_add(Table *table, uint64_t hash, const char *bytes, size_t n, int64_t count)
{
    if (table->n * 2 >= table->n_slots)
        table_rehash(table);
    size_t mask = table->n_slots - 1, at = hash & mask;
    for (; table->slots[at]; at = (at + 1) & mask) {
        Entry *entry = &table->entries[table->slots[at] - 1];
        if (entry->hash == hash && entry->n_bytes == n && memcmp(table->pool + entry->offset, bytes, n) == 0) {
            entry->count += count;
            return;
        }
    }
    if (table->n == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 4096;
        table->entries = mem_realloc(table->entries, table->capacity * sizeof *table->entries);
    }
    if (table->pool_used + n > table->pool_capacity) {
        table->pool_capacity = (table->pool_used + n) * 2 + 65536;
        table->pool = mem_realloc(table->pool, table->pool_capacity);
    }
    memcpy(table->pool + table->pool_used, bytes, n);
    table->entries[table->n++] = (Entry){hash, table->pool_used, (uint32_t)n, count};
    table->pool_used += n;
    table->slots[at] = (uint32_t)table->n;
}

static size_t table_bytes(const Table *table)
{
    return table->capacity * sizeof *table->entries + table->n_slots * sizeof *table->slots + table->pool_capacity;
}

static void table_release(Table *table)
{
    free(table->entries);
    free(table->slots);
    free(table->pool);
    arena_free(table->arena);
}

/* A stretch of a document that is cut by itself. */
typedef struct {
    const char *text;
    size_t n;
} Chunk;
typedef struct {
    const WordCountOptions *options;
    Table *tables;  /* one a thread */
    Chunk *chunks;
    size_t n_chunks, chunk_capacity;
    TextCut cut;             /* where chunks may be cut */
    char *batch;             /* copies of small documents */
    size_t batch_bytes, chunk_bytes;  /* both smaller within a narrow bound: cutting a chunk takes many times its bytes */
    WordSpill *spill;        /* NULL: everything in memory */
    WordSpillPlace place;    /* what the chunks so far come from */
    double spilled_at;
    size_t batch_used;
    size_t waiting_bytes;    /* in all chunks of the batch */
} Counter;

static void count_chunk(void *context, int64_t index)
{
    Counter *counter = context;
    Table *table = &counter->tables[parallel_thread_index()];
    const Tokenizer *rules = counter->options->rules;
    Piece text = {counter->chunks[index].text, counter->chunks[index].n, NULL, true};
    if (counter->options->repair)
        text.bytes = utf8_repair(table->arena, text.bytes, text.n, &text.n);
    text = normalizer_run(rules->normalizers, rules->n_normalizers, table->arena, text);
    const Splitter *scanner = tokenizer_only_scanner(rules);
    SplitSpan span;
    if (scanner) {
        for (size_t at = 0; splitter_next(scanner, text.bytes, text.n, at, &span); at = span.end)
            table_add(table, XXH3_64bits(text.bytes + at, span.end - at), text.bytes + at, span.end - at, 1);
    } else {
        Pieces pieces = {0};
        pretokenizer_run(rules->pretokenizers, rules->n_pretokenizers, table->arena, text, &pieces);
        for (size_t i = 0; i < pieces.n; i++)
            table_add(table, XXH3_64bits(pieces.items[i].bytes, pieces.items[i].n), pieces.items[i].bytes, pieces.items[i].n, 1);
    }
    arena_reset(table->arena);
}

static void add_chunk(Counter *counter, const char *text, size_t n)
{
    if (counter->n_chunks == counter->chunk_capacity) {
        counter->chunk_capacity = counter->chunk_capacity ? counter->chunk_capacity * 2 : 256;
        counter->chunks = mem_realloc(counter->chunks, counter->chunk_capacity * sizeof *counter->chunks);
    }
    counter->chunks[counter->n_chunks++] = (Chunk){text, n};
    counter->waiting_bytes += n;
}

static Err spill_tables(Counter *counter);

static Err count_batch(Counter *counter)
{
    parallel_for((int64_t)counter->n_chunks, count_chunk, counter);
    counter->n_chunks = counter->batch_used = counter->waiting_bytes = 0;
    size_t n_bytes = 0;
    for (int i = 0; i < parallel_threads(); i++)
        n_bytes += table_bytes(&counter->tables[i]);
    int64_t most = counter->options->memory_bytes_max;
    bool stops = interrupt_requested();
    bool is_full = most > 0 && (int64_t)n_bytes > (counter->spill ? most / 2 : most);
    if (counter->spill && (is_full || stops || clock_seconds() - counter->spilled_at > SPILL_SECONDS))
        TRY(spill_tables(counter));
    else if (is_full)
        return err_set(ERR_MEMORY, "distinct words take %.1f MB, more than the bound of %.1f MB; a work folder takes what does not fit",
                       (double)n_bytes / 1e6, (double)most / 1e6);
    return stops ? err_set(ERR_INTERRUPTED, "interrupted while counting words") : OK;
}

/* A document of any length, already in lasting memory for this batch. */
static Err add_document(Counter *counter, const char *text, size_t n)
{
    size_t cut, n_dropped;
    while (n > counter->chunk_bytes + counter->chunk_bytes / 2 && text_cut_find(counter->cut, text, n, counter->chunk_bytes, &cut, &n_dropped)) {
        add_chunk(counter, text, cut);
        text += cut + n_dropped;
        n -= cut + n_dropped;
        counter->place.doc_offset += (int64_t)(cut + n_dropped);
        if (counter->waiting_bytes >= counter->batch_bytes)
            TRY(count_batch(counter));
    }
    if (n)
        add_chunk(counter, text, n);
    return OK;
}

/* The documents from where counting stopped on. */
static Err read_documents(Counter *counter, TokenizerSource source, Progress *progress)
{
    WordSpillPlace done = counter->place;
    for (int64_t i = 0;; i++) {
        const char *text = NULL;
        size_t n = 0;
        TRY(source.next(source.context, &text, &n));
        if (!text)
            break;
        if (i < done.n_documents)
            continue;
        size_t offset = i == done.n_documents ? (size_t)done.doc_offset : 0;
        if (offset > n)
            return err_set(ERR_USAGE, "document %lld is shorter than when it was counted", (long long)i);
        counter->place.n_text_bytes += (int64_t)(offset ? 0 : n);
        text += offset;
        n -= offset;
        if (n > counter->chunk_bytes) {  /* counted where it lies, before the next call takes it away */
            TRY(add_document(counter, text, n));
        } else {
            if (counter->batch_used + n > counter->batch_bytes || counter->n_chunks > 100000)
                TRY(count_batch(counter));
            if (n)
                memcpy(counter->batch + counter->batch_used, text, n);
            TRY(add_document(counter, counter->batch + counter->batch_used, n));
            counter->batch_used += n;
        }
        counter->place.n_documents = i + 1;
        counter->place.doc_offset = 0;
        if (n > counter->chunk_bytes)
            TRY(count_batch(counter));
        if (progress)
            progress_set(progress, counter->place.n_text_bytes);
    }
    return count_batch(counter);
}

static int by_bytes(const void *a, const void *b, void *pool)
{
    const Word *x = a, *y = b;
    size_t n = x->n_bytes < y->n_bytes ? x->n_bytes : y->n_bytes;
    int order = memcmp((const char *)pool + x->offset, (const char *)pool + y->offset, n);
    return order ? order : (x->n_bytes > y->n_bytes) - (x->n_bytes < y->n_bytes);
}

static void gather(Table *tables, int n_tables, WordCounts *counts)
{
    Table *all = &tables[0];
    for (int t = 1; t < n_tables; t++) {
        for (size_t i = 0; i < tables[t].n; i++) {
            const Entry *entry = &tables[t].entries[i];
            table_add(all, entry->hash, tables[t].pool + entry->offset, entry->n_bytes, entry->count);
        }
        table_release(&tables[t]);
    }
    counts->words = mem_alloc(all->n * sizeof *counts->words);
    counts->n = (int64_t)all->n;
    for (size_t i = 0; i < all->n; i++)
        counts->words[i] = (Word){all->entries[i].offset, all->entries[i].n_bytes, all->entries[i].count};
    counts->pool = all->pool;
    counts->n_word_bytes = (int64_t)all->pool_used;
    all->pool = NULL;
    table_release(all);
    qsort_r(counts->words, (size_t)counts->n, sizeof *counts->words, by_bytes, counts->pool);
}

static void make_tables(Table *tables, int n_tables)
{
    memset(tables, 0, (size_t)n_tables * sizeof *tables);
    for (int i = 0; i < n_tables; i++)
        tables[i].arena = arena_new();
}

static Err spill_tables(Counter *counter)
{
    WordCounts counts = {0};
    gather(counter->tables, parallel_threads(), &counts);
    Err err = word_spill_write(counter->spill, &counts, counter->place);
    word_counts_release(&counts);
    make_tables(counter->tables, parallel_threads());
    counter->spilled_at = clock_seconds();
    return err;
}

typedef struct {
    WordCounts *counts;
    int64_t n_filled;
    uint64_t pool_used;
} Filler;

static Err measure_word(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    (void)bytes;
    (void)count;
    WordCounts *counts = context;
    counts->n++;
    counts->n_word_bytes += n_bytes;
    return OK;
}

static Err fill_word(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    Filler *filler = context;
    memcpy(filler->counts->pool + filler->pool_used, bytes, n_bytes);
    filler->counts->words[filler->n_filled++] = (Word){filler->pool_used, n_bytes, count};
    filler->pool_used += n_bytes;
    return OK;
}

/* Of counts->n words, for the list and what the caller does with it. */
static double bytes_needed(const WordCounts *counts, const WordCountOptions *options)
{
    return (double)counts->n * (sizeof(Word) + options->use_per_word) + (double)counts->n_word_bytes * (1.0 + options->use_per_byte);
}

static Err too_much(const WordCounts *counts, const WordCountOptions *options)
{
    return err_set(ERR_MEMORY, "learning from %lld distinct words takes some %.1f MB, more than the bound of %.1f MB; a work folder takes what does not fit",
                   (long long)counts->n, bytes_needed(counts, options) / 1e6, (double)options->memory_bytes_max / 1e6);
}

/* The list of all words: in memory, from the tables or from runs on disk, or on disk. */
static Err finish(Counter *counter, WordCounts *counts)
{
    const WordCountOptions *options = counter->options;
    double most = options->memory_bytes_max > 0 ? (double)options->memory_bytes_max : INFINITY;
    if (!counter->spill || word_spill_n_runs(counter->spill) == 0) {
        gather(counter->tables, parallel_threads(), counts);
        counts->n_text_bytes = counter->place.n_text_bytes;
        make_tables(counter->tables, parallel_threads());
        if (bytes_needed(counts, options) <= most)
            return OK;
        if (!counter->spill)
            return too_much(counts, options);
        TRY(word_spill_write(counter->spill, counts, counter->place));
        word_counts_release(counts);
    } else {
        TRY(spill_tables(counter));
    }
    counts->n_text_bytes = counter->place.n_text_bytes;
    TRY(word_spill_each(counter->spill, measure_word, counts));
    if (bytes_needed(counts, options) > most) {
        counts->spill = counter->spill;
        counter->spill = NULL;
        return OK;
    }
    counts->pool = mem_alloc((size_t)counts->n_word_bytes);
    counts->words = mem_alloc((size_t)counts->n * sizeof(Word));
    return word_spill_each(counter->spill, fill_word, &(Filler){.counts = counts});
}

Err word_counts_each(const WordCounts *counts, WordVisitor visit, void *context)
{
    if (counts->spill)
        return word_spill_each(counts->spill, visit, context);
    for (int64_t w = 0; w < counts->n; w++) {
        const Word *word = &counts->words[w];
        TRY(visit(context, counts->pool + word->offset, word->n_bytes, word->count));
    }
    return OK;
}

Err word_counts_read(WordCounts *counts, const WordCountOptions *options, TokenizerSource source)
{
    *counts = (WordCounts){0};
    int n_threads_before = parallel_threads();
    if (options->n_threads > 0)
        parallel_set_threads(options->n_threads);
    int n_tables = parallel_threads();
    int64_t most = options->memory_bytes_max, chunk = most > 0 ? most / 128 : CHUNK_BYTES_MAX;
    chunk = chunk < CHUNK_BYTES_MIN ? CHUNK_BYTES_MIN : chunk > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : chunk;
    Counter counter = {
        .options = options,
        .tables = mem_alloc((size_t)n_tables * sizeof(Table)),
        .batch_bytes = most > 0 && most / 8 < BATCH_BYTES ? (size_t)(most / 8 + chunk) : BATCH_BYTES,
        .chunk_bytes = (size_t)chunk,
        .cut = text_cut_of_pieces(options->rules),
        .spilled_at = clock_seconds(),
    };
    counter.batch = mem_alloc(counter.batch_bytes);
    make_tables(counter.tables, n_tables);
    Progress *progress = options->quiet ? NULL : progress_new("count words", options->total_bytes, "B");
    Err err = options->work_dir ? word_spill_open(&counter.spill, options->work_dir, options->identity, &counter.place) : OK;
    if (err == OK)
        err = read_documents(&counter, source, progress);
    progress_free(progress);
    if (err == OK)
        err = finish(&counter, counts);
    if (err != OK)
        word_counts_release(counts);
    for (int i = 0; i < n_tables; i++)
        table_release(&counter.tables[i]);
    word_spill_free(counter.spill);
    free(counter.tables);
    free(counter.chunks);
    free(counter.batch);
    parallel_set_threads(n_threads_before);
    return err;
}

void word_counts_release(WordCounts *counts)
{
    free(counts->pool);
    free(counts->words);
    word_spill_free(counts->spill);
    *counts = (WordCounts){0};
}
