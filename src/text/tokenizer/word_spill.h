/* word_spill.h - counted words on disk: what did not fit into memory, and what a killed training need not count again.
 *
 * A run is a file of words in order of their bytes, each with its count, written whole or not at all. It also says how far the reading of the
 * documents had come, so the runs there are tell where to go on. Counts of a word in several runs are added. */
#ifndef TEXT_WORD_SPILL_H
#define TEXT_WORD_SPILL_H

#include "text/tokenizer/word_counts.h"

/* Documents before this place are counted; of document n_documents the first doc_offset bytes are, too. */
typedef struct {
    int64_t n_documents, doc_offset, n_text_bytes;
} WordSpillPlace;

/* Opens the folder, made if need be, and takes up the runs in it. `identity` speaks for everything that decides what a word is.
 * ERR_USAGE: the runs were written under another identity. ERR_FORMAT: a run is damaged. */
Err word_spill_open(WordSpill **out, const char *dir, uint64_t identity, WordSpillPlace *place);
void word_spill_free(WordSpill *spill);  /* NULL is fine; the files stay */
int word_spill_n_runs(const WordSpill *spill);
/* One more run. The words are in order of their bytes. */
Err word_spill_write(WordSpill *spill, const WordCounts *counts, WordSpillPlace place);
/* The words of all runs, each once, in order of their bytes. The runs are read from front to back and do not stay in memory. */
Err word_spill_each(const WordSpill *spill, WordVisitor visit, void *context);

#endif
