/* langid_train.c - counts, kept features, logarithms. */
#include "text/corpus/langid_train.h"

#include "base/log.h"
#include "text/corpus/langid_internal.h"
#include "text/corpus/langid_refine.h"
#include "text/corpus/langid_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

LangidTrainOptions langid_train_options_default(void)
{
    return (LangidTrainOptions){.count_min = 2, .features_max = 2000000, .smoothing = 0.1, .refine_rounds = 6};
}

/* A language belongs to a script when this share of its examples is written in it. */
#define SCRIPT_SHARE 0.02
enum { SCRIPT_EXAMPLES_MIN = 3, KNOWN_MAX = 1 << 16 };

/* Features of a script with a count each. */
typedef struct {
    uint32_t *keys, *counts;
    uint64_t mask;
    int64_t n;
} Counts;

typedef struct {
    Counts seen;
    LangidWordCounts *words;
    float *rows;  /* [n_rows + 1][n_languages]: counts, then weights */
    float *means;  /* [n_rows + 1] taken off a row's weights */
    double *totals;
    LangidRefiner *refiner;
} ScriptTraining;

typedef struct {
    const LangidTrainOptions *options;
    LangidModel *model;
    int64_t n_examples;
    int64_t (*examples)[LANGID_SCRIPTS];  /* [language] */
    ScriptTraining scripts[LANGID_SCRIPTS];
    uint32_t features[LANGID_WORD_FEATURES_MAX], word[LANGID_WORD_MAX], *known;
} Training;

static int language_of(LangidModel *model, const char *label)
{
    for (int i = 0; i < model->n_languages; i++)
        if (strcmp(model->names[i], label) == 0)
            return i;
    return -1;
}

static int dominant_script(const LangidModel *model, const LangidExample *example)
{
    LangidCount count = {.kana = 0};
    langid_count(&model->letters, &count, example->text, example->n_bytes);
    int best = LANGID_NO_LETTER;
    for (int script = LANGID_ANY_SCRIPT + 1; script < LANGID_SCRIPTS; script++)
        if (count.letters[script] > (best ? count.letters[best] : 0))
            best = script;
    return best;
}

/* First reading. */

static Err visit_labels(void *context, const LangidExample *example)
{
    Training *t = context;
    LangidModel *model = t->model;
    int language = language_of(model, example->label);
    if (language < 0) {
        if (model->n_languages == LANGID_LANGUAGES_MAX)
            return err_set(ERR_FORMAT, "more than %d languages; the last was \"%s\"", LANGID_LANGUAGES_MAX, example->label);
        language = model->n_languages++;
        model->names[language] = arena_strdup(model->arena, example->label);
    }
    t->n_examples++;
    t->examples[language][dominant_script(model, example)]++;
    return OK;
}

static void find_scripts(Training *t)
{
    LangidModel *model = t->model;
    for (int s = LANGID_ANY_SCRIPT + 1; s < LANGID_SCRIPTS; s++) {
        LangidScript *script = &model->scripts[s];
        script->languages = ARENA_ARRAY(model->arena, int32_t, model->n_languages);
        for (int language = 0; language < model->n_languages; language++) {
            int64_t n = t->examples[language][s], n_all = 0;
            for (int k = 0; k < LANGID_SCRIPTS; k++)
                n_all += t->examples[language][k];
            int64_t needed = n_all < SCRIPT_EXAMPLES_MIN ? n_all : SCRIPT_EXAMPLES_MIN;
            if (n > 0 && n >= needed && (double)n >= SCRIPT_SHARE * (double)n_all)
                script->languages[script->n_languages++] = language;
        }
    }
}

/* Second reading. */

static uint32_t *count_at(Counts *counts, uint32_t key)
{
    uint64_t i = key & counts->mask;
    while (counts->keys[i] && counts->keys[i] != key)
        i = (i + 1) & counts->mask;
    counts->n += counts->keys[i] == 0;
    counts->keys[i] = key;
    return &counts->counts[i];
}

/* Makes room: features seen once go when there are too many, else the table doubles. */
static void counts_grow(Counts *counts, int64_t n_max)
{
    Counts old = *counts;
    bool full = old.n > n_max;
    uint64_t room = !old.keys ? 1 << 12 : full ? old.mask + 1 : 2 * (old.mask + 1);
    *counts = (Counts){.keys = mem_alloc(room * sizeof(uint32_t)), .counts = mem_alloc(room * sizeof(uint32_t)), .mask = room - 1};
    for (uint64_t i = 0; old.keys && i <= old.mask; i++)
        if (old.keys[i] && !(full && old.counts[i] <= 1))
            *count_at(counts, old.keys[i]) = old.counts[i];
    free(old.keys);
    free(old.counts);
}

