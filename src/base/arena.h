/* arena.h - memory that is given piece by piece and taken back all at once.
 *
 * An `Arena *` parameter says where a result lives: until the arena is reset or freed. Blocks are aligned to
 * 64 bytes (a cache line, an AVX-512 register). Under AddressSanitizer each block is fenced by poisoned bytes,
 * so an overrun of one block is found although both sides belong to us. An arena belongs to one thread at a time.
 *
 * Memory for small things (names, nodes, token lists) is not something the world may refuse: arena_alloc ends the
 * process with a message when the system has none. Large tensors ask memory_map (file.h), which returns Err. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena);   /* NULL is fine */
void arena_reset(Arena *arena);  /* everything given so far is gone; the pages are kept for reuse */

/* Zeroed bytes. n_bytes may be 0; the result is never NULL. */
void *arena_alloc(Arena *arena, size_t n_bytes);
/* The same with any bytes in it, for what is written before it is read: large buffers whose bytes are touched once. */
void *arena_alloc_unset(Arena *arena, size_t n_bytes);
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t n_bytes);  /* adds the final NUL */
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes given since arena_new or arena_reset, fences not counted. */
size_t arena_used_bytes(const Arena *arena);

#define ARENA_NEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define ARENA_ARRAY(arena, Type, n) ((Type *)arena_alloc((arena), sizeof(Type) * (size_t)(n)))

/* malloc, realloc and strdup for things with a life of their own: they end the process with a message instead of
 * returning NULL. Free with free(). */
void *mem_alloc(size_t n_bytes);  /* zeroed */
void *mem_realloc(void *block, size_t n_bytes);
char *mem_strdup(const char *text);

#endif
