/* word_file.c - see word_file.h. A block: for each word WordHead and its symbols. Blocks keep the place they were first written to; those that
 * stay in memory shrink there. */
#include "text/tokenizer/word_file.h"
#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int32_t count_low, count_high;  /* of an int64 that need not be aligned */
    uint32_t n;
} WordHead;
enum { HEAD_WORDS = sizeof(WordHead) / sizeof(int32_t) };
typedef struct {
    int64_t offset;
    size_t n_bytes;
    int32_t *words;  /* in memory; NULL: in the file */
} Block;
struct WordFile {
    int fd;  /* -1: none */
    size_t block_bytes;
    uint32_t n_least;
    Block *blocks;
    size_t n_blocks, block_capacity;
    int64_t end;       /* of the last block written */
    int32_t *buffer;   /* one block */
    size_t capacity, used;  /* bytes of it */
};

static Err open_nameless(int *fd, const char *dir)
{
    Arena *arena = arena_new();
    char *path = arena_printf(arena, "%s/symbols-%ld", dir, (long)getpid());
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    Err err = *fd < 0 ? err_set(ERR_IO, "cannot make %s: %s", path, strerror(errno)) : OK;
    if (err == OK)
        unlink(path);
    arena_free(arena);
    return err;
}

Err word_file_open(WordFile **out, const char *dir, size_t block_bytes, uint32_t n_least)
{
    int fd = -1;
    if (dir)
        TRY(open_nameless(&fd, dir));
    WordFile *file = mem_alloc(sizeof *file);
    file->fd = fd;
    file->block_bytes = block_bytes;
    file->n_least = n_least;
    *out = file;
    return OK;
}

void word_file_free(WordFile *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    for (size_t i = 0; i < file->n_blocks; i++)
        free(file->blocks[i].words);
    free(file->blocks);
    free(file->buffer);
    free(file);
}

static Err write_at(const WordFile *file, int64_t offset, size_t n_bytes)
{
    const char *from = (const char *)file->buffer;
    for (size_t done = 0; done < n_bytes;) {
        ssize_t n = pwrite(file->fd, from + done, n_bytes - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(ERR_IO, "cannot write the file of words: %s", strerror(errno));
        done += (size_t)n;
    }
    return OK;
}

static Err read_block(WordFile *file, const Block *block)
{
    for (size_t done = 0; done < block->n_bytes;) {
        ssize_t n = pread(file->fd, (char *)file->buffer + done, block->n_bytes - done, block->offset + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(ERR_IO, "cannot read the file of words: %s", n < 0 ? strerror(errno) : "it ends early");
        done += (size_t)n;
    }
    return OK;
}

static Err end_block(WordFile *file)
{
    if (!file->used)
        return OK;
    if (file->n_blocks == file->block_capacity) {
        file->block_capacity = file->block_capacity ? file->block_capacity * 2 : 64;
        file->blocks = mem_realloc(file->blocks, file->block_capacity * sizeof *file->blocks);
    }
    Block *block = &file->blocks[file->n_blocks++];
    *block = (Block){file->end, file->used, NULL};
    if (file->fd >= 0) {
        TRY(write_at(file, file->end, file->used));
        file->end += (int64_t)file->used;
    } else {
        block->words = mem_realloc(file->buffer, file->used);
        file->buffer = NULL;
        file->capacity = 0;
    }
    file->used = 0;
    return OK;
}

Err word_file_add(WordFile *file, const int32_t *symbols, uint32_t n, int64_t count)
{
    if (n < file->n_least)
        return OK;
    size_t n_bytes = sizeof(WordHead) + n * sizeof *symbols;
    if (file->used + n_bytes > file->block_bytes)
        TRY(end_block(file));
    if (file->used + n_bytes > file->capacity) {  /* a word longer than a block has one to itself */
        file->capacity = n_bytes > file->block_bytes ? n_bytes : file->block_bytes;
        file->buffer = mem_realloc(file->buffer, file->capacity);
    }
    WordHead head = {.n = n};
    memcpy(&head, &count, sizeof count);
    char *to = (char *)file->buffer + file->used;
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, symbols, n * sizeof *symbols);
    file->used += n_bytes;
    return OK;
}

static bool has_pair(const int32_t *symbols, uint32_t n, const int32_t *right_of)
{
    bool has = !right_of;
    for (uint32_t i = 0; i + 1 < n && right_of; i++)
        has |= right_of[symbols[i]] == symbols[i + 1];
    return has;
}

/* Shows the words of the block, which are in memory, closing up behind words that shrink; true when one did. */
static bool visit_block(int32_t *all, Block *block, uint32_t n_least, const int32_t *right_of, WordVisit visit, void *context)
{
    size_t n_all = block->n_bytes / sizeof *all, to = 0;
    bool changed = false;
    for (size_t from = 0; from < n_all;) {
        WordHead head;
        memcpy(&head, all + from, sizeof head);
        int32_t *symbols = all + from + HEAD_WORDS;
        size_t next = from + HEAD_WORDS + head.n;
        if (has_pair(symbols, head.n, right_of)) {
            int64_t count;
            memcpy(&count, &head, sizeof count);
            uint32_t n = visit(context, symbols, head.n, count);
            changed |= n != head.n;
            head.n = n;
        }
        if (head.n >= n_least) {
            if (changed) {
                memcpy(all + to, &head, sizeof head);
                memmove(all + to + HEAD_WORDS, symbols, head.n * sizeof *symbols);
            }
            to += HEAD_WORDS + head.n;
        }
        from = next;
    }
    block->n_bytes = to * sizeof *all;
    return changed;
}

static Err pass_block(WordFile *file, Block *block, const int32_t *right_of, bool rewrites, WordVisit visit, void *context)
{
    size_t n_bytes = block->n_bytes;
    if (!block->words)
        TRY(read_block(file, block));
    bool changed = visit_block(block->words ? block->words : file->buffer, block, file->n_least, right_of, visit, context);
    if (!block->words)
        return changed || rewrites ? write_at(file, block->offset, block->n_bytes) : OK;
    if (block->n_bytes == 0) {
        free(block->words);
        block->words = NULL;
    } else if (block->n_bytes < n_bytes) {
        block->words = mem_realloc(block->words, block->n_bytes);
    }
    return OK;
}

Err word_file_pass(WordFile *file, const int32_t *right_of, bool rewrites, WordVisit visit, void *context)
{
    TRY(end_block(file));
    size_t n_kept = 0;
    for (size_t i = 0; i < file->n_blocks; i++) {
        Block block = file->blocks[i];
        TRY(pass_block(file, &block, right_of, rewrites, visit, context));
        if (block.n_bytes)
            file->blocks[n_kept++] = block;
    }
    file->n_blocks = n_kept;
    return OK;
}

size_t word_file_bytes(const WordFile *file)
{
    size_t n_bytes = file->capacity + file->block_capacity * sizeof *file->blocks;
    for (size_t i = 0; i < file->n_blocks; i++)
        n_bytes += file->blocks[i].words ? file->blocks[i].n_bytes : 0;
    return n_bytes;
}
