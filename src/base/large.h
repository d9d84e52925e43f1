/* large.h - tables that are read here and there, by hash or by trie, and arrays that grow to many megabytes. */
#ifndef BASE_LARGE_H
#define BASE_LARGE_H

#include <stddef.h>

/* mem_alloc, zeroed and freed with free(); from 1 MiB on it asks for huge pages, so that finding the page of an entry costs nothing. */
void *mem_alloc_large(size_t n_bytes);

/* An array with pages of its own, moved and never copied as it grows, so that it leaves no holes among small blocks: zeroed beyond n_old_bytes. Ends the
 * process when the system has no memory. `block` is NULL at first; released by mem_release_grown with its present size. */
void *mem_grow(void *block, size_t n_old_bytes, size_t n_bytes);
void mem_release_grown(void *block, size_t n_bytes);  /* NULL is fine */

#endif
