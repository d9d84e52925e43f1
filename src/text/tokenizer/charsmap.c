/* charsmap.c - see charsmap.h. */
#include "text/tokenizer/charsmap.h"
#include "text/unicode/char_props.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char space_mark[] = "\xE2\x96\x81";  /* U+2581 stands for a space */
enum { SPACE_MARK_BYTES = 3, CHARSMAP_DEPTH_MAX = 64 };

struct Charsmap {
    char *blob;
    size_t n_blob;
    uint32_t *units;  /* of the trie; NULL: the identity */
    size_t n_units;
    const char *replacements;
    size_t n_replacements;
    Vocab symbols;
    size_t symbol_bytes_max;
    uint8_t *starts;  /* a bit for each character that begins a key, or is a space; NULL: cannot be said */
    bool begins_with_space;  /* some key */
    struct {
        const char *replacement;  /* NULL: what is longer must be looked for, too */
        size_t n;
    } ascii[128];  /* in place of the byte */
};

static void learn_starts(Charsmap *map);
static void learn_ascii(Charsmap *map);

static uint32_t read_u32(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

Err charsmap_open(Charsmap **out, const char *name, const char *blob, size_t n_bytes)
{
    uint32_t trie_bytes = n_bytes >= 4 ? read_u32(blob) : 0;
    if (n_bytes && (n_bytes < 4 || trie_bytes > n_bytes - 4 || trie_bytes % 4 || trie_bytes < 1024))
        return err_set(ERR_FORMAT, "%s: the normalisation map is damaged (%zu bytes, trie of %u)", name, n_bytes, trie_bytes);
    if (n_bytes && (trie_bytes + 4 == n_bytes || blob[n_bytes - 1] != '\0'))
        return err_set(ERR_FORMAT, "%s: the normalisation map does not end its last replacement", name);
    Charsmap *map = mem_alloc(sizeof *map);
    vocab_init(&map->symbols);
    map->n_blob = n_bytes;
    map->blob = mem_alloc(n_bytes);
    memcpy(map->blob, blob, n_bytes);
    if (n_bytes) {
        map->n_units = trie_bytes / 4;
        map->units = mem_alloc(trie_bytes);
        for (size_t i = 0; i < map->n_units; i++)
            map->units[i] = read_u32(blob + 4 + 4 * i);
        map->replacements = map->blob + 4 + trie_bytes;
        map->n_replacements = n_bytes - 4 - trie_bytes;
    }
    learn_starts(map);
    learn_ascii(map);
    *out = map;
    return OK;
}

void charsmap_free(Charsmap *map)
{
    if (!map)
        return;
    vocab_release(&map->symbols);
    free(map->units);
    free(map->starts);
    free(map->blob);
    free(map);
}

const char *charsmap_blob(const Charsmap *map, size_t *n_bytes)
{
    *n_bytes = map->n_blob;
    return map->blob;
}

void charsmap_add_symbol(Charsmap *map, const char *text, size_t n_bytes)
{
    if (n_bytes == 0 || vocab_find(&map->symbols, text, n_bytes) >= 0)
        return;
    Err err = vocab_add(&map->symbols, map->symbols.n_ids, text, n_bytes);
    assert(err == OK);
    if (n_bytes > map->symbol_bytes_max)
        map->symbol_bytes_max = n_bytes;
}

bool charsmap_is_identity(const Charsmap *map)
{
    return !map->units && !charsmap_has_symbols(map);
}

bool charsmap_breaks_plainly(const Charsmap *map)
{
    return map->starts && !charsmap_has_symbols(map);
}

const uint8_t *charsmap_starts(const Charsmap *map)
{
    return charsmap_breaks_plainly(map) ? map->starts : NULL;
}

bool charsmap_has_symbols(const Charsmap *map)
{
    return map->symbol_bytes_max > 0;
}

size_t charsmap_symbol_at(const Charsmap *map, const char *text, size_t n_bytes)
{
    for (size_t n = n_bytes < map->symbol_bytes_max ? n_bytes : map->symbol_bytes_max; n > 0; n--)
        if (vocab_find(&map->symbols, text, n) >= 0)
            return n;
    return 0;
}

/* A unit of the double array: label in the low byte (bit 31 marks a value), bit 8 says that a value follows, the rest is the offset. */
static uint32_t unit_label(uint32_t unit)
{
    return unit & 0x800000FFu;
}

static uint32_t unit_offset(uint32_t unit)
{
    return (unit >> 10) << ((unit & 0x200u) >> 6);
}

/* Length of the longest (or shortest) key at the start of the text and its replacement; 0 when there is none. A trie that points outside
 * itself ends the search. */
static size_t look_up(const Charsmap *map, const char *text, size_t n_bytes, bool longest, const char **replacement)
{
    if (!map->units)
        return 0;
    size_t found = 0, node = unit_offset(map->units[0]);
    for (size_t i = 0; i < n_bytes; i++) {
        unsigned char byte = (unsigned char)text[i];
        node ^= byte;
        if (byte == 0 || node >= map->n_units || unit_label(map->units[node]) != byte)
            break;
        uint32_t unit = map->units[node];
        node ^= unit_offset(unit);
        if (!(unit & 0x100u))
            continue;
        if (node >= map->n_units)
            break;
        uint32_t value = map->units[node] & 0x7FFFFFFFu;
        if (value >= map->n_replacements)
            break;
        found = i + 1;
        *replacement = map->replacements + value;
        if (!longest)
            break;
    }
    return found;
}

/* Visits the children of a node of the trie; true when `wanted` is among their bytes or, below the first byte, anywhere. */
static bool finds_byte(const Charsmap *map, uint32_t unit, size_t node, int depth, uint32_t wanted)
{
    node ^= unit_offset(unit);
    for (uint32_t byte = 1; byte < 256; byte++) {
        size_t child = node ^ byte;
        if (child >= map->n_units || unit_label(map->units[child]) != byte)
            continue;
        if (byte == wanted && depth > 0)
            return true;
        if (depth >= CHARSMAP_DEPTH_MAX || finds_byte(map, map->units[child], child, depth + 1, wanted))
            return true;
    }
    return false;
}

static bool has_children(const Charsmap *map, size_t node)
{
    node ^= unit_offset(map->units[node]);
    for (uint32_t byte = 1; byte < 256; byte++)
        if ((node ^ byte) < map->n_units && unit_label(map->units[node ^ byte]) == byte)
            return true;
    return false;
}

bool charsmap_joins(const Charsmap *map, char byte)
{
    if (!map->units)
        return false;
    uint32_t wanted = (unsigned char)byte;
    size_t alone = unit_offset(map->units[0]) ^ wanted;  /* where a key that begins with the byte would go on */
    if (alone < map->n_units && unit_label(map->units[alone]) == wanted && has_children(map, alone))
        return true;
    bool may = false;  /* most maps hold no other unit that says so, and need no search */
    for (size_t i = 0; i < map->n_units && !may; i++)
        may = i != alone && unit_label(map->units[i]) == wanted;
    return may && finds_byte(map, map->units[0], 0, 0, wanted);
}

bool charsmap_makes_space(const Charsmap *map, char byte)
{
    const char *replacement = NULL;
    return look_up(map, &byte, 1, true, &replacement) == 1 && strcmp(replacement, " ") == 0 && !charsmap_joins(map, byte);
}

/* A walk over the first two characters of all keys. */
typedef struct {
    const Charsmap *map;
    uint8_t *starts, *touched;  /* one of them, the other is NULL */
    size_t n_left;  /* nodes that may yet be visited: a damaged trie may be endless */
} KeyWalk;

/* Visits what follows a node, of which `node` is the offset of the children: the rest of a character with `n_more` bytes to come, or the next one.
 * False when a key ends within a character, or the walk is too long. */
static bool walk_keys(KeyWalk *walk, size_t node, uint32_t c, int n_more, int n_chars)
{
    const Charsmap *map = walk->map;
    uint32_t first = n_more ? 0x80 : 1, last = n_more ? 0xBF : 0xF4;
    for (uint32_t byte = first; byte <= last; byte++) {
        if (!n_more && byte == 0x80)
            byte = 0xC2;
        size_t child = node ^ byte;
        if (child >= map->n_units || unit_label(map->units[child]) != byte)
            continue;
        if (walk->n_left == 0)
            return false;
        walk->n_left--;
        bool ends = map->units[child] & 0x100u;
        int n_after = n_more ? n_more - 1 : utf8_length_of((unsigned char)byte) - 1;
        uint32_t code = n_more ? c << 6 | (byte & 0x3F) : n_after ? byte & (0x3Fu >> n_after) : byte;
        if (n_after > 0 ? ends : code > UNICODE_MAX)
            return false;
        uint8_t *marked = walk->starts ? walk->starts : ends || n_chars == 1 ? walk->touched : NULL;
        if (n_after == 0 && marked)
            marked[code / 8] |= (uint8_t)(1u << code % 8);
        if ((n_after > 0 || (n_chars == 0 && walk->touched)) && !walk_keys(walk, child ^ unit_offset(map->units[child]), code, n_after, n_chars + (n_after == 0)))
            return false;
    }
    return true;
}

bool charsmap_mark_touched(const Charsmap *map, uint8_t *touched)
{
    KeyWalk walk = {.map = map, .touched = touched, .n_left = 2 * map->n_units};
    return !map->units || walk_keys(&walk, unit_offset(map->units[0]), 0, 0, 0);
}

static void learn_starts(Charsmap *map)
{
    map->starts = mem_alloc(UNICODE_MAX / 8 + 1);
    KeyWalk walk = {.map = map, .starts = map->starts, .n_left = 2 * map->n_units};
    if (map->units && !walk_keys(&walk, unit_offset(map->units[0]), 0, 0, 0)) {
        free(map->starts);
        map->starts = NULL;
        return;
    }
    map->begins_with_space = map->starts[' ' / 8] >> ' ' % 8 & 1;
    map->starts[' ' / 8] |= 1u << ' ' % 8;
}

/* May a key begin with this character, or with ill-formed bytes? */
static inline bool begins_key(const Charsmap *map, uint32_t c)
{
    return !map->starts || (c != UTF8_ILL_FORMED && map->starts[c / 8] >> c % 8 & 1);
}

/* A byte that begins a longer key needs a look at what follows. */
static void learn_ascii(Charsmap *map)
{
    for (uint32_t c = 1; c < 128 && map->units; c++) {
        char byte = (char)c;
        const char *replacement;
        size_t node = unit_offset(map->units[0]) ^ c;
        if (look_up(map, &byte, 1, true, &replacement) == 0)
            continue;
        if (has_children(map, node))
            continue;
        map->ascii[c].replacement = replacement;
        map->ascii[c].n = strlen(replacement);
    }
}

/* What stands for the start of the text, and how much of it is used up. */
static const char *normalize_prefix(const Charsmap *map, const char *text, size_t n_bytes, size_t *n_out, size_t *n_used)
{
    size_t n_symbol = map->symbol_bytes_max ? charsmap_symbol_at(map, text, n_bytes) : 0;
    if (n_symbol) {
        *n_out = *n_used = n_symbol;
        return text;
    }
    unsigned char first = (unsigned char)text[0];
    if (first < 128 && map->ascii[first].replacement) {
        *n_used = 1;
        *n_out = map->ascii[first].n;
        return map->ascii[first].replacement;
    }
    uint32_t c;
    size_t length = (size_t)utf8_decode_quick(&c, text, text + n_bytes);
    const char *replacement = NULL;
    *n_used = begins_key(map, c) ? look_up(map, text, n_bytes, true, &replacement) : 0;
    if (*n_used) {
        *n_out = strlen(replacement);
        return replacement;
    }
    *n_used = *n_out = length;
    if (c != UTF8_ILL_FORMED)
        return text;
    *n_used = 1;  /* byte by byte */
    *n_out = 3;
    return "\xEF\xBF\xBD";
}

static void put_with_escapes(Rewriter *rewriter, const char *bytes, size_t n, bool escape, uint32_t source)
{
    for (size_t i = 0; i < n; i++)
        if (escape && bytes[i] == ' ')
            rewriter_put(rewriter, space_mark, SPACE_MARK_BYTES, source);
        else
            rewriter_put(rewriter, bytes + i, 1, source);
}

/* Copies characters from `at` on, as long as they begin no key, ill-formed bytes as U+FFFD; returns where another one stands. */
static size_t copy_others(const Charsmap *map, Rewriter *rewriter, Piece text, size_t at)
{
    while (at < text.n) {
        uint32_t c;
        size_t length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + text.n);
        if (begins_key(map, c))
            break;
        if (rewriter->n + UTF8_BYTES_MAX > rewriter->capacity)
            rewriter_reserve(rewriter, UTF8_BYTES_MAX);
        char *to = rewriter->bytes + rewriter->n;
        if (c == UTF8_ILL_FORMED) {
            memcpy(to, "\xEF\xBF\xBD", 3);
            rewriter->n += 3;
            at++;  /* byte by byte */
        } else {
            for (size_t i = 0; i < length; i++)
                to[i] = text.bytes[at + i];
            rewriter->n += length;
            at += length;
        }
    }
    return at;
}

