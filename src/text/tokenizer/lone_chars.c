/* lone_chars.c - see lone_chars.h. */
#include "text/tokenizer/lone_chars.h"
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/word_cut.h"

#include <stdlib.h>
#include <string.h>

enum { SPACE_MARK = 0x2581, LAST_COMMON = 0xFFFF, LONE_TO_MERGED = 16 };

/* A bit for each character of what merges make. */
static uint8_t *merged_chars(const Tokenizer *tok)
{
    uint8_t *merged = mem_alloc(UNICODE_MAX / 8 + 1);
    for (uint32_t i = 0; i < tok->merges.n_slots; i++) {
        int32_t id = tok->merges.slots[i].merged;
        if ((int32_t)(tok->merges.slots[i].pair >> 32) < 0)
            continue;
        size_t n;
        const char *text = id < tok->vocab.n_ids ? vocab_text(&tok->vocab, id, &n) : vocab_text(&tok->phantoms, id - tok->vocab.n_ids, &n);
        for (size_t at = 0; text && at < n;) {
            uint32_t c;
            at += (size_t)utf8_decode(&c, text + at, text + n);
            if (c <= UNICODE_MAX)
                merged[c / 8] |= (uint8_t)(1u << c % 8);
        }
    }
    return merged;
}

/* The tokens of a character that nothing merges with: its piece, or its bytes. Returns how many, 0 when it is unknown. */
static int ids_alone(const Tokenizer *tok, uint32_t c, int32_t ids[LONE_IDS])
{
    char bytes[UTF8_BYTES_MAX];
    int n = utf8_encode(bytes, c);
    int32_t id = tokenizer_find_model(tok, bytes, (size_t)n);
    if (id >= 0 && !tokenizer_is_special(tok, id)) {
        ids[0] = id;
        return 1;
    }
    if (!tok->byte_fallback || vocab_find(&tok->phantoms, bytes, (size_t)n) >= 0)
        return 0;
    for (int i = 0; i < n; i++)
        ids[i] = tok->byte_id[(unsigned char)bytes[i]];
    return n;
}

static bool has_lone_chars(const Tokenizer *tok)
{
    for (int b = 0; b < 256 && tok->byte_fallback; b++)
        if (tok->byte_id[b] < 0)
            return false;  /* then unknown characters may be fused */
    return tok->by_pieces && tok->merges.n_merges > 0;
}

/* Are syllables that merge so few that hardly a Korean word has one? */
static bool are_syllables_lone(const Tokenizer *tok, const uint8_t *merged)
{
    int n_lone = 0, n_merged = 0;
    int32_t ids[LONE_IDS];
    for (uint32_t c = HANGUL_FIRST; c < HANGUL_FIRST + HANGUL_N_SYLLABLES; c++)
        if (merged[c / 8] >> c % 8 & 1)
            n_merged++;
        else
            n_lone += ids_alone(tok, c, ids) > 0;
    return n_lone > LONE_TO_MERGED * n_merged;
}

static void put_char(LoneChars *lone, const Tokenizer *tok, uint32_t c, uint32_t flags)
{
    if (lone->n_ids == lone->capacity) {
        lone->capacity = lone->capacity ? lone->capacity * 2 : 1024;
        lone->ids = mem_realloc(lone->ids, lone->capacity * sizeof *lone->ids);
    }
    memset(lone->ids[lone->n_ids], 0, sizeof *lone->ids);
    uint32_t n = (uint32_t)ids_alone(tok, c, lone->ids[lone->n_ids]);
    if (n == 0)
        flags &= ~CHAR_IS_LONE;
    char_table_put(&lone->table, c, flags | n << LONE_COUNT_SHIFT | (uint32_t)lone->n_ids);
    if (hangul_is_syllable(c) && flags & CHAR_IS_LONE) {
        LoneSyllable *syllable = &lone->syllables[c - HANGUL_FIRST];
        syllable->n = (int32_t)n;
        memcpy(syllable->ids, lone->ids[lone->n_ids], sizeof syllable->ids);
    }
    lone->n_ids++;
}

