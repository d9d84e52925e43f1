/* langid_refine.h - weights of a naive Bayes model moved where languages are confused. Private to langid's training.
 *
 * Naive Bayes believes that features are independent, which costs most between close languages. So each example is scored by the model as if it had not
 * been among the counts (leave one out: its own language's counts less its own features), and where another language comes within a margin of its own,
 * weights are moved as little as that margin asks for: a linear support vector machine (Crammer & Singer 2001, pairs of languages) in its dual, by
 * coordinate descent (Hsieh et al. 2008), that starts from the left-out scores instead of from nothing. Features count by their rarity (idf). */
#ifndef CORPUS_LANGID_REFINE_H
#define CORPUS_LANGID_REFINE_H

#include "text/corpus/langid_internal.h"

typedef struct LangidRefiner LangidRefiner;

/* rows [n_rows + 1][n_languages]: log p less means[row]; totals: counts of each language. All are kept by the caller and outlive the refiner. */
LangidRefiner *langid_refiner_new(const LangidScript *script, float *rows, const float *means, const double *totals, double smoothing);
void langid_refiner_free(LangidRefiner *refiner);  /* NULL is fine */
/* An example of language `own` (of the script) by the rows of its known features, in any order, with repetitions; they are sorted in place. */
void langid_refiner_add(LangidRefiner *refiner, int own, uint32_t *features, int n);
/* Moves the rows. Returns how many examples were too close. */
int64_t langid_refiner_run(LangidRefiner *refiner, int n_rounds);

#endif
