/* perplexity_train.c - counts of runs in one reading, and the limits of the buckets in a second. */
#include "text/corpus/perplexity_internal.h"

#include "base/log.h"
#include "text/corpus/hash.h"

#include <stdlib.h>

PerplexityTrainOptions perplexity_train_options_default(void)
{
    return (PerplexityTrainOptions){.order = 5, .entries_max = 20000000, .hold = 50};
}

typedef struct {
    PerplexityModel *model;
    const PerplexityTrainOptions *options;
    PerplexityTrainReport *report;
    double *values;  /* of the texts set aside */
    int64_t room;
} Training;

/* The entry, new if there is room; NULL: it is not there and cannot be. */
static PerplexityEntry *entry_for(Training *t, uint64_t key)
{
    PerplexityModel *model = t->model;
    PerplexityEntry *entry = perplexity_entry(model, key);
    if (entry->key)
        return entry;
    if (model->n >= t->options->entries_max)
        return NULL;
    if (2 * (uint64_t)model->n > model->mask) {
        perplexity_grow(model);
        entry = perplexity_entry(model, key);
    }
    entry->key = key;
    model->n++;
    return entry;
}

/* Counts the run that ends in `next` at the highest order; a run that is new there counts at the order below, and so on. */
static void count_run(Training *t, const uint32_t *next)
{
    for (int k = t->model->order; k >= 1; k--) {
        const uint32_t *run = next - (k - 1);
        PerplexityEntry *context = entry_for(t, perplexity_key(run, k - 1));
        if (!context || context->total == UINT32_MAX)
            return;
        context->total++;
        PerplexityEntry *gram = entry_for(t, perplexity_key(run, k));
        if (!gram)
            continue;
        gram->n++;
        if (gram->n > 1)
            return;
        perplexity_entry(t->model, perplexity_key(run, k - 1))->kinds++;  /* the table may have moved */
    }
}

static void learn(Training *t, const Document *document)
{
    uint32_t chars[PERPLEXITY_LINE_MAX];
    int n;
    for (const char *at = document->text, *end = at + document->n_bytes; perplexity_next_line(t->model, &at, end, chars, PERPLEXITY_LINE_MAX, &n);)
        for (int i = t->model->order - 1; i < n; i++, t->report->n_chars++)
            count_run(t, chars + i);
    t->report->n_texts++;
}

static void weigh(Training *t, const Document *document)
{
    if (t->report->n_held == t->room) {
        t->room = t->room ? 2 * t->room : 256;
        t->values = mem_realloc(t->values, (size_t)t->room * sizeof *t->values);
    }
    t->values[t->report->n_held++] = perplexity_of(t->model, NULL, document->text, document->n_bytes);
}

typedef enum { TEXTS_TO_LEARN, TEXTS_SET_ASIDE, ALL_TEXTS } Share;

static bool is_in_share(const Training *t, const Document *document, Share share)
{
    if (share == ALL_TEXTS)
        return true;
    bool is_aside = t->options->hold > 0 && hash64(document->text, document->n_bytes, 7) % (uint64_t)t->options->hold == 0;
    return is_aside == (share == TEXTS_SET_ASIDE);
}

static Err read_all(Training *t, const char *const *inputs, int n_inputs, const DocumentOptions *documents, Share share,
                    void (*take)(Training *, const Document *), Arena *arena)
{
    Err err = OK;
    char **paths;
    int n_paths;
    TRY(document_list_files(&paths, &n_paths, arena, inputs, n_inputs));
    for (int i = 0; i < n_paths && err == OK; i++) {
        DocumentReader *reader;
        Document document;
        TRY(document_reader_open(&reader, paths[i], documents));
        while (document_reader_next(reader, &document, &err)) {
            if (is_in_share(t, &document, share))
                take(t, &document);
        }
        document_reader_free(reader);
    }
    return err;
}

static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void set_limits(Training *t)
{
    int64_t n = t->report->n_held;
    if (n == 0)
        return;
    qsort(t->values, (size_t)n, sizeof *t->values, compare_values);
    t->model->limits[0] = t->values[(n - 1) * 3 / 10];
    t->model->limits[1] = t->values[(n - 1) * 6 / 10];
}

static Err train(Training *t, const char *const *inputs, int n_inputs, const DocumentOptions *documents, const char *out, Arena *arena)
{
    const OptionTexts *judged = &t->options->limits_from;
    DocumentOptions automatic = document_options_default();
    automatic.field = documents->field;
    perplexity_grow(t->model);
    TRY(read_all(t, inputs, n_inputs, documents, judged->n > 0 ? ALL_TEXTS : TEXTS_TO_LEARN, learn, arena));
    if (t->report->n_chars == 0)
        return err_set(ERR_USAGE, "no text to learn from");
    if (judged->n > 0)
        TRY(read_all(t, judged->value, judged->n, &automatic, ALL_TEXTS, weigh, arena));
    else
        TRY(read_all(t, inputs, n_inputs, documents, TEXTS_SET_ASIDE, weigh, arena));
    if (t->report->n_held == 0 && (t->options->hold > 0 || judged->n > 0))
        return err_set(ERR_USAGE, "%lld documents to learn from, and none that says where the buckets end; --limits-from FILE takes the corpus that is to be judged",
                       (long long)t->report->n_texts);
    set_limits(t);
    t->report->n_entries = t->model->n;
    t->report->limits[0] = t->model->limits[0];
    t->report->limits[1] = t->model->limits[1];
    return perplexity_save(t->model, out);
}

Err perplexity_train(PerplexityTrainReport *report, const PerplexityTrainOptions *options, const char *const *inputs, int n_inputs, const DocumentOptions *documents,
                     const char *out)
{
    *report = (PerplexityTrainReport){0};
    PerplexityModel *model = mem_alloc(sizeof *model);
    model->order = (int)options->order;
    Training t = {.model = model, .options = options, .report = report};
    Arena *arena = arena_new();
    Err err = train(&t, inputs, n_inputs, documents, out, arena);
    free(t.values);
    arena_free(arena);
    perplexity_close(model);
    return err;
}