LoneChars *lone_chars_new(const Tokenizer *tok)
{
    int32_t mark[LONE_IDS];
    if (!has_lone_chars(tok) || ids_alone(tok, SPACE_MARK, mark) != 1)
        return NULL;
    uint8_t *others = plain_chars_others(tok, word_cut_of(tok));
    if (!others)
        return NULL;
    uint8_t *merged = merged_chars(tok);
    if (!are_syllables_lone(tok, merged)) {
        free(merged);
        free(others);
        return NULL;
    }
    LoneChars *lone = mem_alloc(sizeof *lone);
    lone->mark_id = mark[0];
    lone->syllables = mem_alloc(HANGUL_N_SYLLABLES * sizeof *lone->syllables);
    char_table_init(&lone->table, 0);
    for (uint32_t c = 1; c <= LAST_COMMON; c++)
        if (!(others[c / 8] >> c % 8 & 1) && (c < 0xD800 || c > 0xDFFF))
            put_char(lone, tok, c, CHAR_IS_PLAIN | (merged[c / 8] >> c % 8 & 1 ? 0 : CHAR_IS_LONE));
    free(merged);
    free(others);
    return lone;
}

void lone_chars_free(LoneChars *lone)
{
    if (!lone)
        return;
    char_table_release(&lone->table);
    free(lone->ids);
    free(lone->syllables);
    free(lone);
}

/* Lone syllables from `at` on; returns where another character begins. */
static size_t encode_syllables(const LoneSyllable *syllables, const char *word, size_t at, size_t n_bytes, int32_t **ids)
{
    for (; is_syllable(word + at, n_bytes - at); at += SYLLABLE_BYTES) {
        const unsigned char *b = (const unsigned char *)word + at;
        const LoneSyllable *syllable = &syllables[((b[0] & 0xFu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu)) - HANGUL_FIRST];
        if (syllable->n == 0)
            break;
        memcpy(*ids, syllable, sizeof *syllable);  /* its `n` lands behind the ids */
        *ids += syllable->n;
    }
    return at;
}

/* Lone characters from `at` on; returns where another one begins, and sets its value. There is room for an id a byte, and LONE_IDS. */
static size_t encode_run(const LoneChars *lone, const char *word, size_t at, size_t n_bytes, TokenBuffer *out, uint32_t *value)
{
    int32_t *ids = out->ids + out->n;
    for (size_t next;; at = next) {
        next = at = encode_syllables(lone->syllables, word, at, n_bytes, &ids);
        if (at == n_bytes)
            break;
        *value = char_table_read(&lone->table, word, &next, n_bytes);
        if ((*value & CHAR_IS_BOTH) != CHAR_IS_BOTH)
            break;
        memcpy(ids, lone->ids[*value & LONE_INDEX], sizeof *lone->ids);
        ids += *value >> LONE_COUNT_SHIFT & (2 * LONE_IDS - 1);
    }
    out->n = ids - out->ids;
    return at;
}

/* Where the next lone character begins, or the first that is not plain. */
static size_t others_end(const LoneChars *lone, const char *word, size_t at, size_t n_bytes, uint32_t *value, int *n_chars)
{
    *n_chars = 0;
    for (size_t next = at; at < n_bytes; at = next) {
        uint32_t here = char_table_read(&lone->table, word, &next, n_bytes);
        if ((here & CHAR_IS_BOTH) != CHAR_IS_PLAIN) {
            *value = here;
            break;
        }
        ++*n_chars;
    }
    return at;
}

bool lone_chars_may_begin(const LoneChars *lone, const char *word, size_t n_bytes)
{
    size_t next = 0;
    return (char_table_read(&lone->table, word, &next, n_bytes) & CHAR_IS_BOTH) == CHAR_IS_BOTH;
}

bool lone_chars_encode(const LoneChars *lone, const Tokenizer *tok, EncodeScratch *scratch, const char *word, size_t n_bytes, TokenBuffer *out)
{
    int64_t before = out->n, n_room = (int64_t)n_bytes + LONE_IDS + 1;
    token_buffer_reserve(out, n_room);
    out->ids[out->n++] = lone->mark_id;
    for (size_t next = 0;;) {
        uint32_t value;
        int n_chars;
        size_t at = encode_run(lone, word, next, n_bytes, out, &value);
        if (at == n_bytes)
            return true;
        uint32_t first = value;
        next = others_end(lone, word, at, n_bytes, &value, &n_chars);
        if (at == 0 || !(value & CHAR_IS_PLAIN))
            break;
        if (n_chars == 1 && (first >> LONE_COUNT_SHIFT & (2 * LONE_IDS - 1)) == 1) {
            out->ids[out->n++] = lone->ids[first & LONE_INDEX][0];
        } else {
            bpe_encode(tok, scratch, (Piece){.bytes = word + at, .n = next - at}, out);
            token_buffer_reserve(out, n_room);
        }
    }
    out->n = before;
    return false;
}
