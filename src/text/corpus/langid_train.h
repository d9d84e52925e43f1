/* langid_train.h - a language model from labelled text, and how well one does.
 *
 * Examples are read four times: which languages write which script, which features are frequent, how often each language has them, and which examples are
 * close to another language.
 * The same examples in the same order give the same file. */
#ifndef CORPUS_LANGID_TRAIN_H
#define CORPUS_LANGID_TRAIN_H

#include "text/corpus/document.h"
#include "text/corpus/langid.h"

typedef struct {
    const char *label, *text;
    size_t n_bytes;
} LangidExample;

/* Where examples come from: LABEL<TAB>TEXT lines, or JSON lines with the fields `text` and `language` (names can be given). `hold` > 1 sets
 * every hold-th example aside, by the hash of its text: training leaves these out, evaluation takes these alone. `inner` > 1 does the same by another
 * hash among the others, which training then leaves out too: settings are chosen on these, and the held ones are asked once. */
typedef struct {
    const char *const *inputs;
    int n_inputs;
    const char *text_field, *label_field;
    int64_t hold, inner;
} LangidSource;
typedef Err (*LangidVisit)(void *context, const LangidExample *example);
Err langid_each(const LangidSource *source, bool held, LangidVisit visit, void *context);

typedef struct {
    int64_t count_min;     /* features seen less often are left out */
    int64_t features_max;  /* of a script; the most frequent stay */
    double smoothing;      /* what every count is raised by */
    int64_t refine_rounds; /* over examples that another language comes close to (langid_refine.h); 0: plain naive Bayes */
} LangidTrainOptions;
LangidTrainOptions langid_train_options_default(void);  /* 2, 2,000,000, 0.1, 6 */

typedef struct {
    int64_t n_examples, n_features;
    int n_languages;
} LangidTrainReport;
/* ERR_FORMAT: too many languages, or a line without label. ERR_USAGE: no example. */
Err langid_train(LangidTrainReport *report, const LangidTrainOptions *options, const LangidSource *source, const char *out);

typedef struct {
    const char *name;
    int64_t n, n_right, n_group_right;  /* group: bs hr sr, id ms, nb nn da count as one language each */
} LangidScore;
typedef struct {
    LangidScore *scores;  /* by language, sorted by name */
    int n;
    int64_t n_bytes;
    double macro, macro_groups;  /* means over languages */
    double seconds;
    struct { const char *of, *as; int64_t n; } *confusions;  /* falling */
    int n_confusions;
} LangidEvaluation;
/* Everything in `arena`. Labels that the model does not know count as wrong. */
Err langid_evaluate(LangidEvaluation *result, Arena *arena, const LangidModel *model, const LangidSource *source);

#endif