/* Spaces from `at` on, each as `space`; returns where they end. */
static size_t put_spaces(Rewriter *rewriter, Piece text, size_t at, const char *space, size_t n_space)
{
    size_t end = at;
    while (end < text.n && text.bytes[end] == ' ')
        end++;
    if (rewriter->n + (end - at) * n_space > rewriter->capacity)
        rewriter_reserve(rewriter, (end - at) * n_space);
    for (; at < end; at++, rewriter->n += n_space)
        memcpy(rewriter->bytes + rewriter->n, space, n_space);
    return end;
}

void charsmap_reader_init(CharsmapReader *reader, const NormalizerStep *step, Piece text)
{
    *reader = (CharsmapReader){.step = step, .text = text, .after_space = step->remove_extra_spaces};
    size_t n_out, n_used;
    while (step->remove_extra_spaces && reader->at < text.n) {
        const char *out = normalize_prefix(step->charsmap, text.bytes + reader->at, text.n - reader->at, &n_out, &n_used);
        if (n_out != 1 || out[0] != ' ')
            break;
        reader->at += n_used;
    }
}

const char *charsmap_read(CharsmapReader *reader, size_t *n_out)
{
    size_t n_used;
    const char *out = normalize_prefix(reader->step->charsmap, reader->text.bytes + reader->at, reader->text.n - reader->at, n_out, &n_used);
    reader->at += n_used;
    while (reader->after_space && *n_out && out[0] == ' ')
        out++, (*n_out)--;
    if (*n_out)
        reader->after_space = reader->step->remove_extra_spaces && out[*n_out - 1] == ' ';
    return out;
}