static Err visit_features(void *context, const LangidExample *example)
{
    Training *t = context;
    int s = dominant_script(t->model, example);
    Counts *seen = &t->scripts[s].seen;
    const char *at = example->text, *end = at + example->n_bytes;
    if (t->model->scripts[s].n_languages < 2)
        return OK;
    if (!t->scripts[s].words)
        t->scripts[s].words = langid_words_new();
    for (int n; (n = langid_next_word(&t->model->letters, s, &at, end, t->word)) > 0;) {
        langid_words_add(t->scripts[s].words, t->word, n);
        n = langid_word_features(t->features, s, t->word, n);
        while (!seen->keys || 2 * (uint64_t)(seen->n + n) > seen->mask)
            counts_grow(seen, 8 * t->options->features_max);
        for (int i = 0; i < n; i++) {
            uint32_t *count = count_at(seen, t->features[i]);
            *count += *count < UINT32_MAX;
        }
    }
    return OK;
}

static int compare_keys(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The smallest count that leaves at most features_max. */
static uint32_t least_count(const Counts *seen, const LangidTrainOptions *options)
{
    for (uint64_t least = (uint64_t)options->count_min;; least++) {
        int64_t n = 0;
        for (uint64_t i = 0; i <= seen->mask; i++)
            n += seen->keys[i] && seen->counts[i] >= least;
        if (n <= options->features_max || least == UINT32_MAX)
            return (uint32_t)least;
    }
}

static void keep_features(Training *t, int s)
{
    LangidScript *script = &t->model->scripts[s];
    Counts *seen = &t->scripts[s].seen;
    uint32_t least = seen->keys ? least_count(seen, t->options) : 0;
    script->keys = ARENA_ARRAY(t->model->arena, uint32_t, seen->n + 1);
    for (uint64_t i = 0; seen->keys && i <= seen->mask; i++)
        if (seen->keys[i] && seen->counts[i] >= least)
            script->keys[script->n_rows++] = seen->keys[i];
    qsort(script->keys, (size_t)script->n_rows, sizeof *script->keys, compare_keys);
    free(seen->keys);
    free(seen->counts);
    *seen = (Counts){.n = 0};
    langid_script_index(t->model, script);
    if (t->scripts[s].words)
        script->word_list = langid_words_list(t->scripts[s].words, t->model->arena, &script->n_word_list_bytes);
    script->row_bytes = langid_row_bytes(script->n_languages);
    t->scripts[s].rows = mem_alloc((size_t)(script->n_rows + 1) * (size_t)script->n_languages * sizeof(float));
    t->scripts[s].means = mem_alloc((size_t)(script->n_rows + 1) * sizeof(float));
    t->scripts[s].totals = mem_alloc((size_t)script->n_languages * sizeof(double));
}

/* Third reading. */

/* The example's language among those of its script; -1: it does not belong there, or is alone there. */
static int own_of(const Training *t, const LangidScript *script, const LangidExample *example)
{
    int language = language_of(t->model, example->label), own = -1;
    for (int k = 0; k < script->n_languages; k++)
        own = script->languages[k] == language ? k : own;
    return script->n_languages < 2 ? -1 : own;
}

static Err visit_counts(void *context, const LangidExample *example)
{
    Training *t = context;
    int s = dominant_script(t->model, example);
    const LangidScript *script = &t->model->scripts[s];
    ScriptTraining *training = &t->scripts[s];
    int own = own_of(t, script, example);
    if (own < 0)
        return OK;
    const char *at = example->text, *end = at + example->n_bytes;
    for (int n; (n = langid_next_features(&t->model->letters, s, &at, end, t->features)) > 0;)
        for (int i = 0; i < n; i++) {
            int64_t row = langid_find_row(script, t->features[i]);
            if (row == 0)
                continue;
            training->rows[row * script->n_languages + own] += 1.0f;
            training->totals[own] += 1.0;
        }
    return OK;
}

/* Fourth reading, of the beginning of each example. */

static Err visit_margins(void *context, const LangidExample *example)
{
    Training *t = context;
    int s = dominant_script(t->model, example), n_known = 0;
    const LangidScript *script = &t->model->scripts[s];
    int own = own_of(t, script, example);
    if (own < 0)
        return OK;
    const char *at = example->text, *end = at + example->n_bytes;
    for (int n; n_known + LANGID_WORD_FEATURES_MAX < KNOWN_MAX && (n = langid_next_features(&t->model->letters, s, &at, end, t->features)) > 0;)
        for (int i = 0; i < n; i++) {
            t->known[n_known] = (uint32_t)langid_find_row(script, t->features[i]);
            n_known += t->known[n_known] != 0;
        }
    langid_refiner_add(t->scripts[s].refiner, own, t->known, n_known);
    return OK;
}

static Err refine(Training *t, const LangidSource *source)
{
    if (t->options->refine_rounds == 0)
        return OK;
    log_info("refining what close languages are told by ...");
    for (int s = LANGID_ANY_SCRIPT + 1; s < LANGID_SCRIPTS; s++)
        if (t->model->scripts[s].n_languages > 1)
            t->scripts[s].refiner = langid_refiner_new(&t->model->scripts[s], t->scripts[s].rows, t->scripts[s].means, t->scripts[s].totals,
                                                       t->options->smoothing);
    t->known = mem_alloc(KNOWN_MAX * sizeof *t->known);
    Err err = langid_each(source, false, visit_margins, t);
    for (int s = 0; s < LANGID_SCRIPTS && err == OK; s++)
        if (t->scripts[s].refiner)
            langid_refiner_run(t->scripts[s].refiner, (int)t->options->refine_rounds);
    free(t->known);
    return err;
}

/* Counts to log p, less their mean over the languages: what all share tells nothing. */
static void weigh(const LangidTrainOptions *options, const LangidScript *script, ScriptTraining *training)
{
    int n = script->n_languages;
    for (int64_t row = 1; row <= script->n_rows; row++) {
        float *values = training->rows + row * n;
        double mean = 0;
        for (int k = 0; k < n; k++) {
            double p = ((double)values[k] + options->smoothing) / (training->totals[k] + options->smoothing * (double)script->n_rows);
            values[k] = (float)log(p);
            mean += values[k] / n;
        }
        for (int k = 0; k < n; k++)
            values[k] -= (float)mean;
        training->means[row] = (float)mean;
    }
}

static void quantise(Training *t, int s)
{
    LangidScript *script = &t->model->scripts[s];
    const float *rows = t->scripts[s].rows;
    float most = 1e-3f;
    for (int64_t i = script->n_languages; i < (script->n_rows + 1) * script->n_languages; i++)
        most = fmaxf(most, fabsf(rows[i]));
    script->scale = most / 127.0f;
    script->rows = arena_alloc(t->model->arena, (size_t)(script->n_rows + 1) * (size_t)script->row_bytes);
    for (int64_t row = 1; row <= script->n_rows; row++)
        for (int k = 0; k < script->n_languages; k++)
            script->rows[row * script->row_bytes + k] = (int8_t)lrintf(rows[row * script->n_languages + k] / script->scale);
}

static Err train_all(Training *t, const LangidSource *source)
{
    log_info("languages and scripts ...");
    TRY(langid_each(source, false, visit_labels, t));
    if (t->n_examples == 0)
        return err_set(ERR_USAGE, "no labelled example to learn from");
    find_scripts(t);
    log_info("%lld examples of %d languages; counting features ...", (long long)t->n_examples, t->model->n_languages);
    TRY(langid_each(source, false, visit_features, t));
    for (int s = LANGID_ANY_SCRIPT + 1; s < LANGID_SCRIPTS; s++)
        if (t->model->scripts[s].n_languages > 1)
            keep_features(t, s);
    TRY(langid_each(source, false, visit_counts, t));
    for (int s = LANGID_ANY_SCRIPT + 1; s < LANGID_SCRIPTS; s++)
        if (t->model->scripts[s].n_languages > 1)
            weigh(t->options, &t->model->scripts[s], &t->scripts[s]);
    TRY(refine(t, source));
    for (int s = LANGID_ANY_SCRIPT + 1; s < LANGID_SCRIPTS; s++)
        if (t->model->scripts[s].n_languages > 1)
            quantise(t, s);
    return OK;
}

Err langid_train(LangidTrainReport *report, const LangidTrainOptions *options, const LangidSource *source, const char *out)
{
    Training *t = mem_alloc(sizeof *t);
    t->options = options;
    t->model = langid_model_new();
    t->model->names = ARENA_ARRAY(t->model->arena, const char *, LANGID_LANGUAGES_MAX);
    t->examples = mem_alloc(LANGID_LANGUAGES_MAX * sizeof *t->examples);
    Err err = train_all(t, source);
    *report = (LangidTrainReport){.n_examples = t->n_examples, .n_languages = t->model->n_languages};
    for (int s = 0; s < LANGID_SCRIPTS; s++) {
        report->n_features += t->model->scripts[s].n_rows;
        free(t->scripts[s].seen.keys);
        free(t->scripts[s].seen.counts);
        free(t->scripts[s].rows);
        free(t->scripts[s].means);
        free(t->scripts[s].totals);
        langid_refiner_free(t->scripts[s].refiner);
        langid_words_free(t->scripts[s].words);
    }
    if (err == OK)
        err = langid_save(t->model, out);
    free(t->examples);
    langid_close(t->model);
    free(t);
    return err;
}
