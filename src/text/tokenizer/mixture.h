/* mixture.h - several languages in one vocabulary: how often each document counts.
 *
 * A vocabulary learnt from text as it comes belongs to the language with the most of it. Shares p of the bytes are bent to q ~ p^(1/T) (Conneau & Lample
 * 2019, arXiv:1901.07291, with 1/T = 0.5): T = 1 leaves them, a larger T brings them together, and all text together stays as much. Documents are
 * then taken q/p times on average, whole, by a number that depends on seed, language and document alone. */
#ifndef TEXT_MIXTURE_H
#define TEXT_MIXTURE_H

#include <stdint.h>

/* weights[i] = q_i / p_i, 0 for a language without text. */
void mixture_weights(const int64_t *n_bytes, int n, double temperature, double *weights);
/* How often a document counts: the whole part of the weight, and once more with the chance that is left. */
int64_t mixture_copies(uint64_t seed, int language, int64_t document, double weight);

#endif
