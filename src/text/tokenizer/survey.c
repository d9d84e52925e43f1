/* survey.c - what a vocabulary holds: syllables, scripts, and the two spellings of Hangul. */
#include "text/tokenizer/survey.h"
#include "text/tokenizer/byte_level.h"
#include "text/tokenizer/decoder.h"
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/unicode/char_props.h"
#include "text/unicode/normalize.h"

#include <string.h>

typedef enum { SYLLABLE_LOST, SYLLABLE_CHANGED, SYLLABLE_CAME_BACK } SyllableFate;

/* Tokens that touch [begin, begin + 3) of the text. */
static SyllableFate fate_of(const Tokenizer *tok, Arena *arena, const char *text, size_t n, size_t begin, int64_t *n_tokens)
{
    TokenOffset *at;
    TokenSpan ids = tokenizer_encode_with(tok, arena, text, n, 0, &at);
    bool unknown = false;
    *n_tokens = 0;
    for (int64_t i = 0; i < ids.n; i++) {
        bool before = at[i].begin < (int64_t)begin && at[i].end <= (int64_t)begin;
        if (before || at[i].begin >= (int64_t)n)
            continue;  /* parts of one character may have empty ranges at its start */
        ++*n_tokens;
        unknown |= ids.ids[i] == tok->unk_id;
    }
    if (unknown || *n_tokens == 0)
        return SYLLABLE_LOST;
    TokenText back = tokenizer_decode(tok, arena, ids.ids, ids.n, true);
    return memmem(back.bytes, back.n_bytes, text + begin, n - begin) ? SYLLABLE_CAME_BACK : SYLLABLE_CHANGED;
}

SyllableCoverage survey_syllables(const Tokenizer *tok)
{
    static const char *const before[] = {"", " ", "a"};
    SyllableCoverage coverage = {0};
    Arena *arena = arena_new();
    for (uint32_t c = HANGUL_FIRST; c < HANGUL_FIRST + HANGUL_N_SYLLABLES; c++) {
        SyllableFate best = SYLLABLE_LOST;
        int64_t fewest = 0;
        for (int k = 0; k < 3; k++) {
            char text[8];
            size_t n = strlen(before[k]);
            memcpy(text, before[k], n);
            int64_t n_tokens;
            SyllableFate fate = fate_of(tok, arena, text, n + (size_t)utf8_encode(text + n, c), n, &n_tokens);
            if (fate > best || (fate == best && n_tokens < fewest)) {
                best = fate;
                fewest = n_tokens;
            }
        }
        arena_reset(arena);
        coverage.n_lost += best == SYLLABLE_LOST;
        coverage.n_changed += best == SYLLABLE_CHANGED;
        coverage.n_whole += best == SYLLABLE_CAME_BACK && fewest == 1;
        coverage.n_parts += best == SYLLABLE_CAME_BACK && fewest > 1;
        coverage.n_tokens += best == SYLLABLE_LOST ? 0 : fewest;
    }
    arena_free(arena);
    return coverage;
}

TokenText survey_surface(const Tokenizer *tok, Arena *arena, int32_t id)
{
    size_t n;
    const char *text = vocab_text(&tok->vocab, id, &n);
    if (!text)
        return (TokenText){"", 0};
    DecodeState state;
    ByteBuffer out = {0};
    decode_state_init(&state, tok, true);
    state.first = false;
    decode_token(&state, id, &out);
    decode_finish(&state, &out);
    decode_state_release(&state);
    size_t skip = (tok->model == MODEL_WORDPIECE || tok->decodes_with_spaces) && out.n > 1 && out.bytes[0] == ' ' ? 1 : 0;
    TokenText surface = {arena_strndup(arena, out.n ? out.bytes + skip : "", out.n - skip), out.n - skip};
    byte_buffer_release(&out);
    return surface;
}

const char *survey_script_name(TokenScript script)
{
    static const char *const names[N_TOKEN_SCRIPTS] = {"Hangul", "Latin", "Han", "Kana", "Cyrillic", "other letters", "digits", "punctuation and symbols",
                                                 "white space", "parts of characters", "special"};
    return names[script];
}

static bool in(uint32_t c, uint32_t first, uint32_t last)
{
    return c >= first && c <= last;
}

static TokenScript script_of_letter(uint32_t c)
{
    if (in(c, 0xAC00, 0xD7A3) || in(c, 0x1100, 0x11FF) || in(c, 0x3131, 0x318E) || in(c, 0xA960, 0xA97C) || in(c, 0xD7B0, 0xD7FB))
        return TOKEN_HANGUL;
    if (c < 0x250 || in(c, 0x1E00, 0x1EFF) || in(c, 0xFF21, 0xFF5A))
        return TOKEN_LATIN;
    if (in(c, 0x3400, 0x9FFF) || in(c, 0xF900, 0xFAFF) || in(c, 0x20000, 0x323AF) || c == 0x3005)
        return TOKEN_HAN;
    if (in(c, 0x3041, 0x30FF) || in(c, 0x31F0, 0x31FF) || in(c, 0xFF66, 0xFF9F))
        return TOKEN_KANA;
    return in(c, 0x400, 0x52F) ? TOKEN_CYRILLIC : TOKEN_OTHER_LETTERS;
}

