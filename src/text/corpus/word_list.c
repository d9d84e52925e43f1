/* word_list.c - a table of hashes of words. */
#include "text/corpus/word_list.h"

#include "base/file.h"
#include "text/corpus/hash.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <stdbool.h>
#include <string.h>

enum { WORD_BYTES_MAX = 256 };

struct WordList {
    uint64_t *slots;  /* hashes; 0: free */
    uint64_t mask;
    int64_t n;
    int chars_max;
    uint64_t identity;
};

static bool is_word(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return (c >= 0xAC00 && c <= 0xD7A3) || (c != UTF8_ILL_FORMED && char_is_word(c));
}

static uint64_t hash_of(const char *word, size_t n_bytes)
{
    uint64_t hash = hash64(word, n_bytes, 0x776F7264);
    return hash ? hash : 1;
}

static uint64_t *slot_of(const WordList *list, uint64_t hash)
{
    uint64_t i = hash & list->mask;
    while (list->slots[i] && list->slots[i] != hash)
        i = (i + 1) & list->mask;
    return &list->slots[i];
}

/* In lower case at `out` (WORD_BYTES_MAX bytes and 4 for the last character); ends[i] is the end of character i. */
static size_t lower_word(char *out, int *ends, int *n_chars, const char **at, const char *end)
{
    size_t n = 0;
    *n_chars = 0;
    while (*at < end) {
        uint32_t c;
        int step = utf8_decode(&c, *at, end);
        if (!is_word(c))
            break;
        *at += step;
        if (n >= WORD_BYTES_MAX)
            continue;
        n += (size_t)utf8_encode(out + n, char_lower(c));
        ends[(*n_chars)++] = (int)n;
    }
    return n;
}

static Err add_line(WordList *list, const char *path, int64_t number, const char *at, const char *end)
{
    char word[WORD_BYTES_MAX + UTF8_BYTES_MAX];
    int ends[WORD_BYTES_MAX + 1], n_chars;
    const char *comment = memchr(at, '#', (size_t)(end - at));
    end = comment ? comment : end;
    while (end > at && strchr(" \t\r", end[-1]))
        end--;
    while (at < end && strchr(" \t", *at))
        at++;
    if (at == end)
        return OK;
    size_t n = lower_word(word, ends, &n_chars, &at, end);
    if (at != end)
        return err_set(ERR_FORMAT, "%s:%lld: expected one word of letters and digits", path, (long long)number);
    uint64_t hash = hash_of(word, n), *slot = slot_of(list, hash);
    list->n += *slot == 0;
    *slot = hash;
    list->identity += hash;  /* whatever the order of lines */
    list->chars_max = n_chars > list->chars_max ? n_chars : list->chars_max;
    return OK;
}

Err word_list_read(WordList **out, Arena *arena, const char *const *paths, int n_paths)
{
    WordList *list = *out = ARENA_NEW(arena, WordList);
    uint64_t room = 16;
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            *list = (WordList){.slots = ARENA_ARRAY(arena, uint64_t, room), .mask = room - 1};
        for (int i = 0; i < n_paths; i++) {
            const char *bytes, *newline;
            size_t n;
            TRY(file_read(&bytes, &n, arena, paths[i]));
            int64_t number = 1;
            for (const char *at = bytes, *end = bytes + n; at < end; at = newline + 1, number++) {
                newline = memchr(at, '\n', (size_t)(end - at));
                newline = newline ? newline : end;
                if (pass == 1)
                    TRY(add_line(list, paths[i], number, at, newline));
            }
            while (room < 2 * (uint64_t)number + room / 2)
                room *= 2;
        }
    }
    return list->n > 0 ? OK : err_set(ERR_FORMAT, "%s: no word in the list", n_paths > 0 ? paths[0] : "word list");
}

uint64_t word_list_identity(const WordList *list)
{
    return list->identity;
}

static bool is_listed(const WordList *list, WordListMatch match, const char *word, const int *ends, int n_chars)
{
    if (match == WORD_LIST_EQUAL)
        return *slot_of(list, hash_of(word, (size_t)ends[n_chars - 1])) != 0;
    for (int first = 0; first < (match == WORD_LIST_BEGINS ? 1 : n_chars); first++) {
        int begin = first > 0 ? ends[first - 1] : 0;
        for (int last = first; last < n_chars && last - first < list->chars_max; last++)
            if (*slot_of(list, hash_of(word + begin, (size_t)(ends[last] - begin))) != 0)
                return true;
    }
    return false;
}

WordListCount word_list_count(const WordList *list, WordListMatch match, const char *text, size_t n_bytes)
{
    WordListCount count = {.n_words = 0};
    char word[WORD_BYTES_MAX + UTF8_BYTES_MAX];
    int ends[WORD_BYTES_MAX + 1], n_chars;
    for (const char *at = text, *end = text + n_bytes; at < end;) {
        uint32_t c;
        if (lower_word(word, ends, &n_chars, &at, end) > 0) {
            count.n_words++;
            count.n_listed += is_listed(list, match, word, ends, n_chars);
        } else {
            at += utf8_decode(&c, at, end);
        }
    }
    return count;
}
