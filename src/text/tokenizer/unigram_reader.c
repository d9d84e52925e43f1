/* unigram_reader.c - see unigram_reader.h. */
#include "text/tokenizer/unigram_reader.h"
#include "text/tokenizer/unigram.h"

#include <assert.h>
#include <string.h>

static const char space_mark[] = "\xE2\x96\x81", replacement[] = "\xEF\xBF\xBD";
#define IS_BROKEN 0x40000000u
enum { SPACE_MARK = 0x2581, REPLACEMENT = 0xFFFD, BMP_BYTES = 3, STRETCH_CHARS = 2048, MAPPED_CHARS = 64, GROWTH = 64 };

static void make_room(UnigramReader *reader, size_t n_more)
{
    size_t capacity = reader->capacity;
    while (capacity < reader->n + n_more)
        capacity = capacity * 2 + 16;
    if (capacity == reader->capacity)
        return;
    uint32_t *places = arena_alloc_unset(reader->arena, 2 * (capacity + 1) * sizeof *places);
    char *bytes = arena_alloc_unset(reader->arena, (capacity + 1) * UTF8_BYTES_MAX);
    if (reader->n > 0) {
        memcpy(places, reader->places, reader->n * sizeof *places);
        memcpy(places + capacity + 1, reader->labels, reader->n * sizeof *places);
        memcpy(bytes, reader->bytes, reader->n_bytes);
    }
    reader->places = places;
    reader->labels = places + capacity + 1;
    reader->bytes = bytes;
    reader->capacity = (uint32_t)capacity;
}

/* There is room, for a word more than the bytes. `n_after`: bytes that may be read from `bytes` on. */
static inline void put(UnigramReader *reader, const char *bytes, size_t length, size_t n_after, uint32_t value)
{
    char *to = reader->bytes + reader->n_bytes;
    if (n_after >= UTF8_BYTES_MAX)
        memcpy(to, bytes, UTF8_BYTES_MAX);
    else
        memcpy(to, bytes, length);
    reader->places[reader->n] = reader->n_bytes;
    reader->labels[reader->n++] = value & CHAR_TRIE_LABEL;
    reader->n_bytes += (uint32_t)length;
}

/* Likewise. */
static void put_marks(UnigramReader *reader)
{
    for (; reader->n_marks > 0; reader->n_marks--)
        put(reader, space_mark, BMP_BYTES, sizeof space_mark, reader->mark_label);
}

/* What was mapped last, once more: a character may become eighteen. There is room. */
static void put_last(UnigramReader *reader)
{
    const uint32_t begin = reader->last.begin, n = reader->last.end - begin, n_bytes = reader->last.end_byte - reader->last.begin_byte;
    memcpy(reader->bytes + reader->n_bytes, reader->bytes + reader->last.begin_byte, n_bytes);
    memcpy(reader->labels + reader->n, reader->labels + begin, n * sizeof *reader->labels);
    for (uint32_t i = 0; i < n; i++)
        reader->places[reader->n + i] = reader->places[begin + i] - reader->last.begin_byte + reader->n_bytes;
    reader->n += n;
    reader->n_bytes += n_bytes;
    reader->n_marks = reader->last.n_marks_after;
}

/* What stands for the next of the text, as its map has it. */
static void put_mapped(UnigramReader *reader)
{
    size_t n;
    const char *bytes = charsmap_read(&reader->map, &n);
    make_room(reader, n + reader->n_marks);
    if (bytes == reader->last.bytes && n == reader->last.n && reader->n_marks == reader->last.n_marks_before) {
        put_last(reader);
        return;
    }
    reader->last.bytes = bytes;
    reader->last.n = n;
    reader->last.n_marks_before = reader->n_marks;
    reader->last.begin = reader->n;
    reader->last.begin_byte = reader->n_bytes;
    for (size_t at = 0, length; at < n; at += length) {
        uint32_t c;
        length = (size_t)utf8_decode_quick(&c, bytes + at, bytes + n);
        if (c == ' ' || c == SPACE_MARK) {
            reader->n_marks++;
            continue;
        }
        if (reader->n_marks > 0)
            put_marks(reader);
        put(reader, bytes + at, length, n - at, c == UTF8_ILL_FORMED ? reader->table->missing : char_table_get(reader->table, c));
    }
    if (!reader->map.step->remove_extra_spaces)
        put_marks(reader);
    reader->last.end = reader->n;
    reader->last.end_byte = reader->n_bytes;
    reader->last.n_marks_after = reader->n_marks;
}

