/* luck.h - does what is tried pay on this text? Of the tries in the last batches or so (sums that fade) at least one in so many must have been lucky;
 * otherwise only each eighth batch tries. */
#ifndef TEXT_LUCK_H
#define TEXT_LUCK_H

#include <stdbool.h>

typedef struct {
    int n_tried, n_lucky, n_batches;
} Luck;

enum { LUCK_BATCHES_KEPT = 32, LUCK_PROBE_EVERY = 8 };

static inline bool luck_lasts(const Luck *luck, int tries_to_one)
{
    return luck->n_lucky * tries_to_one >= luck->n_tried;
}

/* Is a batch to try? */
static inline bool luck_try(Luck *luck, int tries_to_one)
{
    return luck_lasts(luck, tries_to_one) || luck->n_batches++ % LUCK_PROBE_EVERY == 0;
}

/* What came of a batch that tried. */
static inline void luck_note(Luck *luck, int n_tried, int n_lucky)
{
    luck->n_tried += n_tried - luck->n_tried / LUCK_BATCHES_KEPT;
    luck->n_lucky += n_lucky - luck->n_lucky / LUCK_BATCHES_KEPT;
}

#endif
