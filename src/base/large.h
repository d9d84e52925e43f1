/* large.h - tables that are read here and there, by hash or by trie. */
#ifndef BASE_LARGE_H
#define BASE_LARGE_H

#include <stddef.h>

/* mem_alloc, zeroed and freed with free(); from 1 MiB on it asks for huge pages, so that finding the page of an entry costs nothing. */
void *mem_alloc_large(size_t n_bytes);

#endif
