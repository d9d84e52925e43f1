/* langid_evaluate.c - how often a model is right, by language. */
#include "text/corpus/langid_train.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* Languages that differ less than their speakers' sentences do. */
static const char *group_of(const char *language)
{
    static const char *const groups[][2] = {{"hr", "bs"}, {"sr", "bs"}, {"ms", "id"}, {"nn", "nb"}, {"da", "nb"}};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(language, groups[i][0]) == 0)
            return groups[i][1];
    return language;
}

enum { NAMES_MAX = 2 * LANGID_LANGUAGES_MAX };
typedef struct {
    Arena *arena;
    const LangidModel *model;
    LangidEvaluation *result;
    const char *names[NAMES_MAX];
    int n_names;
    int32_t (*counts)[NAMES_MAX];  /* [label][answer] */
} Evaluating;

static int name_of(Evaluating *e, const char *name)
{
    for (int i = 0; i < e->n_names; i++)
        if (strcmp(e->names[i], name) == 0)
            return i;
    if (e->n_names == NAMES_MAX)
        return NAMES_MAX - 1;
    e->names[e->n_names] = arena_strdup(e->arena, name);
    return e->n_names++;
}

static Err visit(void *context, const LangidExample *example)
{
    Evaluating *e = context;
    double start = clock_seconds();
    LangidGuess guess = langid_guess(e->model, example->text, example->n_bytes);
    e->result->seconds += clock_seconds() - start;
    e->result->n_bytes += (int64_t)example->n_bytes;
    int label = name_of(e, example->label), answer = name_of(e, guess.language);
    e->counts[label][answer]++;
    return OK;
}

static int compare_scores(const void *a, const void *b)
{
    return strcmp(((const LangidScore *)a)->name, ((const LangidScore *)b)->name);
}

static void add_confusion(Evaluating *e, int label, int answer)
{
    LangidEvaluation *r = e->result;
    int i = r->n_confusions++;
    int64_t n = e->counts[label][answer];
    for (; i > 0 && r->confusions[i - 1].n < n; i--)
        r->confusions[i] = r->confusions[i - 1];
    r->confusions[i].of = e->names[label];
    r->confusions[i].as = e->names[answer];
    r->confusions[i].n = n;
}

static void sum_up(Evaluating *e)
{
    LangidEvaluation *r = e->result;
    int n_confusions = 0;
    for (int i = 0; i < e->n_names; i++)
        for (int k = 0; k < e->n_names; k++)
            n_confusions += i != k && e->counts[i][k] > 0;
    r->scores = ARENA_ARRAY(e->arena, LangidScore, e->n_names + 1);
    r->confusions = arena_alloc(e->arena, (size_t)(n_confusions + 1) * sizeof *r->confusions);
    for (int i = 0; i < e->n_names; i++) {
        LangidScore score = {.name = e->names[i]};
        for (int k = 0; k < e->n_names; k++) {
            score.n += e->counts[i][k];
            score.n_right += i == k ? e->counts[i][k] : 0;
            score.n_group_right += strcmp(group_of(e->names[i]), group_of(e->names[k])) == 0 ? e->counts[i][k] : 0;
            if (i != k && e->counts[i][k] > 0)
                add_confusion(e, i, k);
        }
        if (score.n == 0)
            continue;
        r->scores[r->n++] = score;
        r->macro += (double)score.n_right / (double)score.n;
        r->macro_groups += (double)score.n_group_right / (double)score.n;
    }
    r->macro /= r->n ? r->n : 1;
    r->macro_groups /= r->n ? r->n : 1;
    qsort(r->scores, (size_t)r->n, sizeof *r->scores, compare_scores);
}

Err langid_evaluate(LangidEvaluation *result, Arena *arena, const LangidModel *model, const LangidSource *source)
{
    *result = (LangidEvaluation){.n = 0};
    Evaluating *e = ARENA_NEW(arena, Evaluating);
    e->arena = arena;
    e->model = model;
    e->result = result;
    e->counts = mem_alloc(NAMES_MAX * sizeof *e->counts);
    Err err = langid_each(source, true, visit, e);
    if (err == OK)
        sum_up(e);
    free(e->counts);
    return err;
}