Piece charsmap_run_sentencepiece(const NormalizerStep *step, Arena *arena, Piece text)
{
    const Charsmap *map = step->charsmap;
    CharsmapReader reader;
    charsmap_reader_init(&reader, step, text);
    Rewriter rewriter;
    rewriter_init(&rewriter, arena, text);
    if (reader.at == text.n)
        return rewriter_finish(&rewriter, text);
    const char *space = step->escape_spaces ? space_mark : " ";
    size_t n_space = strlen(space), n_out;
    if (step->add_dummy_prefix && !step->spaces_behind)
        rewriter_put(&rewriter, space, n_space, text.source ? text.source[reader.at] : 0);
    bool copies = map->starts && map->symbol_bytes_max == 0 && !text.source;
    bool keeps_spaces = copies && !step->remove_extra_spaces && !map->begins_with_space;
    while (reader.at < text.n) {
        size_t end = copies ? copy_others(map, &rewriter, text, reader.at) : reader.at;
        reader.after_space &= end == reader.at;
        reader.at = end;
        if (keeps_spaces)
            reader.at = put_spaces(&rewriter, text, reader.at, space, n_space);
        if (reader.at == text.n)
            break;
        uint32_t source = text.source ? text.source[reader.at] : 0;
        const char *out = charsmap_read(&reader, &n_out);
        put_with_escapes(&rewriter, out, n_out, step->escape_spaces, source);
    }
    while (step->remove_extra_spaces && rewriter.n >= n_space &&
           memcmp(rewriter.bytes + rewriter.n - n_space, space, n_space) == 0)
        rewriter.n -= n_space;
    if (step->add_dummy_prefix && step->spaces_behind)
        rewriter_put(&rewriter, space, n_space, text.source ? text.source[text.n] : 0);
    return rewriter_finish(&rewriter, text);
}