/* The label of the character at text[at] and its length, with UNIGRAM_PLAIN_CHAR and IS_BROKEN. The end is plain. */
static inline uint32_t look(const UnigramReader *reader, size_t at, size_t *length)
{
    Piece text = reader->map.text;
    uint32_t c;
    *length = 0;
    if (at == text.n)
        return UNIGRAM_PLAIN_CHAR;
    *length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
    if (c != UTF8_ILL_FORMED)
        return char_table_get(reader->table, c);
    *length = 1;  /* byte by byte */
    return reader->broken_label;
}

/* Reads enough, or to the end. A key is a character that is not plain, or its second one is not. */
static void read_on(UnigramReader *reader)
{
    CharsmapReader *map = &reader->map;
    size_t length, next_length;
    for (uint32_t value = look(reader, map->at, &length), next; map->at < map->text.n && reader->n < reader->n_enough; value = next, length = next_length) {
        next = look(reader, map->at + length, &next_length);
        if (!(value & (next | (value & IS_BROKEN) << 1) & UNIGRAM_PLAIN_CHAR)) {
            put_mapped(reader);
            next = look(reader, map->at, &next_length);
            continue;
        }
        if (reader->n + reader->n_marks >= reader->capacity)
            make_room(reader, reader->n_marks + 1);
        if (reader->n_marks > 0)
            put_marks(reader);
        bool is_broken = value & IS_BROKEN;
        put(reader, is_broken ? replacement : map->text.bytes + map->at, is_broken ? BMP_BYTES : length,
            is_broken ? sizeof replacement : map->text.n - map->at, value);
        map->at += length;
        map->after_space = false;
    }
    reader->is_finished = map->at == map->text.n;
    if (reader->is_finished && (!map->step->remove_extra_spaces || map->text.n == 0)) {
        make_room(reader, reader->n_marks);
        put_marks(reader);
    }
    reader->labels[reader->n] = reader->none;
    reader->places[reader->n] = reader->n_bytes;
}

void unigram_reader_init(UnigramReader *reader, const Tokenizer *tok, Arena *arena, Piece word, bool has_mark, bool is_whole)
{
    const ModelFast *fast = model_fast(tok);
    const NormalizerStep *step = tok->normalizers;
    assert(step->kind == NORMALIZER_SENTENCEPIECE && step->escape_spaces && !step->spaces_behind);
    *reader = (UnigramReader){.table = &fast->chars->labels, .none = fast->chars->none, .arena = arena, .n_marks = has_mark && step->add_dummy_prefix};
    reader->mark_label = fast->mark_label;
    reader->broken_label = (char_table_get(reader->table, REPLACEMENT) & CHAR_TRIE_LABEL) | IS_BROKEN;
    if (charsmap_breaks_plainly(step->charsmap))
        reader->broken_label |= UNIGRAM_PLAIN_CHAR;
    charsmap_reader_init(&reader->map, step, word);
    reader->n_enough = is_whole || word.n < STRETCH_CHARS ? (uint32_t)word.n + 1 : STRETCH_CHARS;
    make_room(reader, reader->n_enough + MAPPED_CHARS);
    read_on(reader);
    while (is_whole && !reader->is_finished)
        unigram_reader_next(reader, 0);
}

void unigram_reader_next(UnigramReader *reader, uint32_t n_done)
{
    uint32_t begin = n_done > 0 ? reader->places[n_done] : 0;
    reader->last.bytes = NULL;
    reader->n -= n_done;
    reader->n_bytes -= begin;
    memmove(reader->bytes, reader->bytes + begin, reader->n_bytes);
    memmove(reader->labels, reader->labels + n_done, reader->n * sizeof *reader->labels);
    for (uint32_t i = 0; i < reader->n && n_done > 0; i++)
        reader->places[i] = reader->places[i + n_done] - begin;
    size_t n_more = reader->map.text.n - reader->map.at + 1;  /* or more, where characters become several */
    if (n_done == 0)
        reader->n_enough = n_more < (GROWTH - 1) * (size_t)reader->n_enough ? UINT32_MAX : GROWTH * reader->n_enough;
    if (reader->n < reader->n_enough)
        make_room(reader, n_more < reader->n_enough - reader->n ? n_more : reader->n_enough - reader->n);
    read_on(reader);
}