static TokenScript script_of_text(const char *text, size_t n)
{
    TokenScript best = TOKEN_SPACES;
    for (size_t at = 0; at < n;) {
        uint32_t c;
        at += (size_t)utf8_decode(&c, text + at, text + n);
        if (c == UTF8_ILL_FORMED)
            return TOKEN_PARTS;
        if (char_is_number(c))
            best = best == TOKEN_SPACES || best == TOKEN_MARKS ? TOKEN_DIGITS : best;
        else if (char_is_word(c) && c != '_')
            return script_of_letter(c);
        else if (!char_is_space(c) && best == TOKEN_SPACES)
            best = TOKEN_MARKS;
    }
    return best;
}

TokenScript survey_script_of(const Tokenizer *tok, int32_t id)
{
    if (tokenizer_is_special(tok, id))
        return TOKEN_SPECIAL;
    size_t n_written;
    const char *written = vocab_text(&tok->vocab, id, &n_written);
    if (tok->byte_fallback && n_written == 6 && memcmp(written, "<0x", 3) == 0)
        return TOKEN_PARTS;
    if (tok->jamo_fallback && jamo_of_fallback(written, n_written) >= 0)
        return TOKEN_PARTS;
    for (int jamo = 0; jamo < HANGUL_N_JAMO && tok->jamo; jamo++)
        if (tok->jamo_id[jamo] == id)
            return TOKEN_PARTS;
    Arena *arena = arena_new();
    TokenText surface = survey_surface(tok, arena, id);
    TokenScript script = script_of_text(surface.bytes, surface.n_bytes);
    arena_free(arena);
    return script;
}

TokenLength survey_mean_length(const Tokenizer *tok)
{
    Arena *arena = arena_new();
    TokenLength mean = {0};
    int64_t n_tokens = 0, n_whole = 0;
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        arena_reset(arena);
        TokenScript script = vocab_text(&tok->vocab, id, NULL) ? survey_script_of(tok, id) : TOKEN_SPECIAL;
        if (script == TOKEN_SPECIAL)
            continue;
        TokenText surface = survey_surface(tok, arena, id);
        n_tokens++;
        mean.n_bytes += (double)surface.n_bytes;
        if (script == TOKEN_PARTS)
            continue;
        n_whole++;
        for (size_t at = 0; at < surface.n_bytes; mean.n_chars++) {
            uint32_t c;
            at += (size_t)utf8_decode(&c, surface.bytes + at, surface.bytes + surface.n_bytes);
        }
    }
    arena_free(arena);
    mean.n_bytes /= n_tokens ? (double)n_tokens : 1.0;
    mean.n_chars /= n_whole ? (double)n_whole : 1.0;
    return mean;
}

void survey_scripts(const Tokenizer *tok, int64_t n_tokens[N_TOKEN_SCRIPTS])
{
    memset(n_tokens, 0, N_TOKEN_SCRIPTS * sizeof *n_tokens);
    for (int32_t id = 0; id < tok->vocab.n_ids; id++)
        if (vocab_text(&tok->vocab, id, NULL))
            n_tokens[survey_script_of(tok, id)]++;
}

/* Words of three syllables, spread over the whole block. */
NfdHazard survey_nfd(const Tokenizer *tok)
{
    Arena *arena = arena_new();
    char text[2048];
    size_t n = 0, n_nfd;
    for (uint32_t i = 0; i < 480; i++) {
        n += (size_t)utf8_encode(text + n, HANGUL_FIRST + i * 7919 % HANGUL_N_SYLLABLES);
        if (i % 3 == 2)
            text[n++] = ' ';
    }
    n--;  /* some tokenizers drop a last space */
    const char *nfd = normalize(arena, NORMALIZE_NFD, text, n, &n_nfd);
    TokenSpan a = tokenizer_encode(tok, arena, text, n), b = tokenizer_encode(tok, arena, nfd, n_nfd);
    TokenText back = tokenizer_decode(tok, arena, b.ids, b.n, true);
    NfdHazard hazard = {
        .inflation = a.n ? (double)b.n / (double)a.n : 0.0,
        .same_ids = a.n == b.n && memcmp(a.ids, b.ids, (size_t)a.n * sizeof *a.ids) == 0,
        .nfd_comes_back = back.n_bytes == n_nfd && memcmp(back.bytes, nfd, n_nfd) == 0,
    };
    arena_free(arena);
    return hazard;
}