/* One cluster: whole when it is short and the map knows it (or a key that it begins with), else by characters. */
static void put_cluster(const Charsmap *map, Rewriter *rewriter, Piece text, size_t begin, size_t end)
{
    const char *replacement;
    if (end - begin < 6 && look_up(map, text.bytes + begin, end - begin, false, &replacement)) {
        rewriter_put(rewriter, replacement, strlen(replacement), text.source ? text.source[begin] : 0);
        return;
    }
    for (size_t at = begin; at < end;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode_quick(&c, text.bytes + at, text.bytes + end);
        if (look_up(map, text.bytes + at, length, false, &replacement))
            rewriter_put(rewriter, replacement, strlen(replacement), text.source ? text.source[at] : 0);
        else
            rewriter_copy(rewriter, text, at, at + length);
        at += length;
    }
}

Piece charsmap_run_graphemes(const Charsmap *map, Arena *arena, Piece text)
{
    Rewriter rewriter;
    rewriter_init(&rewriter, arena, text);
    size_t n, begin = 0, *ends = grapheme_ends(arena, text.bytes, text.n, &n);
    for (size_t i = 0; i < n; i++) {
        put_cluster(map, &rewriter, text, begin, ends[i]);
        begin = ends[i];
    }
    return rewriter_finish(&rewriter, text);
}
